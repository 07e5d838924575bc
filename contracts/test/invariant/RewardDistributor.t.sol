// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {RewardDistributor} from "src/RewardDistributor.sol";
import {IBonusRoots} from "src/interfaces/IBonusRoots.sol";
import {ResourceType} from "src/types/Resource.sol";

import {SuiteConfig} from "../../script/SuiteConfig.sol";
import {SuiteTest} from "../SuiteTest.sol";
import {DistributorHandler} from "./DistributorHandler.sol";

contract RewardDistributorInvariantTest is SuiteTest {
    uint64 private constant NODES = 3;
    uint256 private constant BOND = 10_000e18;
    uint256 private constant POSTERS = 5 * BOND;

    RewardDistributor private _rewards;
    DistributorHandler private _handler;
    address private _poster;

    function configure(SuiteConfig memory config) internal pure override {
        config.rewards.epochLength = 7 days;
        config.rewards.vetoDelay = 2 days;
    }

    function setUp() public override {
        super.setUp();
        _rewards = suite.distributor;
        _poster = account("poster", POSTERS);
        address owner = account("owner", 0);
        for (uint256 i; i < NODES; ++i) {
            vm.prank(owner);
            suite.registry.registerNode{value: 0.1 ether}(ResourceType.GPU, "", address(0), owner, 0);
        }
        _handler = new DistributorHandler(_rewards, address(suite.marketplace), address(suite.timelock), _poster, NODES);
        targetContract(address(_handler));
    }

    /// @dev One campaign checks all of it: the calls cost more than the checks.
    function invariant_TheDistributorsBooksBalance() public view {
        _mintedIsWithinScheduleAndCap();
        _whatClosedEpochsGaveAwayFitsTheirSchedule();
        _noNodesBonusesExceedATenthOfItsBaseRewards();
        _stakersWereStreamedAllThatProvidersDidNotClaim();
        _aBondIsPendingBurnedOrReturned();
        _nothingIsClaimedTwice();
    }

    /// @dev DESIGN 2.10, invariant 5.
    function _mintedIsWithinScheduleAndCap() private view {
        assertLe(_rewards.minted(), _rewards.committed());
        assertLe(_rewards.committed(), _rewards.scheduleAt(_rewards.epochStart(_rewards.nextEpochToClose())));
        assertLe(_rewards.minted(), _rewards.scheduleAt(vm.getBlockTimestamp()));
        assertLe(_rewards.minted(), _rewards.TOTAL());
        assertLe(suite.token.lifetimeMinted(), suite.token.LIFETIME_CAP());
        assertEq(suite.token.lifetimeMinted(), 600_000_000e18 + _rewards.minted());
    }

    function _whatClosedEpochsGaveAwayFitsTheirSchedule() private view {
        uint256 closed = _rewards.nextEpochToClose();
        uint256 unclaimed;
        for (uint256 epoch; epoch < closed; ++epoch) {
            for (uint64 node = 1; node <= NODES; ++node) {
                unclaimed += _rewards.baseRewardOf(epoch, node);
            }
        }
        // Were every base reward claimed, and a tenth of it as a bonus besides, it still fits.
        uint256 bonuses = (_handler.claimed() + unclaimed) / 10 - _handler.bonuses();
        assertLe(_rewards.minted() + unclaimed + bonuses, _rewards.committed());
    }

    function _noNodesBonusesExceedATenthOfItsBaseRewards() private view {
        uint256 base;
        uint256 bonus;
        for (uint64 node = 1; node <= NODES; ++node) {
            IBonusRoots.NodeRewards memory rewards = _rewards.rewardsOf(node);
            assertLe(uint256(rewards.bonusClaimed) * 10, rewards.baseClaimed);
            base += rewards.baseClaimed;
            bonus += rewards.bonusClaimed;
        }
        assertEq(base, _handler.claimed());
        assertEq(bonus, _handler.bonuses());
    }

    function _stakersWereStreamedAllThatProvidersDidNotClaim() private view {
        assertEq(
            _rewards.minted() - _handler.claimed() - _handler.bonuses(), suite.pool.undistributed(address(suite.token))
        );
    }

    function _aBondIsPendingBurnedOrReturned() private view {
        assertEq(suite.token.balanceOf(address(_rewards)), _rewards.pendingRoots() * BOND);
        assertEq(suite.token.balanceOf(_poster), POSTERS - (_rewards.pendingRoots() + _handler.vetoed()) * BOND);
        assertEq(_rewards.rootCount(), _handler.posted());
    }

    function _nothingIsClaimedTwice() private view {
        assertEq(_handler.doubleClaims(), 0);
    }
}
