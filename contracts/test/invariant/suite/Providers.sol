// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bid} from "src/types/Bid.sol";
import {NodeInfo, NodeStatus} from "src/types/Node.sol";
import {ResourceType} from "src/types/Resource.sol";
import {TaskStatus} from "src/types/Task.sol";

import {Node} from "../../utils/MarketFixture.sol";
import {Books} from "./Books.sol";

/// @title What providers do: work, stake, keys, and challenges of their own
abstract contract Providers is Books {
    uint256 private _names;
    uint256 private _bids;

    // ---------------------------------------------------------------- Work

    function providerTakes(uint256 seed) external acts {
        bytes32 taskId = _offer(seed);
        if (taskId != 0) _take(_worker(seed), taskId);
    }

    /// @dev The provider with the least stake goes for every open task.
    function providerGrabs(uint256) external acts {
        Node memory provider = _poorest();
        bytes32[] memory tasks = live;
        for (uint256 i; i < tasks.length; ++i) {
            if (taskBooks[tasks[i]].status == TaskStatus.Open) _take(provider, tasks[i]);
        }
    }

    /// @dev Every provider in turn takes a task and fails it.
    function providersExhaust(uint256 seed) external acts {
        bytes32 taskId = _seldom(seed, "bad luck", 4) ? _offer(seed) : bytes32(0);
        if (taskId == 0) return;
        for (uint256 i; i < providers.length && taskBooks[taskId].status == TaskStatus.Open; ++i) {
            if (!_take(providers[i], taskId)) continue;
            vm.prank(providers[i].operator);
            market.abandonTask(taskId);
            _bookAbandon(taskId);
        }
    }

    /// @dev The buyer takes the bid, unless the provider has thought better of it.
    function providerBids(uint256 seed) external acts {
        bytes32 taskId = _offer(seed);
        if (taskId == 0) return;
        Node memory provider = _worker(seed);
        TaskBook storage book = taskBooks[taskId];
        Bid memory made = bidFor(taskId, provider);
        made.nonce = ++_bids;
        made.eta = uint32(_bound(_random(seed, "eta"), book.duration / 4 + 1, book.duration));
        uint256 most = book.price * 1 hours / made.eta;
        made.pricePerHour = uint96(_bound(_random(seed, "price"), most / 2, most));
        bool takenBack = _seldom(seed, "take back", 8);
        if (takenBack) _takeBack(made, provider);
        bytes memory signature = sign(made, provider.operatorKey);
        vm.prank(book.buyer);
        try market.assignTask(made, signature) {
            assertFalse(takenBack, "a cancelled bid was taken");
            uint256 price = (uint256(made.pricePerHour) * made.eta + 3599) / 3600;
            _checkAssignment(taskId, provider);
            _bookAssignment(taskId, provider.id, price, made.eta);
            ++reached["bid taken"];
        } catch (bytes memory reason) {
            ++refused[bytes4(reason)];
        }
    }

    function providerDelivers(uint256 seed) external acts {
        bytes32 taskId = _task(seed, TaskStatus.InProgress);
        if (taskId == 0) return;
        if (_seldom(seed, "work", 2)) skip(_random(seed, "wait") % 10 minutes);
        TaskBook storage book = taskBooks[taskId];
        if (book.duration > 1 days && !_seldom(seed, "done", 6)) return; // long work excuses from audits
        bool may = block.timestamp <= book.since + book.time + GRACE && !nodeBooks[book.nodeId].banned;
        Node memory provider = _providerOf(taskId);
        vm.prank(provider.operator);
        try market.submitResult(taskId, RESULT, "ipfs://result") {
            assertTrue(may, "a result after its time");
            _bookResult(taskId);
            ++reached["delivered"];
        } catch {
            assertFalse(may, "a result in time was refused");
        }
    }

    function providerAbandons(uint256 seed) external acts {
        bytes32 taskId = _task(seed, TaskStatus.InProgress);
        if (taskId == 0) return;
        TaskBook storage book = taskBooks[taskId];
        uint256 window = book.time / 10 > 10 minutes ? book.time / 10 : 10 minutes;
        bool may = block.timestamp <= book.since + (window < book.time ? window : book.time);
        Node memory provider = _providerOf(taskId);
        may = may && !nodeBooks[provider.id].banned;
        vm.prank(provider.operator);
        try market.abandonTask(taskId) {
            assertTrue(may, "abandoned after its time, or by a banned node");
            _bookAbandon(taskId);
        } catch {
            assertFalse(may, "an abandon in time was refused");
        }
    }

    // ---------------------------------------------------------------- Stake, keys, presence

    function providerEnters(uint256 seed) external acts {
        if (providers.length == MAX_NODES || !_seldom(seed, "enter", 4)) return;
        if (_isPaused()) {
            bytes memory entry =
                abi.encodeCall(registry.registerNode, (ResourceType.GPU, "", address(0), address(0), uint64(0)));
            vm.deal(stranger, 1 ether);
            vm.prank(stranger);
            (bool done,) = address(registry).call{value: 0.1 ether}(entry);
            assertFalse(done, "11: a pause refuses entry");
            return;
        }
        if (_seldom(seed, "untested", 3)) _enter(register(_nextName(), ResourceType.CPU), 0);
        else _enter(activeNode(_nextName()), 2 * MIN_STAKE);
    }

    function providerStakes(uint256 seed) external acts {
        Node memory provider = _provider(seed);
        uint256 amount = _bound(_random(seed, "amount"), 1, _seldom(seed, "rich", 6) ? 3_000e18 : 2 * MIN_STAKE);
        vm.prank(faucet);
        token.transfer(provider.owner, amount);
        vm.prank(provider.owner);
        token.approve(address(registry), amount);
        bool may = !_isPaused() && !nodeBooks[provider.id].banned;
        bool done =
            _try(provider.owner, address(registry), abi.encodeCall(registry.stakeForNode, (provider.id, amount)));
        assertEq(done, may, "11: stake enters unless paused or banned");
        if (!done) return;
        nodeBooks[provider.id].stake += amount;
        ++reached["staked"];
    }

    function providerUnstakes(uint256 seed) external acts {
        Node memory provider = _provider(seed);
        NodeBook storage book = nodeBooks[provider.id];
        if (book.stake == 0) return;
        uint256 amount = _bound(_random(seed, "amount"), 1, _seldom(seed, "all", 8) ? book.stake : book.stake / 4 + 1);
        vm.prank(provider.owner);
        registry.unstake(provider.id, amount);
        book.stake -= amount;
        book.unbonding += amount;
        book.readyAt = block.timestamp + 14 days;
        ++reached["unbonding"];
    }

    function providerWithdraws(uint256 seed) external acts {
        Node memory provider = _provider(seed);
        NodeBook storage book = nodeBooks[provider.id];
        if (_seldom(seed, "patience", 16) && book.unbonding != 0 && block.timestamp < book.readyAt) {
            vm.warp(book.readyAt);
        }
        bool may = book.unbonding != 0 && block.timestamp >= book.readyAt && book.running + book.reviewing == 0;
        uint256 before = token.balanceOf(provider.owner);
        bool done = _try(provider.owner, address(registry), abi.encodeCall(registry.withdrawStake, (provider.id)));
        assertEq(done, may, "9: what has unbonded can leave, and only then");
        if (!done && book.unbonding != 0 && block.timestamp >= book.readyAt) ++reached["stake answers for a task"];
        if (!done) return;
        assertEq(token.balanceOf(provider.owner) - before, book.unbonding, "9: all that unbonds leaves");
        book.unbonding = 0;
        ++reached["stake withdrawn"];
    }

    function providerSwitches(uint256 seed) external acts {
        Node memory provider = _provider(seed);
        NodeInfo memory data = info(provider);
        bool online = !_seldom(seed, "offline", 8); // mostly back online
        if (data.online == online || data.status == NodeStatus.Slashed) return;
        vm.prank(provider.operator);
        registry.setOnline(provider.id, online);
        ++reached[online ? "online" : "offline"];
    }

    function providerChangesKeys(uint256 seed) external acts {
        Node storage provider = providers[_random(seed, "provider") % providers.length];
        string memory name = string.concat("key ", vm.toString(++_names));
        if (_seldom(seed, "which", 2)) {
            (provider.operator, provider.operatorKey) = makeAddrAndKey(name);
            vm.prank(provider.owner);
            registry.setOperator(provider.id, provider.operator);
            ++reached["operator changed"];
        } else {
            provider.payout = makeAddr(name);
            vm.prank(provider.owner);
            registry.setPayout(provider.id, provider.payout);
            ++reached["payout changed"];
        }
    }

    // ---------------------------------------------------------------- Onboarding

    function providerProves(uint256 seed) external acts {
        Node memory provider = _provider(seed);
        if (!_challenge(provider)) return;
        uint64 id = verifier.challengeOf(provider.id).id;
        bytes memory nonces = solution(provider, _bound(_random(seed, "effort"), 3, 6));
        bytes32 audits = keccak256(abi.encode(auditsOf(provider)));
        uint256 before = verifier.verifiedPower(provider.id);
        // What has lapsed comes back, and after an audit the audits are the bound.
        bool known = before != 0 && auditsOf(provider).count == 0;
        bool late = _seldom(seed, "late", 4);
        if (late) skip(WINDOW + 1);
        bytes memory solve = abi.encodeCall(verifier.submitSolution, (provider.id, nonces));
        if (_try(provider.operator, address(verifier), solve)) {
            assertFalse(late, "10: no challenge is answered after its deadline");
            if (known) assertLe(verifier.verifiedPower(provider.id), before, "10: another answer buys nothing");
            ++solutions[id];
            ++reached["challenge passed"];
        } else {
            assertTrue(late, "an answer in time was refused");
            vm.prank(keeper);
            verifier.reportMissed(provider.id);
            ++reached["challenge missed"];
        }
        if (_try(provider.operator, address(verifier), solve)) ++solutions[id];
        assertLe(solutions[id], 1, "10: a challenge is answered at most once");
        assertEq(keccak256(abi.encode(auditsOf(provider))), audits, "10: onboarding is no audit");
    }

    // ---------------------------------------------------------------- Inside

    function _nextName() internal view returns (string memory) {
        return string.concat("node ", vm.toString(providers.length));
    }

    function _enter(Node memory provider, uint256 staked) internal {
        assertEq(provider.id, providers.length + 1, "ids count up");
        providers.push(provider);
        NodeBook storage book = nodeBooks[provider.id];
        book.reputation = 5_000;
        book.stake = staked;
        ++reached["registered"];
    }

    /// @dev Of those that are Active, if any is.
    function _poorest() private view returns (Node memory provider) {
        uint256 least = type(uint256).max;
        for (uint64 id = 1; id <= providers.length; ++id) {
            if (nodeBooks[id].stake >= least || !registry.isActive(id)) continue;
            (provider, least) = (providers[id - 1], nodeBooks[id].stake);
        }
        return provider.id == 0 ? providers[0] : provider;
    }

    function _take(Node memory provider, bytes32 taskId) private returns (bool taken) {
        bytes20 digest = bytes20(market.commitmentHash(taskId, provider.id, SALT, provider.operator));
        vm.prank(provider.operator);
        try market.commitAccept(provider.id, digest) {}
        catch (bytes memory reason) {
            ++refused[bytes4(reason)];
            return false;
        }
        vm.roll(block.number + 1);
        vm.prank(provider.operator);
        try market.acceptTask(taskId, provider.id, SALT) {
            _checkAssignment(taskId, provider);
            _bookAssignment(taskId, provider.id, 0, taskBooks[taskId].duration);
            ++reached["taken"];
            return true;
        } catch (bytes memory reason) {
            ++refused[bytes4(reason)];
        }
    }

    /// @dev Of a task that the provider just got, before it is in the books.
    function _checkAssignment(bytes32 taskId, Node memory provider) private {
        TaskBook storage book = taskBooks[taskId];
        NodeBook storage node_ = nodeBooks[provider.id];
        assertFalse(_isPaused(), "11: a pause refuses entry");
        assertFalse(node_.banned, "a banned node takes no task");
        assertLe(block.timestamp, book.since, "taken after the acceptance window");
        NodeInfo memory data = info(provider);
        assertEq(uint8(data.status), uint8(NodeStatus.Active), "who takes a task is Active");
        assertEq(uint8(data.resourceType), uint8(book.resource), "who takes a task has what it asks for");
        assertLe(node_.running + 1, node_.stake / registry.parameters().minStake, "6: running tasks fit the stake");
        assertLe(node_.power + book.power, data.verifiedPower, "6: running tasks fit the power");
        uint256 cap = _capOf(book.token, data.trustLevel);
        assertLe(openEscrow[provider.id][book.token] + book.price, cap, "6: it fits the level");
        if (data.trustLevel > 1) ++reached["taken above level 1"];
    }

    function _bookAbandon(bytes32 taskId) private {
        _bookReputation(taskBooks[taskId].nodeId, -50);
        _bookFailure(taskId);
        ++reached["abandoned"];
    }

    function _takeBack(Bid memory made, Node memory provider) private {
        vm.startPrank(provider.operator);
        if (made.nonce % 2 == 0) market.cancelBid(provider.id, made.nonce);
        else market.cancelAllBids(provider.id);
        vm.stopPrank();
        ++reached["bid taken back"];
    }

    function _challenge(Node memory provider) private returns (bool issued) {
        vm.prank(provider.operator);
        try verifier.issueChallenge(provider.id) {
            return true;
        } catch (bytes memory reason) {
            ++refused[bytes4(reason)];
        }
    }
}
