// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {PowSolution} from "src/libraries/PowSolution.sol";

/// @notice The estimator, for every window. Its division of a 262-bit number is out of a solver's reach for an unknown hash,
/// so the hash is one of four powers of two; the fuzz tests take any.
contract PowSolutionSymbolicTest is Test {
    function check_TheEstimateIsTheFloor(uint8 choice, uint32 window) public pure {
        vm.assume(window != 0);
        uint256 bit = _bit(choice);
        // floor(63 x (2^256 - 1) / 2^bit)
        uint256 tried = (63 << (256 - bit)) - 1;
        uint256 rate = PowSolution.hashRate(bytes32(1 << bit), window);
        assert(rate * window <= tried);
        assert(rate == type(uint64).max || tried < (rate + 1) * window);
    }

    function check_ATinyHashIsTheMost(uint8 h, uint32 window) public pure {
        vm.assume(h < 64 && window != 0);
        assert(PowSolution.hashRate(bytes32(uint256(h)), window) == type(uint64).max);
    }

    /// @dev The smallest hash that counts; one around the cap; one of a real machine; the largest.
    function _bit(uint8 choice) private pure returns (uint256) {
        if (choice == 0) return 6;
        if (choice == 1) return 190;
        if (choice == 2) return 220;
        return 255;
    }
}
