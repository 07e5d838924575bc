// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";

import {Guardian} from "src/governance/Guardian.sol";
import {IBonusRoots} from "src/interfaces/IBonusRoots.sol";
import {IEntryPausable} from "src/interfaces/IEntryPausable.sol";
import {IGuardian} from "src/interfaces/IGuardian.sol";
import {IRewardDistributor} from "src/interfaces/IRewardDistributor.sol";

import {SuiteTest} from "../SuiteTest.sol";

contract BrokenTarget {
    error Broken();

    function pauseEntry(uint40) external pure {
        revert Broken();
    }
}

contract FineTarget {
    uint40 public entryPausedUntil;

    function pauseEntry(uint40 until) external {
        entryPausedUntil = until;
    }
}

contract GuardianTest is SuiteTest {
    Guardian private _guardian;
    IEntryPausable private _pool;
    address private _person;
    address private _timelock;

    function setUp() public override {
        super.setUp();
        _guardian = suite.guardian;
        _pool = suite.pool;
        _person = _guardian.guardian();
        _timelock = address(suite.timelock);
    }

    function _pause() private {
        vm.prank(_person);
        _guardian.pause();
    }

    // ---------------------------------------------------------------- pause

    function test_APauseStopsEntryForFourteenDays() public {
        uint40 until = uint40(START + 14 days);
        address[] memory targets = _guardian.targets();
        for (uint256 i; i < targets.length; ++i) {
            vm.expectEmit(targets[i]);
            emit IEntryPausable.EntryPaused(until);
        }
        _pause();
        for (uint256 i; i < targets.length; ++i) {
            assertEq(IEntryPausable(targets[i]).entryPausedUntil(), until);
        }
        assertEq(_guardian.nextPauseAt(), START + 60 days);
    }

    function test_ThePauseIsAnEvent() public {
        vm.expectEmit(address(_guardian));
        emit IGuardian.Paused(_person, uint40(START + 14 days));
        _pause();
    }

    function test_ThePauseLapsesByItself() public {
        _pause();
        address alice = account("alice", 1e18);
        vm.startPrank(alice);
        suite.token.approve(address(suite.pool), 1e18);
        vm.warp(START + 14 days - 1);
        vm.expectRevert(abi.encodeWithSelector(IEntryPausable.EntryIsPaused.selector, uint40(START + 14 days)));
        suite.pool.stake(1e18, 0);
        vm.warp(START + 14 days);
        suite.pool.stake(1e18, 0);
        vm.stopPrank();
    }

    function test_AgainAfterSixtyDays() public {
        _pause();
        vm.warp(START + 60 days - 1);
        vm.expectRevert(abi.encodeWithSelector(IGuardian.PausedRecently.selector, uint40(START + 60 days)));
        _pause();
        vm.warp(START + 60 days);
        _pause();
        assertEq(_pool.entryPausedUntil(), START + 74 days);
    }

    function test_AnotherGuardianDoesNotRestartTheInterval() public {
        _pause();
        vm.prank(_timelock);
        _guardian.setGuardian(address(this));
        vm.expectRevert(abi.encodeWithSelector(IGuardian.PausedRecently.selector, uint40(START + 60 days)));
        _guardian.pause();
    }

    function test_ATargetThatRefusesDoesNotSaveTheOthers() public {
        IEntryPausable[] memory targets = new IEntryPausable[](2);
        targets[0] = IEntryPausable(address(new BrokenTarget()));
        targets[1] = IEntryPausable(address(new FineTarget()));
        Guardian other = new Guardian(_timelock, suite.distributor, targets, _person);
        vm.expectEmit(address(other));
        emit IGuardian.TargetNotPaused(address(targets[0]), abi.encodeWithSelector(BrokenTarget.Broken.selector));
        vm.prank(_person);
        other.pause();
        assertEq(targets[1].entryPausedUntil(), START + 14 days);
    }

    function test_RevertWhen_AnyoneElsePauses() public {
        vm.expectRevert(abi.encodeWithSelector(IGuardian.NotGuardian.selector, address(this)));
        _guardian.pause();
        vm.expectRevert(abi.encodeWithSelector(IGuardian.NotGuardian.selector, _timelock));
        vm.prank(_timelock);
        _guardian.pause();
    }

    // ---------------------------------------------------------------- the targets' side

    function test_GovernanceLiftsAndShortensAPause() public {
        _pause();
        vm.startPrank(_timelock);
        _pool.pauseEntry(uint40(START + 1 days));
        assertEq(_pool.entryPausedUntil(), START + 1 days);
        vm.expectEmit(address(_pool));
        emit IEntryPausable.EntryPaused(0);
        _pool.pauseEntry(0);
        vm.stopPrank();
        assertEq(_pool.entryPausedUntil(), 0);
    }

    function test_TheGuardianNeverShortensWhatGovernancePaused() public {
        vm.prank(_timelock);
        _pool.pauseEntry(uint40(START + 100 days));
        _pause();
        assertEq(_pool.entryPausedUntil(), START + 100 days);
    }

    function test_RevertWhen_AnyoneElsePausesATarget() public {
        vm.expectRevert(abi.encodeWithSelector(OwnableUpgradeable.OwnableUnauthorizedAccount.selector, _person));
        vm.prank(_person);
        _pool.pauseEntry(uint40(START + 1 days));
    }

    function testFuzz_EntryIsClosedExactlyUntilTheEnd(uint40 until, uint40 time) public {
        address alice = account("alice", 1e18);
        vm.prank(alice);
        suite.token.approve(address(suite.pool), 1e18);
        vm.prank(_timelock);
        _pool.pauseEntry(until);
        vm.warp(bound(time, START, type(uint40).max - 366 days));
        if (vm.getBlockTimestamp() < until) {
            vm.expectRevert(abi.encodeWithSelector(IEntryPausable.EntryIsPaused.selector, until));
        }
        vm.prank(alice);
        suite.pool.stake(1e18, 0);
    }

    // ---------------------------------------------------------------- veto

    function test_TheGuardianVetoesARoot() public {
        uint256 rootId = _postRoot();
        vm.expectRevert(abi.encodeWithSelector(IGuardian.NotGuardian.selector, address(this)));
        _guardian.vetoRoot(rootId);
        vm.prank(_person);
        _guardian.vetoRoot(rootId);
        assertEq(uint8(suite.distributor.rootOf(rootId).status), uint8(IBonusRoots.RootStatus.Vetoed));
    }

    function test_TheGuardianVetoesAlsoAfterItsPause() public {
        _pause();
        uint256 rootId = _postRoot();
        vm.prank(_person);
        _guardian.vetoRoot(rootId);
    }

    function _postRoot() private returns (uint256 rootId) {
        address poster = account("poster", 10_000e18);
        skipTime(60);
        suite.distributor.closeEpoch(0);
        vm.startPrank(poster);
        suite.token.approve(address(suite.distributor), 10_000e18);
        rootId = suite.distributor.postRoot(0, "false");
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- governance

    function test_GovernanceChoosesTheGuardian() public {
        vm.expectEmit(address(_guardian));
        emit IGuardian.GuardianChanged(address(0));
        vm.prank(_timelock);
        _guardian.setGuardian(address(0));
        vm.expectRevert(abi.encodeWithSelector(IGuardian.NotGuardian.selector, _person));
        _pause();
    }

    function test_RevertWhen_AnyoneElseChoosesTheGuardian() public {
        vm.expectRevert(abi.encodeWithSelector(IGuardian.NotTimelock.selector, _person));
        vm.prank(_person);
        _guardian.setGuardian(address(this));
    }

    function test_RevertWhen_ConstructedWithoutNeighbours() public {
        IEntryPausable[] memory none = new IEntryPausable[](0);
        vm.expectRevert(IGuardian.ZeroAddress.selector);
        new Guardian(address(0), suite.distributor, none, _person);
        vm.expectRevert(IGuardian.ZeroAddress.selector);
        new Guardian(_timelock, IRewardDistributor(address(0)), none, _person);
        IEntryPausable[] memory missing = new IEntryPausable[](1);
        vm.expectRevert(IGuardian.ZeroAddress.selector);
        new Guardian(_timelock, suite.distributor, missing, _person);
    }
}
