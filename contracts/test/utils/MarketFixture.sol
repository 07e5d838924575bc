// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AIIGOToken} from "src/AIIGOToken.sol";
import {EscrowManager} from "src/EscrowManager.sol";
import {ProofOfWorkVerifier} from "src/ProofOfWorkVerifier.sol";
import {IMarket} from "src/interfaces/IMarketExtension.sol";
import {IRegistry} from "src/interfaces/IRegistryExtension.sol";
import {Bid} from "src/types/Bid.sol";
import {NodeInfo, TokenLimits} from "src/types/Node.sol";
import {ResourceType} from "src/types/Resource.sol";
import {Standing} from "src/types/Standing.sol";
import {Task, TaskRequest, TaskStatus} from "src/types/Task.sol";

import {SuiteConfig} from "../../script/SuiteConfig.sol";
import {SuiteTest} from "../SuiteTest.sol";
import {Pow} from "./Pow.sol";
import {Dollar} from "./Tokens.sol";

/// @dev A registered machine and its three keys.
struct Node {
    uint64 id;
    address owner;
    address operator;
    address payout;
    uint256 operatorKey;
}

/// @title The market as it gets deployed, and words for what people do in it
/// @dev Parameters are the defaults of production, but for a challenge window so short that a solution found in Solidity
/// proves some power.
abstract contract MarketFixture is SuiteTest {
    address internal constant ETH = address(0);
    bytes32 internal constant SALT = "salt";
    bytes32 internal constant RESULT = keccak256("result");
    string internal constant SPEC_URI = "ipfs://bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";

    uint96 internal constant TIP = 0.0002 ether;
    uint96 internal constant MIN_STAKE = 100e18;
    uint32 internal constant GRACE = 5 minutes;
    uint32 internal constant WINDOW = 10;
    uint32 internal constant DURATION = 1 hours;
    uint32 internal constant REVIEW = 1 days;
    uint32 internal constant ACCEPT = 30 minutes;
    uint256 internal constant EFFORT = 4;

    AIIGOToken internal token;
    IRegistry internal registry;
    ProofOfWorkVerifier internal verifier;
    EscrowManager internal escrow;
    IMarket internal market;
    address internal governance;
    address internal treasury;
    address internal feeVault;
    Dollar internal dollar;

    function setUp() public virtual override {
        super.setUp();
        dollar = new Dollar();
        bind();
        vm.startPrank(governance);
        market.setPaymentToken(address(dollar), true, 0.5e6);
        registry.setTokenLimits(address(dollar), dollarLimits());
        vm.stopPrank();
        vm.label(address(registry), "NodeRegistry");
        vm.label(address(verifier), "ProofOfWorkVerifier");
        vm.label(address(escrow), "EscrowManager");
        vm.label(address(market), "TaskMarketplace");
    }

    /// @dev Names the parts of `suite`.
    function bind() internal {
        token = suite.token;
        registry = suite.registry;
        verifier = suite.verifier;
        escrow = suite.escrow;
        market = IMarket(address(suite.marketplace));
        governance = address(suite.timelock);
        treasury = governance;
        feeVault = address(suite.feeVault);
    }

    function configure(SuiteConfig memory config) internal virtual override {
        config.registry.registrationFee = 0.1 ether;
        config.registry.minStake = MIN_STAKE;
        config.registry.unbondingPeriod = 14 days;
        config.registry.timeoutSlashBps = 500;
        config.tokenLimits[0].limits = etherLimits();
        config.verifier.window = WINDOW;
        config.verifier.cooldown = 10 minutes;
        // As long as it may be: onboarding lasts through any test that is not about audits.
        config.verifier.auditInterval = 30 days;
        config.verifier.hashesPerTflops = [uint64(1), 2, 4, 8, 16];
        config.marketplace.feeBps = 800;
        config.marketplace.grace = GRACE;
        config.marketplace.minDuration = 1 minutes;
        config.marketplace.maxDuration = 30 days;
        config.marketplace.maxAcceptWindow = 7 days;
        config.marketplace.minReviewWindow = 1 hours;
        config.marketplace.maxReviewWindow = 7 days;
        config.marketplace.minAbandonWindow = 10 minutes;
        config.paymentTokens[0].timeoutTip = TIP;
        config.rewards.epochLength = 7 days;
    }

    function etherLimits() internal pure returns (TokenLimits memory) {
        return TokenLimits(0.001 ether, 10 ether, 100 ether, 1_000 ether, 10_000 ether);
    }

    function dollarLimits() internal pure returns (TokenLimits memory) {
        return TokenLimits(2e6, 20_000e6, 200_000e6, 2_000_000e6, 20_000_000e6);
    }

    // ---------------------------------------------------------------- Providers

    function register(string memory name, ResourceType resourceType) internal returns (Node memory) {
        return registerFor(account(string.concat(name, " owner"), 10_000e18), name, resourceType);
    }

    function registerFor(address owner, string memory name, ResourceType resourceType)
        internal
        returns (Node memory node)
    {
        node.owner = owner;
        (node.operator, node.operatorKey) = makeAddrAndKey(string.concat(name, " operator"));
        node.payout = makeAddr(string.concat(name, " payout"));
        vm.prank(node.owner);
        node.id = registry.registerNode{value: 0.1 ether}(resourceType, "ipfs://node", node.operator, node.payout, 0);
    }

    function stake(Node memory node, uint256 amount) internal {
        vm.startPrank(node.owner);
        token.approve(address(registry), amount);
        registry.stakeForNode(node.id, amount);
        vm.stopPrank();
    }

    /// @dev Issues a challenge and answers it with about 64 x effort hashes of work.
    function prove(Node memory node, uint256 effort) internal {
        vm.prank(node.operator);
        verifier.issueChallenge(node.id);
        bytes memory nonces = solution(node, effort);
        vm.prank(node.operator);
        verifier.submitSolution(node.id, nonces);
    }

    function solution(Node memory node, uint256 effort) internal view returns (bytes memory) {
        return Pow.solve(verifier.nodeSeed(node.id, verifier.challengeOf(node.id).seed), effort);
    }

    function goOnline(Node memory node) internal {
        vm.prank(node.operator);
        registry.setOnline(node.id, true);
    }

    /// @dev Registered, proven, online, with two slots.
    function activeNode(string memory name) internal returns (Node memory node) {
        node = register(name, ResourceType.GPU);
        activate(node);
    }

    function activate(Node memory node) internal {
        prove(node, EFFORT);
        stake(node, 2 * MIN_STAKE);
        goOnline(node);
    }

    /// @dev As if the verifier had told this. Without a passed round the power is onboarding's.
    function tellStanding(Node memory node, uint56 power, uint24 passed, uint40 lastAuditAt) internal {
        Standing memory standing;
        if (passed == 0) (standing.onboarded, standing.onboardedUntil) = (power, type(uint40).max);
        else (standing.power, standing.validUntil) = (power, type(uint40).max);
        (standing.lastAuditAt, standing.passed) = (lastAuditAt, passed);
        vm.prank(address(verifier));
        registry.recordStanding(node.id, standing);
    }

    function info(Node memory node) internal view returns (NodeInfo memory) {
        return registry.nodeInfo(node.id);
    }

    // ---------------------------------------------------------------- Tasks

    /// @dev One hour on a GPU for 0.36 ETH.
    function request() internal pure returns (TaskRequest memory) {
        return TaskRequest({
            resourceType: ResourceType.GPU,
            minTrustLevel: 1,
            replicas: 1,
            minPower: 1_000,
            duration: DURATION,
            acceptWindow: ACCEPT,
            reviewWindow: REVIEW,
            maxAuditAge: 0,
            pricePerHour: 0.36 ether,
            paymentToken: ETH,
            watcher: address(0),
            specHash: keccak256("spec"),
            specURI: SPEC_URI
        });
    }

    function createTask(address buyer) internal returns (bytes32) {
        return createTask(buyer, request());
    }

    function createTask(address buyer, TaskRequest memory asked) internal returns (bytes32 taskId) {
        (uint96 price, uint256 tips) = market.quote(asked);
        if (asked.paymentToken == ETH) {
            vm.prank(buyer);
            return market.createTask{value: price + tips}(asked);
        }
        dollar.mint(buyer, price + tips);
        vm.startPrank(buyer);
        dollar.approve(address(escrow), price + tips);
        taskId = market.createTask(asked);
        vm.stopPrank();
    }

    function commit(bytes32 taskId, Node memory node) internal {
        bytes20 digest = bytes20(market.commitmentHash(taskId, node.id, SALT, node.operator));
        vm.prank(node.operator);
        market.commitAccept(node.id, digest);
    }

    /// @dev A salt for the commitment to be in a place: 0 to 15.
    function saltFor(bytes32 taskId, Node memory node, uint256 place) internal view returns (bytes32 salt) {
        while (placeOf(bytes20(market.commitmentHash(taskId, node.id, salt, node.operator))) != place) {
            salt = bytes32(uint256(salt) + 1);
        }
    }

    function placeOf(bytes20 digest) internal pure returns (uint256) {
        return uint160(digest) & 15;
    }

    function accept(bytes32 taskId, Node memory node) internal {
        commit(taskId, node);
        vm.roll(vm.getBlockNumber() + 1);
        vm.prank(node.operator);
        market.acceptTask(taskId, node.id, SALT);
    }

    /// @dev Half of the task's time, for a little less than its price.
    function bidFor(bytes32 taskId, Node memory node) internal view returns (Bid memory) {
        return Bid({
            taskId: taskId,
            nodeId: node.id,
            pricePerHour: 0.7 ether,
            eta: DURATION / 2,
            expiry: uint40(block.timestamp) + 10 minutes,
            nodeEpoch: registry.bidEpochOf(node.id),
            nonce: uint256(taskId)
        });
    }

    function sign(Bid memory bid, uint256 key) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, market.bidDigest(bid));
        return abi.encodePacked(r, s, v);
    }

    function assign(Bid memory bid, Node memory node) internal {
        address buyer = market.taskOf(bid.taskId).buyer;
        bytes memory signature = sign(bid, node.operatorKey);
        vm.prank(buyer);
        market.assignTask(bid, signature);
    }

    function submit(bytes32 taskId, Node memory node) internal {
        vm.prank(node.operator);
        market.submitResult(taskId, RESULT, "ipfs://result");
    }

    function approve(bytes32 taskId) internal {
        address buyer = market.taskOf(taskId).buyer;
        vm.prank(buyer);
        market.approveTask(taskId);
    }

    function acceptedTask(address buyer, Node memory node) internal returns (bytes32 taskId) {
        taskId = createTask(buyer);
        accept(taskId, node);
    }

    /// @dev Delivered after half of its duration.
    function completedTask(address buyer, Node memory node) internal returns (bytes32 taskId) {
        taskId = acceptedTask(buyer, node);
        skip(DURATION / 2);
        submit(taskId, node);
    }

    function skipPastResults() internal {
        skip(DURATION + GRACE + 1);
    }

    function statusOf(bytes32 taskId) internal view returns (TaskStatus) {
        return market.taskOf(taskId).status;
    }

    function assertStatus(bytes32 taskId, TaskStatus expected) internal view {
        assertEq(uint8(statusOf(taskId)), uint8(expected), "status");
    }
}
