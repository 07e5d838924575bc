// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {BlockEntropy} from "src/entropy/BlockEntropy.sol";
import {IEntropySource} from "src/interfaces/IEntropySource.sol";

import {Headers} from "../utils/Headers.sol";

contract BlockEntropyTest is Test {
    /// @dev The runtime code of the history contract, as EIP-2935 gives it.
    bytes internal constant HISTORY_CODE =
        hex"3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500";
    uint256 internal constant WINDOW = 8191;
    uint256 internal constant NOW = 100_000;

    BlockEntropy internal source;

    function setUp() public {
        source = new BlockEntropy();
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

    // ---------------------------------------------------------------- randomness

    /// @dev A block of anvil.
    function test_ARealHeadersMixIsTheBlocksRandomness() public {
        bytes memory header =
            hex"f9025fa05376f2ef6895792d25621f8f950bb67c986657489ed64fbc325c322d0cbac428a01dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347940000000000000000000000000000000000000000a003963bc426f82d3a6d5e2c11b8bfac14b6bf78394de6e20d39497c321d543bc8a056e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421a056e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421b901000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000080028401c9c38080846b01e6af80a0fc679c8b018ae707d85d068675e232833b9cf06ef2856001b39d51259c3b256c88000000000000000084342770c0a056e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b4218080a00000000000000000000000000000000000000000000000000000000000000000a0e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        vm.setBlockhash(NOW - 1, 0x7174a1eca88da4cffede77100611e547309623d14ee05944f8c906bb754b31a4);
        assertEq(
            source.randomnessOf(NOW - 1, header), 0xfc679c8b018ae707d85d068675e232833b9cf06ef2856001b39d51259c3b256c
        );
    }

    function testFuzz_TheMixIsReadFromAnyHeader(bytes32 mix, bytes calldata extra, uint256 blocks) public {
        uint256 number = NOW - bound(blocks, 1, WINDOW);
        bytes memory header = Headers.encode(number, mix, extra);
        _set(number, keccak256(header));
        assertEq(source.randomnessOf(number, header), mix);
    }

    /// @dev Nobody draws by what it made up, for this block or another.
    function testFuzz_RevertWhen_AByteOfTheHeaderDiffers(uint256 at, bytes1 value, bytes32 mix) public {
        bytes memory header = Headers.encode(NOW - 1, mix, "extra");
        vm.setBlockhash(NOW - 1, keccak256(header));
        at = bound(at, 0, header.length - 1);
        vm.assume(header[at] != value);
        header[at] = value;
        vm.expectRevert(abi.encodeWithSelector(IEntropySource.WrongHeader.selector, NOW - 1));
        source.randomnessOf(NOW - 1, header);
    }

    function test_RevertWhen_TheHeadersBlockIsNotKnown() public {
        bytes memory header = Headers.encode(NOW, "mix", "");
        vm.expectRevert(abi.encodeWithSelector(IEntropySource.BlockHashUnavailable.selector, NOW));
        source.randomnessOf(NOW, header);
    }

    // ---------------------------------------------------------------- unknown blocks

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
        _set(number, hash);
        if (number < NOW && NOW - number <= WINDOW) assertEq(source.hashOfBlock(number), hash);
        else _expectUnavailable(number);
    }

    function _set(uint256 number, bytes32 hash) private {
        if (number < NOW && NOW - number <= 256) vm.setBlockhash(number, hash);
        else _remember(number, hash);
    }

    function _remember(uint256 number, bytes32 hash) private {
        vm.store(source.HISTORY(), bytes32(number % WINDOW), hash);
    }

    function _expectUnavailable(uint256 number) private {
        vm.expectRevert(abi.encodeWithSelector(IEntropySource.BlockHashUnavailable.selector, number));
        source.hashOfBlock(number);
    }
}
