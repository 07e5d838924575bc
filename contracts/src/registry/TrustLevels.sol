// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {BPS} from "../libraries/Shares.sol";
import {Partner, TokenLimits} from "../types/Node.sol";
import {NodeRecord} from "../types/NodeRecord.sol";

/// @title How far a node is trusted
/// @notice 0: nothing. 1 Basic: the minimum stake. 2 Verified: more stake and challenges. 3 Trusted: much stake, reputation
/// and a record of verified tasks. 4 Partner: level 3's stake and reputation, and what governance recorded. Until the first
/// audit, in which everybody works at once, nobody is above 1.
library TrustLevels {
    function levelOf(NodeRecord storage node, INodeRegistry.Parameters storage rules, Partner storage partner)
        internal
        view
        returns (uint8)
    {
        uint256 stake = node.stake;
        if (node.owner == address(0) || node.banned || stake < rules.minStake) return 0;
        uint256 passed = node.standing.passed;
        if (passed == 0 || stake < rules.levelTwoStake) return 1;
        bool established = stake >= rules.levelThreeStake && node.reputation >= rules.levelThreeReputation;
        if (established && node.partner && stake >= uint256(rules.levelThreeStake) + partner.bond) return 4;
        if (passed < rules.levelTwoChallenges) return 1;
        return established && _succeeds(node, rules) ? 3 : 2;
    }

    /// @notice What a node of this level may hold open in a token.
    function capOf(TokenLimits storage limits, uint8 level) internal view returns (uint256) {
        if (level == 4) return limits.levelFourCap;
        if (level == 3) return limits.levelThreeCap;
        return level == 2 ? limits.levelTwoCap : limits.levelOneCap;
    }

    function _succeeds(NodeRecord storage node, INodeRegistry.Parameters storage rules) private view returns (bool) {
        uint256 verified = node.tasksVerified;
        uint256 counted = verified + node.tasksFailed;
        return verified >= rules.levelThreeTasks && verified * BPS >= counted * rules.levelThreeSuccessBps;
    }
}
