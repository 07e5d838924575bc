// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @dev A contract account that signs as its one member does.
contract Wallet is IERC1271 {
    address private immutable _member;

    constructor(address member) {
        _member = member;
    }

    function isValidSignature(bytes32 hash, bytes memory signature) external view returns (bytes4) {
        return ECDSA.recover(hash, signature) == _member ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}
