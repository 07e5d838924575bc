// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Where a chain's randomness comes from
/// @notice Block values are weak on several L2s, so each chain gets an adapter that was validated for it.
interface IEntropySource {
    /// @dev The block isn't over yet, or was too long ago for the chain to remember its hash.
    error BlockHashUnavailable(uint256 number);
    /// @dev The header is another block's.
    error WrongHeader(uint256 number);

    /// @notice A value that nobody could know before this block's predecessor was final in its content.
    function entropy() external view returns (bytes32);

    /// @notice The hash of block `number`, equal for every caller and at every time. Who builds the block can choose it among
    /// as many as it cares to try. Reverts when the chain doesn't know it (yet, or any more).
    function hashOfBlock(uint256 number) external view returns (bytes32);

    /// @notice The randomness of block `number`, equal for every caller and at every time, that its builder could not choose:
    /// for draws among candidates that were frozen long enough before. Reverts as `hashOfBlock`.
    /// @param header The block's header, RLP encoded: what its hash is the hash of.
    function randomnessOf(uint256 number, bytes calldata header) external view returns (bytes32);
}
