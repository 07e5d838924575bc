// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Extendable} from "../proxy/Extendable.sol";
import {TaskStatus} from "../types/Task.sol";
import {Bids} from "./Bids.sol";
import {Disputes} from "./Disputes.sol";
import {MarketBase, Neighbours} from "./MarketBase.sol";

/// @title The market's third room: what two parties settle between them, by signed bids or before the court
/// @dev Runs by delegatecall, through MarketExtension, on TaskMarketplace's storage and in its name.
contract MarketDeals is Bids, Disputes, Extendable {
    /// @param replicas The fourth room.
    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor(Neighbours memory neighbours, address replicas) MarketBase(neighbours) Extendable(replicas) {}

    /// @inheritdoc Disputes
    function rule(bytes32 taskId, uint16 providerShareBps, address[] calldata jurors) public override {
        if (_isTask(taskId)) super.rule(taskId, providerShareBps, jurors);
        else _fallback();
    }

    /// @inheritdoc Disputes
    function closeWithoutRuling(bytes32 taskId) public override {
        if (_isTask(taskId)) super.closeWithoutRuling(taskId);
        else _fallback();
    }

    /// @dev Else it is an appeal about replicas, whose room is the next one.
    function _isTask(bytes32 taskId) private view returns (bool) {
        return _storage().tasks[taskId].status != TaskStatus.None;
    }
}
