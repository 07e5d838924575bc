// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ResourceType} from "src/types/Resource.sol";
import {TaskStatus} from "src/types/Task.sol";

import {Governance} from "./Governance.sol";
import {Jurors} from "./Jurors.sol";
import {Keepers} from "./Keepers.sol";
import {Replicas} from "./Replicas.sol";
import {Rules} from "./Rules.sol";
import {Stakers} from "./Stakers.sol";

/// @title Whatever happened: all tasks and cases end, all money and all stake leave, while entry is paused
/// @dev Rules 8 and 11. No buyer, provider or juror decides anything: what ends tasks and cases are a keeper's calls and
/// time; then everybody takes what is theirs.
abstract contract Ending is Rules, Jurors, Stakers, Keepers, Replicas, Governance {
    uint256 private constant MOST_STEPS = 60;

    function windDown() external {
        _checkDuties(1);
        _pause(type(uint40).max);
        _checkEntryIsRefused();
        while (live.length != 0) {
            _end(live[0]);
        }
        _endAppeals();
        while (replications.length != 0) {
            _free(replications[0]);
        }
        _takeMoney();
        _takeStakes();
        _takePositions();
        _checkRoles();
    }

    function _end(bytes32 taskId) private {
        for (uint256 i; !_isOver(taskId); ++i) {
            assertLt(i, MOST_STEPS, "8: every task ends by calls that anyone can make");
            bool moved =
                taskBooks[taskId].status == TaskStatus.Disputed ? _advance(taskBooks[taskId].caseId) : _enforce(taskId);
            if (moved) continue;
            skip(1 days);
            vm.roll(block.number + REPLICAS_DRAW_DELAY);
        }
        assertEq(escrow.escrowOf(taskId).amount, 0, "2: an ended task holds nothing");
    }

    /// @dev All cases that are left: those of tasks have ended with them.
    function _endAppeals() private {
        for (uint256 i; cases.length != 0; ++i) {
            assertLt(i, MOST_STEPS, "8: every case ends by calls that anyone can make");
            if (!_advance(cases[0])) skip(1 days);
        }
    }

    /// @dev Of a count no stake answers any more, and no candidate waits.
    function _free(bytes32 taskId) private {
        _waitUntil(replicationBooks[taskId].settleAfter + 1);
        if (replicationBooks[taskId].settleAfter != 0) {
            assertTrue(_settleReplicas(taskId), "8: every count is settled");
        }
        _release(taskId);
        assertEq(replicationBooks[taskId].waiting, 0, "8: nobody waits for a task that is over");
    }

    function _isOver(bytes32 taskId) private view returns (bool) {
        TaskStatus status = taskBooks[taskId].status;
        return status == TaskStatus.Verified || status == TaskStatus.Cancelled || status == TaskStatus.Expired
            || status == TaskStatus.Resolved;
    }

    function _checkEntryIsRefused() private {
        bytes memory entry = abi.encodeCall(registry.registerNode, (ResourceType.GPU, "", address(0), address(0), 0));
        vm.deal(stranger, 1 ether);
        vm.prank(stranger);
        (bool done,) = address(registry).call{value: 0.1 ether}(entry);
        assertFalse(done, "11: a pause refuses nodes");
        vm.prank(faucet);
        token.transfer(stranger, 1);
        vm.prank(stranger);
        token.approve(address(pool), 1);
        assertFalse(_try(stranger, address(pool), abi.encodeCall(pool.stake, (1, 0))), "11: a pause refuses stake");
        // By the books nobody may apply now.
        for (uint256 i; i < replications.length; ++i) {
            if (taskBooks[replications[i]].status == TaskStatus.Recruiting) {
                _applyAll(replications[i], 0, providers.length);
            }
        }
    }

    function _takeMoney() private {
        address[3] memory tokens = _paymentTokens();
        for (uint256 t; t < 3; ++t) {
            for (uint256 i; i < accounts.length; ++i) {
                _withdraw(accounts[i], tokens[t]);
            }
            _collectFees(tokens[t]);
            assertEq(_held(address(escrow), tokens[t]), 0, "11: all money leaves the escrow");
        }
        for (uint256 i; i < accounts.length; ++i) {
            _collect(accounts[i]);
        }
        assertEq(token.balanceOf(address(court)), 0, "11: all fees leave the court");
        if (pendingRoot == 0) return;
        skip(2 days);
        assertTrue(_finalizeRoot(), "11: a bond returns");
    }

    function _takeStakes() private {
        for (uint64 id = 1; id <= providers.length; ++id) {
            if (nodeBooks[id].stake == 0) continue;
            vm.prank(providers[id - 1].owner);
            registry.unstake(id, nodeBooks[id].stake);
            nodeBooks[id].readyAt = block.timestamp + 14 days;
            nodeBooks[id].unbonding += nodeBooks[id].stake;
            nodeBooks[id].stake = 0;
        }
        skip(14 days);
        for (uint64 id = 1; id <= providers.length; ++id) {
            if (nodeBooks[id].unbonding == 0) continue;
            vm.prank(providers[id - 1].owner);
            registry.withdrawStake(id);
            nodeBooks[id].unbonding = 0;
        }
        assertEq(token.balanceOf(address(registry)), 0, "11: all stake leaves the registry");
    }

    function _takePositions() private {
        for (uint256 i; i < jurors.length; ++i) {
            if (!court.membershipOf(jurors[i]).active) continue;
            vm.prank(jurors[i]);
            court.leaveJury();
        }
        skip(court.parameters().holdPeriod + EPOCH);
        for (uint256 i; i < jurors.length; ++i) {
            if (court.membershipOf(jurors[i]).positionId != 0) court.releasePosition(jurors[i]);
        }
        for (uint256 i; i < positionIds.length; ++i) {
            if (positionBooks[positionIds[i]].amount != 0) assertTrue(_unstake(positionIds[i]), "11: stake leaves");
        }
        assertEq(pool.totalStaked(), 0, "11: all stake leaves the pool");
        address[3] memory tokens = _paymentTokens();
        for (uint256 t; t < 3; ++t) {
            for (uint256 i = positionIds.length; i != 0; --i) {
                if (i <= positionIds.length) _claim(positionIds[i - 1], tokens[t]);
            }
        }
        for (uint256 i; i < positionIds.length; ++i) {
            assertEq(positionBooks[positionIds[i]].amount, 0);
        }
        assertEq(positionIds.length, 0, "11: all rewards leave the pool");
    }
}
