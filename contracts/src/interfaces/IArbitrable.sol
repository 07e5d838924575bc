// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What a market answers the court
interface IArbitrable {
    /// @notice Court: the dispute is decided; final.
    /// @param providerShareBps 0: the buyer wins; 10000: the provider wins.
    /// @param jurors Who voted as the ruling, at least one: they share the jurors' part, the remainder to the first.
    function rule(bytes32 taskId, uint16 providerShareBps, address[] calldata jurors) external;
    /// @notice Court: no jury ruled in time; final. What is due is split evenly, without fees, and the bond goes back.
    function closeWithoutRuling(bytes32 taskId) external;
}
