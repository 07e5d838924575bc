// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {StakingPool} from "src/StakingPool.sol";
import {IDisputeCourt} from "src/interfaces/IDisputeCourt.sol";
import {IStakingPool} from "src/interfaces/IStakingPool.sol";
import {Case, CaseStatus, Round, Seat, SeatState} from "src/types/Dispute.sol";
import {ResourceType} from "src/types/Resource.sol";

import {SuiteConfig} from "../../script/SuiteConfig.sol";
import {Headers} from "./Headers.sol";
import {MarketFixture, Node} from "./MarketFixture.sol";
import {TestArbitrable} from "./TestArbitrable.sol";

/// @title The court, pool and registry as they get deployed, before a market that only knows disputes
/// @dev Parameters are the defaults of production.
abstract contract CourtFixture is MarketFixture {
    uint256 internal constant POSITION = 20_000e18;
    uint256 internal constant SEAT = 1_000e18;
    uint256 internal constant PENALTY = 100e18;
    uint256 internal constant CASE_FEE = 30e18;
    uint256 internal constant APPEAL_FEE = 120e18;
    uint256 internal constant EPOCH = 1 hours;
    uint256 internal constant HOLD = 14 days;
    uint256 internal constant DRAW_DELAY = 65;
    bytes32 internal constant TASK = "task";

    IDisputeCourt internal court;
    StakingPool internal pool;
    TestArbitrable internal arbitrable;
    Node internal node;
    address internal buyer;
    address[] internal jurors;
    mapping(address juror => uint256) internal positions;

    function setUp() public virtual override {
        super.setUp();
        bindCourt();
        placeArbitrable();
        prepareNode();
        buyer = party("buyer");
    }

    /// @dev In the marketplace's place: neither court nor registry can tell.
    function placeArbitrable() internal virtual {
        vm.etch(address(suite.marketplace), address(new TestArbitrable()).code);
        arbitrable = TestArbitrable(address(suite.marketplace));
        arbitrable.bind(court);
    }

    function prepareNode() internal virtual {
        node = register("node", ResourceType.GPU);
        stake(node, 2 * MIN_STAKE);
    }

    function bindCourt() internal {
        court = IDisputeCourt(address(suite.court));
        pool = suite.pool;
        vm.label(address(court), "DisputeCourt");
        vm.label(address(pool), "StakingPool");
    }

    function configure(SuiteConfig memory config) internal virtual override {
        super.configure(config);
        config.court.minPosition = 10_000e18;
        config.court.seatStake = uint96(SEAT);
        config.court.toleranceBps = 2_000;
        config.court.incoherencePenaltyBps = 1_000;
        config.court.silencePenaltyBps = 1_000;
        config.court.jurySize = 3;
        config.court.maxReplacements = 1;
        config.court.caseFee = uint96(CASE_FEE);
        config.court.appealFee = uint96(APPEAL_FEE);
        config.court.drawDelay = uint8(DRAW_DELAY);
        config.court.drawPeriod = 6 hours;
        config.court.commitPeriod = 24 hours;
        config.court.revealPeriod = 12 hours;
        config.court.appealWindow = 24 hours;
        config.court.holdPeriod = uint32(HOLD);
        config.courtEpochLength = uint32(EPOCH);
    }

    // ---------------------------------------------------------------- Jurors

    /// @dev An account that can pay fees to the court.
    function party(string memory name) internal returns (address who) {
        who = account(name, 1_000e18);
        vm.prank(who);
        token.approve(address(court), type(uint256).max);
    }

    function position(address who, uint256 amount) internal returns (uint256 positionId) {
        vm.prank(faucet);
        token.transfer(who, amount);
        vm.startPrank(who);
        token.approve(address(pool), amount);
        positionId = pool.stake(amount, 0);
        vm.stopPrank();
    }

    function join(string memory name, uint256 amount) internal returns (address juror) {
        juror = makeAddr(name);
        uint256 positionId = position(juror, amount);
        vm.prank(juror);
        court.joinJury(positionId);
        positions[juror] = positionId;
        jurors.push(juror);
    }

    /// @dev `count` jurors of equal weight whom the next case can draw.
    function joinMany(uint256 count) internal {
        for (uint256 i; i < count; ++i) {
            join(string.concat("juror ", vm.toString(jurors.length)), POSITION);
        }
        nextEpoch();
    }

    function nextEpoch() internal {
        vm.warp((vm.getBlockTimestamp() / EPOCH + 1) * EPOCH);
        vm.roll(vm.getBlockNumber() + 1);
    }

    function frozen(address juror) internal view returns (uint256) {
        return pool.positionOf(positions[juror]).frozen;
    }

    function seatsHeld(address juror) internal view returns (uint256) {
        return court.membershipOf(juror).seats;
    }

    function staked(address juror) internal view returns (uint256) {
        return pool.positionOf(positions[juror]).amount;
    }

    // ---------------------------------------------------------------- Cases

    function openCase() internal returns (uint256 caseId) {
        return openCase(TASK);
    }

    function openCase(bytes32 taskId) internal returns (uint256 caseId) {
        vm.prank(buyer);
        return arbitrable.dispute(taskId, buyer, node.id);
    }

    /// @dev Waits for the random block and draws until the jury is complete.
    function drawJury(uint256 caseId) internal {
        vm.roll(court.caseOf(caseId).draw.blockNumber + 1);
        while (court.caseOf(caseId).status == CaseStatus.Drawing) draw(caseId);
    }

    /// @dev One call.
    function draw(uint256 caseId) internal {
        court.draw(caseId, drawHeader(caseId));
    }

    /// @dev The header of the draw's block, which is over. Each block has its own mix.
    function drawHeader(uint256 caseId) internal returns (bytes memory) {
        return drawHeader(caseId, keccak256(abi.encode("mix", court.caseOf(caseId).draw.blockNumber)), "");
    }

    function drawHeader(uint256 caseId, bytes32 mix, bytes memory extra) internal returns (bytes memory header) {
        uint64 number = court.caseOf(caseId).draw.blockNumber;
        header = Headers.encode(number, mix, extra);
        vm.setBlockhash(number, keccak256(header));
    }

    function drawnCase() internal returns (uint256 caseId) {
        caseId = openCase();
        drawJury(caseId);
    }

    /// @dev The jurors who sit in the present round and were not silent.
    function jury(uint256 caseId) internal view returns (address[] memory sitting) {
        Case memory c = court.caseOf(caseId);
        Seat[] memory seats = court.seatsOf(caseId);
        sitting = new address[](c.seated);
        uint256 count;
        for (uint256 i = c.firstSeat; i < seats.length; ++i) {
            if (seats[i].state != SeatState.Silent) sitting[count++] = seats[i].juror;
        }
    }

    function salt(address juror) internal pure returns (bytes32) {
        return keccak256(abi.encode("salt", juror));
    }

    function commitVote(uint256 caseId, address juror, uint16 share) internal {
        bytes32 commitment = court.voteHash(caseId, court.caseOf(caseId).round, juror, share, salt(juror));
        vm.prank(juror);
        court.commitVote(caseId, commitment);
    }

    function revealVote(uint256 caseId, address juror, uint16 share) internal {
        vm.prank(juror);
        court.revealVote(caseId, share, salt(juror));
    }

    /// @dev All of the present jury vote, in the order of their seats.
    function vote(uint256 caseId, uint16[] memory shares) internal {
        address[] memory sitting = jury(caseId);
        assertEq(sitting.length, shares.length, "a vote for each juror");
        for (uint256 i; i < sitting.length; ++i) {
            commitVote(caseId, sitting[i], shares[i]);
        }
        for (uint256 i; i < sitting.length; ++i) {
            revealVote(caseId, sitting[i], shares[i]);
        }
    }

    function vote(uint256 caseId, uint16 a, uint16 b, uint16 c) internal {
        uint16[] memory shares = new uint16[](3);
        (shares[0], shares[1], shares[2]) = (a, b, c);
        vote(caseId, shares);
    }

    function voteAll(uint256 caseId, uint16 share) internal {
        uint16[] memory shares = new uint16[](jury(caseId).length);
        for (uint256 i; i < shares.length; ++i) {
            shares[i] = share;
        }
        vote(caseId, shares);
    }

    function ruledCase(uint16 share) internal returns (uint256 caseId) {
        caseId = drawnCase();
        voteAll(caseId, share);
    }

    /// @dev To the second after the deadline of the present period.
    function passDeadline(uint256 caseId) internal {
        uint256 deadline = court.caseOf(caseId).deadline;
        if (vm.getBlockTimestamp() <= deadline) vm.warp(deadline + 1);
        vm.roll(vm.getBlockNumber() + 1);
    }

    function advance(uint256 caseId) internal {
        passDeadline(caseId);
        court.advance(caseId);
    }

    function appeal(uint256 caseId, address who) internal {
        vm.prank(who);
        court.appeal(caseId);
    }

    function assertStatus(uint256 caseId, CaseStatus expected) internal view {
        assertEq(uint8(court.caseOf(caseId).status), uint8(expected), "case status");
    }

    function assertRound(uint256 caseId, Round expected) internal view {
        assertEq(uint8(court.caseOf(caseId).round), uint8(expected), "round");
    }

    function assertSeat(uint256 caseId, uint256 index, SeatState expected) internal view {
        assertEq(uint8(court.seatsOf(caseId)[index].state), uint8(expected), "seat");
    }

    function outcome() internal view returns (TestArbitrable.Outcome memory) {
        return arbitrable.outcomeOf(TASK);
    }

    function wrongStatus(uint256 caseId, CaseStatus status) internal pure returns (bytes memory) {
        return abi.encodeWithSignature("WrongCaseStatus(uint256,uint8)", caseId, uint8(status));
    }
}
