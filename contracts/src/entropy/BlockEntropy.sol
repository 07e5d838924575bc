// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BlockHeader} from "@openzeppelin/contracts/utils/BlockHeader.sol";

import {IEntropySource} from "../interfaces/IEntropySource.sol";

/// @title Randomness from block values
/// @notice For chains whose proposers are many and whose `prevrandao` is a real beacon: Ethereum and development chains.
/// A proposer can still discard a block to re-roll, once for each block that it forgoes.
contract BlockEntropy is IEntropySource {
    /// @notice The history contract of EIP-2935, which remembers the last 8191 block hashes where the chain has it.
    address public constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;

    /// @inheritdoc IEntropySource
    function entropy() external view returns (bytes32) {
        return keccak256(abi.encode(block.prevrandao, blockhash(block.number - 1), block.chainid, address(this)));
    }

    /// @inheritdoc IEntropySource
    function randomnessOf(uint256 number, bytes calldata header) external view returns (bytes32) {
        if (keccak256(header) != hashOfBlock(number)) revert WrongHeader(number);
        return BlockHeader.getPrevRandao(header);
    }

    /// @inheritdoc IEntropySource
    function hashOfBlock(uint256 number) public view returns (bytes32) {
        // Zero for the present block, later ones and those more than 256 blocks ago.
        bytes32 hash = blockhash(number);
        if (hash != 0) return hash;
        if (number >= block.number) revert BlockHashUnavailable(number);

        // It answers 32 bytes with 32 bytes, reverts outside of its window, and isn't there on every chain.
        (bool known, bytes memory answer) = HISTORY.staticcall(abi.encode(number));
        if (known && answer.length == 32) hash = abi.decode(answer, (bytes32));
        // A slot from before the chain activated it reads zero.
        if (hash == 0) revert BlockHashUnavailable(number);
        return hash;
    }
}
