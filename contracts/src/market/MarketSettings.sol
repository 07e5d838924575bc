// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITaskMarketplace} from "../interfaces/ITaskMarketplace.sol";
import {MAX_FEE_BPS} from "../libraries/Shares.sol";
import {Rules} from "../types/Rules.sol";
import {MarketBase} from "./MarketBase.sol";

/// @title What governance sets, and the bounds it can't leave
abstract contract MarketSettings is MarketBase {
    /// @notice Upper bounds of what governance can set, seconds. All fit the task's uint24.
    uint256 public constant MAX_DURATION = 90 days;
    uint256 public constant MAX_GRACE = 1 days;
    uint256 public constant MAX_ACCEPT_WINDOW = 30 days;
    uint256 public constant MAX_REVIEW_WINDOW = 30 days;

    function _setParameters(ITaskMarketplace.Parameters calldata p) internal {
        if (
            p.feeBps > MAX_FEE_BPS || p.grace > MAX_GRACE || p.minDuration == 0 || p.minDuration > p.maxDuration
                || p.maxDuration > MAX_DURATION || p.maxAcceptWindow == 0 || p.maxAcceptWindow > MAX_ACCEPT_WINDOW
                || p.minReviewWindow > p.maxReviewWindow || p.maxReviewWindow > MAX_REVIEW_WINDOW
                || p.minReviewWindow == 0 || p.minReviewWindow % 1 minutes != 0 || p.maxReviewWindow % 1 minutes != 0
                || p.minAbandonWindow > MAX_DURATION
        ) revert ITaskMarketplace.InvalidParameters();
        // Stake must not leave before the longest review is over. While the suite is being deployed the registry may have
        // no code yet; it makes the same check when it starts.
        if (address(registry).code.length != 0 && registry.parameters().unbondingPeriod < p.maxReviewWindow) {
            revert ITaskMarketplace.InvalidParameters();
        }
        Rules storage rules = _storage().rules;
        rules.feeBps = p.feeBps;
        // Casting is safe: each is at most MAX_DURATION, which has 23 bits.
        // forge-lint: disable-start(unsafe-typecast)
        rules.grace = uint24(p.grace);
        rules.minDuration = uint24(p.minDuration);
        rules.maxDuration = uint24(p.maxDuration);
        rules.maxAcceptWindow = uint24(p.maxAcceptWindow);
        rules.minReviewWindow = uint24(p.minReviewWindow);
        rules.maxReviewWindow = uint24(p.maxReviewWindow);
        rules.minAbandonWindow = uint24(p.minAbandonWindow);
        // forge-lint: disable-end(unsafe-typecast)
        emit ITaskMarketplace.MarketParametersChanged(p);
    }

    function _toParameters(Rules memory rules) internal pure returns (ITaskMarketplace.Parameters memory) {
        return ITaskMarketplace.Parameters({
            feeBps: rules.feeBps,
            grace: rules.grace,
            minDuration: rules.minDuration,
            maxDuration: rules.maxDuration,
            maxAcceptWindow: rules.maxAcceptWindow,
            minReviewWindow: rules.minReviewWindow,
            maxReviewWindow: rules.maxReviewWindow,
            minAbandonWindow: rules.minAbandonWindow
        });
    }

    /// @dev A token keeps the id of its first listing for ever: open tasks refer to it.
    function _setPaymentToken(address token, bool allowed, uint96 timeoutTip) internal {
        if (token != address(0) && token.code.length == 0) revert ITaskMarketplace.TokenNotAllowed(token);
        MarketStorage storage $ = _storage();
        ITaskMarketplace.PaymentToken storage entry = $.paymentTokens[token];
        if (!entry.listed) {
            uint256 id = $.tokens.length;
            if (id > type(uint8).max) revert ITaskMarketplace.TooManyTokens();
            $.tokens.push(token);
            entry.listed = true;
            // casting is safe: checked above
            // forge-lint: disable-next-line(unsafe-typecast)
            entry.id = uint8(id);
        }
        entry.allowed = allowed;
        entry.timeoutTip = timeoutTip;
        emit ITaskMarketplace.PaymentTokenChanged(token, allowed, timeoutTip);
    }
}
