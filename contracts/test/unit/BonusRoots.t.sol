// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import {AIIGOToken} from "src/AIIGOToken.sol";
import {RewardDistributor} from "src/RewardDistributor.sol";
import {IBonusRoots} from "src/interfaces/IBonusRoots.sol";
import {IRewardDistributor} from "src/interfaces/IRewardDistributor.sol";
import {ResourceType} from "src/types/Resource.sol";

import {SuiteConfig} from "../../script/SuiteConfig.sol";
import {SuiteTest} from "../SuiteTest.sol";
import {Merkle} from "../utils/Merkle.sol";

contract BonusRootsTest is SuiteTest {
    uint256 private constant BOND = 10_000e18;
    uint256 private constant DELAY = 3 days;

    AIIGOToken private _token;
    RewardDistributor private _rewards;
    address private _guardian;
    address private _poster;
    address private _payout;
    uint64 private _node;
    uint64 private _other;
    Merkle.Bonus[] private _tree;

    function configure(SuiteConfig memory config) internal pure override {
        config.rewards.epochLength = 7 days;
        config.rewards.vetoDelay = uint32(DELAY);
    }

    function setUp() public override {
        super.setUp();
        _token = suite.token;
        _rewards = suite.distributor;
        _guardian = address(suite.guardian);
        _poster = account("poster", 3 * BOND);
        vm.prank(_poster);
        _token.approve(address(_rewards), type(uint256).max);
        _payout = makeAddr("payout");
        _node = _register("owner", _payout);
        _other = _register("other owner", makeAddr("other payout"));
    }

    function _register(string memory name, address payout) private returns (uint64) {
        vm.prank(account(name, 0));
        return suite.registry.registerNode{value: 0.1 ether}(ResourceType.CPU, "ipfs://metadata", address(0), payout, 0);
    }

    /// @dev An epoch in which `_node` has a base reward of 1000 and `_other` of 500, both claimed.
    function _epochWithRewards() private returns (uint256 epoch) {
        vm.startPrank(address(suite.marketplace));
        _rewards.recordFee(_node, address(0), 1 ether);
        _rewards.recordFee(_other, address(0), 0.5 ether);
        vm.stopPrank();
        epoch = _closeNext();
        _rewards.claimBaseReward(epoch, _node);
        _rewards.claimBaseReward(epoch, _other);
    }

    function _closeNext() private returns (uint256 epoch) {
        epoch = _rewards.nextEpochToClose();
        uint256 endsAt = _rewards.epochStart(epoch + 1);
        if (vm.getBlockTimestamp() < endsAt) vm.warp(endsAt);
        _rewards.closeEpoch(epoch);
    }

    function _post(uint256 epoch, bytes32 root) private returns (uint256) {
        vm.prank(_poster);
        return _rewards.postRoot(epoch, root);
    }

    /// @dev The root of bonuses for both nodes, as the present one.
    function _install(uint256 epoch, uint256 forNode, uint256 forOther) private returns (uint256 rootId) {
        delete _tree;
        _tree.push(Merkle.Bonus(_node, forNode));
        _tree.push(Merkle.Bonus(_other, forOther));
        rootId = _post(epoch, Merkle.root(_tree));
        skipTime(DELAY);
        _rewards.finalizeRoot(rootId);
    }

    function _claim(uint256 index) private returns (uint256) {
        return _rewards.claimBonus(_tree[index].nodeId, _tree[index].cumulativeAmount, Merkle.proof(_tree, index));
    }

    // ---------------------------------------------------------------- posting

    function test_AnyonePostsARootWithABond() public {
        uint256 epoch = _closeNext();
        uint40 finalAt = uint40(vm.getBlockTimestamp() + DELAY);
        vm.expectEmit(address(_rewards));
        emit IBonusRoots.RootPosted(1, epoch, _poster, "root", finalAt);
        uint256 rootId = _post(epoch, "root");
        IBonusRoots.BonusRoot memory posted = _rewards.rootOf(rootId);
        assertEq(posted.root, "root");
        assertEq(posted.poster, _poster);
        assertEq(posted.finalAt, finalAt);
        assertEq(posted.epoch, epoch);
        assertEq(uint8(posted.status), uint8(IBonusRoots.RootStatus.Pending));
        assertEq(_token.balanceOf(address(_rewards)), BOND);
        assertEq(_token.balanceOf(_poster), 2 * BOND);
        assertEq(_rewards.pendingRoots(), 1);
        assertEq(_rewards.rootCount(), 1);
        assertEq(_rewards.currentRootId(), 0);
    }

    function test_AFalseRootHoldsNobodyUp() public {
        uint256 epoch = _closeNext();
        uint256 false_ = _post(epoch, "false");
        uint256 right = _post(epoch, "right");
        vm.prank(_guardian);
        _rewards.vetoRoot(false_);
        skipTime(DELAY);
        _rewards.finalizeRoot(right);
        assertEq(_rewards.currentRootId(), right);
    }

    function test_RevertWhen_TheEpochIsOpen() public {
        vm.expectRevert(abi.encodeWithSelector(IRewardDistributor.EpochNotClosed.selector, 0));
        _post(0, "root");
    }

    function test_RevertWhen_TheRootIsZero() public {
        uint256 epoch = _closeNext();
        vm.expectRevert(IBonusRoots.InvalidRoot.selector);
        _post(epoch, 0);
    }

    function test_RevertWhen_ThePosterHasNoBond() public {
        uint256 epoch = _closeNext();
        address poor = account("poor", BOND - 1);
        vm.startPrank(poor);
        _token.approve(address(_rewards), BOND);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, poor, BOND - 1, BOND));
        _rewards.postRoot(epoch, "root");
        vm.stopPrank();
    }

    function test_RevertWhen_ALaterEpochsRootCounts() public {
        _closeNext();
        uint256 epoch = _closeNext();
        uint256 rootId = _post(epoch, "root");
        skipTime(DELAY);
        _rewards.finalizeRoot(rootId);
        vm.expectRevert(abi.encodeWithSelector(IBonusRoots.EpochSuperseded.selector, epoch - 1, epoch));
        _post(epoch - 1, "late");
    }

    // ---------------------------------------------------------------- finality

    function test_AfterTheDelayTheRootCountsAndTheBondReturns() public {
        uint256 epoch = _closeNext();
        uint256 rootId = _post(epoch, "root");
        skipTime(DELAY);
        vm.expectEmit(address(_rewards));
        emit IBonusRoots.RootFinalized(rootId, epoch, _poster, "root");
        _rewards.finalizeRoot(rootId);
        assertEq(_token.balanceOf(_poster), 3 * BOND);
        assertEq(_token.balanceOf(address(_rewards)), 0);
        assertEq(_rewards.currentRootId(), rootId);
        assertEq(_rewards.pendingRoots(), 0);
        assertEq(uint8(_rewards.rootOf(rootId).status), uint8(IBonusRoots.RootStatus.Final));
    }

    function test_TheRootOfAnEarlierEpochOnlyGetsItsBondBack() public {
        uint256 first = _closeNext();
        uint256 earlier = _post(first, "earlier");
        uint256 second = _closeNext();
        uint256 later = _post(second, "later");
        skipTime(DELAY);
        _rewards.finalizeRoot(later);
        vm.expectEmit(address(_rewards));
        emit IBonusRoots.RootSuperseded(earlier, first, _poster);
        _rewards.finalizeRoot(earlier);
        assertEq(_rewards.currentRootId(), later);
        assertEq(_token.balanceOf(_poster), 3 * BOND);
        assertEq(uint8(_rewards.rootOf(earlier).status), uint8(IBonusRoots.RootStatus.Superseded));
    }

    function test_ARightRootOfTheSameEpochReplacesAFalseOne() public {
        uint256 epoch = _closeNext();
        uint256 false_ = _post(epoch, "false");
        skipTime(1);
        uint256 right = _post(epoch, "right");
        skipTime(DELAY);
        _rewards.finalizeRoot(false_);
        _rewards.finalizeRoot(right);
        assertEq(_rewards.currentRootId(), right);
    }

    function test_RevertWhen_FinalizedBeforeTheDelay() public {
        uint256 rootId = _post(_closeNext(), "root");
        uint40 finalAt = _rewards.rootOf(rootId).finalAt;
        vm.warp(finalAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IBonusRoots.RootNotFinal.selector, rootId, finalAt));
        _rewards.finalizeRoot(rootId);
    }

    function test_RevertWhen_FinalizedTwice() public {
        uint256 rootId = _post(_closeNext(), "root");
        skipTime(DELAY);
        _rewards.finalizeRoot(rootId);
        vm.expectRevert(abi.encodeWithSelector(IBonusRoots.RootNotPending.selector, rootId));
        _rewards.finalizeRoot(rootId);
        vm.expectRevert(abi.encodeWithSelector(IBonusRoots.RootNotPending.selector, 7));
        _rewards.finalizeRoot(7);
    }

    // ---------------------------------------------------------------- veto

    function test_AVetoBurnsTheBond() public {
        uint256 epoch = _closeNext();
        uint256 rootId = _post(epoch, "false");
        uint256 supply = _token.totalSupply();
        vm.expectEmit(address(_rewards));
        emit IBonusRoots.RootVetoed(rootId, epoch, _poster, BOND);
        vm.prank(_guardian);
        _rewards.vetoRoot(rootId);
        assertEq(_token.totalSupply(), supply - BOND);
        assertEq(_token.balanceOf(address(_rewards)), 0);
        assertEq(_rewards.pendingRoots(), 0);
        assertEq(uint8(_rewards.rootOf(rootId).status), uint8(IBonusRoots.RootStatus.Vetoed));
        skipTime(DELAY);
        vm.expectRevert(abi.encodeWithSelector(IBonusRoots.RootNotPending.selector, rootId));
        _rewards.finalizeRoot(rootId);
    }

    function test_GovernanceVetoesToo() public {
        uint256 rootId = _post(_closeNext(), "false");
        vm.prank(address(suite.timelock));
        _rewards.vetoRoot(rootId);
        assertEq(_rewards.pendingRoots(), 0);
    }

    function test_RevertWhen_AnyoneElseVetoes() public {
        uint256 rootId = _post(_closeNext(), "root");
        vm.expectRevert(abi.encodeWithSelector(OwnableUpgradeable.OwnableUnauthorizedAccount.selector, address(this)));
        _rewards.vetoRoot(rootId);
    }

    function test_RevertWhen_AFinalRootIsVetoed() public {
        uint256 rootId = _post(_closeNext(), "root");
        skipTime(DELAY);
        _rewards.finalizeRoot(rootId);
        vm.expectRevert(abi.encodeWithSelector(IBonusRoots.RootNotPending.selector, rootId));
        vm.prank(_guardian);
        _rewards.vetoRoot(rootId);
    }

    // ---------------------------------------------------------------- claiming

    function test_AnyoneClaimsForTheNodesPayout() public {
        uint256 epoch = _epochWithRewards();
        uint256 rootId = _install(epoch, 50e18, 25e18);
        uint256 before = _token.balanceOf(_payout);
        vm.expectEmit(address(_rewards));
        emit IBonusRoots.BonusClaimed(rootId, _node, _payout, 50e18);
        assertEq(_claim(0), 50e18);
        assertEq(_token.balanceOf(_payout), before + 50e18);
        assertEq(_claim(1), 25e18);
        IBonusRoots.NodeRewards memory rewards = _rewards.rewardsOf(_node);
        assertEq(rewards.baseClaimed, 1_000e18);
        assertEq(rewards.bonusClaimed, 50e18);
    }

    function test_ALaterRootAddsWhatIsNew() public {
        uint256 epoch = _epochWithRewards();
        _install(epoch, 50e18, 0);
        _claim(0);
        epoch = _epochWithRewards();
        _install(epoch, 130e18, 60e18);
        assertEq(_rewards.claimableBonus(_node, 130e18), 80e18);
        assertEq(_claim(0), 80e18);
        // Two epochs at once: nothing is lost by waiting.
        assertEq(_claim(1), 60e18);
    }

    /// @dev A false root that nobody vetoed: what it gives one node is bounded by that node's own base rewards.
    function test_NoRootGivesANodeMoreThanATenthOfItsBaseRewards() public {
        uint256 epoch = _epochWithRewards();
        _install(epoch, 1_000_000e18, 0);
        assertEq(_claim(0), 100e18);
        vm.expectRevert(abi.encodeWithSelector(IBonusRoots.NoBonus.selector, _node));
        this.claim(0);
        // More base rewards make room for more of it.
        _epochWithRewards();
        assertEq(_claim(0), 100e18);
    }

    function test_ABonusWaitsForItsBaseReward() public {
        vm.prank(address(suite.marketplace));
        _rewards.recordFee(_node, address(0), 1 ether);
        uint256 epoch = _closeNext();
        _install(epoch, 50e18, 0);
        vm.expectRevert(abi.encodeWithSelector(IBonusRoots.NoBonus.selector, _node));
        this.claim(0);
        _rewards.claimBaseReward(epoch, _node);
        assertEq(_claim(0), 50e18);
    }

    function test_WhatAFalseRootWithheldTheNextOneGives() public {
        uint256 epoch = _epochWithRewards();
        _install(epoch, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IBonusRoots.NoBonus.selector, _node));
        this.claim(0);
        _install(epoch, 50e18, 0);
        assertEq(_claim(0), 50e18);
    }

    /// @dev The numbers are those of OpenZeppelin's JavaScript library.
    function test_ATreeOfTheStandardLibraryIsUnderstood() public {
        Merkle.Bonus[] memory tree = new Merkle.Bonus[](3);
        tree[0] = Merkle.Bonus(1, 50e18);
        tree[1] = Merkle.Bonus(2, 123_456_789);
        tree[2] = Merkle.Bonus(7, 1);
        bytes32 root = 0xa46e8b68689c8a4657f1eb3fe7de3d9b47ae8f914a1df94cb5a2dcf51f321ab1;
        assertEq(Merkle.root(tree), root);
        uint256 epoch = _epochWithRewards();
        uint256 rootId = _post(epoch, root);
        skipTime(DELAY);
        _rewards.finalizeRoot(rootId);
        bytes32[] memory proof = new bytes32[](2);
        proof[0] = 0x8054c7c9a981b37d76bd9f3221ee9596b405a3241867ab25a08f856ba13b0a24;
        proof[1] = 0xdc4eb1b22e8f6963a7e46b1548dc590c35af1738748d202e1846f290214d3fe8;
        assertEq(_rewards.claimBonus(1, 50e18, proof), 50e18);
        assertEq(keccak256(abi.encode(Merkle.proof(tree, 0))), keccak256(abi.encode(proof)));
    }

    function test_RevertWhen_TheProofIsForAnotherAmountOrNode() public {
        uint256 epoch = _epochWithRewards();
        _install(epoch, 50e18, 25e18);
        bytes32[] memory proof = Merkle.proof(_tree, 0);
        vm.expectRevert(abi.encodeWithSelector(IBonusRoots.InvalidProof.selector, _node, 51e18));
        _rewards.claimBonus(_node, 51e18, proof);
        vm.expectRevert(abi.encodeWithSelector(IBonusRoots.InvalidProof.selector, _other, 50e18));
        _rewards.claimBonus(_other, 50e18, proof);
    }

    function test_RevertWhen_ThereIsNoRootYet() public {
        _epochWithRewards();
        vm.expectRevert(abi.encodeWithSelector(IBonusRoots.InvalidProof.selector, _node, 50e18));
        _rewards.claimBonus(_node, 50e18, new bytes32[](0));
    }

    function test_RevertWhen_ABonusIsClaimedTwice() public {
        uint256 epoch = _epochWithRewards();
        _install(epoch, 50e18, 25e18);
        _claim(0);
        vm.expectRevert(abi.encodeWithSelector(IBonusRoots.NoBonus.selector, _node));
        this.claim(0);
    }

    function claim(uint256 index) external returns (uint256) {
        return _claim(index);
    }

    // ---------------------------------------------------------------- governance

    function test_GovernanceSetsTheVetoDelay() public {
        vm.expectEmit(address(_rewards));
        emit IBonusRoots.VetoDelayChanged(5 days);
        vm.prank(address(suite.timelock));
        _rewards.setVetoDelay(5 days);
        assertEq(_rewards.vetoDelay(), 5 days);
        vm.startPrank(address(suite.timelock));
        _rewards.setVetoDelay(30 days);
        _rewards.setVetoDelay(1);
        assertEq(_rewards.vetoDelay(), 1);
    }

    function test_RevertWhen_TheVetoDelayIsNonsenseOrAnyoneElseSetsIt() public {
        vm.startPrank(address(suite.timelock));
        vm.expectRevert(abi.encodeWithSelector(IBonusRoots.InvalidVetoDelay.selector, 0));
        _rewards.setVetoDelay(0);
        vm.expectRevert(abi.encodeWithSelector(IBonusRoots.InvalidVetoDelay.selector, 30 days + 1));
        _rewards.setVetoDelay(30 days + 1);
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(OwnableUpgradeable.OwnableUnauthorizedAccount.selector, address(this)));
        _rewards.setVetoDelay(1 days);
    }

    // ---------------------------------------------------------------- any amount

    function testFuzz_BonusesAreCumulativeAndBounded(uint96 fee, uint256[4] memory amounts) public {
        vm.prank(address(suite.marketplace));
        _rewards.recordFee(_node, address(0), fee);
        uint256 epoch = _closeNext();
        uint256 base = _rewards.baseRewardOf(epoch, _node);
        if (base > 0) _rewards.claimBaseReward(epoch, _node);
        uint256 claimed;
        for (uint256 i; i < amounts.length; ++i) {
            uint256 amount = bound(amounts[i] >> (i * 40), 0, base / 4);
            _install(epoch, amount, 1);
            uint256 expected = amount < base / 10 ? amount : base / 10;
            expected = expected > claimed ? expected - claimed : 0;
            assertEq(_rewards.claimableBonus(_node, amount), expected);
            if (expected == 0) continue;
            assertEq(_claim(0), expected);
            claimed += expected;
        }
        assertLe(claimed, base / 10);
        assertLe(_rewards.minted(), _rewards.committed());
        assertEq(_token.balanceOf(address(_rewards)), 0);
    }

    function testFuzz_EveryLeafOfATreeIsFound(uint8 count, uint256 seed) public pure {
        Merkle.Bonus[] memory tree = new Merkle.Bonus[](bound(count, 1, 40));
        for (uint256 i; i < tree.length; ++i) {
            tree[i] = Merkle.Bonus(uint64(i + 1), uint256(keccak256(abi.encode(seed, i))));
        }
        bytes32 root = Merkle.root(tree);
        for (uint256 i; i < tree.length; ++i) {
            bytes32 hash = Merkle.leafOf(tree[i]);
            bytes32[] memory proof = Merkle.proof(tree, i);
            for (uint256 j; j < proof.length; ++j) {
                hash =
                    hash < proof[j] ? keccak256(bytes.concat(hash, proof[j])) : keccak256(bytes.concat(proof[j], hash));
            }
            assertEq(hash, root);
        }
    }
}
