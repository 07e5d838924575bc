// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev Basis points in a whole.
uint256 constant BPS = 10_000;

/// @dev The most that the protocol may ever take of what a provider is due, in basis points. The escrow enforces it.
uint256 constant MAX_FEE_BPS = 1_000;

/// @dev Who pays in AIIGO gets one part in this many of the protocol's fee back.
uint16 constant AIIGO_DISCOUNT = 4;
