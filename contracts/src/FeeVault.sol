// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IEscrowManager} from "./interfaces/IEscrowManager.sol";
import {IFeeVault} from "./interfaces/IFeeVault.sol";
import {IStakingPool} from "./interfaces/IStakingPool.sol";
import {BPS} from "./libraries/Shares.sol";

/// @title Where the protocol's fees go: a share to the stakers, the rest to the treasury
/// @dev Nothing stays here: both receivers are immutable, and a collection passes on all that the vault has. The pool is
/// not called in a try: whoever calls could starve it of gas to send the stakers' share to the treasury. Should a token
/// refuse the pool, governance sets its share to zero. Not upgradeable.
contract FeeVault is IFeeVault, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice The most that stakers can get of a fee, basis points. Rewards give a provider at most half of its fee, so
    /// washing doesn't pay even for the only staker.
    uint256 public constant MAX_STAKER_SHARE_BPS = 5_000;

    IEscrowManager public immutable escrow;
    IStakingPool public immutable pool;
    /// @notice Gets the rest and sets the shares: the timelock.
    address public immutable treasury;

    /// @inheritdoc IFeeVault
    mapping(address token => uint16) public stakerShareOf;

    constructor(IEscrowManager escrow_, IStakingPool pool_, address treasury_, ShareConfig[] memory shares) {
        if (address(escrow_) == address(0) || address(pool_) == address(0) || treasury_ == address(0)) {
            revert ZeroAddress();
        }
        escrow = escrow_;
        pool = pool_;
        treasury = treasury_;
        for (uint256 i; i < shares.length; ++i) {
            _setStakerShare(shares[i].token, shares[i].stakerShareBps);
        }
    }

    /// @notice The escrow pays ETH here. What anyone else sends is a gift to stakers and treasury.
    receive() external payable {}

    /// @inheritdoc IFeeVault
    function collect(address token) external nonReentrant returns (uint256 toStakers, uint256 toTreasury) {
        if (escrow.balanceOf(address(this), token) > 0) escrow.withdraw(token, address(this));
        uint256 amount = _held(token);
        if (amount == 0) revert NothingToCollect(token);
        if (pool.isRewardToken(token)) toStakers = amount * stakerShareOf[token] / BPS;
        toTreasury = amount - toStakers;
        emit FeesCollected(token, msg.sender, toStakers, toTreasury);
        if (token == address(0)) {
            if (toStakers > 0) pool.notifyReward{value: toStakers}(token, toStakers);
            (bool sent,) = treasury.call{value: toTreasury}("");
            if (!sent) revert TransferFailed(treasury, toTreasury);
        } else {
            if (toStakers > 0) {
                IERC20(token).forceApprove(address(pool), toStakers);
                pool.notifyReward(token, toStakers);
            }
            IERC20(token).safeTransfer(treasury, toTreasury);
        }
    }

    /// @inheritdoc IFeeVault
    function setStakerShare(address token, uint16 stakerShareBps) external {
        if (msg.sender != treasury) revert NotTreasury(msg.sender);
        _setStakerShare(token, stakerShareBps);
    }

    /// @inheritdoc IFeeVault
    function collectable(address token) external view returns (uint256) {
        return escrow.balanceOf(address(this), token) + _held(token);
    }

    function _held(address token) private view returns (uint256) {
        return token == address(0) ? address(this).balance : IERC20(token).balanceOf(address(this));
    }

    function _setStakerShare(address token, uint16 stakerShareBps) private {
        if (stakerShareBps > MAX_STAKER_SHARE_BPS) revert ShareTooHigh(stakerShareBps);
        stakerShareOf[token] = stakerShareBps;
        emit FeeShareChanged(token, stakerShareBps);
    }
}
