// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {PowSolution} from "src/libraries/PowSolution.sol";

import {Pow} from "../utils/Pow.sol";

/// @dev The vectors that the solver in Rust reads too: both sides mean the same seeds, hashes and rates.
contract PowVectorsTest is Test {
    string internal constant FILE = "contracts/test/vectors/pow.json";

    function largestHash(bytes32 seed, bytes calldata nonces) external pure returns (bytes32) {
        return PowSolution.largestHash(seed, nonces);
    }

    function test_SeedsHashesAndRatesAreThoseOfTheSharedVectors() public view {
        string memory json = vm.readFile(FILE);
        uint256 count;
        for (; vm.keyExistsJson(json, _case(count)); ++count) {
            string memory path = _case(count);
            uint64 nodeId = uint64(vm.parseJsonUint(json, string.concat(path, ".nodeId")));
            bytes32 seed = keccak256(
                abi.encode(
                    vm.parseJsonUint(json, string.concat(path, ".chainId")),
                    vm.parseJsonAddress(json, string.concat(path, ".verifier")),
                    vm.parseJsonBytes32(json, string.concat(path, ".challengeSeed")),
                    nodeId
                )
            );
            assertEq(seed, vm.parseJsonBytes32(json, string.concat(path, ".seed")), path);
            bytes memory nonces = vm.parseJsonBytes(json, string.concat(path, ".nonces"));
            bytes32 largest = vm.parseJsonBytes32(json, string.concat(path, ".largestHash"));
            assertEq(this.largestHash(seed, nonces), largest, path);
            assertEq(Pow.largestHash(seed, Pow.unpack(nonces)), largest, path);
            _checkRate(json, path, largest);
        }
        assertGe(count, 6, "solutions");
    }

    function test_EdgesOfTheEstimatorAreThoseOfTheSharedVectors() public view {
        string memory json = vm.readFile(FILE);
        uint256 count;
        for (; vm.keyExistsJson(json, _estimate(count)); ++count) {
            string memory path = _estimate(count);
            _checkRate(json, path, vm.parseJsonBytes32(json, string.concat(path, ".largestHash")));
        }
        assertGe(count, 10, "estimates");
    }

    function _checkRate(string memory json, string memory path, bytes32 largest) private pure {
        uint32 window = uint32(vm.parseJsonUint(json, string.concat(path, ".window")));
        uint256 rate = vm.parseJsonUint(json, string.concat(path, ".hashRate"));
        assertEq(PowSolution.hashRate(largest, window), rate, path);
    }

    function _case(uint256 index) private pure returns (string memory) {
        return string.concat(".cases[", vm.toString(index), "]");
    }

    function _estimate(uint256 index) private pure returns (string memory) {
        return string.concat(".estimates[", vm.toString(index), "]");
    }
}
