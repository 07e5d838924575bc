// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {INodeRegistry} from "src/interfaces/INodeRegistry.sol";

import {Node} from "../../utils/MarketFixture.sol";
import {Books} from "./Books.sol";

/// @title What governance and guardian do, and who has a node reviewed
abstract contract Governance is Books {
    function governanceBans(uint256 seed) external acts {
        Node memory provider = _provider(seed);
        NodeBook storage book = nodeBooks[provider.id];
        if (!_seldom(seed, "misuse", 8) || book.banned || 6 * reached["banned"] >= providers.length) return;
        vm.prank(governance);
        registry.ban(provider.id);
        _bookSlash(provider.id, 5_000);
        book.banned = true;
        if (book.stake != 0) book.readyAt = block.timestamp + 14 days;
        book.unbonding += book.stake;
        book.stake = 0;
        ++reached["banned"];
    }

    function keeperReviews(uint256 seed) external acts {
        Node memory provider = _provider(seed);
        (uint256 failed, uint256 counted) = registry.failuresOf(provider.id);
        bool may = counted >= 10 && failed * 5 > counted && info(provider).reviewUntil < block.timestamp
            && !nodeBooks[provider.id].banned;
        bool done = _try(keeper, address(registry), abi.encodeCall(registry.putUnderReview, (provider.id)));
        assertEq(done, may, "a node is put under review if it fails often");
        if (!done) return;
        assertFalse(registry.isActive(provider.id), "a node under review takes no tasks");
        nodeBooks[provider.id].reviewEnds = block.timestamp + 14 days;
        ++reached["put under review"];
    }

    function governanceEndsReview(uint256 seed) external acts {
        Node memory provider = _provider(seed);
        if (info(provider).reviewUntil < block.timestamp) return;
        vm.prank(governance);
        registry.endReview(provider.id);
        nodeBooks[provider.id].reviewEnds = 0;
        ++reached["review ended"];
    }

    function guardianPauses(uint256 seed) external acts {
        if (!_seldom(seed, "panic", 8)) return;
        bool may = block.timestamp >= suite.guardian.nextPauseAt();
        bool done = _try(suite.guardian.guardian(), address(suite.guardian), abi.encodeCall(suite.guardian.pause, ()));
        assertEq(done, may, "11: at most one pause in sixty days");
        if (done) ++reached["paused"];
    }

    function governanceLifts(uint256 seed) external acts {
        if (!_isPaused() || _seldom(seed, "wait", 2)) return;
        _pause(uint40(block.timestamp));
        ++reached["pause lifted"];
    }

    /// @dev What was agreed stays: only new tasks see it.
    function governanceSetsTip(uint256 seed) external acts {
        uint256 tip = _bound(_random(seed, "tip"), 0, 2 * TIP);
        vm.prank(governance);
        market.setPaymentToken(ETH, true, uint96(tip));
        ++reached["tip set"];
    }

    function governanceSetsMinStake(uint256 seed) external acts {
        INodeRegistry.Parameters memory changed = registry.parameters();
        changed.minStake = uint96(_bound(_random(seed, "stake"), MIN_STAKE / 2, 3 * MIN_STAKE / 2));
        vm.prank(governance);
        registry.setParameters(changed);
        for (uint64 id = 1; id <= providers.length; ++id) {
            registry.syncActivity(id);
        }
        ++reached["parameters set"];
    }

    function _pause(uint40 until) internal {
        vm.startPrank(governance);
        market.pauseEntry(until);
        registry.pauseEntry(until);
        pool.pauseEntry(until);
        vm.stopPrank();
    }
}
