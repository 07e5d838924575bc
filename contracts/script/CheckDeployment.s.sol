// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {Script, console} from "forge-std/Script.sol";
import {VmSafe} from "forge-std/Vm.sol";

import {DeploymentFile} from "./DeploymentFile.sol";
import {Deployed} from "./Suite.sol";
import {SuiteCheck} from "./SuiteCheck.sol";
import {SuiteConfig, SuiteConfigReader} from "./SuiteConfig.sol";

/// @title Compares the chain behind --rpc-url with a deployment file
/// @notice Fails on the first owner, role, neighbour or parameter that is not as the file says, and on any account, known
/// or not, that ever got a role of the timelock and still has it. Environment: AIIGO_DEPLOYMENT, as for Deploy. After
/// governance changed a parameter, the file is expected to say so.
contract CheckDeployment is Script, SuiteConfigReader, SuiteCheck, DeploymentFile {
    function run() external {
        string memory path = deploymentPath();
        string memory json = vm.readFile(path);
        SuiteConfig memory config = readConfig(json, ".parameters");
        if (config.chainId != block.chainid) revert WrongChain(block.chainid, config.chainId);
        Deployed memory deployed = readDeployment(json);
        checkSuite(config, deployed, msg.sender);
        _checkEveryGrant(deployed, vm.parseJsonUint(json, ".block"));
        console.log("as configured:", path);
    }

    /// @dev Roles can't be enumerated on the chain; its events can.
    function _checkEveryGrant(Deployed memory d, uint256 firstBlock) private {
        bytes32[] memory topics = new bytes32[](1);
        topics[0] = IAccessControl.RoleGranted.selector;
        VmSafe.EthGetLogs[] memory grants = vm.eth_getLogs(firstBlock, vm.getBlockNumber(), address(d.timelock), topics);
        for (uint256 i; i < grants.length; ++i) {
            bytes32 role = grants[i].topics[1];
            address account = address(uint160(uint256(grants[i].topics[2])));
            if (account == address(d.timelock) || account == address(d.governor)) continue;
            if (account == address(0) && role == d.timelock.EXECUTOR_ROLE()) continue;
            if (d.timelock.hasRole(role, account)) {
                revert CheckFailed(string.concat(vm.toString(account), " holds a role of the timelock"));
            }
        }
    }
}
