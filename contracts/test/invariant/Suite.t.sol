// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBids} from "src/interfaces/IBids.sol";
import {INodeRegistry} from "src/interfaces/INodeRegistry.sol";
import {IProofOfWorkVerifier} from "src/interfaces/IProofOfWorkVerifier.sol";
import {IReplicas} from "src/interfaces/IReplicas.sol";
import {ITaskMarketplace} from "src/interfaces/ITaskMarketplace.sol";

import {Handler} from "./suite/Handler.sol";
import {World} from "./suite/World.sol";

/// @title What holds of the whole suite, whatever anybody does
/// @dev The twelve rules of DESIGN 2.10. Foundry runs a campaign for each `invariant_` function, and the calls cost more than
/// the checks: so one campaign serves all twelve, each a function of its own name in `Rules`.
///
/// A run is short, so what many runs together reach is not known to any of them. `test_TheHandlersReachEveryState` is: the
/// same actions in one long random course that is the same each time, which must come through every state that there is.
contract SuiteInvariantTest is World {
    uint256 private constant COURSE = 15_000;

    Handler internal handler;

    function setUp() public override {
        super.setUp();
        handler = new Handler(suite, dollar, faucet);
        targetContract(address(handler));
        targetSelector(FuzzSelector({addr: address(handler), selectors: handler.actions()}));
    }

    /// @dev What is said of the default profile counts for every other that says nothing here.
    /// forge-config: default.invariant.runs = 256
    /// forge-config: default.invariant.depth = 100
    /// forge-config: default.invariant.fail-on-revert = true
    /// forge-config: deep.invariant.runs = 10000
    /// forge-config: deep.invariant.depth = 300
    /// forge-config: lite.invariant.runs = 16
    function invariant_TheTwelveRulesHold() public view {
        handler.escrowHoldsWhatItOwes(); // 1
        handler.courtHoldsWhatItOwes(); // 1
        handler.eachEscrowIsPaidOnce(); // 2
        handler.replicasAreWhereTheRulesBroughtThem(); // 2, 6
        handler.registryHoldsStakeAndUnbonding(); // 3
        handler.poolHoldsPositionsAndRewards(); // 4
        handler.mintedWithinCapAndSchedule(); // 5
        handler.nodesAnswerForTheirOpenTasks(); // 6
        handler.reputationStaysWithinItsBounds(); // 7
        handler.ownersKeepWhatIsTheirs(); // 9
        handler.roundsAskWhoWasActive(); // 10
        handler.noPersonHoldsARole(); // 12
    }

    /// @dev 8 and 11.
    function afterInvariant() public {
        handler.windDown();
        invariant_TheTwelveRulesHold();
    }

    function test_TheHandlersReachEveryState() public {
        vm.pauseGasMetering(); // more than one transaction has
        bytes4[] memory actions = handler.actions();
        for (uint256 i; i < COURSE; ++i) {
            uint256 seed = uint256(keccak256(abi.encode("course", i)));
            bytes memory call = abi.encodeWithSelector(actions[seed % actions.length], seed);
            (bool done, bytes memory reason) = address(handler).call(call);
            if (!done) {
                assembly ("memory-safe") {
                    revert(add(reason, 32), mload(reason))
                }
            }
            if (i % 20 == 0) invariant_TheTwelveRulesHold();
        }
        afterInvariant();
        string[] memory states = _states();
        for (uint256 i; i < states.length; ++i) {
            assertGt(handler.reached(states[i]), 0, states[i]);
        }
        bytes4[] memory refusals = _refusals();
        for (uint256 i; i < refusals.length; ++i) {
            assertGt(handler.refused(refusals[i]), 0, vm.toString(refusals[i]));
        }
    }

    /// @dev Why a provider doesn't get a task.
    function _refusals() private pure returns (bytes4[] memory errors) {
        errors = new bytes4[](11);
        errors[0] = INodeRegistry.NodeNotActive.selector;
        errors[1] = INodeRegistry.InsufficientPower.selector;
        errors[2] = INodeRegistry.EscrowCapExceeded.selector;
        errors[3] = INodeRegistry.TrustTooLow.selector;
        errors[4] = INodeRegistry.NoFreeSlot.selector;
        errors[5] = ITaskMarketplace.NodeExcluded.selector;
        errors[6] = IBids.BidEpochOver.selector;
        errors[7] = IBids.BidNonceUsed.selector;
        errors[8] = IReplicas.OwnerHasApplied.selector;
        errors[9] = INodeRegistry.WrongResourceType.selector;
        errors[10] = IProofOfWorkVerifier.NodeNotChallengeable.selector;
    }

    /// @dev Every state and ending of tasks and cases, and what else there is to do.
    function _states() private pure returns (string[] memory states) {
        string memory all = "created for 1 in ETH,created for 1 in dollars,created for 1 in AIIGO,"
            "refused by a pause,cancelled,taken,taken above level 1,bid taken,bid taken back,bid paid,bid timed out,"
            "delivered,approved,finalized,abandoned,timed out and reopened,timed out and refunded,expired,"
            "refunded after four attempts,"
            "created for 3 in ETH,created for 3 in dollars,created for 3 in AIIGO,created for 5 in ETH,"
            "created for 5 in dollars,created for 5 in AIIGO,created for 7 in ETH,created for 7 in dollars,"
            "created for 7 in AIIGO,replicas cancelled,too late to cancel replicas,replica applied,"
            "applied in both rounds,excluded from the second round,application taken back,window extended,"
            "too few applied,candidates fixed,draw block forgotten,replicas drawn,candidate released,result sealed,"
            "seal copied,copied seal refused,shown too early or too late,shown by the owner or an old operator,"
            "result shown,no result sealed,result not shown,undecided,disagreed and reopened,disagreed and refunded,"
            "unanimous,outvoted,paid in the second round,count appealed,appeal won,appeal lost,appeal undecided,"
            "count settled,minority slashed,majority slashed,cleared by another's appeal,wrong beside the majority,"
            "disputed,disputed by the watcher,juror drawn,jury drawn,random block forgotten,sealed,revealed,"
            "ruled,ruled after a redraw,ruled on appeal,appealed,appeal lapsed,jurors replaced,juror released,"
            "lapsed and redrawn,closed without a ruling,dispute lost,dispute split,dispute won,"
            "silent juror penalised,incoherent juror penalised,juror left,juror joined again,position released,"
            "court's fees withdrawn,"
            "registered,staked,unbonding,stake withdrawn,stake answers for a task,online,offline,operator changed,"
            "payout changed,challenge passed,challenge missed,round opened,round opened without preimage,answered,"
            "answer refused,answered under a root,too weak,excused,missed,"
            "position opened,unstaked,unstaked early,frozen stake stayed,reward claimed,weight reset,"
            "epoch closed,reward minted,root posted,root finalized,root vetoed,bonus minted,fees collected,"
            "money withdrawn,keeper tipped,"
            "banned,put under review,review ended,paused,pause lifted,tip set,parameters set,attacked";
        return vm.split(all, ",");
    }
}
