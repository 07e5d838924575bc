// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SuiteConfig} from "../../../script/SuiteConfig.sol";
import {AuditFixture} from "../../utils/AuditFixture.sol";
import {CourtFixture} from "../../utils/CourtFixture.sol";
import {MarketFixture} from "../../utils/MarketFixture.sol";
import {ReplicasFixture} from "../../utils/ReplicasFixture.sol";

/// @title The whole suite as it gets deployed, with every fixture's words for what people do in it
/// @dev Tasks are paid in ETH, in a dollar and in AIIGO.
abstract contract World is AuditFixture, CourtFixture, ReplicasFixture {
    uint32 internal constant ROUNDS = 3 days;
    uint256 internal constant ROOT_BOND = 10_000e18;

    function setUp() public virtual override(AuditFixture, CourtFixture, ReplicasFixture) {
        super.setUp();
        vm.deal(address(suite.keeperTips), 1 ether);
    }

    /// @dev Level 2 after the first round: ten are longer than a campaign.
    function configure(SuiteConfig memory config) internal virtual override(MarketFixture, AuditFixture, CourtFixture) {
        super.configure(config);
        config.registry.levelTwoChallenges = 1;
        config.verifier.auditInterval = ROUNDS;
        config.rewards.vetoDelay = 2 days;
    }

    function placeArbitrable() internal override {}

    /// @dev The providers of these tests come from the handler.
    function prepareNode() internal override {
        vm.startPrank(governance);
        market.setPaymentToken(address(token), true, 0.01e18);
        registry.setTokenLimits(address(token), etherLimits());
        pool.listRewardToken(address(dollar));
        suite.feeVault.setStakerShare(address(dollar), 5_000);
        vm.stopPrank();
    }
}
