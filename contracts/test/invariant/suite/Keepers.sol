// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBonusRoots} from "src/interfaces/IBonusRoots.sol";
import {TaskStatus} from "src/types/Task.sol";

import {Counts} from "./Counts.sol";

/// @title What anyone does when a deadline has passed, and with money that waits for somebody
abstract contract Keepers is Counts {
    uint256 internal pendingRoot; // the keeper has one at a time
    uint64 private _rootNode; // the one leaf of the present root
    uint256 private _rootAmount;
    uint64 private _pendingNode;
    uint256 private _pendingAmount;

    // ---------------------------------------------------------------- Tasks

    /// @dev Some task, whether its deadline has passed or not.
    function keeperEnforces(uint256 seed) external acts {
        uint256 start = _random(seed, "task");
        for (uint256 i; i < live.length; ++i) {
            bytes32 taskId = live[(start % live.length + i) % live.length];
            if (taskBooks[taskId].status != TaskStatus.Disputed && _enforce(taskId)) return;
        }
    }

    /// @dev The one step that a task allows to anyone, exactly when the rules say.
    function _enforce(bytes32 taskId) internal returns (bool done) {
        TaskStatus status = taskBooks[taskId].status;
        if (status == TaskStatus.Open) return _expire(taskId);
        if (status == TaskStatus.InProgress) return _timeOut(taskId);
        return status == TaskStatus.Completed ? _finalize(taskId) : _stepReplicas(taskId);
    }

    function _expire(bytes32 taskId) private returns (bool done) {
        bool may = block.timestamp > taskBooks[taskId].since;
        done = _try(keeper, address(market), abi.encodeCall(market.expireTask, (taskId)));
        assertEq(done, may, "8: anyone ends an open task after its acceptance window, and only then");
        if (!done) return false;
        _bookRefund(taskId, TaskStatus.Expired);
        ++reached["expired"];
    }

    function _timeOut(bytes32 taskId) private returns (bool done) {
        TaskBook storage book = taskBooks[taskId];
        uint64 nodeId = book.nodeId;
        bool may = block.timestamp > book.since + book.time + GRACE || nodeBooks[nodeId].banned;
        done = _try(keeper, address(market), abi.encodeCall(market.timeoutTask, (taskId)));
        assertEq(done, may, "8: anyone ends a late task, and only then");
        if (!done) return false;
        _bookTimeout(nodeId);
        _bookTip(taskId, _tipOf(book, ATTEMPTS - book.attempts));
        if (book.agreed != 0) ++reached["bid timed out"];
        _bookFailure(taskId);
        ++reached[book.status == TaskStatus.Open ? "timed out and reopened" : "timed out and refunded"];
    }

    function _finalize(bytes32 taskId) private returns (bool done) {
        TaskBook storage book = taskBooks[taskId];
        bool may = block.timestamp > book.since + book.reviewWindow;
        done = _try(keeper, address(market), abi.encodeCall(market.finalizeTask, (taskId)));
        assertEq(done, may, "8: anyone pays a provider after the review window, and only then");
        if (!done) return false;
        _bookPayment(taskId);
        ++reached["finalized"];
    }

    // ---------------------------------------------------------------- Money

    function accountWithdraws(uint256 seed) external acts {
        _withdraw(accounts[_random(seed, "who") % accounts.length], _paymentTokens()[_random(seed, "token") % 3]);
    }

    function _withdraw(address who, address paidIn) internal {
        uint256 amount = owed[who][paidIn];
        if (amount == 0 || who == feeVault) return;
        uint256 before = _held(treasurer, paidIn);
        vm.prank(who);
        escrow.withdraw(paidIn, treasurer);
        assertEq(_held(treasurer, paidIn) - before, amount, "1: what is owed can be withdrawn");
        owed[who][paidIn] = 0;
        moneyOut[paidIn] += amount;
        ++reached["money withdrawn"];
    }

    /// @dev Half of the fees to the stakers, half to the treasury.
    function keeperCollects(uint256 seed) external acts {
        _collectFees(_paymentTokens()[_random(seed, "token") % 3]);
    }

    function _collectFees(address paidIn) internal {
        uint256 amount = owed[feeVault][paidIn];
        if (amount == 0) return;
        uint256 before = _held(treasury, paidIn);
        suite.feeVault.collect(paidIn);
        owed[feeVault][paidIn] = 0;
        moneyOut[paidIn] += amount;
        funded[paidIn] += amount / 2;
        assertEq(_held(treasury, paidIn) - before, amount - amount / 2, "the treasury gets the other half");
        ++reached["fees collected"];
    }

    function keeperTakesTips(uint256) external acts {
        uint256 tips = suite.keeperTips.tipsOf(keeper);
        if (tips == 0) return;
        vm.prank(keeper);
        assertEq(suite.keeperTips.withdraw(treasurer), tips);
        ++reached["keeper tipped"];
    }

    // ---------------------------------------------------------------- Rewards

    function keeperClosesEpochs(uint256) external acts {
        uint256 next = suite.distributor.nextEpochToClose();
        uint256 start = suite.distributor.epochStart(0) + next * EPOCH_OF_REWARDS;
        bool may = block.timestamp >= start + EPOCH_OF_REWARDS;
        uint256 before = token.lifetimeMinted();
        bool done = _try(keeper, address(suite.distributor), abi.encodeCall(suite.distributor.closeEpoch, (next)));
        assertEq(done, may, "8: anyone closes an epoch that is over");
        if (!done) return;
        uint256 released = _scheduleAt(start + EPOCH_OF_REWARDS) - _scheduleAt(start);
        assertEq(token.lifetimeMinted() - before, released / 5, "5: stakers get a fifth of what an epoch releases");
        funded[address(token)] += released / 5;
        ++reached["epoch closed"];
    }

    /// @dev Anyone, for the node: never more than its fees at the rate, once.
    function keeperClaims(uint256 seed) external acts {
        uint256 closed = suite.distributor.nextEpochToClose();
        if (closed == 0) return;
        uint256 back = _random(seed, "epoch") % 3;
        uint256 epoch = closed - 1 < back ? 0 : closed - 1 - back;
        uint64 nodeId = _provider(seed).id;
        if (suite.distributor.baseRewardOf(epoch, nodeId) == 0) return;
        address payout = providers[nodeId - 1].payout;
        uint256 before = token.balanceOf(payout);
        uint256 amount = suite.distributor.claimBaseReward(epoch, nodeId);
        assertEq(token.balanceOf(payout) - before, amount, "a reward goes to the payout address");
        assertLe(amount, weights[epoch][nodeId], "5: a reward is at most the fees at their rate");
        bytes memory again = abi.encodeCall(suite.distributor.claimBaseReward, (epoch, nodeId));
        assertFalse(_try(keeper, address(suite.distributor), again), "5: a reward is claimed once");
        ++reached["reward minted"];
    }

    /// @dev A root that promises one node more than it has earned.
    function keeperPostsRoot(uint256 seed) external acts {
        uint256 closed = suite.distributor.nextEpochToClose();
        if (closed == 0 || pendingRoot != 0) return;
        (_pendingNode, _pendingAmount) = (_provider(seed).id, _random(seed, "amount") % 1_000e18 + 1);
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(_pendingNode, _pendingAmount))));
        vm.prank(faucet);
        token.transfer(keeper, ROOT_BOND);
        vm.startPrank(keeper);
        token.approve(address(suite.distributor), ROOT_BOND);
        pendingRoot = suite.distributor.postRoot(closed - 1, leaf);
        vm.stopPrank();
        bonds += ROOT_BOND;
        ++reached["root posted"];
    }

    function keeperFinalizesRoot(uint256 seed) external acts {
        if (pendingRoot == 0) return;
        IBonusRoots.BonusRoot memory root = suite.distributor.rootOf(pendingRoot);
        if (block.timestamp < root.finalAt && !_seldom(seed, "early", 4)) return;
        if (_finalizeRoot()) ++reached["root finalized"];
    }

    function guardianVetoesRoot(uint256 seed) external acts {
        if (pendingRoot == 0 || !_seldom(seed, "veto", 4)) return;
        vm.prank(suite.guardian.guardian());
        suite.guardian.vetoRoot(pendingRoot);
        burned += ROOT_BOND;
        bonds -= ROOT_BOND;
        pendingRoot = 0;
        ++reached["root vetoed"];
    }

    function keeperClaimsBonus(uint256) external acts {
        if (_rootNode == 0 || suite.distributor.claimableBonus(_rootNode, _rootAmount) == 0) return;
        suite.distributor.claimBonus(_rootNode, _rootAmount, new bytes32[](0));
        IBonusRoots.NodeRewards memory rewards = suite.distributor.rewardsOf(_rootNode);
        assertLe(uint256(rewards.bonusClaimed) * 10, rewards.baseClaimed, "5: bonuses are a tenth of base rewards");
        ++reached["bonus minted"];
    }

    function _finalizeRoot() internal returns (bool done) {
        bool may = block.timestamp >= suite.distributor.rootOf(pendingRoot).finalAt;
        bytes memory call = abi.encodeCall(suite.distributor.finalizeRoot, (pendingRoot));
        done = _try(keeper, address(suite.distributor), call);
        assertEq(done, may, "8: anyone finalizes a root after its delay, and only then");
        if (!done) return false;
        bonds -= ROOT_BOND;
        (pendingRoot, _rootNode, _rootAmount) = (0, _pendingNode, _pendingAmount);
    }
}
