// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IEscrowManager} from "./interfaces/IEscrowManager.sol";
import {BPS, MAX_FEE_BPS} from "./libraries/Shares.sol";

/// @title Holds task money
/// @dev Holdings per token are never less than the balances and open escrows in it: every credit is money taken from one
/// escrow, and an escrow is deleted before its money is credited.
///
/// Assumes that the marketplace lists only ERC-20 tokens that move exactly the amount asked for and do not rebase; a
/// transfer fee is refused on the way in. Money sent here by accident is not credited to anybody.
contract EscrowManager is IEscrowManager, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice The only caller that moves escrows.
    address public immutable marketplace;
    /// @inheritdoc IEscrowManager
    address public immutable treasury;

    mapping(bytes32 taskId => Escrow) private _escrows;
    mapping(address account => mapping(address token => uint256)) private _balances;

    modifier onlyMarketplace() {
        _checkMarketplace();
        _;
    }

    constructor(address marketplace_, address treasury_) {
        if (marketplace_ == address(0) || treasury_ == address(0)) revert ZeroAddress();
        marketplace = marketplace_;
        treasury = treasury_;
    }

    // ---------------------------------------------------------------- Marketplace

    /// @inheritdoc IEscrowManager
    function deposit(bytes32 taskId, address token, address payer, uint256 amount)
        external
        payable
        onlyMarketplace
        nonReentrant
    {
        if (amount == 0) revert ZeroAmount();
        if (amount > type(uint96).max) revert AmountTooLarge(amount);
        if (_escrows[taskId].amount != 0) revert EscrowExists(taskId);
        _checkValue(token, amount);
        // casting is safe: checked above
        // forge-lint: disable-next-line(unsafe-typecast)
        _escrows[taskId] = Escrow({token: token, amount: uint96(amount)});
        emit Deposited(taskId, payer, token, amount);
        if (token != address(0)) _pull(token, payer, amount);
    }

    /// @inheritdoc IEscrowManager
    function topUp(bytes32 taskId, address payer, uint256 amount) external payable onlyMarketplace nonReentrant {
        if (amount == 0) revert ZeroAmount();
        Escrow memory escrow = _open(taskId);
        uint256 total = escrow.amount + amount;
        if (total > type(uint96).max) revert AmountTooLarge(total);
        _checkValue(escrow.token, amount);
        // casting is safe: checked above
        // forge-lint: disable-next-line(unsafe-typecast)
        _escrows[taskId].amount = uint96(total);
        emit ToppedUp(taskId, payer, escrow.token, amount, total);
        if (escrow.token != address(0)) _pull(escrow.token, payer, amount);
    }

    /// @inheritdoc IEscrowManager
    function splitPayment(bytes32 taskId, address[] calldata accounts, uint256[] calldata amounts)
        external
        onlyMarketplace
    {
        Escrow memory escrow = _close(taskId);
        uint256 sum;
        for (uint256 i; i < accounts.length; ++i) {
            sum += amounts[i];
            _credit(accounts[i], escrow.token, amounts[i]);
        }
        if (sum != escrow.amount) revert WrongSplit(taskId, sum, escrow.amount);
        emit PaymentSplit(taskId, escrow.token, accounts, amounts);
    }

    /// @inheritdoc IEscrowManager
    function release(bytes32 taskId, address provider, address buyer, uint256 due, uint16 feeBps, uint16 rebateBps)
        external
        onlyMarketplace
        returns (uint256 providerAmount, uint256 feeAmount)
    {
        if (feeBps + rebateBps > MAX_FEE_BPS) revert FeeTooHigh(feeBps + rebateBps);
        Escrow memory escrow = _close(taskId);
        if (due > escrow.amount) revert DueExceedsEscrow(taskId, due, escrow.amount);
        feeAmount = due * feeBps / BPS;
        providerAmount = due - feeAmount - due * rebateBps / BPS;
        uint256 refundAmount = escrow.amount - providerAmount - feeAmount;
        _credit(provider, escrow.token, providerAmount);
        _credit(treasury, escrow.token, feeAmount);
        _credit(buyer, escrow.token, refundAmount);
        emit Released(taskId, provider, escrow.token, providerAmount, feeAmount, buyer, refundAmount);
    }

    /// @inheritdoc IEscrowManager
    function refund(bytes32 taskId, address buyer) external onlyMarketplace {
        Escrow memory escrow = _close(taskId);
        _credit(buyer, escrow.token, escrow.amount);
        emit Refunded(taskId, buyer, escrow.token, escrow.amount);
    }

    /// @inheritdoc IEscrowManager
    function payTip(bytes32 taskId, address to, uint256 amount) external onlyMarketplace {
        Escrow memory escrow = _open(taskId);
        // A tip never empties an escrow: it would look closed.
        if (amount >= escrow.amount) revert DueExceedsEscrow(taskId, amount, escrow.amount);
        // casting is safe: less than a uint96
        // forge-lint: disable-next-line(unsafe-typecast)
        _escrows[taskId].amount = escrow.amount - uint96(amount);
        _credit(to, escrow.token, amount);
        emit TipPaid(taskId, to, escrow.token, amount);
    }

    // ---------------------------------------------------------------- Everybody

    /// @inheritdoc IEscrowManager
    function withdraw(address token, address to) external nonReentrant returns (uint256 amount) {
        if (to == address(0)) revert ZeroAddress();
        amount = _balances[msg.sender][token];
        if (amount == 0) revert NothingToWithdraw(msg.sender, token);
        delete _balances[msg.sender][token];
        emit Withdrawn(msg.sender, token, to, amount);
        if (token == address(0)) {
            (bool sent,) = to.call{value: amount}("");
            if (!sent) revert TransferFailed(to, amount);
        } else {
            IERC20(token).safeTransfer(to, amount);
        }
    }

    /// @inheritdoc IEscrowManager
    function escrowOf(bytes32 taskId) external view returns (Escrow memory) {
        return _escrows[taskId];
    }

    /// @inheritdoc IEscrowManager
    function balanceOf(address account, address token) external view returns (uint256) {
        return _balances[account][token];
    }

    // ---------------------------------------------------------------- Inside

    function _pull(address token, address payer, uint256 amount) private {
        uint256 before = IERC20(token).balanceOf(address(this));
        // The marketplace passes its own caller as the payer: nobody spends another's allowance.
        // slither-disable-next-line arbitrary-send-erc20
        IERC20(token).safeTransferFrom(payer, address(this), amount);
        uint256 received = IERC20(token).balanceOf(address(this)) - before;
        if (received != amount) revert TokenTookFee(token, received, amount);
    }

    /// @dev ETH comes with the call, to the wei; a token's payment never does.
    function _checkValue(address token, uint256 amount) private view {
        uint256 value = token == address(0) ? amount : 0;
        if (msg.value != value) revert WrongValue(msg.value, value);
    }

    function _open(bytes32 taskId) private view returns (Escrow memory escrow) {
        escrow = _escrows[taskId];
        if (escrow.amount == 0) revert NoEscrow(taskId);
    }

    function _close(bytes32 taskId) private returns (Escrow memory escrow) {
        escrow = _open(taskId);
        delete _escrows[taskId];
    }

    function _credit(address account, address token, uint256 amount) private {
        if (amount != 0) _balances[account][token] += amount;
    }

    function _checkMarketplace() private view {
        if (msg.sender != marketplace) revert NotMarketplace(msg.sender);
    }
}
