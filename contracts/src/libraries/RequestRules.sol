// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITaskMarketplace} from "../interfaces/ITaskMarketplace.sol";
import {TaskRequest} from "../types/Task.sol";
import {Payment} from "./Payment.sol";

/// @title What a buyer may ask for
library RequestRules {
    uint8 internal constant MAX_TRUST_LEVEL = 4;
    /// @dev Bytes. An ipfs:// URI with several gateways is far below it.
    uint256 internal constant MAX_URI_LENGTH = 2_048;

    /// @notice Reverts naming the first field that breaks a rule.
    /// @return escrow The price of the whole duration, smallest units.
    function check(TaskRequest calldata request, ITaskMarketplace.Parameters memory limits)
        internal
        pure
        returns (uint88 escrow)
    {
        if (request.minTrustLevel > MAX_TRUST_LEVEL) revert ITaskMarketplace.InvalidRequest("minTrustLevel");
        if (request.replicas != 1) revert ITaskMarketplace.InvalidRequest("replicas");
        if (request.minPower == 0) revert ITaskMarketplace.InvalidRequest("minPower");
        if (request.duration < limits.minDuration || request.duration > limits.maxDuration) {
            revert ITaskMarketplace.InvalidRequest("duration");
        }
        if (request.acceptWindow == 0 || request.acceptWindow > limits.maxAcceptWindow) {
            revert ITaskMarketplace.InvalidRequest("acceptWindow");
        }
        if (
            request.reviewWindow < limits.minReviewWindow || request.reviewWindow > limits.maxReviewWindow
                || request.reviewWindow % 1 minutes != 0
        ) revert ITaskMarketplace.InvalidRequest("reviewWindow");
        uint256 price = Payment.escrowFor(request.pricePerHour, request.duration);
        if (price < Payment.MIN_ESCROW || price > type(uint88).max) {
            revert ITaskMarketplace.InvalidRequest("pricePerHour");
        }
        if (request.specHash == 0) revert ITaskMarketplace.InvalidRequest("specHash");
        uint256 uriLength = bytes(request.specURI).length;
        if (uriLength == 0 || uriLength > MAX_URI_LENGTH) revert ITaskMarketplace.InvalidRequest("specURI");
        // casting is safe: checked above
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint88(price);
    }
}
