// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITaskMarketplace} from "../interfaces/ITaskMarketplace.sol";
import {Rules} from "../types/Rules.sol";
import {TaskRequest} from "../types/Task.sol";
import {Payment} from "./Payment.sol";

/// @title What a buyer may ask for
library RequestRules {
    uint8 internal constant MAX_TRUST_LEVEL = 4;
    /// @dev Nodes with stake enough to lose.
    uint8 internal constant MIN_REPLICA_TRUST = 2;
    /// @dev Bytes. An ipfs:// URI with several gateways is far below it.
    uint256 internal constant MAX_URI_LENGTH = 2_048;

    /// @notice Reverts naming the first field that breaks a rule.
    /// @return escrow `priceOf` the request.
    function check(TaskRequest calldata request, Rules memory limits) internal pure returns (uint88 escrow) {
        if (request.minTrustLevel > MAX_TRUST_LEVEL) revert ITaskMarketplace.InvalidRequest("minTrustLevel");
        uint256 replicas = request.replicas;
        if (replicas != 1) _checkReplicas(request, replicas);
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
        uint256 share = Payment.escrowFor(request.pricePerHour, request.duration);
        uint256 price = share * replicas;
        if (share < Payment.MIN_ESCROW || price > type(uint88).max) {
            revert ITaskMarketplace.InvalidRequest("pricePerHour");
        }
        if (request.specHash == 0) revert ITaskMarketplace.InvalidRequest("specHash");
        uint256 uriLength = bytes(request.specURI).length;
        if (uriLength == 0 || uriLength > MAX_URI_LENGTH) revert ITaskMarketplace.InvalidRequest("specURI");
        // casting is safe: checked above
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint88(price);
    }

    /// @notice The price of the whole duration, of every replica, smallest units.
    function priceOf(TaskRequest calldata request) internal pure returns (uint256) {
        return Payment.escrowFor(request.pricePerHour, request.duration) * request.replicas;
    }

    /// @dev An odd number: a majority is likelier.
    function _checkReplicas(TaskRequest calldata request, uint256 replicas) private pure {
        if (replicas != 3 && replicas != 5 && replicas != 7) revert ITaskMarketplace.InvalidRequest("replicas");
        if (request.minTrustLevel < MIN_REPLICA_TRUST) revert ITaskMarketplace.InvalidRequest("minTrustLevel");
    }
}
