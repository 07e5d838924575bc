// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Where a chain's randomness comes from
/// @notice Block values are weak on several L2s, so each chain gets an adapter that was validated for it.
interface IEntropySource {
    /// @dev The block isn't over yet, or was too long ago for the chain to remember its hash.
    error BlockHashUnavailable(uint256 number);

    /// @notice A value that nobody could know before this block's predecessor was final in its content.
    function entropy() external view returns (bytes32);

    /// @notice The hash of block `number`, equal for every caller and at every time: for draws among candidates that were
    /// frozen before that block. Reverts when the chain doesn't know it (yet, or any more).
    function hashOfBlock(uint256 number) external view returns (bytes32);
}
