// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";

import {IProofOfWorkVerifier} from "src/interfaces/IProofOfWorkVerifier.sol";
import {IStakingPool} from "src/interfaces/IStakingPool.sol";
import {NodeInfo} from "src/types/Node.sol";

import {Node} from "../../utils/MarketFixture.sol";
import {Attackers} from "./Attackers.sol";
import {Court} from "./Court.sol";
import {ReplicaRules} from "./ReplicaRules.sol";

/// @title The rules of DESIGN 2.10 that hold after every call, and what the books say about them
/// @dev 8 and 11 are what `Ending` does; 6, 9, 10 and 11 are also asserted where somebody acts.
abstract contract Rules is Court, ReplicaRules, Attackers {
    uint256 private constant GENESIS = 600_000_000e18;

    /// @notice 1. Escrow holds its balances and open escrows; each is what the books say; nothing else moves money.
    function escrowHoldsWhatItOwes() external view {
        address[3] memory tokens = _paymentTokens();
        for (uint256 t; t < 3; ++t) {
            address paidIn = tokens[t];
            uint256 sum;
            for (uint256 i; i < accounts.length; ++i) {
                sum += owed[accounts[i]][paidIn];
                assertEq(escrow.balanceOf(accounts[i], paidIn), owed[accounts[i]][paidIn], "1: a balance");
            }
            for (uint256 i; i < live.length; ++i) {
                if (taskBooks[live[i]].token == paidIn) sum += taskBooks[live[i]].held;
            }
            assertEq(_held(address(escrow), paidIn), sum, "1: holdings are balances and open escrows");
            assertEq(sum, moneyIn[paidIn] - moneyOut[paidIn], "1: nothing else moves money");
        }
    }

    /// @notice 2. Each task is in the state the rules say, and its escrow holds what is not paid yet.
    function eachEscrowIsPaidOnce() external view {
        for (uint256 i; i < live.length; ++i) {
            assertEq(uint8(statusOf(live[i])), uint8(taskBooks[live[i]].status), "2: the status of a task");
            assertEq(escrow.escrowOf(live[i]).amount, taskBooks[live[i]].held, "2: what a task's escrow holds");
        }
        for (uint256 i = ended.length > 3 ? ended.length - 3 : 0; i < ended.length; ++i) {
            assertEq(uint8(statusOf(ended[i])), uint8(taskBooks[ended[i]].status), "2: an ended task stays so");
            assertEq(escrow.escrowOf(ended[i]).amount, 0, "2: an ended task holds nothing");
        }
    }

    /// @notice 3. The registry's AIIGO are all nodes' stake and unbonding; each is what the books say.
    function registryHoldsStakeAndUnbonding() external view {
        uint256 sum;
        for (uint64 id = 1; id <= providers.length; ++id) {
            NodeInfo memory data = registry.nodeInfo(id);
            assertEq(data.stake, nodeBooks[id].stake, "3: a node's stake");
            assertEq(data.unbonding, nodeBooks[id].unbonding, "3: what unbonds of a node");
            sum += nodeBooks[id].stake + nodeBooks[id].unbonding;
        }
        assertEq(token.balanceOf(address(registry)), sum, "3: the registry's AIIGO");
    }

    /// @notice 4. The pool holds positions and rewards; every funded unit is paid, owed or to come; what can be claimed is
    /// owed. What belongs to a juror is frozen, and nothing else.
    function poolHoldsPositionsAndRewards() external view {
        uint256 sum;
        for (uint256 i; i < positionIds.length; ++i) {
            PositionBook storage book = positionBooks[positionIds[i]];
            if (book.amount == 0) continue;
            IStakingPool.Position memory position = pool.positionOf(positionIds[i]);
            assertEq(position.amount, book.amount, "4: a position");
            assertEq(position.owner, book.owner, "9: a position's owner");
            assertEq(position.unlocksAt, book.unlocksAt, "9: a position's lock");
            bool isJurors = court.jurorOf(positionIds[i]) != address(0);
            assertEq(position.frozen, isJurors ? book.amount : 0, "4: a juror's whole position is frozen");
            sum += book.amount;
        }
        assertEq(pool.totalStaked(), sum, "4: all positions");
        address[3] memory tokens = _paymentTokens();
        for (uint256 t; t < 3; ++t) {
            uint256 held = _held(address(pool), tokens[t]);
            if (tokens[t] == address(token)) held -= sum;
            uint256 toCome = pool.undistributed(tokens[t]);
            uint256 owedNow = pool.owed(tokens[t]);
            assertEq(held, toCome + owedNow, "4: the pool holds what it owes");
            assertEq(pool.funded(tokens[t]), funded[tokens[t]], "4: what was funded");
            assertEq(funded[tokens[t]], paid[tokens[t]] + owedNow + toCome, "4: funded is paid, owed or to come");
            uint256 claimable;
            for (uint256 i; i < positionIds.length; ++i) {
                claimable += pool.claimable(positionIds[i], tokens[t]);
            }
            assertLe(claimable, owedNow, "4: what can be claimed is owed");
        }
    }

    /// @notice 5. Minted within cap and schedule, by the schedule's own formula; burned what the rules burn.
    function mintedWithinCapAndSchedule() external view {
        uint256 community = token.lifetimeMinted() - GENESIS;
        assertLe(community, _scheduleAt(block.timestamp), "5: the community's share is within its schedule");
        assertEq(suite.distributor.minted(), community, "5: only the distributor mints");
        assertEq(token.totalSupply(), token.lifetimeMinted() - burned, "5: burned is what the rules burn");
        assertEq(token.balanceOf(address(suite.distributor)), bonds, "5: the distributor holds the pending bonds");
    }

    /// @notice 6. A node answers for exactly its open tasks. That they fit is asserted at each acceptance.
    function nodesAnswerForTheirOpenTasks() external view {
        for (uint64 id = 1; id <= providers.length; ++id) {
            NodeInfo memory data = registry.nodeInfo(id);
            NodeBook storage book = nodeBooks[id];
            assertEq(data.running, book.running, "6: running");
            assertEq(data.reviewing, book.reviewing, "6: reviewing");
            assertEq(data.runningPower, book.power, "6: promised power");
            assertEq(registry.openEscrowOf(id, ETH), openEscrow[id][ETH], "6: open ETH");
            assertEq(registry.openEscrowOf(id, address(dollar)), openEscrow[id][address(dollar)], "6: open dollars");
            assertEq(registry.openEscrowOf(id, address(token)), openEscrow[id][address(token)], "6: open AIIGO");
        }
    }

    /// @notice 7. Reputation is what the rules say, within its bounds.
    function reputationStaysWithinItsBounds() external view {
        for (uint64 id = 1; id <= providers.length; ++id) {
            uint256 reputation = registry.nodeInfo(id).reputation;
            assertLe(reputation, 10_000, "7: at most 10000");
            assertEq(reputation, nodeBooks[id].reputation, "7: reputation moves by the rules");
        }
    }

    /// @notice 9. Keys and times are those that the owner chose. Stakes and balances: 1, 3 and 4.
    function ownersKeepWhatIsTheirs() external view {
        for (uint64 id = 1; id <= providers.length; ++id) {
            NodeInfo memory data = registry.nodeInfo(id);
            Node storage provider = providers[id - 1];
            assertEq(data.owner, provider.owner, "9: the owner");
            assertEq(data.operator, provider.operator, "9: the operator");
            assertEq(data.payout, provider.payout, "9: the payout");
            assertEq(data.unbondingReadyAt, nodeBooks[id].readyAt, "9: when stake is free");
        }
    }

    /// @notice 10. Who was Active since the round before is due, and nobody else; each answer is one result. That answers come
    /// once and in time is asserted where they are given.
    function roundsAskWhoWasActive() external view {
        uint64 last = currentRound();
        _checkDuties(last > 2 ? last - 2 : 1);
        for (uint64 id = 1; id <= providers.length; ++id) {
            IProofOfWorkVerifier.Audits memory audits = verifier.auditsOf(id);
            assertEq(audits.passed, passes[id], "10: each pass is counted once");
            if (audits.count == 0) continue;
            uint256 sum;
            for (uint256 i; i < audits.count; ++i) {
                sum += audits.results[i];
            }
            assertLe(uint256(audits.hashRate) * audits.count, sum, "10: power is at most the mean of the results");
            assertLe(verifier.verifiedHashRate(id), audits.hashRate, "10: power lapses, and comes back no higher");
        }
    }

    function _checkDuties(uint64 from) internal view {
        uint64 last = currentRound();
        for (uint64 id = 1; id <= providers.length; ++id) {
            for (uint64 round = from; round <= last; ++round) {
                bool due = verifier.dutyOf(round, id) != IProofOfWorkVerifier.Duty.None;
                assertEq(due, wasActive[id][round], "10: due is who was Active since the round before");
            }
        }
    }

    /// @notice 12. Nobody but timelock and governor has power over the suite.
    function noPersonHoldsARole() external view {
        address[6] memory owned = proxies();
        for (uint256 i; i < owned.length; ++i) {
            assertEq(OwnableUpgradeable(owned[i]).owner(), governance, "12: the timelock owns the suite");
        }
        assertGt(governance.code.length, 0, "12: governance is no account of a person");
    }

    /// @notice The court holds its open cases' money and what it owes, and nothing of it belongs to two.
    function courtHoldsWhatItOwes() external view {
        uint256 sum = courtOwes;
        for (uint256 i; i < cases.length; ++i) {
            assertEq(_potOf(cases[i]), caseBooks[cases[i]].money, "1: the pot of a case");
            sum += caseBooks[cases[i]].money;
        }
        assertEq(token.balanceOf(address(court)), sum, "1: the court's AIIGO");
        uint256 fees;
        for (uint256 i; i < accounts.length; ++i) {
            fees += court.feesOf(accounts[i]);
        }
        assertEq(fees, courtOwes, "1: the court's debts");
        assertGe(
            address(suite.keeperTips).balance, suite.keeperTips.totalOwed(), "1: tips that were credited are there"
        );
    }

    /// @notice 12, at the end of a run: nobody who ever acted has a role, and the code is what was deployed.
    function _checkRoles() internal view {
        bytes32[4] memory roles = [
            suite.timelock.DEFAULT_ADMIN_ROLE(),
            suite.timelock.PROPOSER_ROLE(),
            suite.timelock.CANCELLER_ROLE(),
            suite.timelock.EXECUTOR_ROLE()
        ];
        address[3] memory others = [stranger, keeper, suite.guardian.guardian()];
        for (uint256 r; r < roles.length; ++r) {
            for (uint256 i; i < accounts.length; ++i) {
                assertFalse(suite.timelock.hasRole(roles[r], accounts[i]), "12: a role");
            }
            for (uint256 i; i < others.length; ++i) {
                assertFalse(suite.timelock.hasRole(roles[r], others[i]), "12: a role");
            }
        }
        for (uint256 i; i < proxies().length; ++i) {
            assertEq(_codeOf(proxies()[i]), implementations()[i], "12: the code");
        }
    }
}
