// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";

import {AIIGOGovernor} from "src/AIIGOGovernor.sol";
import {AIIGOToken} from "src/AIIGOToken.sol";
import {StakingPool} from "src/StakingPool.sol";

import {SuiteTest} from "../SuiteTest.sol";

contract AIIGOGovernorTest is SuiteTest {
    AIIGOGovernor private _governor;
    AIIGOToken private _token;
    StakingPool private _pool;
    address private _sink;

    function setUp() public override {
        super.setUp();
        _governor = suite.governor;
        _token = suite.token;
        _pool = suite.pool;
        _sink = _governor.voteSink();
    }

    function _delegate(address who) private {
        vm.startPrank(who);
        _token.delegate(who);
        _pool.delegate(who);
        vm.stopPrank();
    }

    function _stake(address who, uint256 amount) private {
        vm.startPrank(who);
        _token.approve(address(_pool), amount);
        _pool.stake(amount, 365 days);
        vm.stopPrank();
    }

    function _propose(address who) private returns (uint256) {
        address[] memory targets = new address[](1);
        bytes[] memory calls = new bytes[](1);
        targets[0] = address(_pool);
        vm.prank(who);
        return _governor.propose(targets, new uint256[](1), calls, "nothing");
    }

    // ---------------------------------------------------------------- votes

    function test_VotesAreThoseOfTheTokenAndThePool() public {
        address alice = account("alice", 500_000e18);
        _delegate(alice);
        _stake(alice, 200_000e18);
        skipTime(1);
        assertEq(_token.getVotes(alice), 300_000e18);
        assertEq(_governor.getVotes(alice, START), 500_000e18);
    }

    function test_StakingChangesNobodysWeight() public {
        address alice = account("alice", 500_000e18);
        _delegate(alice);
        skipTime(1);
        uint256 before = _governor.getVotes(alice, START);
        _stake(alice, 500_000e18);
        skipTime(1);
        assertEq(_governor.getVotes(alice, START + 1), before);
        assertEq(_governor.quorum(START + 1), _governor.quorum(START));
    }

    function test_TheSinkHasNoVotes() public {
        address alice = account("alice", 500_000e18);
        _stake(alice, 500_000e18);
        vm.prank(alice);
        _pool.delegate(_sink);
        skipTime(1);
        assertEq(_token.getPastVotes(_sink, START), 500_000_000e18);
        assertEq(_governor.getVotes(_sink, START), 0);
    }

    // ---------------------------------------------------------------- quorum

    function test_TheQuorumIsAtLeastTenMillion() public {
        skipTime(1);
        assertEq(_governor.quorum(START), 10_000_000e18);
    }

    function test_TheQuorumIsFourPercentOfWhatCanVote() public {
        // The community's tokens, and the private sale's vested half: 100M + 400M + 50M can vote.
        vm.prank(address(suite.distributor));
        _token.mint(faucet, 400_000_000e18);
        vm.warp(START + 365 days);
        suite.vestingPrivateSale.release(address(_token));
        skipTime(1);
        assertEq(_governor.quorum(START + 365 days), 22_000_000e18);
    }

    function testFuzz_TheQuorumFollowsSupplyAndSink(uint256 minted, uint256 burned, uint256 sunk) public {
        minted = bound(minted, 0, 400_000_000e18);
        burned = bound(burned, 0, 50_000_000e18);
        sunk = bound(sunk, 0, 50_000_000e18);
        address idle = account("idle", sunk);
        vm.prank(idle);
        _token.delegate(_sink);
        vm.prank(faucet);
        _token.burn(burned);
        vm.prank(address(suite.distributor));
        _token.mint(faucet, minted);
        skipTime(1);
        uint256 voting = 100_000_000e18 + minted - burned - sunk;
        uint256 expected = voting * 4 / 100;
        assertEq(_governor.quorum(START), expected > 10_000_000e18 ? expected : 10_000_000e18);
    }

    // ---------------------------------------------------------------- proposing

    function test_StakedVotesCountForTheThreshold() public {
        address alice = account("alice", 100_000e18);
        _delegate(alice);
        _stake(alice, 60_000e18);
        skipTime(1);
        uint256 id = _propose(alice);
        assertTrue(_governor.proposalNeedsQueuing(id), "only the timelock acts");
        assertEq(uint8(_governor.state(id)), uint8(IGovernor.ProposalState.Pending));
        assertEq(_governor.proposalSnapshot(id), START + 1 + 5);
    }

    function test_RevertWhen_TheProposerIsBelowTheThreshold() public {
        address alice = account("alice", 100_000e18 - 1);
        _delegate(alice);
        skipTime(1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IGovernor.GovernorInsufficientProposerVotes.selector, alice, 100_000e18 - 1, 100_000e18
            )
        );
        _propose(alice);
    }

    function test_RevertWhen_TheVotesWereBorrowedInTheSameBlock() public {
        address alice = account("alice", 100_000e18);
        _delegate(alice);
        vm.expectRevert(
            abi.encodeWithSelector(IGovernor.GovernorInsufficientProposerVotes.selector, alice, 0, 100_000e18)
        );
        _propose(alice);
    }

    function test_ALateQuorumExtendsTheVote() public {
        address whale = account("whale", 20_000_000e18);
        _delegate(whale);
        skipTime(1);
        uint256 id = _propose(whale);
        uint256 deadline = _governor.proposalDeadline(id);
        vm.warp(deadline);
        vm.prank(whale);
        _governor.castVote(id, 1);
        assertEq(_governor.proposalDeadline(id), deadline + 10);
    }

    function test_AProposalWithoutAQuorumFails() public {
        address alice = account("alice", 10_000_000e18 - 1);
        _delegate(alice);
        skipTime(1);
        uint256 id = _propose(alice);
        vm.warp(_governor.proposalDeadline(id));
        vm.prank(alice);
        _governor.castVote(id, 1);
        skipTime(11);
        assertEq(uint8(_governor.state(id)), uint8(IGovernor.ProposalState.Defeated));
    }

    // ---------------------------------------------------------------- settings

    function test_RevertWhen_SettingsAreChangedWithoutAVote() public {
        bytes memory refused = abi.encodeWithSelector(IGovernor.GovernorOnlyExecutor.selector, address(this));
        vm.expectRevert(refused);
        _governor.setVotingDelay(0);
        vm.expectRevert(refused);
        _governor.setProposalThreshold(0);
        vm.expectRevert(refused);
        _governor.updateQuorumNumerator(1);
        vm.expectRevert(refused);
        _governor.setLateQuorumVoteExtension(0);
        vm.expectRevert(refused);
        _governor.updateTimelock(TimelockController(payable(address(this))));
    }

    function test_RevertWhen_ConstructedWithoutPoolOrSink() public {
        AIIGOGovernor.Settings memory settings = AIIGOGovernor.Settings(1, 2, 1, 1, 1, 4);
        vm.expectRevert(AIIGOGovernor.ZeroAddress.selector);
        new AIIGOGovernor(_token, IVotes(address(0)), suite.timelock, _sink, settings);
        vm.expectRevert(AIIGOGovernor.ZeroAddress.selector);
        new AIIGOGovernor(_token, _pool, suite.timelock, address(0), settings);
    }

    function test_ItsClockIsTime() public view {
        assertEq(_governor.clock(), vm.getBlockTimestamp());
        assertEq(_governor.CLOCK_MODE(), "mode=timestamp");
    }
}
