// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Proxy} from "@openzeppelin/contracts/proxy/Proxy.sol";

/// @title A contract whose rarely used functions live in a second one
/// @notice What this contract doesn't know itself it asks of `extension` by delegatecall: one address and one storage, two
/// pieces of code, each below the size limit. The hot path stays here and pays nothing for it.
/// @dev Both pieces derive from one abstract base that holds their ERC-7201 storage, their immutables and what both use;
/// both have to be constructed with the same arguments. The extension is bound for good: an upgrade of the implementation
/// brings its own. The interface of the whole derives from those of both pieces, so that the compiler refuses two functions
/// with one selector. The extension may use modifiers on `msg.sender` and be payable. Its only fallback may be that of being
/// Extendable itself: a third piece. In the last piece an unknown selector reverts.
abstract contract Extendable is Proxy {
    /// @notice The code of the functions that are not here.
    address public immutable extension;

    error ExtensionHasNoCode(address extension);

    /// @custom:oz-upgrades-unsafe-allow constructor delegatecall
    constructor(address extension_) {
        if (extension_.code.length == 0) revert ExtensionHasNoCode(extension_);
        extension = extension_;
    }

    function _implementation() internal view override returns (address) {
        return extension;
    }
}
