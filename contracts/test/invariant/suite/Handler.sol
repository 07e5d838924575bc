// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Deployed} from "../../../script/Suite.sol";
import {Dollar} from "../../utils/Tokens.sol";
import {Auditors} from "./Auditors.sol";
import {Buyers} from "./Buyers.sol";
import {Court} from "./Court.sol";
import {Ending} from "./Ending.sol";
import {Providers} from "./Providers.sol";
import {Time} from "./Time.sol";

/// @title Everybody who uses the suite
/// @dev Each action takes one random word and finds for itself who can do what. An action is as often in the list as it is
/// likely.
contract Handler is Buyers, Providers, Auditors, Ending, Time {
    uint256 private constant JURORS = 18;

    bytes4[] private _actions;

    constructor(Deployed memory deployed, Dollar dollar_, address faucet_) {
        suite = deployed;
        dollar = dollar_;
        faucet = faucet_;
        bind();
        bindCourt();
        watcher = makeAddr("watcher");
        keeper = makeAddr("keeper");
        stranger = makeAddr("stranger");
        treasurer = makeAddr("treasurer");
        _meet(keeper);
        _meet(feeVault);
        _meet(watcher);
        for (uint256 i; i < 3; ++i) {
            customers.push(account(string.concat("customer ", vm.toString(i)), 0));
            _meet(customers[i]);
            stakers.push(account(string.concat("staker ", vm.toString(i)), 0));
        }
        for (uint256 i; i < 4; ++i) {
            _enter(false);
            _meet(providers[i].owner);
            _meet(providers[i].payout);
        }
        _seatJurors();
        _observe();
        _list();
    }

    function actions() external view returns (bytes4[] memory) {
        return _actions;
    }

    /// @dev One of them owns a node, too.
    function _seatJurors() private {
        for (uint256 i; i < JURORS; ++i) {
            string memory name = i == 0 ? "node 0 owner" : string.concat("juror ", vm.toString(i));
            uint256 amount = 10_000e18 * (2 + i % 3);
            address juror = join(name, amount);
            _bookPosition(positions[juror], juror, amount, 0);
            _meet(juror);
        }
        nextEpoch();
    }

    function _list() private {
        _add(this.buyerCreates.selector, 6);
        _add(this.buyerCancels.selector, 1);
        _add(this.buyerApproves.selector, 2);
        _add(this.buyerDisputes.selector, 5);
        _add(this.providerTakes.selector, 6);
        _add(this.providerGrabs.selector, 1);
        _add(this.providerBids.selector, 3);
        _add(this.providerDelivers.selector, 8);
        _add(this.providerAbandons.selector, 1);
        _add(this.providersExhaust.selector, 1);
        _add(this.providerEnters.selector, 1);
        _add(this.providerStakes.selector, 3);
        _add(this.providerUnstakes.selector, 1);
        _add(this.providerWithdraws.selector, 1);
        _add(this.providerSwitches.selector, 2);
        _add(this.providerChangesKeys.selector, 1);
        _add(this.providerProves.selector, 2);
        _add(this.challengerOpens.selector, 4);
        _add(this.keeperOpens.selector, 1);
        _add(this.providerAnswers.selector, 1);
        _add(this.keeperExcuses.selector, 1);
        _add(this.keeperReports.selector, 1);
        _add(this.keeperDraws.selector, 7);
        _add(this.jurorsSeal.selector, 7);
        _add(this.jurorsReveal.selector, 7);
        _add(this.partyAppeals.selector, 3);
        _add(this.keeperAdvances.selector, 3);
        _add(this.jurorComesOrGoes.selector, 2);
        _add(this.keeperReweighs.selector, 1);
        _add(this.anyoneCollects.selector, 1);
        _add(this.stakerStakes.selector, 2);
        _add(this.stakerUnstakes.selector, 2);
        _add(this.stakerClaims.selector, 2);
        _add(this.stakerDelegates.selector, 1);
        _add(this.keeperResets.selector, 2);
        _add(this.keeperEnforces.selector, 4);
        _add(this.accountWithdraws.selector, 2);
        _add(this.keeperCollects.selector, 1);
        _add(this.keeperTakesTips.selector, 1);
        _add(this.keeperClosesEpochs.selector, 1);
        _add(this.keeperClaims.selector, 1);
        _add(this.keeperPostsRoot.selector, 1);
        _add(this.keeperFinalizesRoot.selector, 1);
        _add(this.guardianVetoesRoot.selector, 1);
        _add(this.keeperClaimsBonus.selector, 1);
        _add(this.governanceBans.selector, 1);
        _add(this.keeperReviews.selector, 1);
        _add(this.governanceEndsReview.selector, 1);
        _add(this.guardianPauses.selector, 1);
        _add(this.governanceLifts.selector, 2);
        _add(this.governanceSetsTip.selector, 1);
        _add(this.governanceSetsMinStake.selector, 1);
        _add(this.attackerTries.selector, 6);
        _add(this.timePasses.selector, 10);
    }

    function _add(bytes4 action, uint256 times) private {
        for (uint256 i; i < times; ++i) {
            _actions.push(action);
        }
    }

    function _bookCase(uint256 caseId, bytes32 taskId, uint256 fee) internal override(Buyers, Court) {
        Court._bookCase(caseId, taskId, fee);
    }
}
