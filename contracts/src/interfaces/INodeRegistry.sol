// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Cause, NodeStatus, TaskDemand, Tier, TokenLimits, Verdict} from "../types/Node.sol";
import {ResourceType} from "../types/Resource.sol";
import {Standing} from "../types/Standing.sol";

/// @title Nodes, their keys, stake and reputation
/// @notice A node has three keys: the owner (cold: stake, keys, exit), the operator (hot, on the provider's machine: it
/// accepts, solves and submits, and can never move stake or earnings) and the payout address.
/// @dev Here is what other contracts call and what moves money, and everything that either piece of the registry says; the
/// rest is in IRegistryExtension. One address answers both.
interface INodeRegistry {
    /// @dev Governance parameters: three slots. Durations in seconds, amounts in wei, shares in basis points.
    struct Parameters {
        // slot 0: all that starting a task of level 1 needs
        uint96 registrationFee; // ETH wei, to the treasury
        uint96 minStake; // AIIGO wei: level 1, and the stake behind one running task
        uint32 unbondingPeriod;
        uint16 timeoutSlashBps; // of stake and unbonding
        uint16 disputeSlashBps;
        // slot 1
        uint96 levelTwoStake; // AIIGO wei
        uint96 levelThreeStake; // AIIGO wei; also level 4, which adds the partner's bond
        uint16 levelTwoChallenges; // challenges passed
        uint16 levelThreeReputation; // also level 4
        uint16 levelThreeTasks; // verified tasks that counted
        uint16 levelThreeSuccessBps; // of all that counted
        // slot 2
        uint16 misuseSlashBps;
        uint32 reviewPeriod; // a review ends after it, unless governance ends it before
        uint16 reviewMinTasks; // tasks that must have counted since the last review
        uint16 reviewFailureBps; // of them, more than which anyone may put the node under review
    }

    event NodeRegistered(
        uint64 indexed nodeId,
        address indexed owner,
        address indexed operator,
        address payout,
        ResourceType resourceType,
        string metadataURI,
        uint256 fee,
        uint64 referrer
    );
    event OperatorChanged(uint64 indexed nodeId, address indexed operator);
    event PayoutChanged(uint64 indexed nodeId, address indexed payout);
    event MetadataChanged(uint64 indexed nodeId, string metadataURI);
    /// @dev By owner or operator, or by the verifier after too many missed audits.
    event OnlineChanged(uint64 indexed nodeId, bool online);
    /// @dev Every signed bid of an earlier epoch is void.
    event BidEpochRaised(uint64 indexed nodeId, uint32 epoch);
    event NodeVerified(uint64 indexed nodeId);
    event NodeBanned(uint64 indexed nodeId);
    /// @dev Counted since the last review. It ends after `until`, without another event, unless ReviewEnded says otherwise.
    event ReviewStarted(uint64 indexed nodeId, address indexed by, uint40 until, uint256 failed, uint256 counted);
    event ReviewEnded(uint64 indexed nodeId);
    event NodeTierChanged(uint64 indexed nodeId, Tier tier);
    /// @dev A zero `slaHash`: no partner any more.
    event PartnerRecorded(uint64 indexed nodeId, bytes32 slaHash, uint128 bond);
    /// @dev `stake` and `unbonding` are the node's totals after the change, here and below.
    event StakeAdded(uint64 indexed nodeId, address indexed from, uint256 amount, uint256 stake);
    event UnbondingStarted(uint64 indexed nodeId, uint256 amount, uint256 stake, uint256 unbonding, uint40 readyAt);
    event StakeWithdrawn(uint64 indexed nodeId, address indexed to, uint256 amount, uint256 unbonding);
    event StakeSlashed(uint64 indexed nodeId, Cause indexed cause, uint256 burned, uint256 stake, uint256 unbonding);
    event CaseFeeTaken(uint64 indexed nodeId, uint256 amount, uint256 stake, uint256 unbonding);
    event CaseFeeReturned(uint64 indexed nodeId, uint256 amount, uint256 stake, uint256 unbonding);
    event ReputationChanged(uint64 indexed nodeId, Cause indexed cause, int256 delta, uint16 reputation);
    event RegistryParametersChanged(Parameters parameters);
    event TokenLimitsChanged(address indexed token, TokenLimits limits);

    error UnknownNode(uint64 nodeId);
    error NotNodeOwner(uint64 nodeId, address caller);
    error NotNodeOperator(uint64 nodeId, address caller);
    error NotMarketplace(address caller);
    error NotVerifier(address caller);
    error NotCourt(address caller);
    error WrongRegistrationFee(uint256 sent, uint256 required);
    error TreasuryRefusedFee();
    error SelfReferral(uint64 referrer);
    error ZeroAmount();
    error ZeroAddress();
    error NodeIsBanned(uint64 nodeId);
    error AlreadyInState(uint64 nodeId);
    error NodeNotActive(uint64 nodeId, NodeStatus status);
    error InsufficientStake(uint64 nodeId, uint256 stake, uint256 required);
    error UnbondingNotReady(uint64 nodeId, uint40 readyAt);
    error NothingUnbonding(uint64 nodeId);
    error NodeIsBusy(uint64 nodeId, uint256 openTasks);
    error BuyerOwnsNode(uint64 nodeId, address buyer);
    error WrongResourceType(uint64 nodeId, ResourceType offered, ResourceType required);
    error NoFreeSlot(uint64 nodeId, uint256 running, uint256 slots);
    error InsufficientPower(uint64 nodeId, uint256 available, uint256 required);
    /// @dev `lastAuditAt` is zero if the node was never audited.
    error AuditTooOld(uint64 nodeId, uint40 lastAuditAt, uint32 maxAuditAge);
    error TrustTooLow(uint64 nodeId, uint8 level, uint8 required);
    error TokenWithoutLimits(address token);
    error EscrowCapExceeded(uint64 nodeId, uint256 open, uint256 cap);
    error NodeUnderReview(uint64 nodeId, uint40 until);
    error NotUnderReview(uint64 nodeId);
    error NotFailing(uint64 nodeId, uint256 failed, uint256 counted);
    error InvalidParameters();
    error InvalidLimits(address token);

    /// @notice Stakes the caller's AIIGO (approved before) for a node of theirs.
    function stakeForNode(uint64 nodeId, uint256 amount) external;
    /// @notice Starts unbonding. A further call adds to what unbonds and restarts the period for all of it.
    function unstake(uint64 nodeId, uint256 amount) external;
    /// @notice Pays everything unbonded to the owner. Refused while a task of the node runs, is under review or in dispute.
    function withdrawStake(uint64 nodeId) external;
    /// @notice Goes online or offline, by owner or operator. Running tasks go on; going offline voids all open bids.
    function setOnline(uint64 nodeId, bool online) external;
    /// @notice Voids all open bids of the node. By owner or operator, or the marketplace for one of them.
    function raiseBidEpoch(uint64 nodeId) external;

    /// @notice Verifier: the node's first challenge was passed.
    function markVerified(uint64 nodeId) external;
    /// @notice Verifier: an audit was passed or missed; `takeOffline` with the last of too many misses. Calls the
    /// verifier's noteActivity back if the node was active.
    function recordAudit(uint64 nodeId, bool passed, bool takeOffline) external;

    /// @notice Verifier: what the node has proved, whenever that changed, so that starting a task need not ask. The verifier's
    /// events say it.
    function recordStanding(uint64 nodeId, Standing calldata standing) external;

    /// @notice Marketplace: a task starts. Reverts unless `operator` acts for the node, none of the node's keys is the
    /// buyer, and the node is eligible: Active, right resource, a free slot, enough power, an audit young enough, trust, and
    /// room below its level's cap of open escrow.
    function beginTask(uint64 nodeId, address operator, address buyer, TaskDemand calldata demand) external;
    /// @notice Marketplace: the result is in; the slot and the power are free again. Reverts unless `operator` acts for the
    /// node. Refused to a banned node.
    function endExecution(uint64 nodeId, address operator, uint32 power) external;
    /// @notice Marketplace: the task is paid. It counts for reputation if `fee` reaches the token's least counted fee and no
    /// other task of this buyer and node counted in the last 24 hours.
    function settleTask(uint64 nodeId, address buyer, address token, uint96 escrow, uint256 fee) external;
    /// @notice Marketplace: the task was not delivered. Frees its slot and applies the penalty of `cause`.
    function failTask(uint64 nodeId, uint32 power, address token, uint96 escrow, Cause cause) external;
    /// @notice Marketplace: a result was committed to and never shown. Applies the penalty of `cause`.
    function failReviewed(uint64 nodeId, address token, uint96 escrow, Cause cause) external;
    /// @notice Marketplace: a node that had reserved a slot is not needed. Frees it and moves nothing.
    function releaseTask(uint64 nodeId, uint32 power, address token, uint96 escrow) external;
    /// @notice Marketplace: the dispute about a delivered task is over. Lost: a failure, the slash and -500. Won: counts like
    /// a paid task, with +100.
    function settleDispute(uint64 nodeId, address buyer, address token, uint96 escrow, uint256 fee, Verdict verdict)
        external;

    /// @notice Court: takes the provider's side of a case fee to the court, from the node's stake and, once that is empty,
    /// from what unbonds.
    /// @return taken `amount`, or all that is left
    function takeCaseFee(uint64 nodeId, uint256 amount) external returns (uint256 taken);
    /// @notice Court: pulls a case fee back out of the court's allowance into the stake; a banned node's into what unbonds.
    function returnCaseFee(uint64 nodeId, uint256 amount) external;

    function parameters() external view returns (Parameters memory);
    function statusOf(uint64 nodeId) external view returns (NodeStatus);
    function ownerOf(uint64 nodeId) external view returns (address);
    function operatorOf(uint64 nodeId) external view returns (address);
    function payoutOf(uint64 nodeId) external view returns (address);
    /// @notice What a bid has to name. Raised by `raiseBidEpoch`, by going offline and by a new operator.
    function bidEpochOf(uint64 nodeId) external view returns (uint32);
    function resourceTypeOf(uint64 nodeId) external view returns (ResourceType);
    /// @notice Owner or operator.
    function isOperator(uint64 nodeId, address account) external view returns (bool);
    /// @notice Slots not taken by running tasks: stake / minimum stake - running.
    function freeSlots(uint64 nodeId) external view returns (uint256);
}
