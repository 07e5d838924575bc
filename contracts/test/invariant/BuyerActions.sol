// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ResourceType} from "src/types/Resource.sol";
import {TaskRequest, TaskStatus} from "src/types/Task.sol";

import {HandlerBase} from "./HandlerBase.sol";

/// @title What buyers do
abstract contract BuyerActions is HandlerBase {
    function create(uint256 who, uint256 price, uint256 duration, uint256 power, bool inDollars) external {
        TaskRequest memory asked = request();
        asked.duration = uint32(_bound(duration, 1 minutes, 3 hours));
        asked.acceptWindow = uint32(_bound(duration / 7, 10 minutes, 12 hours));
        asked.reviewWindow = uint32(_bound(duration / 3, 1, 24) * 1 hours);
        asked.minPower = uint32(_bound(power, 1, 9_000));
        asked.pricePerHour = uint96(_bound(price, 0.0001 ether, 4 ether));
        if (power % 16 == 0) asked.resourceType = ResourceType.CPU;
        if (inDollars) {
            asked.paymentToken = address(dollar);
            asked.pricePerHour = uint96(_bound(price, 1.2e6, 1_000e6));
        }
        (uint96 cost, uint256 tips) = market.quote(asked);
        address buyer = buyers[who % buyers.length];
        vm.deal(buyer, 1_000 ether);
        tasks.push(createTask(buyer, asked));
        deposited[asked.paymentToken] += cost + tips;
        ++reached[inDollars ? "created in dollars" : "created in ETH"];
    }

    function cancel(uint256 seed) external {
        if (seed % 4 != 0) return; // buyers mostly want their results
        bytes32 taskId = _task(seed, TaskStatus.Open);
        if (taskId != 0) _cancel(taskId);
    }

    function approveResult(uint256 seed) external {
        bytes32 taskId = _task(seed, TaskStatus.Completed);
        if (taskId != 0 && seed % 2 == 0) _approve(taskId);
    }

    function _cancel(bytes32 taskId) private movesEscrow(taskId) {
        address buyer = market.taskOf(taskId).buyer;
        vm.prank(buyer);
        market.cancelTask(taskId);
        ++reached["cancelled"];
    }

    function _approve(bytes32 taskId) private movesEscrow(taskId) {
        approve(taskId);
        ++reached["approved"];
        if (market.taskOf(taskId).agreedPrice != 0) ++reached["bid paid"];
    }
}
