// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {ActivityLog, REMEMBERED} from "src/verifier/ActivityLog.sol";

/// @dev Against a plain twin that writes down every interval.
contract ActivityLogTest is Test {
    ActivityLog internal ring;
    mapping(uint64 interval => bool) internal model;
    bool internal modelActive;
    uint64 internal present = 1;
    uint64 internal lastChange;

    // ---------------------------------------------------------------- One after another

    function test_ANodeNobodyNotedWasNeverActive() public view {
        assertFalse(ring.wasActive(1));
        assertFalse(ring.wasActive(1_000));
        assertEq(ring.firstActive(1, 1_000), 0);
    }

    function test_AMomentOfActivityCountsForItsWholeInterval() public {
        assertTrue(ring.note(5, true));
        assertTrue(ring.note(5, false));
        assertFalse(ring.wasActive(4));
        assertTrue(ring.wasActive(5));
        assertFalse(ring.wasActive(6));
        assertEq(ring.firstActive(1, 9), 5);
    }

    function test_ActivityLastsUntilItEnds() public {
        ring.note(2, true);
        assertTrue(ring.wasActive(40));
        ring.note(9, false);
        assertTrue(ring.wasActive(8));
        assertTrue(ring.wasActive(9), "it was active when the interval began");
        assertFalse(ring.wasActive(10));
        assertEq(ring.firstActive(1, 20), 2);
        assertEq(ring.firstActive(7, 20), 7);
        assertEq(ring.firstActive(10, 20), 0);
    }

    function test_TheSameAgainChangesNothing() public {
        assertFalse(ring.note(3, false));
        ring.note(3, true);
        bytes32 before = vm.load(address(this), _slot());
        assertFalse(ring.note(70, true));
        assertEq(vm.load(address(this), _slot()), before);
        assertTrue(ring.wasActive(70));
    }

    function test_WhatIsTooLongAgoIsForgotten() public {
        ring.note(1, true);
        ring.note(200, false);
        uint64 oldest = 200 - REMEMBERED + 1;
        assertFalse(ring.wasActive(oldest - 1));
        assertTrue(ring.wasActive(oldest));
        assertEq(ring.firstActive(1, 200), oldest);
        assertEq(ring.firstActive(1, oldest - 1), 0);
    }

    function test_ALogIsOneSlot() public {
        ring.note(type(uint64).max - 1, true);
        assertEq(vm.load(address(this), bytes32(uint256(_slot()) + 1)), 0, "beside it lies the empty model");
        assertTrue(ring.wasActive(type(uint64).max));
        assertEq(ring.firstActive(1, type(uint64).max), type(uint64).max - 1);
    }

    // ---------------------------------------------------------------- Fuzz

    function testFuzz_TheLogSaysWhatThePlainTwinSays(uint256 seed) public {
        for (uint256 i; i < 40; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            // Mostly small steps; now and then one longer than the memory.
            uint64 step = uint64(random % 16 == 0 ? (random >> 8) % 300 : (random >> 8) % 4);
            _advance(step);
            _note((random >> 128) % 2 == 0);
        }
        _advance(3);
        _compare();
    }

    function testFuzz_TheFirstActiveIntervalIsThePlainTwins(uint256 seed, uint64 from, uint64 to) public {
        for (uint256 i; i < 20; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            _advance(uint64(random % 40));
            _note((random >> 128) % 2 == 0);
        }
        _advance(uint64(seed % 5));
        to = uint64(bound(to, 1, present));
        from = uint64(bound(from, 1, to));
        uint64 expected;
        for (uint64 i = from; i <= to && expected == 0; ++i) {
            if (_remembered(i) && model[i]) expected = i;
        }
        assertEq(ring.firstActive(from, to), expected);
        assertEq(ring.firstActive(to + 1, to), 0, "nothing lies between");
    }

    // ---------------------------------------------------------------- Inside

    function _advance(uint64 steps) private {
        for (uint64 i; i < steps; ++i) {
            ++present;
            model[present] = modelActive;
        }
    }

    function _note(bool active) private {
        assertEq(ring.note(present, active), active != modelActive);
        if (active != modelActive) lastChange = present;
        modelActive = active;
        if (active) model[present] = true;
    }

    function _remembered(uint64 interval) private view returns (bool) {
        return interval + REMEMBERED > lastChange;
    }

    function _compare() private view {
        for (uint64 i = 1; i <= present; ++i) {
            assertEq(ring.wasActive(i), _remembered(i) && model[i], vm.toString(i));
        }
    }

    function _slot() private pure returns (bytes32 slot) {
        assembly {
            slot := ring.slot
        }
    }
}
