// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {EscrowManager} from "src/EscrowManager.sol";
import {IEscrowManager} from "src/interfaces/IEscrowManager.sol";

import {Dollar, HookedDollar, TaxedDollar} from "../utils/Tokens.sol";

/// @dev The test stands where the marketplace does.
contract EscrowManagerTest is Test {
    address internal constant ETH = address(0);
    bytes32 internal constant TASK = "task";

    address internal treasury = makeAddr("treasury");
    address internal buyer = makeAddr("buyer");
    address internal provider = makeAddr("provider");
    address internal keeper = makeAddr("keeper");
    EscrowManager internal escrow = new EscrowManager(address(this), treasury);
    Dollar internal dollar = new Dollar();

    function setUp() public {
        vm.deal(address(this), 1_000 ether);
        dollar.mint(buyer, 1_000e6);
        vm.prank(buyer);
        dollar.approve(address(escrow), type(uint256).max);
    }

    function test_RevertWhen_AnAddressIsMissing() public {
        vm.expectRevert(IEscrowManager.ZeroAddress.selector);
        new EscrowManager(address(0), treasury);
        vm.expectRevert(IEscrowManager.ZeroAddress.selector);
        new EscrowManager(address(this), address(0));
        assertEq(escrow.treasury(), treasury);
        assertEq(escrow.marketplace(), address(this));
    }

    // ---------------------------------------------------------------- Depositing

    function test_EthComesAlongWithTheCall() public {
        vm.expectEmit(address(escrow));
        emit IEscrowManager.Deposited(TASK, buyer, ETH, 1 ether);
        escrow.deposit{value: 1 ether}(TASK, ETH, buyer, 1 ether);
        assertEq(escrow.escrowOf(TASK).amount, 1 ether);
        assertEq(escrow.escrowOf(TASK).token, ETH);
    }

    function test_TokensArePulledFromThePayer() public {
        escrow.deposit(TASK, address(dollar), buyer, 10e6);
        assertEq(escrow.escrowOf(TASK).amount, 10e6);
        assertEq(escrow.escrowOf(TASK).token, address(dollar));
        assertEq(dollar.balanceOf(address(escrow)), 10e6);
    }

    function test_RevertWhen_TheValueIsNotExact() public {
        vm.expectRevert(abi.encodeWithSelector(IEscrowManager.WrongValue.selector, 1, 2));
        escrow.deposit{value: 1}(TASK, ETH, buyer, 2);
        vm.expectRevert(abi.encodeWithSelector(IEscrowManager.WrongValue.selector, 3, 2));
        escrow.deposit{value: 3}(TASK, ETH, buyer, 2);
        vm.expectRevert(abi.encodeWithSelector(IEscrowManager.WrongValue.selector, 1, 0));
        escrow.deposit{value: 1}(TASK, address(dollar), buyer, 2);
    }

    function test_RevertWhen_TheAmountIsNothingOrTooLarge() public {
        vm.expectRevert(IEscrowManager.ZeroAmount.selector);
        escrow.deposit(TASK, ETH, buyer, 0);
        uint256 large = uint256(type(uint96).max) + 1;
        vm.expectRevert(abi.encodeWithSelector(IEscrowManager.AmountTooLarge.selector, large));
        escrow.deposit(TASK, ETH, buyer, large);
    }

    function test_TheLargestAmountFillsASlot() public {
        uint256 largest = type(uint96).max;
        vm.deal(address(this), largest);
        escrow.deposit{value: largest}(TASK, ETH, buyer, largest);
        assertEq(escrow.escrowOf(TASK).amount, largest);
    }

    function test_RevertWhen_TheTaskHasAnEscrow() public {
        _deposit(1 ether);
        vm.expectRevert(abi.encodeWithSelector(IEscrowManager.EscrowExists.selector, TASK));
        escrow.deposit{value: 1}(TASK, ETH, buyer, 1);
    }

    function test_RevertWhen_TheTokenTakesAFee() public {
        TaxedDollar taxed = new TaxedDollar();
        taxed.mint(buyer, 100);
        vm.prank(buyer);
        taxed.approve(address(escrow), 100);
        vm.expectRevert(abi.encodeWithSelector(IEscrowManager.TokenTookFee.selector, address(taxed), 99, 100));
        escrow.deposit(TASK, address(taxed), buyer, 100);
    }

    function test_RevertWhen_ThePayerGaveNoAllowance() public {
        dollar.mint(provider, 1);
        vm.expectRevert();
        escrow.deposit(TASK, address(dollar), provider, 1);
    }

    function test_RevertWhen_EthIsSentWithoutATask() public {
        (bool accepted,) = address(escrow).call{value: 1}("");
        assertFalse(accepted);
    }

    // ---------------------------------------------------------------- Paying out

    function test_ReleasingSplitsWhatIsDueAndReturnsTheRest() public {
        _deposit(1 ether);
        vm.expectEmit(address(escrow));
        emit IEscrowManager.Released(TASK, provider, ETH, 0.69 ether, 0.06 ether, buyer, 0.25 ether);
        (uint256 provided, uint256 fee) = escrow.release(TASK, provider, buyer, 0.75 ether, 800, 0);
        assertEq(provided, 0.69 ether);
        assertEq(fee, 0.06 ether);
        assertEq(escrow.balanceOf(provider, ETH), 0.69 ether);
        assertEq(escrow.balanceOf(treasury, ETH), 0.06 ether);
        assertEq(escrow.balanceOf(buyer, ETH), 0.25 ether);
        assertEq(escrow.escrowOf(TASK).amount, 0);
    }

    function test_RefundingReturnsAll() public {
        _deposit(1 ether);
        vm.expectEmit(address(escrow));
        emit IEscrowManager.Refunded(TASK, buyer, ETH, 1 ether);
        escrow.refund(TASK, buyer);
        assertEq(escrow.balanceOf(buyer, ETH), 1 ether);
    }

    function test_ATipComesOutOfTheEscrow() public {
        _deposit(1 ether);
        vm.expectEmit(address(escrow));
        emit IEscrowManager.TipPaid(TASK, keeper, ETH, 0.1 ether);
        escrow.payTip(TASK, keeper, 0.1 ether);
        assertEq(escrow.balanceOf(keeper, ETH), 0.1 ether);
        escrow.refund(TASK, buyer);
        assertEq(escrow.balanceOf(buyer, ETH), 0.9 ether);
    }

    function test_RevertWhen_AnEscrowIsPaidTwice() public {
        bytes memory closed = abi.encodeWithSelector(IEscrowManager.NoEscrow.selector, TASK);
        _deposit(1 ether);
        escrow.release(TASK, provider, buyer, 1, 0, 0);
        vm.expectRevert(closed);
        escrow.release(TASK, provider, buyer, 1, 0, 0);
        vm.expectRevert(closed);
        escrow.refund(TASK, buyer);
        vm.expectRevert(closed);
        escrow.payTip(TASK, keeper, 1);
    }

    function test_ARebateIsTheBuyers() public {
        _deposit(1 ether);
        (uint256 provided, uint256 fee) = escrow.release(TASK, provider, buyer, 0.75 ether, 600, 200);
        assertEq(provided, 0.69 ether);
        assertEq(fee, 0.045 ether);
        assertEq(escrow.balanceOf(buyer, ETH), 0.265 ether);
    }

    function test_RevertWhen_MoreIsDueThanHeld() public {
        _deposit(1 ether);
        vm.expectRevert(abi.encodeWithSelector(IEscrowManager.DueExceedsEscrow.selector, TASK, 1 ether + 1, 1 ether));
        escrow.release(TASK, provider, buyer, 1 ether + 1, 800, 0);
        vm.expectRevert(abi.encodeWithSelector(IEscrowManager.DueExceedsEscrow.selector, TASK, 1 ether, 1 ether));
        escrow.payTip(TASK, keeper, 1 ether);
    }

    function test_RevertWhen_TheFeeIsAboveTheHardCap() public {
        _deposit(1 ether);
        vm.expectRevert(abi.encodeWithSelector(IEscrowManager.FeeTooHigh.selector, 1_001));
        escrow.release(TASK, provider, buyer, 1 ether, 1_001, 0);
        vm.expectRevert(abi.encodeWithSelector(IEscrowManager.FeeTooHigh.selector, 1_001));
        escrow.release(TASK, provider, buyer, 1 ether, 801, 200);
        escrow.release(TASK, provider, buyer, 1 ether, 800, 200);
    }

    function test_RevertWhen_SomebodyElseMovesAnEscrow() public {
        _deposit(1 ether);
        bytes memory refusal = abi.encodeWithSelector(IEscrowManager.NotMarketplace.selector, provider);
        vm.startPrank(provider);
        vm.expectRevert(refusal);
        escrow.deposit("other", address(dollar), buyer, 1);
        vm.expectRevert(refusal);
        escrow.release(TASK, provider, provider, 1 ether, 0, 0);
        vm.expectRevert(refusal);
        escrow.refund(TASK, provider);
        vm.expectRevert(refusal);
        escrow.payTip(TASK, provider, 1);
    }

    // ---------------------------------------------------------------- Withdrawing

    function test_WithdrawingSendsTheWholeBalance() public {
        _deposit(1 ether);
        escrow.refund(TASK, buyer);
        vm.expectEmit(address(escrow));
        emit IEscrowManager.Withdrawn(buyer, ETH, keeper, 1 ether);
        vm.prank(buyer);
        assertEq(escrow.withdraw(ETH, keeper), 1 ether);
        assertEq(keeper.balance, 1 ether);
        assertEq(escrow.balanceOf(buyer, ETH), 0);

        escrow.deposit(TASK, address(dollar), buyer, 10e6);
        escrow.refund(TASK, buyer);
        vm.prank(buyer);
        escrow.withdraw(address(dollar), keeper);
        assertEq(dollar.balanceOf(keeper), 10e6);
    }

    function test_RevertWhen_NothingIsOwed() public {
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(IEscrowManager.NothingToWithdraw.selector, buyer, ETH));
        escrow.withdraw(ETH, buyer);
    }

    function test_RevertWhen_TheReceiverIsZeroOrRefuses() public {
        _deposit(1 ether);
        escrow.refund(TASK, buyer);
        vm.startPrank(buyer);
        vm.expectRevert(IEscrowManager.ZeroAddress.selector);
        escrow.withdraw(ETH, address(0));
        vm.expectRevert(abi.encodeWithSelector(IEscrowManager.TransferFailed.selector, address(dollar), 1 ether));
        escrow.withdraw(ETH, address(dollar));
        assertEq(escrow.balanceOf(buyer, ETH), 1 ether, "still owed");
    }

    function test_RevertWhen_AReceiverReenters() public {
        Reentrant thief = new Reentrant(escrow);
        _deposit(1 ether);
        escrow.refund(TASK, address(thief));
        escrow.deposit{value: 5 ether}("other", ETH, buyer, 5 ether);
        vm.expectRevert(abi.encodeWithSelector(IEscrowManager.TransferFailed.selector, address(thief), 1 ether));
        thief.steal();
    }

    function test_RevertWhen_ATokenReenters() public {
        HookedDollar hooked = new HookedDollar();
        hooked.mint(buyer, 100);
        vm.prank(buyer);
        hooked.approve(address(escrow), 100);
        hooked.hook(address(escrow), abi.encodeCall(escrow.withdraw, (ETH, buyer)));
        vm.expectRevert(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        escrow.deposit(TASK, address(hooked), buyer, 100);
    }

    function _deposit(uint256 amount) private {
        escrow.deposit{value: amount}(TASK, ETH, buyer, amount);
    }
}

/// @dev Asks for its balance again while it is being paid.
contract Reentrant {
    EscrowManager private immutable _escrow;

    constructor(EscrowManager escrow) {
        _escrow = escrow;
    }

    function steal() external {
        _escrow.withdraw(address(0), address(this));
    }

    receive() external payable {
        _escrow.withdraw(address(0), address(this));
    }
}
