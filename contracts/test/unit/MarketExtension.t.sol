// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

import {IEntryPausable} from "src/interfaces/IEntryPausable.sol";
import {IMarketExtension} from "src/interfaces/IMarketExtension.sol";
import {ITaskMarketplace} from "src/interfaces/ITaskMarketplace.sol";
import {MarketExtension} from "src/market/MarketExtension.sol";
import {PRICE_SCALE} from "src/market/PriceIndex.sol";
import {TokenLimits} from "src/types/Node.sol";
import {ResourceType} from "src/types/Resource.sol";
import {Task, TaskRequest} from "src/types/Task.sol";

import {MarketFixture, Node} from "../utils/MarketFixture.sol";

contract MarketExtensionTest is MarketFixture {
    address internal buyer;
    uint256 internal buyerKey;

    function setUp() public override {
        super.setUp();
        (buyer, buyerKey) = makeAddrAndKey("buyer");
        account("buyer", 1_000e18);
        vm.startPrank(governance);
        market.setPaymentToken(address(token), true, 1e18);
        registry.setTokenLimits(address(token), TokenLimits(1e18, 10_000e18, 10_000e18, 10_000e18, 10_000e18));
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- Batches and permits

    function test_ABatchIsCreatedAtOnce() public {
        TaskRequest[] memory asked = _requests(3);
        asked[1].paymentToken = address(dollar);
        asked[1].pricePerHour = 2e6;
        dollar.mint(buyer, 4e6);
        vm.prank(buyer);
        dollar.approve(address(escrow), 4e6);
        uint256 value = 2 * (0.36 ether + 4 * TIP);
        vm.prank(buyer);
        bytes32[] memory ids = market.createTasks{value: value}(asked, _noPermits());
        for (uint256 i; i < 3; ++i) {
            assertEq(ids[i], market.taskIdOf(buyer, i, asked[i].specHash));
            assertEq(escrow.escrowOf(ids[i]).token, asked[i].paymentToken);
        }
    }

    function test_RevertWhen_TheBatchsValueIsNotExact() public {
        uint256 value = 2 * (0.36 ether + 4 * TIP);
        vm.startPrank(buyer);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.WrongPayment.selector, value - 1, value));
        market.createTasks{value: value - 1}(_requests(2), _noPermits());
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.WrongPayment.selector, value + 1, value));
        market.createTasks{value: value + 1}(_requests(2), _noPermits());
    }

    function test_RevertWhen_TheBatchIsTooLarge() public {
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.BatchTooLarge.selector, 65));
        market.createTasks(_requests(65), _noPermits());
    }

    function test_ABatchHasUpToSixtyFourTasks() public {
        vm.deal(buyer, 64 ether);
        uint256 value = 64 * (0.36 ether + 4 * TIP);
        vm.prank(buyer);
        assertEq(market.createTasks{value: value}(_requests(64), _noPermits()).length, 64);
    }

    function test_OneWrongRequestUndoesTheBatch() public {
        TaskRequest[] memory asked = _requests(2);
        asked[1].minPower = 0;
        uint256 value = 2 * (0.36 ether + 4 * TIP);
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(ITaskMarketplace.InvalidRequest.selector, "minPower"));
        market.createTasks{value: value}(asked, _noPermits());
        assertEq(market.nonceOf(buyer), 0);
    }

    function test_ASignatureInPlaceOfAnApproval() public {
        (TaskRequest[] memory asked, IMarketExtension.TokenPermit[] memory permits) = _paidInAiigo();
        vm.prank(buyer);
        bytes32[] memory ids = market.createTasks(asked, permits);
        assertEq(escrow.escrowOf(ids[0]).amount, 14e18);
        assertEq(token.allowance(buyer, address(escrow)), 0);
    }

    function test_ASignatureThatSomebodySentFirstBlocksNobody() public {
        (TaskRequest[] memory asked, IMarketExtension.TokenPermit[] memory permits) = _paidInAiigo();
        IMarketExtension.TokenPermit memory p = permits[0];
        token.permit(buyer, address(escrow), p.value, p.deadline, p.v, p.r, p.s);
        vm.prank(buyer);
        market.createTasks(asked, permits);
    }

    function test_RevertWhen_ATokenWithoutPermitHasNoAllowance() public {
        (TaskRequest[] memory asked, IMarketExtension.TokenPermit[] memory permits) = _paidInAiigo();
        permits[0].token = address(dollar);
        vm.prank(buyer);
        vm.expectRevert();
        market.createTasks(asked, permits);
    }

    // ---------------------------------------------------------------- AIIGO's discount

    function test_AiigoPaysSixPercentAndTheBuyerGetsTwo() public {
        Node memory node = activeNode("node");
        vm.prank(buyer);
        token.approve(address(escrow), 14e18);
        vm.prank(buyer);
        bytes32 taskId = market.createTask(_inAiigo());
        accept(taskId, node);
        skip(DURATION);
        submit(taskId, node);
        vm.expectEmit(address(market));
        emit ITaskMarketplace.TaskVerified(taskId, node.id, buyer, 10e18, 9.2e18, 0.6e18, 0.2e18);
        approve(taskId);
        assertEq(escrow.balanceOf(node.payout, address(token)), 9.2e18);
        assertEq(escrow.balanceOf(escrow.treasury(), address(token)), 0.6e18);
        assertEq(escrow.balanceOf(buyer, address(token)), 4.2e18);
    }

    // ---------------------------------------------------------------- Terms

    function test_TheTermsOfFewTasksAreKept() public {
        TaskRequest memory asked = request();
        asked.watcher = makeAddr("watcher");
        asked.maxAuditAge = 2 days;
        Task memory task = market.taskOf(createTask(buyer, asked));
        assertEq(task.watcher, asked.watcher);
        assertEq(task.maxAuditAge, 2 days);
        assertEq(task.replicas, 1);
        task = market.taskOf(createTask(buyer));
        assertEq(task.watcher, address(0));
        assertEq(task.maxAuditAge, 0);
    }

    // ---------------------------------------------------------------- Pause

    function test_APauseStopsEntryAndNoExit() public {
        Node memory node = activeNode("node");
        bytes32 open = createTask(buyer);
        bytes32 running = acceptedTask(buyer, node);
        commit(open, node);
        uint40 until = uint40(block.timestamp + 14 days);
        vm.prank(governance);
        market.pauseEntry(until);
        assertEq(market.entryPausedUntil(), until);
        vm.roll(block.number + 1);

        bytes memory refusal = abi.encodeWithSelector(IEntryPausable.EntryIsPaused.selector, until);
        TaskRequest[] memory asked = _requests(1);
        vm.startPrank(buyer);
        vm.expectRevert(refusal);
        market.createTask{value: 0.36 ether + 4 * TIP}(asked[0]);
        vm.expectRevert(refusal);
        market.createTasks{value: 0.36 ether + 4 * TIP}(asked, _noPermits());
        vm.stopPrank();
        vm.prank(node.operator);
        vm.expectRevert(refusal);
        market.acceptTask(open, node.id, SALT);

        submit(running, node);
        approve(running);
        vm.prank(buyer);
        market.cancelTask(open);
        skip(14 days);
        createTask(buyer);
    }

    function test_RevertWhen_AnyoneElsePauses() public {
        vm.expectRevert(abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", address(this)));
        market.pauseEntry(1);
    }

    // ---------------------------------------------------------------- Tokens

    function test_ATokenKeepsItsIdWhenItIsUnlisted() public {
        assertEq(market.paymentToken(ETH).id, 0);
        uint8 id = market.paymentToken(address(dollar)).id;
        assertEq(market.paymentTokens()[id], address(dollar));
        vm.startPrank(governance);
        market.setPaymentToken(address(dollar), false, 0);
        market.setPaymentToken(address(dollar), true, 7);
        vm.stopPrank();
        assertEq(market.paymentToken(address(dollar)).id, id);
        assertEq(market.paymentTokens()[id], address(dollar));
    }

    function test_RevertWhen_TheListOfTokensIsFull() public {
        vm.startPrank(governance);
        for (uint256 i = market.paymentTokens().length; i < 256; ++i) {
            address extra = address(uint160(0x10000 + i));
            vm.etch(extra, hex"00");
            market.setPaymentToken(extra, true, 0);
        }
        vm.etch(address(0xffff), hex"00");
        vm.expectRevert(ITaskMarketplace.TooManyTokens.selector);
        market.setPaymentToken(address(0xffff), true, 0);
    }

    // ---------------------------------------------------------------- Prices

    function test_TheFirstSettlementSaysThePriceAndEstimatesFollow() public {
        assertEq(market.estimateTaskCost(ResourceType.GPU, ETH, 1_000, 1 hours), 0);
        Node memory node = activeNode("node");
        bytes32 taskId = completedTask(buyer, node);
        uint128 expected = uint128(0.36 ether * PRICE_SCALE / 1_000);
        vm.expectEmit(address(market));
        emit ITaskMarketplace.PriceIndexMoved(ResourceType.GPU, ETH, expected);
        approve(taskId);
        (uint128 price, uint256 weight, uint40 updatedAt) = market.priceIndexOf(ResourceType.GPU, ETH);
        assertEq(price, expected);
        assertEq(weight, 0.36 ether);
        assertEq(updatedAt, block.timestamp);
        assertEq(market.estimateTaskCost(ResourceType.GPU, ETH, 2_000, 30 minutes), 0.36 ether);
        assertEq(market.estimateTaskCost(ResourceType.CPU, ETH, 2_000, 30 minutes), 0);
        assertEq(market.estimateTaskCost(ResourceType.GPU, makeAddr("unknown"), 2_000, 30 minutes), 0);
    }

    function test_ATokenThatWasNeverListedHasNoPrice() public {
        approve(completedTask(buyer, activeNode("node")));
        (uint128 price, uint256 weight, uint40 updatedAt) = market.priceIndexOf(ResourceType.GPU, makeAddr("unknown"));
        assertEq(price, 0);
        assertEq(weight, 0);
        assertEq(updatedAt, 0);
    }

    /// @dev Each resource type has its own index in each token.
    function test_APriceInATokenMovesNoOther() public {
        Node memory node = activeNode("node");
        TaskRequest memory asked = request();
        asked.paymentToken = address(dollar);
        asked.pricePerHour = 2e6;
        bytes32 taskId = createTask(buyer, asked);
        accept(taskId, node);
        submit(taskId, node);
        approve(taskId);
        address[] memory tokens = market.paymentTokens();
        for (uint8 kind; kind <= uint8(type(ResourceType).max); ++kind) {
            for (uint256 i; i < tokens.length; ++i) {
                (uint128 price,,) = market.priceIndexOf(ResourceType(kind), tokens[i]);
                bool paid = ResourceType(kind) == ResourceType.GPU && tokens[i] == address(dollar);
                assertEq(price != 0, paid);
            }
        }
    }

    // ---------------------------------------------------------------- Two rooms

    function test_TheExtensionAloneOwnsNothingAndObeysNobody() public {
        MarketExtension alone = MarketExtension(payable(suite.marketplace.extension()));
        ITaskMarketplace.Parameters memory rules = market.parameters();
        vm.prank(governance);
        vm.expectRevert(abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", governance));
        alone.setParameters(rules);
        vm.prank(buyer);
        vm.expectRevert();
        alone.createTasks(_requests(1), _noPermits());
    }

    function test_RevertWhen_TheFunctionIsUnknownOrEtherIsJustSent() public {
        (bool done,) = address(market).call(hex"deadbeef");
        assertFalse(done);
        vm.prank(buyer);
        (done,) = address(market).call{value: 1}("");
        assertFalse(done);
    }

    function _requests(uint256 count) private pure returns (TaskRequest[] memory asked) {
        asked = new TaskRequest[](count);
        for (uint256 i; i < count; ++i) {
            asked[i] = request();
        }
    }

    function _noPermits() private pure returns (IMarketExtension.TokenPermit[] memory none) {}

    function _inAiigo() private view returns (TaskRequest memory asked) {
        asked = request();
        asked.paymentToken = address(token);
        asked.pricePerHour = 10e18;
    }

    function _paidInAiigo()
        private
        view
        returns (TaskRequest[] memory asked, IMarketExtension.TokenPermit[] memory permits)
    {
        asked = new TaskRequest[](1);
        asked[0] = _inAiigo();
        permits = new IMarketExtension.TokenPermit[](1);
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                buyer,
                address(escrow),
                14e18,
                0,
                block.timestamp
            )
        );
        bytes32 digest =
            keccak256(abi.encodePacked(hex"1901", IERC20Permit(address(token)).DOMAIN_SEPARATOR(), structHash));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(buyerKey, digest);
        permits[0] = IMarketExtension.TokenPermit(address(token), 14e18, block.timestamp, v, r, s);
    }
}
