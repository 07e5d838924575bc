// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Deployed} from "../script/Suite.sol";
import {SuiteCheck} from "../script/SuiteCheck.sol";
import {SuiteConfig, SuiteConfigReader} from "../script/SuiteConfig.sol";

/// @title Deploys the suite for a test, by the deployment's own code
/// @dev A contract of its own, so that the bytecode of the whole suite is compiled into one artifact and not into
/// every test.
contract SuiteFixture is SuiteConfigReader, SuiteCheck {
    function deploy(SuiteConfig memory config) external returns (SuiteConfig memory, Deployed memory deployed) {
        validateConfig(config);
        deployed = deploySuite(config, address(this));
        return (config, deployed);
    }

    function check(SuiteConfig memory config, Deployed memory deployed, address deployer) external view {
        checkSuite(config, deployed, deployer);
    }

    function checkFresh(SuiteConfig memory config, Deployed memory deployed) external view {
        checkGenesis(config, deployed);
    }

    function validate(SuiteConfig memory config) external view {
        validateConfig(config);
    }

    function read(string memory json, string memory root) external view returns (SuiteConfig memory) {
        return readConfig(json, root);
    }
}
