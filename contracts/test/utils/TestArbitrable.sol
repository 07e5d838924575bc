// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IArbitrable} from "src/interfaces/IArbitrable.sol";
import {IDisputeCourt} from "src/interfaces/IDisputeCourt.sol";

/// @dev A market of disputes and nothing else: opens cases for anyone and writes down how they end.
contract TestArbitrable is IArbitrable {
    struct Outcome {
        uint256 rulings;
        uint256 withoutRuling;
        uint16 share;
        address[] jurors;
    }

    IDisputeCourt public court;
    mapping(bytes32 taskId => Outcome) private _outcomes;

    function bind(IDisputeCourt court_) external {
        court = court_;
    }

    function dispute(bytes32 taskId, address buyer, uint64 nodeId) external returns (uint256 caseId) {
        return court.openCase(taskId, buyer, msg.sender, nodeId);
    }

    function rule(bytes32 taskId, uint16 providerShareBps, address[] calldata jurors) external {
        require(msg.sender == address(court), "not the court");
        Outcome storage outcome = _outcomes[taskId];
        ++outcome.rulings;
        outcome.share = providerShareBps;
        outcome.jurors = jurors;
    }

    function closeWithoutRuling(bytes32 taskId) external {
        require(msg.sender == address(court), "not the court");
        ++_outcomes[taskId].withoutRuling;
    }

    function outcomeOf(bytes32 taskId) external view returns (Outcome memory) {
        return _outcomes[taskId];
    }
}
