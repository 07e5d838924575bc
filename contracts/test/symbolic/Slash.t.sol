// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {Reputation} from "src/libraries/Reputation.sol";
import {BPS} from "src/libraries/Shares.sol";
import {Cause} from "src/types/Node.sol";
import {NodeRecord} from "src/types/NodeRecord.sol";

/// @notice What a penalty takes from a node: stake, unbonding and reputation, for every value that they can have.
contract SlashSymbolicTest is Test {
    NodeRecord internal node;

    function check_ASlashTakesItsShareOfAll(uint96 stake, uint96 unbonding, uint16 bps) public {
        uint256 slashed = _slash(stake, unbonding, bps);
        uint256 exact = (uint256(stake) + unbonding) * bps;
        assert(slashed * BPS <= exact && exact < (slashed + 1) * BPS);
    }

    function check_ASlashTakesAndNothingElse(uint96 stake, uint96 unbonding, uint16 bps) public {
        uint256 slashed = _slash(stake, unbonding, bps);
        assert(uint256(node.stake) + node.unbonding + slashed == uint256(stake) + unbonding);
    }

    /// @dev Unbonding stake is reached as much as the other: its share is rounded down, the stake's to one wei.
    function check_ASlashReachesStakeAndUnbondingAlike(uint96 stake, uint96 unbonding, uint16 bps) public {
        _slash(stake, unbonding, bps);
        assert(node.stake <= stake && node.unbonding <= unbonding);
        uint256 fromUnbonding = unbonding - node.unbonding;
        assert(fromUnbonding * BPS <= uint256(unbonding) * bps);
        assert(uint256(unbonding) * bps < (fromUnbonding + 1) * BPS);
        uint256 fromStake = stake - node.stake;
        assert(uint256(stake) * bps < (fromStake + 1) * BPS);
        assert(fromStake * BPS <= uint256(stake) * bps + BPS);
    }

    function check_AWholeSlashLeavesNothing(uint96 stake, uint96 unbonding) public {
        _slash(stake, unbonding, 10_000);
        assert(node.stake == 0 && node.unbonding == 0);
    }

    /// @dev A fee or deposit taken from the stake: all that was asked for, or all there is.
    function check_ATakenAmountIsWhatIsMissing(uint96 stake, uint96 unbonding, uint256 amount) public {
        (node.stake, node.unbonding) = (stake, unbonding);
        uint256 taken = node.takeStake(amount);
        uint256 all = uint256(stake) + unbonding;
        assert(taken == (amount < all ? amount : all));
        assert(uint256(node.stake) + node.unbonding + taken == all);
        assert(node.unbonding == unbonding || node.stake == 0);
    }

    function check_ReputationStaysWithinItsBounds(uint16 reputation, uint8 cause) public pure {
        vm.assume(reputation <= Reputation.MAX && cause <= uint8(type(Cause).max));
        (uint16 next, int256 delta) = Reputation.moved(reputation, Cause(cause));
        assert(next <= 10_000);
        assert(int256(uint256(next)) == int256(uint256(reputation)) + delta);
    }

    function check_OnlyABoundCutsAChangeOfReputation(uint16 reputation, uint8 cause) public pure {
        vm.assume(reputation <= Reputation.MAX && cause <= uint8(type(Cause).max));
        (uint16 next, int256 delta) = Reputation.moved(reputation, Cause(cause));
        int256 full = Reputation.deltaOf(Cause(cause));
        if (delta > full) assert(next == 0 && full < 0);
        if (delta < full) assert(next == 10_000 && full > 0);
    }

    function _slash(uint96 stake, uint96 unbonding, uint16 bps) private returns (uint256) {
        vm.assume(bps <= BPS);
        (node.stake, node.unbonding) = (stake, unbonding);
        return node.slash(bps);
    }
}
