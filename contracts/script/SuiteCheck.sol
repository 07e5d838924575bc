// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMarket} from "src/interfaces/IMarketExtension.sol";
import {MarketBase} from "src/market/MarketBase.sol";
import {MarketDeals} from "src/market/MarketDeals.sol";
import {MarketExtension} from "src/market/MarketExtension.sol";
import {ReplicasExtension} from "src/market/ReplicasExtension.sol";

import {CommonBase} from "forge-std/Base.sol";
import {ERC1967Utils} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Utils.sol";

import {IEntryPausable} from "src/interfaces/IEntryPausable.sol";
import {IKeeperTips} from "src/interfaces/IKeeperTips.sol";
import {NodeRegistry} from "src/NodeRegistry.sol";
import {RegistryBase} from "src/registry/RegistryBase.sol";
import {RegistryExtension} from "src/registry/RegistryExtension.sol";
import {CourtBase} from "src/court/CourtBase.sol";
import {IDisputeCourt} from "src/interfaces/IDisputeCourt.sol";
import {IProofOfWorkVerifier} from "src/interfaces/IProofOfWorkVerifier.sol";
import {TokenVesting} from "src/vesting/TokenVesting.sol";

import {Deployed, Suite} from "./Suite.sol";
import {ANVIL, SuiteConfig, Vesting} from "./SuiteConfig.sol";

interface IOwned {
    function owner() external view returns (address);
}

/// @title Says whether a deployment is what its configuration asks for, and who holds power over it
abstract contract SuiteCheck is Suite {
    // keccak256(abi.encode(uint256(keccak256("openzeppelin.storage.Initializable")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant INITIALIZABLE = 0xf0c57e16840df040f15088dc2f81fe391c3923bec73e23a9662efc9c229c6a00;

    error CheckFailed(string what);

    /// @param deployer Whoever sent the transactions: it must hold nothing.
    function checkSuite(SuiteConfig memory config, Deployed memory d, address deployer) internal view {
        _checkRoles(config, d, deployer);
        _checkProxies(d);
        _checkWiring(d);
        _checkToken(config, d);
        _checkParameters(config, d);
        _checkGovernor(config, d);
        _checkCourt(config, d);
        _checkHelpers(config, d);
    }

    function _checkRoles(SuiteConfig memory config, Deployed memory d, address deployer) private view {
        bytes32 admin = d.timelock.DEFAULT_ADMIN_ROLE();
        bytes32 proposer = d.timelock.PROPOSER_ROLE();
        bytes32 canceller = d.timelock.CANCELLER_ROLE();
        bytes32 executor = d.timelock.EXECUTOR_ROLE();
        _require(d.timelock.hasRole(admin, address(d.timelock)), "the timelock is its own administrator");
        _require(d.timelock.hasRole(proposer, address(d.governor)), "the governor proposes");
        _require(d.timelock.hasRole(canceller, address(d.governor)), "the governor cancels");
        _require(d.timelock.hasRole(executor, address(0)), "anyone executes");
        address[4] memory others = [
            deployer, config.genesis.publicSale, config.genesis.team.beneficiary, config.genesis.privateSale.beneficiary
        ];
        for (uint256 i; i < others.length; ++i) {
            _require(
                !d.timelock.hasRole(admin, others[i]) && !d.timelock.hasRole(proposer, others[i])
                    && !d.timelock.hasRole(canceller, others[i]) && !d.timelock.hasRole(executor, others[i]),
                "no account of a person holds a role of the timelock"
            );
        }
        _require(d.timelock.getMinDelay() == config.timelockDelay, "the timelock's delay");
    }

    function _checkProxies(Deployed memory d) private view {
        _checkProxy("NodeRegistry", address(d.registry), d.implementations.registry, d);
        _checkProxy("ProofOfWorkVerifier", address(d.verifier), d.implementations.verifier, d);
        _checkProxy("TaskMarketplace", address(d.marketplace), d.implementations.marketplace, d);
        _checkProxy("StakingPool", address(d.pool), d.implementations.pool, d);
        _checkProxy("RewardDistributor", address(d.distributor), d.implementations.distributor, d);
        _checkProxy("DisputeCourt", address(d.court), d.implementations.court, d);
        _require(address(d.entropy).code.length > 0, "BlockEntropy has code");
    }

    function _checkProxy(string memory name, address proxy, address implementation, Deployed memory d) private view {
        address stored = address(uint160(uint256(vm.load(proxy, ERC1967Utils.IMPLEMENTATION_SLOT))));
        _require(stored == implementation && implementation.code.length > 0, string.concat(name, "'s implementation"));
        _require(vm.load(proxy, ERC1967Utils.ADMIN_SLOT) == 0, string.concat(name, " has no proxy administrator"));
        _require(IOwned(proxy).owner() == address(d.timelock), string.concat("the timelock owns ", name));
        _require(
            IOwned(implementation).owner() == address(0)
                && uint64(uint256(vm.load(implementation, INITIALIZABLE))) == type(uint64).max,
            string.concat(name, "'s implementation can't be initialized")
        );
    }

    function _checkToken(SuiteConfig memory config, Deployed memory d) private view {
        _require(d.token.minter() == address(d.distributor), "only the distributor mints");
        _checkVesting("team", config.genesis.team, config.genesis.vestingStart, d.vestingTeam, d);
        _checkVesting("private sale", config.genesis.privateSale, config.genesis.vestingStart, d.vestingPrivateSale, d);
        _require(d.token.delegates(address(d.timelock)) == VOTE_SINK, "the treasury does not vote");
        _require(VOTE_SINK.code.length == 0 && d.token.delegates(VOTE_SINK) == address(0), "the vote sink is nobody");
    }

    /// @dev What holds for a fresh deployment only: balances move, and rates of other tokens than AIIGO expire.
    function checkGenesis(SuiteConfig memory config, Deployed memory d) internal view {
        _require(d.token.balanceOf(address(d.vestingTeam)) == TEAM, "the team's allocation");
        _require(d.token.balanceOf(address(d.vestingPrivateSale)) == PRIVATE_SALE, "the private sale's allocation");
        _require(d.token.balanceOf(config.genesis.publicSale) == PUBLIC_SALE, "the public sale's allocation");
        _require(d.token.balanceOf(address(d.timelock)) == TREASURY + ECOSYSTEM, "the treasury's allocation");
        _require(
            d.token.lifetimeMinted() + d.distributor.TOTAL() == d.token.LIFETIME_CAP(),
            "genesis and rewards fill the cap"
        );
        _require(
            d.token.getVotes(VOTE_SINK) == TEAM + PRIVATE_SALE + TREASURY + ECOSYSTEM,
            "what must not vote is in the sink"
        );
        for (uint256 i; i < config.rewards.rates.length; ++i) {
            _checkRate(d, config.rewards.rates[i].token, config.rewards.rates[i].rate);
        }
    }

    function _checkVesting(
        string memory name,
        Vesting memory expected,
        uint64 start,
        TokenVesting wallet,
        Deployed memory d
    ) private view {
        _require(
            wallet.owner() == expected.beneficiary && wallet.start() == start && wallet.duration() == expected.duration
                && wallet.cliff() == start + expected.cliff,
            string.concat("the vesting of the ", name)
        );
        _require(d.token.delegates(address(wallet)) == VOTE_SINK, string.concat("the ", name, "'s tokens do not vote"));
    }

    function _checkParameters(SuiteConfig memory config, Deployed memory d) private view {
        _require(_same(abi.encode(d.registry.parameters()), abi.encode(config.registry)), "NodeRegistry's parameters");
        _require(
            _same(abi.encode(d.verifier.parameters()), abi.encode(config.verifier)), "ProofOfWorkVerifier's parameters"
        );
        _require(
            _same(abi.encode(IMarket(address(d.marketplace)).parameters()), abi.encode(config.marketplace)),
            "TaskMarketplace's parameters"
        );
        _require(d.verifier.challenger() == config.challenger, "the challenger");
        for (uint256 i; i < config.excuseFloors.length; ++i) {
            IProofOfWorkVerifier.ExcuseFloor memory floor = config.excuseFloors[i];
            _require(d.verifier.excuseFloorOf(floor.token) == floor.minEscrow, "an excuse's floor");
        }
        for (uint256 i; i < config.paymentTokens.length; ++i) {
            address token = config.paymentTokens[i].token;
            _require(
                IMarket(address(d.marketplace)).paymentToken(token).allowed
                    && IMarket(address(d.marketplace)).paymentToken(token).timeoutTip
                        == config.paymentTokens[i].timeoutTip,
                "a payment token"
            );
        }
        for (uint256 i; i < config.tokenLimits.length; ++i) {
            _require(
                _same(
                    abi.encode(d.registry.tokenLimits(config.tokenLimits[i].token)),
                    abi.encode(config.tokenLimits[i].limits)
                ),
                "a payment token's limits"
            );
        }
        _require(d.distributor.epochStart(0) == config.rewards.start, "the start of the rewards");
        _require(d.distributor.epochLength() == config.rewards.epochLength, "the epoch's length");
        _require(d.distributor.stakerShareBps() == config.rewards.stakerShareBps, "the stakers' share");
        _require(d.distributor.vetoDelay() == config.rewards.vetoDelay, "the veto delay of bonus roots");
        _checkRate(d, address(d.token), config.rewards.aiigoRate);
    }

    /// @dev The contracts refer to each other by immutables that were computed before the contracts existed.
    function _checkWiring(Deployed memory d) private view {
        address extension = NodeRegistry(payable(address(d.registry))).extension();
        _require(extension.code.length > 0, "NodeRegistry's extension");
        _checkRegistry(RegistryBase(address(d.registry)), d);
        _checkRegistry(RegistryBase(extension), d);
        _require(RegistryExtension(extension).guardian() == address(d.guardian), "NodeRegistry's guardian");
        _require(
            address(d.verifier.registry()) == address(d.registry)
                && address(d.verifier.entropySource()) == address(d.entropy)
                && address(d.verifier.marketplace()) == address(d.marketplace)
                && address(d.verifier.keeperTips()) == address(d.keeperTips),
            "ProofOfWorkVerifier's contracts"
        );
        _require(
            address(d.marketplace.registry()) == address(d.registry)
                && address(d.marketplace.escrowManager()) == address(d.escrow)
                && address(d.marketplace.rewards()) == address(d.distributor)
                && d.marketplace.aiigo() == address(d.token) && d.marketplace.guardian() == address(d.guardian),
            "TaskMarketplace's contracts"
        );
        _checkMarketRooms(d);
        _require(
            d.escrow.marketplace() == address(d.marketplace) && d.escrow.treasury() == address(d.feeVault),
            "EscrowManager's contracts"
        );
        _require(
            address(d.distributor.token()) == address(d.token)
                && address(d.distributor.registry()) == address(d.registry)
                && d.distributor.marketplace() == address(d.marketplace)
                && address(d.distributor.pool()) == address(d.pool) && d.distributor.guardian() == address(d.guardian),
            "RewardDistributor's contracts"
        );
        _require(
            address(d.pool.token()) == address(d.token) && d.pool.distributor() == address(d.distributor)
                && d.pool.feeVault() == address(d.feeVault) && d.pool.treasury() == address(d.timelock)
                && d.pool.court() == address(d.court) && d.pool.guardian() == address(d.guardian),
            "StakingPool's contracts"
        );
    }

    /// @dev Every room of the market has to know the same neighbours.
    function _checkMarketRooms(Deployed memory d) private view {
        address second = d.marketplace.extension();
        address third = MarketExtension(payable(second)).extension();
        address fourth = MarketDeals(payable(third)).extension();
        _require(d.marketplace.court() == address(d.court), "TaskMarketplace's court");
        _require(_knowsTheSame(MarketBase(second), d.marketplace), "MarketExtension's contracts");
        _require(_knowsTheSame(MarketBase(third), d.marketplace), "MarketDeals' contracts");
        _require(
            _knowsTheSame(MarketBase(fourth), d.marketplace)
                && address(ReplicasExtension(fourth).entropySource()) == address(d.entropy),
            "ReplicasExtension's contracts"
        );
    }

    function _knowsTheSame(MarketBase room, MarketBase first) private view returns (bool) {
        return room.registry() == first.registry() && room.escrowManager() == first.escrowManager()
            && room.rewards() == first.rewards() && room.aiigo() == first.aiigo() && room.guardian() == first.guardian()
            && room.court() == first.court();
    }

    /// @dev Both pieces of the registry have to know the same neighbours.
    function _checkRegistry(RegistryBase piece, Deployed memory d) private view {
        _require(
            address(piece.stakingToken()) == address(d.token) && piece.treasury() == address(d.timelock)
                && address(piece.verifier()) == address(d.verifier)
                && address(piece.marketplace()) == address(d.marketplace) && piece.court() == address(d.court),
            "NodeRegistry's contracts"
        );
    }

    function _checkRate(Deployed memory d, address token, uint256 expected) private view {
        (uint256 rate,) = d.distributor.rateOf(token);
        _require(rate == expected, "a reward rate");
    }

    function _checkGovernor(SuiteConfig memory config, Deployed memory d) private view {
        _require(
            d.governor.votingDelay() == config.governor.votingDelay
                && d.governor.votingPeriod() == config.governor.votingPeriod
                && d.governor.lateQuorumVoteExtension() == config.governor.lateQuorumExtension
                && d.governor.proposalThreshold() == config.governor.proposalThreshold
                && d.governor.quorumFloor() == config.governor.quorumFloor
                && d.governor.quorumNumerator() == config.governor.quorumPercent,
            "the governor's settings"
        );
        _require(
            address(d.governor.token()) == address(d.token) && address(d.governor.stakingPool()) == address(d.pool)
                && d.governor.timelock() == address(d.timelock) && d.governor.voteSink() == VOTE_SINK,
            "the governor's contracts"
        );
    }

    function _checkCourt(SuiteConfig memory config, Deployed memory d) private view {
        _checkCourtWiring(d.court, d);
        _checkCourtWiring(CourtBase(d.court.extension()), d);
        IDisputeCourt court = IDisputeCourt(address(d.court));
        _require(_same(abi.encode(court.parameters()), abi.encode(config.court)), "DisputeCourt's parameters");
        _require(court.epochLength() == config.courtEpochLength, "the length of the jurors' epochs");
    }

    function _checkCourtWiring(CourtBase room, Deployed memory d) private view {
        _require(
            address(room.token()) == address(d.token) && address(room.stakingPool()) == address(d.pool)
                && address(room.registry()) == address(d.registry)
                && address(room.marketplace()) == address(d.marketplace)
                && address(room.entropySource()) == address(d.entropy) && address(room.tips()) == address(d.keeperTips),
            "DisputeCourt's contracts"
        );
    }

    function _checkHelpers(SuiteConfig memory config, Deployed memory d) private view {
        _require(
            address(d.feeVault.escrow()) == address(d.escrow) && address(d.feeVault.pool()) == address(d.pool)
                && d.feeVault.treasury() == address(d.timelock),
            "FeeVault's contracts"
        );
        _require(
            d.feeVault.stakerShareOf(address(d.token)) == config.aiigoFeeShareBps, "the stakers' share of AIIGO fees"
        );
        for (uint256 i; i < config.feeShares.length; ++i) {
            _require(
                d.feeVault.stakerShareOf(config.feeShares[i].token) == config.feeShares[i].stakerShareBps,
                "the stakers' share of fees"
            );
        }
        _require(
            d.keeperTips.verifier() == address(d.verifier) && d.keeperTips.court() == address(d.court)
                && d.keeperTips.marketplace() == address(d.marketplace)
                && d.keeperTips.treasury() == address(d.timelock),
            "KeeperTips' contracts"
        );
        for (uint8 i; i < config.tips.length; ++i) {
            _require(
                _same(abi.encode(d.keeperTips.termsOf(IKeeperTips.Duty(i))), abi.encode(config.tips[i])),
                "KeeperTips' terms"
            );
        }
        _require(
            d.guardian.timelock() == address(d.timelock) && address(d.guardian.distributor()) == address(d.distributor),
            "Guardian's contracts"
        );
        _require(
            _same(abi.encode(d.guardian.targets()), abi.encode(pausableContracts(d))), "what the guardian can pause"
        );
        _require(d.guardian.guardian() == config.guardian, "the guardian");
        _require(
            config.guardian == address(0) || config.guardian.code.length > 0 || block.chainid == ANVIL,
            "the guardian is no account of a person"
        );
    }

    function _same(bytes memory a, bytes memory b) private pure returns (bool) {
        return keccak256(a) == keccak256(b);
    }

    function _require(bool holds, string memory what) private pure {
        if (!holds) revert CheckFailed(what);
    }
}
