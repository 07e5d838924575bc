// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CommonBase} from "forge-std/Base.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";

import {AIIGOGovernor} from "src/AIIGOGovernor.sol";
import {AIIGOToken} from "src/AIIGOToken.sol";
import {DisputeCourt} from "src/DisputeCourt.sol";
import {EscrowManager} from "src/EscrowManager.sol";
import {FeeVault} from "src/FeeVault.sol";
import {KeeperTips} from "src/KeeperTips.sol";
import {NodeRegistry} from "src/NodeRegistry.sol";
import {ProofOfWorkVerifier} from "src/ProofOfWorkVerifier.sol";
import {RewardDistributor} from "src/RewardDistributor.sol";
import {StakingPool} from "src/StakingPool.sol";
import {TaskMarketplace} from "src/TaskMarketplace.sol";
import {CourtNeighbours} from "src/court/CourtBase.sol";
import {CourtExtension} from "src/court/CourtExtension.sol";
import {BlockEntropy} from "src/entropy/BlockEntropy.sol";
import {AIIGOTimelock} from "src/governance/AIIGOTimelock.sol";
import {Guardian} from "src/governance/Guardian.sol";
import {IEntryPausable} from "src/interfaces/IEntryPausable.sol";
import {IFeeVault} from "src/interfaces/IFeeVault.sol";
import {IMarketExtension} from "src/interfaces/IMarketExtension.sol";
import {IRegistry, IRegistryExtension} from "src/interfaces/IRegistryExtension.sol";
import {IRewardDistributor} from "src/interfaces/IRewardDistributor.sol";
import {MarketDeals} from "src/market/MarketDeals.sol";
import {MarketExtension} from "src/market/MarketExtension.sol";
import {Neighbours} from "src/market/MarketBase.sol";
import {ReplicasExtension} from "src/market/ReplicasExtension.sol";
import {RegistryNeighbours} from "src/registry/RegistryBase.sol";
import {RegistryExtension} from "src/registry/RegistryExtension.sol";
import {VerifierNeighbours} from "src/verifier/VerifierBase.sol";
import {TokenVesting} from "src/vesting/TokenVesting.sol";

import {SuiteConfig, Vesting} from "./SuiteConfig.sol";

/// @dev The contracts that stand behind the proxies.
struct Implementations {
    address registry;
    address registryExtension;
    address verifier;
    address replicasExtension;
    address marketDeals;
    address marketExtension;
    address marketplace;
    address pool;
    address distributor;
    address courtExtension; // the court's other room
    address court;
}

/// @dev Every contract of a deployment, where it is called.
struct Deployed {
    AIIGOToken token;
    AIIGOTimelock timelock;
    TokenVesting vestingTeam;
    TokenVesting vestingPrivateSale;
    BlockEntropy entropy;
    IRegistry registry;
    ProofOfWorkVerifier verifier;
    EscrowManager escrow;
    TaskMarketplace marketplace;
    StakingPool pool;
    RewardDistributor distributor;
    DisputeCourt court;
    FeeVault feeVault;
    Guardian guardian;
    KeeperTips keeperTips;
    AIIGOGovernor governor;
    Implementations implementations;
}

/// @title Deploys the suite: the one way, for every chain and every test
/// @notice The contracts refer to each other in circles, so their addresses are computed from the deployer's nonce
/// beforehand. Nothing is wired afterwards: the timelock owns every contract from the transaction that creates it, and
/// the deployer never holds a role.
abstract contract Suite is CommonBase {
    uint256 internal constant TEAM = 150_000_000e18;
    uint256 internal constant TREASURY = 200_000_000e18;
    uint256 internal constant PRIVATE_SALE = 100_000_000e18;
    uint256 internal constant PUBLIC_SALE = 100_000_000e18;
    uint256 internal constant ECOSYSTEM = 50_000_000e18;

    /// @dev Takes the votes of what must not vote. The hash of a text: nobody has its key, and no code can stand there.
    address internal constant VOTE_SINK = address(uint160(uint256(keccak256("aiigo.vote-sink"))));

    /// @dev The deployer sent another transaction in between, or the order below was changed without `_predict`.
    error UnexpectedAddress(string name, address deployed, address predicted);

    /// @param config Validated; its zero start times are replaced by the present time.
    /// @param deployer Who creates the contracts: the broadcaster, or the test itself.
    function deploySuite(SuiteConfig memory config, address deployer) internal returns (Deployed memory d) {
        if (config.genesis.vestingStart == 0) config.genesis.vestingStart = uint64(vm.getBlockTimestamp());
        if (config.rewards.start == 0) config.rewards.start = uint40(vm.getBlockTimestamp());
        Deployed memory predicted = _predict(deployer);
        _deployToken(config, d, predicted);
        _deployMarket(config, d, predicted);
        _deployRewards(config, d, predicted);
        _deployCourt(config, d, predicted);
        _deployHelpers(config, d, predicted);
        d.governor = new AIIGOGovernor(d.token, d.pool, d.timelock, VOTE_SINK, config.governor);
        _expect("AIIGOGovernor", address(d.governor), address(predicted.governor));
    }

    /// @dev In the order of deployment: one nonce each.
    function _predict(address deployer) private view returns (Deployed memory p) {
        uint256 nonce = vm.getNonce(deployer);
        p.token = AIIGOToken(vm.computeCreateAddress(deployer, nonce++));
        p.timelock = AIIGOTimelock(payable(vm.computeCreateAddress(deployer, nonce++)));
        p.vestingTeam = TokenVesting(payable(vm.computeCreateAddress(deployer, nonce++)));
        p.vestingPrivateSale = TokenVesting(payable(vm.computeCreateAddress(deployer, nonce++)));
        p.entropy = BlockEntropy(vm.computeCreateAddress(deployer, nonce++));
        p.implementations.registryExtension = vm.computeCreateAddress(deployer, nonce++);
        p.implementations.registry = vm.computeCreateAddress(deployer, nonce++);
        p.registry = IRegistry(vm.computeCreateAddress(deployer, nonce++));
        p.implementations.verifier = vm.computeCreateAddress(deployer, nonce++);
        p.verifier = ProofOfWorkVerifier(vm.computeCreateAddress(deployer, nonce++));
        p.escrow = EscrowManager(vm.computeCreateAddress(deployer, nonce++));
        p.implementations.replicasExtension = vm.computeCreateAddress(deployer, nonce++);
        p.implementations.marketDeals = vm.computeCreateAddress(deployer, nonce++);
        p.implementations.marketExtension = vm.computeCreateAddress(deployer, nonce++);
        p.implementations.marketplace = vm.computeCreateAddress(deployer, nonce++);
        p.marketplace = TaskMarketplace(payable(vm.computeCreateAddress(deployer, nonce++)));
        p.implementations.pool = vm.computeCreateAddress(deployer, nonce++);
        p.pool = StakingPool(vm.computeCreateAddress(deployer, nonce++));
        p.implementations.distributor = vm.computeCreateAddress(deployer, nonce++);
        p.distributor = RewardDistributor(vm.computeCreateAddress(deployer, nonce++));
        p.implementations.courtExtension = vm.computeCreateAddress(deployer, nonce++);
        p.implementations.court = vm.computeCreateAddress(deployer, nonce++);
        p.court = DisputeCourt(payable(vm.computeCreateAddress(deployer, nonce++)));
        p.feeVault = FeeVault(payable(vm.computeCreateAddress(deployer, nonce++)));
        p.guardian = Guardian(vm.computeCreateAddress(deployer, nonce++));
        p.keeperTips = KeeperTips(payable(vm.computeCreateAddress(deployer, nonce++)));
        p.governor = AIIGOGovernor(payable(vm.computeCreateAddress(deployer, nonce++)));
    }

    function _deployToken(SuiteConfig memory config, Deployed memory d, Deployed memory p) private {
        AIIGOToken.Allocation[] memory genesis = new AIIGOToken.Allocation[](5);
        genesis[0] = AIIGOToken.Allocation(address(p.vestingTeam), TEAM);
        genesis[1] = AIIGOToken.Allocation(address(p.timelock), TREASURY);
        genesis[2] = AIIGOToken.Allocation(address(p.vestingPrivateSale), PRIVATE_SALE);
        genesis[3] = AIIGOToken.Allocation(config.genesis.publicSale, PUBLIC_SALE);
        genesis[4] = AIIGOToken.Allocation(address(p.timelock), ECOSYSTEM);
        d.token = new AIIGOToken(address(p.distributor), genesis);
        _expect("AIIGOToken", address(d.token), address(p.token));

        address[] memory proposers = new address[](1);
        proposers[0] = address(p.governor);
        address[] memory executors = new address[](1); // the zero address: anyone
        d.timelock = new AIIGOTimelock(config.timelockDelay, proposers, executors, d.token, VOTE_SINK);
        _expect("TimelockController", address(d.timelock), address(p.timelock));

        d.vestingTeam = _deployVesting(d.token, config.genesis.team, config.genesis.vestingStart);
        _expect("VestingTeam", address(d.vestingTeam), address(p.vestingTeam));
        d.vestingPrivateSale = _deployVesting(d.token, config.genesis.privateSale, config.genesis.vestingStart);
        _expect("VestingPrivateSale", address(d.vestingPrivateSale), address(p.vestingPrivateSale));
    }

    function _deployVesting(AIIGOToken token, Vesting memory vesting, uint64 start) private returns (TokenVesting) {
        return new TokenVesting(token, VOTE_SINK, vesting.beneficiary, start, vesting.duration, vesting.cliff);
    }

    function _deployMarket(SuiteConfig memory config, Deployed memory d, Deployed memory p) private {
        address owner = address(d.timelock);
        d.entropy = new BlockEntropy();
        _expect("BlockEntropy", address(d.entropy), address(p.entropy));

        RegistryNeighbours memory around = RegistryNeighbours({
            token: address(d.token),
            treasury: owner,
            verifier: address(p.verifier),
            marketplace: address(p.marketplace),
            court: address(p.court),
            guardian: address(p.guardian)
        });
        d.implementations.registryExtension = address(new RegistryExtension(around));
        d.implementations.registry = address(new NodeRegistry(around, d.implementations.registryExtension));
        bytes memory call = abi.encodeCall(IRegistryExtension.initialize, (owner, config.registry, config.tokenLimits));
        d.registry = IRegistry(_deployProxy(d.implementations.registry, call));
        _expect("NodeRegistry", address(d.registry), address(p.registry));

        d.implementations.verifier = address(
            new ProofOfWorkVerifier(
                VerifierNeighbours({
                    registry: address(d.registry),
                    entropySource: address(d.entropy),
                    marketplace: address(p.marketplace),
                    keeperTips: address(p.keeperTips)
                })
            )
        );
        call = abi.encodeCall(
            ProofOfWorkVerifier.initialize, (owner, config.verifier, config.challenger, config.excuseFloors)
        );
        d.verifier = ProofOfWorkVerifier(_deployProxy(d.implementations.verifier, call));
        _expect("ProofOfWorkVerifier", address(d.verifier), address(p.verifier));

        d.escrow = new EscrowManager(address(p.marketplace), address(p.feeVault));
        _expect("EscrowManager", address(d.escrow), address(p.escrow));

        Neighbours memory neighbours = Neighbours({
            registry: address(d.registry),
            escrow: address(d.escrow),
            rewards: address(p.distributor),
            aiigo: address(d.token),
            guardian: address(p.guardian),
            court: address(p.court)
        });
        d.implementations.replicasExtension = address(new ReplicasExtension(neighbours, address(d.entropy)));
        d.implementations.marketDeals = address(new MarketDeals(neighbours, d.implementations.replicasExtension));
        d.implementations.marketExtension = address(new MarketExtension(neighbours, d.implementations.marketDeals));
        d.implementations.marketplace = address(new TaskMarketplace(neighbours, d.implementations.marketExtension));
        call = abi.encodeCall(IMarketExtension.initialize, (owner, config.marketplace, config.paymentTokens));
        d.marketplace = TaskMarketplace(payable(_deployProxy(d.implementations.marketplace, call)));
        _expect("TaskMarketplace", address(d.marketplace), address(p.marketplace));
    }

    function _deployRewards(SuiteConfig memory config, Deployed memory d, Deployed memory p) private {
        address owner = address(d.timelock);
        d.implementations.pool = address(
            new StakingPool(
                d.token, address(p.distributor), address(p.feeVault), owner, address(p.court), address(p.guardian)
            )
        );
        bytes memory call = abi.encodeCall(StakingPool.initialize, (owner));
        d.pool = StakingPool(_deployProxy(d.implementations.pool, call));
        _expect("StakingPool", address(d.pool), address(p.pool));

        d.implementations.distributor =
            address(new RewardDistributor(d.token, d.registry, address(d.marketplace), d.pool, address(p.guardian)));
        call = abi.encodeCall(
            RewardDistributor.initialize,
            (
                owner,
                config.rewards.start,
                config.rewards.epochLength,
                config.rewards.stakerShareBps,
                config.rewards.vetoDelay,
                _rates(config, address(d.token))
            )
        );
        d.distributor = RewardDistributor(_deployProxy(d.implementations.distributor, call));
        _expect("RewardDistributor", address(d.distributor), address(p.distributor));
    }

    function _deployCourt(SuiteConfig memory config, Deployed memory d, Deployed memory p) private {
        CourtNeighbours memory neighbours = CourtNeighbours({
            token: address(d.token),
            stakingPool: address(d.pool),
            registry: address(d.registry),
            marketplace: address(d.marketplace),
            entropy: address(d.entropy),
            tips: address(p.keeperTips)
        });
        d.implementations.courtExtension = address(new CourtExtension(neighbours));
        d.implementations.court = address(new DisputeCourt(neighbours, d.implementations.courtExtension));
        bytes memory call =
            abi.encodeCall(CourtExtension.initialize, (address(d.timelock), config.court, config.courtEpochLength));
        d.court = DisputeCourt(payable(_deployProxy(d.implementations.court, call)));
        _expect("DisputeCourt", address(d.court), address(p.court));
    }

    /// @dev What moves fees, pauses and tips: not upgradeable.
    function _deployHelpers(SuiteConfig memory config, Deployed memory d, Deployed memory p) private {
        address owner = address(d.timelock);
        d.feeVault = new FeeVault(d.escrow, d.pool, owner, _feeShares(config, address(d.token)));
        _expect("FeeVault", address(d.feeVault), address(p.feeVault));
        d.guardian = new Guardian(owner, d.distributor, pausableContracts(d), config.guardian);
        _expect("Guardian", address(d.guardian), address(p.guardian));
        d.keeperTips = new KeeperTips(address(d.verifier), address(d.court), address(d.marketplace), owner, config.tips);
        _expect("KeeperTips", address(d.keeperTips), address(p.keeperTips));
    }

    /// @dev Whose entry the guardian pauses.
    function pausableContracts(Deployed memory d) internal pure returns (IEntryPausable[] memory all) {
        all = new IEntryPausable[](3);
        all[0] = d.pool;
        all[1] = d.marketplace;
        all[2] = d.registry;
    }

    function _feeShares(SuiteConfig memory config, address token)
        private
        pure
        returns (IFeeVault.ShareConfig[] memory shares)
    {
        uint256 others = config.feeShares.length;
        shares = new IFeeVault.ShareConfig[](others + 1);
        for (uint256 i; i < others; ++i) {
            shares[i] = config.feeShares[i];
        }
        shares[others] = IFeeVault.ShareConfig(token, config.aiigoFeeShareBps);
    }

    function _rates(SuiteConfig memory config, address token)
        private
        pure
        returns (IRewardDistributor.RateConfig[] memory rates)
    {
        uint256 others = config.rewards.rates.length;
        rates = new IRewardDistributor.RateConfig[](others + 1);
        for (uint256 i; i < others; ++i) {
            rates[i] = config.rewards.rates[i];
        }
        rates[others] = IRewardDistributor.RateConfig(token, config.rewards.aiigoRate);
    }

    function _deployProxy(address implementation, bytes memory initialization) private returns (address) {
        return address(new ERC1967Proxy(implementation, initialization));
    }

    function _expect(string memory name, address deployed, address predicted) private pure {
        if (deployed != predicted) revert UnexpectedAddress(name, deployed, predicted);
    }
}
