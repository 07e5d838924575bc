// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title The AIIGO token
/// @notice At most 1,000,000,000 AIIGO are ever minted: burning does not make room again. After genesis only the reward
/// distributor mints. No owner, not upgradeable.
contract AIIGOToken is ERC20, ERC20Burnable, ERC20Permit, ERC20Votes {
    /// @dev A share of the genesis supply.
    struct Allocation {
        address to;
        uint256 amount; // AIIGO wei
    }

    uint256 public constant LIFETIME_CAP = 1_000_000_000e18;

    /// @notice The only minter after genesis.
    address public immutable minter;

    /// @notice Everything ever minted, burned tokens included.
    uint256 public lifetimeMinted;

    error NotMinter(address caller);
    error LifetimeCapExceeded(uint256 minted, uint256 cap);
    error ZeroAddress();

    constructor(address minter_, Allocation[] memory genesis) ERC20("AIIGO", "AIIGO") ERC20Permit("AIIGO") {
        if (minter_ == address(0)) revert ZeroAddress();
        minter = minter_;
        for (uint256 i; i < genesis.length; ++i) {
            _mintWithinCap(genesis[i].to, genesis[i].amount);
        }
    }

    /// @notice Mints within the lifetime cap.
    function mint(address to, uint256 amount) external {
        if (msg.sender != minter) revert NotMinter(msg.sender);
        _mintWithinCap(to, amount);
    }

    /// @dev Timestamps (ERC-6372), so that votes mean the same on every chain.
    function clock() public view override returns (uint48) {
        return SafeCast.toUint48(block.timestamp);
    }

    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    function nonces(address owner) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    function _mintWithinCap(address to, uint256 amount) private {
        uint256 total = lifetimeMinted + amount;
        if (total > LIFETIME_CAP) revert LifetimeCapExceeded(total, LIFETIME_CAP);
        lifetimeMinted = total;
        _mint(to, amount);
    }

    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Votes) {
        super._update(from, to, value);
    }
}
