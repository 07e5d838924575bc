// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";

import {AIIGOToken} from "src/AIIGOToken.sol";
import {RewardDistributor} from "src/RewardDistributor.sol";
import {IRewardDistributor} from "src/interfaces/IRewardDistributor.sol";
import {ResourceType} from "src/types/Resource.sol";

import {SuiteConfig} from "../../script/SuiteConfig.sol";
import {SuiteTest} from "../SuiteTest.sol";

contract RewardDistributorTest is SuiteTest {
    address private constant ETH = address(0);
    uint256 private constant RATE = 1_000e18; // AIIGO per ETH of fee
    /// @dev What a week of the schedule releases, AIIGO wei.
    uint256 private constant WEEKLY = uint256(400_000_000e18) * 7 days / (4 * 365 days);

    AIIGOToken private _token;
    RewardDistributor private _rewards;
    address private _market;
    address private _governance;
    address private _payout;
    uint64 private _node;
    uint64 private _other;

    function configure(SuiteConfig memory config) internal pure override {
        config.rewards.epochLength = 7 days;
    }

    function setUp() public override {
        super.setUp();
        _token = suite.token;
        _rewards = suite.distributor;
        _market = address(suite.marketplace);
        _governance = address(suite.timelock);
        _payout = makeAddr("payout");
        _node = _register("owner", _payout);
        _other = _register("other owner", makeAddr("other payout"));
    }

    function _register(string memory name, address payout) private returns (uint64) {
        vm.prank(account(name, 0));
        return suite.registry.registerNode{value: 0.1 ether}(ResourceType.CPU, "ipfs://metadata", address(0), payout, 0);
    }

    function _record(uint64 node, address token, uint256 fee) private {
        vm.prank(_market);
        _rewards.recordFee(node, token, fee);
    }

    function _closeNext() private returns (uint256 epoch) {
        epoch = _rewards.nextEpochToClose();
        uint256 endsAt = _rewards.epochStart(epoch + 1);
        if (vm.getBlockTimestamp() < endsAt) vm.warp(endsAt);
        _rewards.closeEpoch(epoch);
    }

    // ---------------------------------------------------------------- schedule

    function test_TheScheduleIsLinearOverFourYears() public view {
        assertEq(_rewards.scheduleAt(START - 1), 0);
        assertEq(_rewards.scheduleAt(START), 0);
        assertEq(_rewards.scheduleAt(START + 365 days), 100_000_000e18);
        assertEq(_rewards.scheduleAt(START + 4 * 365 days), 400_000_000e18);
        assertEq(_rewards.scheduleAt(START + 100 * 365 days), 400_000_000e18);
    }

    function test_EpochsAreWeeks() public {
        assertEq(_rewards.currentEpoch(), 0);
        assertEq(_rewards.epochStart(3), START + 21 days);
        vm.warp(START + 21 days - 1);
        assertEq(_rewards.currentEpoch(), 2);
        vm.warp(START + 21 days);
        assertEq(_rewards.currentEpoch(), 3);
    }

    function test_BeforeTheStartItIsEpochZero() public {
        vm.warp(START - 1);
        assertEq(_rewards.currentEpoch(), 0);
    }

    // ---------------------------------------------------------------- fees

    function test_AFeeWeighsByItsRate() public {
        vm.expectEmit(address(_rewards));
        emit IRewardDistributor.FeeRecorded(0, _node, ETH, 0.01 ether, 10e18);
        _record(_node, ETH, 0.01 ether);
        _record(_node, address(_token), 8e18);
        assertEq(_rewards.weightOf(0, _node), 13.6e18);
        assertEq(_rewards.weightOf(0, _other), 0);
    }

    function test_AFeeWithoutARateIsRecordedWithoutWeight() public {
        address unknown = makeAddr("token without a rate");
        vm.expectEmit(address(_rewards));
        emit IRewardDistributor.FeeRecorded(0, _node, unknown, type(uint96).max, 0);
        _record(_node, unknown, type(uint96).max);
        assertEq(_rewards.weightOf(0, _node), 0);
    }

    function test_TheSmallestWeightCounts() public {
        _record(_node, address(_token), 3); // 0.45 of a fee
        assertEq(_rewards.weightOf(0, _node), 1);
        vm.warp(_rewards.epochStart(1));
        _record(_other, ETH, 1 ether);
        assertEq(_rewards.epochOf(0).totalWeight, 1);
        _closeNext();
        assertEq(_rewards.claimBaseReward(0, _node), 1);
    }

    function test_TheTotalsOfOpenEpochsStayApart() public {
        _record(_node, ETH, 0.01 ether);
        _record(_other, ETH, 0.02 ether);
        vm.warp(_rewards.epochStart(2));
        assertEq(_rewards.epochOf(0).totalWeight, 30e18, "no other epoch has had a fee");
        _record(_node, makeAddr("token without a rate"), 1 ether);
        assertEq(_rewards.epochOf(0).totalWeight, 30e18, "nor one with a weight");
        _record(_other, ETH, 0.03 ether);
        _record(_node, ETH, 0.04 ether);
        uint256[4] memory totals = [uint256(30e18), 0, 70e18, 0];
        for (uint256 epoch; epoch < 4; ++epoch) {
            assertEq(_rewards.epochOf(epoch).totalWeight, totals[epoch]);
            _closeNext();
            assertEq(_rewards.epochOf(epoch).totalWeight, totals[epoch]);
        }
        assertEq(_rewards.claimBaseReward(0, _other), 20e18);
        assertEq(_rewards.claimBaseReward(2, _node), 40e18);
    }

    function test_RatesOfOtherTokensExpire() public {
        vm.warp(START + 30 days - 1);
        (uint256 rate, uint40 expiresAt) = _rewards.rateOf(ETH);
        assertEq(rate, RATE);
        assertEq(expiresAt, START + 30 days);
        vm.warp(START + 30 days);
        (rate,) = _rewards.rateOf(ETH);
        assertEq(rate, 0);
        _record(_node, ETH, 1 ether);
        assertEq(_rewards.weightOf(4, _node), 0);
        (rate, expiresAt) = _rewards.rateOf(address(_token));
        assertEq(rate, 0.45e18);
        assertEq(expiresAt, type(uint40).max);
    }

    function test_RevertWhen_AnyoneElseRecordsAFee() public {
        vm.expectRevert(abi.encodeWithSelector(IRewardDistributor.NotMarketplace.selector, address(this)));
        _rewards.recordFee(_node, ETH, 1);
    }

    // ---------------------------------------------------------------- closing

    function test_ClosingStreamsTheStakersShare() public {
        _record(_node, ETH, 1 ether);
        vm.warp(START + 7 days);
        uint256 stakers = WEEKLY * 2_000 / 10_000;
        vm.expectEmit(address(_rewards));
        emit IRewardDistributor.EpochClosed(0, WEEKLY, (WEEKLY - stakers) * 10 / 11, stakers, 1_000e18);
        _rewards.closeEpoch(0);
        assertEq(suite.pool.undistributed(address(_token)), stakers);
        assertEq(_token.balanceOf(address(suite.pool)), stakers);
        assertEq(_token.allowance(address(_rewards), address(suite.pool)), 0);
        assertEq(_rewards.minted(), stakers);
        assertEq(_rewards.nextEpochToClose(), 1);
        IRewardDistributor.EpochInfo memory epoch = _rewards.epochOf(0);
        assertTrue(epoch.closed && !_rewards.epochOf(1).closed);
        assertEq(epoch.totalWeight, 1_000e18);
        assertEq(epoch.providerBudget, (WEEKLY - stakers) * 10 / 11);
        // A tenth of the base reward is set aside for bonuses.
        assertEq(_rewards.committed(), stakers + 1_100e18);
    }

    function test_WithoutStakersTheirShareWaitsForThem() public {
        _closeNext();
        uint256 funded = _rewards.minted();
        skipTime(50 days);
        address alice = account("alice", 1e18);
        vm.startPrank(alice);
        _token.approve(address(suite.pool), 1e18);
        uint256 id = suite.pool.stake(1e18, 0);
        vm.stopPrank();
        skipTime(7 days);
        assertEq(suite.pool.claimable(id, address(_token)), funded);
    }

    function test_WhatProvidersLeaveRollsOverToProviders() public {
        _closeNext();
        uint256 before = _rewards.minted();
        uint256 stakers = WEEKLY / 5;
        assertApproxEqAbs(before, stakers, 1);

        // The second epoch's providers may use all that two weeks left, and not a wei more.
        _record(_node, ETH, 1_000_000 ether);
        uint256 second = _closeNext();
        uint256 lane = _rewards.maxProviderBudget();
        assertApproxEqAbs(lane, _rewards.scheduleAt(START + 14 days) - _rewards.minted(), 2);
        assertEq(_rewards.baseRewardOf(second, _node), lane * 10 / 11);
        assertApproxEqAbs(_rewards.committed(), _rewards.scheduleAt(START + 14 days), 3);
        _rewards.claimBaseReward(second, _node);
        // The bonuses' tenth waits for its root.
        assertApproxEqAbs(_rewards.committed() - _rewards.minted(), lane - lane * 10 / 11, 1);
    }

    /// @dev Whoever washes fees at a rate that is too high finds two weeks of rewards, not all that piled up.
    function test_AnEpochGetsAtMostTwiceItsOwnRelease() public {
        for (uint256 i; i < 10; ++i) {
            _closeNext();
        }
        uint256 limit = _rewards.maxProviderBudget();
        assertApproxEqAbs(limit, 2 * (WEEKLY - WEEKLY / 5), 2);
        vm.prank(_governance);
        _rewards.setRate(ETH, RATE);
        for (uint256 i; i < 3; ++i) {
            _record(_node, ETH, 1_000_000 ether);
            uint256 before = _rewards.committed();
            uint256 minted = _rewards.minted();
            uint256 epoch = _closeNext();
            uint256 stakers = _rewards.minted() - minted;
            assertEq(_rewards.baseRewardOf(epoch, _node), limit * 10 / 11);
            assertApproxEqAbs(_rewards.committed() - before - stakers, limit, 1);
        }
    }

    function test_LateClosingLosesNothing() public {
        _record(_node, ETH, 1 ether);
        vm.warp(START + 35 days);
        for (uint256 epoch; epoch < 5; ++epoch) {
            _rewards.closeEpoch(epoch);
        }
        assertApproxEqAbs(_rewards.minted(), WEEKLY, 5);
        assertEq(_rewards.claimBaseReward(0, _node), 1_000e18);
    }

    function test_AfterFourYearsTheRestIsStillThereForProviders() public {
        // Closing 209 epochs in order; the last begins inside the schedule.
        uint256 last = uint256(4 * 365 days) / 7 days;
        while (_rewards.nextEpochToClose() <= last) _closeNext();
        uint256 toStakers = _rewards.minted();
        uint256 pile = _rewards.TOTAL() - _rewards.committed();
        assertEq(_rewards.committed(), toStakers);
        uint256 epochs;
        while (_rewards.TOTAL() - _rewards.committed() > 1e18) {
            _record(_node, address(_token), type(uint96).max);
            _rewards.claimBaseReward(_closeNext(), _node);
            ++epochs;
        }
        assertEq(epochs, pile / _rewards.maxProviderBudget() + 1);
        assertApproxEqAbs(_rewards.minted(), toStakers + pile * 10 / 11, 1e18);
        assertLe(_token.lifetimeMinted(), _token.LIFETIME_CAP());
    }

    function test_RevertWhen_TheEpochIsNotOver() public {
        vm.warp(START + 7 days - 1);
        vm.expectRevert(abi.encodeWithSelector(IRewardDistributor.EpochNotOver.selector, 0, START + 7 days));
        _rewards.closeEpoch(0);
    }

    function test_RevertWhen_TheEpochIsClosedAlready() public {
        _closeNext();
        vm.expectRevert(abi.encodeWithSelector(IRewardDistributor.EpochAlreadyClosed.selector, 0));
        _rewards.closeEpoch(0);
    }

    function test_RevertWhen_AnEarlierEpochIsOpen() public {
        vm.warp(START + 14 days);
        vm.expectRevert(abi.encodeWithSelector(IRewardDistributor.PreviousEpochOpen.selector, 0));
        _rewards.closeEpoch(1);
    }

    // ---------------------------------------------------------------- claiming

    function test_UnderTheBudgetANodeGetsItsWeight() public {
        _record(_node, ETH, 0.5 ether);
        _record(_other, ETH, 0.25 ether);
        uint256 epoch = _closeNext();
        assertEq(_rewards.baseRewardOf(epoch, _node), 500e18);
        vm.expectEmit(address(_rewards));
        emit IRewardDistributor.BaseRewardClaimed(epoch, _node, _payout, 500e18);
        assertEq(_rewards.claimBaseReward(epoch, _node), 500e18);
        assertEq(_token.balanceOf(_payout), 500e18);
        assertEq(_rewards.baseRewardOf(epoch, _node), 0);
        assertEq(_rewards.weightOf(epoch, _node), 500e18);
        assertEq(_rewards.baseRewardOf(epoch, _other), 250e18);
    }

    function test_OverTheBudgetNodesShareIt() public {
        _record(_node, ETH, 3_000_000 ether);
        _record(_other, ETH, 1_000_000 ether);
        uint256 epoch = _closeNext();
        uint256 budget = (WEEKLY - WEEKLY / 5) * 10 / 11;
        assertEq(_rewards.baseRewardOf(epoch, _node), budget * 3 / 4);
        assertEq(_rewards.baseRewardOf(epoch, _other), budget / 4);
    }

    function test_AnOpenEpochShowsWhatItWouldPayNow() public {
        _record(_node, ETH, 1_000_000 ether);
        assertEq(_rewards.baseRewardOf(0, _node), 0);
        skipTime(1 days);
        uint256 released = _rewards.scheduleAt(START + 1 days);
        assertEq(_rewards.baseRewardOf(0, _node), (released - released / 5) * 10 / 11);
        // Behind an open epoch only what is certain counts.
        vm.warp(START + 7 days);
        _record(_node, ETH, 1_000_000 ether);
        assertEq(_rewards.baseRewardOf(1, _node), 0);
        skipTime(1 days);
        assertApproxEqAbs(_rewards.baseRewardOf(1, _node), (released - released / 5) * 10 / 11, 1);
    }

    /// @dev What is released later belongs to the next epoch, however late somebody closes this one.
    function test_AnEpochThatWaitsToBeClosedShowsItsOwnRelease() public {
        _record(_node, ETH, 1_000_000 ether);
        vm.warp(START + 9 days);
        uint256 shown = _rewards.baseRewardOf(0, _node);
        _rewards.closeEpoch(0);
        assertEq(_rewards.baseRewardOf(0, _node), shown);
        assertEq(shown, (WEEKLY - WEEKLY / 5) * 10 / 11);
    }

    function test_TheNewPayoutAddressIsPaid() public {
        _record(_node, ETH, 1 ether);
        uint256 epoch = _closeNext();
        address payout = makeAddr("new payout");
        vm.prank(makeAddr("owner"));
        suite.registry.setPayout(_node, payout);
        _rewards.claimBaseReward(epoch, _node);
        assertEq(_token.balanceOf(payout), 1_000e18);
    }

    function test_RevertWhen_ClaimedTwice() public {
        _record(_node, ETH, 1 ether);
        uint256 epoch = _closeNext();
        _rewards.claimBaseReward(epoch, _node);
        vm.expectRevert(abi.encodeWithSelector(IRewardDistributor.NothingToClaim.selector, epoch, _node));
        _rewards.claimBaseReward(epoch, _node);
    }

    function test_RevertWhen_ANodeEarnedNothing() public {
        uint256 epoch = _closeNext();
        vm.expectRevert(abi.encodeWithSelector(IRewardDistributor.NothingToClaim.selector, epoch, _node));
        _rewards.claimBaseReward(epoch, _node);
    }

    function test_RevertWhen_ClaimingAnOpenEpoch() public {
        _record(_node, ETH, 1 ether);
        skipTime(30 days);
        vm.expectRevert(abi.encodeWithSelector(IRewardDistributor.EpochNotClosed.selector, 0));
        _rewards.claimBaseReward(0, _node);
    }

    // ---------------------------------------------------------------- governance

    function test_GovernanceRenewsARate() public {
        skipTime(40 days);
        uint40 expiresAt = uint40(vm.getBlockTimestamp() + 30 days);
        vm.expectEmit(address(_rewards));
        emit IRewardDistributor.RateChanged(ETH, 5e18, expiresAt);
        vm.prank(_governance);
        _rewards.setRate(ETH, 5e18);
        (uint256 rate, uint40 until) = _rewards.rateOf(ETH);
        assertEq(rate, 5e18);
        assertEq(until, expiresAt);
    }

    function test_GovernanceSetsTheStakersShare() public {
        vm.expectEmit(address(_rewards));
        emit IRewardDistributor.StakerShareChanged(0);
        vm.prank(_governance);
        _rewards.setStakerShare(0);
        _closeNext();
        assertEq(_rewards.minted(), 0);
    }

    function test_RevertWhen_ARateIsTooHigh() public {
        vm.startPrank(_governance);
        vm.expectRevert(IRewardDistributor.InvalidParameters.selector);
        _rewards.setRate(address(_token), uint256(0.5e18) * 10 / 11 + 1);
        vm.expectRevert(IRewardDistributor.InvalidParameters.selector);
        _rewards.setRate(ETH, uint256(type(uint128).max) + 1);
        vm.expectRevert(IRewardDistributor.InvalidParameters.selector);
        _rewards.setStakerShare(10_001);
    }

    function test_RatesAndShareReachTheirBounds() public {
        vm.startPrank(_governance);
        _rewards.setRate(address(_token), uint256(0.5e18) * 10 / 11);
        _rewards.setRate(ETH, type(uint128).max);
        _rewards.setStakerShare(10_000);
        vm.stopPrank();
        (uint256 own,) = _rewards.rateOf(address(_token));
        assertEq(own, uint256(0.5e18) * 10 / 11);
        (uint256 ether_,) = _rewards.rateOf(ETH);
        assertEq(ether_, type(uint128).max);
        assertEq(_rewards.stakerShareBps(), 10_000);
    }

    function test_RevertWhen_AnyoneElseGoverns() public {
        bytes memory refused =
            abi.encodeWithSelector(OwnableUpgradeable.OwnableUnauthorizedAccount.selector, address(this));
        vm.expectRevert(refused);
        _rewards.setRate(ETH, 1);
        vm.expectRevert(refused);
        _rewards.setStakerShare(1);
    }

    function test_RevertWhen_InitializedAgain() public {
        IRewardDistributor.RateConfig[] memory none;
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        _rewards.initialize(address(this), 1, 7 days, 0, 1, none);
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        RewardDistributor(suite.implementations.distributor).initialize(address(this), 1, 7 days, 0, 1, none);
    }

    function test_RevertWhen_InitializedWithNonsense() public {
        _expectRefused(0, 7 days, 0);
        _expectRefused(1, 59, 0);
        _expectRefused(1, 28 days + 1, 0);
        _expectRefused(1, 7 days, 10_001);
    }

    function test_EpochsLastFromAMinuteToFourWeeks() public {
        IRewardDistributor.RateConfig[] memory none;
        uint40[2] memory lengths = [1 minutes, uint40(28 days)];
        for (uint256 i; i < lengths.length; ++i) {
            bytes memory call =
                abi.encodeCall(RewardDistributor.initialize, (_governance, 1, lengths[i], 0, 1 days, none));
            vm.expectEmit();
            emit IRewardDistributor.ScheduleStarted(1, lengths[i], 4 * 365 days, 400_000_000e18);
            address proxy = address(new ERC1967Proxy(suite.implementations.distributor, call));
            assertEq(RewardDistributor(proxy).epochStart(1), 1 + lengths[i]);
        }
    }

    function _expectRefused(uint40 start, uint40 epochLength, uint16 share) private {
        IRewardDistributor.RateConfig[] memory none;
        bytes memory call =
            abi.encodeCall(RewardDistributor.initialize, (_governance, start, epochLength, share, 1, none));
        address implementation = suite.implementations.distributor;
        vm.expectRevert(IRewardDistributor.InvalidParameters.selector);
        new ERC1967Proxy(implementation, call);
    }
}
