// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {BlockEntropy} from "src/entropy/BlockEntropy.sol";
import {IEntropySource} from "src/interfaces/IEntropySource.sol";

contract BlockEntropyTest is Test {
    /// @dev The runtime code of the history contract, as EIP-2935 gives it.
    bytes internal constant HISTORY_CODE =
        hex"3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500";
    uint256 internal constant WINDOW = 8191;
    uint256 internal constant NOW = 100_000;

    BlockEntropy internal source = new BlockEntropy();

    function setUp() public {
        vm.roll(NOW);
        vm.etch(source.HISTORY(), HISTORY_CODE);
    }

    function test_EachBlockHasItsOwnEntropy() public {
        bytes32 before = source.entropy();
        vm.prevrandao(uint256(1));
        bytes32 randomised = source.entropy();
        vm.roll(NOW + 10);
        vm.setBlockhash(NOW + 9, keccak256("parent"));
        bytes32 later = source.entropy();
        assertNotEq(before, randomised);
        assertNotEq(randomised, later);
        assertEq(
            later, keccak256(abi.encode(uint256(1), keccak256("parent"), block.chainid, address(source))), "formula"
        );
    }

    function test_ARecentHashIsTheChainsOwn() public {
        vm.setBlockhash(NOW - 1, keccak256("parent"));
        vm.setBlockhash(NOW - 256, keccak256("eldest"));
        // The history must not be asked where the chain itself answers.
        _remember(NOW - 1, keccak256("another"));
        assertEq(source.hashOfBlock(NOW - 1), keccak256("parent"));
        assertEq(source.hashOfBlock(NOW - 256), keccak256("eldest"));
    }

    function test_AnOlderHashIsInTheHistory() public {
        _remember(NOW - 257, keccak256("old"));
        _remember(NOW - WINDOW, keccak256("oldest"));
        assertEq(source.hashOfBlock(NOW - 257), keccak256("old"));
        assertEq(source.hashOfBlock(NOW - WINDOW), keccak256("oldest"));
    }

    function test_TheAnswerStaysTheSameWhenTheChainForgetsAndTheHistoryRemembers() public {
        vm.setBlockhash(NOW - 1, keccak256("parent"));
        bytes32 early = source.hashOfBlock(NOW - 1);
        _remember(NOW - 1, keccak256("parent"));
        vm.roll(NOW + 4_000);
        assertEq(source.hashOfBlock(NOW - 1), early);
    }

    function test_RevertWhen_TheBlockIsNotOver() public {
        _expectUnavailable(NOW);
        _expectUnavailable(NOW + 1);
        _expectUnavailable(type(uint256).max);
    }

    function test_RevertWhen_TheHistoryForgot() public {
        _remember(NOW - WINDOW - 1, keccak256("gone"));
        _expectUnavailable(NOW - WINDOW - 1);
        _expectUnavailable(0);
    }

    function test_RevertWhen_TheHistoryBeganLater() public {
        _expectUnavailable(NOW - 1_000);
    }

    function test_RevertWhen_TheChainHasNoHistory() public {
        vm.etch(source.HISTORY(), "");
        _expectUnavailable(NOW - 1_000);
    }

    function testFuzz_OnlyTheLastWindowIsAnswered(uint256 number, bytes32 hash) public {
        vm.assume(hash != 0);
        number = bound(number, 0, 2 * NOW);
        if (number < NOW && NOW - number <= 256) vm.setBlockhash(number, hash);
        else _remember(number, hash);
        if (number < NOW && NOW - number <= WINDOW) assertEq(source.hashOfBlock(number), hash);
        else _expectUnavailable(number);
    }

    function _remember(uint256 number, bytes32 hash) private {
        vm.store(source.HISTORY(), bytes32(number % WINDOW), hash);
    }

    function _expectUnavailable(uint256 number) private {
        vm.expectRevert(abi.encodeWithSelector(IEntropySource.BlockHashUnavailable.selector, number));
        source.hashOfBlock(number);
    }
}
