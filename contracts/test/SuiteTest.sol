// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {Test} from "forge-std/Test.sol";

import {Deployed} from "../script/Suite.sol";
import {SuiteConfig} from "../script/SuiteConfig.sol";
import {SuiteFixture} from "./SuiteFixture.sol";

/// @title Tests against exactly what gets deployed
/// @dev `configure` changes single parameters of the development network's configuration.
abstract contract SuiteTest is Test {
    uint256 internal constant START = 1_800_000_000;

    SuiteFixture internal fixture;
    Deployed internal suite;
    address internal faucet;

    function setUp() public virtual {
        vm.warp(START);
        vm.roll(1_000);
        fixture = SuiteFixture(deployCode("SuiteFixture.sol:SuiteFixture"));
        SuiteConfig memory config = loadConfig("anvil");
        configure(config);
        (, suite) = fixture.deploy(config);
        faucet = config.genesis.publicSale;
    }

    function configure(SuiteConfig memory config) internal virtual {}

    function loadConfig(string memory name) internal view returns (SuiteConfig memory) {
        return fixture.read(vm.readFile(string.concat("contracts/script/config/", name, ".json")), "");
    }

    /// @dev A funded account with a label.
    function account(string memory name, uint256 aiigo) internal returns (address who) {
        who = makeAddr(name);
        vm.deal(who, 10 ether);
        if (aiigo > 0) {
            vm.prank(faucet);
            suite.token.transfer(who, aiigo);
        }
    }

    /// @dev What can be upgraded, in the same order as `implementations`.
    function proxies() internal view returns (address[6] memory) {
        return [
            address(suite.registry),
            address(suite.verifier),
            address(suite.marketplace),
            address(suite.pool),
            address(suite.distributor),
            address(suite.court)
        ];
    }

    function implementations() internal view returns (address[6] memory) {
        return [
            suite.implementations.registry,
            suite.implementations.verifier,
            suite.implementations.marketplace,
            suite.implementations.pool,
            suite.implementations.distributor,
            suite.implementations.court
        ];
    }

    /// @dev Gas means something: not in the profile that doesn't optimize.
    function optimized() internal view returns (bool) {
        return !Strings.equal(vm.envOr("FOUNDRY_PROFILE", string("default")), "lite");
    }

    function skipTime(uint256 time) internal {
        vm.warp(vm.getBlockTimestamp() + time);
        vm.roll(vm.getBlockNumber() + 1);
    }
}
