// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {RewardDistributor} from "src/RewardDistributor.sol";
import {ResourceType} from "src/types/Resource.sol";

import {SuiteConfig} from "../../script/SuiteConfig.sol";
import {SuiteTest} from "../SuiteTest.sol";
import {DistributorHandler} from "./DistributorHandler.sol";

contract RewardDistributorInvariantTest is SuiteTest {
    uint64 private constant NODES = 3;

    RewardDistributor private _rewards;
    DistributorHandler private _handler;

    function configure(SuiteConfig memory config) internal pure override {
        config.rewards.epochLength = 7 days;
    }

    function setUp() public override {
        super.setUp();
        _rewards = suite.distributor;
        address owner = account("owner", 0);
        for (uint256 i; i < NODES; ++i) {
            vm.prank(owner);
            suite.registry.registerNode{value: 0.1 ether}(ResourceType.GPU, "", address(0), owner, 0);
        }
        _handler = new DistributorHandler(
            _rewards, address(suite.marketplace), address(suite.timelock), address(suite.token), NODES
        );
        targetContract(address(_handler));
    }

    /// @dev DESIGN 2.10, invariant 5.
    function invariant_MintedIsWithinScheduleAndCap() public view {
        assertLe(_rewards.minted(), _rewards.scheduleAt(vm.getBlockTimestamp()));
        assertLe(_rewards.minted(), _rewards.TOTAL());
        assertLe(suite.token.lifetimeMinted(), suite.token.LIFETIME_CAP());
        assertEq(suite.token.lifetimeMinted(), 600_000_000e18 + _rewards.minted());
    }

    function invariant_WhatClosedEpochsGaveAwayFitsTheirSchedule() public view {
        uint256 closed = _rewards.nextEpochToClose();
        uint256 unclaimed;
        for (uint256 epoch; epoch < closed; ++epoch) {
            for (uint64 node = 1; node <= NODES; ++node) {
                unclaimed += _rewards.baseRewardOf(epoch, node);
            }
        }
        assertLe(_rewards.minted() + unclaimed, _rewards.scheduleAt(_rewards.epochStart(closed)));
    }

    function invariant_StakersWereStreamedAllThatProvidersDidNotClaim() public view {
        assertEq(_rewards.minted() - _handler.claimed(), suite.pool.undistributed(address(suite.token)));
        assertEq(suite.token.balanceOf(address(_rewards)), 0);
    }

    function invariant_NothingIsClaimedTwice() public view {
        assertEq(_handler.doubleClaims(), 0);
    }
}
