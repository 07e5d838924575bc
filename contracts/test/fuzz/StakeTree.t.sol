// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {StakeTree} from "src/court/StakeTree.sol";

/// @dev A list of leaves copied anew for each epoch, searched from its first element: the tree's plain twin.
contract StakeTreeTest is Test {
    using StakeTree for StakeTree.Tree;

    uint48 private constant FIRST_EPOCH = 490_000;

    struct Leaf {
        uint64 positionId;
        uint96 weight;
    }

    StakeTree.Tree private _tree;
    mapping(uint48 epoch => mapping(uint256 leaf => Leaf)) private _model;
    bool[24] private _taken;

    function _totalOf(uint48 epoch) private view returns (uint256 sum) {
        for (uint256 i; i < 24; ++i) {
            sum += _model[epoch][i].weight;
        }
    }

    function _findIn(uint48 epoch, uint256 point) private view returns (uint64) {
        for (uint256 i; i < 24; ++i) {
            Leaf memory leaf = _model[epoch][i];
            if (point < leaf.weight) return leaf.positionId;
            point -= leaf.weight;
        }
        revert("beyond the total");
    }

    /// @dev Random joins, changes and leaves over random epochs; then every epoch is as the list remembers it.
    function testFuzz_TheTreeIsTheListInEveryEpoch(uint256[32] calldata actions, uint256 point) public {
        uint48 epoch = FIRST_EPOCH;
        uint64 lastPosition;
        for (uint256 i; i < actions.length; ++i) {
            uint256 action = actions[i];
            if (action % 3 == 0) {
                // The next epoch starts as the last one ended.
                uint48 next = epoch + 1;
                for (uint256 j; j < 24; ++j) {
                    _model[next][j] = _model[epoch][j];
                }
                epoch = next;
            }
            uint256 some = (action >> 8) % 24;
            uint96 weight = uint96(bound(action >> 16, 1, 1e27));
            if ((action >> 4) % 3 != 0) {
                if (_count() == 24) continue;
                uint16 leaf = _tree.take();
                assertFalse(_taken[leaf], "a leaf has one holder");
                _taken[leaf] = true;
                _tree.set(epoch, leaf, ++lastPosition, weight);
                _model[epoch][leaf] = Leaf(lastPosition, weight);
            } else if (_taken[some]) {
                uint16 leaf = uint16(some);
                if (action % 2 == 0) {
                    _taken[some] = false;
                    _tree.give(epoch, leaf);
                    delete _model[epoch][some];
                } else {
                    _tree.set(epoch, leaf, _model[epoch][some].positionId, weight);
                    _model[epoch][some].weight = weight;
                }
            }
        }
        assertEq(_tree.total(FIRST_EPOCH - 1), 0, "nothing before the first change");
        for (uint48 e = FIRST_EPOCH; e <= epoch; ++e) {
            uint256 total = _totalOf(e);
            assertEq(_tree.total(e), total, "total");
            if (total == 0) continue;
            for (uint256 i; i < 6; ++i) {
                uint256 where = uint256(keccak256(abi.encode(point, e, i))) % total;
                assertEq(_tree.find(e, where), _findIn(e, where), "a random point");
            }
            // The edges of each leaf.
            uint256 edge;
            for (uint256 i; i < 24; ++i) {
                Leaf memory leaf = _model[e][i];
                if (leaf.weight == 0) continue;
                assertEq(_tree.find(e, edge), leaf.positionId, "the first of a leaf");
                edge += leaf.weight;
                assertEq(_tree.find(e, edge - 1), leaf.positionId, "the last of a leaf");
            }
        }
        assertEq(_tree.total(epoch + 1_000), _totalOf(epoch), "the future is as the last change left it");
    }

    function _count() private view returns (uint256 count) {
        for (uint256 i; i < 24; ++i) {
            if (_taken[i]) ++count;
        }
    }

    function testFuzz_LeavesFarApartAreFound(uint16 leaf, uint96 weight, uint256 point) public {
        weight = uint96(bound(weight, 1, type(uint96).max));
        _tree.set(7, 0, 1, 5);
        _tree.set(7, type(uint16).max, 3, 9);
        if (leaf == 0 || leaf == type(uint16).max) leaf = 1;
        _tree.set(7, leaf, 2, weight);
        assertEq(_tree.total(7), uint256(weight) + 14);
        assertEq(_tree.find(7, 4), 1);
        assertEq(_tree.find(7, 5 + point % weight), 2);
        assertEq(_tree.find(7, uint256(weight) + 5), 3);
        assertEq(_tree.find(7, uint256(weight) + 13), 3);
    }

    function test_ALeafThatIsUsedAgainKeepsItsPast() public {
        uint16 leaf = _tree.take();
        _tree.set(1, leaf, 11, 100);
        _tree.give(2, leaf);
        assertEq(_tree.take(), leaf);
        _tree.set(2, leaf, 22, 50);
        assertEq(_tree.find(1, 99), 11);
        assertEq(_tree.find(2, 49), 22);
        assertEq(_tree.total(2), 50);
    }

    function test_EveryLeafOnceThenItIsFull() public {
        _tree.used = type(uint16).max;
        assertEq(_tree.take(), type(uint16).max);
        vm.expectRevert(StakeTree.TreeIsFull.selector);
        this.take();
    }

    function take() external {
        _tree.take();
    }
}
