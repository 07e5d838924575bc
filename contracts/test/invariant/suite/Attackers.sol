// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts-upgradeable/proxy/utils/UUPSUpgradeable.sol";
import {ERC1967Utils} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Utils.sol";

import {IKeeperTips} from "src/interfaces/IKeeperTips.sol";
import {Cause, TaskDemand, Tier, TokenLimits, Verdict} from "src/types/Node.sol";
import {ResourceType} from "src/types/Resource.sol";

import {Books} from "./Books.sol";

/// @title What nobody may do who is neither the owner nor a neighbour nor governance
/// @dev By a stranger, or by another provider. A success is the failure of the test; the books catch what a refusal leaves
/// behind.
abstract contract Attackers is Books {
    function attackerTries(uint256 seed) external acts {
        uint64 nodeId = _provider(seed).id;
        bytes32 taskId = _anyTask(seed);
        address attacker = _seldom(seed, "rival", 2) ? stranger : providers[nodeId % providers.length].owner;
        uint256 kind = _random(seed, "kind") % 6;
        if (kind == 3 || _isConcerned(attacker, nodeId, taskId)) attacker = stranger;
        uint256 which = _random(seed, "which");
        (address target, bytes memory data) = kind == 0
            ? _onEscrow(which % 9, taskId, attacker)
            : kind == 1
                ? _onRegistry(which % 23, nodeId, attacker)
                : kind == 2
                    ? _onMarket(which % 17, nodeId, taskId)
                    : kind == 3
                        ? _onCourtOrPool(which % 14, seed, attacker)
                        : kind == 4 ? _onRewards(which % 11, nodeId, attacker) : _onProxies(which % 4, seed, attacker);
        assertFalse(_try(attacker, target, data), "9: an attack succeeded");
        ++reached["attacked"];
    }

    /// @dev A provider's owner may own the node, or the one that has the task, or have money; and be a juror or a party.
    function _isConcerned(address owner, uint64 nodeId, bytes32 taskId) private view returns (bool) {
        uint64 working = taskBooks[taskId].nodeId;
        return owner == providers[nodeId - 1].owner || (working != 0 && owner == providers[working - 1].owner)
            || owed[owner][ETH] != 0;
    }

    function _onEscrow(uint256 kind, bytes32 taskId, address me) private view returns (address, bytes memory) {
        address to = address(escrow);
        if (kind == 0) return (to, abi.encodeCall(escrow.refund, (taskId, me)));
        if (kind == 1) return (to, abi.encodeCall(escrow.release, (taskId, me, me, 1, 0, 0)));
        if (kind == 2) return (to, abi.encodeCall(escrow.payTip, (taskId, me, 1)));
        if (kind == 3) return (to, abi.encodeCall(escrow.deposit, ("mine", address(dollar), customers[0], 1)));
        if (kind == 4) return (to, abi.encodeCall(escrow.topUp, (taskId, customers[0], 1)));
        if (kind == 5) return (to, abi.encodeCall(escrow.splitPayment, (taskId, new address[](0), new uint256[](0))));
        if (kind == 6) return (address(suite.feeVault), abi.encodeCall(suite.feeVault.setStakerShare, (ETH, 0)));
        if (kind == 7) return (to, abi.encodeCall(escrow.withdraw, (ETH, me)));
        return (address(token), abi.encodeCall(token.mint, (me, 1)));
    }

    function _onRegistry(uint256 kind, uint64 id, address me) private view returns (address, bytes memory) {
        return (address(registry), kind < 10 ? _asOwner(kind, id, me) : _asNeighbour(kind, id, me));
    }

    function _asOwner(uint256 kind, uint64 id, address me) private view returns (bytes memory) {
        if (kind == 0) return abi.encodeCall(registry.unstake, (id, 1));
        if (kind == 1) return abi.encodeCall(registry.withdrawStake, (id));
        if (kind == 2) return abi.encodeCall(registry.setOnline, (id, false));
        if (kind == 3) return abi.encodeCall(registry.setOperator, (id, me));
        if (kind == 4) return abi.encodeCall(registry.setPayout, (id, me));
        if (kind == 5) return abi.encodeCall(registry.raiseBidEpoch, (id));
        if (kind == 6) return abi.encodeCall(registry.setMetadata, (id, "mine"));
        if (kind == 7) return abi.encodeCall(registry.ban, (id));
        if (kind == 8) return abi.encodeCall(registry.endReview, (id));
        return abi.encodeCall(registry.addTrustedNode, (id, Tier.Platform));
    }

    function _asNeighbour(uint256 kind, uint64 id, address me) private view returns (bytes memory) {
        if (kind == 10) return abi.encodeCall(registry.markVerified, (id));
        if (kind == 11) return abi.encodeCall(registry.recordAudit, (id, false, true));
        if (kind == 12) return abi.encodeCall(registry.endExecution, (id, me, 1));
        if (kind == 13) return abi.encodeCall(registry.settleTask, (id, me, ETH, 0, 1 ether));
        if (kind == 14) return abi.encodeCall(registry.failTask, (id, 0, ETH, 0, Cause.TaskTimedOut));
        if (kind == 15) return abi.encodeCall(registry.settleDispute, (id, me, ETH, 0, 0, Verdict.Lost));
        if (kind == 16) return abi.encodeCall(registry.takeCaseFee, (id, 1));
        if (kind == 17) return abi.encodeCall(registry.returnCaseFee, (id, 0));
        if (kind == 18) return abi.encodeCall(registry.setTokenLimits, (ETH, TokenLimits(1, 1, 1, 1, 1)));
        if (kind == 19) return abi.encodeCall(registry.pauseEntry, (type(uint40).max));
        if (kind == 20) return abi.encodeCall(registry.releaseTask, (id, 0, ETH, 0));
        if (kind == 21) return abi.encodeCall(registry.failReviewed, (id, ETH, 0, Cause.Misuse));
        TaskDemand memory demand = TaskDemand(ResourceType.GPU, 0, 1, 0, ETH, 1);
        return abi.encodeCall(registry.beginTask, (id, me, customers[0], demand));
    }

    function _onMarket(uint256 kind, uint64 id, bytes32 taskId) private view returns (address, bytes memory) {
        address to = address(market);
        if (kind == 0) return (to, abi.encodeCall(market.approveTask, (taskId)));
        if (kind == 1) return (to, abi.encodeCall(market.acceptTask, (taskId, id, SALT)));
        if (kind == 2) return (to, abi.encodeCall(market.cancelBid, (id, uint256(taskId))));
        if (kind == 3) return (to, abi.encodeCall(market.cancelAllBids, (id)));
        if (kind == 4) return (to, abi.encodeCall(market.cancelTask, (taskId)));
        if (kind == 5) return (to, abi.encodeCall(market.disputeTask, (taskId, "ipfs://mine")));
        if (kind == 6) return (to, abi.encodeCall(market.rule, (taskId, 0, new address[](0))));
        if (kind == 7) return (to, abi.encodeCall(market.closeWithoutRuling, (taskId)));
        if (kind == 8) return (to, abi.encodeCall(market.applyForReplica, (taskId, id)));
        if (kind == 9) return (to, abi.encodeCall(market.withdrawApplication, (taskId, id)));
        if (kind == 10) return (to, abi.encodeCall(market.sealReplica, (taskId, id, RESULT)));
        if (kind == 11) return (to, abi.encodeCall(market.revealReplica, (taskId, id, RESULT, "", SALT)));
        if (kind == 12) return (to, abi.encodeCall(market.appealReplica, (taskId, id, "ipfs://mine")));
        if (kind == 13) return (to, abi.encodeCall(market.rule, (market.appealIdOf(taskId, id), 0, new address[](0))));
        if (kind == 14) return (to, abi.encodeCall(market.submitResult, (taskId, RESULT, "")));
        if (kind == 15) return (to, abi.encodeCall(market.abandonTask, (taskId)));
        return (to, abi.encodeCall(market.pauseEntry, (type(uint40).max)));
    }

    function _onCourtOrPool(uint256 kind, uint256 seed, address me) private view returns (address, bytes memory) {
        uint256 caseId = cases.length == 0 ? 1 : cases[_random(seed, "case") % cases.length];
        uint256 id = positionIds[_random(seed, "position") % positionIds.length];
        address to = address(court);
        if (kind == 0) return (to, abi.encodeCall(court.openCase, ("mine", me, me, 1)));
        if (kind == 1) return (to, abi.encodeCall(court.commitVote, (caseId, bytes32("mine"))));
        if (kind == 2) return (to, abi.encodeCall(court.revealVote, (caseId, 0, "mine")));
        if (kind == 3) return (to, abi.encodeCall(court.joinJury, (_jurorPosition())));
        if (kind == 4) return (to, abi.encodeCall(court.setParameters, (court.parameters())));
        to = address(pool);
        if (kind == 5) return (to, abi.encodeCall(pool.freeze, (id, 1)));
        if (kind == 6) return (to, abi.encodeCall(pool.unfreeze, (id, 1)));
        if (kind == 7) return (to, abi.encodeCall(pool.seize, (id, 1, me)));
        if (kind == 8) return (to, abi.encodeCall(pool.notifyReward, (ETH, 0)));
        if (kind == 9) return (to, abi.encodeCall(pool.listRewardToken, (me)));
        if (kind == 10) return (to, abi.encodeCall(pool.pauseEntry, (type(uint40).max)));
        if (kind == 11) return (to, abi.encodeCall(pool.unstake, (_jurorPosition())));
        if (kind == 12) return (to, abi.encodeCall(pool.claim, (_jurorPosition(), address(token))));
        return (to, abi.encodeCall(pool.claim, (_jurorPosition(), ETH)));
    }

    function _onRewards(uint256 kind, uint64 id, address me) private view returns (address, bytes memory) {
        address to = address(suite.distributor);
        if (kind == 0) return (to, abi.encodeCall(suite.distributor.recordFee, (1, address(token), 1e18)));
        if (kind == 1) return (to, abi.encodeCall(suite.distributor.setRate, (ETH, 1)));
        if (kind == 2) return (to, abi.encodeCall(suite.distributor.setStakerShare, (1)));
        if (kind == 3) return (to, abi.encodeCall(suite.distributor.vetoRoot, (1)));
        if (kind == 4) return (address(suite.guardian), abi.encodeCall(suite.guardian.pause, ()));
        if (kind == 5) return (address(suite.guardian), abi.encodeCall(suite.guardian.setGuardian, (me)));
        if (kind == 6) return (address(verifier), abi.encodeCall(verifier.noteActivity, (1, false)));
        if (kind == 7) return (address(verifier), abi.encodeCall(verifier.commitChain, ("mine")));
        if (kind == 8) return (address(verifier), abi.encodeCall(verifier.issueChallenge, (id)));
        if (kind == 9) return (address(verifier), abi.encodeCall(verifier.submitSolution, (id, new bytes(512))));
        address tips = address(suite.keeperTips);
        return (tips, abi.encodeCall(suite.keeperTips.tip, (IKeeperTips.Duty.Draw, me)));
    }

    function _onProxies(uint256 kind, uint256 seed, address me) private view returns (address, bytes memory) {
        address proxy = proxies()[_random(seed, "proxy") % 6];
        if (kind == 0) return (proxy, abi.encodeCall(OwnableUpgradeable.transferOwnership, (me)));
        if (kind == 1) return (proxy, abi.encodeCall(UUPSUpgradeable.upgradeToAndCall, (_codeOf(proxy), "")));
        if (kind == 2) return (address(suite.timelock), abi.encodeCall(suite.timelock.grantRole, (bytes32(0), me)));
        return (
            address(suite.timelock),
            abi.encodeCall(suite.timelock.schedule, (proxy, 0, "", bytes32(0), bytes32(0), 30 days))
        );
    }

    function _codeOf(address proxy) internal view returns (address) {
        return address(uint160(uint256(vm.load(proxy, ERC1967Utils.IMPLEMENTATION_SLOT))));
    }

    /// @dev A juror's, so nobody's who attacks.
    function _jurorPosition() private view returns (uint256) {
        return positions[jurors[1]];
    }

    function _anyTask(uint256 seed) private view returns (bytes32) {
        if (live.length != 0) return live[_random(seed, "task") % live.length];
        return ended.length == 0 ? bytes32(0) : ended[_random(seed, "task") % ended.length];
    }
}
