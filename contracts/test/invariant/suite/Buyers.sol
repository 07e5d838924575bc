// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {TaskRequest, TaskStatus} from "src/types/Task.sol";

import {Books} from "./Books.sol";

/// @title What buyers do, and their watcher
abstract contract Buyers is Books {
    uint256 private constant MAX_CASES = 3; // that are open

    function buyerCreates(uint256 seed) external acts {
        if (live.length >= MAX_TASKS) return;
        address customer = customers[_random(seed, "buyer") % customers.length];
        TaskRequest memory asked = _request(seed);
        (uint96 price, uint256 tips) = market.quote(asked);
        _fund(customer, asked.paymentToken, price + tips, address(escrow));
        uint256 value = asked.paymentToken == ETH ? price + tips : 0;
        bool paused = _isPaused();
        vm.prank(customer);
        try market.createTask{value: value}(asked) returns (bytes32 taskId) {
            assertFalse(paused, "11: a pause refuses entry");
            _book(taskId, customer, asked, price, tips);
            ++reached[string.concat("created in ", _nameOf(asked.paymentToken))];
        } catch {
            assertTrue(paused, "a task was refused");
            ++reached["refused by a pause"];
        }
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
            _bookCase(id, taskId, fee);
            ++reached[by == book.buyer ? "disputed" : "disputed by the watcher"];
        } catch {
            assertFalse(inTime, "a dispute was refused");
        }
    }

    // ---------------------------------------------------------------- Inside

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
    }

    function _book(bytes32 taskId, address customer, TaskRequest memory asked, uint256 price, uint256 tips) private {
        TaskBook memory book;
        book.status = TaskStatus.Open;
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
        book.since = block.timestamp + asked.acceptWindow;
        _bookTask(taskId, book);
    }

    /// @dev Gives somebody what a payment takes, and the allowance for it.
    function _fund(address who, address paidIn, uint256 amount, address spender) internal {
        if (paidIn == ETH) {
            vm.deal(who, who.balance + amount);
            return;
        }
        if (paidIn == address(token)) {
            vm.prank(faucet);
            token.transfer(who, amount);
        } else {
            dollar.mint(who, amount);
        }
        vm.startPrank(who);
        IERC20(paidIn).approve(spender, amount);
        vm.stopPrank();
    }

    function _nameOf(address paidIn) private view returns (string memory) {
        return paidIn == ETH ? "ETH" : paidIn == address(token) ? "AIIGO" : "dollars";
    }

    /// @dev In the jurors' room.
    function _bookCase(uint256 caseId, bytes32 taskId, uint256 fee) internal virtual;
}
