// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDisputeCourtCore} from "src/interfaces/IDisputeCourtCore.sol";
import {NodeInfo} from "src/types/Node.sol";
import {ReplicaStatus} from "src/types/Replica.sol";
import {TaskRequest, TaskStatus} from "src/types/Task.sol";

import {Node} from "../utils/MarketFixture.sol";
import {ReplicasFixture} from "../utils/ReplicasFixture.sol";

/// @dev A seat commits to one of two results, to nothing, or does not reveal; the plain counting here is the measure.
contract ReplicasFuzzTest is ReplicasFixture {
    /// @dev What each seat does: 0 nothing, 1 commits only, then results.
    uint256[] private _moods;
    uint256[] private _elapsed;

    function setUp() public override {
        super.setUp();
        gather(8);
    }

    function testFuzz_TheMajorityOfAllSeatsIsPaidToTheWei(uint96 price, uint256 moods, uint256 times, uint8 size)
        public
    {
        uint8 replicas = 3 + 2 * (size % 3);
        TaskRequest memory asked = replicated(replicas);
        asked.pricePerHour = uint96(bound(price, 20_000, 9 ether));
        bytes32 taskId = createTask(client, asked);
        for (uint256 i; i < crowd.length; ++i) {
            enlist(taskId, crowd[i]);
        }
        draw(taskId);
        uint256 held = escrow.escrowOf(taskId).amount;
        _work(taskId, replicas, moods, times);
        market.judgeReplicas(taskId);
        if (roundOf(taskId).settleAfter != 0) {
            skip(APPEAL_WINDOW + 1);
            market.settleReplicas(taskId);
        }
        market.releaseCandidates(taskId, everybody());
        (uint256 winner, uint256 votes) = _count();
        bool majority = votes * 2 > replicas;
        assertStatus(taskId, majority ? TaskStatus.Verified : TaskStatus.Recruiting);
        if (majority) _checkPayments(taskId, winner, asked.pricePerHour);
        uint256 paid =
            escrow.balanceOf(client, ETH) + escrow.balanceOf(feeVault, ETH) + escrow.balanceOf(address(this), ETH);
        for (uint256 i; i < crowd.length; ++i) {
            paid += escrow.balanceOf(crowd[i].payout, ETH);
            assertEq(info(crowd[i]).running + info(crowd[i]).reviewing, 0);
            assertEq(registry.openEscrowOf(crowd[i].id, ETH), 0);
        }
        assertEq(paid + escrow.escrowOf(taskId).amount, held);
    }

    /// @dev Whatever the randomness: distinct candidates, and those that the rule says.
    function testFuzz_TheDrawFollowsItsRule(bytes32 randomness, uint8 size, uint8 most) public {
        uint256 seats = 3 + 2 * (size % 3);
        bytes32 taskId = createTask(client, replicated(uint8(seats)));
        uint256 count = bound(most, seats, crowd.length);
        for (uint256 i; i < count; ++i) {
            enlist(taskId, crowd[i]);
        }
        fixCandidates(taskId);
        bytes memory header = drawHeader(taskId);
        mockRandomness(randomness);
        market.drawReplicas(taskId, header);
        uint256 taken;
        for (uint256 i; i < seats; ++i) {
            uint256 index = uint256(keccak256(abi.encode(randomness, taskId, uint8(1), i))) % (count - seats + i + 1);
            if (taken & (1 << index) != 0) index = count - seats + i;
            assertEq(taken & (1 << index), 0, "nobody sits twice");
            taken |= 1 << index;
            assertEq(seat(taskId, i).id, crowd[index].id);
        }
        assertEq(roundOf(taskId).seats.length, seats);
    }

    /// @dev Withdrawals in any order leave exactly the others, and they can be drawn.
    function testFuzz_WhoWithdrawsIsOutAndNobodyElse(uint256 order, uint8 gone) public {
        bytes32 taskId = applied(3);
        uint256 left = crowd.length;
        uint256 out;
        for (uint256 i; i < uint256(gone) % (crowd.length - 2); ++i) {
            uint256 index = uint256(keccak256(abi.encode(order, i))) % crowd.length;
            while (out & (1 << index) != 0) index = (index + 1) % crowd.length;
            out |= 1 << index;
            --left;
            vm.prank(crowd[index].operator);
            market.withdrawApplication(taskId, crowd[index].id);
        }
        uint64[] memory list = market.candidatesOf(taskId, 0, 100);
        assertEq(list.length, left);
        for (uint256 i; i < crowd.length; ++i) {
            if (out & (1 << i) != 0) continue;
            assertEq(list[market.replicaOf(taskId, crowd[i].id).index], crowd[i].id);
        }
        draw(taskId);
        for (uint256 i; i < 3; ++i) {
            assertReplica(taskId, seat(taskId, i), ReplicaStatus.Drawn);
        }
    }

    /// @dev Four of seven agree; each of the other three has one of two other results, may appeal, and gets some ruling.
    function testFuzz_EverySeatEndsAsCountAndRulingsSay(uint256 seed) public {
        bytes32 taskId = applied(7);
        draw(taskId);
        bytes32[] memory results = new bytes32[](7);
        for (uint256 i; i < 7; ++i) {
            results[i] = i < 4 ? RESULT : _bit(seed, i) ? WRONG : keccak256("third");
        }
        work(taskId, results);
        market.judgeReplicas(taskId);
        ReplicaStatus[7] memory expected;
        bool overruled;
        // Who appeals, then the rulings, of the last one first.
        vm.mockCall(address(suite.court), abi.encodeWithSelector(IDisputeCourtCore.openCase.selector), abi.encode(1));
        for (uint256 i = 4; i < 7; ++i) {
            if (!_bit(seed, 8 + i)) continue;
            Node memory node = seat(taskId, i);
            vm.prank(node.operator);
            market.appealReplica(taskId, node.id, "ipfs://evidence");
            expected[i] = _expectedOf(seed, i);
            overruled = overruled || expected[i] == ReplicaStatus.Vindicated;
        }
        for (uint256 i = 7; i > 4; --i) {
            if (expected[i - 1] != ReplicaStatus.None) {
                _rule(market.appealIdOf(taskId, seat(taskId, i - 1).id), seed, i - 1);
            }
        }
        skip(APPEAL_WINDOW + 1);
        market.settleReplicas(taskId);

        for (uint256 i; i < 7; ++i) {
            if (i < 4) {
                expected[i] = overruled ? ReplicaStatus.Slashed : ReplicaStatus.Agreed;
            } else if (expected[i] == ReplicaStatus.None) {
                expected[i] = ReplicaStatus.Slashed;
                for (uint256 j = 4; j < 7; ++j) {
                    bool same = expected[j] == ReplicaStatus.Vindicated && results[j] == results[i];
                    if (same) expected[i] = ReplicaStatus.Cleared;
                }
            }
        }
        for (uint256 i; i < 7; ++i) {
            Node memory node = seat(taskId, i);
            bool slashed = expected[i] == ReplicaStatus.Slashed;
            assertReplica(taskId, node, expected[i]);
            assertIdle(node);
            assertEq(info(node).stake, slashed ? LEVEL_TWO_STAKE * 95 / 100 : LEVEL_TWO_STAKE);
            assertEq(info(node).tasksFailed, slashed ? 1 : 0);
            assertEq(info(node).tasksVerified, expected[i] == ReplicaStatus.Agreed ? 1 : 0);
            assertEq(escrow.balanceOf(node.payout, ETH) != 0, i < 4, "what was paid stays paid");
        }
    }

    function _bit(uint256 seed, uint256 i) private pure returns (bool) {
        return seed & (1 << i) != 0;
    }

    /// @dev Two bits a seat: for the appellant, against it, in between, no ruling.
    function _expectedOf(uint256 seed, uint256 i) private pure returns (ReplicaStatus) {
        uint256 kind = (seed >> (16 + 2 * i)) % 4;
        return kind == 0 ? ReplicaStatus.Vindicated : kind == 1 ? ReplicaStatus.Slashed : ReplicaStatus.Cleared;
    }

    function _rule(bytes32 appealId, uint256 seed, uint256 i) private {
        uint256 kind = (seed >> (16 + 2 * i)) % 4;
        vm.prank(address(suite.court));
        if (kind == 3) market.closeWithoutRuling(appealId);
        else market.rule(appealId, kind == 0 ? 0 : kind == 1 ? 10_000 : 9_999, new address[](1));
    }

    function _work(bytes32 taskId, uint256 replicas, uint256 moods, uint256 times) private {
        uint256 start = block.timestamp;
        bool silent;
        for (uint256 i; i < replicas; ++i) {
            _moods.push((moods >> (i * 8)) % 6);
            // In the order of the seats, so that time only goes on.
            uint256 before = i == 0 ? 0 : _elapsed[i - 1];
            _elapsed.push(before + ((times >> (i * 16)) % ((DURATION + GRACE) / replicas)));
            if (_moods[i] == 0) {
                silent = true;
                continue;
            }
            vm.warp(start + _elapsed[i]);
            sealResult(taskId, seat(taskId, i), bytes32(_moods[i] / 2));
        }
        if (silent) vm.warp(uint256(roundOf(taskId).sealUntil) + 1);
        for (uint256 i; i < replicas; ++i) {
            if (_moods[i] > 1) reveal(taskId, seat(taskId, i), bytes32(_moods[i] / 2));
        }
        if (block.timestamp <= roundOf(taskId).revealUntil) vm.warp(uint256(roundOf(taskId).revealUntil) + 1);
    }

    function _count() private view returns (uint256 winner, uint256 votes) {
        for (uint256 result = 1; result < 3; ++result) {
            uint256 count;
            for (uint256 i; i < _moods.length; ++i) {
                if (_moods[i] > 1 && _moods[i] / 2 == result) ++count;
            }
            if (count > votes) (winner, votes) = (result, count);
        }
    }

    function _checkPayments(bytes32 taskId, uint256 winner, uint256 pricePerHour) private view {
        uint256 share = pricePerHour; // of one hour
        for (uint256 i; i < _moods.length; ++i) {
            Node memory node = seat(taskId, i);
            NodeInfo memory data = info(node);
            uint256 paid = escrow.balanceOf(node.payout, ETH);
            if (_moods[i] > 1 && _moods[i] / 2 == winner) {
                uint256 elapsed = _elapsed[i] > DURATION ? DURATION : _elapsed[i];
                uint256 due = share * (DURATION + elapsed) / (2 * DURATION);
                due -= due % 10_000;
                assertEq(paid, due * 92 / 100);
                assertEq(data.stake, LEVEL_TWO_STAKE);
            } else {
                assertEq(paid, 0);
                assertEq(data.stake, LEVEL_TWO_STAKE * 95 / 100);
                assertEq(data.tasksFailed, 1);
                assertEq(data.reputation, _moods[i] > 1 ? 4_500 : 4_800);
            }
        }
    }
}
