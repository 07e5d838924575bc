// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {NodeInfo, NodeStatus} from "src/types/Node.sol";
import {ReplicaStatus} from "src/types/Replica.sol";
import {TaskStatus} from "src/types/Task.sol";

import {Node} from "../../utils/MarketFixture.sol";
import {Counts} from "./Counts.sol";

/// @title What nodes do in replicated tasks: apply, commit to a result, show it
/// @dev Some are lazy, some wrong, and some seal what another one has sealed.
abstract contract Replicas is Counts {
    // ---------------------------------------------------------------- Candidates

    function nodesApply(uint256 seed) external acts {
        bytes32 taskId = _recruiting(seed);
        if (taskId != 0) _applyAll(taskId, seed, _random(seed, "how many") % providers.length + 1);
    }

    function nodeTakesApplicationBack(uint256 seed) external acts {
        bytes32 taskId = _recruiting(seed);
        if (taskId == 0) return;
        uint64 nodeId = _applicant(taskId, seed);
        if (nodeId == 0) return;
        bool inTime = block.timestamp <= taskBooks[taskId].since;
        bool isListed = replicaBooks[taskId][nodeId].round == _roundOf(taskId);
        bytes memory call = abi.encodeCall(market.withdrawApplication, (taskId, nodeId));
        bool done = _try(providers[nodeId - 1].operator, address(market), call);
        assertEq(done, inTime, "an application is taken back within the window, and only then");
        if (!done) return;
        if (isListed) _bookWithdrawal(taskId, nodeId);
        else _bookRelease(taskId, nodeId);
        ++reached["application taken back"];
    }

    // ---------------------------------------------------------------- Seats

    function nodesSeal(uint256 seed) external acts {
        bytes32 taskId = _replicatedTask(seed, TaskStatus.Replicating);
        if (taskId != 0) _sealAll(taskId, seed);
    }

    function nodesReveal(uint256 seed) external acts {
        bytes32 taskId = _replicatedTask(seed, TaskStatus.Replicating);
        if (taskId != 0) _revealAll(taskId, seed);
    }

    /// @dev Everybody applies, who is drawn works, and all is counted, without anything between.
    function nodesReplicate(uint256 seed) external acts {
        bytes32 taskId = _recruiting(seed);
        if (taskId == 0) return;
        _applyAll(taskId, seed, providers.length);
        _waitUntil(taskBooks[taskId].since + 1);
        if (!_closeWindow(taskId) || taskBooks[taskId].status != TaskStatus.Drawing) return;
        _drawLate(taskId, _seldom(seed, "forget", 16));
        if (taskBooks[taskId].status != TaskStatus.Replicating) return;
        _waitUntil(block.timestamp + _random(seed, "work") % taskBooks[taskId].duration);
        _sealAll(taskId, seed);
        _revealAll(taskId, seed);
        if (!_sealsAreIn(taskId)) {
            _waitUntil(replicationBooks[taskId].sealUntil + 1);
            _revealAll(taskId, seed);
        }
        if (_seldom(seed, "slow", 4)) return;
        if (_count(taskId, ReplicaStatus.Sealed) != 0) _waitUntil(replicationBooks[taskId].revealUntil + 1);
        _judge(taskId);
        if (taskBooks[taskId].status != TaskStatus.Recruiting) _release(taskId);
    }

    // ---------------------------------------------------------------- Inside: candidates

    function _applyAll(bytes32 taskId, uint256 seed, uint256 count) internal {
        uint256 start = _random(seed, "first");
        for (uint256 i; i < count; ++i) {
            _apply(taskId, providers[(start % providers.length + i) % providers.length]);
        }
    }

    function _apply(bytes32 taskId, Node memory provider) private {
        bool may = _mayApply(taskId, provider);
        vm.prank(provider.operator);
        try market.applyForReplica(taskId, provider.id) {
            assertTrue(may, "6: an application that the rules refuse");
            _bookApplication(taskId, provider.id);
            ++reached["replica applied"];
        } catch (bytes memory reason) {
            assertFalse(may, "6: whose stake, power and level allow it can apply");
            if (replicaBooks[taskId][provider.id].excluded) ++reached["excluded from the second round"];
            ++refused[bytes4(reason)];
        }
    }

    function _mayApply(bytes32 taskId, Node memory provider) private view returns (bool) {
        TaskBook storage book = taskBooks[taskId];
        if (_isPaused() || block.timestamp > book.since) return false;
        if (replicaBooks[taskId][provider.id].excluded) return false;
        if (appliedIn[taskId][provider.owner] == _roundOf(taskId)) return false; // with whichever of its nodes
        NodeInfo memory data = info(provider);
        if (data.status != NodeStatus.Active || data.resourceType != book.resource || data.trustLevel < 2) {
            return false;
        }
        if (book.maxAuditAge != 0 && block.timestamp - data.lastAuditAt > book.maxAuditAge) return false;
        return _hasRoom(taskId, provider.id, data);
    }

    /// @dev 6, for a share. What the node holds for the first round is free with the new application.
    function _hasRoom(bytes32 taskId, uint64 nodeId, NodeInfo memory data) private view returns (bool) {
        TaskBook storage book = taskBooks[taskId];
        NodeBook storage node_ = nodeBooks[nodeId];
        bool isIn = replicaBooks[taskId][nodeId].status == ReplicaStatus.Applied;
        uint256 open = openEscrow[nodeId][book.token] + (isIn ? 0 : replicationBooks[taskId].share);
        return node_.running + (isIn ? 0 : 1) <= node_.stake / registry.parameters().minStake
            && node_.power + (isIn ? 0 : book.power) <= data.verifiedPower
            && open <= _capOf(book.token, data.trustLevel);
    }

    function _applicant(bytes32 taskId, uint256 seed) private view returns (uint64) {
        uint256 start = _random(seed, "who");
        for (uint256 i; i < providers.length; ++i) {
            uint64 id = providers[(start % providers.length + i) % providers.length].id;
            if (replicaBooks[taskId][id].status == ReplicaStatus.Applied) return id;
        }
        return 0;
    }

    // ---------------------------------------------------------------- Inside: seats

    function _sealAll(bytes32 taskId, uint256 seed) private {
        uint64[] memory seated = replicationBooks[taskId].seated;
        for (uint256 i; i < seated.length; ++i) {
            if (replicaBooks[taskId][seated[i]].status != ReplicaStatus.Drawn) continue;
            uint256 mood = _random(seed, vm.toString(seated[i])) % 16;
            if (mood == 0 && _seldom(seed, "lazy", 2)) continue;
            if (mood == 1 && _copy(taskId, seated[i])) continue;
            bytes32 result = _resultOf(taskId, i, mood);
            Node memory provider = providers[seated[i] - 1];
            address maker = mood == 2 ? provider.owner : provider.operator;
            _seal(taskId, seated[i], market.replicaSeal(taskId, seated[i], result, SALT, maker), result, maker);
        }
    }

    /// @dev In three tasks of four only a bare majority is mostly right, and the others have one result or each its own.
    function _resultOf(bytes32 taskId, uint256 index, uint256 mood) private view returns (bytes32) {
        bool isOutside = uint256(taskId) % 4 != 0 && index > replicationBooks[taskId].seats / 2;
        bool isRight = isOutside == (mood > 13);
        return isRight ? RESULT : keccak256(abi.encode(uint256(taskId >> 8) % 2 == 0 ? index : 0));
    }

    /// @dev What the first who has sealed has sealed.
    function _copy(bytes32 taskId, uint64 nodeId) private returns (bool copied) {
        uint64[] memory seated = replicationBooks[taskId].seated;
        for (uint256 i; i < seated.length; ++i) {
            ReplicaBook storage other = replicaBooks[taskId][seated[i]];
            if (other.status != ReplicaStatus.Sealed) continue;
            _seal(taskId, nodeId, other.sealedHash, 0, providers[nodeId - 1].operator);
            ++reached["seal copied"];
            return true;
        }
    }

    function _seal(bytes32 taskId, uint64 nodeId, bytes32 sealedHash, bytes32 result, address maker) private {
        ReplicationBook storage round = replicationBooks[taskId];
        bool may = block.timestamp <= round.sealUntil && !nodeBooks[nodeId].banned;
        bytes memory call = abi.encodeCall(market.sealReplica, (taskId, nodeId, sealedHash));
        bool done = _try(maker, address(market), call);
        assertEq(done, may, "a result is sealed in time, and not by a banned node");
        if (!done) return;
        ReplicaBook storage replica = replicaBooks[taskId][nodeId];
        (replica.status, replica.sealedHash, replica.result) = (ReplicaStatus.Sealed, sealedHash, result);
        (replica.maker, replica.elapsed) = (maker, block.timestamp - taskBooks[taskId].since);
        _bookDelivery(nodeId, taskBooks[taskId]);
        if (_count(taskId, ReplicaStatus.Drawn) == 0) round.revealUntil = block.timestamp + REVEAL_WINDOW;
        assertFalse(_try(maker, address(market), call), "a result is sealed once");
        ++reached["result sealed"];
    }

    function _revealAll(bytes32 taskId, uint256 seed) private {
        ReplicationBook storage round = replicationBooks[taskId];
        bool may = _sealsAreIn(taskId) && block.timestamp <= round.revealUntil;
        for (uint256 i; i < round.seated.length; ++i) {
            ReplicaBook storage replica = replicaBooks[taskId][round.seated[i]];
            if (replica.status != ReplicaStatus.Sealed) continue;
            if (replica.result == 0) _openCopied(taskId, round.seated[i], may);
            else if (_random(seed, vm.toString(i)) % 12 != 0) _reveal(taskId, round.seated[i], may);
        }
    }

    function _reveal(bytes32 taskId, uint64 nodeId, bool may) private {
        ReplicaBook storage replica = replicaBooks[taskId][nodeId];
        bytes memory call =
            abi.encodeCall(market.revealReplica, (taskId, nodeId, replica.result, "ipfs://result", SALT));
        assertFalse(_try(stranger, address(market), call), "only who sealed a result shows it");
        bool done = _try(replica.maker, address(market), call);
        assertEq(done, may, "a result is shown when nobody can seal any more, in time");
        if (!done) {
            ++reached["shown too early or too late"];
            return;
        }
        replica.status = ReplicaStatus.Revealed;
        if (replica.maker != providers[nodeId - 1].operator) ++reached["shown by the owner or an old operator"];
        ++reached["result shown"];
    }

    /// @dev With what is in the other's seal, which names its node and its maker.
    function _openCopied(bytes32 taskId, uint64 nodeId, bool inTime) private {
        address maker = replicaBooks[taskId][nodeId].maker;
        uint64[] memory seated = replicationBooks[taskId].seated;
        for (uint256 i; i < seated.length; ++i) {
            bytes32 result = replicaBooks[taskId][seated[i]].result;
            bytes memory call = abi.encodeCall(market.revealReplica, (taskId, nodeId, result, "ipfs://result", SALT));
            assertFalse(_try(maker, address(market), call), "a copied seal opens for nobody");
        }
        if (inTime) ++reached["copied seal refused"];
    }
}
