// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IKeeperTips} from "src/interfaces/IKeeperTips.sol";
import {IProofOfWorkVerifier} from "src/interfaces/IProofOfWorkVerifier.sol";

import {AuditFixture} from "../utils/AuditFixture.sol";

contract AuditScheduleTest is AuditFixture {
    address internal stranger = makeAddr("stranger");

    // ---------------------------------------------------------------- The challenger

    function test_OnlyTheChallengerCommitsToAChain() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.NotChallenger.selector, stranger));
        verifier.commitChain("head");
        vm.prank(challenger);
        vm.expectRevert(IProofOfWorkVerifier.InvalidHead.selector);
        verifier.commitChain(0);
        vm.prank(challenger);
        vm.expectEmit(address(verifier));
        emit IProofOfWorkVerifier.ChainCommitted(challenger, "head");
        verifier.commitChain("head");
        assertEq(verifier.chainHead(), "head");
    }

    function test_GovernanceReplacesTheChallengerAndItsChainEnds() public {
        vm.expectRevert(abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", address(this)));
        verifier.setChallenger(stranger);
        bytes32 preimage = nextPreimage();
        vm.prank(governance);
        vm.expectEmit(address(verifier));
        emit IProofOfWorkVerifier.ChallengerChanged(stranger);
        verifier.setChallenger(stranger);
        assertEq(verifier.challenger(), stranger);
        assertEq(verifier.chainHead(), 0);
        vm.warp(verifier.roundDueAt(preimage));
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.WrongPreimage.selector, preimage));
        verifier.openRound(preimage);
        vm.prank(challenger);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.NotChallenger.selector, challenger));
        verifier.commitChain("head");
    }

    // ---------------------------------------------------------------- Opening with the preimage

    function test_ThePreimageOpensTheRoundThatIsDue() public {
        bytes32 preimage = nextPreimage();
        vm.warp(verifier.roundDueAt(preimage));
        vm.roll(2_000);
        vm.prevrandao(uint256(7));
        uint40 openedAt = uint40(block.timestamp);
        bytes32 seed = keccak256(abi.encode(preimage, suite.entropy.entropy(), uint256(1)));
        vm.expectEmit(address(verifier));
        emit IProofOfWorkVerifier.RoundOpened(
            1, stranger, preimage, seed, openedAt, openedAt + WINDOW, openedAt + WINDOW + LATE
        );
        vm.expectCall(
            address(suite.keeperTips), abi.encodeCall(IKeeperTips.tip, (IKeeperTips.Duty.OpenRound, stranger))
        );
        vm.prank(stranger);
        assertEq(verifier.openRound(preimage), 1);

        IProofOfWorkVerifier.Round memory round = verifier.currentRound();
        assertEq(round.number, 1);
        assertEq(round.seed, seed);
        assertEq(round.openedAt, openedAt);
        assertEq(round.deadline, openedAt + WINDOW);
        assertEq(round.finishesAt, openedAt + WINDOW + LATE);
        assertEq(verifier.chainHead(), preimage, "its own preimage opens the next");
    }

    function test_RoundsFollowEachOtherAlongTheChain() public {
        bytes32 seed;
        for (uint64 i = 1; i <= 5; ++i) {
            uint40 before = verifier.currentRound().openedAt;
            assertEq(openRound(), i);
            IProofOfWorkVerifier.Round memory round = verifier.currentRound();
            assertNotEq(round.seed, seed);
            seed = round.seed;
            assertGe(round.openedAt, before + INTERVAL);
            assertLe(round.openedAt, before + INTERVAL + JITTER);
        }
    }

    function test_RevertWhen_TheRoundIsNotDue() public {
        bytes32 preimage = nextPreimage();
        uint40 dueAt = verifier.roundDueAt(preimage);
        vm.warp(dueAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.RoundNotDue.selector, dueAt));
        verifier.openRound(preimage);
        openRound();
        preimage = nextPreimage();
        dueAt = verifier.roundDueAt(preimage);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.RoundNotDue.selector, dueAt));
        verifier.openRound(preimage);
    }

    function test_RevertWhen_ThePreimageIsAnother() public {
        bytes32 preimage = openAndSkip();
        bytes32 head = verifier.chainHead();
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.WrongPreimage.selector, head));
        verifier.openRound(head);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.WrongPreimage.selector, bytes32(0)));
        verifier.openRound(0);
        verifier.openRound(preimage);
    }

    function test_RevertWhen_TheChainWasCommittedInTheSameBlock() public {
        vm.warp(verifier.roundOpenToAnyoneAt());
        commitChain("another");
        bytes32 preimage = nextPreimage();
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.ChainTooNew.selector, block.timestamp));
        verifier.openRound(preimage);
        skip(1);
        verifier.openRound(preimage);
    }

    /// @dev Else the challenger could try chains until the next time suits it.
    function test_AChainThatIsNoOlderThanTheLastRoundGetsTheGreatestJitter() public {
        assertEq(verifier.roundDueAt(nextPreimage()), START + INTERVAL + JITTER, "committed after the deployment");
        openRound();
        uint40 openedAt = verifier.currentRound().openedAt;
        assertEq(verifier.roundDueAt("a"), _drawnAt("a", openedAt));
        for (uint256 i; i < 3; ++i) {
            commitChain(bytes32(i + 1)); // first in the very second of the round
            assertEq(verifier.roundDueAt(nextPreimage()), openedAt + INTERVAL + JITTER);
            skip(1 hours);
        }
        bytes32 preimage = nextPreimage();
        vm.warp(openedAt + INTERVAL + JITTER - 1);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.RoundNotDue.selector, openedAt + INTERVAL + JITTER));
        verifier.openRound(preimage);
        skip(1);
        verifier.openRound(preimage);
        assertEq(verifier.roundDueAt("a"), _drawnAt("a", verifier.currentRound().openedAt), "older than this one");
    }

    function test_AUsedUpChainIsFollowedByAnother() public {
        vm.prank(challenger);
        verifier.commitChain(keccak256(abi.encode(bytes32("only"))));
        skip(2 days);
        verifier.openRound("only");
        assertEq(verifier.chainHead(), "only", "nobody knows a preimage of that");
        commitChain("another");
        assertEq(openRound(), 2);
    }

    function testFuzz_TheJitterIsBoundAndDependsOnPreimageAndLastSeed(bytes32 preimage) public {
        uint40 openedAt = verifier.currentRound().openedAt;
        uint40 dueAt = verifier.roundDueAt(preimage);
        assertGe(dueAt, openedAt + INTERVAL);
        assertLe(dueAt, openedAt + INTERVAL + JITTER);
        openRound();
        IProofOfWorkVerifier.Round memory round = verifier.currentRound();
        uint256 jitter = uint256(keccak256(abi.encode(preimage, round.seed))) % (JITTER + 1);
        assertEq(verifier.roundDueAt(preimage), round.openedAt + INTERVAL + jitter);
    }

    // ---------------------------------------------------------------- Opening without it

    function test_AnyoneOpensARoundWhosePreimageIsWithheld() public {
        uint40 start = verifier.currentRound().openedAt;
        uint40 dueAt = start + INTERVAL + JITTER + REVEAL + 1;
        assertEq(verifier.roundOpenToAnyoneAt(), dueAt);
        vm.warp(dueAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.RoundNotDue.selector, dueAt));
        verifier.openRoundWithoutPreimage();

        vm.warp(dueAt);
        bytes32 withheld = nextPreimage();
        bytes32 head = verifier.chainHead();
        bytes32 seed = keccak256(abi.encode(bytes32(0), suite.entropy.entropy(), uint256(1)));
        vm.expectEmit(address(verifier));
        emit IProofOfWorkVerifier.RoundOpened(1, stranger, 0, seed, dueAt, dueAt + WINDOW, dueAt + WINDOW + LATE);
        vm.expectCall(
            address(suite.keeperTips), abi.encodeCall(IKeeperTips.tip, (IKeeperTips.Duty.OpenRound, stranger))
        );
        vm.prank(stranger);
        assertEq(verifier.openRoundWithoutPreimage(), 1);
        assertEq(verifier.chainHead(), head);

        vm.warp(verifier.roundDueAt(withheld));
        assertEq(verifier.openRound(withheld), 2, "what was withheld opens the next");
    }

    function test_TheChallengerMayStillRevealLate() public {
        vm.warp(verifier.roundOpenToAnyoneAt() + 1 days);
        assertEq(verifier.openRound(nextPreimage()), 1);
        uint40 dueAt = verifier.roundOpenToAnyoneAt();
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.RoundNotDue.selector, dueAt));
        verifier.openRoundWithoutPreimage();
    }

    function test_RevertWhen_TheLastRoundHasNotFinished() public {
        openRound();
        IProofOfWorkVerifier.Round memory round = verifier.currentRound();
        IProofOfWorkVerifier.Parameters memory changed = verifier.parameters();
        (changed.auditInterval, changed.jitter, changed.revealWindow, changed.lateWindow) = (11, 0, 0, 0);
        vm.prank(governance);
        verifier.setParameters(changed);
        bytes32 preimage = nextPreimage();
        assertEq(verifier.roundDueAt(preimage), round.finishesAt + 1);
        assertEq(verifier.roundOpenToAnyoneAt(), round.finishesAt + 1);
        vm.warp(round.finishesAt);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.RoundNotDue.selector, round.finishesAt + 1));
        verifier.openRound(preimage);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.RoundNotDue.selector, round.finishesAt + 1));
        verifier.openRoundWithoutPreimage();
        vm.warp(round.finishesAt + 1);
        verifier.openRound(preimage);
    }

    // ---------------------------------------------------------------- Governance

    function test_OnlyGovernanceSetsTheFloorOfAnExcuse() public {
        IProofOfWorkVerifier.ExcuseFloor memory floor =
            IProofOfWorkVerifier.ExcuseFloor({token: address(dollar), minEscrow: 20e6});
        vm.expectRevert(abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", address(this)));
        verifier.setExcuseFloor(floor);
        vm.expectEmit(address(verifier));
        emit IProofOfWorkVerifier.ExcuseFloorChanged(address(dollar), 20e6);
        vm.prank(governance);
        verifier.setExcuseFloor(floor);
        assertEq(verifier.excuseFloorOf(address(dollar)), 20e6);
        assertEq(verifier.excuseFloorOf(ETH), EXCUSE_FLOOR, "from the configuration");
    }

    function test_RevertWhen_TheRoundsParametersMakeNoSense() public {
        IProofOfWorkVerifier.Parameters memory good = verifier.parameters();
        IProofOfWorkVerifier.Parameters memory bad = verifier.parameters();
        bad.auditInterval = 30 days + 1;
        _expectInvalid(bad);
        bad.auditInterval = WINDOW + LATE;
        bad.jitter = 0;
        _expectInvalid(bad);
        bad.auditInterval += 1;
        vm.prank(governance);
        verifier.setParameters(bad);
        bad.jitter = bad.auditInterval + 1;
        _expectInvalid(bad);
        bad.jitter = 0;
        bad.revealWindow = 1 days + 1;
        _expectInvalid(bad);
        bad.revealWindow = 0;
        bad.auditInterval = 30 days;
        bad.lateWindow = 1 days + 1;
        _expectInvalid(bad);
        vm.prank(governance);
        verifier.setParameters(good);
    }

    function _drawnAt(bytes32 preimage, uint40 openedAt) private view returns (uint256) {
        bytes32 seed = verifier.currentRound().seed;
        return openedAt + INTERVAL + uint256(keccak256(abi.encode(preimage, seed))) % (JITTER + 1);
    }

    function _expectInvalid(IProofOfWorkVerifier.Parameters memory bad) private {
        vm.prank(governance);
        vm.expectRevert(IProofOfWorkVerifier.InvalidParameters.selector);
        verifier.setParameters(bad);
    }

    /// @dev To the time at which the next preimage, returned, opens the round.
    function openAndSkip() private returns (bytes32 preimage) {
        openRound();
        preimage = nextPreimage();
        vm.warp(verifier.roundDueAt(preimage));
    }
}
