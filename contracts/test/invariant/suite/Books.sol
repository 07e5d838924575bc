// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

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
        uint256 reviewing; // results before the buyer or the court
        uint256 power; // promised
        uint256 reputation;
        uint256 reviewEnds; // of a review not yet told to the verifier as over
        bool banned;
    }

    struct TaskBook {
        TaskStatus status;
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
        uint256 time; // from the assignment to the deadline
        uint256 since; // Open: the last second; InProgress: the assignment; Completed: the result
        uint256 elapsed;
        uint256 caseId;
        address disputer;
    }

    struct CaseBook {
        bytes32 taskId;
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

    uint256 internal constant MAX_NODES = 8;
    uint256 internal constant MAX_TASKS = 10; // that are not over
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

    function _bookReputation(uint64 nodeId, int256 change) internal {
        int256 moved = int256(nodeBooks[nodeId].reputation) + change;
        nodeBooks[nodeId].reputation = moved < 0 ? 0 : moved > 10_000 ? 10_000 : uint256(moved);
    }

    /// @dev A fee was paid for a task of the node; `gain` is what the node gets for it once a buyer and day.
    function _bookFee(uint64 nodeId, TaskBook storage book, uint256 fee, int256 gain) internal {
        uint256 floor = book.token == address(dollar) ? 2e6 : 0.001 ether;
        if (gain != 0 && fee >= floor && block.timestamp >= _lastCounted[nodeId][book.buyer] + 1 days) {
            _lastCounted[nodeId][book.buyer] = block.timestamp;
            _bookReputation(nodeId, gain);
        }
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
        NodeBook storage node_ = nodeBooks[nodeId];
        node_.running += 1;
        node_.power += book.power;
        openEscrow[nodeId][book.token] += book.price;
    }

    function _bookResult(bytes32 taskId) internal {
        TaskBook storage book = taskBooks[taskId];
        book.elapsed = block.timestamp - book.since;
        book.since = block.timestamp;
        book.status = TaskStatus.Completed;
        NodeBook storage node_ = nodeBooks[book.nodeId];
        node_.running -= 1;
        node_.reviewing += 1;
        node_.power -= book.power;
    }

    /// @dev The node gave the task back or was late: it is open again, or refunded.
    function _bookFailure(bytes32 taskId) internal {
        TaskBook storage book = taskBooks[taskId];
        uint64 nodeId = book.nodeId;
        NodeBook storage node_ = nodeBooks[nodeId];
        node_.running -= 1;
        node_.power -= book.power;
        openEscrow[nodeId][book.token] -= book.price;
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

    /// @dev 92% to the provider and 8% to the protocol; in AIIGO 6%, and 2% back to the buyer.
    function _bookPayment(bytes32 taskId) internal {
        TaskBook storage book = taskBooks[taskId];
        uint64 nodeId = book.nodeId;
        uint256 due = _due(book);
        uint256 fee = due * (book.token == address(token) ? 6 : 8) / 100;
        _bookShare(taskId, providers[nodeId - 1].payout, due * 92 / 100);
        _bookShare(taskId, feeVault, fee);
        _bookShare(taskId, book.buyer, book.held);
        _bookReviewed(book);
        _bookFee(nodeId, book, fee, 50);
        if (book.agreed != 0) ++reached["bid paid"];
        _bookEnd(taskId, TaskStatus.Verified);
    }

    function _bookReviewed(TaskBook storage book) internal {
        nodeBooks[book.nodeId].reviewing -= 1;
        openEscrow[book.nodeId][book.token] -= book.price;
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

    /// @dev The elapsed time and half of the unused; under a bid its price; in whole units.
    function _due(TaskBook storage book) internal view returns (uint256 due) {
        due = book.price;
        if (book.agreed != 0) due = book.agreed;
        else if (book.elapsed < book.duration) due = due * (book.duration + book.elapsed) / (2 * book.duration);
        due -= due % DUE_UNIT;
    }

    // ---------------------------------------------------------------- Writing: positions

    function _bookPosition(uint256 positionId, address owner, uint256 amount, uint256 lock) internal {
        positionIds.push(positionId);
        positionBooks[positionId] = PositionBook(owner, amount, block.timestamp + lock);
    }
}
