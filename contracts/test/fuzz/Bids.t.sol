// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bid} from "src/types/Bid.sol";
import {TaskRequest, TaskStatus} from "src/types/Task.sol";

import {MarketFixture, Node} from "../utils/MarketFixture.sol";

contract BidsFuzzTest is MarketFixture {
    Node internal node;
    address internal buyer;

    function setUp() public override {
        super.setUp();
        node = activeNode("node");
        buyer = account("buyer", 0);
        vm.deal(buyer, 1_000 ether);
    }

    /// @dev Whatever the price and however fast: the price once, in the shares of the protocol, and the rest to the buyer.
    function testFuzz_ABidIsPaidItsPriceAndTheRestReturns(uint96 asked, uint96 offered, uint32 eta, uint256 elapsed)
        public
    {
        TaskRequest memory wanted = request();
        wanted.pricePerHour = uint96(bound(asked, 1e6, 9 ether));
        bytes32 taskId = createTask(buyer, wanted);
        uint256 held = market.taskOf(taskId).escrow;
        Bid memory bid = bidFor(taskId, node);
        bid.eta = uint32(bound(eta, 1, DURATION));
        bid.pricePerHour = uint96(bound(offered, (uint256(10_000) * 1 hours) / bid.eta + 1, held * 1 hours / bid.eta));
        assign(bid, node);

        uint256 price = market.taskOf(taskId).agreedPrice;
        assertEq(price, (uint256(bid.pricePerHour) * bid.eta + 3_599) / 3_600);
        assertLe(price, held);
        skip(bound(elapsed, 0, bid.eta + GRACE));
        submit(taskId, node);
        approve(taskId);
        uint256 due = price - price % 10_000;
        assertEq(escrow.balanceOf(node.payout, ETH), due * 92 / 100);
        assertEq(escrow.balanceOf(feeVault, ETH), due * 8 / 100);
        assertEq(escrow.balanceOf(buyer, ETH), held - due + 4 * TIP);
    }

    function testFuzz_OnlyWhatWasSignedIsTaken(Bid memory other, bytes32 salt) public {
        bytes32 taskId = createTask(buyer);
        Bid memory bid = bidFor(taskId, node);
        bytes memory signature = sign(bid, node.operatorKey);
        // Two of the fields have one value that gets as far as the signature.
        (other.taskId, other.nodeId) = (taskId, node.id);
        if (uint256(salt) % 2 == 0) other.nodeEpoch = bid.nodeEpoch;
        if (uint256(salt) % 3 == 0) other.eta = bid.eta;
        if (uint256(salt) % 5 == 0) other.pricePerHour = bid.pricePerHour;
        if (uint256(salt) % 7 == 0) other.nonce = bid.nonce;
        bool same = keccak256(abi.encode(other)) == keccak256(abi.encode(bid));
        vm.prank(buyer);
        (bool taken,) = address(market).call(abi.encodeCall(market.assignTask, (other, signature)));
        assertEq(taken, same);
        assertStatus(taskId, same ? TaskStatus.InProgress : TaskStatus.Open);
    }

    function testFuzz_ANonceIsUsedOnce(uint256 first, uint256 second) public {
        vm.assume(first != second);
        vm.startPrank(node.operator);
        market.cancelBid(node.id, first);
        assertFalse(market.isBidNonceUsed(node.id, second));
        market.cancelBid(node.id, second);
        vm.stopPrank();
        assertTrue(market.isBidNonceUsed(node.id, first));
        assertTrue(market.isBidNonceUsed(node.id, second));
    }
}
