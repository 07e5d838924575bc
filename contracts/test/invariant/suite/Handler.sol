// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ResourceType} from "src/types/Resource.sol";

import {Deployed} from "../../../script/Suite.sol";
import {Node} from "../../utils/MarketFixture.sol";
import {Dollar} from "../../utils/Tokens.sol";
import {Appeals} from "./Appeals.sol";
import {Auditors} from "./Auditors.sol";
import {Buyers} from "./Buyers.sol";
import {Ending} from "./Ending.sol";
import {Providers} from "./Providers.sol";
import {Time} from "./Time.sol";

/// @title Everybody who uses the suite
/// @dev Each action takes one random word and finds for itself who can do what. An action is as often in the list as it is
/// likely.
contract Handler is Buyers, Providers, Appeals, Auditors, Ending, Time {
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
        for (uint256 i; i < 2; ++i) {
            _enter(activeNode(_nextName()), 2 * MIN_STAKE);
        }
        for (uint256 i; i < 8; ++i) {
            _enterRich(register(_nextName(), ResourceType.GPU));
        }
        // One owner has two nodes.
        _enterRich(registerFor(providers[3].owner, _nextName(), ResourceType.GPU));
        for (uint256 i; i < providers.length; ++i) {
            _meet(providers[i].owner);
            _meet(providers[i].payout);
        }
        _seatJurors();
        _observe();
        _passFirstRound();
        _list();
    }

    function actions() external view returns (bytes4[] memory) {
        return _actions;
    }

    /// @dev Its stake stays above that of level 2 for long.
    function _enterRich(Node memory provider) private {
        activate(provider);
        stake(provider, 2 * LEVEL_TWO_STAKE);
        _enter(provider, 2 * MIN_STAKE + 2 * LEVEL_TWO_STAKE);
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
        _add(this.buyerReplicates.selector, 4);
        _add(this.buyerCancelsReplicas.selector, 1);
        _add(this.buyerApproves.selector, 2);
        _add(this.buyerDisputes.selector, 5);
        _add(this.providerTakes.selector, 6);
        _add(this.providerGrabs.selector, 1);
        _add(this.providerBids.selector, 3);
        _add(this.providerDelivers.selector, 18);
        _add(this.providerAbandons.selector, 1);
        _add(this.providersExhaust.selector, 1);
        _add(this.nodesApply.selector, 4);
        _add(this.nodeTakesApplicationBack.selector, 1);
        _add(this.keeperDrawsReplicas.selector, 3);
        _add(this.nodesSeal.selector, 3);
        _add(this.nodesReveal.selector, 3);
        _add(this.nodesReplicate.selector, 6);
        _add(this.keeperReleases.selector, 2);
        _add(this.outvotedAppeals.selector, 12);
        _add(this.keeperSettles.selector, 3);
        _add(this.providerEnters.selector, 1);
        _add(this.providerStakes.selector, 4);
        _add(this.providerUnstakes.selector, 1);
        _add(this.providerWithdraws.selector, 1);
        _add(this.providerSwitches.selector, 3);
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
        _add(this.juryDecides.selector, 8);
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
        _add(this.keeperEnforces.selector, 6);
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
        _add(this.governanceEndsReview.selector, 3);
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
}
