// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {SlotDerivation} from "@openzeppelin/contracts/utils/SlotDerivation.sol";

import {DisputeCourt} from "src/DisputeCourt.sol";
import {CourtNeighbours} from "src/court/CourtBase.sol";
import {CourtExtension} from "src/court/CourtExtension.sol";
import {IDisputeCourtBase} from "src/interfaces/IDisputeCourtBase.sol";
import {CaseStatus} from "src/types/Dispute.sol";

import {CourtFixture} from "../utils/CourtFixture.sol";

contract CourtSettingsTest is CourtFixture {
    using SlotDerivation for string;

    function _set(IDisputeCourtBase.Parameters memory p) private {
        vm.prank(governance);
        court.setParameters(p);
    }

    function _refused(IDisputeCourtBase.Parameters memory p) private {
        vm.expectRevert(IDisputeCourtBase.InvalidParameters.selector);
        vm.prank(governance);
        court.setParameters(p);
    }

    function test_GovernanceSetsParameters() public {
        IDisputeCourtBase.Parameters memory p = court.parameters();
        p.jurySize = 5;
        p.caseFee = 40e18;
        vm.expectEmit(address(court));
        emit IDisputeCourtBase.CourtParametersChanged(p);
        _set(p);
        assertEq(abi.encode(court.parameters()), abi.encode(p));
        vm.expectRevert(abi.encodeWithSelector(OwnableUpgradeable.OwnableUnauthorizedAccount.selector, address(this)));
        court.setParameters(p);
    }

    function test_TheBoundsHold() public {
        IDisputeCourtBase.Parameters memory good = court.parameters();
        IDisputeCourtBase.Parameters memory p = court.parameters();
        p.seatStake = 0;
        _refused(p);
        p = court.parameters();
        p.minPosition = p.seatStake - 1;
        _refused(p);
        p.minPosition = p.seatStake;
        _set(p);
        p = court.parameters();
        p.toleranceBps = 5_001;
        _refused(p);
        p = court.parameters();
        p.silencePenaltyBps = 5_001;
        _refused(p);
        p = court.parameters();
        p.incoherencePenaltyBps = p.silencePenaltyBps + 1;
        _refused(p);
        p = court.parameters();
        p.maxReplacements = 4;
        _refused(p);
        p = court.parameters();
        p.appealFee = p.caseFee - 1;
        _refused(p);
        p = court.parameters();
        p.appealFee = 100_000e18 + 1;
        _refused(p);
        for (uint8 size; size < 10; ++size) {
            p = court.parameters();
            p.jurySize = size;
            if (size == 3 || size == 5 || size == 7) _set(p);
            else _refused(p);
        }
        p = court.parameters();
        p.drawDelay = 0;
        _refused(p);
        p.drawDelay = 129;
        _refused(p);
        p.drawDelay = 128;
        _set(p);
        p = court.parameters();
        p.holdPeriod = uint32(p.drawPeriod + EPOCH - 1);
        _refused(p);
        p.holdPeriod += 1;
        _set(p);
        p.holdPeriod = 60 days + 1;
        _refused(p);
        p.holdPeriod = 60 days;
        _set(p);
        // Nobody could draw before the draw is over.
        p = court.parameters();
        p.drawDelay = 100;
        p.drawPeriod = 3_000 - 1;
        _refused(p);
        p.drawPeriod += 1;
        _set(p);
        _set(good);
    }

    function test_ParametersReachTheirBounds() public {
        IDisputeCourtBase.Parameters memory p = court.parameters();
        p.toleranceBps = 5_000;
        p.silencePenaltyBps = 5_000;
        p.incoherencePenaltyBps = 5_000;
        p.maxReplacements = 3;
        p.caseFee = 100_000e18;
        p.appealFee = 100_000e18;
        _set(p);
        assertEq(abi.encode(court.parameters()), abi.encode(p));
        assertEq(CourtExtension(address(court)).MIN_JURY(), 3);
        assertEq(CourtExtension(address(court)).MAX_JURY(), 7);
    }

    function test_NoPeriodIsZeroOrLongerThanAWeek() public {
        for (uint256 i; i < 4; ++i) {
            for (uint256 j; j < 3; ++j) {
                uint32 period = [uint32(0), 7 days + 1, 7 days][j];
                IDisputeCourtBase.Parameters memory p = court.parameters();
                if (i == 0) p.drawPeriod = period;
                if (i == 1) p.commitPeriod = period;
                if (i == 2) p.revealPeriod = period;
                if (i == 3) p.appealWindow = period;
                if (j == 2) _set(p);
                else _refused(p);
            }
        }
    }

    function _changeEverything() private {
        _set(
            IDisputeCourtBase.Parameters({
                minPosition: 10_000e18,
                seatStake: 2_000e18,
                toleranceBps: 0,
                incoherencePenaltyBps: 0,
                silencePenaltyBps: 5_000,
                jurySize: 7,
                maxReplacements: 0,
                caseFee: 1e18,
                appealFee: 90_000e18,
                drawDelay: 1,
                drawPeriod: 30,
                commitPeriod: 1,
                revealPeriod: 1,
                appealWindow: 1,
                holdPeriod: 1 days
            })
        );
    }

    /// @dev Else a decision about the court would decide the cases before it.
    function test_AnOpenCaseKeepsItsTerms() public {
        joinMany(12);
        bytes memory terms = abi.encode(court.parameters());
        uint256 caseId = openCase();
        _changeEverything();
        assertEq(abi.encode(court.termsOf(caseId)), terms);
        drawJury(caseId);
        address[] memory sitting = jury(caseId);
        assertEq(sitting.length, 3);
        assertEq(court.caseOf(caseId).deadline, vm.getBlockTimestamp() + 24 hours);
        commitVote(caseId, sitting[0], 1_000);
        commitVote(caseId, sitting[1], 3_000);
        advance(caseId); // the third is replaced
        assertStatus(caseId, CaseStatus.Drawing);
        assertEq(staked(sitting[2]), POSITION - PENALTY);
        assertEq(court.caseOf(caseId).deadline, vm.getBlockTimestamp() + 6 hours);
        assertEq(court.caseOf(caseId).draw.blockNumber, vm.getBlockNumber() + DRAW_DELAY);
        drawJury(caseId);
        sitting = jury(caseId);
        commitVote(caseId, sitting[2], 3_000);
        assertEq(court.caseOf(caseId).deadline, vm.getBlockTimestamp() + 12 hours);
        revealVote(caseId, sitting[0], 1_000);
        revealVote(caseId, sitting[1], 3_000);
        revealVote(caseId, sitting[2], 3_000);
        assertEq(court.caseOf(caseId).deadline, vm.getBlockTimestamp() + 24 hours);
        appeal(caseId, buyer);
        assertEq(token.balanceOf(address(court)), 2 * CASE_FEE + APPEAL_FEE);
        drawJury(caseId);
        voteAll(caseId, 10_000);
        advance(caseId);
        for (uint256 i; i < 3; ++i) {
            assertEq(staked(sitting[i]), POSITION - PENALTY);
        }
        assertEq(court.feesOf(outcome().jurors[1]), (CASE_FEE + APPEAL_FEE) / 7);
    }

    function test_TheNextCaseHasTheNewTerms() public {
        joinMany(12);
        openCase("old");
        _changeEverything();
        uint256 caseId = openCase();
        assertEq(abi.encode(court.termsOf(caseId)), abi.encode(court.parameters()));
        drawJury(caseId);
        assertEq(jury(caseId).length, 7);
    }

    function test_WithoutPenaltiesNothingIsSeized() public {
        IDisputeCourtBase.Parameters memory p = court.parameters();
        p.incoherencePenaltyBps = 0;
        p.silencePenaltyBps = 0;
        p.caseFee = 0;
        _set(p);
        joinMany(3);
        uint256 caseId = drawnCase();
        vote(caseId, 0, 0, 10_000);
        address third = jury(caseId)[2];
        advance(caseId);
        assertEq(staked(third), POSITION);
        assertEq(seatsHeld(third), 0);
        assertEq(court.feesOf(jury(caseId)[0]), 0);
    }

    // ---------------------------------------------------------------- the biggest case

    /// @dev What one transaction settles at most: seven, seven and fifteen seats.
    function test_TheLargestCaseIsSettledInOneTransaction() public {
        IDisputeCourtBase.Parameters memory p = court.parameters();
        p.jurySize = 7;
        _set(p);
        joinMany(50);
        uint256 caseId = drawnCase();
        _commitAndOpen(caseId, 3, 0);
        advance(caseId); // lapsed: three opened
        drawJury(caseId);
        voteAll(caseId, 0);
        appeal(caseId, buyer);
        drawJury(caseId);
        assertEq(jury(caseId).length, 15);
        voteAll(caseId, 10_000);
        passDeadline(caseId);
        uint256 gas = gasleft();
        court.advance(caseId);
        assertLt(gas - gasleft(), 8_000_000);
        assertEq(outcome().jurors.length, 15);
    }

    function _commitAndOpen(uint256 caseId, uint256 opened, uint16 share) private {
        address[] memory sitting = jury(caseId);
        for (uint256 i; i < sitting.length; ++i) {
            commitVote(caseId, sitting[i], share);
        }
        for (uint256 i; i < opened; ++i) {
            revealVote(caseId, sitting[i], share);
        }
    }

    // ---------------------------------------------------------------- set-up

    function test_RevertWhen_InitializedAgain() public {
        IDisputeCourtBase.Parameters memory p = court.parameters();
        address[3] memory rooms = [address(court), suite.implementations.court, suite.implementations.courtExtension];
        for (uint256 i; i < 3; ++i) {
            vm.expectRevert(Initializable.InvalidInitialization.selector);
            CourtExtension(rooms[i]).initialize(address(this), p, 60);
        }
    }

    function test_RevertWhen_EpochsHaveNoLength() public {
        IDisputeCourtBase.Parameters memory p = court.parameters();
        address implementation = suite.implementations.court;
        for (uint256 i; i < 2; ++i) {
            bytes memory call =
                abi.encodeCall(CourtExtension.initialize, (governance, p, i == 0 ? uint32(0) : 1 days + 1));
            vm.expectRevert(IDisputeCourtBase.InvalidParameters.selector);
            new ERC1967Proxy(implementation, call);
        }
    }

    function test_AnEpochLastsADayAtMost() public {
        bytes memory call = abi.encodeCall(CourtExtension.initialize, (governance, court.parameters(), 1 days));
        address proxy = address(new ERC1967Proxy(suite.implementations.court, call));
        assertEq(CourtExtension(proxy).epochLength(), 1 days);
    }

    function test_OnlyGovernanceUpgradesAndStateStays() public {
        joinMany(3);
        uint256 caseId = openCase();
        CourtNeighbours memory neighbours = CourtNeighbours({
            token: address(token),
            stakingPool: address(pool),
            registry: address(registry),
            marketplace: address(arbitrable),
            entropy: address(suite.entropy),
            tips: address(suite.keeperTips)
        });
        address fresh = address(new DisputeCourt(neighbours, address(new CourtExtension(neighbours))));
        vm.expectRevert(abi.encodeWithSelector(OwnableUpgradeable.OwnableUnauthorizedAccount.selector, address(this)));
        suite.court.upgradeToAndCall(fresh, "");
        vm.prank(governance);
        suite.court.upgradeToAndCall(fresh, "");
        assertEq(court.caseOf(caseId).taskId, TASK);
        drawJury(caseId);
    }

    function test_StateLiesInItsNamespace() public view {
        bytes32 slot = vm.load(address(court), string("aiigo.storage.DisputeCourt").erc7201Slot());
        assertEq(uint256(slot), 1, "versions of the parameters");
    }
}
