// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {NodeRegistry} from "src/NodeRegistry.sol";
import {INodeRegistry} from "src/interfaces/INodeRegistry.sol";
import {Cause, NodeInfo, NodeStatus, TaskDemand, Tier, TokenLimits, Verdict} from "src/types/Node.sol";
import {ResourceType} from "src/types/Resource.sol";
import {Standing} from "src/types/Standing.sol";

import {Deployed} from "../../script/Suite.sol";
import {MarketFixture, Node} from "../utils/MarketFixture.sol";
import {Dollar} from "../utils/Tokens.sol";

/// @title Everybody who can call the registry, and a second set of books
/// @dev Marketplace, verifier and court are played, so that every order of their calls is tried, not only those of today's
/// contracts.
contract RegistryHandler is MarketFixture {
    struct Job {
        uint64 nodeId;
        address buyer;
        address token;
        uint96 escrow;
        uint32 power;
        bool delivered;
    }

    /// @dev What a node answers for.
    struct Load {
        uint256 running;
        uint256 reviewing;
        uint256 power;
        mapping(address token => uint256) open;
    }

    uint256 internal constant MAX_NODES = 6;

    Node[] internal all;
    Job[] internal jobs;
    mapping(uint64 nodeId => Load) internal loads;
    mapping(uint64 nodeId => uint256) internal feesTaken;
    address internal court;

    mapping(string action => uint256) public reached;
    mapping(bytes4 error => uint256) public refused;

    constructor(Deployed memory deployed, Dollar dollar_, address faucet_) {
        suite = deployed;
        dollar = dollar_;
        faucet = faucet_;
        bind();
        court = NodeRegistry(payable(address(registry))).court();
        vm.prank(court);
        token.approve(address(registry), type(uint256).max);
        for (uint256 i; i < 3; ++i) {
            all.push(activeNode(string.concat("node ", vm.toString(i))));
            setStanding(i, 50_000, 10, true);
        }
    }

    function actions() external pure returns (bytes4[] memory list) {
        bytes4[25] memory every = [
            this.begin.selector,
            this.begin.selector,
            this.begin.selector,
            this.begin.selector,
            this.deliver.selector,
            this.deliver.selector,
            this.settle.selector,
            this.settle.selector,
            this.fail.selector,
            this.dispute.selector,
            this.audit.selector,
            this.moveCaseFee.selector,
            this.enter.selector,
            this.addStake.selector,
            this.addStake.selector,
            this.removeStake.selector,
            this.withdrawStake.selector,
            this.switchOnline.selector,
            this.review.selector,
            this.ban.selector,
            this.setMinStake.selector,
            this.setStanding.selector,
            this.passTime.selector,
            this.attack.selector,
            this.attack.selector
        ];
        list = new bytes4[](every.length);
        for (uint256 i; i < every.length; ++i) {
            list[i] = every[i];
        }
    }

    // ---------------------------------------------------------------- Marketplace

    function begin(uint256 seed, uint32 power, uint96 price, uint8 level, bool inDollars) external {
        Node memory node = _node(seed);
        uint256 most = inDollars ? 3_000e6 : 1.5 ether;
        if ((seed >> 8) % 4 == 0) most *= 100;
        Job memory job = Job({
            nodeId: node.id,
            buyer: address(uint160(0xb000 + seed % 4)),
            token: inDollars ? address(dollar) : ETH,
            escrow: uint96(_bound(price, 1, most)),
            power: uint32(_bound(power, 1, (seed >> 16) % 4 == 0 ? 40_000 : 4_000)),
            delivered: false
        });
        level = uint8(_bound(level, 0, 8));
        if (level > 4) level = 1;
        vm.prank(address(market));
        try registry.beginTask(
            node.id,
            node.operator,
            job.buyer,
            TaskDemand(ResourceType.GPU, level, job.power, level == 2 ? 1 days : 0, job.token, job.escrow)
        ) {
            _book(job);
            _checkAcceptance(node, job.token, level);
        } catch (bytes memory reason) {
            ++refused[bytes4(reason)];
        }
    }

    function deliver(uint256 seed) external {
        (uint256 index, bool found) = _job(seed, false);
        if (!found) return;
        Job memory job = jobs[index];
        address operator = all[job.nodeId - 1].operator;
        vm.prank(address(market));
        try registry.endExecution(job.nodeId, operator, job.power) {
            jobs[index].delivered = true;
            Load storage load = loads[job.nodeId];
            load.running -= 1;
            load.power -= job.power;
            load.reviewing += 1;
            ++reached["delivered"];
        } catch (bytes memory reason) {
            ++refused[bytes4(reason)];
        }
    }

    function settle(uint256 seed, uint256 fee) external {
        (uint256 index, bool found) = _job(seed, true);
        if (!found) return;
        Job memory job = _close(index);
        vm.prank(address(market));
        registry.settleTask(job.nodeId, job.buyer, job.token, job.escrow, fee % 0.01 ether);
        ++reached["settled"];
    }

    function dispute(uint256 seed, uint256 fee, uint8 verdict) external {
        (uint256 index, bool found) = _job(seed, true);
        if (!found) return;
        Job memory job = _close(index);
        Verdict ruled = Verdict(verdict % 3);
        vm.prank(address(market));
        registry.settleDispute(job.nodeId, job.buyer, job.token, job.escrow, fee % 0.01 ether, ruled);
        ++reached[ruled == Verdict.Lost ? "lost" : ruled == Verdict.Won ? "won" : "split"];
    }

    function fail(uint256 seed, bool late) public {
        (uint256 index, bool found) = _job(seed, false);
        if (!found) return;
        Job memory job = _close(index);
        vm.prank(address(market));
        registry.failTask(job.nodeId, job.power, job.token, job.escrow, late ? Cause.TaskTimedOut : Cause.TaskAbandoned);
        ++reached[late ? "timed out" : "abandoned"];
    }

    // ---------------------------------------------------------------- Verifier and court

    function audit(uint256 seed, bool passed, bool takeOffline) external {
        Node memory node = _node(seed);
        takeOffline = takeOffline && seed % 4 == 0;
        vm.prank(address(verifier));
        registry.recordAudit(node.id, passed, takeOffline);
        if (takeOffline) assertFalse(info(node).online);
        ++reached[passed ? "audit passed" : "audit missed"];
    }

    function setStanding(uint256 seed, uint64 power, uint32 challenges, bool audited) public {
        tellStanding(
            _node(seed),
            uint56(_bound(power, 1_000, 100_000)),
            audited ? uint24(challenges % 20 + 1) : 0,
            audited ? uint40(block.timestamp - seed % 2 days) : 0
        );
    }

    function moveCaseFee(uint256 seed, uint256 amount, bool back) external {
        Node memory node = _node(seed);
        NodeInfo memory before = info(node);
        uint256 courts = token.balanceOf(court);
        vm.startPrank(court);
        if (back && feesTaken[node.id] != 0) {
            amount = _bound(amount, 0, feesTaken[node.id]);
            feesTaken[node.id] -= amount;
            registry.returnCaseFee(node.id, amount);
            assertEq(courts - token.balanceOf(court), amount);
            ++reached["case fee returned"];
        } else {
            amount = _bound(amount, 0, 150e18);
            uint256 taken = registry.takeCaseFee(node.id, amount);
            feesTaken[node.id] += taken;
            uint256 had = uint256(before.stake) + before.unbonding;
            assertEq(taken, amount < had ? amount : had);
            assertEq(token.balanceOf(court) - courts, taken);
            ++reached["case fee taken"];
        }
        vm.stopPrank();
        assertEq(info(node).unbondingReadyAt, before.unbondingReadyAt, "the owner's time stays");
    }

    // ---------------------------------------------------------------- Owners

    function enter(uint256 seed) external {
        if (all.length == MAX_NODES || seed % 4 != 0) return;
        all.push(activeNode(string.concat("node ", vm.toString(all.length))));
        setStanding(all.length - 1, 50_000, uint32(seed % 20), seed % 8 == 0);
        ++reached["registered"];
    }

    function addStake(uint256 seed, uint256 amount) external {
        Node memory node = _node(seed);
        if (info(node).status == NodeStatus.Slashed) return;
        amount = _bound(amount, 1, seed % 8 == 0 ? 11_000e18 : 400e18);
        vm.prank(faucet);
        token.transfer(node.owner, amount);
        stake(node, amount);
        ++reached["staked"];
    }

    function removeStake(uint256 seed, uint256 amount) external {
        Node memory node = _node(seed);
        uint256 staked = info(node).stake;
        if (staked == 0) return;
        vm.prank(node.owner);
        registry.unstake(node.id, _bound(amount, 1, seed % 8 == 0 ? staked : staked / 4 + 1));
        ++reached["unbonding"];
    }

    function withdrawStake(uint256 seed, bool patient) external {
        Node memory node = _node(seed);
        NodeInfo memory data = info(node);
        if (patient && seed % 4 == 0 && block.timestamp < data.unbondingReadyAt) vm.warp(data.unbondingReadyAt);
        vm.prank(node.owner);
        try registry.withdrawStake(node.id) {
            assertEq(data.running + data.reviewing, 0, "no stake leaves while it answers for a task");
            assertGe(block.timestamp, data.unbondingReadyAt);
            ++reached["withdrawn"];
        } catch (bytes memory reason) {
            ++refused[bytes4(reason)];
        }
    }

    function switchOnline(uint256 seed, bool online) external {
        Node memory node = _node(seed);
        NodeInfo memory data = info(node);
        online = online || seed % 3 != 0;
        if (data.online == online || data.status == NodeStatus.Slashed) return;
        vm.prank(node.operator);
        registry.setOnline(node.id, online);
    }

    // ---------------------------------------------------------------- Governance, watchers, time

    function review(uint256 seed) external {
        Node memory node = _node(seed);
        (uint256 failed, uint256 counted) = registry.failuresOf(node.id);
        vm.prank(makeAddr("watcher"));
        try registry.putUnderReview(node.id) {
            assertGe(counted, 10);
            assertGt(failed * 5, counted);
            assertFalse(registry.isActive(node.id));
            ++reached["reviewed"];
        } catch (bytes memory reason) {
            ++refused[bytes4(reason)];
        }
        if ((seed >> 8) % 4 == 0 || info(node).reviewUntil < block.timestamp) return;
        vm.prank(governance);
        registry.endReview(node.id);
        ++reached["review ended"];
    }

    function ban(uint256 seed) external {
        Node memory node = _node(seed);
        NodeInfo memory before = info(node);
        if (seed % 8 != 0 || before.status == NodeStatus.Slashed || reached["banned"] == 2) return;
        vm.prank(governance);
        registry.ban(node.id);
        NodeInfo memory data = info(node);
        uint256 had = uint256(before.stake) + before.unbonding;
        assertEq(data.stake, 0);
        assertEq(data.unbonding, had - had / 2, "half of it all");
        if (before.stake > 1) assertEq(data.unbondingReadyAt, block.timestamp + 14 days);
        assertFalse(registry.isActive(node.id));
        ++reached["banned"];
    }

    function setMinStake(uint256 minStake) external {
        INodeRegistry.Parameters memory changed = registry.parameters();
        changed.minStake = uint96(_bound(minStake, MIN_STAKE / 2, 3 * MIN_STAKE));
        vm.prank(governance);
        registry.setParameters(changed);
    }

    function passTime(uint256 time) external {
        skip(_bound(time, 1, time % 8 == 0 ? 15 days : 12 hours));
    }

    // ---------------------------------------------------------------- Attacker

    /// @dev Whatever a stranger manages to call: the owner's keys, times and stake stay.
    function attack(uint256 kind, uint256 seed) external {
        Node memory node = _node(seed);
        NodeInfo memory before = info(node);
        address attacker = makeAddr("attacker");
        vm.prank(attacker);
        (bool succeeded,) = address(registry).call(_attack(kind % 23, node.id, attacker));
        assertTrue(!succeeded || kind % 23 < 2, "only a review and a note of activity are open to anyone");
        NodeInfo memory data = info(node);
        assertEq(data.owner, before.owner);
        assertEq(data.operator, before.operator);
        assertEq(data.payout, before.payout);
        assertEq(data.stake, before.stake);
        assertEq(data.unbonding, before.unbonding);
        assertEq(data.unbondingReadyAt, before.unbondingReadyAt);
        assertEq(data.reputation, before.reputation);
        ++reached["attacked"];
    }

    function _attack(uint256 kind, uint64 id, address me) private view returns (bytes memory) {
        if (kind == 0) return abi.encodeCall(registry.putUnderReview, (id));
        if (kind == 1) return abi.encodeCall(registry.syncActivity, (id));
        if (kind == 2) return abi.encodeCall(registry.unstake, (id, 1));
        if (kind == 3) return abi.encodeCall(registry.withdrawStake, (id));
        if (kind == 4) return abi.encodeCall(registry.setOnline, (id, false));
        if (kind == 5) return abi.encodeCall(registry.setOperator, (id, me));
        if (kind == 6) return abi.encodeCall(registry.setPayout, (id, me));
        if (kind == 7) return abi.encodeCall(registry.raiseBidEpoch, (id));
        if (kind == 8) return abi.encodeCall(registry.markVerified, (id));
        if (kind == 9) return abi.encodeCall(registry.recordAudit, (id, false, true));
        if (kind == 10) return abi.encodeCall(registry.endExecution, (id, me, 1));
        if (kind == 11) return abi.encodeCall(registry.settleTask, (id, me, ETH, 0, 1 ether));
        if (kind == 12) return abi.encodeCall(registry.failTask, (id, 0, ETH, 0, Cause.TaskTimedOut));
        if (kind == 13) return abi.encodeCall(registry.settleDispute, (id, me, ETH, 0, 0, Verdict.Lost));
        if (kind == 14) return abi.encodeCall(registry.takeCaseFee, (id, 1));
        if (kind == 15) return abi.encodeCall(registry.returnCaseFee, (id, 0));
        if (kind == 16) return abi.encodeCall(registry.ban, (id));
        if (kind == 17) return abi.encodeCall(registry.endReview, (id));
        if (kind == 18) return abi.encodeCall(registry.addTrustedNode, (id, Tier.Platform));
        if (kind == 19) return abi.encodeCall(registry.recordPartner, (id, "sla", 0));
        if (kind == 20) return abi.encodeCall(registry.recordStanding, (id, Standing(1, 1, 1, 1, 1, 1)));
        if (kind == 21) return abi.encodeCall(registry.setTokenLimits, (ETH, TokenLimits(1, 1, 1, 1, 1)));
        return abi.encodeCall(registry.pauseEntry, (type(uint40).max));
    }

    // ---------------------------------------------------------------- For the invariants

    function nodeCount() external view returns (uint256) {
        return all.length;
    }

    function nodeAt(uint256 index) external view returns (Node memory) {
        return all[index];
    }

    function loadOf(uint64 nodeId)
        external
        view
        returns (uint256 running, uint256 reviewing, uint256 power, uint256 openEth, uint256 openDollars)
    {
        Load storage load = loads[nodeId];
        return (load.running, load.reviewing, load.power, load.open[ETH], load.open[address(dollar)]);
    }

    /// @notice Ends every task, in an order that has nothing to do with their age.
    function finishAll() external {
        for (uint256 seed; jobs.length != 0; ++seed) {
            Job memory job = _close(seed % jobs.length);
            vm.prank(address(market));
            if (job.delivered) registry.settleTask(job.nodeId, job.buyer, job.token, job.escrow, 0);
            else registry.failTask(job.nodeId, job.power, job.token, job.escrow, Cause.TaskTimedOut);
        }
    }

    // ---------------------------------------------------------------- Inside

    function _checkAcceptance(Node memory node, address paidIn, uint8 level) private {
        NodeInfo memory data = info(node);
        assertEq(uint8(data.status), uint8(NodeStatus.Active));
        assertLe(data.running, data.stake / registry.parameters().minStake, "running tasks fit the stake");
        assertLe(data.runningPower, data.verifiedPower, "and the power");
        assertGe(data.trustLevel, level);
        TokenLimits memory limits = registry.tokenLimits(paidIn);
        uint128[5] memory caps = [0, limits.levelOneCap, limits.levelTwoCap, limits.levelThreeCap, limits.levelFourCap];
        assertLe(registry.openEscrowOf(node.id, paidIn), caps[data.trustLevel], "open escrow fits the level");
        if (level == 2) assertLe(block.timestamp - data.lastAuditAt, 1 days);
        ++reached[string.concat("begun at level ", vm.toString(data.trustLevel))];
    }

    function _book(Job memory job) private {
        jobs.push(job);
        Load storage load = loads[job.nodeId];
        load.running += 1;
        load.power += job.power;
        load.open[job.token] += job.escrow;
    }

    function _close(uint256 index) private returns (Job memory job) {
        job = jobs[index];
        Load storage load = loads[job.nodeId];
        load.open[job.token] -= job.escrow;
        if (job.delivered) {
            load.reviewing -= 1;
        } else {
            load.running -= 1;
            load.power -= job.power;
        }
        jobs[index] = jobs[jobs.length - 1];
        jobs.pop();
    }

    function _node(uint256 seed) private view returns (Node memory) {
        return all[seed % all.length];
    }

    function _job(uint256 seed, bool delivered) private view returns (uint256 index, bool found) {
        for (uint256 i; i < jobs.length; ++i) {
            index = (seed % jobs.length + i) % jobs.length;
            if (jobs[index].delivered == delivered) return (index, true);
        }
    }
}
