// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CommonBase} from "forge-std/Base.sol";
import {StdUtils} from "forge-std/StdUtils.sol";

import {RewardDistributor} from "src/RewardDistributor.sol";

/// @dev Random fees, rates, closings and claims over the whole schedule and beyond.
contract DistributorHandler is CommonBase, StdUtils {
    RewardDistributor private immutable _rewards;
    address private immutable _market;
    address private immutable _governance;
    address[2] private _tokens;
    uint64 public immutable nodes;

    uint256 public claimed;
    uint256 public doubleClaims;

    constructor(RewardDistributor rewards, address market, address governance, address aiigo, uint64 nodes_) {
        _rewards = rewards;
        _market = market;
        _governance = governance;
        _tokens[1] = aiigo;
        nodes = nodes_;
    }

    function recordFee(uint256 node, uint256 token, uint256 fee) external {
        fee = bound(fee % 10 ** (node % 29), 0, type(uint96).max);
        vm.prank(_market);
        _rewards.recordFee(_node(node), _tokens[token % 2], fee);
    }

    function closeEpochs(uint256 count) external {
        count = bound(count, 1, 8);
        for (uint256 i; i < count; ++i) {
            uint256 next = _rewards.nextEpochToClose();
            if (vm.getBlockTimestamp() < _rewards.epochStart(next + 1)) return;
            _rewards.closeEpoch(next);
        }
    }

    function claim(uint256 epoch, uint256 node) external {
        uint256 closed = _rewards.nextEpochToClose();
        if (closed == 0) return;
        epoch %= closed;
        if (_rewards.baseRewardOf(epoch, _node(node)) == 0) return;
        claimed += _rewards.claimBaseReward(epoch, _node(node));
        try _rewards.claimBaseReward(epoch, _node(node)) {
            ++doubleClaims;
        } catch {}
    }

    function setRate(uint256 token, uint256 rate) external {
        vm.prank(_governance);
        _rewards.setRate(_tokens[token % 2], bound(rate, 0, token % 2 == 1 ? 0.5e18 : 1_000_000e18));
    }

    function setStakerShare(uint256 share) external {
        vm.prank(_governance);
        _rewards.setStakerShare(uint16(bound(share, 0, 10_000)));
    }

    function wait(uint256 time) external {
        vm.warp(vm.getBlockTimestamp() + bound(time, 1, time % 5 == 0 ? 400 days : 10 days));
    }

    function _node(uint256 seed) private view returns (uint64) {
        return uint64(seed % nodes) + 1;
    }
}
