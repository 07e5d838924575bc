// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEntryPausable} from "../interfaces/IEntryPausable.sol";
import {IGuardian} from "../interfaces/IGuardian.sol";
import {IRewardDistributor} from "../interfaces/IRewardDistributor.sol";

/// @title Stops entry in an emergency, and reward roots that are wrong
/// @dev Its targets know it as an immutable, so what the guardian account can do is what stands here. Not upgradeable.
contract Guardian is IGuardian {
    /// @notice How long a pause lasts, seconds.
    uint40 public constant PAUSE = 14 days;
    /// @notice From one pause to the next, seconds: entry is open for three quarters of the time at least.
    uint40 public constant PAUSE_INTERVAL = 60 days;

    address public immutable timelock;
    IRewardDistributor public immutable distributor;

    // slot 0
    /// @inheritdoc IGuardian
    address public guardian;
    /// @inheritdoc IGuardian
    uint40 public nextPauseAt;
    // slot 1
    IEntryPausable[] private _targets;

    modifier onlyGuardian() {
        _checkGuardian();
        _;
    }

    /// @param guardian_ May be nobody until governance decides.
    constructor(
        address timelock_,
        IRewardDistributor distributor_,
        IEntryPausable[] memory targets_,
        address guardian_
    ) {
        if (timelock_ == address(0) || address(distributor_) == address(0)) revert ZeroAddress();
        timelock = timelock_;
        distributor = distributor_;
        for (uint256 i; i < targets_.length; ++i) {
            if (address(targets_[i]) == address(0)) revert ZeroAddress();
            _targets.push(targets_[i]);
        }
        _setGuardian(guardian_);
    }

    /// @inheritdoc IGuardian
    function pause() external onlyGuardian {
        uint40 time = uint40(block.timestamp);
        if (time < nextPauseAt) revert PausedRecently(nextPauseAt);
        nextPauseAt = time + PAUSE_INTERVAL;
        uint40 until = time + PAUSE;
        emit Paused(msg.sender, until);
        uint256 count = _targets.length;
        for (uint256 i; i < count; ++i) {
            try _targets[i].pauseEntry(until) {}
            catch (bytes memory reason) {
                emit TargetNotPaused(address(_targets[i]), reason);
            }
        }
    }

    /// @inheritdoc IGuardian
    function vetoRoot(uint256 rootId) external onlyGuardian {
        distributor.vetoRoot(rootId);
    }

    /// @inheritdoc IGuardian
    function setGuardian(address guardian_) external {
        if (msg.sender != timelock) revert NotTimelock(msg.sender);
        _setGuardian(guardian_);
    }

    /// @inheritdoc IGuardian
    function targets() external view returns (address[] memory all) {
        all = new address[](_targets.length);
        for (uint256 i; i < all.length; ++i) {
            all[i] = address(_targets[i]);
        }
    }

    function _setGuardian(address guardian_) private {
        guardian = guardian_;
        emit GuardianChanged(guardian_);
    }

    function _checkGuardian() private view {
        if (msg.sender != guardian) revert NotGuardian(msg.sender);
    }
}
