// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {INodeRegistry} from "src/interfaces/INodeRegistry.sol";
import {TrustLevels} from "src/registry/TrustLevels.sol";
import {Partner, TokenLimits} from "src/types/Node.sol";
import {NodeRecord} from "src/types/NodeRecord.sol";

contract TrustLevelsFuzzTest is Test {
    using TrustLevels for TokenLimits;

    /// @dev What a level depends on, in ranges where every condition holds about half of the time.
    struct Facts {
        uint16 stake; // AIIGO
        uint16 bond;
        uint16 reputation;
        uint8 verified;
        uint8 failed;
        uint8 challenges;
        bool partner;
        bool banned;
    }

    NodeRecord internal node;
    INodeRegistry.Parameters internal rules;
    Partner internal partner;
    TokenLimits internal limits;

    function setUp() public {
        rules.minStake = 100e18;
        rules.levelTwoStake = 1_000e18;
        rules.levelThreeStake = 10_000e18;
        rules.levelTwoChallenges = 10;
        rules.levelThreeReputation = 9_500;
        rules.levelThreeTasks = 100;
        rules.levelThreeSuccessBps = 9_500;
        node.owner = address(1);
    }

    function testFuzz_ALevelIsTheHighestWhoseConditionsHold(Facts memory facts) public {
        _bound(facts);
        uint8 level = _levelOf(facts);
        bool one = !facts.banned && facts.stake >= 100;
        bool two = one && facts.stake >= 1_000 && facts.challenges >= 10;
        bool established = facts.challenges != 0 && facts.stake >= 10_000 && facts.reputation >= 9_500;
        uint256 counted = uint256(facts.verified) + facts.failed;
        bool three = two && established && facts.verified >= 100 && uint256(facts.verified) * 100 >= counted * 95;
        bool four = one && established && facts.partner && facts.stake >= 10_000 + uint256(facts.bond);
        assertEq(level, four ? 4 : three ? 3 : two ? 2 : one ? 1 : 0);
    }

    function testFuzz_MoreNeverCostsALevel(Facts memory facts, uint256 which, uint16 more) public {
        _bound(facts);
        uint8 level = _levelOf(facts);
        which = which % 5;
        if (which == 0) facts.stake = uint16(bound(more, facts.stake, type(uint16).max));
        if (which == 1) facts.reputation = uint16(bound(more, facts.reputation, 10_000));
        if (which == 2) facts.verified = uint8(bound(more, facts.verified, type(uint8).max));
        if (which == 3) facts.challenges = uint8(bound(more, facts.challenges, type(uint8).max));
        if (which == 4) facts.failed = uint8(bound(more, 0, facts.failed));
        assertGe(_levelOf(facts), level);
    }

    function testFuzz_EachLevelHasItsCap(TokenLimits memory set, uint8 level) public {
        limits = set;
        level = uint8(bound(level, 0, 4));
        uint128[5] memory caps =
            [set.levelOneCap, set.levelOneCap, set.levelTwoCap, set.levelThreeCap, set.levelFourCap];
        assertEq(limits.capOf(level), caps[level]);
    }

    function _bound(Facts memory facts) private pure {
        facts.stake = uint16(bound(facts.stake, 0, 20_000));
        facts.bond = uint16(bound(facts.bond, 0, 10_000));
        facts.reputation = uint16(bound(facts.reputation, 9_000, 10_000));
        facts.verified = uint8(bound(facts.verified, 50, type(uint8).max));
        facts.failed = uint8(bound(facts.failed, 0, 16));
        facts.challenges = uint8(bound(facts.challenges, 0, 20));
    }

    function _levelOf(Facts memory facts) private returns (uint8) {
        node.stake = uint96(facts.stake) * 1e18;
        node.reputation = facts.reputation;
        node.tasksVerified = facts.verified;
        node.tasksFailed = facts.failed;
        node.banned = facts.banned;
        node.partner = facts.partner;
        partner.bond = uint128(facts.bond) * 1e18;
        node.standing.passed = facts.challenges;
        return TrustLevels.levelOf(node, rules, partner);
    }
}
