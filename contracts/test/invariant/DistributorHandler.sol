// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CommonBase} from "forge-std/Base.sol";
import {StdUtils} from "forge-std/StdUtils.sol";

import {AIIGOToken} from "src/AIIGOToken.sol";
import {RewardDistributor} from "src/RewardDistributor.sol";
import {IBonusRoots} from "src/interfaces/IBonusRoots.sol";

import {Merkle} from "../utils/Merkle.sol";

/// @dev Random fees, rates, closings, roots true and false, and claims over the whole schedule and beyond.
contract DistributorHandler is CommonBase, StdUtils {
    uint256 private constant BOND = 10_000e18;

    RewardDistributor private immutable _rewards;
    AIIGOToken private immutable _token;
    address private immutable _market;
    address private immutable _governance;
    address private immutable _guardian;
    address private immutable _poster;
    address[2] private _tokens;
    uint64 public immutable nodes;
    mapping(uint256 rootId => Merkle.Bonus[]) private _trees;

    uint256 public claimed;
    uint256 public bonuses;
    uint256 public doubleClaims;
    uint256 public vetoed;
    uint256 public posted;

    constructor(RewardDistributor rewards, address market, address governance, address poster, uint64 nodes_) {
        _rewards = rewards;
        _token = rewards.token();
        _market = market;
        _governance = governance;
        _guardian = rewards.guardian();
        _poster = poster;
        _tokens[1] = address(_token);
        nodes = nodes_;
        vm.prank(poster);
        _token.approve(address(rewards), type(uint256).max);
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

    /// @dev Most roots promise more than there is.
    function postRoot(uint256 epoch, uint256[3] memory amounts) external {
        uint256 closed = _rewards.nextEpochToClose();
        uint256 first = _rewards.rootOf(_rewards.currentRootId()).epoch;
        if (closed <= first || _token.balanceOf(_poster) < BOND) return;
        uint256 rootId = _rewards.rootCount() + 1;
        for (uint64 i; i < nodes; ++i) {
            _trees[rootId].push(Merkle.Bonus(i + 1, bound(amounts[i], 0, 10 ** (amounts[i] % 30))));
        }
        vm.prank(_poster);
        _rewards.postRoot(bound(epoch, first, closed - 1), Merkle.root(_trees[rootId]));
        ++posted;
    }

    function finalizeRoot(uint256 rootId) external {
        rootId = _pending(rootId);
        if (rootId == 0 || vm.getBlockTimestamp() < _rewards.rootOf(rootId).finalAt) return;
        _rewards.finalizeRoot(rootId);
    }

    function vetoRoot(uint256 rootId) external {
        rootId = _pending(rootId);
        if (rootId == 0 || rootId % 3 != 0) return;
        vm.prank(_guardian);
        _rewards.vetoRoot(rootId);
        ++vetoed;
    }

    function claimBonus(uint256 node) external {
        uint256 rootId = _rewards.currentRootId();
        if (rootId == 0) return;
        node %= nodes;
        Merkle.Bonus[] memory tree = _trees[rootId];
        if (_rewards.claimableBonus(tree[node].nodeId, tree[node].cumulativeAmount) == 0) return;
        bytes32[] memory proof = Merkle.proof(tree, node);
        bonuses += _rewards.claimBonus(tree[node].nodeId, tree[node].cumulativeAmount, proof);
        try _rewards.claimBonus(tree[node].nodeId, tree[node].cumulativeAmount, proof) {
            ++doubleClaims;
        } catch {}
    }

    function setRate(uint256 token, uint256 rate) external {
        uint256 most = token % 2 == 1 ? _rewards.MAX_AIIGO_RATE() : 1_000_000e18;
        vm.prank(_governance);
        _rewards.setRate(_tokens[token % 2], bound(rate, 0, most));
    }

    function setStakerShare(uint256 share) external {
        vm.prank(_governance);
        _rewards.setStakerShare(uint16(bound(share, 0, 10_000)));
    }

    function wait(uint256 time) external {
        vm.warp(vm.getBlockTimestamp() + bound(time, 1, time % 5 == 0 ? 400 days : 10 days));
    }

    function _pending(uint256 seed) private view returns (uint256) {
        uint256 count = _rewards.rootCount();
        for (uint256 i; i < count; ++i) {
            uint256 rootId = (seed % count + i) % count + 1;
            if (_rewards.rootOf(rootId).status == IBonusRoots.RootStatus.Pending) return rootId;
        }
        return 0;
    }

    function _node(uint256 seed) private view returns (uint64) {
        return uint64(seed % nodes) + 1;
    }
}
