// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {RewardDistributor} from "src/RewardDistributor.sol";
import {ResourceType} from "src/types/Resource.sol";

import {SuiteConfig} from "../../script/SuiteConfig.sol";
import {SuiteTest} from "../SuiteTest.sol";

contract RewardDistributorFuzzTest is SuiteTest {
    uint256 private constant NODES = 5;

    RewardDistributor private _rewards;

    function configure(SuiteConfig memory config) internal pure override {
        config.rewards.epochLength = 7 days;
    }

    function setUp() public override {
        super.setUp();
        _rewards = suite.distributor;
        address owner = account("owner", 0);
        for (uint256 i; i < NODES; ++i) {
            vm.prank(owner);
            suite.registry.registerNode{value: 0.1 ether}(ResourceType.CPU, "", address(0), owner, 0);
        }
    }

    function _record(uint64 node, uint256 fee) private {
        vm.prank(address(suite.marketplace));
        _rewards.recordFee(node, address(0), fee);
    }

    function testFuzz_TheScheduleIsMonotoneAndCapped(uint256 a, uint256 b) public view {
        a = bound(a, 0, type(uint64).max);
        b = bound(b, a, type(uint64).max);
        assertLe(_rewards.scheduleAt(a), _rewards.scheduleAt(b));
        assertLe(_rewards.scheduleAt(b), 400_000_000e18);
    }

    function testFuzz_EpochsTileTime(uint256 time) public {
        time = bound(time, START, START + 100 * 365 days);
        vm.warp(time);
        uint256 epoch = _rewards.currentEpoch();
        assertLe(_rewards.epochStart(epoch), time);
        assertGt(_rewards.epochStart(epoch + 1), time);
    }

    function testFuzz_WeightIsFeeTimesRate(uint96 fee, uint128 rate) public {
        vm.prank(address(suite.timelock));
        _rewards.setRate(address(0), rate);
        _record(1, fee);
        assertEq(_rewards.weightOf(0, 1), uint256(fee) * rate / 1e18);
    }

    function testFuzz_RecordingNeverReverts(address token, uint96 fee, uint32 later) public {
        skipTime(later);
        vm.prank(address(suite.marketplace));
        _rewards.recordFee(1, token, fee);
    }

    function testFuzz_RewardsNeverExceedWeightOrBudget(uint96[5] memory fees, uint8 scale, uint16 share, uint8 idle)
        public
    {
        vm.prank(address(suite.timelock));
        _rewards.setStakerShare(uint16(bound(share, 0, 10_000)));
        uint256 epoch = bound(idle, 0, 4);
        vm.warp(_rewards.epochStart(epoch));
        uint256 totalWeight;
        for (uint64 i; i < NODES; ++i) {
            _record(i + 1, fees[i] >> bound(scale, 0, 60));
            totalWeight += _rewards.weightOf(epoch, i + 1);
        }
        vm.warp(_rewards.epochStart(epoch + 1));
        for (uint256 i; i <= epoch; ++i) {
            _rewards.closeEpoch(i);
        }
        uint256 lane = _rewards.scheduleAt(vm.getBlockTimestamp()) - _rewards.minted();
        if (lane > _rewards.maxProviderBudget()) lane = _rewards.maxProviderBudget();
        uint256 budget = lane * 10 / 11;
        uint256 sum;
        for (uint64 i; i < NODES; ++i) {
            uint256 reward = _rewards.baseRewardOf(epoch, i + 1);
            uint256 weight = _rewards.weightOf(epoch, i + 1);
            assertLe(reward, weight);
            if (totalWeight <= budget) assertEq(reward, weight);
            else assertEq(reward, budget * weight / totalWeight);
            sum += reward;
            if (reward > 0) assertEq(_rewards.claimBaseReward(epoch, i + 1), reward);
        }
        assertLe(sum, budget);
        if (totalWeight > budget) assertGe(sum + NODES, budget);
        assertLe(_rewards.minted(), _rewards.scheduleAt(vm.getBlockTimestamp()));
    }

    function testFuzz_OnlyOwnRatesNeverExpire(uint256 elapsed, uint256 rate) public {
        elapsed = bound(elapsed, 0, 10 * 365 days);
        rate = bound(rate, 0, _rewards.MAX_AIIGO_RATE());
        vm.startPrank(address(suite.timelock));
        _rewards.setRate(address(suite.token), rate);
        _rewards.setRate(address(0), rate);
        vm.stopPrank();
        skipTime(elapsed);
        (uint256 own,) = _rewards.rateOf(address(suite.token));
        (uint256 ether_,) = _rewards.rateOf(address(0));
        assertEq(own, rate);
        assertEq(ether_, elapsed < 30 days ? rate : 0);
    }
}
