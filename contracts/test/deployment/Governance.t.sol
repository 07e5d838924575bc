// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";

import {IMarket, IMarketExtension} from "src/interfaces/IMarketExtension.sol";
import {ITaskMarketplace} from "src/interfaces/ITaskMarketplace.sol";

import {SuiteTest} from "../SuiteTest.sol";

/// @title The way of a proposal from the first vote to its effect
contract GovernanceTest is SuiteTest {
    address private _holder;
    address private _staker;
    address[] private _targets;
    uint256[] private _values;
    bytes[] private _calls;
    string private constant DESCRIPTION = "Lower the market's fee to 5%";

    function setUp() public override {
        super.setUp();
        _holder = account("holder", 6_000_000e18);
        _staker = account("staker", 6_000_000e18);
        vm.prank(_holder);
        suite.token.delegate(_holder);
        vm.startPrank(_staker);
        suite.token.approve(address(suite.pool), type(uint256).max);
        suite.pool.stake(6_000_000e18, 365 days);
        suite.pool.delegate(_staker);
        vm.stopPrank();
        skipTime(1);

        ITaskMarketplace.Parameters memory parameters = IMarket(address(suite.marketplace)).parameters();
        parameters.feeBps = 500;
        _targets.push(address(suite.marketplace));
        _values.push(0);
        _calls.push(abi.encodeCall(IMarketExtension.setParameters, (parameters)));
    }

    function _state(uint256 id) private view returns (IGovernor.ProposalState) {
        return suite.governor.state(id);
    }

    function _hash() private pure returns (bytes32) {
        return keccak256(bytes(DESCRIPTION));
    }

    function _propose() private returns (uint256 id) {
        vm.prank(_holder);
        id = suite.governor.propose(_targets, _values, _calls, DESCRIPTION);
        vm.warp(suite.governor.proposalSnapshot(id) + 1);
    }

    function _queue() private returns (uint256 id) {
        id = _propose();
        vm.prank(_holder);
        suite.governor.castVote(id, 1);
        vm.prank(_staker);
        suite.governor.castVote(id, 1);
        vm.warp(suite.governor.proposalDeadline(id) + 1);
        suite.governor.queue(_targets, _values, _calls, _hash());
    }

    function test_StakedAndUnstakedVotesTogetherChangeTheFee() public {
        uint256 id = _propose();
        assertEq(uint8(_state(id)), uint8(IGovernor.ProposalState.Active));

        vm.prank(_holder);
        assertEq(suite.governor.castVote(id, 1), 6_000_000e18);
        vm.prank(_staker);
        assertEq(suite.governor.castVote(id, 1), 6_000_000e18);
        (, uint256 votes,) = suite.governor.proposalVotes(id);
        assertEq(votes, 12_000_000e18);

        vm.warp(suite.governor.proposalDeadline(id) + 1);
        assertEq(uint8(_state(id)), uint8(IGovernor.ProposalState.Succeeded));
        suite.governor.queue(_targets, _values, _calls, _hash());
        assertEq(IMarket(address(suite.marketplace)).parameters().feeBps, 800);

        vm.warp(suite.governor.proposalEta(id));
        vm.prank(makeAddr("anyone"));
        suite.governor.execute(_targets, _values, _calls, _hash());
        assertEq(uint8(_state(id)), uint8(IGovernor.ProposalState.Executed));
        assertEq(IMarket(address(suite.marketplace)).parameters().feeBps, 500);
    }

    function test_OneHalfAloneMissesTheQuorum() public {
        uint256 id = _propose();
        vm.prank(_staker);
        suite.governor.castVote(id, 1);
        vm.warp(suite.governor.proposalDeadline(id) + 1);
        assertEq(uint8(_state(id)), uint8(IGovernor.ProposalState.Defeated));
    }

    function test_TokensStakedAfterTheSnapshotAddNothing() public {
        uint256 id = _propose();
        uint256 before = suite.governor.getVotes(_holder, suite.governor.proposalSnapshot(id));
        vm.startPrank(_holder);
        suite.token.approve(address(suite.pool), type(uint256).max);
        suite.pool.delegate(_holder);
        suite.pool.stake(6_000_000e18, 0);
        assertEq(suite.governor.castVote(id, 1), before);
        vm.stopPrank();
    }

    function test_RevertWhen_ExecutedBeforeTheTimelocksDelay() public {
        uint256 id = _queue();
        vm.warp(suite.governor.proposalEta(id) - 1);
        vm.expectRevert();
        suite.governor.execute(_targets, _values, _calls, _hash());
        assertEq(IMarket(address(suite.marketplace)).parameters().feeBps, 800);
    }

    function test_AnyoneMayAlsoExecuteAtTheTimelock() public {
        uint256 id = _queue();
        vm.warp(suite.governor.proposalEta(id));
        bytes32 salt = bytes20(address(suite.governor)) ^ _hash();
        vm.prank(makeAddr("anyone"));
        suite.timelock.executeBatch(_targets, _values, _calls, 0, salt);
        assertEq(uint8(_state(id)), uint8(IGovernor.ProposalState.Executed));
        assertEq(IMarket(address(suite.marketplace)).parameters().feeBps, 500);
    }

    function test_TheTreasuryPaysOnlyByProposal() public {
        address grantee = makeAddr("grantee");
        _targets[0] = address(suite.token);
        _calls[0] = abi.encodeCall(suite.token.transfer, (grantee, 1_000e18));
        uint256 id = _queue();
        vm.warp(suite.governor.proposalEta(id));
        suite.governor.execute(_targets, _values, _calls, _hash());
        assertEq(suite.token.balanceOf(grantee), 1_000e18);
    }

    function test_GovernanceChangesItsOwnSettings() public {
        _targets[0] = address(suite.governor);
        _calls[0] = abi.encodeCall(suite.governor.setVotingDelay, (7));
        uint256 id = _queue();
        vm.warp(suite.governor.proposalEta(id));
        suite.governor.execute(_targets, _values, _calls, _hash());
        assertEq(suite.governor.votingDelay(), 7);
    }

    function test_AProposersWithdrawalBeforeTheVoteIsFinal() public {
        vm.startPrank(_holder);
        uint256 id = suite.governor.propose(_targets, _values, _calls, DESCRIPTION);
        suite.governor.cancel(_targets, _values, _calls, _hash());
        vm.stopPrank();
        assertEq(uint8(_state(id)), uint8(IGovernor.ProposalState.Canceled));
    }
}
