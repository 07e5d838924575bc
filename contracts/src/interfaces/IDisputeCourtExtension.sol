// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Case, Seat} from "../types/Dispute.sol";
import {IDisputeCourtBase} from "./IDisputeCourtBase.sol";
import {IJuryPool} from "./IJuryPool.sol";

/// @title Jurors, draws, and what is read
interface IDisputeCourtExtension is IJuryPool, IDisputeCourtBase {
    /// @notice Anyone, after the random block: fills seats, at most `MAX_TRIES` points a call; call again until all are. If
    /// the chain has forgotten the block, fixes a new one.
    /// @param header The random block's header, RLP encoded.
    function draw(uint256 caseId, bytes calldata header) external;
    /// @notice A party says where its evidence is.
    function submitEvidence(uint256 caseId, string calldata evidenceURI) external;
    /// @notice Sends all AIIGO that the court owes the caller to `to`.
    function withdrawFees(address to) external returns (uint256 amount);
    /// @notice Governance: parameters for cases that are opened from now on.
    function setParameters(Parameters calldata parameters) external;

    /// @notice What holds for cases that are opened now.
    function parameters() external view returns (Parameters memory);
    /// @notice What holds for a case: the parameters of its opening.
    function termsOf(uint256 caseId) external view returns (Parameters memory);
    function caseCount() external view returns (uint256);
    function caseOf(uint256 caseId) external view returns (Case memory);
    /// @notice All seats of a case, in the order in which they were drawn.
    function seatsOf(uint256 caseId) external view returns (Seat[] memory);
    /// @notice AIIGO that the account can withdraw.
    function feesOf(address account) external view returns (uint256);
}
