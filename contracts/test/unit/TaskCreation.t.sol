// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IEscrowManager} from "src/interfaces/IEscrowManager.sol";
import {IMarketExtension} from "src/interfaces/IMarketExtension.sol";
import {INodeRegistry} from "src/interfaces/INodeRegistry.sol";
import {ITaskMarketplace} from "src/interfaces/ITaskMarketplace.sol";
import {ResourceType} from "src/types/Resource.sol";
import {Task, TaskRequest, TaskStatus} from "src/types/Task.sol";

import {MarketFixture, Node} from "../utils/MarketFixture.sol";
import {HookedDollar} from "../utils/Tokens.sol";

contract TaskCreationTest is MarketFixture {
    address internal buyer;

    function setUp() public override {
        super.setUp();
        buyer = account("buyer", 0);
    }

    // ---------------------------------------------------------------- Creating

    function test_CreatingEscrowsThePriceAndTheTips() public {
        TaskRequest memory asked = request();
        bytes32 taskId = market.taskIdOf(buyer, 0, asked.specHash);
        uint40 acceptBy = uint40(block.timestamp) + ACCEPT;
        vm.expectEmit(address(market));
        emit ITaskMarketplace.TaskCreated(taskId, buyer, asked.specHash, asked, 0.36 ether, 4 * TIP, 800, acceptBy);
        vm.expectEmit(address(escrow));
        emit IEscrowManager.Deposited(taskId, buyer, ETH, 0.36 ether + 4 * TIP);
        assertEq(createTask(buyer, asked), taskId);

        Task memory task = market.taskOf(taskId);
        assertEq(task.buyer, buyer);
        assertEq(task.nodeId, 0);
        assertEq(uint8(task.status), uint8(TaskStatus.Open));
        assertEq(uint8(task.resourceType), uint8(ResourceType.GPU));
        assertEq(task.minTrustLevel, 1);
        assertEq(task.attempts, 0);
        assertEq(task.escrow, 0.36 ether);
        assertEq(task.duration, DURATION);
        assertEq(task.minPower, 1_000);
        assertEq(task.acceptBy, acceptBy);
        assertEq(task.acceptWindow, ACCEPT);
        assertEq(task.feeBps, 800);
        assertEq(task.paymentToken, ETH);
        assertEq(task.assignedAt, 0);
        assertEq(task.submittedAt, 0);
        assertEq(task.reviewWindow, REVIEW / 1 minutes);
        assertEq(market.nonceOf(buyer), 1);
        assertEq(escrow.escrowOf(taskId).amount, 0.36 ether + 4 * TIP);
    }

    function test_AReviewWindowIsAnyWholeNumberOfMinutes() public {
        TaskRequest memory asked = request();
        asked.reviewWindow = 61 minutes;
        assertEq(market.taskOf(createTask(buyer, asked)).reviewWindow, 61);
    }

    function test_TheSameRequestTwiceMakesTwoTasks() public {
        bytes32 first = createTask(buyer);
        bytes32 second = createTask(buyer);
        assertNotEq(first, second);
        assertEq(second, keccak256(abi.encode(block.chainid, address(market), buyer, 1, keccak256("spec"))));
    }

    function test_TokensPayToo() public {
        TaskRequest memory asked = request();
        asked.paymentToken = address(dollar);
        asked.pricePerHour = 2e6;
        bytes32 taskId = createTask(buyer, asked);
        assertEq(escrow.escrowOf(taskId).token, address(dollar));
        assertEq(escrow.escrowOf(taskId).amount, 2e6 + 4 * 0.5e6);
        assertEq(dollar.balanceOf(buyer), 0);
    }

    function test_ThePriceIsRoundedUp() public view {
        TaskRequest memory asked = request();
        asked.pricePerHour = 1e15 + 1;
        asked.duration = 60;
        (uint96 price, uint256 tips) = market.quote(asked);
        assertEq(price, 16_666_666_666_667);
        assertEq(tips, 4 * TIP);
    }

    function test_RevertWhen_TheValueIsNotExact() public {
        TaskRequest memory asked = request();
        uint256 cost = 0.36 ether + 4 * TIP;
        vm.startPrank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IEscrowManager.WrongValue.selector, cost - 1, cost));
        market.createTask{value: cost - 1}(asked);
        vm.expectRevert(abi.encodeWithSelector(IEscrowManager.WrongValue.selector, cost + 1, cost));
        market.createTask{value: cost + 1}(asked);
        asked.paymentToken = address(dollar);
        vm.expectRevert(abi.encodeWithSelector(IEscrowManager.WrongValue.selector, cost, 0));
        market.createTask{value: cost}(asked);
    }

    function test_RevertWhen_TheTokenIsNotAllowed() public {
        TaskRequest memory asked = request();
        asked.paymentToken = address(token);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.TokenNotAllowed.selector, address(token)));
        market.createTask(asked);
    }

    function test_RevertWhen_AFieldBreaksARule() public {
        TaskRequest memory asked = request();
        asked.minTrustLevel = 5;
        _expectInvalid(asked, "minTrustLevel");
        asked = request();
        asked.replicas = 0;
        _expectInvalid(asked, "replicas");
        asked = request();
        asked.minPower = 0;
        _expectInvalid(asked, "minPower");
        asked = request();
        asked.duration = 59;
        _expectInvalid(asked, "duration");
        asked.duration = 30 days + 1;
        _expectInvalid(asked, "duration");
        asked = request();
        asked.acceptWindow = 0;
        _expectInvalid(asked, "acceptWindow");
        asked.acceptWindow = 7 days + 1;
        _expectInvalid(asked, "acceptWindow");
        asked = request();
        asked.reviewWindow = 1 hours - 60;
        _expectInvalid(asked, "reviewWindow");
        asked.reviewWindow = 7 days + 60;
        _expectInvalid(asked, "reviewWindow");
        asked.reviewWindow = 1 hours + 1;
        _expectInvalid(asked, "reviewWindow");
        asked = request();
        asked.pricePerHour = 19_999;
        _expectInvalid(asked, "pricePerHour");
        asked.pricePerHour = uint96(type(uint88).max) + 1;
        _expectInvalid(asked, "pricePerHour");
        asked = request();
        asked.specHash = 0;
        _expectInvalid(asked, "specHash");
        asked = request();
        asked.specURI = "";
        _expectInvalid(asked, "specURI");
        asked.specURI = string(new bytes(2_049));
        _expectInvalid(asked, "specURI");
    }

    function test_EachFieldReachesItsBounds() public {
        vm.deal(buyer, type(uint96).max);
        TaskRequest memory asked = request();
        asked.minTrustLevel = 4;
        createTask(buyer, asked);
        asked = request();
        asked.duration = 1 minutes;
        createTask(buyer, asked);
        asked.duration = 30 days;
        createTask(buyer, asked);
        asked = request();
        asked.acceptWindow = 1;
        createTask(buyer, asked);
        asked.acceptWindow = 7 days;
        createTask(buyer, asked);
        asked = request();
        asked.reviewWindow = 1 hours;
        createTask(buyer, asked);
        asked.reviewWindow = 7 days;
        createTask(buyer, asked);
        asked = request();
        asked.pricePerHour = 20_000;
        assertEq(market.taskOf(createTask(buyer, asked)).escrow, 20_000);
        asked.pricePerHour = type(uint88).max;
        assertEq(market.taskOf(createTask(buyer, asked)).escrow, type(uint88).max);
        asked = request();
        asked.specURI = string(new bytes(2_048));
        createTask(buyer, asked);
    }

    /// @dev Any watcher, any age: nothing stands for "none" but zero.
    function test_TheSmallestTermsAreKept() public {
        TaskRequest memory asked = request();
        asked.watcher = address(1);
        assertEq(market.taskOf(createTask(buyer, asked)).watcher, address(1));
        asked = request();
        asked.maxAuditAge = 1;
        assertEq(market.taskOf(createTask(buyer, asked)).maxAuditAge, 1);
    }

    function test_RevertWhen_ATokenReenters() public {
        HookedDollar hooked = new HookedDollar();
        vm.prank(governance);
        market.setPaymentToken(address(hooked), true, 0);
        TaskRequest memory asked = request();
        asked.paymentToken = address(hooked);
        hooked.mint(buyer, 1 ether);
        vm.startPrank(buyer);
        hooked.approve(address(escrow), 1 ether);
        bytes[4] memory calls = [
            abi.encodeCall(market.createTask, (asked)),
            abi.encodeCall(market.createTasks, (new TaskRequest[](0), new IMarketExtension.TokenPermit[](0))),
            abi.encodeCall(market.disputeTask, ("task", "ipfs://evidence")),
            abi.encodeCall(market.appealReplica, ("task", 1, "ipfs://evidence"))
        ];
        for (uint256 i; i < calls.length; ++i) {
            hooked.hook(address(market), calls[i]);
            vm.expectRevert(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
            market.createTask(asked);
        }
        TaskRequest[] memory batch = new TaskRequest[](1);
        batch[0] = asked;
        hooked.hook(address(market), calls[0]);
        vm.expectRevert(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        market.createTasks(batch, new IMarketExtension.TokenPermit[](0));
    }

    // ---------------------------------------------------------------- Taking back

    function test_TheBuyerCancelsWhileOpen() public {
        bytes32 taskId = createTask(buyer);
        vm.expectEmit(address(market));
        emit ITaskMarketplace.TaskCancelled(taskId, 0.36 ether);
        vm.prank(buyer);
        market.cancelTask(taskId);
        assertStatus(taskId, TaskStatus.Cancelled);
        assertEq(escrow.balanceOf(buyer, ETH), 0.36 ether + 4 * TIP);
    }

    function test_RevertWhen_SomebodyElseCancels() public {
        bytes32 taskId = createTask(buyer);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.NotBuyer.selector, taskId, address(this)));
        market.cancelTask(taskId);
    }

    function test_RevertWhen_ATaskIsCancelledAfterItsStartOrEnd() public {
        Node memory node = activeNode("node");
        bytes32 taskId = acceptedTask(buyer, node);
        _expectCannotCancel(taskId, TaskStatus.InProgress);
        submit(taskId, node);
        _expectCannotCancel(taskId, TaskStatus.Completed);
        approve(taskId);
        _expectCannotCancel(taskId, TaskStatus.Verified);
        _expectCannotCancel("unknown", TaskStatus.None);
    }

    function test_AnyoneExpiresATaskThatNobodyTook() public {
        bytes32 taskId = createTask(buyer);
        skip(ACCEPT);
        uint40 acceptBy = uint40(block.timestamp);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.AcceptWindowOpen.selector, taskId, acceptBy));
        market.expireTask(taskId);
        skip(1);
        vm.expectEmit(address(market));
        emit ITaskMarketplace.TaskExpired(taskId, 0.36 ether);
        market.expireTask(taskId);
        assertStatus(taskId, TaskStatus.Expired);
        assertEq(escrow.balanceOf(buyer, ETH), 0.36 ether + 4 * TIP);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.WrongStatus.selector, taskId, TaskStatus.Expired));
        market.expireTask(taskId);
    }

    // ---------------------------------------------------------------- Governance

    function test_OnlyGovernanceSetsParametersAndTokens() public {
        ITaskMarketplace.Parameters memory changed = market.parameters();
        changed.feeBps = 600;
        bytes memory refusal = abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", address(this));
        vm.expectRevert(refusal);
        market.setParameters(changed);
        vm.expectRevert(refusal);
        market.setPaymentToken(ETH, false, 0);

        vm.startPrank(governance);
        vm.expectEmit(address(market));
        emit ITaskMarketplace.MarketParametersChanged(changed);
        market.setParameters(changed);
        vm.expectEmit(address(market));
        emit ITaskMarketplace.PaymentTokenChanged(ETH, false, 7);
        market.setPaymentToken(ETH, false, 7);
        vm.stopPrank();
        assertEq(market.parameters().feeBps, 600);
        assertFalse(market.paymentToken(ETH).allowed);
        assertEq(market.paymentToken(ETH).timeoutTip, 7);
    }

    function test_AChangedFeeLeavesOldTasksAlone() public {
        bytes32 taskId = createTask(buyer);
        ITaskMarketplace.Parameters memory changed = market.parameters();
        changed.feeBps = 1_000;
        vm.prank(governance);
        market.setParameters(changed);
        assertEq(market.taskOf(taskId).feeBps, 800);
    }

    function test_RevertWhen_ATokenHasNoCode() public {
        vm.prank(governance);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.TokenNotAllowed.selector, buyer));
        market.setPaymentToken(buyer, true, 0);
    }

    function test_RevertWhen_ParametersMakeNoSense() public {
        ITaskMarketplace.Parameters memory bad = market.parameters();
        bad.feeBps = 1_001;
        _expectInvalid(bad);
        bad = market.parameters();
        bad.grace = 1 days + 1;
        _expectInvalid(bad);
        bad = market.parameters();
        bad.minDuration = 0;
        _expectInvalid(bad);
        bad.minDuration = bad.maxDuration + 1;
        _expectInvalid(bad);
        bad = market.parameters();
        bad.maxDuration = 90 days + 1;
        _expectInvalid(bad);
        bad = market.parameters();
        bad.maxAcceptWindow = 0;
        _expectInvalid(bad);
        bad.maxAcceptWindow = 30 days + 1;
        _expectInvalid(bad);
        bad = market.parameters();
        bad.minReviewWindow = 0;
        _expectInvalid(bad);
        bad.minReviewWindow = 61;
        _expectInvalid(bad);
        bad.minReviewWindow = 7 days + 60;
        _expectInvalid(bad);
        bad = market.parameters();
        bad.maxReviewWindow = 7 days + 1;
        _expectInvalid(bad);
        bad.maxReviewWindow = 30 days + 60;
        _expectInvalid(bad);
        bad.maxReviewWindow = 14 days + 60; // unbonding takes 14 days
        _expectInvalid(bad);
        bad.maxReviewWindow = 14 days;
        vm.prank(governance);
        market.setParameters(bad);
    }

    function test_ParametersReachTheirBounds() public {
        INodeRegistry.Parameters memory long = registry.parameters();
        long.unbondingPeriod = 180 days;
        vm.startPrank(governance);
        registry.setParameters(long);
        ITaskMarketplace.Parameters memory p = ITaskMarketplace.Parameters({
            feeBps: 1_000,
            grace: 1 days,
            minDuration: 1,
            maxDuration: 1,
            maxAcceptWindow: 1,
            minReviewWindow: 1 minutes,
            maxReviewWindow: 1 minutes,
            minAbandonWindow: 0
        });
        market.setParameters(p);
        assertEq(abi.encode(market.parameters()), abi.encode(p));
        p.minDuration = 90 days;
        p.maxDuration = 90 days;
        p.maxAcceptWindow = 30 days;
        p.minReviewWindow = 30 days;
        p.maxReviewWindow = 30 days;
        p.minAbandonWindow = 90 days;
        market.setParameters(p);
        assertEq(abi.encode(market.parameters()), abi.encode(p));
        vm.stopPrank();
        // Nor more, however long stake unbonds.
        p.maxReviewWindow = 30 days + 1 minutes;
        _expectInvalid(p);
        p.maxReviewWindow = 30 days;
        p.minAbandonWindow = 90 days + 1;
        _expectInvalid(p);
    }

    function _expectInvalid(ITaskMarketplace.Parameters memory bad) private {
        vm.prank(governance);
        vm.expectRevert(ITaskMarketplace.InvalidParameters.selector);
        market.setParameters(bad);
    }

    function _expectInvalid(TaskRequest memory asked, string memory field) private {
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.InvalidRequest.selector, field));
        market.createTask{value: 1 ether}(asked);
    }

    function _expectCannotCancel(bytes32 taskId, TaskStatus status) private {
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.WrongStatus.selector, taskId, status));
        market.cancelTask(taskId);
    }
}
