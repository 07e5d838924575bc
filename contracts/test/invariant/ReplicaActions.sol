// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDisputeCourtCore} from "src/interfaces/IDisputeCourtCore.sol";
import {ITaskMarketplace} from "src/interfaces/ITaskMarketplace.sol";
import {ReplicaSeat, ReplicaStatus, Replication} from "src/types/Replica.sol";
import {Task, TaskRequest, TaskStatus} from "src/types/Task.sol";

import {Node} from "../utils/MarketFixture.sol";
import {HandlerBase} from "./HandlerBase.sol";

/// @title What buyers and providers do in replicated tasks
abstract contract ReplicaActions is HandlerBase {
    mapping(bytes32 taskId => mapping(uint64 nodeId => bytes32)) private _results;
    bytes32[] private _replicated;
    uint256 private _rulings;

    function createReplicated(uint256 who, uint256 price, uint256 duration, uint256 replicas) external {
        TaskRequest memory asked = replicated(replicas % 4 == 0 ? 5 : 3);
        asked.duration = uint32(_bound(duration, 1 minutes, 1 hours));
        asked.acceptWindow = uint32(_bound(duration / 7, 20 minutes, 3 hours));
        asked.pricePerHour = uint96(_bound(price, 0.001 ether, 1 ether));
        if (price % 4 == 0) {
            asked.paymentToken = address(dollar);
            asked.pricePerHour = uint96(_bound(price, 1.2e6, 1_000e6));
        }
        (uint96 cost, uint256 tips) = market.quote(asked);
        address who_ = buyers[who % buyers.length];
        vm.deal(who_, 1_000 ether);
        bytes32 taskId = createTask(who_, asked);
        tasks.push(taskId);
        _replicated.push(taskId);
        deposited[asked.paymentToken] += cost + tips;
        ++reached["replicas created"];
    }

    function applyAll(uint256 seed, uint256 count) external {
        bytes32 taskId = _recruiting(seed);
        if (taskId != 0) _applyAll(taskId, seed, count);
    }

    function _applyAll(bytes32 taskId, uint256 seed, uint256 count) internal {
        address paidIn = market.taskOf(taskId).paymentToken;
        count = _bound(count, 1, nodes.length);
        for (uint256 i; i < count; ++i) {
            Node memory node = nodes[(seed % nodes.length + i) % nodes.length];
            vm.prank(node.operator);
            try market.applyForReplica(taskId, node.id) {
                _checkLoad(node, paidIn);
                ++reached["replica applied"];
            } catch (bytes memory reason) {
                ++refused[bytes4(reason)];
            }
        }
    }

    function takeApplicationBack(uint256 seed) external {
        bytes32 taskId = _recruiting(seed);
        if (taskId == 0) return;
        uint64[] memory candidates = market.candidatesOf(taskId, 0, nodes.length);
        if (candidates.length == 0) return;
        // Now and then as soon as the last one has applied, so that it is in time.
        uint256 index = seed % 4 == 0 ? candidates.length - 1 : seed % candidates.length;
        Node memory node = _nodeWith(candidates[index]);
        vm.prank(node.operator);
        try market.withdrawApplication(taskId, node.id) {
            ++reached["application taken back"];
        } catch (bytes memory reason) {
            ++refused[bytes4(reason)];
        }
    }

    /// @dev Whoever may be freed is.
    function releaseEverybody() external {
        for (uint256 i; i < _replicated.length; ++i) {
            releaseAll(_replicated[i]);
        }
    }

    function releaseAll(bytes32 taskId) public {
        uint64[] memory ids = new uint64[](nodes.length);
        for (uint256 i; i < ids.length; ++i) {
            ids[i] = nodes[i].id;
        }
        vm.recordLogs();
        market.releaseCandidates(taskId, ids);
        reached["candidates released"] += vm.getRecordedLogs().length;
    }

    function cancelReplicated(uint256 seed) external {
        if (seed % 8 != 0) return;
        for (uint256 i; i < tasks.length; ++i) {
            bytes32 taskId = tasks[(seed % tasks.length + i) % tasks.length];
            if (statusOf(taskId) != TaskStatus.Recruiting) continue;
            Task memory task = market.taskOf(taskId);
            bool may = task.attempts == 0 && block.timestamp <= task.acceptBy;
            if (may || seed % 16 == 0) return _cancelReplicated(taskId);
        }
    }

    /// @dev Most seats commit, most of them to the same.
    function sealResults(uint256 seed, uint256 pattern, uint256 wait) external {
        bytes32 taskId = _task(seed, TaskStatus.Replicating);
        if (taskId == 0) return;
        skip(_bound(wait, 0, 5 minutes));
        _sealAll(taskId, pattern);
    }

    function _sealAll(bytes32 taskId, uint256 pattern) internal {
        ReplicaSeat[] memory seats = market.replicationOf(taskId).seats;
        for (uint256 i; i < seats.length; ++i) {
            uint256 mood = (pattern >> (i * 8)) % 16;
            if (mood == 0) continue;
            bytes32 result = mood < 4 ? keccak256(abi.encode(mood)) : RESULT;
            Node memory node = _nodeWith(seats[i].nodeId);
            bytes32 sealedHash = sealOf(taskId, node, result);
            vm.prank(node.operator);
            try market.sealReplica(taskId, node.id, sealedHash) {
                _results[taskId][node.id] = result;
                ++reached["replica sealed"];
            } catch (bytes memory reason) {
                ++refused[bytes4(reason)];
            }
        }
    }

    /// @dev Most of those who have committed reveal.
    function revealResults(uint256 seed, uint256 pattern, uint256 wait) external {
        bytes32 taskId = _task(seed, TaskStatus.Replicating);
        if (taskId != 0) _revealAll(taskId, pattern, wait);
    }

    function _revealAll(bytes32 taskId, uint256 pattern, uint256 wait) internal {
        Replication memory round = market.replicationOf(taskId);
        if (wait % 2 == 0 && block.timestamp <= round.sealUntil) vm.warp(uint256(round.sealUntil) + 1);
        for (uint256 i; i < round.seats.length; ++i) {
            if (round.seats[i].status != ReplicaStatus.Sealed || (pattern >> (i * 8)) % 8 == 0) continue;
            Node memory node = _nodeWith(round.seats[i].nodeId);
            vm.prank(node.operator);
            try market.revealReplica(taskId, node.id, _results[taskId][node.id], "ipfs://result", SALT) {
                ++reached["replica revealed"];
            } catch (bytes memory reason) {
                ++refused[bytes4(reason)];
            }
        }
    }

    /// @dev One of the minority goes to court. The court itself is mocked: it has its own handlers.
    function appealCount(uint256 seed) external {
        bytes32 taskId = _toSettle(seed);
        if (taskId == 0) return;
        ReplicaSeat[] memory seats = market.replicationOf(taskId).seats;
        bytes memory caseId = abi.encode(seed);
        vm.mockCall(address(suite.court), abi.encodeWithSelector(IDisputeCourtCore.openCase.selector), caseId);
        for (uint256 i; i < seats.length; ++i) {
            if (seats[i].status != ReplicaStatus.Outvoted) continue;
            Node memory node = _nodeWith(seats[i].nodeId);
            vm.prank(node.operator);
            try market.appealReplica(taskId, node.id, "ipfs://evidence") {
                ++reached["appealed"];
            } catch (bytes memory reason) {
                ++refused[bytes4(reason)];
            }
        }
    }

    function ruleOnAppeals(uint256 seed) external {
        bytes32 taskId = _toSettle(seed);
        if (taskId != 0) ruleAll(taskId);
    }

    /// @notice The court rules on every appeal of a task: in turn for either side, for neither, and not at all.
    function ruleAll(bytes32 taskId) public {
        ReplicaSeat[] memory seats = market.replicationOf(taskId).seats;
        uint16[3] memory shares = [0, 10_000, 5_000];
        for (uint256 i; i < seats.length; ++i) {
            if (seats[i].status != ReplicaStatus.Appealed) continue;
            bytes32 appealId = market.appealIdOf(taskId, seats[i].nodeId);
            vm.prank(address(suite.court));
            uint256 kind = _rulings++ % 4;
            if (kind == 3) market.closeWithoutRuling(appealId);
            else market.rule(appealId, shares[kind], new address[](1));
            ++reached[kind == 0 ? "appeal won" : kind == 1 ? "appeal lost" : "appeal undecided"];
        }
    }

    function settleCount(uint256 seed) external {
        bytes32 taskId = _toSettle(seed);
        if (taskId != 0) tryToSettle(taskId);
    }

    /// @notice A keeper's step for a count that was not unanimous.
    function tryToSettle(bytes32 taskId) public returns (bool) {
        bool overruled = market.replicationOf(taskId).overruled;
        try market.settleReplicas(taskId) {
            ++reached[overruled ? "majority slashed" : "minority slashed"];
            return true;
        } catch (bytes memory reason) {
            ++refused[bytes4(reason)];
            return false;
        }
    }

    /// @dev Some task that nodes can apply for, or now and then one that recruits too long.
    function _recruiting(uint256 seed) internal view returns (bytes32) {
        for (uint256 i; i < _replicated.length; ++i) {
            bytes32 taskId = _replicated[(seed % _replicated.length + i) % _replicated.length];
            if (statusOf(taskId) != TaskStatus.Recruiting) continue;
            if (market.taskOf(taskId).acceptBy >= block.timestamp || seed % 8 == 0) return taskId;
        }
        return 0;
    }

    /// @dev Some task that waits for its settlement, or nothing.
    function _toSettle(uint256 seed) private view returns (bytes32) {
        for (uint256 i; i < _replicated.length; ++i) {
            bytes32 taskId = _replicated[(seed % _replicated.length + i) % _replicated.length];
            if (market.replicationOf(taskId).settleAfter != 0) return taskId;
        }
        return 0;
    }

    /// @dev The step that is next, whoever takes it.
    function _nextStep(bytes32 taskId, TaskStatus status) internal returns (bytes memory) {
        if (status == TaskStatus.Replicating) return abi.encodeCall(market.judgeReplicas, (taskId));
        bytes memory header = status == TaskStatus.Drawing ? drawHeader(taskId) : bytes("");
        return abi.encodeCall(market.drawReplicas, (taskId, header));
    }

    function _noteStep(bytes32 taskId, TaskStatus before, TaskStatus next) internal {
        if (before == TaskStatus.Recruiting) {
            if (next == TaskStatus.Recruiting) ++reached["window extended"];
            if (next == TaskStatus.Expired) ++reached["too few applied"];
        }
        if (before == TaskStatus.Drawing && next == TaskStatus.Replicating) ++reached["replicas drawn"];
        if (before == TaskStatus.Replicating) {
            if (next == TaskStatus.Verified) {
                ++reached[market.replicationOf(taskId).settleAfter == 0 ? "unanimous" : "outvoted"];
            }
            if (next == TaskStatus.Recruiting) ++reached["disagreed and reopened"];
            if (next == TaskStatus.Expired) ++reached["disagreed and refunded"];
        }
    }

    function _cancelReplicated(bytes32 taskId) private movesEscrow(taskId) {
        address buyer_ = market.taskOf(taskId).buyer;
        vm.prank(buyer_);
        try market.cancelTask(taskId) {
            ++reached["replicas cancelled"];
        } catch (bytes memory reason) {
            assertEq(bytes4(reason), ITaskMarketplace.TooLateToCancel.selector, "a cancel in time was refused");
        }
    }
}
