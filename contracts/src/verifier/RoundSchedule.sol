// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IKeeperTips} from "../interfaces/IKeeperTips.sol";
import {IProofOfWorkVerifier} from "../interfaces/IProofOfWorkVerifier.sol";
import {VerifierBase} from "./VerifierBase.sol";

/// @title When a round opens, and with what seed
/// @dev A round is due after the interval and a jitter that only who knows the next preimage can compute: nobody can switch
/// a machine on just for the rounds. The seed mixes that preimage with block values: whoever makes the block doesn't know
/// the preimage before it is revealed, and the challenger doesn't know the block. A challenger that reveals nothing delays
/// a round by the jitter and the reveal window at most, and one that commits to a chain after the last round opened, when it
/// could try chains until a time suits it, gets the greatest jitter.
abstract contract RoundSchedule is VerifierBase {
    // ---------------------------------------------------------------- The challenger

    /// @inheritdoc IProofOfWorkVerifier
    function commitChain(bytes32 head) external {
        VerifierStorage storage $ = _storage();
        if (msg.sender != $.challenger) revert NotChallenger(msg.sender);
        if (head == 0) revert InvalidHead();
        $.chainHead = head;
        $.chainCommittedAt = uint40(block.timestamp);
        emit ChainCommitted(msg.sender, head);
    }

    /// @inheritdoc IProofOfWorkVerifier
    function setChallenger(address challenger_) external onlyOwner {
        _setChallenger(challenger_);
    }

    // ---------------------------------------------------------------- Opening

    /// @inheritdoc IProofOfWorkVerifier
    function openRound(bytes32 preimage) external returns (uint64) {
        VerifierStorage storage $ = _storage();
        if (_hash(preimage) != $.chainHead) revert WrongPreimage(preimage);
        // Whoever commits must not know the block that is mixed in.
        if (block.timestamp <= $.chainCommittedAt) revert ChainTooNew($.chainCommittedAt);
        uint40 dueAt = roundDueAt(preimage);
        if (block.timestamp < dueAt) revert RoundNotDue(dueAt);
        $.chainHead = preimage;
        return _open(preimage);
    }

    /// @inheritdoc IProofOfWorkVerifier
    function openRoundWithoutPreimage() external returns (uint64) {
        uint40 dueAt = roundOpenToAnyoneAt();
        if (block.timestamp < dueAt) revert RoundNotDue(dueAt);
        return _open(0);
    }

    // ---------------------------------------------------------------- Views

    /// @inheritdoc IProofOfWorkVerifier
    function challenger() external view returns (address) {
        return _storage().challenger;
    }

    /// @inheritdoc IProofOfWorkVerifier
    function chainHead() external view returns (bytes32) {
        return _storage().chainHead;
    }

    /// @inheritdoc IProofOfWorkVerifier
    function currentRound() external view returns (Round memory) {
        return _storage().round;
    }

    /// @inheritdoc IProofOfWorkVerifier
    function roundDueAt(bytes32 preimage) public view returns (uint40) {
        VerifierStorage storage $ = _storage();
        Parameters storage rules = $.parameters;
        uint40 added = rules.jitter;
        if ($.chainCommittedAt < $.round.openedAt) {
            // The last seed is in it, so that who made the chain before that round could not choose its times.
            uint256 random = uint256(keccak256(abi.encode(preimage, $.round.seed)));
            // casting is safe: at most the jitter, a uint32
            // forge-lint: disable-next-line(unsafe-typecast)
            added = uint40(random % (uint256(rules.jitter) + 1));
        }
        return _notBeforeFinished($.round, $.round.openedAt + rules.auditInterval + added);
    }

    /// @inheritdoc IProofOfWorkVerifier
    function roundOpenToAnyoneAt() public view returns (uint40) {
        VerifierStorage storage $ = _storage();
        return _notBeforeFinished($.round, $.round.openedAt + _longestInterval($.parameters) + 1);
    }

    // ---------------------------------------------------------------- Inside

    function _open(bytes32 preimage) private returns (uint64 number) {
        VerifierStorage storage $ = _storage();
        Round storage round = $.round;
        number = round.number + 1;
        bytes32 seed = keccak256(abi.encode(preimage, entropySource.entropy(), number));
        uint40 openedAt = uint40(block.timestamp);
        uint40 deadline = openedAt + $.parameters.window;
        uint40 finishesAt = deadline + $.parameters.lateWindow;
        $.round = Round({seed: seed, number: number, openedAt: openedAt, deadline: deadline, finishesAt: finishesAt});
        emit RoundOpened(number, msg.sender, preimage, seed, openedAt, deadline, finishesAt);
        keeperTips.tip(IKeeperTips.Duty.OpenRound, msg.sender);
    }

    /// @dev At the deployment, or by governance.
    function _setChallenger(address challenger_) internal {
        VerifierStorage storage $ = _storage();
        $.challenger = challenger_;
        $.chainHead = 0;
        emit ChallengerChanged(challenger_);
    }

    /// @dev Parameters may have changed since the round opened.
    function _notBeforeFinished(Round storage round, uint40 time) private view returns (uint40) {
        return time > round.finishesAt ? time : round.finishesAt + 1;
    }

    function _hash(bytes32 preimage) private pure returns (bytes32) {
        return keccak256(abi.encode(preimage));
    }
}
