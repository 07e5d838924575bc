// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {AuditResults} from "src/verifier/AuditResults.sol";
import {NodeAudits} from "src/verifier/NodeAudits.sol";

/// @dev Against a plain twin that keeps every result in a list.
contract NodeAuditsTest is Test {
    uint64[] internal results;
    uint256 internal misses;
    uint256 internal passes;
    uint256 internal sinceLeftOut = 100;
    uint256 internal lastRound;

    function testFuzz_AuditsComeToWhatThePlainTwinSays(uint256 seed) public {
        NodeAudits memory audits;
        for (uint256 i; i < 40; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            lastRound += 1 + random % 3;
            uint64 round = uint64(lastRound);
            uint256 kind = (random >> 8) % 4;
            if (kind == 0) {
                audits.miss(round);
                _count(0);
                ++misses;
            } else if (kind == 1) {
                bool leftOut = audits.excuse(round);
                assertEq(leftOut, sinceLeftOut >= 3, "once in four");
                if (leftOut) sinceLeftOut = 0;
                else _count(0);
            } else {
                uint64 rate = uint64(random >> 16);
                audits.pass(round, rate, uint40(1_000 + i), uint40(2_000 + i));
                _count(rate);
                misses = 0;
                ++passes;
                assertEq(audits.state.lastAuditAt, 1_000 + i);
                assertEq(audits.state.validUntil, 2_000 + i);
            }
            _compare(audits);
        }
    }

    function testFuzz_TheLowerBoundNeverExceedsTheMean(uint64[4] memory rates, uint256 count) public pure {
        count = bound(count, 1, 4);
        AuditResults packed;
        uint256 total;
        uint256 least = type(uint64).max;
        for (uint256 i; i < count; ++i) {
            packed = packed.push(rates[i]);
            total += rates[i];
            if (rates[i] < least) least = rates[i];
        }
        uint256 bound_ = packed.lowerBound(count);
        assertLe(bound_ * count, total);
        assertEq(bound_, count < 3 ? least * 82 / 100 : total * 90 / (100 * count));
        assertEq(packed.sum(count), total);
        assertEq(packed.lowest(count), least);
        for (uint256 i; i < count; ++i) {
            assertEq(packed.rateAt(i), rates[count - 1 - i]);
        }
    }

    function test_ALongRunOfMissesDoesNotWrap() public pure {
        NodeAudits memory audits;
        for (uint64 i = 1; i <= 300; ++i) {
            audits.miss(i);
        }
        assertEq(audits.state.missesInRow, 255);
        assertEq(audits.state.count, 4);
        assertEq(audits.state.lastRound, 300);
    }

    function _count(uint64 rate) private {
        results.push(rate);
        ++sinceLeftOut;
    }

    function _compare(NodeAudits memory audits) private view {
        uint256 kept = results.length < 4 ? results.length : 4;
        assertEq(audits.state.count, kept, "count");
        assertEq(audits.state.missesInRow, misses, "misses");
        assertEq(audits.state.passed, passes, "passes");
        assertEq(audits.state.lastRound, lastRound, "last round");
        assertEq(audits.state.excuseWait, sinceLeftOut >= 3 ? 0 : 3 - sinceLeftOut, "wait");
        assertFalse(audits.state.excused);
        if (kept == 0) return;
        uint256 total;
        uint256 least = type(uint256).max;
        for (uint256 i; i < kept; ++i) {
            uint64 rate = results[results.length - 1 - i];
            assertEq(audits.results.rateAt(i), rate, "result");
            total += rate;
            if (rate < least) least = rate;
        }
        assertEq(audits.state.hashRate, kept < 3 ? least * 82 / 100 : total * 90 / (100 * kept), "power");
    }
}
