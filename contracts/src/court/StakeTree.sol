// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";

/// @title A tree of stakes that remembers them: who was drawn by which point, as of any past epoch
/// @dev A node of the tree is the history of its sum, keyed by epoch. Writers write for the coming epoch only, so what a
/// reader sees of the present epoch was complete before that epoch began, and nobody can change it any more.
///
/// Four children a node and eight levels are 65,536 leaves: a draw reads about as much as in a binary tree of the same
/// size (18 nodes instead of 16), a change writes half as much (9 instead of 17).
///
/// A leaf holds a position and its weight in one word. Leaves are used again at once: the history of a leaf says whose it
/// was in which epoch.
library StakeTree {
    using Checkpoints for Checkpoints.Trace208;

    /// @dev Three slots of its holder's storage.
    struct Tree {
        // slot 0: by level << 16 | index; the root is level 0
        mapping(uint256 node => Checkpoints.Trace208) nodes;
        // slot 1: leaves that were given back
        uint16[] free;
        // slot 2
        uint32 used; // leaves that were ever in use
    }

    uint256 internal constant LEVELS = 8;
    uint256 internal constant CAPACITY = 4 ** LEVELS;

    error TreeIsFull();

    /// @notice Takes a leaf that nobody uses. It weighs nothing until it is set.
    function take(Tree storage tree) internal returns (uint16 leaf) {
        uint256 count = tree.free.length;
        if (count != 0) {
            leaf = tree.free[count - 1];
            tree.free.pop();
            return leaf;
        }
        uint32 used = tree.used;
        if (used == CAPACITY) revert TreeIsFull();
        tree.used = used + 1;
        // casting is safe: less than the capacity, 2^16
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint16(used);
    }

    /// @notice Gives a leaf back; it weighs nothing from `epoch` on.
    function give(Tree storage tree, uint48 epoch, uint16 leaf) internal {
        set(tree, epoch, leaf, 0, 0);
        tree.free.push(leaf);
    }

    /// @notice Says whose a leaf is and what it weighs from `epoch` on, which must not lie before the last change.
    function set(Tree storage tree, uint48 epoch, uint16 leaf, uint64 positionId, uint96 weight) internal {
        Checkpoints.Trace208 storage trace = _node(tree, LEVELS, leaf);
        uint96 before = _weight(trace.latest());
        trace.push(epoch, uint208(positionId) << 96 | weight);
        if (before == weight) return;
        uint256 index = leaf;
        for (uint256 level = LEVELS; level != 0;) {
            index >>= 2;
            trace = _node(tree, --level, index);
            // A sum of less than 2^16 weights of less than 2^96; it contains `before`.
            trace.push(epoch, trace.latest() - before + weight);
        }
    }

    /// @notice The sum of all weights in `epoch`.
    function total(Tree storage tree, uint48 epoch) internal view returns (uint256) {
        return _at(_node(tree, 0, 0), epoch);
    }

    /// @notice The position in whose weight `point` falls when those of `epoch` are laid side by side.
    /// @param point Less than the total.
    function find(Tree storage tree, uint48 epoch, uint256 point) internal view returns (uint64 positionId) {
        uint256 index;
        for (uint256 level = 1; level <= LEVELS; ++level) {
            index <<= 2;
            // The fourth child is what the other three leave.
            for (uint256 child; child < 3; ++child) {
                uint256 weight = _at(_node(tree, level, index), epoch);
                if (level == LEVELS) weight = _weight(uint208(weight));
                if (point < weight) break;
                point -= weight;
                ++index;
            }
        }
        // casting is safe: a leaf is positionId << 96 | weight
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint64(_at(_node(tree, LEVELS, index), epoch) >> 96);
    }

    function _node(Tree storage tree, uint256 level, uint256 index)
        private
        view
        returns (Checkpoints.Trace208 storage)
    {
        return tree.nodes[level << 16 | index];
    }

    /// @dev Draws come soon after their epoch was fixed: mostly the last entry is the one.
    function _at(Checkpoints.Trace208 storage trace, uint48 epoch) private view returns (uint208) {
        (bool exists, uint48 key, uint208 value) = trace.latestCheckpoint();
        if (!exists) return 0;
        return key <= epoch ? value : trace.upperLookupRecent(epoch);
    }

    function _weight(uint208 leaf) private pure returns (uint96) {
        // casting is safe: the lower 96 bits are the weight
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint96(leaf);
    }
}
