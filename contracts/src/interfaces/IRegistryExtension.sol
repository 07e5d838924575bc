// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LimitsConfig, NodeInfo, Partner, Tier, TokenLimits} from "../types/Node.sol";
import {ResourceType} from "../types/Resource.sol";
import {IEntryPausable} from "./IEntryPausable.sol";
import {INodeRegistry} from "./INodeRegistry.sol";

/// @title The rest of the registry: registration, keys, review, governance and what only readers ask
interface IRegistryExtension is IEntryPausable {
    /// @param owner Governance: the timelock.
    /// @param limits Of the payment tokens used from the first block on.
    function initialize(address owner, INodeRegistry.Parameters calldata parameters, LimitsConfig[] calldata limits)
        external;

    /// @notice Registers a node; the fee goes to the treasury. A zero `operator` or `payout` means the caller.
    /// @param referrer The node that brought this one, without a key in common; zero: none.
    function registerNode(
        ResourceType resourceType,
        string calldata metadataURI,
        address operator,
        address payout,
        uint64 referrer
    ) external payable returns (uint64 nodeId);
    /// @notice Owner: another operator. Bids that the last one signed are void.
    function setOperator(uint64 nodeId, address operator) external;
    function setPayout(uint64 nodeId, address payout) external;
    function setMetadata(uint64 nodeId, string calldata metadataURI) external;

    /// @notice Anyone: suspends a node that fails too often. Its running tasks go on, new ones are refused.
    function putUnderReview(uint64 nodeId) external;
    /// @notice Anyone: tells the verifier whether the node is active, after time or a parameter changed it.
    function syncActivity(uint64 nodeId) external;

    /// @notice Governance: misuse. Burns half of stake and unbonding, bans the node, ends what it runs, and unbonds the rest.
    function ban(uint64 nodeId) external;
    /// @notice Governance: ends a review before its time.
    function endReview(uint64 nodeId) external;
    /// @notice Governance: marks who runs a node.
    function addTrustedNode(uint64 nodeId, Tier tier) external;
    /// @notice Governance: records what makes level 4 possible; a zero `slaHash` and bond end it.
    function recordPartner(uint64 nodeId, bytes32 slaHash, uint128 bond) external;
    function setParameters(INodeRegistry.Parameters calldata parameters) external;
    /// @notice Governance: limits of a payment token; all zero: the token can't be used for new tasks.
    function setTokenLimits(address token, TokenLimits calldata limits) external;

    function nodeCount() external view returns (uint64);
    function nodeInfo(uint64 nodeId) external view returns (NodeInfo memory);
    /// @notice Up to `limit` nodes in the order of registration; the first has the id `from` (at least 1), each next one more.
    function nodes(uint64 from, uint64 limit) external view returns (NodeInfo[] memory);
    /// @notice Verified, online, staked at least the minimum, neither under review nor banned, now.
    function isActive(uint64 nodeId) external view returns (bool);
    function trustLevelOf(uint64 nodeId) external view returns (uint8);
    /// @notice What counted since the last review.
    function failuresOf(uint64 nodeId) external view returns (uint256 failed, uint256 counted);
    function partnerOf(uint64 nodeId) external view returns (Partner memory);
    function tokenLimits(address token) external view returns (TokenLimits memory);
    /// @notice Sum of the escrow of the node's running and reviewed tasks in one payment token.
    function openEscrowOf(uint64 nodeId, address token) external view returns (uint256);
}

/// @title The registry as its users see it: one address
interface IRegistry is INodeRegistry, IRegistryExtension {}
