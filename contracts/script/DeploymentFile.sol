// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CommonBase} from "forge-std/Base.sol";

import {AIIGOGovernor} from "src/AIIGOGovernor.sol";
import {AIIGOToken} from "src/AIIGOToken.sol";
import {DisputeCourt} from "src/DisputeCourt.sol";
import {EscrowManager} from "src/EscrowManager.sol";
import {FeeVault} from "src/FeeVault.sol";
import {KeeperTips} from "src/KeeperTips.sol";
import {ProofOfWorkVerifier} from "src/ProofOfWorkVerifier.sol";
import {RewardDistributor} from "src/RewardDistributor.sol";
import {StakingPool} from "src/StakingPool.sol";
import {TaskMarketplace} from "src/TaskMarketplace.sol";
import {BlockEntropy} from "src/entropy/BlockEntropy.sol";
import {AIIGOTimelock} from "src/governance/AIIGOTimelock.sol";
import {Guardian} from "src/governance/Guardian.sol";
import {IRegistry} from "src/interfaces/IRegistryExtension.sol";
import {TokenVesting} from "src/vesting/TokenVesting.sol";

import {Deployed} from "./Suite.sol";
import {SuiteConfig} from "./SuiteConfig.sol";

/// @title The record of a deployment that every program reads
/// @dev {"chainId", "block", "contracts": {Name: {"address", "implementation"?}}, "parameters": the configuration}
abstract contract DeploymentFile is CommonBase {
    /// @notice AIIGO_DEPLOYMENT, or the chain's place in `deployments/`.
    function deploymentPath() internal view returns (string memory) {
        return vm.envOr("AIIGO_DEPLOYMENT", string.concat("deployments/", vm.toString(block.chainid), ".json"));
    }

    /// @param block_ No contract of the suite has code or events before it.
    /// @param configJson The configuration's text; start times in `config` replace its zeros.
    function writeDeployment(
        string memory path,
        uint256 block_,
        string memory configJson,
        SuiteConfig memory config,
        Deployed memory d
    ) internal {
        string memory head = string.concat(
            '{"chainId":', vm.toString(config.chainId), ',"block":', vm.toString(block_), ',"contracts":{'
        );
        vm.createDir(_parent(path), true);
        // forge-lint: disable-next-line(unsafe-cheatcode)
        vm.writeJson(string.concat(head, _contracts(d), '},"parameters":', configJson, "}"), path);
        vm.writeJson(vm.toString(config.genesis.vestingStart), path, ".parameters.genesis.vestingStart");
        vm.writeJson(vm.toString(config.rewards.start), path, ".parameters.rewards.start");
    }

    /// @param json The text of a deployment file.
    function readDeployment(string memory json) internal pure returns (Deployed memory d) {
        d.token = AIIGOToken(_address(json, "AIIGOToken"));
        d.registry = IRegistry(_address(json, "NodeRegistry"));
        d.verifier = ProofOfWorkVerifier(_address(json, "ProofOfWorkVerifier"));
        d.marketplace = TaskMarketplace(payable(_address(json, "TaskMarketplace")));
        d.escrow = EscrowManager(_address(json, "EscrowManager"));
        d.pool = StakingPool(_address(json, "StakingPool"));
        d.distributor = RewardDistributor(_address(json, "RewardDistributor"));
        d.governor = AIIGOGovernor(payable(_address(json, "AIIGOGovernor")));
        d.timelock = AIIGOTimelock(payable(_address(json, "TimelockController")));
        d.feeVault = FeeVault(payable(_address(json, "FeeVault")));
        d.guardian = Guardian(_address(json, "Guardian"));
        d.keeperTips = KeeperTips(payable(_address(json, "KeeperTips")));
        d.court = DisputeCourt(payable(_address(json, "DisputeCourt")));
        d.entropy = BlockEntropy(_address(json, "BlockEntropy"));
        d.vestingTeam = TokenVesting(payable(_address(json, "VestingTeam")));
        d.vestingPrivateSale = TokenVesting(payable(_address(json, "VestingPrivateSale")));
        d.implementations.registry = _implementation(json, "NodeRegistry");
        d.implementations.verifier = _implementation(json, "ProofOfWorkVerifier");
        d.implementations.marketplace = _implementation(json, "TaskMarketplace");
        d.implementations.pool = _implementation(json, "StakingPool");
        d.implementations.distributor = _implementation(json, "RewardDistributor");
        d.implementations.court = _implementation(json, "DisputeCourt");
    }

    function _contracts(Deployed memory d) private pure returns (string memory) {
        string memory upgradeable = string.concat(
            _proxy("NodeRegistry", address(d.registry), d.implementations.registry),
            _proxy("ProofOfWorkVerifier", address(d.verifier), d.implementations.verifier),
            _proxy("TaskMarketplace", address(d.marketplace), d.implementations.marketplace),
            _proxy("StakingPool", address(d.pool), d.implementations.pool),
            _proxy("RewardDistributor", address(d.distributor), d.implementations.distributor),
            _proxy("DisputeCourt", address(d.court), d.implementations.court)
        );
        string memory market = string.concat(
            _plain("AIIGOToken", address(d.token), ","),
            _plain("EscrowManager", address(d.escrow), ","),
            _plain("BlockEntropy", address(d.entropy), ",")
        );
        // In pieces: one long concatenation is too deep for the stack.
        string memory helpers = string.concat(
            _plain("FeeVault", address(d.feeVault), ","),
            _plain("Guardian", address(d.guardian), ","),
            _plain("KeeperTips", address(d.keeperTips), ",")
        );
        string memory governance = string.concat(
            _plain("AIIGOGovernor", address(d.governor), ","),
            _plain("TimelockController", address(d.timelock), ","),
            _plain("VestingTeam", address(d.vestingTeam), ","),
            _plain("VestingPrivateSale", address(d.vestingPrivateSale), "")
        );
        return string.concat(upgradeable, market, helpers, governance);
    }

    function _proxy(string memory name, address proxy, address implementation) private pure returns (string memory) {
        return string.concat(
            '"', name, '":{"address":"', vm.toString(proxy), '","implementation":"', vm.toString(implementation), '"},'
        );
    }

    function _plain(string memory name, address where, string memory end) private pure returns (string memory) {
        return string.concat('"', name, '":{"address":"', vm.toString(where), '"}', end);
    }

    function _address(string memory json, string memory name) private pure returns (address) {
        return vm.parseJsonAddress(json, string.concat(".contracts.", name, ".address"));
    }

    function _implementation(string memory json, string memory name) private pure returns (address) {
        return vm.parseJsonAddress(json, string.concat(".contracts.", name, ".implementation"));
    }

    /// @dev The folder of a path; "." for a bare file name.
    function _parent(string memory path) private pure returns (string memory) {
        bytes memory all = bytes(path);
        uint256 length = all.length;
        while (length > 0 && all[length - 1] != "/") --length;
        if (length == 0) return ".";
        bytes memory parent = new bytes(length);
        for (uint256 i; i < length; ++i) {
            parent[i] = all[i];
        }
        return string(parent);
    }
}
