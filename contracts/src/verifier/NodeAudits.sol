// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ResourceType} from "../types/Resource.sol";
import {AuditResults, KEPT} from "./AuditResults.sol";

/// @dev What a node's audits come to: one slot.
struct AuditState {
    uint64 hashRate; // lower bound of the results, hashes/s
    uint40 validUntil; // last second that it counts
    uint40 lastAuditAt; // when the last round that was passed opened
    uint32 passed; // rounds
    uint32 lastRound; // rounds up to it are accounted
    uint8 count; // results, at most 4
    uint8 missesInRow;
    uint8 excuseWait; // results until an excuse leaves a round out again
    bool excused; // the round after the last one accounted
    ResourceType resourceType;
    bool onboarded; // passed its first challenge
}

/// @dev A node's audits: two slots. Rounds are accounted one after another, each once.
struct NodeAudits {
    // slot 0
    AuditState state;
    // slot 1
    AuditResults results;
}

/// @dev Misses in a row that take a node offline.
uint8 constant MISSES_TO_OFFLINE = 3;
/// @dev One excused round in so many is left out of the mean.
uint8 constant EXCUSE_PERIOD = 4;

using {pass, miss, excuse} for NodeAudits global;

/// @dev The node passed `round`, opened at `openedAt`, with `hashRate`.
function pass(NodeAudits memory audits, uint64 round, uint64 hashRate, uint40 openedAt, uint40 validUntil) pure {
    AuditState memory state = audits.state;
    _account(audits, round, hashRate);
    state.passed += 1;
    state.missesInRow = 0;
    state.lastAuditAt = openedAt;
    state.validUntil = validUntil;
}

/// @dev No result, or one too weak, in a round in which the node was due.
function miss(NodeAudits memory audits, uint64 round) pure {
    _account(audits, round, 0);
    if (audits.state.missesInRow != type(uint8).max) audits.state.missesInRow += 1;
}

/// @dev No result in a round in which the node was busy. Left out, or counted as zero but not as a miss.
function excuse(NodeAudits memory audits, uint64 round) pure returns (bool leftOut) {
    leftOut = audits.state.excuseWait == 0;
    if (leftOut) {
        audits.state.excuseWait = EXCUSE_PERIOD - 1;
        _close(audits, round);
    } else {
        _account(audits, round, 0);
    }
}

function _account(NodeAudits memory audits, uint64 round, uint64 hashRate) pure {
    AuditState memory state = audits.state;
    audits.results = audits.results.push(hashRate);
    if (state.count < KEPT) state.count += 1;
    if (state.excuseWait != 0) state.excuseWait -= 1;
    state.hashRate = audits.results.lowerBound(state.count);
    _close(audits, round);
}

function _close(NodeAudits memory audits, uint64 round) pure {
    // casting is safe: four billion rounds would take longer than the chain
    // forge-lint: disable-next-line(unsafe-typecast)
    audits.state.lastRound = uint32(round);
    audits.state.excused = false;
}
