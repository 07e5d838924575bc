// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev A node's signed offer for one task: a fixed price, pricePerHour x eta, for a result by eta.
struct Bid {
    bytes32 taskId;
    uint64 nodeId;
    uint96 pricePerHour; // smallest units of the task's payment token
    uint32 eta; // seconds from the assignment to the deadline
    uint40 expiry; // last second in which the buyer can take it
    uint32 nodeEpoch; // the node's bid epoch when it was signed
    uint256 nonce; // one of the node's, used once
}

using {structHash} for Bid global;

bytes32 constant BID_TYPEHASH = keccak256(
    "Bid(bytes32 taskId,uint64 nodeId,uint96 pricePerHour,uint32 eta,uint40 expiry,uint32 nodeEpoch,uint256 nonce)"
);

/// @dev EIP-712: every member is a word.
function structHash(Bid calldata bid) pure returns (bytes32) {
    return keccak256(abi.encode(BID_TYPEHASH, bid));
}
