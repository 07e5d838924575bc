// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bids} from "./Bids.sol";
import {Disputes} from "./Disputes.sol";
import {MarketBase, Neighbours} from "./MarketBase.sol";

/// @title The market's third room: what two parties settle between them, by signed bids or before the court
/// @dev Runs by delegatecall, through MarketExtension, on TaskMarketplace's storage and in its name.
contract MarketDeals is Bids, Disputes {
    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor(Neighbours memory neighbours) MarketBase(neighbours) {}
}
