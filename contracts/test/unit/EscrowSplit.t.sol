// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {EscrowManager} from "src/EscrowManager.sol";
import {IEscrowManager} from "src/interfaces/IEscrowManager.sol";

import {Dollar, HookedDollar, TaxedDollar} from "../utils/Tokens.sol";

/// @dev The test stands where the marketplace does.
contract EscrowSplitTest is Test {
    address private constant ETH = address(0);
    bytes32 private constant TASK = "task";

    address private _buyer = makeAddr("buyer");
    address private _provider = makeAddr("provider");
    EscrowManager private _escrow = new EscrowManager(address(this), makeAddr("treasury"));
    Dollar private _dollar = new Dollar();

    function setUp() public {
        vm.deal(address(this), 1_000 ether);
        _dollar.mint(_buyer, 1_000e6);
        vm.prank(_buyer);
        _dollar.approve(address(_escrow), type(uint256).max);
    }

    function _split(uint256[] memory amounts) private {
        address[] memory accounts = new address[](amounts.length);
        for (uint256 i; i < amounts.length; ++i) {
            accounts[i] = i % 2 == 0 ? _provider : _buyer;
        }
        _escrow.splitPayment(TASK, accounts, amounts);
    }

    function _two(uint256 a, uint256 b) private pure returns (uint256[] memory amounts) {
        amounts = new uint256[](2);
        (amounts[0], amounts[1]) = (a, b);
    }

    // ---------------------------------------------------------------- topUp

    function test_AnOpenEscrowGrowsInItsToken() public {
        _escrow.deposit{value: 1 ether}(TASK, ETH, _buyer, 1 ether);
        vm.expectEmit(address(_escrow));
        emit IEscrowManager.ToppedUp(TASK, _provider, ETH, 2, 1 ether + 2);
        _escrow.topUp{value: 2}(TASK, _provider, 2);
        assertEq(_escrow.escrowOf(TASK).amount, 1 ether + 2);
        assertEq(_escrow.escrowOf(TASK).token, ETH);
        bytes32 other = "other";
        _escrow.deposit(other, address(_dollar), _buyer, 10e6);
        _escrow.topUp(other, _buyer, 1e6);
        assertEq(_escrow.escrowOf(other).amount, 11e6);
        assertEq(_dollar.balanceOf(address(_escrow)), 11e6);
    }

    function test_RevertWhen_NothingIsThereToTopUp() public {
        vm.expectRevert(abi.encodeWithSelector(IEscrowManager.NoEscrow.selector, TASK));
        _escrow.topUp{value: 1}(TASK, _buyer, 1);
        vm.expectRevert(IEscrowManager.ZeroAmount.selector);
        _escrow.topUp(TASK, _buyer, 0);
    }

    function test_RevertWhen_TheValueIsNotExact() public {
        _escrow.deposit{value: 1}(TASK, ETH, _buyer, 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowManager.WrongValue.selector, 3, 2));
        _escrow.topUp{value: 3}(TASK, _buyer, 2);
        bytes32 other = "other";
        _escrow.deposit(other, address(_dollar), _buyer, 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowManager.WrongValue.selector, 2, 0));
        _escrow.topUp{value: 2}(other, _buyer, 2);
    }

    function test_RevertWhen_TheTotalIsTooLarge() public {
        _escrow.deposit{value: 1}(TASK, ETH, _buyer, 1);
        uint256 total = uint256(type(uint96).max) + 1;
        vm.expectRevert(abi.encodeWithSelector(IEscrowManager.AmountTooLarge.selector, total));
        _escrow.topUp(TASK, _buyer, type(uint96).max);
    }

    function test_ATopUpMayReachTheLargestTotal() public {
        _escrow.deposit{value: 1}(TASK, ETH, _buyer, 1);
        uint256 rest = type(uint96).max - 1;
        vm.deal(address(this), rest);
        _escrow.topUp{value: rest}(TASK, _buyer, rest);
        assertEq(_escrow.escrowOf(TASK).amount, type(uint96).max);
    }

    function test_RevertWhen_TheTokenTakesAFeeOrReenters() public {
        TaxedDollar taxed = new TaxedDollar();
        HookedDollar hooked = new HookedDollar();
        taxed.mint(_buyer, 200);
        hooked.mint(_buyer, 200);
        vm.startPrank(_buyer);
        taxed.approve(address(_escrow), 200);
        hooked.approve(address(_escrow), 200);
        vm.stopPrank();
        _escrow.deposit(TASK, address(hooked), _buyer, 100);
        hooked.hook(address(_escrow), abi.encodeCall(IEscrowManager.withdraw, (ETH, _buyer)));
        vm.expectRevert(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        _escrow.topUp(TASK, _buyer, 100);
        // A token that starts to take a fee after the deposit.
        bytes32 other = "other";
        _escrow.deposit(other, address(_dollar), _buyer, 100);
        vm.etch(address(_dollar), address(taxed).code);
        vm.expectRevert(abi.encodeWithSelector(IEscrowManager.TokenTookFee.selector, address(_dollar), 99, 100));
        _escrow.topUp(other, _buyer, 100);
    }

    // ---------------------------------------------------------------- splitPayment

    function test_ASplitClosesTheEscrowToTheWei() public {
        _escrow.deposit{value: 10}(TASK, ETH, _buyer, 10);
        address[] memory accounts = new address[](2);
        (accounts[0], accounts[1]) = (_provider, _buyer);
        vm.expectEmit(address(_escrow));
        emit IEscrowManager.PaymentSplit(TASK, ETH, accounts, _two(7, 3));
        _split(_two(7, 3));
        assertEq(_escrow.balanceOf(_provider, ETH), 7);
        assertEq(_escrow.balanceOf(_buyer, ETH), 3);
        assertEq(_escrow.escrowOf(TASK).amount, 0);
        vm.expectRevert(abi.encodeWithSelector(IEscrowManager.NoEscrow.selector, TASK));
        _split(_two(7, 3));
    }

    function testFuzz_ASplitIsTheWholeEscrow(uint96[6] memory parts) public {
        uint256[] memory amounts = new uint256[](6);
        uint256 sum;
        for (uint256 i; i < 6; ++i) {
            amounts[i] = parts[i] / 8;
            sum += amounts[i];
        }
        vm.assume(sum != 0);
        vm.deal(address(this), sum);
        _escrow.deposit{value: sum}(TASK, ETH, _buyer, sum);
        _split(amounts);
        assertEq(_escrow.balanceOf(_provider, ETH), amounts[0] + amounts[2] + amounts[4]);
        assertEq(_escrow.balanceOf(_buyer, ETH), amounts[1] + amounts[3] + amounts[5]);
    }

    function test_RevertWhen_ASplitIsMoreOrLess() public {
        _escrow.deposit{value: 10}(TASK, ETH, _buyer, 10);
        vm.expectRevert(abi.encodeWithSelector(IEscrowManager.WrongSplit.selector, TASK, 9, 10));
        _split(_two(7, 2));
        vm.expectRevert(abi.encodeWithSelector(IEscrowManager.WrongSplit.selector, TASK, 11, 10));
        _split(_two(7, 4));
    }

    function test_RevertWhen_AnotherTopsUpOrSplits() public {
        vm.startPrank(_buyer);
        vm.expectRevert(abi.encodeWithSelector(IEscrowManager.NotMarketplace.selector, _buyer));
        _escrow.topUp(TASK, _buyer, 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrowManager.NotMarketplace.selector, _buyer));
        _split(_two(1, 2));
    }
}
