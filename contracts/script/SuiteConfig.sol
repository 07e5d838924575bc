// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CommonBase} from "forge-std/Base.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {AIIGOGovernor} from "src/AIIGOGovernor.sol";
import {IFeeVault} from "src/interfaces/IFeeVault.sol";
import {IKeeperTips} from "src/interfaces/IKeeperTips.sol";
import {IDisputeCourtBase} from "src/interfaces/IDisputeCourtBase.sol";
import {INodeRegistry} from "src/interfaces/INodeRegistry.sol";
import {IProofOfWorkVerifier} from "src/interfaces/IProofOfWorkVerifier.sol";
import {IRewardDistributor} from "src/interfaces/IRewardDistributor.sol";
import {ITaskMarketplace} from "src/interfaces/ITaskMarketplace.sol";
import {LimitsConfig, TokenLimits} from "src/types/Node.sol";

/// @dev A vesting allocation: seconds; the cliff is part of the duration.
struct Vesting {
    address beneficiary;
    uint64 duration;
    uint64 cliff;
}

struct Genesis {
    address publicSale;
    uint64 vestingStart; // Unix time; zero: the time of the deployment
    Vesting team;
    Vesting privateSale;
}

struct Rewards {
    uint40 start; // Unix time; zero: the time of the deployment
    uint40 epochLength; // seconds
    uint16 stakerShareBps;
    uint32 vetoDelay; // seconds, of bonus roots
    uint256 aiigoRate; // AIIGO wei per 1e18 wei of fee paid in AIIGO
    IRewardDistributor.RateConfig[] rates; // of other tokens
}

/// @dev A configuration file, parsed.
struct SuiteConfig {
    uint256 chainId;
    string entropyAdapter;
    bool entropyValidated;
    Genesis genesis;
    uint256 timelockDelay; // seconds
    AIIGOGovernor.Settings governor;
    address guardian; // zero: nobody until governance decides
    INodeRegistry.Parameters registry;
    LimitsConfig[] tokenLimits;
    IProofOfWorkVerifier.Parameters verifier;
    address challenger;
    IProofOfWorkVerifier.ExcuseFloor[] excuseFloors;
    ITaskMarketplace.Parameters marketplace;
    ITaskMarketplace.TokenConfig[] paymentTokens;
    Rewards rewards;
    uint16 aiigoFeeShareBps; // the stakers' share of fees in AIIGO
    IFeeVault.ShareConfig[] feeShares; // of other tokens
    IKeeperTips.Terms[4] tips; // in the order of IKeeperTips.Duty
    IDisputeCourtBase.Parameters court;
    uint32 courtEpochLength; // seconds
}

/// @dev A development chain, whose keys everybody knows.
uint256 constant ANVIL = 31_337;

/// @title Reads a suite's configuration from JSON and refuses one that can't be meant
/// @dev Amounts are decimal strings in smallest units, durations whole seconds.
abstract contract SuiteConfigReader is CommonBase {
    using SafeCast for uint256;

    error WrongChain(uint256 chainId, uint256 configured);
    /// @dev The chain's randomness was not examined, or no adapter is known for it.
    error EntropyNotValidated(uint256 chainId, string adapter);
    error AddressMissing(string field);
    error InvalidConfig(string field);

    /// @param json The file's text.
    /// @param root Where the configuration stands in it: empty, or `.parameters` of a deployment file.
    function readConfig(string memory json, string memory root) internal view returns (SuiteConfig memory config) {
        config.chainId = _uint(json, root, ".chainId");
        config.entropyAdapter = vm.parseJsonString(json, string.concat(root, ".entropy.adapter"));
        config.entropyValidated = vm.parseJsonBool(json, string.concat(root, ".entropy.validated"));
        config.genesis = _readGenesis(json, string.concat(root, ".genesis"));
        config.timelockDelay = _uint(json, root, ".governance.timelockDelay");
        config.governor = _readGovernor(json, string.concat(root, ".governance"));
        config.guardian = _address(json, root, ".governance.guardian");
        config.registry = _readRegistry(json, string.concat(root, ".registry"));
        config.tokenLimits = _readTokenLimits(json, string.concat(root, ".registry.tokenLimits"));
        config.verifier = _readVerifier(json, string.concat(root, ".verifier"));
        config.challenger = _address(json, root, ".verifier.challenger");
        config.excuseFloors = _readExcuseFloors(json, string.concat(root, ".verifier.excuseFloors"));
        config.marketplace = _readMarketplace(json, string.concat(root, ".marketplace"));
        config.paymentTokens = _readPaymentTokens(json, string.concat(root, ".marketplace.paymentTokens"));
        config.rewards = _readRewards(json, string.concat(root, ".rewards"));
        config.aiigoFeeShareBps = _uint(json, root, ".fees.aiigoStakerShareBps").toUint16();
        config.feeShares = _readFeeShares(json, string.concat(root, ".fees.stakerShares"));
        config.tips = _readTips(json, string.concat(root, ".keeperTips"));
        config.court = _readCourt(json, string.concat(root, ".court"));
        config.courtEpochLength = _uint(json, root, ".court.epochLength").toUint32();
    }

    /// @dev What the contracts can't check themselves.
    function validateConfig(SuiteConfig memory config) internal view {
        if (config.chainId != block.chainid) revert WrongChain(block.chainid, config.chainId);
        if (!config.entropyValidated || !_equal(config.entropyAdapter, "BlockEntropy")) {
            revert EntropyNotValidated(config.chainId, config.entropyAdapter);
        }
        Genesis memory genesis = config.genesis;
        if (genesis.publicSale == address(0)) revert AddressMissing("genesis.publicSale");
        if (genesis.team.beneficiary == address(0)) revert AddressMissing("genesis.team.beneficiary");
        if (genesis.privateSale.beneficiary == address(0)) revert AddressMissing("genesis.privateSale.beneficiary");
        if (config.challenger == address(0)) revert AddressMissing("verifier.challenger");
        // A slash decided by governance must reach stake that began to unbond when the proposal was made.
        AIIGOGovernor.Settings memory governor = config.governor;
        uint256 decision = uint256(governor.votingDelay) + governor.votingPeriod + governor.lateQuorumExtension
            + config.timelockDelay + 1 days;
        if (config.registry.unbondingPeriod < decision) revert InvalidConfig("registry.unbondingPeriod");
        // The least stake of an active node pays for losing a case.
        if (config.court.caseFee > config.registry.minStake) revert InvalidConfig("court.caseFee");
        if (config.rewards.epochLength != 7 days && config.chainId != ANVIL) {
            revert InvalidConfig("rewards.epochLength");
        }
        if (config.courtEpochLength != 1 hours && config.chainId != ANVIL) revert InvalidConfig("court.epochLength");
        // Who rents stake to decide a case rents it for so long.
        if (config.court.holdPeriod < 14 days && config.chainId != ANVIL) revert InvalidConfig("court.holdPeriod");
        // Who proposes the last of an epoch's 32 slots knows the proposers of the next two epochs.
        if (config.court.drawDelay <= 96 && config.chainId != ANVIL) revert InvalidConfig("court.drawDelay");
        if (_shortest(config.court) < 1 hours && config.chainId != ANVIL) revert InvalidConfig("court.periods");
        // A guardian needs to wake up, recompute and act; without one only a decision of governance vetoes a false root.
        uint256 veto = config.guardian == address(0) ? decision : 1 days;
        if (config.rewards.vetoDelay < veto && config.chainId != ANVIL) revert InvalidConfig("rewards.vetoDelay");
        // The guardian of real money is several people: a contract, or nobody yet.
        if (config.guardian != address(0) && config.guardian.code.length == 0 && config.chainId != ANVIL) {
            revert InvalidConfig("governance.guardian");
        }
        if (config.rewards.start != 0 && config.rewards.start < block.timestamp) revert InvalidConfig("rewards.start");
    }

    /// @dev People draw, vote and appeal.
    function _shortest(IDisputeCourtBase.Parameters memory court) private pure returns (uint256) {
        return
            Math.min(Math.min(court.drawPeriod, court.commitPeriod), Math.min(court.revealPeriod, court.appealWindow));
    }

    function _readGenesis(string memory json, string memory where) private pure returns (Genesis memory) {
        return Genesis({
            publicSale: _address(json, where, ".publicSale"),
            vestingStart: _uint(json, where, ".vestingStart").toUint64(),
            team: _readVesting(json, string.concat(where, ".team")),
            privateSale: _readVesting(json, string.concat(where, ".privateSale"))
        });
    }

    function _readVesting(string memory json, string memory where) private pure returns (Vesting memory) {
        return Vesting({
            beneficiary: _address(json, where, ".beneficiary"),
            duration: _uint(json, where, ".duration").toUint64(),
            cliff: _uint(json, where, ".cliff").toUint64()
        });
    }

    function _readGovernor(string memory json, string memory where)
        private
        pure
        returns (AIIGOGovernor.Settings memory)
    {
        return AIIGOGovernor.Settings({
            votingDelay: _uint(json, where, ".votingDelay").toUint48(),
            votingPeriod: _uint(json, where, ".votingPeriod").toUint32(),
            lateQuorumExtension: _uint(json, where, ".lateQuorumExtension").toUint48(),
            proposalThreshold: _uint(json, where, ".proposalThreshold"),
            quorumFloor: _uint(json, where, ".quorumFloor"),
            quorumPercent: _uint(json, where, ".quorumPercent")
        });
    }

    function _readRegistry(string memory json, string memory where)
        private
        pure
        returns (INodeRegistry.Parameters memory)
    {
        return INodeRegistry.Parameters({
            registrationFee: _uint(json, where, ".registrationFee").toUint96(),
            minStake: _uint(json, where, ".minStake").toUint96(),
            unbondingPeriod: _uint(json, where, ".unbondingPeriod").toUint32(),
            timeoutSlashBps: _uint(json, where, ".timeoutSlashBps").toUint16(),
            disputeSlashBps: _uint(json, where, ".disputeSlashBps").toUint16(),
            levelTwoStake: _uint(json, where, ".levelTwoStake").toUint96(),
            levelThreeStake: _uint(json, where, ".levelThreeStake").toUint96(),
            levelTwoChallenges: _uint(json, where, ".levelTwoChallenges").toUint16(),
            levelThreeReputation: _uint(json, where, ".levelThreeReputation").toUint16(),
            levelThreeTasks: _uint(json, where, ".levelThreeTasks").toUint16(),
            levelThreeSuccessBps: _uint(json, where, ".levelThreeSuccessBps").toUint16(),
            misuseSlashBps: _uint(json, where, ".misuseSlashBps").toUint16(),
            reviewPeriod: _uint(json, where, ".reviewPeriod").toUint32(),
            reviewMinTasks: _uint(json, where, ".reviewMinTasks").toUint16(),
            reviewFailureBps: _uint(json, where, ".reviewFailureBps").toUint16()
        });
    }

    function _readTokenLimits(string memory json, string memory where)
        private
        view
        returns (LimitsConfig[] memory tokens)
    {
        tokens = new LimitsConfig[](_length(json, where));
        for (uint256 i; i < tokens.length; ++i) {
            string memory item = string.concat(where, "[", vm.toString(i), "]");
            tokens[i].token = _address(json, item, ".token");
            tokens[i].limits = TokenLimits({
                minCountedFee: _uint(json, item, ".minCountedFee").toUint128(),
                levelOneCap: _uint(json, item, ".levelOneCap").toUint128(),
                levelTwoCap: _uint(json, item, ".levelTwoCap").toUint128(),
                levelThreeCap: _uint(json, item, ".levelThreeCap").toUint128(),
                levelFourCap: _uint(json, item, ".levelFourCap").toUint128()
            });
        }
    }

    function _readVerifier(string memory json, string memory where)
        private
        pure
        returns (IProofOfWorkVerifier.Parameters memory parameters)
    {
        parameters.window = _uint(json, where, ".window").toUint32();
        parameters.cooldown = _uint(json, where, ".cooldown").toUint32();
        parameters.auditInterval = _uint(json, where, ".auditInterval").toUint32();
        parameters.jitter = _uint(json, where, ".jitter").toUint32();
        parameters.revealWindow = _uint(json, where, ".revealWindow").toUint32();
        parameters.lateWindow = _uint(json, where, ".lateWindow").toUint32();
        uint256[] memory rates = vm.parseJsonUintArray(json, string.concat(where, ".hashesPerTflops"));
        if (rates.length != parameters.hashesPerTflops.length) revert InvalidConfig("verifier.hashesPerTflops");
        for (uint256 i; i < rates.length; ++i) {
            parameters.hashesPerTflops[i] = rates[i].toUint64();
        }
    }

    function _readExcuseFloors(string memory json, string memory where)
        private
        view
        returns (IProofOfWorkVerifier.ExcuseFloor[] memory floors)
    {
        floors = new IProofOfWorkVerifier.ExcuseFloor[](_length(json, where));
        for (uint256 i; i < floors.length; ++i) {
            string memory item = string.concat(where, "[", vm.toString(i), "]");
            floors[i].token = _address(json, item, ".token");
            floors[i].minEscrow = _uint(json, item, ".minEscrow").toUint96();
        }
    }

    function _readMarketplace(string memory json, string memory where)
        private
        pure
        returns (ITaskMarketplace.Parameters memory)
    {
        return ITaskMarketplace.Parameters({
            feeBps: _uint(json, where, ".feeBps").toUint16(),
            grace: _uint(json, where, ".grace").toUint32(),
            minDuration: _uint(json, where, ".minDuration").toUint32(),
            maxDuration: _uint(json, where, ".maxDuration").toUint32(),
            maxAcceptWindow: _uint(json, where, ".maxAcceptWindow").toUint32(),
            minReviewWindow: _uint(json, where, ".minReviewWindow").toUint32(),
            maxReviewWindow: _uint(json, where, ".maxReviewWindow").toUint32(),
            minAbandonWindow: _uint(json, where, ".minAbandonWindow").toUint32()
        });
    }

    function _readPaymentTokens(string memory json, string memory where)
        private
        view
        returns (ITaskMarketplace.TokenConfig[] memory tokens)
    {
        tokens = new ITaskMarketplace.TokenConfig[](_length(json, where));
        for (uint256 i; i < tokens.length; ++i) {
            string memory item = string.concat(where, "[", vm.toString(i), "]");
            tokens[i].token = _address(json, item, ".token");
            tokens[i].timeoutTip = _uint(json, item, ".timeoutTip").toUint96();
        }
    }

    function _readRewards(string memory json, string memory where) private view returns (Rewards memory rewards) {
        rewards.start = _uint(json, where, ".start").toUint40();
        rewards.epochLength = _uint(json, where, ".epochLength").toUint40();
        rewards.stakerShareBps = _uint(json, where, ".stakerShareBps").toUint16();
        rewards.vetoDelay = _uint(json, where, ".vetoDelay").toUint32();
        rewards.aiigoRate = _uint(json, where, ".aiigoRate");
        string memory rates = string.concat(where, ".rates");
        rewards.rates = new IRewardDistributor.RateConfig[](_length(json, rates));
        for (uint256 i; i < rewards.rates.length; ++i) {
            string memory item = string.concat(rates, "[", vm.toString(i), "]");
            rewards.rates[i].token = _address(json, item, ".token");
            rewards.rates[i].rate = _uint(json, item, ".rate");
        }
    }

    function _readFeeShares(string memory json, string memory where)
        private
        view
        returns (IFeeVault.ShareConfig[] memory shares)
    {
        shares = new IFeeVault.ShareConfig[](_length(json, where));
        for (uint256 i; i < shares.length; ++i) {
            string memory item = string.concat(where, "[", vm.toString(i), "]");
            shares[i].token = _address(json, item, ".token");
            shares[i].stakerShareBps = _uint(json, item, ".stakerShareBps").toUint16();
        }
    }

    function _readTips(string memory json, string memory where)
        private
        pure
        returns (IKeeperTips.Terms[4] memory terms)
    {
        string[4] memory duties = [".openRound", ".reportMissed", ".draw", ".finalize"];
        for (uint256 i; i < duties.length; ++i) {
            string memory item = string.concat(where, duties[i]);
            terms[i].amount = _uint(json, item, ".amount").toUint72();
            terms[i].weeklyBudget = _uint(json, item, ".weeklyBudget").toUint72();
        }
    }

    function _readCourt(string memory json, string memory where)
        private
        pure
        returns (IDisputeCourtBase.Parameters memory)
    {
        return IDisputeCourtBase.Parameters({
            minPosition: _uint(json, where, ".minPosition").toUint96(),
            seatStake: _uint(json, where, ".seatStake").toUint96(),
            toleranceBps: _uint(json, where, ".toleranceBps").toUint16(),
            incoherencePenaltyBps: _uint(json, where, ".incoherencePenaltyBps").toUint16(),
            silencePenaltyBps: _uint(json, where, ".silencePenaltyBps").toUint16(),
            jurySize: _uint(json, where, ".jurySize").toUint8(),
            maxReplacements: _uint(json, where, ".maxReplacements").toUint8(),
            caseFee: _uint(json, where, ".caseFee").toUint96(),
            appealFee: _uint(json, where, ".appealFee").toUint96(),
            drawDelay: _uint(json, where, ".drawDelay").toUint8(),
            drawPeriod: _uint(json, where, ".drawPeriod").toUint32(),
            commitPeriod: _uint(json, where, ".commitPeriod").toUint32(),
            revealPeriod: _uint(json, where, ".revealPeriod").toUint32(),
            appealWindow: _uint(json, where, ".appealWindow").toUint32(),
            holdPeriod: _uint(json, where, ".holdPeriod").toUint32()
        });
    }

    function _uint(string memory json, string memory where, string memory field) private pure returns (uint256) {
        return vm.parseJsonUint(json, string.concat(where, field));
    }

    function _address(string memory json, string memory where, string memory field) private pure returns (address) {
        return vm.parseJsonAddress(json, string.concat(where, field));
    }

    function _length(string memory json, string memory where) private view returns (uint256 length) {
        while (vm.keyExistsJson(json, string.concat(where, "[", vm.toString(length), "]"))) ++length;
    }

    function _equal(string memory a, string memory b) private pure returns (bool) {
        return keccak256(bytes(a)) == keccak256(bytes(b));
    }
}
