// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {OwnableUpgradeable} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";
import {Vm} from "forge-std/Vm.sol";

import {FeeVault} from "src/FeeVault.sol";
import {IFeeVault} from "src/interfaces/IFeeVault.sol";
import {IKeeperTips} from "src/interfaces/IKeeperTips.sol";

import {Deployed} from "../../script/Suite.sol";
import {SuiteCheck} from "../../script/SuiteCheck.sol";
import {SuiteConfig} from "../../script/SuiteConfig.sol";
import {SuiteTest} from "../SuiteTest.sol";

contract DeploymentTest is SuiteTest {
    function _resolved() private view returns (SuiteConfig memory config) {
        config = loadConfig("anvil");
        config.genesis.vestingStart = uint64(START);
        config.rewards.start = uint40(START);
    }

    function test_ADeploymentIsWhatItsConfigurationAsksFor() public view {
        fixture.check(_resolved(), suite, address(fixture));
        fixture.checkFresh(_resolved(), suite);
    }

    function test_ItStillIsWhenTokensMovedAndTheFirstRatesExpired() public {
        account("buyer of the public sale", 1e18);
        skipTime(31 days);
        fixture.check(_resolved(), suite, address(fixture));
    }

    function test_TheCheckNoticesAnotherParameter() public {
        SuiteConfig memory config = _resolved();
        config.marketplace.feeBps += 1;
        vm.expectRevert(abi.encodeWithSelector(SuiteCheck.CheckFailed.selector, "TaskMarketplace's parameters"));
        fixture.check(config, suite, address(fixture));
    }

    function test_TheCheckNoticesAPersonWithARole() public {
        bytes32 proposer = suite.timelock.PROPOSER_ROLE();
        vm.prank(address(suite.timelock));
        suite.timelock.grantRole(proposer, address(fixture));
        SuiteConfig memory config = _resolved();
        vm.expectRevert(
            abi.encodeWithSelector(
                SuiteCheck.CheckFailed.selector, "no account of a person holds a role of the timelock"
            )
        );
        fixture.check(config, suite, address(fixture));
    }

    function test_TheCheckNoticesAnExtensionOfAnotherSuite() public {
        SuiteConfig memory config = _resolved();
        vm.mockCall(suite.implementations.registryExtension, abi.encodeWithSignature("court()"), abi.encode(this));
        vm.expectRevert(abi.encodeWithSelector(SuiteCheck.CheckFailed.selector, "NodeRegistry's contracts"));
        fixture.check(config, suite, address(fixture));
    }

    function test_TheCheckNoticesReplicasDrawnBySomethingElse() public {
        SuiteConfig memory config = _resolved();
        vm.mockCall(
            suite.implementations.replicasExtension, abi.encodeWithSignature("entropySource()"), abi.encode(this)
        );
        vm.expectRevert(abi.encodeWithSelector(SuiteCheck.CheckFailed.selector, "ReplicasExtension's contracts"));
        fixture.check(config, suite, address(fixture));
    }

    function test_TheCheckNoticesOtherLimitsOfAToken() public {
        SuiteConfig memory config = _resolved();
        config.tokenLimits[0].limits.levelFourCap += 1;
        vm.expectRevert(abi.encodeWithSelector(SuiteCheck.CheckFailed.selector, "a payment token's limits"));
        fixture.check(config, suite, address(fixture));
    }

    function test_TheCheckNoticesAnotherOwner() public {
        vm.prank(address(suite.timelock));
        suite.pool.transferOwnership(address(this));
        SuiteConfig memory config = _resolved();
        vm.expectRevert(abi.encodeWithSelector(SuiteCheck.CheckFailed.selector, "the timelock owns StakingPool"));
        fixture.check(config, suite, address(fixture));
    }

    function test_TheCheckNoticesAnotherGuardian() public {
        vm.prank(address(suite.timelock));
        suite.guardian.setGuardian(address(this));
        _expectNoticed("the guardian");
    }

    function test_TheCheckNoticesAnotherShareOfTheFees() public {
        vm.startPrank(address(suite.timelock));
        suite.feeVault.setStakerShare(address(0), 1);
        _expectNoticed("the stakers' share of fees");
        suite.feeVault.setStakerShare(address(0), 5_000);
        suite.feeVault.setStakerShare(address(suite.token), 1);
        vm.stopPrank();
        _expectNoticed("the stakers' share of AIIGO fees");
    }

    function test_TheCheckNoticesOtherTips() public {
        vm.prank(address(suite.timelock));
        suite.keeperTips.setTerms(IKeeperTips.Duty.Draw, IKeeperTips.Terms(1, 2));
        _expectNoticed("KeeperTips' terms");
    }

    function test_TheCheckNoticesAnotherVetoDelay() public {
        vm.prank(address(suite.timelock));
        suite.distributor.setVetoDelay(11);
        _expectNoticed("the veto delay of bonus roots");
    }

    function test_TheCheckNoticesAnotherVault() public {
        suite.feeVault = FeeVault(payable(new FeeVault(suite.escrow, suite.pool, address(this), _noShares())));
        _expectNoticed("EscrowManager's contracts");
    }

    function _noShares() private pure returns (IFeeVault.ShareConfig[] memory) {}

    function _expectNoticed(string memory what) private {
        SuiteConfig memory config = _resolved();
        vm.expectRevert(abi.encodeWithSelector(SuiteCheck.CheckFailed.selector, what));
        fixture.check(config, suite, address(fixture));
    }

    /// @dev Every grant and every owner that the deployment ever set, not only those that are left.
    function test_NoOneButTimelockAndGovernorEverHeldPower() public {
        vm.recordLogs();
        (, Deployed memory d) = fixture.deploy(loadConfig("anvil"));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint256 grants;
        uint256 owners;
        for (uint256 i; i < logs.length; ++i) {
            bytes32 topic = logs[i].topics[0];
            if (topic == IAccessControl.RoleGranted.selector) {
                ++grants;
                address who = address(uint160(uint256(logs[i].topics[2])));
                bool anyone = who == address(0) && logs[i].topics[1] == d.timelock.EXECUTOR_ROLE();
                assertTrue(who == address(d.timelock) || who == address(d.governor) || anyone);
            } else if (topic == OwnableUpgradeable.OwnershipTransferred.selector) {
                address owner = address(uint160(uint256(logs[i].topics[2])));
                bool vesting =
                    logs[i].emitter == address(d.vestingTeam) || logs[i].emitter == address(d.vestingPrivateSale);
                if (vesting) continue;
                ++owners;
                assertEq(owner, address(d.timelock));
            }
        }
        assertEq(grants, 4);
        assertEq(owners, 6);
    }

    function test_OnlyTheTimelockUpgrades() public {
        address[3] memory others = [address(fixture), faucet, address(suite.governor)];
        for (uint256 i; i < proxies().length; ++i) {
            (UUPSUpgradeable proxy, address implementation) = (UUPSUpgradeable(proxies()[i]), implementations()[i]);
            for (uint256 j; j < others.length; ++j) {
                vm.prank(others[j]);
                vm.expectRevert(
                    abi.encodeWithSelector(OwnableUpgradeable.OwnableUnauthorizedAccount.selector, others[j])
                );
                proxy.upgradeToAndCall(implementation, "");
            }
            vm.prank(address(suite.timelock));
            proxy.upgradeToAndCall(implementation, "");
        }
    }

    function test_TwoDeploymentsByOneAccountDoNotMeet() public {
        (SuiteConfig memory config, Deployed memory second) = fixture.deploy(loadConfig("anvil"));
        fixture.check(config, second, address(fixture));
        assertTrue(address(second.token) != address(suite.token));
    }
}
