// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {KeeperTips} from "src/KeeperTips.sol";
import {IKeeperTips} from "src/interfaces/IKeeperTips.sol";

/// @dev Asks for more while it is paid.
contract GreedyKeeper {
    KeeperTips private immutable _tips;

    constructor(KeeperTips tips) {
        _tips = tips;
    }

    function take() external {
        _tips.withdraw(address(this));
    }

    receive() external payable {
        _tips.withdraw(address(this));
    }
}

contract KeeperTipsTest is Test {
    uint72 private constant AMOUNT = 0.001 ether;
    uint72 private constant BUDGET = 0.003 ether;

    address private _verifier = makeAddr("verifier");
    address private _court = makeAddr("court");
    address private _market = makeAddr("marketplace");
    address private _treasury = makeAddr("treasury");
    address private _keeper = makeAddr("keeper");
    KeeperTips private _tips;

    function setUp() public {
        vm.warp(1_800_000_000);
        _tips = new KeeperTips(_verifier, _court, _market, _treasury, _terms());
        vm.deal(address(this), 100 ether);
        payable(_tips).transfer(1 ether);
    }

    function _terms() private pure returns (IKeeperTips.Terms[4] memory terms) {
        for (uint72 i; i < 4; ++i) {
            terms[i] = IKeeperTips.Terms({amount: AMOUNT * (i + 1), weeklyBudget: BUDGET * (i + 1)});
        }
    }

    function _tip(IKeeperTips.Duty duty) private {
        vm.prank(_verifier);
        _tips.tip(duty, _keeper);
    }

    // ---------------------------------------------------------------- tips

    function test_EachOfTheSuitesContractsTips() public {
        address[3] memory callers = [_verifier, _court, _market];
        for (uint256 i; i < callers.length; ++i) {
            vm.expectEmit(address(_tips));
            emit IKeeperTips.TipCredited(IKeeperTips.Duty.Draw, _keeper, 3 * AMOUNT);
            vm.prank(callers[i]);
            _tips.tip(IKeeperTips.Duty.Draw, _keeper);
        }
        assertEq(_tips.tipsOf(_keeper), 9 * AMOUNT);
        assertEq(_tips.totalOwed(), 9 * AMOUNT);
        assertEq(_tips.budgetLeft(IKeeperTips.Duty.Draw), 0);
    }

    function test_AWeeksBudgetIsNeverExceededAndReturnsWithTheNextWeek() public {
        for (uint256 i; i < 5; ++i) {
            _tip(IKeeperTips.Duty.OpenRound);
        }
        assertEq(_tips.tipsOf(_keeper), BUDGET);
        vm.warp((vm.getBlockTimestamp() / 1 weeks + 1) * 1 weeks);
        assertEq(_tips.budgetLeft(IKeeperTips.Duty.OpenRound), BUDGET);
        _tip(IKeeperTips.Duty.OpenRound);
        assertEq(_tips.tipsOf(_keeper), BUDGET + AMOUNT);
        assertEq(_tips.budgetLeft(IKeeperTips.Duty.OpenRound), BUDGET - AMOUNT);
    }

    function test_OneDutyDoesNotSpendAnothersBudget() public {
        for (uint256 i; i < 4; ++i) {
            _tip(IKeeperTips.Duty.Finalize);
        }
        assertEq(_tips.budgetLeft(IKeeperTips.Duty.Finalize), 0);
        _tip(IKeeperTips.Duty.ReportMissed);
        assertEq(_tips.tipsOf(_keeper), 3 * 4 * AMOUNT + 2 * AMOUNT);
    }

    function test_WithoutMoneyOrReceiverOrPriceNothingHappens() public {
        KeeperTips poor = new KeeperTips(_verifier, _court, _market, _treasury, _terms());
        vm.deal(address(poor), AMOUNT - 1);
        vm.recordLogs();
        vm.startPrank(_verifier);
        poor.tip(IKeeperTips.Duty.OpenRound, _keeper);
        _tips.tip(IKeeperTips.Duty.OpenRound, address(0));
        vm.stopPrank();
        vm.prank(_treasury);
        _tips.setTerms(IKeeperTips.Duty.OpenRound, IKeeperTips.Terms(0, BUDGET));
        vm.getRecordedLogs();
        _tip(IKeeperTips.Duty.OpenRound);
        assertEq(vm.getRecordedLogs().length, 0);
        assertEq(poor.totalOwed() + _tips.totalOwed(), 0);
    }

    function test_RevertWhen_AnyoneElseTips() public {
        vm.expectRevert(abi.encodeWithSelector(IKeeperTips.NotTipper.selector, address(this)));
        _tips.tip(IKeeperTips.Duty.OpenRound, _keeper);
    }

    /// @dev Whatever the terms, the balance and the time, its callers go on.
    function testFuzz_ATipNeverRevertsAndNeverPromisesWhatIsNotThere(
        uint72 amount,
        uint72 budget,
        uint96 balance,
        uint40 time,
        uint8[8] memory duties,
        address to
    ) public {
        vm.deal(address(_tips), balance);
        vm.warp(time);
        for (uint8 i; i < 4; ++i) {
            vm.prank(_treasury);
            _tips.setTerms(IKeeperTips.Duty(i), IKeeperTips.Terms(amount, budget));
        }
        for (uint256 i; i < duties.length; ++i) {
            vm.prank(_market);
            _tips.tip(IKeeperTips.Duty(duties[i] % 4), to);
        }
        assertLe(_tips.totalOwed(), balance);
        assertLe(_tips.totalOwed(), 4 * uint256(budget));
        assertEq(_tips.tipsOf(to), _tips.totalOwed());
    }

    // ---------------------------------------------------------------- withdrawing

    function test_AKeeperPullsItsTips() public {
        _tip(IKeeperTips.Duty.OpenRound);
        address to = makeAddr("cold wallet");
        vm.expectEmit(address(_tips));
        emit IKeeperTips.TipWithdrawn(_keeper, to, AMOUNT);
        vm.prank(_keeper);
        assertEq(_tips.withdraw(to), AMOUNT);
        assertEq(to.balance, AMOUNT);
        assertEq(_tips.totalOwed(), 0);
        assertEq(_tips.tipsOf(_keeper), 0);
    }

    function test_RevertWhen_WithdrawingNothingOrToNobody() public {
        vm.expectRevert(abi.encodeWithSelector(IKeeperTips.NothingToWithdraw.selector, _keeper));
        vm.prank(_keeper);
        _tips.withdraw(_keeper);
        vm.expectRevert(IKeeperTips.ZeroAddress.selector);
        _tips.withdraw(address(0));
    }

    function test_RevertWhen_TheReceiverRefusesOrReenters() public {
        _tip(IKeeperTips.Duty.OpenRound);
        vm.prank(_keeper);
        vm.expectRevert(abi.encodeWithSelector(IKeeperTips.TransferFailed.selector, address(this), AMOUNT));
        _tips.withdraw(address(this));
        GreedyKeeper greedy = new GreedyKeeper(_tips);
        vm.prank(_court);
        _tips.tip(IKeeperTips.Duty.OpenRound, address(greedy));
        vm.expectRevert(abi.encodeWithSelector(IKeeperTips.TransferFailed.selector, address(greedy), AMOUNT));
        greedy.take();
        assertEq(_tips.tipsOf(address(greedy)), AMOUNT);
    }

    // ---------------------------------------------------------------- governance

    function test_AnyoneFunds() public {
        vm.expectEmit(address(_tips));
        emit IKeeperTips.TipsFunded(address(this), 2 ether);
        payable(_tips).transfer(2 ether);
        assertEq(address(_tips).balance, 3 ether);
    }

    function test_GovernanceSetsTerms() public {
        vm.expectEmit(address(_tips));
        emit IKeeperTips.TipTermsChanged(IKeeperTips.Duty.Draw, 5, 6);
        vm.prank(_treasury);
        _tips.setTerms(IKeeperTips.Duty.Draw, IKeeperTips.Terms(5, 6));
        IKeeperTips.Terms memory terms = _tips.termsOf(IKeeperTips.Duty.Draw);
        assertEq(terms.amount, 5);
        assertEq(terms.weeklyBudget, 6);
    }

    function test_WhatWasSpentStaysSpentUnderNewTerms() public {
        _tip(IKeeperTips.Duty.OpenRound);
        vm.prank(_treasury);
        _tips.setTerms(IKeeperTips.Duty.OpenRound, IKeeperTips.Terms(AMOUNT, AMOUNT));
        assertEq(_tips.budgetLeft(IKeeperTips.Duty.OpenRound), 0);
        vm.prank(_treasury);
        _tips.setTerms(IKeeperTips.Duty.OpenRound, IKeeperTips.Terms(AMOUNT, AMOUNT - 1));
        assertEq(_tips.budgetLeft(IKeeperTips.Duty.OpenRound), 0);
        _tip(IKeeperTips.Duty.OpenRound);
        assertEq(_tips.tipsOf(_keeper), AMOUNT);
    }

    function test_GovernanceTakesBackOnlyWhatNobodyEarned() public {
        _tip(IKeeperTips.Duty.OpenRound);
        uint256 free = 1 ether - AMOUNT;
        vm.startPrank(_treasury);
        vm.expectRevert(abi.encodeWithSelector(IKeeperTips.NotEnoughFree.selector, free + 1, free));
        _tips.reclaim(free + 1);
        vm.expectEmit(address(_tips));
        emit IKeeperTips.TipsReclaimed(_treasury, free);
        _tips.reclaim(free);
        vm.stopPrank();
        assertEq(_treasury.balance, free);
        vm.prank(_keeper);
        _tips.withdraw(_keeper);
        assertEq(_keeper.balance, AMOUNT);
    }

    function test_RevertWhen_AnyoneElseGoverns() public {
        bytes memory refused = abi.encodeWithSelector(IKeeperTips.NotTreasury.selector, address(this));
        vm.expectRevert(refused);
        _tips.setTerms(IKeeperTips.Duty.Draw, IKeeperTips.Terms(5, 6));
        vm.expectRevert(refused);
        _tips.reclaim(1);
    }

    function test_RevertWhen_ConstructedWithoutATreasury() public {
        vm.expectRevert(IKeeperTips.ZeroAddress.selector);
        new KeeperTips(_verifier, _court, _market, address(0), _terms());
    }
}
