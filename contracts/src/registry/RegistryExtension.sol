// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {EntryPausable} from "../governance/EntryPausable.sol";
import {IEntryPausable} from "../interfaces/IEntryPausable.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {IRegistryExtension} from "../interfaces/IRegistryExtension.sol";
import {BPS} from "../libraries/Shares.sol";
import {Reputation} from "../libraries/Reputation.sol";
import {Cause, LimitsConfig, NodeInfo, NodeStatus, Partner, Tier, TokenLimits} from "../types/Node.sol";
import {NodeRecord} from "../types/NodeRecord.sol";
import {ResourceType} from "../types/Resource.sol";
import {Standing} from "../types/Standing.sol";
import {RegistryBase, RegistryNeighbours} from "./RegistryBase.sol";

/// @title The registry's second piece: registration, keys, review, governance and what only readers ask
/// @dev Runs by delegatecall of NodeRegistry, on its storage and with its caller. Called itself it has no owner, no
/// parameters and nobody's money.
contract RegistryExtension is IRegistryExtension, RegistryBase, EntryPausable, ReentrancyGuardTransient {
    /// @notice The longest unbonding period that governance can set, seconds.
    uint256 public constant MAX_UNBONDING_PERIOD = 180 days;
    /// @notice The longest review that governance can set, seconds.
    uint256 public constant MAX_REVIEW_PERIOD = 90 days;

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor(RegistryNeighbours memory neighbours) RegistryBase(neighbours) EntryPausable(neighbours.guardian) {}

    /// @inheritdoc IRegistryExtension
    function initialize(address owner_, INodeRegistry.Parameters calldata parameters_, LimitsConfig[] calldata limits)
        external
        initializer
    {
        __Ownable_init(owner_);
        _setParameters(parameters_);
        for (uint256 i; i < limits.length; ++i) {
            _setTokenLimits(limits[i].token, limits[i].limits);
        }
    }

    // ---------------------------------------------------------------- Registration and keys

    /// @inheritdoc IRegistryExtension
    function registerNode(
        ResourceType resourceType,
        string calldata metadataURI,
        address operator,
        address payout,
        uint64 referrer
    ) external payable nonReentrant returns (uint64 nodeId) {
        RegistryStorage storage $ = _storage();
        _checkEntry($.entryPausedUntil);
        uint256 fee = $.parameters.registrationFee;
        if (msg.value != fee) revert INodeRegistry.WrongRegistrationFee(msg.value, fee);
        if (operator == address(0)) operator = msg.sender;
        if (payout == address(0)) payout = msg.sender;
        if (referrer != 0) _checkReferrer(referrer, operator, payout);

        nodeId = ++$.nodeCount;
        NodeRecord storage node = $.nodes[nodeId];
        node.owner = msg.sender;
        node.registeredAt = uint40(block.timestamp);
        node.reputation = Reputation.START;
        node.resourceType = resourceType;
        node.operator = operator;
        node.payout = payout;
        node.referrer = referrer;
        emit INodeRegistry.NodeRegistered(
            nodeId, msg.sender, operator, payout, resourceType, metadataURI, fee, referrer
        );

        (bool sent,) = treasury.call{value: fee}("");
        if (!sent) revert INodeRegistry.TreasuryRefusedFee();
    }

    /// @inheritdoc IRegistryExtension
    function setOperator(uint64 nodeId, address operator) external onlyNodeOwner(nodeId) {
        if (operator == address(0)) revert INodeRegistry.ZeroAddress();
        NodeRecord storage node = _storage().nodes[nodeId];
        node.operator = operator;
        emit INodeRegistry.OperatorChanged(nodeId, operator);
        _raiseBidEpoch(nodeId, node);
    }

    /// @inheritdoc IRegistryExtension
    function setPayout(uint64 nodeId, address payout) external onlyNodeOwner(nodeId) {
        if (payout == address(0)) revert INodeRegistry.ZeroAddress();
        _storage().nodes[nodeId].payout = payout;
        emit INodeRegistry.PayoutChanged(nodeId, payout);
    }

    /// @inheritdoc IRegistryExtension
    function setMetadata(uint64 nodeId, string calldata metadataURI) external {
        _checkOperator(nodeId);
        emit INodeRegistry.MetadataChanged(nodeId, metadataURI);
    }

    // ---------------------------------------------------------------- Anyone

    /// @inheritdoc IRegistryExtension
    function putUnderReview(uint64 nodeId) external notesActivity(nodeId) {
        NodeRecord storage node = _notBanned(nodeId);
        if (node.underReview()) revert INodeRegistry.NodeUnderReview(nodeId, node.reviewUntil);
        INodeRegistry.Parameters storage rules = _storage().parameters;
        (uint256 failed, uint256 counted) = node.sinceReview();
        if (counted < rules.reviewMinTasks || failed * BPS <= counted * rules.reviewFailureBps) {
            revert INodeRegistry.NotFailing(nodeId, failed, counted);
        }
        uint40 until = uint40(block.timestamp) + rules.reviewPeriod;
        node.reviewUntil = until;
        _restartCounters(node);
        emit INodeRegistry.ReviewStarted(nodeId, msg.sender, until, failed, counted);
    }

    /// @inheritdoc IRegistryExtension
    function syncActivity(uint64 nodeId) external {
        _known(nodeId);
        _note(nodeId);
    }

    // ---------------------------------------------------------------- Governance

    /// @inheritdoc IRegistryExtension
    function ban(uint64 nodeId) external onlyOwner notesActivity(nodeId) {
        NodeRecord storage node = _notBanned(nodeId);
        node.banned = true;
        emit INodeRegistry.NodeBanned(nodeId);
        _slash(nodeId, node, Cause.Misuse, _storage().parameters.misuseSlashBps);
        uint96 rest = node.stake;
        if (rest != 0) _startUnbonding(nodeId, node, rest);
    }

    /// @inheritdoc IRegistryExtension
    function endReview(uint64 nodeId) external onlyOwner notesActivity(nodeId) {
        NodeRecord storage node = _known(nodeId);
        if (!node.underReview()) revert INodeRegistry.NotUnderReview(nodeId);
        node.reviewUntil = 0;
        _restartCounters(node);
        emit INodeRegistry.ReviewEnded(nodeId);
    }

    /// @inheritdoc IRegistryExtension
    function addTrustedNode(uint64 nodeId, Tier tier) external onlyOwner {
        _notBanned(nodeId).tier = tier;
        emit INodeRegistry.NodeTierChanged(nodeId, tier);
    }

    /// @inheritdoc IRegistryExtension
    function recordPartner(uint64 nodeId, bytes32 slaHash, uint128 bond) external onlyOwner {
        NodeRecord storage node = _notBanned(nodeId);
        if (slaHash == 0 && bond != 0) revert INodeRegistry.InvalidParameters();
        node.partner = slaHash != 0;
        _storage().partners[nodeId] = Partner({slaHash: slaHash, bond: bond});
        emit INodeRegistry.PartnerRecorded(nodeId, slaHash, bond);
    }

    /// @inheritdoc IRegistryExtension
    function setParameters(INodeRegistry.Parameters calldata parameters_) external onlyOwner {
        _setParameters(parameters_);
    }

    /// @inheritdoc IRegistryExtension
    function setTokenLimits(address token, TokenLimits calldata limits) external onlyOwner {
        _setTokenLimits(token, limits);
    }

    // ---------------------------------------------------------------- Views

    /// @inheritdoc EntryPausable
    function entryPausedUntil() public view override(EntryPausable, IEntryPausable) returns (uint40) {
        return _storage().entryPausedUntil;
    }

    /// @inheritdoc IRegistryExtension
    function nodeCount() external view returns (uint64) {
        return _storage().nodeCount;
    }

    /// @inheritdoc IRegistryExtension
    function nodeInfo(uint64 nodeId) public view returns (NodeInfo memory data) {
        NodeRecord storage node = _known(nodeId);
        Standing memory standing = node.standing;
        data.owner = node.owner;
        data.operator = node.operator;
        data.payout = node.payout;
        data.resourceType = node.resourceType;
        data.status = node.status(_storage().parameters.minStake);
        data.online = node.online;
        data.trustLevel = _trustLevel(nodeId, node);
        data.reputation = node.reputation;
        data.registeredAt = node.registeredAt;
        data.stake = node.stake;
        data.unbonding = node.unbonding;
        data.unbondingReadyAt = node.unbondingReadyAt;
        data.tasksVerified = node.tasksVerified;
        data.tasksFailed = node.tasksFailed;
        data.running = node.running;
        data.reviewing = node.reviewing;
        data.runningPower = node.runningPower;
        data.verifiedPower = standing.verifiedPower();
        data.challengesPassed = standing.passed;
        data.lastAuditAt = standing.lastAuditAt;
        data.reviewUntil = node.reviewUntil;
        data.referrer = node.referrer;
        data.tier = node.tier;
        data.partner = node.partner;
    }

    /// @inheritdoc IRegistryExtension
    function nodes(uint64 from, uint64 limit) external view returns (NodeInfo[] memory page) {
        uint256 first = Math.max(from, 1);
        uint256 length = Math.min(limit, Math.saturatingSub(uint256(_storage().nodeCount) + 1, first));
        page = new NodeInfo[](length);
        for (uint256 i; i < length; ++i) {
            // casting is safe: at most the node count
            // forge-lint: disable-next-line(unsafe-typecast)
            page[i] = nodeInfo(uint64(first + i));
        }
    }

    /// @inheritdoc IRegistryExtension
    function isActive(uint64 nodeId) external view returns (bool) {
        RegistryStorage storage $ = _storage();
        return $.nodes[nodeId].status($.parameters.minStake) == NodeStatus.Active;
    }

    /// @inheritdoc IRegistryExtension
    function trustLevelOf(uint64 nodeId) external view returns (uint8) {
        NodeRecord storage node = _storage().nodes[nodeId];
        if (node.owner == address(0)) return 0;
        return _trustLevel(nodeId, node);
    }

    /// @inheritdoc IRegistryExtension
    function failuresOf(uint64 nodeId) external view returns (uint256 failed, uint256 counted) {
        return _known(nodeId).sinceReview();
    }

    /// @inheritdoc IRegistryExtension
    function partnerOf(uint64 nodeId) external view returns (Partner memory) {
        return _storage().partners[nodeId];
    }

    /// @inheritdoc IRegistryExtension
    function tokenLimits(address token) external view returns (TokenLimits memory) {
        return _storage().tokenLimits[token];
    }

    /// @inheritdoc IRegistryExtension
    function openEscrowOf(uint64 nodeId, address token) external view returns (uint256) {
        return _openEscrow(nodeId, token);
    }

    // ---------------------------------------------------------------- Inside

    function _setEntryPausedUntil(uint40 until) internal override {
        _storage().entryPausedUntil = until;
    }

    /// @dev A referral needs two providers: no key of the new node may be one of the referrer's.
    function _checkReferrer(uint64 referrer, address operator, address payout) private view {
        NodeRecord storage node = _known(referrer);
        if (node.isKey(msg.sender) || node.isKey(operator) || node.isKey(payout)) {
            revert INodeRegistry.SelfReferral(referrer);
        }
    }

    function _setParameters(INodeRegistry.Parameters calldata parameters_) private {
        if (
            parameters_.minStake == 0 || parameters_.levelTwoStake < parameters_.minStake
                || parameters_.levelThreeStake < parameters_.levelTwoStake
                || parameters_.levelThreeReputation > Reputation.MAX || parameters_.levelThreeSuccessBps > BPS
                || parameters_.timeoutSlashBps > BPS || parameters_.disputeSlashBps > BPS
                || parameters_.misuseSlashBps > BPS || parameters_.reviewFailureBps > BPS
                || parameters_.reviewMinTasks == 0 || parameters_.reviewPeriod > MAX_REVIEW_PERIOD
                || parameters_.unbondingPeriod > MAX_UNBONDING_PERIOD
        ) revert INodeRegistry.InvalidParameters();
        // Stake must not leave before the longest review of a task is over. While the suite is being deployed the
        // marketplace has no code yet; it makes the same check when it starts.
        if (
            address(marketplace).code.length != 0
                && parameters_.unbondingPeriod < marketplace.parameters().maxReviewWindow
        ) revert INodeRegistry.InvalidParameters();
        _storage().parameters = parameters_;
        emit INodeRegistry.RegistryParametersChanged(parameters_);
    }

    function _setTokenLimits(address token, TokenLimits calldata limits) private {
        bool none = limits.minCountedFee == 0 && limits.levelFourCap == 0;
        // A fee of nothing would make reputation free.
        if (!none && (limits.minCountedFee == 0 || limits.levelOneCap == 0)) revert INodeRegistry.InvalidLimits(token);
        if (
            limits.levelTwoCap < limits.levelOneCap || limits.levelThreeCap < limits.levelTwoCap
                || limits.levelFourCap < limits.levelThreeCap
        ) revert INodeRegistry.InvalidLimits(token);
        _storage().tokenLimits[token] = limits;
        emit INodeRegistry.TokenLimitsChanged(token, limits);
    }

    function _restartCounters(NodeRecord storage node) private {
        node.verifiedAtReview = node.tasksVerified;
        node.failedAtReview = node.tasksFailed;
    }
}
