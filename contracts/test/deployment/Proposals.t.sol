// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {ERC1967Utils} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Utils.sol";

import {StakingPool} from "src/StakingPool.sol";
import {IEntryPausable} from "src/interfaces/IEntryPausable.sol";
import {IMarket} from "src/interfaces/IMarketExtension.sol";
import {NodeInfo, NodeStatus, Tier} from "src/types/Node.sol";

import {Action, GovernanceActions} from "../../script/GovernanceActions.sol";
import {MarketFixture, Node} from "../utils/MarketFixture.sol";

contract StakingPoolV2 is StakingPool {
    uint256 public answer;

    constructor(StakingPool old)
        StakingPool(old.token(), old.distributor(), old.feeVault(), old.treasury(), old.court(), old.guardian())
    {}

    function setAnswer(uint256 answer_) external {
        answer = answer_;
    }
}

/// @title Each usual proposal from `propose` to its effect
contract ProposalsTest is MarketFixture {
    string private constant WHY = "the test wants it";

    address private _voter;

    function setUp() public override {
        super.setUp();
        _voter = account("voter", 12_000_000e18);
        vm.startPrank(_voter);
        token.delegate(_voter);
        token.approve(address(suite.pool), type(uint256).max);
        // Half of the votes are staked ones.
        suite.pool.stake(6_000_000e18, 30 days);
        suite.pool.delegate(_voter);
        vm.stopPrank();
        skipTime(1);
    }

    /// @dev Proposed, voted for, queued by anyone and executed by anyone.
    function _carry(Action memory action) private {
        bytes32 hash = keccak256(bytes(action.description));
        vm.prank(_voter);
        uint256 id = suite.governor.propose(action.targets, action.values, action.calldatas, action.description);
        vm.warp(suite.governor.proposalSnapshot(id) + 1);
        vm.prank(_voter);
        assertEq(suite.governor.castVote(id, 1), 12_000_000e18);
        vm.warp(suite.governor.proposalDeadline(id) + 1);
        suite.governor.queue(action.targets, action.values, action.calldatas, hash);
        vm.warp(suite.governor.proposalEta(id));
        suite.governor.execute(action.targets, action.values, action.calldatas, hash);
        assertEq(uint8(suite.governor.state(id)), uint8(IGovernor.ProposalState.Executed));
    }

    function test_UpdatePlatformFee() public {
        bytes memory grace = abi.encode(market.parameters().grace);
        Action memory action = GovernanceActions.updatePlatformFee(market, 500, WHY);
        assertEq(action.description, "Set the market's fee to 500 bps: the test wants it");
        _carry(action);
        assertEq(market.parameters().feeBps, 500);
        assertEq(abi.encode(market.parameters().grace), grace);
    }

    function test_UpdateMinStake() public {
        uint256 unbonding = registry.parameters().unbondingPeriod;
        _carry(GovernanceActions.updateMinStake(registry, 150e18, WHY));
        assertEq(registry.parameters().minStake, 150e18);
        assertEq(registry.parameters().unbondingPeriod, unbonding);
    }

    function test_AddTrustedNode() public {
        Node memory node = activeNode("node");
        _carry(GovernanceActions.addTrustedNode(registry, node.id, Tier.Platform, WHY));
        NodeInfo memory data = info(node);
        assertEq(uint8(data.tier), uint8(Tier.Platform));
    }

    function test_SlashNode() public {
        Node memory node = activeNode("node");
        uint256 stake_ = info(node).stake;
        _carry(GovernanceActions.slashNode(registry, node.id, WHY));
        NodeInfo memory data = info(node);
        assertEq(uint8(data.status), uint8(NodeStatus.Slashed));
        assertEq(uint256(data.stake) + data.unbonding, stake_ / 2);
    }

    function test_SetRewardRate() public {
        _carry(GovernanceActions.setRewardRate(suite.distributor, address(dollar), 2e18, WHY));
        (uint256 rate,) = suite.distributor.rateOf(address(dollar));
        assertEq(rate, 2e18);
    }

    function test_PauseAndUnpause() public {
        IEntryPausable[] memory targets = new IEntryPausable[](3);
        targets[0] = suite.pool;
        targets[1] = IEntryPausable(address(market));
        targets[2] = registry;
        uint40 until = uint40(vm.getBlockTimestamp() + 60 days);
        _carry(GovernanceActions.pause(targets, until, WHY));
        for (uint256 i; i < targets.length; ++i) {
            assertEq(targets[i].entryPausedUntil(), until);
        }
        _carry(GovernanceActions.unpause(targets, WHY));
        for (uint256 i; i < targets.length; ++i) {
            assertEq(targets[i].entryPausedUntil(), 0);
        }
    }

    function test_GovernanceEndsTheGuardiansPause() public {
        vm.prank(suite.guardian.guardian());
        suite.guardian.pause();
        IEntryPausable[] memory targets = new IEntryPausable[](1);
        targets[0] = suite.pool;
        assertGt(suite.pool.entryPausedUntil(), vm.getBlockTimestamp());
        _carry(GovernanceActions.unpause(targets, WHY));
        assertEq(suite.pool.entryPausedUntil(), 0);
    }

    function test_Upgrade() public {
        uint256 staked = suite.pool.totalStaked();
        address implementation = address(new StakingPoolV2(suite.pool));
        _carry(
            GovernanceActions.upgrade(
                address(suite.pool), implementation, abi.encodeCall(StakingPoolV2.setAnswer, (42)), WHY
            )
        );
        bytes32 stored = vm.load(address(suite.pool), ERC1967Utils.IMPLEMENTATION_SLOT);
        assertEq(address(uint160(uint256(stored))), implementation);
        assertEq(StakingPoolV2(address(suite.pool)).answer(), 42);
        assertEq(suite.pool.totalStaked(), staked);
    }

    function test_ListRewardTokenAndSetFeeShare() public {
        _carry(GovernanceActions.listRewardToken(suite.pool, address(dollar), WHY));
        assertTrue(suite.pool.isRewardToken(address(dollar)));
        _carry(GovernanceActions.setFeeShare(suite.feeVault, address(dollar), 2_500, WHY));
        assertEq(suite.feeVault.stakerShareOf(address(dollar)), 2_500);
    }

    function test_SetGuardian() public {
        _carry(GovernanceActions.setGuardian(suite.guardian, address(this), WHY));
        assertEq(suite.guardian.guardian(), address(this));
    }

    function test_PayInAIIGOAndInEther() public {
        address grantee = makeAddr("grantee");
        _carry(GovernanceActions.pay(address(token), grantee, 1_000e18, WHY));
        assertEq(token.balanceOf(grantee), 1_000e18);
        // The same again, for another reason.
        _carry(GovernanceActions.pay(address(token), grantee, 1_000e18, "they did it twice"));
        assertEq(token.balanceOf(grantee), 2_000e18);
        vm.deal(governance, 3 ether);
        _carry(GovernanceActions.pay(ETH, grantee, 2 ether, WHY));
        assertEq(grantee.balance, 2 ether);
        // So keepers are paid, too.
        _carry(GovernanceActions.pay(ETH, address(suite.keeperTips), 1 ether, WHY));
        assertEq(address(suite.keeperTips).balance, 1 ether);
    }

    function test_RevertWhen_TheSameIsProposedAgainForTheSameReason() public {
        Action memory action = GovernanceActions.pay(address(token), _voter, 1e18, WHY);
        _carry(action);
        vm.expectRevert();
        vm.prank(_voter);
        suite.governor.propose(action.targets, action.values, action.calldatas, action.description);
    }
}
