// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A small solver, and the plain twin of the contract's hashing loop
library Pow {
    uint256 internal constant COUNT = 64;

    /// @notice 64 increasing nonces whose hashes are among the lowest 1/effort: about 64 x effort hashes of work.
    function solve(bytes32 seed, uint256 effort) internal pure returns (bytes memory nonces) {
        uint256 limit = type(uint256).max / effort;
        uint256 found;
        for (uint64 nonce; found < COUNT; ++nonce) {
            if (uint256(keccak256(abi.encodePacked(seed, nonce))) > limit) continue;
            nonces = bytes.concat(nonces, bytes8(nonce));
            ++found;
        }
    }

    /// @notice What `largestHashOf` must say of a well-formed solution.
    function largestHash(bytes32 seed, uint64[] memory nonces) internal pure returns (bytes32 largest) {
        for (uint256 i; i < nonces.length; ++i) {
            bytes32 hash = keccak256(abi.encodePacked(seed, nonces[i]));
            if (hash > largest) largest = hash;
        }
    }

    function pack(uint64[] memory nonces) internal pure returns (bytes memory packed) {
        for (uint256 i; i < nonces.length; ++i) {
            packed = bytes.concat(packed, bytes8(nonces[i]));
        }
    }

    function unpack(bytes memory packed) internal pure returns (uint64[] memory nonces) {
        nonces = new uint64[](packed.length / 8);
        for (uint256 i; i < packed.length; ++i) {
            nonces[i / 8] = (nonces[i / 8] << 8) | uint8(packed[i]);
        }
    }
}
