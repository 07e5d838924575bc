// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {Earnings, RewardStream, RewardStreams} from "src/staking/RewardStream.sol";

/// @dev The stream without a pool: what the library says of itself, to the fraction.
contract RewardStreamFuzzTest is Test {
    using RewardStreams for RewardStream;

    uint256 private constant POSITIONS = 4;

    RewardStream private _stream;
    Earnings[POSITIONS] private _earnings;
    uint256[POSITIONS] private _weights;
    uint256 private _totalWeight;
    uint256 private _paid;

    /// @dev Random funding, weights, claims and closings, with random time between them.
    function testFuzz_NothingIsLostOrMadeUp(uint256[24] calldata actions) public {
        vm.warp(1_800_000_000);
        for (uint256 i; i < actions.length; ++i) {
            skip(bound(actions[i] >> 224, 0, 3 days));
            uint256 who = (actions[i] >> 8) % POSITIONS;
            uint256 claimable = _stream.claimable(_earnings[who], _weights[who], _totalWeight);
            _stream.advance(_totalWeight);
            _stream.settle(_earnings[who], _weights[who]);
            _act(actions[i] % 4, who, 1 + (actions[i] >> 16) % 1e24, claimable);
            _check();
        }
    }

    function _act(uint256 action, uint256 who, uint256 amount, uint256 claimable) private {
        if (action == 0) {
            _stream.add(amount);
        } else if (action == 1) {
            _totalWeight = _totalWeight - _weights[who] + amount;
            _weights[who] = amount;
        } else if (action == 2) {
            uint256 taken = _stream.take(_earnings[who]);
            assertEq(taken, claimable, "what was shown");
            _paid += taken;
        } else {
            _totalWeight -= _weights[who];
            _weights[who] = 0;
            _stream.handOver(_earnings[who]);
            assertEq(_earnings[who].earned % RewardStreams.SCALE, 0, "whole units stay");
            assertEq(_earnings[who].earned / RewardStreams.SCALE, claimable, "all of them");
        }
    }

    function _check() private view {
        uint256 attributed = _stream.remainder;
        for (uint256 i; i < POSITIONS; ++i) {
            attributed += _earnings[i].earned;
            attributed += _weights[i] * (_stream.rewardPerWeight - _earnings[i].rewardPerWeightPaid);
        }
        assertEq(_stream.owed * RewardStreams.SCALE, attributed, "released, but not paid");
        assertEq(_stream.funded, _paid + _stream.undistributed + _stream.owed, "funded");
    }
}
