// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts-upgradeable/proxy/utils/UUPSUpgradeable.sol";
import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {SlotDerivation} from "@openzeppelin/contracts/utils/SlotDerivation.sol";

import {NodeRegistry} from "src/NodeRegistry.sol";
import {ProofOfWorkVerifier} from "src/ProofOfWorkVerifier.sol";
import {TaskMarketplace} from "src/TaskMarketplace.sol";
import {Neighbours} from "src/market/MarketBase.sol";
import {IMarket, IMarketExtension} from "src/interfaces/IMarketExtension.sol";
import {INodeRegistry} from "src/interfaces/INodeRegistry.sol";
import {IRegistry, IRegistryExtension} from "src/interfaces/IRegistryExtension.sol";
import {ITaskMarketplace} from "src/interfaces/ITaskMarketplace.sol";
import {RegistryNeighbours} from "src/registry/RegistryBase.sol";
import {RegistryExtension} from "src/registry/RegistryExtension.sol";
import {LimitsConfig} from "src/types/Node.sol";

import {MarketFixture, Node} from "../utils/MarketFixture.sol";

contract MarketUpgradesTest is MarketFixture {
    using SlotDerivation for string;

    function test_GovernanceOwnsEachContractFromTheStart() public view {
        assertEq(NodeRegistry(payable(address(registry))).owner(), governance);
        assertEq(verifier.owner(), governance);
        assertEq(suite.marketplace.owner(), governance);
    }

    function test_RevertWhen_AnythingIsInitializedAgain() public {
        ITaskMarketplace.TokenConfig[] memory tokens;
        ProofOfWorkVerifier.ExcuseFloor[] memory floors;
        LimitsConfig[] memory limits;
        IRegistry[2] memory registries = [registry, IRegistry(suite.implementations.registry)];
        ProofOfWorkVerifier[2] memory verifiers = [verifier, ProofOfWorkVerifier(suite.implementations.verifier)];
        IMarket[2] memory markets = [market, IMarket(suite.implementations.marketplace)];
        for (uint256 i; i < 2; ++i) {
            INodeRegistry.Parameters memory parameters = registry.parameters();
            vm.expectRevert(Initializable.InvalidInitialization.selector);
            registries[i].initialize(address(this), parameters, limits);
            ProofOfWorkVerifier.Parameters memory proof = verifier.parameters();
            vm.expectRevert(Initializable.InvalidInitialization.selector);
            verifiers[i].initialize(address(this), proof, address(this), floors);
            ITaskMarketplace.Parameters memory rules = market.parameters();
            vm.expectRevert(Initializable.InvalidInitialization.selector);
            markets[i].initialize(address(this), rules, tokens);
        }
        INodeRegistry.Parameters memory again = registry.parameters();
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        IRegistry(suite.implementations.registryExtension).initialize(address(this), again, limits);
    }

    function test_OnlyGovernanceUpgradesAndStateStays() public {
        Node memory node = activeNode("node");
        bytes32 taskId = acceptedTask(account("buyer", 0), node);
        Neighbours memory neighbours = Neighbours({
            registry: address(registry),
            escrow: address(escrow),
            rewards: address(suite.distributor),
            aiigo: address(token),
            guardian: governance,
            court: address(suite.court)
        });
        address fresh = address(new TaskMarketplace(neighbours, suite.marketplace.extension()));
        vm.expectRevert(abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", address(this)));
        suite.marketplace.upgradeToAndCall(fresh, "");
        vm.prank(governance);
        suite.marketplace.upgradeToAndCall(fresh, "");
        assertEq(market.taskOf(taskId).nodeId, node.id);

        bytes memory refusal = abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", node.owner);
        UUPSUpgradeable[2] memory others = [UUPSUpgradeable(address(registry)), UUPSUpgradeable(verifier)];
        for (uint256 i; i < 2; ++i) {
            vm.prank(node.owner);
            vm.expectRevert(refusal);
            others[i].upgradeToAndCall(fresh, "");
        }
    }

    /// @dev The first field of each contract's state lies where ERC-7201 says.
    function test_StateLiesInItsNamespace() public view {
        bytes32 slot = vm.load(address(registry), string("aiigo.storage.NodeRegistry").erc7201Slot());
        assertEq(uint96(uint256(slot)), registry.parameters().registrationFee);
        slot = vm.load(address(verifier), string("aiigo.storage.ProofOfWorkVerifier").erc7201Slot());
        assertEq(uint32(uint256(slot)), verifier.parameters().window);
        slot = vm.load(address(market), string("aiigo.storage.TaskMarketplace").erc7201Slot());
        assertEq(uint16(uint256(slot)), market.parameters().feeBps);
    }

    function test_RevertWhen_TheFirstUnbondingPeriodIsShorterThanAReview() public {
        INodeRegistry.Parameters memory short = registry.parameters();
        short.unbondingPeriod = 7 days - 1;
        address implementation = suite.implementations.registry; // its marketplace is there already
        LimitsConfig[] memory limits;
        vm.expectRevert(INodeRegistry.InvalidParameters.selector);
        new ERC1967Proxy(implementation, abi.encodeCall(IRegistryExtension.initialize, (governance, short, limits)));
    }

    /// @dev ETH has the first place in the list, whether it is allowed or not.
    function test_WithoutTokensNothingIsAllowedAndEtherIsListed() public {
        ITaskMarketplace.Parameters memory rules = market.parameters();
        ITaskMarketplace.TokenConfig[] memory none;
        bytes memory call = abi.encodeCall(IMarketExtension.initialize, (governance, rules, none));
        IMarket fresh = IMarket(address(new ERC1967Proxy(suite.implementations.marketplace, call)));
        ITaskMarketplace.PaymentToken memory ether_ = fresh.paymentToken(address(0));
        assertTrue(ether_.listed);
        assertFalse(ether_.allowed);
        assertEq(ether_.id, 0);
        assertEq(ether_.timeoutTip, 0);
        assertEq(fresh.paymentTokens().length, 1);
    }

    function test_RevertWhen_TheFirstReviewIsLongerThanUnbonding() public {
        ITaskMarketplace.Parameters memory long = market.parameters();
        long.maxReviewWindow = 15 days;
        ITaskMarketplace.TokenConfig[] memory tokens;
        address implementation = suite.implementations.marketplace;
        vm.expectRevert(ITaskMarketplace.InvalidParameters.selector);
        new ERC1967Proxy(implementation, abi.encodeCall(IMarketExtension.initialize, (governance, long, tokens)));
    }

    /// @dev The extension's code is nobody's when it is called itself.
    function test_TheRegistrysExtensionAloneHasNoOwnerAndNoNodes() public {
        IRegistry alone = IRegistry(suite.implementations.registryExtension);
        Node memory node = activeNode("node");
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.UnknownNode.selector, node.id));
        alone.nodeInfo(node.id);
        INodeRegistry.Parameters memory parameters = registry.parameters();
        vm.startPrank(governance);
        bytes memory refusal = abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", governance);
        vm.expectRevert(refusal);
        alone.setParameters(parameters);
        vm.expectRevert(refusal);
        alone.ban(node.id);
        vm.expectRevert(); // it knows nothing of stake
        alone.stakeForNode(node.id, 1);
    }

    function test_RevertWhen_TheRegistryHasNoTreasury() public {
        RegistryNeighbours memory neighbours;
        address extension = NodeRegistry(payable(address(registry))).extension();
        vm.expectRevert(INodeRegistry.ZeroAddress.selector);
        new NodeRegistry(neighbours, extension);
        vm.expectRevert(INodeRegistry.ZeroAddress.selector);
        new RegistryExtension(neighbours);
    }
}
