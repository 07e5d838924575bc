// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {Extendable} from "src/proxy/Extendable.sol";

abstract contract Counters {
    uint256 public hot;
    uint256 public cold;
}

contract Cold is Counters {
    error Refused(address caller);

    function addCold(uint256 by) external payable returns (uint256) {
        cold += by;
        return cold + msg.value;
    }

    function refuse() external view {
        revert Refused(msg.sender);
    }
}

contract Hot is Counters, Extendable {
    constructor(address extension_) Extendable(extension_) {}

    function addHot() external {
        ++hot;
    }
}

contract ExtendableTest is Test {
    Hot private _hot;
    Cold private _whole;

    function setUp() public {
        _hot = new Hot(address(new Cold()));
        _whole = Cold(address(_hot));
    }

    function test_BothPiecesShareOneStorage() public {
        _hot.addHot();
        assertEq(_whole.addCold{value: 3}(4), 7, "arguments, value and result pass through");
        assertEq(_hot.hot(), 1);
        assertEq(_hot.cold(), 4);
        assertEq(Cold(_hot.extension()).cold(), 0, "the extension keeps nothing itself");
        assertEq(address(_hot).balance, 3);
    }

    function test_AnErrorOfTheExtensionComesBackWithItsCaller() public {
        vm.expectRevert(abi.encodeWithSelector(Cold.Refused.selector, address(this)));
        _whole.refuse();
    }

    function test_RevertWhen_NeitherPieceKnowsTheFunction() public {
        (bool known,) = address(_hot).call(abi.encodeWithSignature("unknown()"));
        assertFalse(known);
        (bool paid,) = address(_hot).call{value: 1}("");
        assertFalse(paid, "money without a call");
    }

    function test_RevertWhen_TheExtensionHasNoCode() public {
        vm.expectRevert(abi.encodeWithSelector(Extendable.ExtensionHasNoCode.selector, address(1)));
        new Hot(address(1));
    }
}
