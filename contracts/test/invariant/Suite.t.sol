// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Handler} from "./suite/Handler.sol";
import {World} from "./suite/World.sol";

/// @title What holds of the whole suite, whatever anybody does
/// @dev The twelve rules of DESIGN 2.10. Foundry runs a campaign for each `invariant_` function, and the calls cost more than
/// the checks: so one campaign serves all twelve, each a function of its own name in `Rules`.
///
/// A run is short, so what many runs together reach is not known to any of them. `test_TheHandlersReachEveryState` is: the
/// same actions in one long random course that is the same each time, which must come through every state that there is.
contract SuiteInvariantTest is World {
    uint256 private constant COURSE = 20_000;

    Handler internal handler;

    function setUp() public override {
        super.setUp();
        handler = new Handler(suite, dollar, faucet);
        targetContract(address(handler));
        targetSelector(FuzzSelector({addr: address(handler), selectors: handler.actions()}));
    }

    /// forge-config: default.invariant.runs = 256
    /// forge-config: default.invariant.depth = 100
    /// forge-config: default.invariant.fail-on-revert = true
    function invariant_TheTwelveRulesHold() public view {
        handler.escrowHoldsWhatItOwes(); // 1
        handler.courtHoldsWhatItOwes(); // 1
        handler.eachEscrowIsPaidOnce(); // 2
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
    }
}
