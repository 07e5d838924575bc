// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {EscrowManager} from "src/EscrowManager.sol";
import {Payment} from "src/libraries/Payment.sol";

contract EscrowSharesFuzzTest is Test {
    address internal constant ETH = address(0);
    bytes32 internal constant TASK = "task";
    address internal treasury = makeAddr("treasury");
    address internal buyer = makeAddr("buyer");
    address internal provider = makeAddr("provider");
    address internal keeper = makeAddr("keeper");
    EscrowManager internal escrow = new EscrowManager(address(this), treasury);

    function testFuzz_EveryWeiIsPaidOutOnce(uint96 amount, uint96 tip, uint96 due, uint16 feeBps, uint16 rebateBps)
        public
    {
        amount = uint96(bound(amount, 2, type(uint96).max));
        tip = uint96(bound(tip, 1, amount - 1));
        due = uint96(bound(due, 0, amount - tip));
        feeBps = uint16(bound(feeBps, 0, 1_000));
        rebateBps = uint16(bound(rebateBps, 0, 1_000 - feeBps));
        _deposit(amount);
        escrow.payTip(TASK, keeper, tip);
        (uint256 provided, uint256 fee) = escrow.release(TASK, provider, buyer, due, feeBps, rebateBps);
        uint256 rebate = uint256(due) * rebateBps / 10_000;

        assertEq(fee, uint256(due) * feeBps / 10_000);
        assertEq(escrow.balanceOf(treasury, ETH), fee);
        assertEq(provided, due - fee - rebate);
        assertEq(escrow.balanceOf(provider, ETH), provided);
        assertEq(escrow.balanceOf(buyer, ETH), amount - tip - due + rebate);
        assertEq(escrow.balanceOf(keeper, ETH), tip);
        assertEq(address(escrow).balance, amount);

        _withdraw(treasury);
        _withdraw(provider);
        _withdraw(buyer);
        _withdraw(keeper);
        assertEq(address(escrow).balance, 0);
    }

    function testFuzz_TheSplitIs92To8Exactly(uint96 price, uint32 duration, uint256 elapsed) public {
        price = uint96(bound(price, Payment.MIN_ESCROW, type(uint96).max));
        duration = uint32(bound(duration, 1, type(uint32).max));
        uint256 due = Payment.dueFor(price, duration, elapsed);
        _deposit(price);
        (, uint256 fee) = escrow.release(TASK, provider, buyer, due, 800, 0);
        assertEq(escrow.balanceOf(provider, ETH) * 8, fee * 92);
        assertEq(fee * 100, due * 8);
    }

    function _deposit(uint96 amount) private {
        vm.deal(address(this), amount);
        escrow.deposit{value: amount}(TASK, ETH, buyer, amount);
    }

    function _withdraw(address who) private {
        if (escrow.balanceOf(who, ETH) == 0) return;
        vm.prank(who);
        escrow.withdraw(ETH, who);
    }
}
