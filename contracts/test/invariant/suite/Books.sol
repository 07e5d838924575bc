// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {TokenLimits} from "src/types/Node.sol";
import {ResourceType} from "src/types/Resource.sol";
import {TaskStatus} from "src/types/Task.sol";

import {Node} from "../../utils/MarketFixture.sol";
import {World} from "./World.sol";

/// @title A second set of books: who is there, what each has and may, by the protocol's rules and not by its storage
/// @dev Whoever acts writes down what the rules say must come of it; `Rules` compares. What the contracts do beyond it, or
/// not, is a difference. Numbers that the rules leave to the contracts (rewards of a stream, results of audits) are bounded
/// instead.
abstract contract Books is World {
    struct NodeBook {
        uint256 stake;
        uint256 unbonding;
        uint256 readyAt; // when what unbonds can leave
        uint256 running;
        uint256 reviewing; // results before the buyer, the other replicas or the court
        uint256 power; // promised
        uint256 reputation;
        uint256 reviewEnds; // of a review not yet told to the verifier as over
        bool banned;
    }

    struct TaskBook {
        TaskStatus status;
        ResourceType resource;
        uint8 attempts;
        uint64 nodeId;
        address buyer;
        address watcher;
        address token;
        uint256 price; // what was escrowed for the work
        uint256 held; // all the escrow holds of it
        uint256 tips; // of that, for whoever enforces a timeout
        uint256 agreed; // the price of the bid it is under
        uint256 power;
        uint256 duration;
        uint256 acceptWindow;
        uint256 reviewWindow;
        uint256 maxAuditAge;
        uint256 time; // from the assignment to the deadline
        uint256 since; // Open, Recruiting: the last second; InProgress, Replicating: the start; Completed: the result
        uint256 elapsed;
        uint256 caseId;
        address disputer;
    }

    struct CaseBook {
        bytes32 taskId; // or an appeal's id
        uint64 nodeId; // the provider's side
        uint256 money; // AIIGO that came in for it
        uint256 providerFee;
        bool redrawn;
        bool ruled;
        uint16 low; // the two middle votes
        uint16 high;
    }

    struct PositionBook {
        address owner;
        uint256 amount;
        uint256 unlocksAt;
    }

    uint256 internal constant MAX_NODES = 13;
    uint256 internal constant MAX_TASKS = 16; // that are not over
    uint256 internal constant MAX_CASES = 4; // that are open
    uint256 internal constant BPS = 10_000;
    uint256 internal constant DUE_UNIT = 10_000;
    uint256 internal constant ATTEMPTS = 4;
    uint256 internal constant EPOCH_OF_REWARDS = 7 days;

    // ---------------------------------------------------------------- Who is there

    /// @dev By id - 1.
    Node[] internal providers;
    address[] internal customers;
    address internal watcher;
    address internal keeper;
    address internal stranger;
    address internal treasurer; // where withdrawn money goes
    /// @dev Everybody to whom escrow or court can owe something.
    address[] internal accounts;
    mapping(address account => bool) private _known;

    // ---------------------------------------------------------------- What they have

    mapping(uint64 nodeId => NodeBook) internal nodeBooks;
    mapping(uint64 nodeId => mapping(address token => uint256)) internal openEscrow;
    mapping(uint64 nodeId => mapping(address buyer => uint256)) private _lastCounted;
    mapping(uint256 epoch => mapping(uint64 nodeId => uint256)) internal weights; // of fees, for base rewards

    bytes32[] internal live;
    bytes32[] internal ended;
    mapping(bytes32 taskId => TaskBook) internal taskBooks;

    uint256[] internal cases; // that are open
    mapping(uint256 caseId => CaseBook) internal caseBooks;
    uint256 internal courtOwes;

    mapping(address account => mapping(address token => uint256)) internal owed; // by the escrow
    mapping(address token => uint256) internal moneyIn; // to the escrow
    mapping(address token => uint256) internal moneyOut;

    uint256[] internal positionIds; // that are open, or closed with something to claim
    mapping(uint256 positionId => PositionBook) internal positionBooks;
    mapping(address token => uint256) internal funded; // streams of the pool
    mapping(address token => uint256) internal paid;

    uint256 internal burned; // AIIGO
    uint256 internal bonds; // of pending reward roots

    // ---------------------------------------------------------------- What was seen

    /// @notice How often each named state was reached.
    mapping(string state => uint256) public reached;
    /// @notice How often each error refused a provider.
    mapping(bytes4 error => uint256) public refused;

    mapping(uint64 nodeId => mapping(uint64 interval => bool)) internal wasActive;
    mapping(uint64 nodeId => mapping(uint64 round => uint256)) internal answers;
    mapping(uint64 nodeId => uint256) internal passes; // of rounds
    mapping(uint64 challengeId => uint256) internal solutions;

    /// @dev Of every action.
    modifier acts() {
        _;
        _observe();
    }

    /// @dev Notes who is Active or executes, so due in the round that comes: after every action, and where one waits before it goes on.
    function _observe() internal {
        uint64 interval = currentRound() + 1;
        for (uint64 id = 1; id <= providers.length; ++id) {
            NodeBook storage book = nodeBooks[id];
            if (book.reviewEnds != 0 && block.timestamp > book.reviewEnds) {
                book.reviewEnds = 0;
                registry.syncActivity(id);
            }
            bool executes = book.running != 0 && !book.banned;
            if (executes || registry.isActive(id)) wasActive[id][interval] = true;
        }
    }

    /// @dev In the midst of an action.
    function _waitUntil(uint256 when) internal {
        if (when > block.timestamp) vm.warp(when);
        _observe();
    }

    /// @dev Blocks don't go back, and other draws may be far ahead.
    function _waitForBlock(uint256 number) internal {
        if (number > vm.getBlockNumber()) vm.roll(number);
    }

    // ---------------------------------------------------------------- Choosing

    function _random(uint256 seed, string memory what) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, what)));
    }

    /// @dev One time in `times`.
    function _seldom(uint256 seed, string memory what, uint256 times) internal pure returns (bool) {
        return _random(seed, what) % times == 0;
    }

    function _provider(uint256 seed) internal view returns (Node memory) {
        return providers[_random(seed, "provider") % providers.length];
    }

    function _providerOf(bytes32 taskId) internal view returns (Node memory) {
        return providers[taskBooks[taskId].nodeId - 1];
    }

    /// @dev Some task in `status`, or zero.
    function _task(uint256 seed, TaskStatus status) internal view returns (bytes32) {
        uint256 start = _random(seed, "task");
        for (uint256 i; i < live.length; ++i) {
            bytes32 taskId = live[(start % live.length + i) % live.length];
            if (taskBooks[taskId].status == status) return taskId;
        }
        return 0;
    }

    /// @dev Some open task, mostly one that can still be taken.
    function _offer(uint256 seed) internal view returns (bytes32) {
        uint256 start = _random(seed, "task");
        bool any = _seldom(seed, "any task", 16);
        for (uint256 i; i < live.length; ++i) {
            bytes32 taskId = live[(start % live.length + i) % live.length];
            TaskBook storage book = taskBooks[taskId];
            if (book.status == TaskStatus.Open && (any || block.timestamp <= book.since)) return taskId;
        }
        return 0;
    }

    /// @dev Some provider, mostly one that takes tasks.
    function _worker(uint256 seed) internal view returns (Node memory) {
        uint256 start = _random(seed, "provider");
        bool any = _seldom(seed, "any provider", 8);
        for (uint256 i; i < providers.length; ++i) {
            Node memory provider = providers[(start % providers.length + i) % providers.length];
            if (any || (registry.isActive(provider.id) && registry.freeSlots(provider.id) != 0)) return provider;
        }
        return _provider(seed);
    }

    function _isPaused() internal view returns (bool) {
        return block.timestamp < market.entryPausedUntil();
    }

    /// @dev Does a call as somebody, who may fail.
    function _try(address who, address target, bytes memory data) internal returns (bool done) {
        vm.prank(who);
        (done,) = target.call(data);
    }

    function _meet(address account_) internal {
        if (_known[account_]) return;
        _known[account_] = true;
        accounts.push(account_);
    }

    function _paymentTokens() internal view returns (address[3] memory) {
        return [ETH, address(dollar), address(token)];
    }

    function _held(address who, address paidIn) internal view returns (uint256) {
        return paidIn == ETH ? who.balance : IERC20(paidIn).balanceOf(who);
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

    /// @dev What a node of this level may hold open.
    function _capOf(address paidIn, uint8 level) internal view returns (uint256) {
        TokenLimits memory limits = paidIn == address(dollar) ? dollarLimits() : etherLimits();
        uint128[5] memory caps = [0, limits.levelOneCap, limits.levelTwoCap, limits.levelThreeCap, limits.levelFourCap];
        return caps[level];
    }

    // ---------------------------------------------------------------- Writing: nodes

    /// @dev The two ways to lose stake by the rules, besides the ban.
    function _bookSlash(uint64 nodeId, uint256 bps) internal {
        NodeBook storage book = nodeBooks[nodeId];
        uint256 lost = (book.stake + book.unbonding) * bps / BPS;
        uint256 fromUnbonding = book.unbonding * bps / BPS;
        book.unbonding -= fromUnbonding;
        book.stake -= lost - fromUnbonding;
        burned += lost;
    }

    /// @dev Before the court, or before the other replicas.
    function _bookLoss(uint64 nodeId) internal {
        _bookReputation(nodeId, -500);
        _bookSlash(nodeId, 500);
    }

    /// @dev A deadline passed without a result.
    function _bookTimeout(uint64 nodeId) internal {
        _bookReputation(nodeId, -200);
        _bookSlash(nodeId, 500);
    }

    function _bookReputation(uint64 nodeId, int256 change) internal {
        int256 moved = int256(nodeBooks[nodeId].reputation) + change;
        nodeBooks[nodeId].reputation = moved < 0 ? 0 : moved > 10_000 ? 10_000 : uint256(moved);
    }

    /// @dev What the node gets for a task with such a fee, once a buyer and day.
    function _bookSuccess(uint64 nodeId, TaskBook storage book, uint256 fee, int256 gain) internal {
        uint256 floor = book.token == address(dollar) ? 2e6 : 0.001 ether;
        if (fee < floor || block.timestamp < _lastCounted[nodeId][book.buyer] + 1 days) return;
        _lastCounted[nodeId][book.buyer] = block.timestamp;
        _bookReputation(nodeId, gain);
    }

    function _bookFee(uint64 nodeId, TaskBook storage book, uint256 fee) internal {
        (uint256 rate,) = suite.distributor.rateOf(book.token);
        uint256 epoch = (block.timestamp - suite.distributor.epochStart(0)) / EPOCH_OF_REWARDS;
        weights[epoch][nodeId] += fee * rate / 1e18;
    }

    /// @dev 400 million AIIGO, linear over four years.
    function _scheduleAt(uint256 when) internal view returns (uint256) {
        uint256 elapsed = when - suite.distributor.epochStart(0);
        return 400_000_000e18 * (elapsed < 1460 days ? elapsed : 1460 days) / 1460 days;
    }

    // ---------------------------------------------------------------- Writing: tasks

    function _bookTask(bytes32 taskId, TaskBook memory book) internal {
        assertEq(uint8(taskBooks[taskId].status), uint8(TaskStatus.None), "a new id");
        taskBooks[taskId] = book;
        live.push(taskId);
        moneyIn[book.token] += book.held;
    }

    function _bookAssignment(bytes32 taskId, uint64 nodeId, uint256 agreed, uint256 time) internal {
        TaskBook storage book = taskBooks[taskId];
        book.status = TaskStatus.InProgress;
        book.nodeId = nodeId;
        book.agreed = agreed;
        book.time = time;
        book.since = block.timestamp;
        _bookRun(nodeId, book, book.price);
    }

    function _bookResult(bytes32 taskId) internal {
        TaskBook storage book = taskBooks[taskId];
        book.elapsed = block.timestamp - book.since;
        book.since = block.timestamp;
        book.status = TaskStatus.Completed;
        _bookDelivery(book.nodeId, book);
    }

    /// @dev The node gave the task back or was late: it is open again, or refunded.
    function _bookFailure(bytes32 taskId) internal {
        TaskBook storage book = taskBooks[taskId];
        _bookDrop(book.nodeId, book, book.price);
        book.nodeId = 0;
        book.agreed = 0;
        book.status = TaskStatus.Open;
        book.since = block.timestamp + book.acceptWindow;
        if (++book.attempts < ATTEMPTS) return;
        _bookRefund(taskId, TaskStatus.Expired);
        ++reached["refunded after four attempts"];
    }

    function _bookRefund(bytes32 taskId, TaskStatus ending) internal {
        _bookShare(taskId, taskBooks[taskId].buyer, taskBooks[taskId].held);
        _bookEnd(taskId, ending);
    }

    function _bookPayment(bytes32 taskId) internal {
        TaskBook storage book = taskBooks[taskId];
        uint64 nodeId = book.nodeId;
        uint256 due = _due(book);
        _bookEarnings(taskId, nodeId, due);
        _bookShare(taskId, book.buyer, book.held);
        _bookReviewed(nodeId, book, book.price);
        _bookSuccess(nodeId, book, _feeOf(book, due), 50);
        if (book.agreed != 0) ++reached["bid paid"];
        _bookEnd(taskId, TaskStatus.Verified);
    }

    /// @dev 92% to the provider and 8% to the protocol; in AIIGO 6%, and 2% back to the buyer.
    function _bookEarnings(bytes32 taskId, uint64 nodeId, uint256 due) internal {
        TaskBook storage book = taskBooks[taskId];
        uint256 fee = _feeOf(book, due);
        _bookShare(taskId, providers[nodeId - 1].payout, due * 92 / 100);
        _bookShare(taskId, feeVault, fee);
        _bookFee(nodeId, book, fee);
    }

    /// @dev One timeout's tip: a part of those that are left, at most the token's present one.
    function _bookTip(bytes32 taskId, uint256 tip) internal {
        taskBooks[taskId].tips -= tip;
        _bookShare(taskId, keeper, tip);
    }

    /// @dev What leaves a task's escrow is somebody's.
    function _bookShare(bytes32 taskId, address to, uint256 amount) internal {
        TaskBook storage book = taskBooks[taskId];
        book.held -= amount;
        owed[to][book.token] += amount;
        _meet(to);
    }

    function _bookEnd(bytes32 taskId, TaskStatus ending) internal {
        TaskBook storage book = taskBooks[taskId];
        assertEq(book.held, 0, "2: all of an ended task's escrow went to somebody");
        book.status = ending;
        ended.push(taskId);
        for (uint256 i; i < live.length; ++i) {
            if (live[i] != taskId) continue;
            live[i] = live[live.length - 1];
            live.pop();
            return;
        }
        revert("2: a task ends once");
    }

    function _due(TaskBook storage book) internal view returns (uint256) {
        if (book.agreed != 0) return book.agreed - book.agreed % DUE_UNIT;
        return _dueFor(book.price, book.duration, book.elapsed);
    }

    /// @dev The elapsed time and half of the unused, in whole units.
    function _dueFor(uint256 price, uint256 duration, uint256 elapsed) internal pure returns (uint256 due) {
        due = elapsed < duration ? price * (duration + elapsed) / (2 * duration) : price;
        due -= due % DUE_UNIT;
    }

    function _feeOf(TaskBook storage book, uint256 due) internal view returns (uint256) {
        return due * (book.token == address(token) ? 6 : 8) / 100;
    }

    function _tipOf(TaskBook storage book, uint256 timeoutsLeft) internal view returns (uint256) {
        uint256 most = market.paymentToken(book.token).timeoutTip;
        return book.tips / timeoutsLeft < most ? book.tips / timeoutsLeft : most;
    }

    // ---------------------------------------------------------------- Writing: what a node answers for

    function _bookRun(uint64 nodeId, TaskBook storage book, uint256 amount) internal {
        nodeBooks[nodeId].running += 1;
        nodeBooks[nodeId].power += book.power;
        openEscrow[nodeId][book.token] += amount;
    }

    function _bookDrop(uint64 nodeId, TaskBook storage book, uint256 amount) internal {
        nodeBooks[nodeId].running -= 1;
        nodeBooks[nodeId].power -= book.power;
        openEscrow[nodeId][book.token] -= amount;
    }

    function _bookDelivery(uint64 nodeId, TaskBook storage book) internal {
        nodeBooks[nodeId].running -= 1;
        nodeBooks[nodeId].power -= book.power;
        nodeBooks[nodeId].reviewing += 1;
    }

    function _bookReviewed(uint64 nodeId, TaskBook storage book, uint256 amount) internal {
        nodeBooks[nodeId].reviewing -= 1;
        openEscrow[nodeId][book.token] -= amount;
    }

    // ---------------------------------------------------------------- Writing: cases

    /// @dev In the jurors' room.
    function _bookCase(uint256 caseId, bytes32 taskId, uint64 nodeId, uint256 fee) internal virtual;

    // ---------------------------------------------------------------- Writing: positions

    function _bookPosition(uint256 positionId, address owner, uint256 amount, uint256 lock) internal {
        positionIds.push(positionId);
        positionBooks[positionId] = PositionBook(owner, amount, block.timestamp + lock);
    }
}
