// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {IBids} from "../interfaces/IBids.sol";
import {Payment} from "../libraries/Payment.sol";
import {Bid} from "../types/Bid.sol";
import {AGREED, Agreement, TaskRecord} from "../types/TaskRecord.sol";
import {MarketBase} from "./MarketBase.sol";

/// @title The second way to a provider: the buyer takes a signed bid
/// @dev EIP712 keeps its name and version in the code; its storage is for longer names. It asks for the address at each call,
/// so that the domain is the proxy's.
abstract contract Bids is IBids, EIP712, MarketBase {
    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() EIP712("AIIGO TaskMarketplace", "1") {}

    // ---------------------------------------------------------------- Buyers

    /// @inheritdoc IBids
    function assignTask(Bid calldata bid, bytes calldata signature) external {
        bytes32 taskId = bid.taskId;
        TaskRecord storage task = _onOffer(taskId);
        _checkBuyer(taskId, task);
        uint256 price = _checkTerms(bid, task);
        address signer = _signerOf(bid, signature);
        _useNonce(bid.nodeId, bid.nonce);
        // Casting is safe: at most the task's escrow and duration, which have as many bits.
        // forge-lint: disable-start(unsafe-typecast)
        _storage().agreements[taskId] = Agreement({price: uint88(price), eta: uint24(bid.eta)});
        task.flags |= AGREED;
        emit BidAccepted(taskId, bid.nodeId, signer, bid.nonce, bid.pricePerHour, bid.eta, uint96(price));
        // forge-lint: disable-end(unsafe-typecast)
        _assign(taskId, task, bid.nodeId, signer, bid.eta);
    }

    // ---------------------------------------------------------------- Providers

    /// @inheritdoc IBids
    function cancelBid(uint64 nodeId, uint256 nonce) external {
        _checkOperator(nodeId);
        _useNonce(nodeId, nonce);
        emit BidCancelled(nodeId, nonce);
    }

    /// @inheritdoc IBids
    function cancelAllBids(uint64 nodeId) external {
        _checkOperator(nodeId);
        registry.raiseBidEpoch(nodeId);
    }

    // ---------------------------------------------------------------- Views

    /// @inheritdoc IBids
    function bidDigest(Bid calldata bid) public view returns (bytes32) {
        return _hashTypedDataV4(bid.structHash());
    }

    /// @inheritdoc IBids
    function isBidNonceUsed(uint64 nodeId, uint256 nonce) external view returns (bool) {
        return _storage().bidNonces[nodeId][nonce >> 8] & (1 << (nonce & 0xff)) != 0;
    }

    // ---------------------------------------------------------------- Inside

    /// @dev The price can't exceed what the buyer escrowed, nor be less than any delivered task's.
    function _checkTerms(Bid calldata bid, TaskRecord storage task) private view returns (uint256 price) {
        if (block.timestamp > bid.expiry) revert BidExpired(bid.taskId, bid.nodeId, bid.expiry);
        uint32 epoch = registry.bidEpochOf(bid.nodeId);
        if (bid.nodeEpoch != epoch) revert BidEpochOver(bid.nodeId, bid.nodeEpoch, epoch);
        if (bid.eta > task.duration) revert BidTooSlow(bid.taskId, bid.eta, task.duration);
        price = Payment.escrowFor(bid.pricePerHour, bid.eta);
        if (price < Payment.DUE_UNIT || price > task.escrow) {
            revert BidPriceOutOfRange(bid.taskId, price, Payment.DUE_UNIT, task.escrow);
        }
    }

    /// @dev Whoever acts for the node now; a contract may, too (ERC-1271).
    function _signerOf(Bid calldata bid, bytes calldata signature) private view returns (address signer) {
        bytes32 digest = bidDigest(bid);
        signer = registry.operatorOf(bid.nodeId);
        if (SignatureChecker.isValidSignatureNowCalldata(signer, digest, signature)) return signer;
        signer = registry.ownerOf(bid.nodeId);
        if (SignatureChecker.isValidSignatureNowCalldata(signer, digest, signature)) return signer;
        revert BidNotSigned(bid.taskId, bid.nodeId);
    }

    function _useNonce(uint64 nodeId, uint256 nonce) private {
        mapping(uint256 word => uint256 bits) storage used = _storage().bidNonces[nodeId];
        uint256 bit = 1 << (nonce & 0xff);
        uint256 bits = used[nonce >> 8];
        if (bits & bit != 0) revert BidNonceUsed(nodeId, nonce);
        used[nonce >> 8] = bits | bit;
    }
}
