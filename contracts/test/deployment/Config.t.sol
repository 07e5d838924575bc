// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {SuiteConfig, SuiteConfigReader} from "../../script/SuiteConfig.sol";

contract ConfigTest is Test, SuiteConfigReader {
    address private constant SOMEBODY = address(0xA11CE);

    function load(string memory name) public view returns (SuiteConfig memory) {
        return readConfig(vm.readFile(string.concat("contracts/script/config/", name, ".json")), "");
    }

    function validate(SuiteConfig memory config) public view {
        validateConfig(config);
    }

    function test_TheDevelopmentNetworksConfigurationIsFast() public view {
        SuiteConfig memory config = load("anvil");
        validateConfig(config);
        assertEq(config.chainId, 31_337);
        assertEq(config.registry.registrationFee, 0.1 ether);
        assertEq(config.registry.minStake, 100e18);
        assertEq(config.registry.unbondingPeriod, 14 days);
        assertEq(config.registry.timeoutSlashBps, 500);
        assertEq(config.verifier.window, 4);
        assertEq(config.verifier.cooldown, 2);
        assertEq(config.verifier.auditInterval, 1 days);
        assertEq(config.verifier.jitter, 60);
        assertEq(config.verifier.revealWindow, 60);
        assertEq(config.verifier.lateWindow, 10);
        assertEq(config.verifier.hashesPerTflops[4], 60e6);
        assertEq(config.challenger, 0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC);
        assertEq(config.excuseFloors.length, 1);
        assertEq(config.excuseFloors[0].token, address(0));
        assertEq(config.excuseFloors[0].minEscrow, 0.001 ether);
        assertEq(config.marketplace.feeBps, 800);
        assertEq(config.marketplace.grace, 5);
        assertEq(config.marketplace.minDuration, 5);
        assertEq(config.marketplace.maxReviewWindow, 7 days);
        assertEq(config.marketplace.minAbandonWindow, 2);
        assertEq(config.paymentTokens.length, 1);
        assertEq(config.paymentTokens[0].token, address(0));
        assertEq(config.paymentTokens[0].timeoutTip, 0.0002 ether);
        assertEq(config.governor.votingDelay, 5);
        assertEq(config.governor.votingPeriod, 30);
        assertEq(config.governor.proposalThreshold, 100_000e18);
        assertEq(config.timelockDelay, 5);
        assertEq(config.rewards.epochLength, 60);
        assertEq(config.rewards.rates.length, 1);
        assertEq(config.rewards.rates[0].rate, 1_000e18);
        assertEq(config.court.jurySize, 3);
        assertEq(config.court.appealFee, 120e18);
        assertEq(config.courtEpochLength, 5);
        assertEq(config.rewards.vetoDelay, 10);
        assertEq(config.aiigoFeeShareBps, 5_000);
        assertEq(config.feeShares.length, 1);
        assertEq(config.feeShares[0].token, address(0));
        assertEq(config.feeShares[0].stakerShareBps, 5_000);
        for (uint256 i; i < config.tips.length; ++i) {
            assertEq(config.tips[i].amount, 0.0002 ether);
            assertEq(config.tips[i].weeklyBudget, 0.02 ether);
        }
        assertTrue(config.guardian != address(0));
    }

    function test_ProductionRunsAtProductionSpeed() public {
        string[2] memory names = ["sepolia", "mainnet"];
        for (uint256 i; i < names.length; ++i) {
            SuiteConfig memory config = load(names[i]);
            vm.chainId(config.chainId);
            assertEq(config.governor.votingDelay, 1 days);
            assertEq(config.governor.votingPeriod, 7 days);
            assertEq(config.timelockDelay, 2 days);
            assertEq(config.registry.unbondingPeriod, 14 days);
            assertGe(config.verifier.window, 190);
            assertEq(config.verifier.auditInterval, 1 days);
            assertEq(config.verifier.jitter, 12 hours);
            assertEq(config.verifier.lateWindow, 1 hours);
            assertEq(config.excuseFloors[0].minEscrow, 0.01 ether);
            assertEq(config.rewards.epochLength, 7 days);
            // Nobody is the guardian yet: governance itself has the time to veto a false root.
            assertEq(config.guardian, address(0));
            assertEq(config.rewards.vetoDelay, 14 days);
            assertEq(config.marketplace.feeBps, 800);
            assertEq(config.marketplace.minReviewWindow, 1 hours);
            assertEq(config.court.minPosition, 10_000e18);
            assertEq(config.court.seatStake, 1_000e18);
            assertEq(config.court.toleranceBps, 2_000);
            assertEq(config.court.commitPeriod, 1 days);
            assertEq(config.court.holdPeriod, 14 days);
            assertEq(config.court.drawDelay, 97);
            assertEq(config.courtEpochLength, 1 hours);
            assertEq(config.genesis.team.cliff, 365 days);
            assertEq(config.genesis.team.duration, 3 * 365 days);
            assertEq(config.genesis.privateSale.duration, 2 * 365 days);
            // Nobody deploys it without saying who gets the tokens.
            vm.expectRevert(abi.encodeWithSelector(SuiteConfigReader.AddressMissing.selector, "genesis.publicSale"));
            this.validate(config);
            config.genesis.publicSale = SOMEBODY;
            config.genesis.team.beneficiary = SOMEBODY;
            config.genesis.privateSale.beneficiary = SOMEBODY;
            config.challenger = SOMEBODY;
            this.validate(config);
        }
    }

    function test_RevertWhen_TheChainIsAnother() public {
        SuiteConfig memory config = load("anvil");
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSelector(SuiteConfigReader.WrongChain.selector, 1, 31_337));
        this.validate(config);
    }

    function test_RevertWhen_NobodyValidatedTheChainsEntropy() public {
        SuiteConfig memory config = load("anvil");
        config.entropyValidated = false;
        _expectRefused(
            config, abi.encodeWithSelector(SuiteConfigReader.EntropyNotValidated.selector, 31_337, "BlockEntropy")
        );
        config.entropyValidated = true;
        config.entropyAdapter = "Dice";
        _expectRefused(config, abi.encodeWithSelector(SuiteConfigReader.EntropyNotValidated.selector, 31_337, "Dice"));
    }

    function test_RevertWhen_AnAllocationHasNoOwner() public {
        SuiteConfig memory config = load("anvil");
        config.genesis.team.beneficiary = address(0);
        _expectRefused(
            config, abi.encodeWithSelector(SuiteConfigReader.AddressMissing.selector, "genesis.team.beneficiary")
        );
        config = load("anvil");
        config.genesis.privateSale.beneficiary = address(0);
        _expectRefused(
            config, abi.encodeWithSelector(SuiteConfigReader.AddressMissing.selector, "genesis.privateSale.beneficiary")
        );
    }

    function test_RevertWhen_NobodyOpensTheRounds() public {
        SuiteConfig memory config = load("anvil");
        config.challenger = address(0);
        _expectRefused(config, abi.encodeWithSelector(SuiteConfigReader.AddressMissing.selector, "verifier.challenger"));
    }

    function test_RevertWhen_StakeCouldLeaveBeforeGovernanceDecides() public {
        SuiteConfig memory config = load("anvil");
        config.registry.unbondingPeriod = uint32(5 + 30 + 10 + 5 + 1 days);
        this.validate(config);
        config.registry.unbondingPeriod -= 1;
        _expectRefused(
            config, abi.encodeWithSelector(SuiteConfigReader.InvalidConfig.selector, "registry.unbondingPeriod")
        );
    }

    function test_RevertWhen_AnActiveNodeCouldNotPayACaseFee() public {
        SuiteConfig memory config = load("anvil");
        config.court.caseFee = config.registry.minStake;
        this.validate(config);
        config.court.caseFee += 1;
        _expectRefused(config, abi.encodeWithSelector(SuiteConfigReader.InvalidConfig.selector, "court.caseFee"));
    }

    function test_RevertWhen_ProductionEpochsAreNotWeeks() public {
        SuiteConfig memory config = load("anvil");
        config.chainId = 10;
        vm.chainId(10);
        _expectRefused(config, abi.encodeWithSelector(SuiteConfigReader.InvalidConfig.selector, "rewards.epochLength"));
    }

    function test_RevertWhen_JurorsEpochsInProductionAreNotHours() public {
        SuiteConfig memory config = load("sepolia");
        config.genesis.publicSale = SOMEBODY;
        config.genesis.team.beneficiary = SOMEBODY;
        config.genesis.privateSale.beneficiary = SOMEBODY;
        config.challenger = SOMEBODY;
        vm.chainId(config.chainId);
        this.validate(config);
        config.courtEpochLength = 60;
        _expectRefused(config, abi.encodeWithSelector(SuiteConfigReader.InvalidConfig.selector, "court.epochLength"));
    }

    function test_RevertWhen_ADisputerCouldKnowWhoProposesBeforeItsDraw() public {
        SuiteConfig memory config = _production();
        config.court.drawDelay = 96;
        _expectRefused(config, abi.encodeWithSelector(SuiteConfigReader.InvalidConfig.selector, "court.drawDelay"));
    }

    function test_RevertWhen_APeriodOfTheCourtIsTooShortForPeople() public {
        for (uint256 i; i < 4; ++i) {
            SuiteConfig memory config = _production();
            if (i == 0) config.court.drawPeriod = 1 hours - 1;
            if (i == 1) config.court.commitPeriod = 1 hours - 1;
            if (i == 2) config.court.revealPeriod = 1 hours - 1;
            if (i == 3) config.court.appealWindow = 1 hours - 1;
            _expectRefused(config, abi.encodeWithSelector(SuiteConfigReader.InvalidConfig.selector, "court.periods"));
        }
    }

    function test_RevertWhen_JurorsStakeCouldBeRentedForLessThanTwoWeeks() public {
        SuiteConfig memory config = _production();
        config.court.holdPeriod = 14 days - 1;
        _expectRefused(config, abi.encodeWithSelector(SuiteConfigReader.InvalidConfig.selector, "court.holdPeriod"));
    }

    function test_RevertWhen_TheGuardianOfProductionIsAPerson() public {
        SuiteConfig memory config = _production();
        config.guardian = SOMEBODY;
        _expectRefused(config, abi.encodeWithSelector(SuiteConfigReader.InvalidConfig.selector, "governance.guardian"));
        config.guardian = address(this);
        this.validate(config);
    }

    function test_RevertWhen_TheGuardianOfProductionHasNoTimeToVeto() public {
        SuiteConfig memory config = _production();
        config.guardian = address(this);
        config.rewards.vetoDelay = 1 days;
        this.validate(config);
        config.rewards.vetoDelay -= 1;
        _expectRefused(config, abi.encodeWithSelector(SuiteConfigReader.InvalidConfig.selector, "rewards.vetoDelay"));
    }

    function test_RevertWhen_NobodyCouldVetoAFalseRootInTime() public {
        SuiteConfig memory config = _production();
        config.rewards.vetoDelay = uint32(1 days + 7 days + 2 days + 2 days + 1 days);
        this.validate(config);
        config.rewards.vetoDelay -= 1;
        _expectRefused(config, abi.encodeWithSelector(SuiteConfigReader.InvalidConfig.selector, "rewards.vetoDelay"));
    }

    function _production() private returns (SuiteConfig memory config) {
        config = load("mainnet");
        vm.chainId(config.chainId);
        config.genesis.publicSale = SOMEBODY;
        config.genesis.team.beneficiary = SOMEBODY;
        config.genesis.privateSale.beneficiary = SOMEBODY;
        config.challenger = SOMEBODY;
    }

    function test_RevertWhen_RewardsWouldHaveStartedAlready() public {
        SuiteConfig memory config = load("anvil");
        vm.warp(1_800_000_000);
        config.rewards.start = 1_800_000_000 - 1;
        _expectRefused(config, abi.encodeWithSelector(SuiteConfigReader.InvalidConfig.selector, "rewards.start"));
    }

    function _expectRefused(SuiteConfig memory config, bytes memory error_) private {
        vm.expectRevert(error_);
        this.validate(config);
    }
}
