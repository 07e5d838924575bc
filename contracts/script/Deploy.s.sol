// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Script, console} from "forge-std/Script.sol";

import {DeploymentFile} from "./DeploymentFile.sol";
import {Deployed} from "./Suite.sol";
import {SuiteCheck} from "./SuiteCheck.sol";
import {SuiteConfig, SuiteConfigReader} from "./SuiteConfig.sol";

/// @title Deploys the suite to the chain behind --rpc-url
/// @notice Environment: AIIGO_CONFIG, the configuration (default: the one in `config/` for the chain);
/// AIIGO_DEPLOYMENT, the file to write (default: `deployments/<chain id>.json`), which counts if forge ends with 0.
contract Deploy is Script, SuiteConfigReader, SuiteCheck, DeploymentFile {
    /// @dev The chain's `prevrandao` is no beacon value (several L2s have a small constant).
    error WeakRandomness(uint256 prevrandao);

    function run() external {
        string memory configJson = vm.readFile(vm.envOr("AIIGO_CONFIG", _defaultConfig()));
        SuiteConfig memory config = readConfig(configJson, "");
        validateConfig(config);
        // The genesis block of a fresh development chain has none yet.
        if (block.number > 0 && block.prevrandao < 1 << 128) revert WeakRandomness(block.prevrandao);
        uint256 firstBlock = vm.getBlockNumber();

        vm.startBroadcast();
        (, address deployer,) = vm.readCallers();
        Deployed memory deployed = deploySuite(config, deployer);
        vm.stopBroadcast();

        checkSuite(config, deployed, deployer);
        checkGenesis(config, deployed);
        string memory path = deploymentPath();
        writeDeployment(path, firstBlock, configJson, config, deployed);
        console.log("deployment:", path);
    }

    function _defaultConfig() private view returns (string memory) {
        string memory folder = "contracts/script/config/";
        if (block.chainid == 31_337) return string.concat(folder, "anvil.json");
        if (block.chainid == 11_155_111) return string.concat(folder, "sepolia.json");
        if (block.chainid == 1) return string.concat(folder, "mainnet.json");
        return "";
    }
}
