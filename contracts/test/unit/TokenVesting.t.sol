// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TokenVesting} from "src/vesting/TokenVesting.sol";

import {SuiteTest} from "../SuiteTest.sol";

contract TokenVestingTest is SuiteTest {
    TokenVesting private _wallet;
    address private _beneficiary;

    function setUp() public override {
        super.setUp();
        _wallet = suite.vestingTeam;
        _beneficiary = _wallet.owner();
    }

    function test_NothingIsReleasedBeforeTheCliff() public {
        vm.warp(START + 365 days - 1);
        assertEq(_wallet.releasable(address(suite.token)), 0);
    }

    function test_AThirdIsReleasedAtTheTeamsCliff() public {
        vm.warp(START + 365 days);
        _wallet.release(address(suite.token));
        assertEq(suite.token.balanceOf(_beneficiary), 50_000_000e18);
    }

    function testFuzz_VestingIsLinearAfterTheCliff(uint256 elapsed) public {
        elapsed = bound(elapsed, 365 days, 2 * 3 * 365 days);
        vm.warp(START + elapsed);
        uint256 vested = elapsed < 3 * 365 days ? 150_000_000e18 * elapsed / (3 * 365 days) : 150_000_000e18;
        assertEq(_wallet.releasable(address(suite.token)), vested);
    }

    function test_ThePrivateSaleVestsOverTwoYearsAfterHalfAYear() public {
        TokenVesting wallet = suite.vestingPrivateSale;
        vm.warp(wallet.cliff() - 1);
        assertEq(wallet.releasable(address(suite.token)), 0);
        vm.warp(wallet.cliff());
        assertEq(wallet.releasable(address(suite.token)), 25_000_000e18);
        vm.warp(START + 2 * 365 days);
        assertEq(wallet.releasable(address(suite.token)), 100_000_000e18);
    }

    function test_OnlyReleasedTokensVote() public {
        uint256 sunk = suite.token.getVotes(suite.governor.voteSink());
        vm.prank(_beneficiary);
        suite.token.delegate(_beneficiary);
        assertEq(suite.token.getVotes(_beneficiary), 0);
        vm.warp(START + 365 days);
        _wallet.release(address(suite.token));
        assertEq(suite.token.getVotes(_beneficiary), 50_000_000e18);
        assertEq(suite.token.getVotes(suite.governor.voteSink()), sunk - 50_000_000e18);
    }
}
