// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {EscrowManager} from "src/EscrowManager.sol";
import {BPS, MAX_FEE_BPS} from "src/libraries/Shares.sol";

/// @notice Where the wei of one escrow go, for every amount, due, tip and fee. The test is the marketplace; payer and payees
/// are four different accounts, the case in which nothing can hide in a sum.
contract EscrowSymbolicTest is Test {
    address internal constant ETH = address(0);
    bytes32 internal constant TASK = "task";
    address internal constant TREASURY = address(0x1001);
    address internal constant BUYER = address(0x1002);
    address internal constant PROVIDER = address(0x1003);
    address internal constant KEEPER = address(0x1004);

    EscrowManager internal escrow;

    function setUp() public {
        escrow = new EscrowManager(address(this), TREASURY);
    }

    function check_AReleasePaysTheWholeEscrowOnce(uint96 amount, uint96 due, uint16 feeBps, uint16 rebateBps) public {
        _release(amount, due, feeBps, rebateBps);
        assert(_balance(PROVIDER) + _balance(TREASURY) + _balance(BUYER) == amount);
        assert(escrow.escrowOf(TASK).amount == 0);
    }

    function check_TheFeeIsItsShareOfWhatIsDue(uint96 amount, uint96 due, uint16 feeBps, uint16 rebateBps) public {
        (, uint256 fee) = _release(amount, due, feeBps, rebateBps);
        assert(fee == _balance(TREASURY));
        assert(fee * BPS <= uint256(due) * feeBps && uint256(due) * feeBps < (fee + 1) * BPS);
    }

    /// @dev With the default fee, and what is due a multiple of its unit: to the wei, with nothing rounded.
    function check_TheDefaultSplitIs92To8(uint96 amount, uint80 units) public {
        uint256 due = uint256(units) * 10_000;
        vm.assume(due <= amount);
        _release(amount, uint96(due), 800, 0);
        assert(_balance(PROVIDER) * 100 == due * 92);
        assert(_balance(TREASURY) * 100 == due * 8);
    }

    /// @dev Paid in AIIGO: a quarter of the fee is the buyer's, and the provider gets what it always gets.
    function check_TheDiscountIsAQuarterOfTheFee(uint96 amount, uint80 units) public {
        uint256 due = uint256(units) * 10_000;
        vm.assume(due <= amount);
        _release(amount, uint96(due), 600, 200);
        assert(_balance(PROVIDER) * 100 == due * 92);
        assert(_balance(TREASURY) * 100 == due * 6);
        assert((_balance(BUYER) - (amount - due)) * 100 == due * 2);
    }

    /// @dev What is not due returns, and the rebate beside it, rounded to the provider's side by less than a unit.
    function check_WhatIsNotDueReturnsToTheBuyer(uint96 amount, uint96 due, uint16 feeBps, uint16 rebateBps) public {
        _release(amount, due, feeBps, rebateBps);
        uint256 rebate = _balance(BUYER) - (amount - due);
        assert(rebate * BPS <= uint256(due) * rebateBps && uint256(due) * rebateBps < (rebate + 1) * BPS);
    }

    /// @dev No fee that governance can set takes more than a tenth from the provider.
    function check_TheProviderGetsNineTenths(uint96 amount, uint96 due, uint16 feeBps, uint16 rebateBps) public {
        (uint256 paid,) = _release(amount, due, feeBps, rebateBps);
        assert(paid == _balance(PROVIDER));
        assert(paid * 10 >= uint256(due) * 9);
    }

    /// @dev More than the escrow, or more than the highest fee, is refused whoever asks.
    function check_NothingIsPaidBeyondTheEscrow(uint96 amount, uint256 due, uint16 feeBps, uint16 rebateBps) public {
        vm.assume(amount != 0 && (due > amount || uint256(feeBps) + rebateBps > MAX_FEE_BPS));
        _deposit(amount);
        try escrow.release(TASK, PROVIDER, BUYER, due, feeBps, rebateBps) {
            assert(false);
        } catch {}
        assert(escrow.escrowOf(TASK).amount == amount);
    }

    function check_ATipLeavesTheRestForTheBuyer(uint96 amount, uint96 tip) public {
        vm.assume(tip < amount);
        _deposit(amount);
        escrow.payTip(TASK, KEEPER, tip);
        assert(escrow.escrowOf(TASK).amount == amount - tip);
        escrow.refund(TASK, BUYER);
        assert(_balance(KEEPER) == tip);
        assert(_balance(BUYER) == amount - tip);
    }

    function check_ABalanceIsPaidOutOnce(uint96 amount) public {
        vm.assume(amount != 0);
        _deposit(amount);
        escrow.refund(TASK, BUYER);
        vm.prank(BUYER);
        assert(escrow.withdraw(ETH, BUYER) == amount);
        assert(BUYER.balance == amount && address(escrow).balance == 0);
        vm.prank(BUYER);
        try escrow.withdraw(ETH, BUYER) {
            assert(false);
        } catch {}
    }

    function _release(uint96 amount, uint96 due, uint16 feeBps, uint16 rebateBps) private returns (uint256, uint256) {
        vm.assume(amount != 0 && due <= amount && uint256(feeBps) + rebateBps <= MAX_FEE_BPS);
        _deposit(amount);
        return escrow.release(TASK, PROVIDER, BUYER, due, feeBps, rebateBps);
    }

    function _deposit(uint96 amount) private {
        vm.deal(address(this), amount);
        escrow.deposit{value: amount}(TASK, ETH, address(this), amount);
    }

    function _balance(address account) private view returns (uint256) {
        return escrow.balanceOf(account, ETH);
    }
}
