// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Cause, NodeInfo, NodeStatus} from "../types/Node.sol";
import {ResourceType} from "../types/Resource.sol";

/// @title Nodes, their keys, stake and reputation
/// @notice A node has three keys: the owner (cold: stake, keys, exit), the operator (hot, on the provider's machine: it
/// accepts, solves and submits, and can never move stake or earnings) and the payout address.
interface INodeRegistry {
    /// @dev Governance parameters. Durations in seconds, amounts in wei, shares in basis points.
    struct Parameters {
        uint96 registrationFee; // ETH wei, to the treasury
        uint96 minStake; // AIIGO wei; also the stake behind one running task
        uint32 unbondingPeriod;
        uint16 timeoutSlashBps; // of stake and unbonding
        uint128 levelOneEscrowCap; // open escrow of a level 1 node per payment token, smallest units
        uint128 minCountedFee; // a task with a smaller fee moves no reputation upwards
    }

    event NodeRegistered(
        uint64 indexed nodeId,
        address indexed owner,
        address indexed operator,
        address payout,
        ResourceType resourceType,
        string metadataURI,
        uint256 fee
    );
    event OperatorChanged(uint64 indexed nodeId, address indexed operator);
    event PayoutChanged(uint64 indexed nodeId, address indexed payout);
    event MetadataChanged(uint64 indexed nodeId, string metadataURI);
    event OnlineChanged(uint64 indexed nodeId, bool online);
    event NodeVerified(uint64 indexed nodeId);
    event NodeBanned(uint64 indexed nodeId);
    /// @dev `stake` and `unbonding` are the node's totals after the change.
    event StakeAdded(uint64 indexed nodeId, address indexed from, uint256 amount, uint256 stake);
    event UnbondingStarted(uint64 indexed nodeId, uint256 amount, uint256 stake, uint256 unbonding, uint40 readyAt);
    event StakeWithdrawn(uint64 indexed nodeId, address indexed to, uint256 amount, uint256 unbonding);
    event StakeSlashed(uint64 indexed nodeId, Cause indexed cause, uint256 burned, uint256 stake, uint256 unbonding);
    event ReputationChanged(uint64 indexed nodeId, Cause indexed cause, int256 delta, uint16 reputation);
    event RegistryParametersChanged(Parameters parameters);

    error UnknownNode(uint64 nodeId);
    error NotNodeOwner(uint64 nodeId, address caller);
    error NotNodeOperator(uint64 nodeId, address caller);
    error NotMarketplace(address caller);
    error NotVerifier(address caller);
    error WrongRegistrationFee(uint256 sent, uint256 required);
    error TreasuryRefusedFee();
    error ZeroAmount();
    error ZeroAddress();
    error NodeIsBanned(uint64 nodeId);
    error AlreadyInState(uint64 nodeId);
    error NodeNotActive(uint64 nodeId, NodeStatus status);
    error InsufficientStake(uint64 nodeId, uint256 stake, uint256 required);
    error UnbondingNotReady(uint64 nodeId, uint40 readyAt);
    error NothingUnbonding(uint64 nodeId);
    error NodeIsBusy(uint64 nodeId, uint256 openTasks);
    error WrongResourceType(uint64 nodeId, ResourceType offered, ResourceType required);
    error NoFreeSlot(uint64 nodeId, uint256 running, uint256 slots);
    error InsufficientPower(uint64 nodeId, uint256 available, uint256 required);
    error TrustTooLow(uint64 nodeId, uint8 level, uint8 required);
    error EscrowCapExceeded(uint64 nodeId, uint256 open, uint256 cap);
    error InvalidParameters();

    /// @notice Registers a node; the fee goes to the treasury. A zero `operator` or `payout` means the caller.
    function registerNode(ResourceType resourceType, string calldata metadataURI, address operator, address payout)
        external
        payable
        returns (uint64 nodeId);
    /// @notice Stakes the caller's AIIGO (approved before) for a node of theirs.
    function stakeForNode(uint64 nodeId, uint256 amount) external;
    /// @notice Starts unbonding. A further call adds to what unbonds and restarts the period for all of it.
    function unstake(uint64 nodeId, uint256 amount) external;
    /// @notice Pays everything unbonded to the owner. Refused while a task of the node runs or is under review.
    function withdrawStake(uint64 nodeId) external;
    /// @notice Goes online or offline, by owner or operator. Running tasks go on.
    function setOnline(uint64 nodeId, bool online) external;
    function setOperator(uint64 nodeId, address operator) external;
    function setPayout(uint64 nodeId, address payout) external;
    function setMetadata(uint64 nodeId, string calldata metadataURI) external;

    /// @notice Verifier: the node's first challenge was passed.
    function markVerified(uint64 nodeId) external;
    /// @notice Marketplace: a task starts. Reverts unless the node is eligible for it.
    function beginTask(
        uint64 nodeId,
        ResourceType resourceType,
        uint8 minTrustLevel,
        uint32 power,
        address token,
        uint96 escrow
    ) external;
    /// @notice Marketplace: the result is in; the slot and the power are free again. Refused to a banned node.
    function endExecution(uint64 nodeId, uint32 power) external;
    /// @notice Marketplace: the task is paid. It counts for reputation if `fee` reaches the least counted fee and no other
    /// task of this buyer and node counted in the last 24 hours.
    function settleTask(uint64 nodeId, address buyer, address token, uint96 escrow, uint256 fee) external;
    /// @notice Marketplace: the task was not delivered. Frees its slot and applies the penalty of `cause`.
    function failTask(uint64 nodeId, uint32 power, address token, uint96 escrow, Cause cause) external;

    /// @notice Governance: misuse. Burns half of stake and unbonding and bans the node; the rest can be unstaked.
    function ban(uint64 nodeId) external;
    function setParameters(Parameters calldata parameters) external;

    function parameters() external view returns (Parameters memory);
    function nodeCount() external view returns (uint64);
    function nodeInfo(uint64 nodeId) external view returns (NodeInfo memory);
    function statusOf(uint64 nodeId) external view returns (NodeStatus);
    function ownerOf(uint64 nodeId) external view returns (address);
    function operatorOf(uint64 nodeId) external view returns (address);
    function payoutOf(uint64 nodeId) external view returns (address);
    function resourceTypeOf(uint64 nodeId) external view returns (ResourceType);
    function trustLevelOf(uint64 nodeId) external view returns (uint8);
    /// @notice Owner or operator.
    function isOperator(uint64 nodeId, address account) external view returns (bool);
    /// @notice Slots not taken by running tasks: stake / minimum stake - running.
    function freeSlots(uint64 nodeId) external view returns (uint256);
    /// @notice Sum of the escrow of the node's running and reviewed tasks in one payment token.
    function openEscrowOf(uint64 nodeId, address token) external view returns (uint256);
}
