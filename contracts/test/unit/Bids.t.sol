// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";

import {IBids} from "src/interfaces/IBids.sol";
import {IEntryPausable} from "src/interfaces/IEntryPausable.sol";
import {INodeRegistry} from "src/interfaces/INodeRegistry.sol";
import {ITaskMarketplace} from "src/interfaces/ITaskMarketplace.sol";
import {Bid} from "src/types/Bid.sol";
import {NodeStatus} from "src/types/Node.sol";
import {Task, TaskRequest, TaskStatus} from "src/types/Task.sol";

import {MarketFixture, Node} from "../utils/MarketFixture.sol";
import {Wallet} from "../utils/Wallet.sol";

contract BidsTest is MarketFixture {
    uint256 internal constant PRICE = 0.35 ether; // of `bidFor`

    Node internal node;
    address internal buyer;
    bytes32 internal taskId;
    Bid internal bid;

    function setUp() public override {
        super.setUp();
        node = activeNode("node");
        buyer = account("buyer", 0);
        taskId = createTask(buyer);
        bid = bidFor(taskId, node);
    }

    // ---------------------------------------------------------------- What is signed

    function test_TheDigestIsEip712sOfTheMarketsAddress() public view {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("AIIGO TaskMarketplace"),
                keccak256("1"),
                block.chainid,
                address(market)
            )
        );
        bytes32 message = keccak256(
            abi.encode(
                keccak256(
                    "Bid(bytes32 taskId,uint64 nodeId,uint96 pricePerHour,uint32 eta,uint40 expiry,uint32 nodeEpoch,uint256 nonce)"
                ),
                bid.taskId,
                bid.nodeId,
                bid.pricePerHour,
                bid.eta,
                bid.expiry,
                bid.nodeEpoch,
                bid.nonce
            )
        );
        assertEq(market.bidDigest(bid), keccak256(abi.encodePacked(hex"1901", domain, message)));
        (, string memory name, string memory version, uint256 chainId, address verifying,,) =
            IERC5267(address(market)).eip712Domain();
        assertEq(name, "AIIGO TaskMarketplace");
        assertEq(version, "1");
        assertEq(chainId, block.chainid);
        assertEq(verifying, address(market));
    }

    // ---------------------------------------------------------------- Taking a bid

    function test_TheBuyerTakesABidOfTheOperator() public {
        vm.expectEmit(address(market));
        emit IBids.BidAccepted(taskId, node.id, node.operator, bid.nonce, 0.7 ether, DURATION / 2, uint96(PRICE));
        vm.expectEmit(address(market));
        emit ITaskMarketplace.TaskAccepted(taskId, node.id, node.operator, uint40(block.timestamp) + DURATION / 2);
        assign(bid, node);

        Task memory task = market.taskOf(taskId);
        assertStatus(taskId, TaskStatus.InProgress);
        assertEq(task.nodeId, node.id);
        assertEq(task.assignedAt, block.timestamp);
        assertEq(task.agreedPrice, PRICE);
        assertEq(task.agreedEta, DURATION / 2);
        assertEq(task.duration, DURATION);
        assertEq(info(node).running, 1);
        assertEq(registry.openEscrowOf(node.id, ETH), 0.36 ether);
        assertTrue(market.isBidNonceUsed(node.id, bid.nonce));
    }

    function test_TheOwnerMayBidToo() public {
        (, uint256 key) = makeAddrAndKey("node owner");
        bytes memory signature = sign(bid, key);
        vm.prank(buyer);
        vm.expectEmit(address(market));
        emit ITaskMarketplace.TaskAccepted(taskId, node.id, node.owner, uint40(block.timestamp) + DURATION / 2);
        market.assignTask(bid, signature);
    }

    function test_AContractMayBid() public {
        (address member, uint256 key) = makeAddrAndKey("member");
        address wallet = address(new Wallet(member));
        vm.prank(node.owner);
        registry.setOperator(node.id, wallet);
        bid.nodeEpoch = registry.bidEpochOf(node.id);
        bytes memory signature = sign(bid, key);
        vm.prank(buyer);
        market.assignTask(bid, signature);
        assertEq(market.taskOf(taskId).nodeId, node.id);
    }

    function test_TheLastSecondsOfBidAndWindowCount() public {
        bid.expiry = uint40(block.timestamp) + ACCEPT;
        skip(ACCEPT);
        assign(bid, node);
        assertStatus(taskId, TaskStatus.InProgress);
    }

    function test_RevertWhen_AnotherThanTheBuyerTakesABid() public {
        bytes memory signature = sign(bid, node.operatorKey);
        vm.prank(node.operator);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.NotBuyer.selector, taskId, node.operator));
        market.assignTask(bid, signature);
    }

    function test_RevertWhen_TheSignatureIsAnothers() public {
        (, uint256 key) = makeAddrAndKey("stranger");
        _refuse(sign(bid, key), abi.encodeWithSelector(IBids.BidNotSigned.selector, taskId, node.id));
        _refuse("", abi.encodeWithSelector(IBids.BidNotSigned.selector, taskId, node.id));
    }

    function test_RevertWhen_AnyTermDiffersFromWhatWasSigned() public {
        bytes memory signature = sign(bid, node.operatorKey);
        bytes memory refusal = abi.encodeWithSelector(IBids.BidNotSigned.selector, taskId, node.id);
        bid.pricePerHour -= 1;
        _refuse(signature, refusal);
        bid.pricePerHour += 1;
        bid.eta += 1;
        _refuse(signature, refusal);
        bid.eta -= 1;
        bid.expiry += 1;
        _refuse(signature, refusal);
        bid.expiry -= 1;
        bid.nonce += 1;
        _refuse(signature, refusal);
        bid.nonce -= 1;
        bytes32 other = createTask(buyer);
        bid.taskId = other;
        _refuse(signature, abi.encodeWithSelector(IBids.BidNotSigned.selector, other, node.id));
    }

    function test_RevertWhen_TheNodeIsUnknown() public {
        bid.nodeId = 99;
        _refuse("", abi.encodeWithSelector(INodeRegistry.UnknownNode.selector, 99));
    }

    function test_RevertWhen_TheBidHasExpired() public {
        skip(10 minutes + 1);
        _refuse(abi.encodeWithSelector(IBids.BidExpired.selector, taskId, node.id, bid.expiry));
    }

    function test_RevertWhen_TheBidIsSlowerThanAsked() public {
        bid.eta = DURATION + 1;
        bid.pricePerHour = 1e6;
        _refuse(abi.encodeWithSelector(IBids.BidTooSlow.selector, taskId, DURATION + 1, DURATION));
    }

    function test_ABidMayTakeAllTheTimeThatIsAsked() public {
        bid.eta = DURATION;
        bid.pricePerHour = 0.36 ether;
        assign(bid, node);
        assertEq(market.taskOf(taskId).agreedEta, DURATION);
    }

    function test_ABidMayBeAsLowAsTheLeastThatIsDue() public {
        bid.pricePerHour = 20_000;
        assign(bid, node);
        assertEq(market.taskOf(taskId).agreedPrice, 10_000);
    }

    function test_RevertWhen_TheBidCostsMoreThanTheEscrow() public {
        bid.pricePerHour = 0.72 ether + 2;
        _refuse(
            abi.encodeWithSelector(
                IBids.BidPriceOutOfRange.selector, taskId, 0.36 ether + 1, 10_000, uint256(0.36 ether)
            )
        );
        bid.pricePerHour = 0.72 ether;
        assign(bid, node);
    }

    function test_RevertWhen_TheBidIsWorthNothing() public {
        bid.pricePerHour = 19_998;
        _refuse(abi.encodeWithSelector(IBids.BidPriceOutOfRange.selector, taskId, 9_999, 10_000, uint256(0.36 ether)));
        bid.eta = 0;
        _refuse(abi.encodeWithSelector(IBids.BidPriceOutOfRange.selector, taskId, 0, 10_000, uint256(0.36 ether)));
    }

    function test_RevertWhen_TheTaskIsNotOpen() public {
        assign(bid, node);
        bytes32 first = taskId;
        bid.nonce += 1;
        _refuse(abi.encodeWithSelector(ITaskMarketplace.WrongStatus.selector, first, TaskStatus.InProgress));
    }

    function test_RevertWhen_TheAcceptanceWindowIsOver() public {
        bid.expiry = type(uint40).max;
        uint40 acceptBy = market.taskOf(taskId).acceptBy;
        skip(ACCEPT + 1);
        _refuse(abi.encodeWithSelector(ITaskMarketplace.AcceptWindowOver.selector, taskId, acceptBy));
    }

    function test_RevertWhen_EntryIsPaused() public {
        uint40 until = uint40(block.timestamp) + 1;
        vm.prank(governance);
        market.pauseEntry(until);
        _refuse(abi.encodeWithSelector(IEntryPausable.EntryIsPaused.selector, until));
        skip(1);
        assign(bid, node);
    }

    function test_RevertWhen_TheNodeIsExcluded() public {
        assign(bid, node);
        vm.prank(node.operator);
        market.abandonTask(taskId);
        bid.nonce += 1;
        _refuse(abi.encodeWithSelector(ITaskMarketplace.NodeExcluded.selector, taskId, node.id));
    }

    function test_RevertWhen_TheNodeIsTheBuyersOwn() public {
        vm.prank(node.owner);
        registry.setPayout(node.id, buyer);
        _refuse(abi.encodeWithSelector(INodeRegistry.BuyerOwnsNode.selector, node.id, buyer));
    }

    function test_RevertWhen_TheNodeIsNotEligible() public {
        TaskRequest memory asked = request();
        asked.minTrustLevel = 2;
        bytes32 other = createTask(buyer, asked);
        bid = bidFor(other, node);
        _refuse(abi.encodeWithSelector(INodeRegistry.TrustTooLow.selector, node.id, 1, 2));

        bid = bidFor(taskId, node);
        vm.prank(node.owner);
        registry.unstake(node.id, MIN_STAKE + 1);
        _refuse(abi.encodeWithSelector(INodeRegistry.NodeNotActive.selector, node.id, NodeStatus.Verified));
    }

    // ---------------------------------------------------------------- Taking a bid back

    function test_RevertWhen_ANonceIsUsedTwice() public {
        assign(bid, node);
        bytes32 other = createTask(buyer);
        uint256 used = bid.nonce;
        bid = bidFor(other, node);
        bid.nonce = used;
        _refuse(abi.encodeWithSelector(IBids.BidNonceUsed.selector, node.id, used));
    }

    function test_NoncesOfOneWordAreIndependent() public {
        for (uint256 nonce = 255; nonce < 257; ++nonce) {
            bid = bidFor(createTask(buyer), node);
            bid.nonce = nonce;
            assertFalse(market.isBidNonceUsed(node.id, nonce));
            assign(bid, node);
            assertTrue(market.isBidNonceUsed(node.id, nonce));
        }
        assertFalse(market.isBidNonceUsed(node.id, 254));
    }

    function test_OneBidIsCancelled() public {
        vm.expectEmit(address(market));
        emit IBids.BidCancelled(node.id, bid.nonce);
        vm.prank(node.owner);
        market.cancelBid(node.id, bid.nonce);
        _refuse(abi.encodeWithSelector(IBids.BidNonceUsed.selector, node.id, bid.nonce));

        vm.prank(node.operator);
        vm.expectRevert(abi.encodeWithSelector(IBids.BidNonceUsed.selector, node.id, bid.nonce));
        market.cancelBid(node.id, bid.nonce);
    }

    function test_AllBidsAreCancelled() public {
        vm.expectEmit(address(registry));
        emit INodeRegistry.BidEpochRaised(node.id, 1);
        vm.prank(node.operator);
        market.cancelAllBids(node.id);
        _refuse(abi.encodeWithSelector(IBids.BidEpochOver.selector, node.id, 0, 1));
        bid.nodeEpoch = 1;
        assign(bid, node);
    }

    function test_RevertWhen_AStrangerCancels() public {
        bytes memory refusal = abi.encodeWithSelector(ITaskMarketplace.NotNodeOperator.selector, node.id, address(this));
        vm.expectRevert(refusal);
        market.cancelBid(node.id, 1);
        vm.expectRevert(refusal);
        market.cancelAllBids(node.id);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NotNodeOperator.selector, node.id, address(this)));
        registry.raiseBidEpoch(node.id);
    }

    function test_GoingOfflineVoidsBids() public {
        vm.prank(node.operator);
        vm.expectEmit(address(registry));
        emit INodeRegistry.BidEpochRaised(node.id, 1);
        registry.setOnline(node.id, false);
        goOnline(node);
        assertEq(registry.bidEpochOf(node.id), 1);
        _refuse(abi.encodeWithSelector(IBids.BidEpochOver.selector, node.id, 0, 1));
    }

    function test_ANewOperatorVoidsBids() public {
        vm.prank(node.owner);
        vm.expectEmit(address(registry));
        emit INodeRegistry.BidEpochRaised(node.id, 1);
        registry.setOperator(node.id, node.operator);
        _refuse(abi.encodeWithSelector(IBids.BidEpochOver.selector, node.id, 0, 1));
    }

    function test_MissedAuditsVoidBids() public {
        vm.prank(address(verifier));
        registry.recordAudit(node.id, false, true);
        assertEq(registry.bidEpochOf(node.id), 1);
    }

    function test_OwnerAndOperatorRaiseTheEpochAtTheRegistry() public {
        vm.prank(node.owner);
        registry.raiseBidEpoch(node.id);
        vm.prank(node.operator);
        registry.raiseBidEpoch(node.id);
        assertEq(registry.bidEpochOf(node.id), 2);
    }

    // ---------------------------------------------------------------- After a bid was taken

    function test_DeliveredInTimeThePriceIsFixed() public {
        assign(bid, node);
        skip(1 minutes); // fast
        submit(taskId, node);
        vm.expectEmit(address(market));
        emit ITaskMarketplace.TaskVerified(
            taskId, node.id, buyer, PRICE, PRICE * 92 / 100, PRICE * 8 / 100, 0.36 ether - PRICE
        );
        approve(taskId);
        assertEq(escrow.balanceOf(node.payout, ETH), PRICE * 92 / 100);
        assertEq(escrow.balanceOf(feeVault, ETH), PRICE * 8 / 100);
        assertEq(escrow.balanceOf(buyer, ETH), 0.01 ether + 4 * TIP);
        assertEq(registry.openEscrowOf(node.id, ETH), 0);
        Task memory task = market.taskOf(taskId);
        assertEq(task.agreedPrice, PRICE);
        assertEq(task.assignedAt + 1 minutes, task.submittedAt);
    }

    function test_ThePriceIndexTakesTheBidsPrice() public {
        assign(bid, node);
        submit(taskId, node);
        approve(taskId);
        (uint128 price, uint256 weight,) = market.priceIndexOf(request().resourceType, ETH);
        assertEq(price, 0.7 ether * 1e9 / 1_000);
        assertEq(weight, PRICE);
    }

    function test_TheDeadlineIsEtaAndGrace() public {
        assign(bid, node);
        uint40 until = uint40(block.timestamp) + DURATION / 2 + GRACE;
        vm.warp(until);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.DeadlineNotPassed.selector, taskId, until));
        market.timeoutTask(taskId);
        uint256 snapshot = vm.snapshotState();
        submit(taskId, node);
        assertStatus(taskId, TaskStatus.Completed);
        vm.revertToState(snapshot);

        skip(1);
        vm.prank(node.operator);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.DeadlinePassed.selector, taskId, until));
        market.submitResult(taskId, RESULT, "ipfs://result");
        market.timeoutTask(taskId);
        assertEq(info(node).stake, 2 * uint256(MIN_STAKE) * 95 / 100);
    }

    function test_AbandoningIsOpenForATenthOfTheEta() public {
        TaskRequest memory asked = request();
        asked.duration = 10 hours;
        asked.pricePerHour = 0.1 ether;
        taskId = createTask(buyer, asked);
        bid = bidFor(taskId, node);
        bid.eta = 5 hours;
        bid.pricePerHour = 0.2 ether;
        assign(bid, node);
        uint40 until = uint40(block.timestamp) + 30 minutes;
        vm.warp(until + 1);
        vm.prank(node.operator);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.AbandonWindowOver.selector, taskId, until));
        market.abandonTask(taskId);
        vm.warp(until);
        vm.prank(node.operator);
        market.abandonTask(taskId);
    }

    function test_AfterAFailedBidTheTaskIsWhatItWas() public {
        assign(bid, node);
        skip(DURATION / 2 + GRACE + 1);
        market.timeoutTask(taskId);
        Task memory task = market.taskOf(taskId);
        assertStatus(taskId, TaskStatus.Open);
        assertEq(task.agreedPrice, 0);
        assertEq(task.agreedEta, 0);
        assertEq(task.acceptBy, block.timestamp + ACCEPT);

        Node memory second = activeNode("second");
        accept(taskId, second);
        skip(DURATION);
        submit(taskId, second);
        approve(taskId);
        assertEq(escrow.balanceOf(second.payout, ETH), uint256(0.36 ether) * 92 / 100);
    }

    function test_TermsOfTheRequestSurviveABid() public {
        TaskRequest memory asked = request();
        asked.watcher = makeAddr("watcher");
        taskId = createTask(buyer, asked);
        bid = bidFor(taskId, node);
        assign(bid, node);
        assertEq(market.taskOf(taskId).watcher, asked.watcher);
        vm.prank(node.operator);
        market.abandonTask(taskId);
        assertEq(market.taskOf(taskId).watcher, asked.watcher);
    }

    function test_RevertWhen_TheAuditIsOlderThanAsked() public {
        TaskRequest memory asked = request();
        asked.maxAuditAge = 1 days;
        taskId = createTask(buyer, asked);
        bid = bidFor(taskId, node);
        _refuse(abi.encodeWithSelector(INodeRegistry.AuditTooOld.selector, node.id, 0, 1 days));
    }

    // ---------------------------------------------------------------- Inside

    function _refuse(bytes memory reason) private {
        _refuse(sign(bid, node.operatorKey), reason);
    }

    function _refuse(bytes memory signature, bytes memory reason) private {
        vm.prank(buyer);
        vm.expectRevert(reason);
        market.assignTask(bid, signature);
    }
}
