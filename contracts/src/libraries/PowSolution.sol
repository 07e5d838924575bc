// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IProofOfWorkVerifier} from "../interfaces/IProofOfWorkVerifier.sol";

/// @title Reading a solution: its largest hash, and the hash rate that this tells
library PowSolution {
    /// @dev k: how many of the smallest hashes a solution shows. The estimate's relative error is 1/sqrt(k - 2).
    uint256 internal constant COUNT = 64;
    uint256 internal constant LENGTH = COUNT * 8;

    /// @notice The largest keccak256(seed ‖ nonce) over 64 strictly increasing nonces of 8 bytes, big-endian.
    function largestHash(bytes32 seed, bytes calldata nonces) internal pure returns (bytes32 largest) {
        if (nonces.length != LENGTH) revert IProofOfWorkVerifier.WrongSolutionLength(nonces.length);
        uint256 index;
        bool ordered = true;
        // The 40 bytes are hashed in scratch space, 0x00 to 0x27. The word stored at 0x20 carries the nonce in its first
        // 8 bytes; what follows (the next nonces, or zeros after the last) is never hashed.
        assembly ("memory-safe") {
            mstore(0x00, seed)
            let lowest := 0 // the least value that the next nonce may have
            for {} lt(index, 64) { index := add(index, 1) } {
                let word := calldataload(add(nonces.offset, shl(3, index)))
                let nonce := shr(192, word)
                if lt(nonce, lowest) {
                    ordered := 0
                    break
                }
                lowest := add(nonce, 1)
                mstore(0x20, word)
                let h := keccak256(0x00, 40)
                if gt(h, largest) { largest := h }
            }
        }
        if (!ordered) revert IProofOfWorkVerifier.NoncesNotIncreasing(index);
    }

    /// @notice floor(floor(63 x (2^256 - 1) / h) / window), at most 2^64 - 1; a hash of zero counts as one.
    /// @param window Seconds, at least 1.
    function hashRate(bytes32 largest, uint32 window) internal pure returns (uint64) {
        uint256 h = uint256(largest);
        // Up to 63 the quotient is at least 2^256 - 1, which no window brings below the cap.
        if (h < COUNT) return type(uint64).max;
        uint256 tried = Math.mulDiv(COUNT - 1, type(uint256).max, h);
        // casting is safe: bounded by the minimum
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint64(Math.min(tried / window, type(uint64).max));
    }
}
