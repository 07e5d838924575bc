// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEntryPausable} from "src/interfaces/IEntryPausable.sol";
import {INodeRegistry} from "src/interfaces/INodeRegistry.sol";
import {NodeInfo, NodeStatus} from "src/types/Node.sol";
import {ResourceType} from "src/types/Resource.sol";

import {MarketFixture, Node} from "../utils/MarketFixture.sol";

contract NodeRegistrationTest is MarketFixture {
    Node internal node;
    address internal stranger = makeAddr("stranger");

    function setUp() public override {
        super.setUp();
        node = register("node", ResourceType.CPU);
    }

    // ---------------------------------------------------------------- Registering

    function test_RegisteringSetsTheThreeKeysAndPaysTheTreasury() public {
        address owner = account("owner", 0);
        uint256 before = treasury.balance;
        vm.expectEmit(address(registry));
        emit INodeRegistry.NodeRegistered(
            2, owner, address(0x0b), address(0x0c), ResourceType.IoT, "ipfs://meta", 0.1 ether, 0
        );
        vm.prank(owner);
        uint64 id =
            registry.registerNode{value: 0.1 ether}(ResourceType.IoT, "ipfs://meta", address(0x0b), address(0x0c), 0);

        assertEq(id, 2);
        assertEq(registry.nodeCount(), 2);
        assertEq(treasury.balance - before, 0.1 ether);
        NodeInfo memory data = registry.nodeInfo(id);
        assertEq(data.owner, owner);
        assertEq(data.operator, address(0x0b));
        assertEq(data.payout, address(0x0c));
        assertEq(data.reputation, 5_000);
        assertEq(data.registeredAt, block.timestamp);
        assertEq(uint8(data.resourceType), uint8(ResourceType.IoT));
        assertEq(uint8(data.status), uint8(NodeStatus.Pending));
        assertEq(registry.ownerOf(id), owner);
        assertEq(registry.operatorOf(id), address(0x0b));
        assertEq(registry.payoutOf(id), address(0x0c));
        assertEq(uint8(registry.resourceTypeOf(id)), uint8(ResourceType.IoT));
    }

    function test_ZeroKeysMeanTheCaller() public {
        address owner = account("owner", 0);
        vm.prank(owner);
        uint64 id = registry.registerNode{value: 0.1 ether}(ResourceType.GPU, "", address(0), address(0), 0);
        assertEq(registry.operatorOf(id), owner);
        assertEq(registry.payoutOf(id), owner);
    }

    function test_RevertWhen_TheFeeIsNotExact() public {
        address owner = account("owner", 0);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.WrongRegistrationFee.selector, 0.1 ether - 1, 0.1 ether));
        registry.registerNode{value: 0.1 ether - 1}(ResourceType.GPU, "", address(0), address(0), 0);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.WrongRegistrationFee.selector, 0.1 ether + 1, 0.1 ether));
        registry.registerNode{value: 0.1 ether + 1}(ResourceType.GPU, "", address(0), address(0), 0);
    }

    function test_RevertWhen_TheTreasuryRefusesTheFee() public {
        address owner = account("owner", 0);
        vm.mockCallRevert(treasury, bytes(""), bytes("no"));
        vm.prank(owner);
        vm.expectRevert(INodeRegistry.TreasuryRefusedFee.selector);
        registry.registerNode{value: 0.1 ether}(ResourceType.GPU, "", address(0), address(0), 0);
    }

    function test_RevertWhen_EntryIsPaused() public {
        uint40 until = uint40(block.timestamp + 14 days);
        vm.expectEmit(address(registry));
        emit IEntryPausable.EntryPaused(until);
        vm.prank(address(suite.guardian));
        registry.pauseEntry(until);
        assertEq(registry.entryPausedUntil(), until);
        skip(14 days - 1);

        bytes memory paused = abi.encodeWithSelector(IEntryPausable.EntryIsPaused.selector, until);
        vm.startPrank(node.owner);
        vm.expectRevert(paused);
        registry.registerNode{value: 0.1 ether}(ResourceType.GPU, "", address(0), address(0), 0);
        vm.expectRevert(paused);
        registry.stakeForNode(node.id, MIN_STAKE);
        skip(1);
        registry.registerNode{value: 0.1 ether}(ResourceType.GPU, "", address(0), address(0), 0);
        vm.stopPrank();
        stake(node, MIN_STAKE);
    }

    function test_OnlyTheOwnerLiftsAPause() public {
        uint40 until = uint40(block.timestamp + 14 days);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", stranger));
        registry.pauseEntry(until);
        vm.startPrank(address(suite.guardian));
        registry.pauseEntry(until);
        registry.pauseEntry(0);
        assertEq(registry.entryPausedUntil(), until, "the guardian only prolongs");
        vm.stopPrank();
        vm.prank(governance);
        registry.pauseEntry(0);
        stake(node, MIN_STAKE);
    }

    function test_APausedNodeStillLeaves() public {
        stake(node, MIN_STAKE);
        goOnline(node);
        vm.prank(governance);
        registry.pauseEntry(uint40(block.timestamp + 30 days));
        vm.startPrank(node.owner);
        registry.setOnline(node.id, false);
        registry.unstake(node.id, MIN_STAKE);
        skip(14 days);
        registry.withdrawStake(node.id);
        vm.stopPrank();
        assertEq(token.balanceOf(node.owner), 10_000e18);
    }

    // ---------------------------------------------------------------- Referrals

    function test_ANodeNamesWhoBroughtIt() public {
        address owner = account("owner", 0);
        vm.expectEmit(address(registry));
        emit INodeRegistry.NodeRegistered(2, owner, owner, owner, ResourceType.CPU, "", 0.1 ether, node.id);
        vm.prank(owner);
        uint64 id = registry.registerNode{value: 0.1 ether}(ResourceType.CPU, "", address(0), address(0), node.id);
        assertEq(registry.nodeInfo(id).referrer, node.id);
        assertEq(info(node).referrer, 0);
    }

    function test_RevertWhen_ANodeRefersItself() public {
        address[3] memory keys = [node.owner, node.operator, node.payout];
        bytes memory refusal = abi.encodeWithSelector(INodeRegistry.SelfReferral.selector, node.id);
        address owner = account("owner", 0);
        for (uint256 i; i < 3; ++i) {
            vm.deal(keys[i], 1 ether);
            vm.prank(keys[i]);
            vm.expectRevert(refusal);
            registry.registerNode{value: 0.1 ether}(ResourceType.CPU, "", address(0x0b), address(0x0c), node.id);
            vm.startPrank(owner);
            vm.expectRevert(refusal);
            registry.registerNode{value: 0.1 ether}(ResourceType.CPU, "", keys[i], address(0), node.id);
            vm.expectRevert(refusal);
            registry.registerNode{value: 0.1 ether}(ResourceType.CPU, "", address(0), keys[i], node.id);
            vm.stopPrank();
        }
    }

    function test_RevertWhen_TheReferrerIsUnknown() public {
        address owner = account("owner", 0);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.UnknownNode.selector, 2));
        registry.registerNode{value: 0.1 ether}(ResourceType.CPU, "", address(0), address(0), 2);
    }

    // ---------------------------------------------------------------- Keys

    function test_TheOwnerChangesOperatorAndPayout() public {
        vm.startPrank(node.owner);
        vm.expectEmit(address(registry));
        emit INodeRegistry.OperatorChanged(node.id, stranger);
        registry.setOperator(node.id, stranger);
        vm.expectEmit(address(registry));
        emit INodeRegistry.PayoutChanged(node.id, stranger);
        registry.setPayout(node.id, stranger);
        vm.stopPrank();
        assertEq(registry.operatorOf(node.id), stranger);
        assertEq(registry.payoutOf(node.id), stranger);
        assertTrue(registry.isOperator(node.id, stranger));
        assertFalse(registry.isOperator(node.id, node.operator));
    }

    function test_RevertWhen_TheOperatorTouchesKeys() public {
        bytes memory refusal = abi.encodeWithSelector(INodeRegistry.NotNodeOwner.selector, node.id, node.operator);
        vm.startPrank(node.operator);
        vm.expectRevert(refusal);
        registry.setOperator(node.id, stranger);
        vm.expectRevert(refusal);
        registry.setPayout(node.id, stranger);
    }

    function test_RevertWhen_AKeyIsZero() public {
        vm.startPrank(node.owner);
        vm.expectRevert(INodeRegistry.ZeroAddress.selector);
        registry.setOperator(node.id, address(0));
        vm.expectRevert(INodeRegistry.ZeroAddress.selector);
        registry.setPayout(node.id, address(0));
    }

    function test_OwnerAndOperatorAreOperatorsNobodyElse() public view {
        assertTrue(registry.isOperator(node.id, node.owner));
        assertTrue(registry.isOperator(node.id, node.operator));
        assertFalse(registry.isOperator(node.id, node.payout));
        assertFalse(registry.isOperator(99, address(0)), "nobody operates an unknown node");
    }

    function test_OwnerAndOperatorDescribeTheNode() public {
        vm.expectEmit(address(registry));
        emit INodeRegistry.MetadataChanged(node.id, "ipfs://new");
        vm.prank(node.operator);
        registry.setMetadata(node.id, "ipfs://new");

        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NotNodeOperator.selector, node.id, stranger));
        registry.setMetadata(node.id, "ipfs://fake");
    }

    function test_BidsLapseWithTheOperatorAndByTheNodesWish() public {
        assertEq(registry.bidEpochOf(node.id), 0);
        vm.expectEmit(address(registry));
        emit INodeRegistry.BidEpochRaised(node.id, 1);
        vm.prank(node.owner);
        registry.setOperator(node.id, stranger);
        vm.expectEmit(address(registry));
        emit INodeRegistry.BidEpochRaised(node.id, 2);
        vm.prank(stranger);
        registry.raiseBidEpoch(node.id);
        vm.prank(address(market));
        registry.raiseBidEpoch(node.id);
        assertEq(registry.bidEpochOf(node.id), 3);

        vm.prank(node.operator);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NotNodeOperator.selector, node.id, node.operator));
        registry.raiseBidEpoch(node.id);
    }

    function test_BidsLapseWhenTheNodeGoesOffline() public {
        vm.startPrank(node.operator);
        registry.setOnline(node.id, true);
        assertEq(registry.bidEpochOf(node.id), 0);
        registry.setOnline(node.id, false);
        assertEq(registry.bidEpochOf(node.id), 1);
    }

    // ---------------------------------------------------------------- Pages

    function test_NodesComeInPages() public {
        for (uint256 i; i < 4; ++i) {
            register(string.concat("node ", vm.toString(i)), ResourceType.GPU);
        }
        assertEq(registry.nodes(1, 100).length, 5);
        assertEq(registry.nodes(0, 100).length, 5, "ids begin with 1");
        NodeInfo[] memory page = registry.nodes(2, 2);
        assertEq(page.length, 2);
        assertEq(abi.encode(page[0]), abi.encode(registry.nodeInfo(2)));
        assertEq(abi.encode(page[1]), abi.encode(registry.nodeInfo(3)));
        assertEq(registry.nodes(5, type(uint64).max).length, 1);
        assertEq(registry.nodes(6, 1).length, 0);
        assertEq(registry.nodes(type(uint64).max, type(uint64).max).length, 0);
    }

    // ---------------------------------------------------------------- Status

    function test_ANodeBecomesActiveByProvingStakingAndGoingOnline() public {
        assertStatus(NodeStatus.Pending);
        goOnline(node);
        assertStatus(NodeStatus.Pending);
        prove(node, 1);
        assertStatus(NodeStatus.Verified);
        stake(node, MIN_STAKE - 1);
        assertStatus(NodeStatus.Verified);
        assertEq(registry.trustLevelOf(node.id), 0);
        stake(node, 1);
        assertStatus(NodeStatus.Active);
        assertEq(registry.trustLevelOf(node.id), 1);
        assertTrue(info(node).online);
        vm.prank(node.owner);
        registry.setOnline(node.id, false);
        assertStatus(NodeStatus.Inactive);
        assertFalse(info(node).online);
    }

    function test_GoingOnlineIsAnEventAndARepetitionAnError() public {
        vm.expectEmit(address(registry));
        emit INodeRegistry.OnlineChanged(node.id, true);
        goOnline(node);
        vm.prank(node.operator);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.AlreadyInState.selector, node.id));
        registry.setOnline(node.id, true);
    }

    function test_RevertWhen_AStrangerSwitchesANode() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NotNodeOperator.selector, node.id, stranger));
        registry.setOnline(node.id, true);
    }

    function test_UnknownNodesHaveNoStatusAndNoOwner() public {
        assertEq(uint8(registry.statusOf(99)), uint8(NodeStatus.None));
        assertEq(registry.trustLevelOf(99), 0);
        assertEq(registry.freeSlots(99), 0);
        bytes memory unknown = abi.encodeWithSelector(INodeRegistry.UnknownNode.selector, 99);
        vm.expectRevert(unknown);
        registry.nodeInfo(99);
        vm.expectRevert(unknown);
        registry.ownerOf(99);
        vm.expectRevert(unknown);
        registry.payoutOf(99);
        vm.expectRevert(unknown);
        registry.bidEpochOf(99);
        vm.expectRevert(unknown);
        registry.stakeForNode(99, 1);
    }

    function test_RevertWhen_SomebodyElseVerifiesANode() public {
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NotVerifier.selector, address(this)));
        registry.markVerified(node.id);
    }

    function test_RevertWhen_ANodeIsVerifiedTwice() public {
        vm.startPrank(address(verifier));
        vm.expectEmit(address(registry));
        emit INodeRegistry.NodeVerified(node.id);
        registry.markVerified(node.id);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.AlreadyInState.selector, node.id));
        registry.markVerified(node.id);
    }

    // ---------------------------------------------------------------- Governance

    function test_OnlyGovernanceSetsParameters() public {
        INodeRegistry.Parameters memory changed = registry.parameters();
        changed.minStake = 200e18;
        vm.expectRevert(abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", address(this)));
        registry.setParameters(changed);

        vm.expectEmit(address(registry));
        emit INodeRegistry.RegistryParametersChanged(changed);
        vm.prank(governance);
        registry.setParameters(changed);
        assertEq(registry.parameters().minStake, 200e18);
    }

    function test_RevertWhen_ParametersMakeNoSense() public {
        INodeRegistry.Parameters memory good = registry.parameters();
        INodeRegistry.Parameters memory bad = registry.parameters();
        bad.minStake = 0;
        _expectInvalid(bad);
        bad.minStake = good.minStake;
        bad.timeoutSlashBps = 10_001;
        _expectInvalid(bad);
        bad.timeoutSlashBps = good.timeoutSlashBps;
        bad.unbondingPeriod = 180 days + 1;
        _expectInvalid(bad);
        bad.unbondingPeriod = 7 days - 1; // the longest review window is 7 days
        _expectInvalid(bad);
        bad.unbondingPeriod = 7 days;
        bad.levelTwoStake = bad.minStake - 1;
        _expectInvalid(bad);
        bad.levelTwoStake = bad.levelThreeStake + 1;
        _expectInvalid(bad);
        bad.levelTwoStake = good.levelTwoStake;
        bad.levelThreeReputation = 10_001;
        _expectInvalid(bad);
        bad.levelThreeReputation = good.levelThreeReputation;
        bad.levelThreeSuccessBps = 10_001;
        _expectInvalid(bad);
        bad.levelThreeSuccessBps = good.levelThreeSuccessBps;
        bad.disputeSlashBps = 10_001;
        _expectInvalid(bad);
        bad.disputeSlashBps = good.disputeSlashBps;
        bad.misuseSlashBps = 10_001;
        _expectInvalid(bad);
        bad.misuseSlashBps = good.misuseSlashBps;
        bad.reviewFailureBps = 10_001;
        _expectInvalid(bad);
        bad.reviewFailureBps = good.reviewFailureBps;
        bad.reviewMinTasks = 0;
        _expectInvalid(bad);
        bad.reviewMinTasks = good.reviewMinTasks;
        bad.reviewPeriod = 90 days + 1;
        _expectInvalid(bad);
        bad.reviewPeriod = 90 days;
        vm.prank(governance);
        registry.setParameters(bad);
    }

    function test_ParametersReachTheirBounds() public {
        INodeRegistry.Parameters memory p = registry.parameters();
        p.minStake = 1;
        p.levelTwoStake = 1;
        p.levelThreeStake = 1;
        p.levelThreeReputation = 10_000;
        p.levelThreeSuccessBps = 10_000;
        p.timeoutSlashBps = 10_000;
        p.disputeSlashBps = 10_000;
        p.misuseSlashBps = 10_000;
        p.reviewFailureBps = 10_000;
        p.reviewMinTasks = 1;
        p.reviewPeriod = 90 days;
        p.unbondingPeriod = 180 days;
        vm.prank(governance);
        registry.setParameters(p);
        assertEq(abi.encode(registry.parameters()), abi.encode(p));
    }

    function _expectInvalid(INodeRegistry.Parameters memory bad) private {
        vm.prank(governance);
        vm.expectRevert(INodeRegistry.InvalidParameters.selector);
        registry.setParameters(bad);
    }

    function assertStatus(NodeStatus expected) private view {
        assertEq(uint8(registry.statusOf(node.id)), uint8(expected), "status");
        assertEq(uint8(registry.nodeInfo(node.id).status), uint8(expected), "status in info");
    }
}
