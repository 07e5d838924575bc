// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {INodeRegistry} from "src/interfaces/INodeRegistry.sol";
import {Cause, Partner, TaskDemand, Tier, TokenLimits} from "src/types/Node.sol";
import {ResourceType} from "src/types/Resource.sol";

import {MarketFixture, Node} from "../utils/MarketFixture.sol";

/// @dev How far a node is trusted, and what it may hold open for it.
contract NodeLevelsTest is MarketFixture {
    Node internal node;
    address internal buyer = makeAddr("buyer");
    uint56 internal constant POWER = 1_000_000;

    function setUp() public override {
        super.setUp();
        node = activeNode("node");
        vm.prank(faucet);
        token.transfer(node.owner, 20_000e18);
        _audited(1);
    }

    // ---------------------------------------------------------------- Levels

    function test_LevelOneIsTheMinimumStake() public {
        Node memory fresh = register("fresh", ResourceType.GPU);
        stake(fresh, MIN_STAKE - 1);
        assertEq(registry.trustLevelOf(fresh.id), 0);
        stake(fresh, 1);
        assertEq(registry.trustLevelOf(fresh.id), 1);
    }

    function test_LevelTwoIsMoreStakeAndTenChallenges() public {
        _audited(10);
        stake(node, 800e18 - 1);
        assertEq(_level(), 1);
        stake(node, 1);
        assertEq(_level(), 2);
        _audited(9);
        assertEq(_level(), 1);
    }

    function test_BeforeTheFirstAuditNobodyIsAboveLevelOne() public {
        _excellent();
        _recordPartner(0);
        tellStanding(node, POWER, 0, 0);
        assertEq(_level(), 1);
    }

    function test_LevelThreeIsStakeReputationAndARecord() public {
        _excellent();
        assertEq(_level(), 3);

        vm.prank(node.owner);
        registry.unstake(node.id, 1);
        assertEq(_level(), 2, "stake");
        stake(node, 1);
        assertEq(_level(), 3);

        _failTimes(1);
        assertLt(info(node).reputation, 10_000);
        assertEq(_level(), 3, "9950 is enough");
        _audited(9);
        assertEq(_level(), 1, "level 2 is part of level 3");
    }

    function test_LevelThreeNeedsAHundredTasks() public {
        _excellent();
        INodeRegistry.Parameters memory changed = registry.parameters();
        changed.levelThreeTasks = uint16(info(node).tasksVerified);
        _set(changed);
        assertEq(_level(), 3);
        changed.levelThreeTasks += 1;
        _set(changed);
        assertEq(_level(), 2);
    }

    function test_LevelThreeNeedsReputation() public {
        _excellent();
        _failTimes(10);
        assertEq(info(node).reputation, 9_500);
        assertEq(_level(), 3);
        vm.prank(address(verifier));
        registry.recordAudit(node.id, false, false);
        assertEq(_level(), 2);
    }

    function test_LevelThreeNeedsNineteenSuccessesOfTwenty() public {
        _excellent();
        INodeRegistry.Parameters memory changed = registry.parameters();
        changed.levelThreeReputation = 0;
        changed.levelThreeTasks = 1;
        _set(changed);
        uint256 verified = info(node).tasksVerified;
        _failTimes(verified / 19);
        assertEq(_level(), 3);
        _failTimes(1);
        assertEq(_level(), 2);
    }

    function test_LevelFourIsStakeReputationAndWhatGovernanceRecorded() public {
        _excellent();
        _audited(1); // neither challenges nor tasks are asked
        assertEq(_level(), 1);
        _recordPartner(500e18);
        assertEq(_level(), 1, "the bond is staked on top");
        stake(node, 500e18);
        assertEq(_level(), 4);
        vm.prank(node.owner);
        registry.unstake(node.id, 1);
        assertEq(_level(), 1);

        stake(node, 1);
        vm.expectEmit(address(registry));
        emit INodeRegistry.PartnerRecorded(node.id, 0, 0);
        vm.prank(governance);
        registry.recordPartner(node.id, 0, 0);
        assertEq(_level(), 1);
        assertFalse(info(node).partner);
    }

    function test_ABannedNodeHasNoLevel() public {
        _excellent();
        vm.prank(governance);
        registry.ban(node.id);
        assertEq(_level(), 0);
    }

    // ---------------------------------------------------------------- Partners and tiers

    function test_GovernanceRecordsPartners() public {
        vm.expectEmit(address(registry));
        emit INodeRegistry.PartnerRecorded(node.id, "sla", 5e18);
        vm.prank(governance);
        registry.recordPartner(node.id, "sla", 5e18);
        Partner memory partner = registry.partnerOf(node.id);
        assertEq(partner.slaHash, "sla");
        assertEq(partner.bond, 5e18);
        assertTrue(info(node).partner);

        vm.prank(governance);
        vm.expectRevert(INodeRegistry.InvalidParameters.selector);
        registry.recordPartner(node.id, 0, 5e18);
        vm.prank(governance);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.UnknownNode.selector, 99));
        registry.recordPartner(99, "sla", 0);
        vm.expectRevert(abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", address(this)));
        registry.recordPartner(node.id, "sla", 0);
    }

    function test_GovernanceMarksWhoRunsANode() public {
        assertEq(uint8(info(node).tier), uint8(Tier.Community));
        vm.expectEmit(address(registry));
        emit INodeRegistry.NodeTierChanged(node.id, Tier.Platform);
        vm.prank(governance);
        registry.addTrustedNode(node.id, Tier.Platform);
        assertEq(uint8(info(node).tier), uint8(Tier.Platform));

        vm.expectRevert(abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", address(this)));
        registry.addTrustedNode(node.id, Tier.Cloud);
        vm.startPrank(governance);
        registry.ban(node.id);
        bytes memory banned = abi.encodeWithSelector(INodeRegistry.NodeIsBanned.selector, node.id);
        vm.expectRevert(banned);
        registry.addTrustedNode(node.id, Tier.Cloud);
        vm.expectRevert(banned);
        registry.recordPartner(node.id, "sla", 0);
    }

    // ---------------------------------------------------------------- What a level allows

    function test_ALevelsCapBoundsTheSumOfOpenEscrow() public {
        TokenLimits memory limits = etherLimits();
        uint128[4] memory caps = [limits.levelOneCap, limits.levelTwoCap, limits.levelThreeCap, limits.levelFourCap];
        _excellent();
        for (uint8 level = 1; level <= 4; ++level) {
            _reach(level);
            uint96 room = uint96(caps[level - 1] - registry.openEscrowOf(node.id, ETH));
            vm.expectRevert(
                abi.encodeWithSelector(
                    INodeRegistry.EscrowCapExceeded.selector, node.id, caps[level - 1] + 1, caps[level - 1]
                )
            );
            _begin(room + 1, level);
            _begin(room, level);
            assertEq(registry.openEscrowOf(node.id, ETH), caps[level - 1]);
        }
    }

    function test_RevertWhen_TheLevelIsTooLow() public {
        _excellent();
        for (uint8 level = 1; level <= 4; ++level) {
            _reach(level);
            _begin(1, level);
            vm.expectRevert(abi.encodeWithSelector(INodeRegistry.TrustTooLow.selector, node.id, level, level + 1));
            _begin(1, level + 1);
        }
    }

    function test_RevertWhen_TheAuditIsTooOld() public {
        uint40 lastAuditAt = uint40(block.timestamp - 1 days);
        tellStanding(node, POWER, 1, lastAuditAt);
        TaskDemand memory demand = _demand(1, 1);
        demand.maxAuditAge = 1 days;
        _beginAs(demand);
        demand.maxAuditAge = 1 days - 1;
        bytes memory tooOld =
            abi.encodeWithSelector(INodeRegistry.AuditTooOld.selector, node.id, lastAuditAt, demand.maxAuditAge);
        vm.expectRevert(tooOld);
        _beginAs(demand);

        tellStanding(node, POWER, 0, 0);
        demand.maxAuditAge = type(uint32).max - 1;
        vm.warp(type(uint32).max);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.AuditTooOld.selector, node.id, 0, demand.maxAuditAge));
        _beginAs(demand);
    }

    // ---------------------------------------------------------------- Limits of tokens

    function test_RevertWhen_ATokenHasNoLimits() public {
        TaskDemand memory demand = _demand(1, 1);
        demand.token = address(token);
        bytes memory refusal = abi.encodeWithSelector(INodeRegistry.TokenWithoutLimits.selector, address(token));
        vm.expectRevert(refusal);
        _beginAs(demand);

        _setLimits(address(token), TokenLimits(1, 1, 1, 1, 1));
        _beginAs(demand);
        _setLimits(address(token), TokenLimits(0, 0, 0, 0, 0));
        vm.expectRevert(refusal);
        _beginAs(demand);
    }

    function test_ATaskInATokenWithoutLimitsEndsButDoesNotCount() public {
        _setLimits(address(token), TokenLimits(1, 1, 1, 1, 1));
        TaskDemand memory demand = _demand(1, 1);
        demand.token = address(token);
        _beginAs(demand);
        _setLimits(address(token), TokenLimits(0, 0, 0, 0, 0));
        vm.startPrank(address(market));
        registry.endExecution(node.id, node.operator, 1);
        registry.settleTask(node.id, buyer, address(token), 1, 1);
        vm.stopPrank();
        assertEq(info(node).tasksVerified, 0);
        assertEq(registry.openEscrowOf(node.id, address(token)), 0);
    }

    function test_GovernanceSetsLimits() public {
        TokenLimits memory limits = TokenLimits(1, 2, 3, 4, 5);
        vm.expectRevert(abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", address(this)));
        registry.setTokenLimits(ETH, limits);
        vm.expectEmit(address(registry));
        emit INodeRegistry.TokenLimitsChanged(ETH, limits);
        _setLimits(ETH, limits);
        assertEq(abi.encode(registry.tokenLimits(ETH)), abi.encode(limits));
    }

    function test_RevertWhen_LimitsMakeNoSense() public {
        TokenLimits[6] memory bad = [
            TokenLimits(0, 2, 3, 4, 5),
            TokenLimits(1, 0, 3, 4, 5),
            TokenLimits(1, 2, 1, 4, 5),
            TokenLimits(1, 2, 3, 2, 5),
            TokenLimits(1, 2, 3, 4, 3),
            TokenLimits(0, 2, 3, 4, 0)
        ];
        for (uint256 i; i < bad.length; ++i) {
            vm.prank(governance);
            vm.expectRevert(abi.encodeWithSelector(INodeRegistry.InvalidLimits.selector, ETH));
            registry.setTokenLimits(ETH, bad[i]);
        }
    }

    function test_AnEmptiedSumOfATokenIsCheapToRefill() public {
        TaskDemand memory demand = _demand(5, 1);
        demand.token = address(dollar);
        _beginAs(demand);
        vm.startPrank(address(market));
        registry.endExecution(node.id, node.operator, 1);
        vm.record();
        registry.settleTask(node.id, buyer, address(dollar), 5, 0);
        vm.stopPrank();
        assertEq(registry.openEscrowOf(node.id, address(dollar)), 0);
        (, bytes32[] memory writes) = vm.accesses(address(registry));
        assertGt(writes.length, 0);
        for (uint256 i; i < writes.length; ++i) {
            assertNotEq(vm.load(address(registry), writes[i]), 0, "no slot returns to zero");
        }
        demand.escrow = 7;
        _beginAs(demand);
        assertEq(registry.openEscrowOf(node.id, address(dollar)), 7);
    }

    function test_ATaskInEtherWritesOneSlotOfItsNode() public {
        vm.record();
        _begin(7, 1);
        (, bytes32[] memory writes) = vm.accesses(address(registry));
        for (uint256 i = 1; i < writes.length; ++i) {
            assertEq(writes[i], writes[0]);
        }
    }

    // ---------------------------------------------------------------- Inside

    function _level() private view returns (uint8 level) {
        level = registry.trustLevelOf(node.id);
        assertEq(info(node).trustLevel, level);
    }

    function _audited(uint24 challenges) private {
        tellStanding(node, POWER, challenges, uint40(block.timestamp));
    }

    function _recordPartner(uint128 bond) private {
        vm.prank(governance);
        registry.recordPartner(node.id, "sla", bond);
    }

    function _set(INodeRegistry.Parameters memory changed) private {
        vm.prank(governance);
        registry.setParameters(changed);
    }

    function _setLimits(address paidIn, TokenLimits memory limits) private {
        vm.prank(governance);
        registry.setTokenLimits(paidIn, limits);
    }

    /// @dev All of level 3: 10,000 AIIGO, ten challenges, a hundred tasks without a failure, full reputation.
    function _excellent() private {
        stake(node, 9_800e18);
        _audited(10);
        _settleTimes(190);
        assertEq(info(node).reputation, 10_000);
    }

    /// @dev Exactly this level, for an excellent node.
    function _reach(uint8 level) private {
        _audited(level == 1 || level == 4 ? 1 : 10);
        INodeRegistry.Parameters memory changed = registry.parameters();
        changed.levelThreeTasks = level == 2 ? type(uint16).max : 100;
        _set(changed);
        if (level == 4) _recordPartner(0);
        assertEq(_level(), level);
    }

    function _settleTimes(uint256 times) private {
        for (uint160 i; i < times; ++i) {
            _begin(1, 1);
            vm.startPrank(address(market));
            registry.endExecution(node.id, node.operator, 1);
            registry.settleTask(node.id, address(0xb000 + i), ETH, 1, 0.001 ether);
            vm.stopPrank();
        }
        skip(1 days);
    }

    function _failTimes(uint256 times) private {
        for (uint256 i; i < times; ++i) {
            _begin(1, 1);
            vm.prank(address(market));
            registry.failTask(node.id, 1, ETH, 1, Cause.TaskAbandoned);
        }
    }

    function _begin(uint96 price, uint8 level) private {
        _beginAs(_demand(price, level));
    }

    function _beginAs(TaskDemand memory demand) private {
        vm.prank(address(market));
        registry.beginTask(node.id, node.operator, buyer, demand);
    }

    function _demand(uint96 price, uint8 level) private pure returns (TaskDemand memory) {
        return TaskDemand(ResourceType.GPU, level, 1, 0, ETH, price);
    }
}
