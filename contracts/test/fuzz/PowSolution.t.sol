// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IProofOfWorkVerifier} from "src/interfaces/IProofOfWorkVerifier.sol";
import {PowSolution} from "src/libraries/PowSolution.sol";

import {Pow} from "../utils/Pow.sol";

contract PowSolutionFuzzTest is Test {
    function largestHash(bytes32 seed, bytes calldata nonces) public pure returns (bytes32) {
        return PowSolution.largestHash(seed, nonces);
    }

    /// @dev The same with something else behind the nonces in the calldata, which must not be hashed.
    function largestHashFollowed(bytes32 seed, bytes calldata nonces, bytes32) external pure returns (bytes32) {
        return PowSolution.largestHash(seed, nonces);
    }

    function testFuzz_TheLoopFindsWhatThePlainTwinFinds(bytes32 seed, uint256 salt) public view {
        uint64[] memory nonces = _increasing(salt);
        bytes memory packed = Pow.pack(nonces);
        bytes32 expected = Pow.largestHash(seed, nonces);
        assertEq(this.largestHash(seed, packed), expected);
        assertEq(this.largestHashFollowed(seed, packed, bytes32(type(uint256).max)), expected);
    }

    function testFuzz_RevertWhen_ANonceDoesNotIncrease(bytes32 seed, uint256 salt, uint256 index, uint64 lower) public {
        uint64[] memory nonces = _increasing(salt);
        index = bound(index, 1, 63);
        nonces[index] = uint64(bound(lower, 0, nonces[index - 1]));
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.NoncesNotIncreasing.selector, index));
        this.largestHash(seed, Pow.pack(nonces));
    }

    function testFuzz_RevertWhen_TheLengthIsAnother(bytes32 seed, bytes calldata nonces) public {
        vm.assume(nonces.length != 512);
        vm.expectRevert(abi.encodeWithSelector(IProofOfWorkVerifier.WrongSolutionLength.selector, nonces.length));
        this.largestHash(seed, nonces);
    }

    function test_TheLoopCostsLittle() public {
        bytes memory nonces = Pow.pack(_increasing(1));
        uint256 before = gasleft();
        this.largestHash(keccak256("seed"), nonces);
        assertLt(before - gasleft(), 60_000);
    }

    function testFuzz_TheEstimateIsTheFloor(uint256 h, uint32 window) public pure {
        window = uint32(bound(window, 1, type(uint32).max));
        h = bound(h, 1 << 190, type(uint256).max);
        uint256 rate = PowSolution.hashRate(bytes32(h), window);
        assertEq(rate, Math.min(_divided(h) / window, type(uint64).max));
    }

    function testFuzz_SmallHashesAreCapped(uint256 h, uint32 window) public pure {
        window = uint32(bound(window, 1, type(uint32).max));
        h = bound(h, 0, 1 << 158);
        assertEq(PowSolution.hashRate(bytes32(h), window), type(uint64).max);
    }

    function testFuzz_ASmallerHashNeverMeansLess(uint256 a, uint256 b, uint32 window) public pure {
        window = uint32(bound(window, 1, type(uint32).max));
        if (a > b) (a, b) = (b, a);
        assertGe(PowSolution.hashRate(bytes32(a), window), PowSolution.hashRate(bytes32(b), window));
    }

    /// @dev floor(63 x (2^256 - 1) / h) by adding up what 63 divisions leave over; for h >= 64.
    function _divided(uint256 h) private pure returns (uint256 quotient) {
        uint256 remainder;
        for (uint256 i; i < 63; ++i) {
            quotient += type(uint256).max / h;
            uint256 more = type(uint256).max % h;
            if (remainder >= h - more) {
                quotient += 1;
                remainder -= h - more;
            } else {
                remainder += more;
            }
        }
    }

    function _increasing(uint256 salt) private pure returns (uint64[] memory nonces) {
        nonces = new uint64[](64);
        uint256 next;
        for (uint256 i; i < 64; ++i) {
            // Steps of any size, so that each of the eight bytes takes part.
            uint256 step = uint256(keccak256(abi.encode(salt, i))) >> (200 + (salt % 56 + i) % 56);
            next += 1 + step % (1 << 57);
            nonces[i] = uint64(next - 1);
        }
    }
}
