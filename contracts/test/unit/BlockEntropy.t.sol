// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {BlockEntropy} from "src/entropy/BlockEntropy.sol";

contract BlockEntropyTest is Test {
    BlockEntropy internal source = new BlockEntropy();

    function test_EachBlockHasItsOwnEntropy() public {
        bytes32 before = source.entropy();
        vm.prevrandao(uint256(1));
        bytes32 randomised = source.entropy();
        vm.roll(block.number + 10);
        vm.setBlockhash(block.number - 1, keccak256("parent"));
        bytes32 later = source.entropy();
        assertNotEq(before, randomised);
        assertNotEq(randomised, later);
        assertEq(
            later, keccak256(abi.encode(uint256(1), keccak256("parent"), block.chainid, address(source))), "formula"
        );
    }
}
