// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AIIGOToken} from "src/AIIGOToken.sol";

import {SuiteTest} from "../SuiteTest.sol";

contract AIIGOTokenTest is SuiteTest {
    AIIGOToken private _token;
    address private _minter;

    function setUp() public override {
        super.setUp();
        _token = suite.token;
        _minter = address(suite.distributor);
    }

    function test_GenesisLeavesRoomForTheCommunityOnly() public view {
        assertEq(_token.totalSupply(), 600_000_000e18);
        assertEq(_token.lifetimeMinted(), 600_000_000e18);
        assertEq(_token.LIFETIME_CAP() - _token.lifetimeMinted(), suite.distributor.TOTAL());
        assertEq(_token.balanceOf(faucet), 100_000_000e18);
    }

    function test_ClockIsTime() public view {
        assertEq(_token.clock(), vm.getBlockTimestamp());
        assertEq(_token.CLOCK_MODE(), "mode=timestamp");
    }

    function test_RevertWhen_ConstructedWithoutAMinter() public {
        vm.expectRevert(AIIGOToken.ZeroAddress.selector);
        new AIIGOToken(address(0), new AIIGOToken.Allocation[](0));
    }

    function test_RevertWhen_GenesisExceedsTheCap() public {
        AIIGOToken.Allocation[] memory genesis = new AIIGOToken.Allocation[](2);
        genesis[0] = AIIGOToken.Allocation(faucet, 1_000_000_000e18);
        genesis[1] = AIIGOToken.Allocation(faucet, 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                AIIGOToken.LifetimeCapExceeded.selector, 1_000_000_000e18 + 1, uint256(1_000_000_000e18)
            )
        );
        new AIIGOToken(_minter, genesis);
    }

    function testFuzz_RevertWhen_AnyoneElseMints(address caller) public {
        vm.assume(caller != _minter);
        vm.expectRevert(abi.encodeWithSelector(AIIGOToken.NotMinter.selector, caller));
        vm.prank(caller);
        _token.mint(caller, 1);
    }

    function testFuzz_BurningMakesNoRoom(uint256 burned) public {
        burned = bound(burned, 1, 100_000_000e18);
        vm.prank(faucet);
        _token.burn(burned);
        uint256 room = _token.LIFETIME_CAP() - _token.lifetimeMinted();
        vm.startPrank(_minter);
        _token.mint(faucet, room);
        vm.expectRevert(
            abi.encodeWithSelector(AIIGOToken.LifetimeCapExceeded.selector, 1_000_000_000e18 + 1, 1_000_000_000e18)
        );
        _token.mint(faucet, 1);
        assertEq(_token.totalSupply(), 1_000_000_000e18 - burned);
    }

    function test_PermitApprovesBySignature() public {
        (address owner, uint256 key) = makeAddrAndKey("signer");
        uint256 deadline = vm.getBlockTimestamp() + 1 hours;
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                owner,
                address(this),
                7,
                _token.nonces(owner),
                deadline
            )
        );
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(key, keccak256(abi.encodePacked("\x19\x01", _token.DOMAIN_SEPARATOR(), structHash)));
        _token.permit(owner, address(this), 7, deadline, v, r, s);
        assertEq(_token.allowance(owner, address(this)), 7);
        assertEq(_token.nonces(owner), 1);
    }
}
