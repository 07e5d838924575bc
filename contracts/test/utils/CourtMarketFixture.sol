// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CourtFixture} from "./CourtFixture.sol";

/// @title The court before the real market
abstract contract CourtMarketFixture is CourtFixture {
    function placeArbitrable() internal override {}

    function prepareNode() internal override {
        node = activeNode("node");
        vm.startPrank(governance);
        market.setPaymentToken(address(token), true, 0.01e18);
        registry.setTokenLimits(address(token), etherLimits());
        vm.stopPrank();
    }
}
