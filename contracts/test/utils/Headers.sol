// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";

/// @title Headers of blocks that never were
library Headers {
    using RLP for RLP.Encoder;

    /// @dev As a block of Prague has it.
    /// @param extra What the builder may write, up to 32 bytes.
    function encode(uint256 number, bytes32 mix, bytes memory extra) internal pure returns (bytes memory) {
        bytes32 empty = keccak256(hex"80"); // of an empty trie
        RLP.Encoder memory list = RLP.encoder();
        list.push(bytes32(number - 1)).push(keccak256(hex"c0")).push(address(0xB01));
        list.push(empty).push(empty).push(empty);
        list.push(new bytes(256)).push(uint256(0)).push(number);
        list.push(uint256(36_000_000)).push(uint256(21_000)).push(uint256(1_800_000_000));
        list.push(extra).push(mix).push(new bytes(8));
        list.push(uint256(1 gwei)).push(empty).push(uint256(0));
        list.push(uint256(0)).push(bytes32(0)).push(sha256(""));
        return list.encode();
    }
}
