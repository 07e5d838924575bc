// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IEntryPausable} from "src/interfaces/IEntryPausable.sol";
import {IStakingPool} from "src/interfaces/IStakingPool.sol";

import {BarringDollar, PoolFixture} from "../utils/PoolFixture.sol";
import {Dollar, HookedDollar, TaxedDollar} from "../utils/Tokens.sol";

/// @dev Stakes, and claims again while it is paid.
contract GreedyStaker {
    IStakingPool private immutable _pool;
    uint256 private _id;

    constructor(IStakingPool pool) {
        _pool = pool;
    }

    function stake(Dollar token, uint256 amount) external {
        token.approve(address(_pool), amount);
        _id = _pool.stake(amount, 0);
    }

    function claim() external {
        _pool.claim(_id, address(0));
    }

    receive() external payable {
        _pool.claim(_id, address(0));
    }
}

/// @dev Calls for somebody else.
contract Relay {
    function pass(address target, bytes calldata data) external {
        (bool done, bytes memory reason) = target.call(data);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(reason, 32), mload(reason))
            }
        }
    }
}

/// @title Rewards in several tokens, each with its own stream
contract StakingPoolTokensTest is PoolFixture {
    // ---------------------------------------------------------------- listing

    function test_AIIGOAndEtherAreListedFromTheStart() public view {
        address[] memory tokens = pool.rewardTokens();
        assertEq(tokens.length, 3);
        assertEq(tokens[0], address(aiigo));
        assertEq(tokens[1], ETH);
        assertEq(tokens[2], address(dollar));
        assertTrue(pool.isRewardToken(ETH) && pool.isRewardToken(address(dollar)));
        assertFalse(pool.isRewardToken(alice));
    }

    function test_GovernanceListsAFewTokens() public {
        vm.startPrank(timelock);
        vm.expectEmit(address(pool));
        emit IStakingPool.RewardTokenListed(address(4));
        pool.listRewardToken(address(4));
        vm.expectRevert(abi.encodeWithSelector(IStakingPool.AlreadyListed.selector, address(4)));
        pool.listRewardToken(address(4));
        pool.listRewardToken(address(5));
        vm.expectRevert(abi.encodeWithSelector(IStakingPool.TooManyRewardTokens.selector, 5));
        pool.listRewardToken(address(6));
    }

    function test_RevertWhen_AnyoneElseLists() public {
        vm.expectRevert(abi.encodeWithSelector(OwnableUpgradeable.OwnableUnauthorizedAccount.selector, alice));
        vm.prank(alice);
        pool.listRewardToken(address(4));
    }

    function test_RevertWhen_ATokenIsNotListed() public {
        uint256 id = stake(alice, 1e18, 0);
        bytes memory unlisted = abi.encodeWithSelector(IStakingPool.NotRewardToken.selector, bob);
        vm.prank(timelock);
        vm.expectRevert(unlisted);
        pool.notifyReward(bob, 1);
        vm.expectRevert(unlisted);
        pool.claimable(id, bob);
        vm.expectRevert(unlisted);
        vm.prank(alice);
        pool.claim(id, bob);
        vm.expectRevert(unlisted);
        pool.getAPY(bob);
        vm.expectRevert(unlisted);
        pool.funded(bob);
        vm.expectRevert(unlisted);
        pool.undistributed(bob);
        vm.expectRevert(unlisted);
        pool.owed(bob);
        vm.expectRevert(unlisted);
        pool.streamEndsAt(bob);
    }

    // ---------------------------------------------------------------- funding

    function test_StreamsInSeveralTokensRunBesideEachOther() public {
        uint256 one = stake(alice, 100e18, 0);
        uint256 two = stake(bob, 100e18, 365 days);
        fund(ETH, 3 ether);
        skipTime(1 days);
        fund(address(dollar), 300e6);
        fund(address(aiigo), 300e18);
        skipTime(6 days);
        assertEq(pool.claimable(one, ETH), 1 ether);
        assertEq(pool.claimable(two, ETH), 2 ether);
        skipTime(1 days);
        assertEq(pool.claimable(one, address(dollar)), 100e6);
        assertEq(pool.claimable(two, address(dollar)), 200e6);
        assertEq(pool.claimable(two, address(aiigo)), 200e18);
        assertEq(pool.funded(ETH), 3 ether);
        assertEq(pool.owed(ETH), 3 ether);
    }

    function test_EtherIsSentAlong() public {
        vm.deal(timelock, 2 ether);
        vm.prank(timelock);
        vm.expectEmit(address(pool));
        emit IStakingPool.RewardStreamed(timelock, ETH, 2 ether, 2 ether * 1e18 / WEEK, uint40(START + WEEK));
        pool.notifyReward{value: 2 ether}(ETH, 2 ether);
        assertEq(address(pool).balance, 2 ether);
    }

    function test_TheFeeVaultFunds() public {
        vm.deal(address(suite.feeVault), 1 ether);
        vm.prank(address(suite.feeVault));
        pool.notifyReward{value: 1 ether}(ETH, 1 ether);
        assertEq(pool.undistributed(ETH), 1 ether);
    }

    function test_RevertWhen_TheValueIsNotExact() public {
        vm.deal(timelock, 2 ether);
        vm.startPrank(timelock);
        vm.expectRevert(abi.encodeWithSelector(IStakingPool.WrongValue.selector, 0, 1 ether));
        pool.notifyReward(ETH, 1 ether);
        vm.expectRevert(abi.encodeWithSelector(IStakingPool.WrongValue.selector, 1, 0));
        pool.notifyReward{value: 1}(address(aiigo), 1 ether);
    }

    function test_RevertWhen_ATokenTakesAFee() public {
        TaxedDollar taxed = new TaxedDollar();
        vm.prank(timelock);
        pool.listRewardToken(address(taxed));
        vm.expectRevert(abi.encodeWithSelector(IStakingPool.TokenTookFee.selector, address(taxed), 99e6, 100e6));
        this.fundAs(address(taxed), 100e6);
    }

    function fundAs(address token, uint256 amount) external {
        fund(token, amount);
    }

    function test_RevertWhen_MoreThanEverCouldBeIsFunded() public {
        fund(address(dollar), type(uint128).max);
        vm.expectRevert();
        this.fundAs(address(dollar), 1);
        // And the stakers still come and go.
        uint256 id = stake(alice, 1e18, 365 days);
        stake(bob, 1, 0);
        skipTime(WEEK);
        vm.startPrank(alice);
        assertGt(pool.claim(id, address(dollar)), type(uint128).max - uint256(type(uint64).max) * 1e19);
        pool.unstake(id);
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- claiming

    function test_EachTokenIsClaimedOnItsOwn() public {
        uint256 id = stake(alice, 100e18, 0);
        fund(ETH, 7 ether);
        fund(address(dollar), 700e6);
        skipTime(2 days);
        uint256 before = alice.balance;
        vm.startPrank(alice);
        vm.expectEmit(address(pool));
        emit IStakingPool.RewardClaimed(id, alice, ETH, 2 ether);
        assertEq(pool.claim(id, ETH), 2 ether);
        assertEq(alice.balance - before, 2 ether);
        vm.expectRevert(abi.encodeWithSelector(IStakingPool.NothingToClaim.selector, id, ETH));
        pool.claim(id, ETH);
        vm.expectRevert(abi.encodeWithSelector(IStakingPool.NothingToClaim.selector, id, address(aiigo)));
        pool.claim(id, address(aiigo));
        assertEq(pool.claim(id, address(dollar)), 200e6);
        vm.stopPrank();
        assertEq(dollar.balanceOf(alice), 200e6);
        skipTime(5 days);
        assertEq(pool.claimable(id, ETH), 5 ether);
    }

    function test_AfterUnstakingOtherTokensStayClaimable() public {
        uint256 id = stake(alice, 100e18, 0);
        stake(bob, 100e18, 0);
        fund(ETH, 14 ether);
        fund(address(dollar), 1_400e6);
        skipTime(1 days);
        vm.startPrank(alice);
        pool.unstake(id);
        skipTime(10 days);
        assertEq(pool.claimable(id, ETH), 1 ether);
        assertEq(pool.claim(id, ETH), 1 ether);
        assertEq(pool.claim(id, address(dollar)), 100e6);
        vm.expectRevert(abi.encodeWithSelector(IStakingPool.UnknownPosition.selector, id));
        pool.positionOf(id);
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(IStakingPool.NotPositionOwner.selector, id, bob));
        vm.prank(bob);
        pool.claim(id, ETH);
    }

    function test_ATokenThatBarsAnAccountStopsNothingElse() public {
        BarringDollar barring = new BarringDollar();
        vm.prank(timelock);
        pool.listRewardToken(address(barring));
        uint256 one = stake(alice, 100e18, 0);
        uint256 two = stake(bob, 100e18, 0);
        fund(ETH, 14 ether);
        fund(address(aiigo), 1_400e18);
        fund(address(barring), 1_400e6);
        skipTime(WEEK);
        barring.bar(alice);
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(BarringDollar.Barred.selector, alice));
        pool.claim(one, address(barring));
        assertEq(pool.claim(one, ETH), 7 ether);
        assertEq(pool.claim(one, address(aiigo)), 700e18);
        pool.unstake(one);
        vm.stopPrank();
        vm.prank(bob);
        assertEq(pool.claim(two, address(barring)), 700e6);
        // It may even bar the pool: stakes still come and go.
        barring.bar(address(pool));
        stake(alice, 1e18, 0);
        vm.prank(bob);
        pool.unstake(two);
    }

    function test_RevertWhen_AnOwnerRefusesEtherOrReenters() public {
        GreedyStaker greedy = new GreedyStaker(pool);
        vm.prank(faucet);
        aiigo.transfer(address(greedy), 100e18);
        greedy.stake(Dollar(address(aiigo)), 100e18);
        fund(ETH, 7 ether);
        skipTime(1 days);
        vm.expectRevert(abi.encodeWithSelector(IStakingPool.TransferFailed.selector, address(greedy), 1 ether));
        greedy.claim();
        assertEq(pool.owed(ETH), 1 ether);
    }

    function test_RevertWhen_ATokenReenters() public {
        HookedDollar hooked = new HookedDollar();
        vm.prank(timelock);
        pool.listRewardToken(address(hooked));
        uint256 id = stake(alice, 100e18, 0);
        fund(address(hooked), 7e6);
        skipTime(1 days);
        bytes[5] memory calls = [
            abi.encodeCall(IStakingPool.stake, (1, 0)),
            abi.encodeCall(IStakingPool.unstake, (id)),
            abi.encodeCall(IStakingPool.claim, (id, address(hooked))),
            abi.encodeCall(IStakingPool.notifyReward, (address(hooked), 1)),
            abi.encodeCall(Relay.pass, (address(pool), abi.encodeCall(IStakingPool.seize, (id, 1, alice))))
        ];
        // The court itself calls no token that would call it back; another one might.
        vm.etch(court, address(new Relay()).code);
        for (uint256 i; i < calls.length; ++i) {
            hooked.hook(i == 4 ? court : address(pool), calls[i]);
            vm.expectRevert(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
            vm.prank(alice);
            pool.claim(id, address(hooked));
        }
    }

    // ---------------------------------------------------------------- yield

    function test_TheYieldIsThatOfTheStream() public {
        assertEq(pool.getAPY(address(aiigo)), 0);
        fund(address(aiigo), 70e18);
        assertEq(pool.getAPY(address(aiigo)), 0);
        stake(alice, 1_000e18, 0);
        // Ten a day on a thousand.
        assertApproxEqAbs(pool.getAPY(address(aiigo)), 3.65e18, 1);
        stake(bob, 500e18, 365 days);
        assertApproxEqAbs(pool.getAPY(address(aiigo)), 1.825e18, 1);
        skipTime(3 days);
        assertApproxEqAbs(pool.getAPY(address(aiigo)), 1.825e18, 1);
        skipTime(4 days);
        assertEq(pool.getAPY(address(aiigo)), 0);
    }

    function test_TheYieldInATokenIsUnitsAYearPerAIIGO() public {
        stake(alice, 1_000e18, 0);
        fund(address(dollar), 7_000e6);
        assertEq(pool.getAPY(address(dollar)), 365e6);
    }

    function test_EveryChangeOfTheYieldIsAnEvent() public {
        fund(address(aiigo), 70e18);
        uint256 yield = uint256(70e18) * 365 days * 1e18 / WEEK / 1_000e18;
        vm.expectEmit(address(pool));
        emit IStakingPool.APYUpdated(address(aiigo), yield);
        uint256 id = stake(alice, 1_000e18, 0);
        skipTime(WEEK / 7);
        vm.expectEmit(address(pool));
        emit IStakingPool.APYUpdated(address(aiigo), yield / 2);
        stake(bob, 1_000e18, 0);
        vm.expectEmit(address(pool));
        emit IStakingPool.APYUpdated(address(aiigo), yield);
        vm.prank(alice);
        pool.unstake(id);
        vm.deal(timelock, 1 ether);
        vm.expectEmit(address(pool));
        emit IStakingPool.APYUpdated(ETH, uint256(1 ether) * 365 days / WEEK / 1_000);
        vm.prank(timelock);
        pool.notifyReward{value: 1 ether}(ETH, 1 ether);
    }

    // ---------------------------------------------------------------- pause

    function test_APauseStopsStakingAndNothingElse() public {
        uint256 id = stake(alice, 100e18, 30 days);
        uint256 other = stake(alice, 50e18, 30 days);
        fund(ETH, 7 ether);
        freeze(id, 10e18);
        uint40 until = uint40(START + 100 days);
        vm.prank(timelock);
        pool.pauseEntry(until);
        skipTime(30 days);
        vm.expectRevert(abi.encodeWithSelector(IEntryPausable.EntryIsPaused.selector, until));
        stake(bob, 1e18, 0);

        fund(address(dollar), 7e6);
        pool.resetWeight(id);
        vm.startPrank(court);
        pool.seize(id, 4e18, court);
        pool.unfreeze(id, 6e18);
        vm.stopPrank();
        vm.startPrank(alice);
        pool.claim(id, ETH);
        pool.unstake(id);
        pool.unstake(other);
        vm.stopPrank();
        assertEq(pool.totalStaked(), 0);
    }
}
