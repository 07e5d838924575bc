// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Round} from "../types/Dispute.sol";
import {IDisputeCourtBase} from "./IDisputeCourtBase.sol";

/// @title The course of a case
interface IDisputeCourtCore is IDisputeCourtBase {
    /// @notice Marketplace: opens a case. Pulls the buyer side's case fee from `payer`, who approved the court, and takes the
    /// provider's from the node's stake.
    function openCase(bytes32 taskId, address buyer, address payer, uint64 nodeId) external returns (uint256 caseId);
    /// @notice A juror seals its vote: `voteHash`, once. The last one starts the revealing.
    function commitVote(uint256 caseId, bytes32 commitment) external;
    /// @notice A juror opens its vote. The last one makes the ruling.
    function revealVote(uint256 caseId, uint16 share, bytes32 salt) external;
    /// @notice A party demands a jury of 2n + 1, once, and pays its fee (approved before).
    function appeal(uint256 caseId) external;
    /// @notice Anyone, after the deadline of the present period: takes the case to the next one, or closes it.
    function advance(uint256 caseId) external;

    /// @notice keccak256(abi.encode(caseId, round, juror, share, salt)).
    function voteHash(uint256 caseId, Round round, address juror, uint16 share, bytes32 salt)
        external
        pure
        returns (bytes32);
}
