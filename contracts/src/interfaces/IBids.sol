// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bid} from "../types/Bid.sol";

/// @title Signed bids: a provider offers, off-chain, and the buyer picks
/// @notice EIP-712, domain "AIIGO TaskMarketplace", version "1". A bid binds its node until it expires, is cancelled, or the
/// node's bid epoch is raised: by going offline, by a new operator, or by `cancelAllBids`.
interface IBids {
    /// @dev TaskAccepted follows in the same transaction. `price` is pricePerHour x eta / 3600, rounded up.
    event BidAccepted(
        bytes32 indexed taskId,
        uint64 indexed nodeId,
        address indexed signer,
        uint256 nonce,
        uint96 pricePerHour,
        uint32 eta,
        uint96 price
    );
    event BidCancelled(uint64 indexed nodeId, uint256 nonce);

    error BidExpired(bytes32 taskId, uint64 nodeId, uint40 expiry);
    error BidEpochOver(uint64 nodeId, uint32 bidEpoch, uint32 nodeEpoch);
    error BidNonceUsed(uint64 nodeId, uint256 nonce);
    error BidNotSigned(bytes32 taskId, uint64 nodeId);
    error BidTooSlow(bytes32 taskId, uint32 eta, uint32 duration);
    error BidPriceOutOfRange(bytes32 taskId, uint256 price, uint256 least, uint256 most);

    /// @notice Buyer: takes a bid, signed by the node's operator or owner, for an open task. Starts the work.
    function assignTask(Bid calldata bid, bytes calldata signature) external;
    /// @notice Owner or operator: uses a nonce up, so that no bid with it can be taken.
    function cancelBid(uint64 nodeId, uint256 nonce) external;
    /// @notice Owner or operator: voids every open bid of the node.
    function cancelAllBids(uint64 nodeId) external;

    /// @notice What has to be signed.
    function bidDigest(Bid calldata bid) external view returns (bytes32);
    /// @notice Whether a bid with this nonce was taken or cancelled.
    function isBidNonceUsed(uint64 nodeId, uint256 nonce) external view returns (bool);
}
