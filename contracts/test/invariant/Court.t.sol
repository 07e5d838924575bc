// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDisputeCourtBase} from "src/interfaces/IDisputeCourtBase.sol";
import {IJuryPool} from "src/interfaces/IJuryPool.sol";
import {IStakingPool} from "src/interfaces/IStakingPool.sol";
import {Case, CaseStatus, Seat, SeatState} from "src/types/Dispute.sol";

import {SuiteConfig} from "../../script/SuiteConfig.sol";
import {CourtFixture} from "../utils/CourtFixture.sol";
import {TestArbitrable} from "../utils/TestArbitrable.sol";
import {CourtHandler} from "./CourtHandler.sol";

contract CourtInvariantTest is CourtFixture {
    CourtHandler private _handler;

    /// @dev As short as may be, so that jurors leave and come again.
    function configure(SuiteConfig memory config) internal override {
        super.configure(config);
        config.court.holdPeriod = uint32(config.court.drawPeriod + EPOCH);
    }

    function setUp() public override {
        super.setUp();
        vm.prank(faucet);
        token.transfer(node.owner, 100_000e18);
        stake(node, 5_000e18);
        _handler = new CourtHandler(suite, faucet, arbitrable, node);
        bytes4[] memory selectors = new bytes4[](14);
        selectors[0] = CourtHandler.open.selector;
        selectors[1] = CourtHandler.drawSome.selector;
        selectors[2] = CourtHandler.drawSome.selector;
        selectors[3] = CourtHandler.commitAll.selector;
        selectors[4] = CourtHandler.commitAll.selector;
        selectors[5] = CourtHandler.revealAll.selector;
        selectors[6] = CourtHandler.appealSome.selector;
        selectors[7] = CourtHandler.advanceSome.selector;
        selectors[8] = CourtHandler.comeOrGo.selector;
        selectors[9] = CourtHandler.reweigh.selector;
        selectors[10] = CourtHandler.collect.selector;
        selectors[11] = CourtHandler.passTime.selector;
        selectors[12] = CourtHandler.advanceSome.selector;
        selectors[13] = CourtHandler.decide.selector;
        targetContract(address(_handler));
        targetSelector(FuzzSelector({addr: address(_handler), selectors: selectors}));
    }

    /// @dev One campaign checks all of it after each call.
    function invariant_TheCourtsBooksBalance() public view {
        _checkHoldings();
        _checkFrozen();
        _checkTree();
    }

    /// @dev The court's AIIGO = fees of open cases + what it owes.
    function _checkHoldings() private view {
        uint256 held;
        for (uint256 i = 1; i <= court.caseCount(); ++i) {
            Case memory c = court.caseOf(i);
            if (c.status == CaseStatus.Closed) continue;
            IDisputeCourtBase.Parameters memory terms = court.termsOf(i);
            held += uint256(terms.caseFee) + c.providerFee;
            if (c.appellant != address(0)) held += terms.appealFee;
        }
        address[] memory creditors = _handler.creditors();
        for (uint256 i; i < creditors.length; ++i) {
            held += court.feesOf(creditors[i]);
        }
        assertEq(token.balanceOf(address(court)), held);
    }

    /// @dev Each open seat is counted, and a position is frozen, all of it, exactly as long as it is a juror's.
    function _checkFrozen() private view {
        uint256 count = _handler.memberCount();
        uint256[] memory held = new uint256[](count);
        for (uint256 i = 1; i <= court.caseCount(); ++i) {
            Seat[] memory seats = court.seatsOf(i);
            for (uint256 j; j < seats.length; ++j) {
                bool opened = seats[j].state == SeatState.Drawn || seats[j].state == SeatState.Committed
                    || seats[j].state == SeatState.Revealed;
                if (opened) ++held[_handler.indexOf(seats[j].juror)];
            }
        }
        for (uint256 i; i < count; ++i) {
            address juror = _handler.members(i);
            IStakingPool.Position memory position = pool.positionOf(_handler.positionIdOf(juror));
            bool isJuror = court.membershipOf(juror).positionId != 0;
            assertEq(position.frozen, isJuror ? position.amount : 0);
            assertEq(court.membershipOf(juror).seats, held[i]);
        }
    }

    /// @dev The tree weighs what its members do.
    function _checkTree() private view {
        uint256 weight;
        for (uint256 i; i < _handler.memberCount(); ++i) {
            IJuryPool.Membership memory member = court.membershipOf(_handler.members(i));
            if (member.active) weight += member.weight;
            else assertEq(member.weight, 0);
        }
        assertEq(court.totalWeightIn(court.currentEpoch() + 1), weight);
    }

    /// @dev Nobody sits twice in a case.
    function _checkJuries() private view {
        for (uint256 i = 1; i <= court.caseCount(); ++i) {
            Seat[] memory seats = court.seatsOf(i);
            for (uint256 j; j < seats.length; ++j) {
                for (uint256 k; k < j; ++k) {
                    assertTrue(seats[j].juror != seats[k].juror);
                }
            }
        }
    }

    function _checkEndings() private view {
        for (uint256 i = 1; i <= court.caseCount(); ++i) {
            TestArbitrable.Outcome memory outcome_ = arbitrable.outcomeOf(bytes32(i));
            bool closed = court.caseOf(i).status == CaseStatus.Closed;
            assertEq(outcome_.rulings + outcome_.withoutRuling, closed ? 1 : 0);
        }
    }

    /// @dev Whatever happened: once deadlines have passed, calls that anyone can make end every case.
    function afterInvariant() public {
        for (uint256 i = 1; i <= court.caseCount(); ++i) {
            for (uint256 steps; court.caseOf(i).status != CaseStatus.Closed; ++steps) {
                assertLt(steps, 12, "a case waits for ever");
                passDeadline(i);
                assertTrue(_handler.step(i), "no way out");
            }
        }
        invariant_TheCourtsBooksBalance();
        _checkJuries();
        _checkEndings();
        for (uint256 i; i < _handler.memberCount(); ++i) {
            assertEq(court.membershipOf(_handler.members(i)).seats, 0, "no seat is left");
        }
        address[] memory creditors = _handler.creditors();
        for (uint256 i; i < creditors.length; ++i) {
            if (court.feesOf(creditors[i]) == 0) continue;
            vm.prank(creditors[i]);
            court.withdrawFees(creditors[i]);
        }
        assertEq(token.balanceOf(address(court)), 0, "everything was paid");
    }

    /// @dev One random course on its own: it must come through what most cases come through. The unit tests have the rest.
    function test_ARandomCourseReachesTheUsualStates() public {
        _handler.allowCases(12);
        uint256 random = 7;
        for (uint256 i; i < 400; ++i) {
            random = uint256(keccak256(abi.encode(random, i)));
            uint256 action = random % 14;
            uint256 seed = random >> 16;
            if (action == 0) _handler.open();
            else if (action < 3) _handler.drawSome(seed);
            else if (action < 5) _handler.commitAll(seed, uint16(seed >> 32));
            else if (action < 7) _handler.revealAll(seed);
            else if (action == 7) _handler.appealSome(seed);
            else if (action == 8) _handler.advanceSome(seed);
            else if (action == 9) _handler.comeOrGo(seed);
            else if (action == 10) _handler.reweigh(seed);
            else if (action == 11) _handler.collect(seed);
            else if (action == 12) _handler.decide(seed);
            else _handler.passTime(seed);
        }
        string[6] memory states = ["opened", "drawn first", "ruled first", "appealed", "replaced", "closed"];
        for (uint256 i; i < states.length; ++i) {
            assertGt(_handler.reached(states[i]), 0, states[i]);
        }
        afterInvariant();
    }
}
