// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Case} from "src/types/Dispute.sol";
import {ReplicaStatus} from "src/types/Replica.sol";

import {Node} from "../../utils/MarketFixture.sol";
import {ReplicaBooks} from "./ReplicaBooks.sol";

/// @title How outvoted nodes take the majority to court
abstract contract Appeals is ReplicaBooks {
    /// @dev The owner or the operator of some outvoted node, in time or late. Mostly one speaks for all.
    function outvotedAppeals(uint256 seed) external acts {
        bytes32 taskId = _unsettled(seed);
        if (taskId == 0 || cases.length == MAX_CASES) return;
        if (replicationBooks[taskId].openAppeals != 0 && !_seldom(seed, "alone", 4)) return;
        uint64[] memory seated = replicationBooks[taskId].seated;
        uint256 start = _random(seed, "seat");
        for (uint256 i; i < seated.length; ++i) {
            uint64 nodeId = seated[(start % seated.length + i) % seated.length];
            if (replicaBooks[taskId][nodeId].status != ReplicaStatus.Outvoted) continue;
            Node memory provider = providers[nodeId - 1];
            return _appealCount(taskId, provider, _seldom(seed, "by", 2) ? provider.owner : provider.operator);
        }
    }

    // ---------------------------------------------------------------- Inside

    function _appealCount(bytes32 taskId, Node memory provider, address by) private {
        ReplicationBook storage round = replicationBooks[taskId];
        bool inTime = block.timestamp <= round.settleAfter;
        uint256 fee = court.parameters().caseFee;
        _fund(by, address(token), fee, address(court));
        vm.prank(by);
        try market.appealReplica(taskId, provider.id, "ipfs://evidence") returns (uint256 caseId) {
            assertTrue(inTime, "appealed after the time for it");
            bytes32 appealId = keccak256(abi.encode(taskId, provider.id));
            appealBooks[appealId] = AppealBook(taskId, provider.id);
            replicaBooks[taskId][provider.id].status = ReplicaStatus.Appealed;
            round.openAppeals += 1;
            uint64 respondent = _firstOfMajority(taskId);
            _checkParties(caseId, appealId, provider.owner, by, respondent);
            _bookCase(caseId, appealId, respondent, fee);
            _meet(by);
            ++reached["count appealed"];
        } catch {
            assertFalse(inTime, "an appeal was refused");
        }
    }

    function _checkParties(uint256 caseId, bytes32 appealId, address owner, address by, uint64 respondent)
        private
        view
    {
        Case memory c = court.caseOf(caseId);
        assertEq(c.taskId, appealId, "an appeal has an id of its own");
        assertEq(c.buyer, owner, "the outvoted node's owner is a party");
        assertEq(c.payer, by, "who appeals pays");
        assertEq(c.nodeId, respondent, "the first of the majority answers for it");
    }

    function _firstOfMajority(bytes32 taskId) private view returns (uint64) {
        uint64[] storage seated = replicationBooks[taskId].seated;
        uint256 i;
        while (replicaBooks[taskId][seated[i]].status != ReplicaStatus.Agreed) ++i;
        return seated[i];
    }
}
