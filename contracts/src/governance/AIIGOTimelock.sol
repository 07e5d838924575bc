// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";

/// @title Treasury and owner of the protocol
/// @notice OpenZeppelin's timelock without an administrator: its roles change only by its own delayed calls. The
/// treasury does not vote: it delegates to the governor's vote sink.
contract AIIGOTimelock is TimelockController {
    /// @param minDelay Seconds between queueing and executing.
    /// @param proposers The governor; it may also cancel.
    /// @param executors The zero address: anyone.
    /// @param token The AIIGO token, deployed before the timelock.
    /// @param voteSink The address whose votes the governor leaves out of the quorum.
    constructor(
        uint256 minDelay,
        address[] memory proposers,
        address[] memory executors,
        IVotes token,
        address voteSink
    ) TimelockController(minDelay, proposers, executors, address(0)) {
        token.delegate(voteSink);
    }
}
