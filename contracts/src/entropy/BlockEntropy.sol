// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEntropySource} from "../interfaces/IEntropySource.sol";

/// @title Randomness from block values
/// @notice For chains whose proposers are many and whose `prevrandao` is a real beacon: Ethereum and development chains.
/// A proposer can still discard a block to re-roll, which a challenge seed tolerates: it gains no time to search.
contract BlockEntropy is IEntropySource {
    /// @inheritdoc IEntropySource
    function entropy() external view returns (bytes32) {
        return keccak256(abi.encode(block.prevrandao, blockhash(block.number - 1), block.chainid, address(this)));
    }
}
