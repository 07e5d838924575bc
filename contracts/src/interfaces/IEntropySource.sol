// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Where a chain's randomness comes from
/// @notice Block values are weak on several L2s, so each chain gets an adapter that was validated for it.
interface IEntropySource {
    /// @notice A value that nobody could know before this block's predecessor was final in its content.
    function entropy() external view returns (bytes32);
}
