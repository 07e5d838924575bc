// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev A tree of bonuses as OpenZeppelin's StandardMerkleTree builds it, for any number of leaves.
library Merkle {
    struct Bonus {
        uint64 nodeId;
        uint256 cumulativeAmount;
    }

    function leafOf(Bonus memory bonus) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(bonus.nodeId, bonus.cumulativeAmount))));
    }

    function root(Bonus[] memory bonuses) internal pure returns (bytes32) {
        return _tree(bonuses)[0];
    }

    function proof(Bonus[] memory bonuses, uint256 index) internal pure returns (bytes32[] memory path) {
        bytes32[] memory tree = _tree(bonuses);
        bytes32 leaf = leafOf(bonuses[index]);
        uint256 place = bonuses.length - 1;
        while (tree[place] != leaf) ++place;
        uint256 depth;
        for (uint256 i = place; i > 0; i = (i - 1) / 2) {
            ++depth;
        }
        path = new bytes32[](depth);
        for (uint256 i; i < depth; ++i) {
            path[i] = tree[place % 2 == 1 ? place + 1 : place - 1];
            place = (place - 1) / 2;
        }
    }

    /// @dev The root first, the sorted leaves last, backwards.
    function _tree(Bonus[] memory bonuses) private pure returns (bytes32[] memory tree) {
        uint256 count = bonuses.length;
        tree = new bytes32[](2 * count - 1);
        for (uint256 i; i < count; ++i) {
            uint256 place = tree.length - 1 - i;
            bytes32 leaf = leafOf(bonuses[i]);
            // Insertion: what is larger moves towards the root.
            while (place < tree.length - 1 && tree[place + 1] > leaf) {
                tree[place] = tree[place + 1];
                ++place;
            }
            tree[place] = leaf;
        }
        for (uint256 i = count - 1; i > 0; --i) {
            (bytes32 a, bytes32 b) = (tree[2 * i - 1], tree[2 * i]);
            tree[i - 1] = a < b ? keccak256(bytes.concat(a, b)) : keccak256(bytes.concat(b, a));
        }
    }
}
