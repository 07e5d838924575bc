// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev What the verifier last told the registry of a node: one slot.
struct Standing {
    uint56 power; // milli-TFLOPS that audits prove
    uint40 validUntil; // last second that they count
    uint56 onboarded; // milli-TFLOPS that onboarding proves, before the first audit and once audits have lapsed
    uint40 onboardedUntil; // last second that it counts
    uint40 lastAuditAt; // when the last audit round that was passed opened; zero: none was
    uint24 passed; // audit rounds
}

using {verifiedPower} for Standing global;

/// @dev Now, milli-TFLOPS.
function verifiedPower(Standing memory standing) view returns (uint56) {
    if (block.timestamp <= standing.validUntil) return standing.power;
    return block.timestamp <= standing.onboardedUntil ? standing.onboarded : 0;
}
