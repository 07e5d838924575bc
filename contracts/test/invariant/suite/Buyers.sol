// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ResourceType} from "src/types/Resource.sol";
import {TaskRequest, TaskStatus} from "src/types/Task.sol";

import {ReplicaBooks} from "./ReplicaBooks.sol";

/// @title What buyers do, and their watcher
abstract contract Buyers is ReplicaBooks {
    function buyerCreates(uint256 seed) external acts {
        if (live.length < MAX_TASKS) _create(seed, _request(seed));
    }

    function buyerReplicates(uint256 seed) external acts {
        if (replications.length < MAX_REPLICATED) _create(seed, _replicatedRequest(seed));
    }

    function buyerCancels(uint256 seed) external acts {
        if (!_seldom(seed, "mind", 4)) return; // buyers mostly want their results
        bytes32 taskId = _task(seed, TaskStatus.Open);
        if (taskId == 0) return;
        vm.prank(taskBooks[taskId].buyer);
        market.cancelTask(taskId);
        _bookRefund(taskId, TaskStatus.Cancelled);
        ++reached["cancelled"];
    }

    /// @dev In the first round, as long as candidates can go, too.
    function buyerCancelsReplicas(uint256 seed) external acts {
        bytes32 taskId = _seldom(seed, "mind", 4) ? _replicatedTask(seed, TaskStatus.Recruiting) : bytes32(0);
        if (taskId == 0) return;
        TaskBook storage book = taskBooks[taskId];
        bool may = book.attempts == 0 && block.timestamp <= book.since;
        bool done = _try(book.buyer, address(market), abi.encodeCall(market.cancelTask, (taskId)));
        assertEq(done, may, "replicas are cancelled while they recruit for the first time, and only then");
        ++reached[done ? "replicas cancelled" : "too late to cancel replicas"];
        if (!done) return;
        _bookRefund(taskId, TaskStatus.Cancelled);
        _bookFarewell(taskId);
    }

    function buyerApproves(uint256 seed) external acts {
        bytes32 taskId = _task(seed, TaskStatus.Completed);
        if (taskId == 0 || _seldom(seed, "mood", 2)) return;
        approve(taskId);
        _bookPayment(taskId);
        ++reached["approved"];
    }

    /// @dev The buyer or the watcher, in time or late.
    function buyerDisputes(uint256 seed) external acts {
        bytes32 taskId = _task(seed, TaskStatus.Completed);
        if (taskId == 0 || cases.length == MAX_CASES) return;
        TaskBook storage book = taskBooks[taskId];
        address by = book.watcher != address(0) && _seldom(seed, "by", 2) ? book.watcher : book.buyer;
        uint256 bond = _due(book) * 2 / 100;
        _fund(by, book.token, bond, address(escrow));
        uint256 fee = court.parameters().caseFee;
        _fund(by, address(token), fee, address(court));
        bool inTime = block.timestamp <= book.since + book.reviewWindow;
        vm.prank(by);
        try market.disputeTask{value: book.token == ETH ? bond : 0}(taskId, "ipfs://evidence") returns (uint256 id) {
            assertTrue(inTime, "disputed after the review window");
            moneyIn[book.token] += bond;
            book.held += bond;
            book.status = TaskStatus.Disputed;
            book.disputer = by;
            book.caseId = id;
            _bookCase(id, taskId, book.nodeId, fee);
            ++reached[by == book.buyer ? "disputed" : "disputed by the watcher"];
        } catch {
            assertFalse(inTime, "a dispute was refused");
        }
    }

    // ---------------------------------------------------------------- Inside

    function _create(uint256 seed, TaskRequest memory asked) private {
        address customer = customers[_random(seed, "buyer") % customers.length];
        (uint256 price, uint256 tips) = _cost(asked);
        _fund(customer, asked.paymentToken, price + tips, address(escrow));
        uint256 value = asked.paymentToken == ETH ? price + tips : 0;
        bool paused = _isPaused();
        vm.prank(customer);
        try market.createTask{value: value}(asked) returns (bytes32 taskId) {
            assertFalse(paused, "11: a pause refuses entry");
            _book(taskId, customer, asked, price, tips);
            ++reached[string.concat("created for ", vm.toString(asked.replicas), " in ", _nameOf(asked.paymentToken))];
        } catch {
            assertTrue(paused, "a task was refused");
            ++reached["refused by a pause"];
        }
    }

    /// @dev Price x duration, rounded up once, and a tip for each timeout that may be, for each replica.
    function _cost(TaskRequest memory asked) private view returns (uint256 price, uint256 tips) {
        price = (uint256(asked.pricePerHour) * asked.duration + 3599) / 3600 * asked.replicas;
        tips = market.paymentToken(asked.paymentToken).timeoutTip
            * (asked.replicas == 1 ? ATTEMPTS : ROUNDS_OF_REPLICAS * asked.replicas);
    }

    function _replicatedRequest(uint256 seed) private view returns (TaskRequest memory asked) {
        asked = _request(seed);
        asked.replicas = [3, 5, 5, 5, 7, 7][_random(seed, "replicas") % 6];
        asked.minTrustLevel = 2;
        asked.resourceType = ResourceType.GPU;
        asked.minPower = asked.minPower % 1_000 + 1;
        asked.duration = asked.duration % 30 minutes + 1 minutes;
        asked.acceptWindow = asked.acceptWindow % 2 hours + 1 minutes;
    }

    function _request(uint256 seed) private view returns (TaskRequest memory asked) {
        asked = request();
        uint256 kind = _random(seed, "kind");
        asked.duration = uint32(_bound(_random(seed, "duration"), 1 minutes, kind % 4 == 0 ? 5 days : 2 hours));
        asked.acceptWindow = uint32(_bound(_random(seed, "accept"), 30 minutes, 24 hours));
        asked.reviewWindow = uint32(_bound(_random(seed, "review"), 1, 24) * 1 hours);
        asked.minPower = uint32(_bound(_random(seed, "power"), 1, 5_000));
        asked.paymentToken = [ETH, ETH, address(dollar), address(token)][_random(seed, "token") % 4];
        uint256 most = asked.paymentToken == address(dollar) ? 10_000e6 : 8 ether;
        uint256 price = _bound(_random(seed, "price"), most / 1_000, most);
        asked.pricePerHour = uint96(price * 1 hours / asked.duration + 1);
        if (kind % 3 == 0) asked.watcher = watcher;
        if (kind % 16 == 1) asked.minTrustLevel = 2;
        if (kind % 16 == 2) asked.maxAuditAge = 4 days;
        if (kind % 16 == 3) asked.resourceType = ResourceType.CPU;
    }

    function _book(bytes32 taskId, address customer, TaskRequest memory asked, uint256 price, uint256 tips) private {
        TaskBook memory book;
        book.status = asked.replicas == 1 ? TaskStatus.Open : TaskStatus.Recruiting;
        book.resource = asked.resourceType;
        book.buyer = customer;
        book.watcher = asked.watcher;
        book.token = asked.paymentToken;
        book.price = price;
        book.tips = tips;
        book.held = price + tips;
        book.power = asked.minPower;
        book.duration = asked.duration;
        book.acceptWindow = asked.acceptWindow;
        book.reviewWindow = asked.reviewWindow;
        book.maxAuditAge = asked.maxAuditAge;
        book.since = block.timestamp + asked.acceptWindow;
        _bookTask(taskId, book);
        if (asked.replicas != 1) _bookReplication(taskId, asked.replicas);
    }

    function _nameOf(address paidIn) private view returns (string memory) {
        return paidIn == ETH ? "ETH" : paidIn == address(token) ? "AIIGO" : "dollars";
    }
}
