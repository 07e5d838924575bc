// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {FeeVault} from "src/FeeVault.sol";
import {IEscrowManager} from "src/interfaces/IEscrowManager.sol";
import {IFeeVault} from "src/interfaces/IFeeVault.sol";
import {IStakingPool} from "src/interfaces/IStakingPool.sol";

import {MarketFixture, Node} from "../utils/MarketFixture.sol";
import {HookedDollar} from "../utils/Tokens.sol";

contract FeeVaultTest is MarketFixture {
    FeeVault internal vault;
    IStakingPool internal pool;
    address internal staker;
    uint256 internal position;

    function setUp() public override {
        super.setUp();
        vault = suite.feeVault;
        pool = suite.pool;
        staker = account("staker", 1_000e18);
        vm.startPrank(staker);
        token.approve(address(pool), type(uint256).max);
        position = pool.stake(1_000e18, 0);
        vm.stopPrank();
    }

    /// @dev A fee as the escrow credits it. The escrow is entered as the market would.
    function _credit(address paidIn, uint256 fee) internal {
        bytes32 taskId = keccak256(abi.encode("task", vm.getBlockTimestamp(), fee, paidIn));
        uint256 due = fee * 10;
        vm.startPrank(address(market));
        if (paidIn == ETH) {
            vm.deal(address(market), due);
            escrow.deposit{value: due}(taskId, ETH, address(market), due);
        } else {
            deal(paidIn, address(market), due);
            (bool done,) = paidIn.call(abi.encodeCall(dollar.approve, (address(escrow), due)));
            assertTrue(done);
            escrow.deposit(taskId, paidIn, address(market), due);
        }
        escrow.release(taskId, address(1), address(2), due, 1_000, 0);
        vm.stopPrank();
    }

    function test_ATasksFeeReachesStakersAndTreasury() public {
        Node memory node = activeNode("node");
        approve(completedTask(account("buyer", 0), node));
        uint256 fee = escrow.balanceOf(address(vault), ETH);
        assertGt(fee, 0);
        assertEq(vault.collectable(ETH), fee);
        uint256 before = treasury.balance;
        vm.expectEmit(address(vault));
        emit IFeeVault.FeesCollected(ETH, address(this), fee / 2, fee / 2);
        (uint256 toStakers, uint256 toTreasury) = vault.collect(ETH);
        assertEq(toStakers, fee / 2);
        assertEq(toStakers + toTreasury, fee);
        assertEq(treasury.balance - before, toTreasury);
        assertEq(pool.undistributed(ETH), toStakers);
        assertEq(address(vault).balance + escrow.balanceOf(address(vault), ETH), 0);
        skip(7 days);
        vm.prank(staker);
        assertEq(pool.claim(position, ETH), toStakers);
    }

    function test_AnUnlistedTokensFeesAllGoToTheTreasury() public {
        vm.prank(governance);
        vault.setStakerShare(address(dollar), 5_000);
        _credit(address(dollar), 10e6);
        vault.collect(address(dollar));
        assertEq(dollar.balanceOf(treasury), 10e6);
    }

    function test_AListedTokensFeesAreShared() public {
        vm.startPrank(governance);
        pool.listRewardToken(address(dollar));
        vm.expectEmit(address(vault));
        emit IFeeVault.FeeShareChanged(address(dollar), 3_000);
        vault.setStakerShare(address(dollar), 3_000);
        vm.stopPrank();
        assertEq(vault.stakerShareOf(address(dollar)), 3_000);
        _credit(address(dollar), 10e6);
        (uint256 toStakers, uint256 toTreasury) = vault.collect(address(dollar));
        assertEq(toStakers, 3e6);
        assertEq(toTreasury, 7e6);
        assertEq(dollar.balanceOf(treasury), 7e6);
        assertEq(dollar.balanceOf(address(pool)), 3e6);
        assertEq(dollar.allowance(address(vault), address(pool)), 0);
    }

    function test_FeesInAIIGOAreShared() public {
        _credit(address(token), 10e18);
        uint256 before = token.balanceOf(treasury);
        vault.collect(address(token));
        assertEq(pool.undistributed(address(token)), 5e18);
        assertEq(token.balanceOf(treasury) - before, 5e18);
    }

    function test_WithoutAShareAllIsTheTreasurys() public {
        vm.prank(governance);
        vault.setStakerShare(ETH, 0);
        _credit(ETH, 2 ether);
        (uint256 toStakers, uint256 toTreasury) = vault.collect(ETH);
        assertEq(toStakers, 0);
        assertEq(toTreasury, 2 ether);
    }

    function test_ASingleUnitIsPassedOn() public {
        vm.startPrank(governance);
        pool.listRewardToken(address(dollar));
        vault.setStakerShare(address(dollar), 5_000);
        vm.stopPrank();
        address[2] memory tokens = [ETH, address(dollar)];
        for (uint256 i; i < 2; ++i) {
            _credit(tokens[i], 1);
            (uint256 toStakers, uint256 toTreasury) = vault.collect(tokens[i]);
            assertEq(toStakers, 0);
            assertEq(toTreasury, 1);
            _credit(tokens[i], 2);
            vault.collect(tokens[i]);
            assertEq(pool.undistributed(tokens[i]), 1);
            assertEq(vault.collectable(tokens[i]), 0);
        }
    }

    function test_AGiftIsPassedOnToo() public {
        vm.deal(address(this), 1 ether);
        payable(vault).transfer(1 ether);
        assertEq(vault.collectable(ETH), 1 ether);
        vault.collect(ETH);
        assertEq(pool.undistributed(ETH), 0.5 ether);
    }

    function test_RevertWhen_ThereIsNothing() public {
        vm.expectRevert(abi.encodeWithSelector(IFeeVault.NothingToCollect.selector, ETH));
        vault.collect(ETH);
    }

    function test_RevertWhen_ATokenReenters() public {
        HookedDollar hooked = new HookedDollar();
        hooked.mint(address(vault), 10e6);
        hooked.hook(address(vault), abi.encodeCall(IFeeVault.collect, (ETH)));
        vm.expectRevert(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        vault.collect(address(hooked));
    }

    function test_RevertWhen_TheTreasuryRefuses() public {
        _credit(ETH, 1 ether);
        vm.mockCallRevert(treasury, bytes(""), bytes("no"));
        vm.expectRevert(abi.encodeWithSelector(IFeeVault.TransferFailed.selector, treasury, 0.5 ether));
        vault.collect(ETH);
    }

    function test_RevertWhen_AShareIsTooHighOrAnyoneElseSetsIt() public {
        vm.expectRevert(abi.encodeWithSelector(IFeeVault.NotTreasury.selector, address(this)));
        vault.setStakerShare(ETH, 1);
        vm.expectRevert(abi.encodeWithSelector(IFeeVault.ShareTooHigh.selector, 5_001));
        vm.prank(governance);
        vault.setStakerShare(ETH, 5_001);
    }

    function test_RevertWhen_ConstructedWithoutNeighbours() public {
        IFeeVault.ShareConfig[] memory none;
        vm.expectRevert(IFeeVault.ZeroAddress.selector);
        new FeeVault(IEscrowManager(address(0)), pool, treasury, none);
        vm.expectRevert(IFeeVault.ZeroAddress.selector);
        new FeeVault(escrow, IStakingPool(address(0)), treasury, none);
        vm.expectRevert(IFeeVault.ZeroAddress.selector);
        new FeeVault(escrow, pool, address(0), none);
    }

    // ---------------------------------------------------------------- any amount

    function testFuzz_EveryUnitIsForStakersOrTreasury(uint256 fee, uint16 share, bool inEther, address caller) public {
        fee = bound(fee, 1, type(uint96).max / 10);
        share = uint16(bound(share, 0, 5_000));
        address paidIn = inEther ? ETH : address(dollar);
        vm.startPrank(governance);
        pool.listRewardToken(address(dollar));
        vault.setStakerShare(paidIn, share);
        vm.stopPrank();
        _credit(paidIn, fee);
        uint256 before = inEther ? treasury.balance : dollar.balanceOf(treasury);
        vm.prank(caller);
        (uint256 toStakers, uint256 toTreasury) = vault.collect(paidIn);
        assertEq(toStakers, fee * share / 10_000);
        assertEq(toStakers + toTreasury, fee);
        assertEq((inEther ? treasury.balance : dollar.balanceOf(treasury)) - before, toTreasury);
        assertEq(pool.undistributed(paidIn), toStakers);
        assertEq(vault.collectable(paidIn), 0);
    }
}
