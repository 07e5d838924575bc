// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

import {IEntryPausable} from "src/interfaces/IEntryPausable.sol";
import {IFeeVault} from "src/interfaces/IFeeVault.sol";
import {IGuardian} from "src/interfaces/IGuardian.sol";
import {IMarket, IMarketExtension} from "src/interfaces/IMarketExtension.sol";
import {INodeRegistry} from "src/interfaces/INodeRegistry.sol";
import {IRegistry, IRegistryExtension} from "src/interfaces/IRegistryExtension.sol";
import {IRewardDistributor} from "src/interfaces/IRewardDistributor.sol";
import {IStakingPool} from "src/interfaces/IStakingPool.sol";
import {ITaskMarketplace} from "src/interfaces/ITaskMarketplace.sol";
import {Tier} from "src/types/Node.sol";

/// @dev What `AIIGOGovernor.propose`, `queue` and `execute` take.
struct Action {
    address[] targets;
    uint256[] values;
    bytes[] calldatas;
    string description;
}

/// @title The usual proposals, typed
/// @notice Each function says what is proposed and why: `reason` is part of the description, which also tells two
/// proposals of the same calls apart.
/// @dev A contract's parameters are set as a whole, so those that a proposal doesn't name are what they are when it is
/// built. Two proposals for one contract's parameters undo each other: put both changes into one.
library GovernanceActions {
    using Strings for address;
    using Strings for uint256;

    function updatePlatformFee(IMarket market, uint16 feeBps, string memory reason)
        internal
        view
        returns (Action memory)
    {
        ITaskMarketplace.Parameters memory parameters = market.parameters();
        parameters.feeBps = feeBps;
        return _one(
            address(market),
            abi.encodeCall(IMarketExtension.setParameters, (parameters)),
            string.concat("Set the market's fee to ", uint256(feeBps).toString(), " bps"),
            reason
        );
    }

    function updateMinStake(IRegistry registry, uint96 minStake, string memory reason)
        internal
        view
        returns (Action memory)
    {
        INodeRegistry.Parameters memory parameters = registry.parameters();
        parameters.minStake = minStake;
        return _one(
            address(registry),
            abi.encodeCall(IRegistryExtension.setParameters, (parameters)),
            string.concat("Set the least stake of a node to ", uint256(minStake).toString(), " AIIGO wei"),
            reason
        );
    }

    function addTrustedNode(IRegistry registry, uint64 nodeId, Tier tier, string memory reason)
        internal
        pure
        returns (Action memory)
    {
        string[3] memory tiers = ["community", "cloud", "platform"];
        return _one(
            address(registry),
            abi.encodeCall(IRegistryExtension.addTrustedNode, (nodeId, tier)),
            string.concat("Mark node ", uint256(nodeId).toString(), " as ", tiers[uint8(tier)]),
            reason
        );
    }

    /// @notice Misuse: half of the stake and a ban.
    function slashNode(IRegistry registry, uint64 nodeId, string memory reason) internal pure returns (Action memory) {
        return _one(
            address(registry),
            abi.encodeCall(IRegistryExtension.ban, (nodeId)),
            string.concat("Slash and ban node ", uint256(nodeId).toString()),
            reason
        );
    }

    function setRewardRate(IRewardDistributor distributor, address token, uint256 rate, string memory reason)
        internal
        pure
        returns (Action memory)
    {
        return _one(
            address(distributor),
            abi.encodeCall(IRewardDistributor.setRate, (token, rate)),
            string.concat(
                "Set the reward rate of ", token.toHexString(), " to ", rate.toString(), " AIIGO wei per 1e18 of fee"
            ),
            reason
        );
    }

    /// @notice Stops entry to every target before `until`.
    function pause(IEntryPausable[] memory targets, uint40 until, string memory reason)
        internal
        pure
        returns (Action memory)
    {
        return _pause(targets, until, string.concat("Pause entry until ", uint256(until).toString()), reason);
    }

    /// @notice Lifts every pause, the guardian's too.
    function unpause(IEntryPausable[] memory targets, string memory reason) internal pure returns (Action memory) {
        return _pause(targets, 0, "End the pause of entry", reason);
    }

    /// @param call Run on the new implementation's behalf in the same transaction; may be empty.
    function upgrade(address proxy, address implementation, bytes memory call, string memory reason)
        internal
        pure
        returns (Action memory)
    {
        return _one(
            proxy,
            abi.encodeCall(UUPSUpgradeable.upgradeToAndCall, (implementation, call)),
            string.concat("Upgrade ", proxy.toHexString(), " to ", implementation.toHexString()),
            reason
        );
    }

    function listRewardToken(IStakingPool pool, address token, string memory reason)
        internal
        pure
        returns (Action memory)
    {
        return _one(
            address(pool),
            abi.encodeCall(IStakingPool.listRewardToken, (token)),
            string.concat("Let stakers earn ", token.toHexString()),
            reason
        );
    }

    function setFeeShare(IFeeVault vault, address token, uint16 stakerShareBps, string memory reason)
        internal
        pure
        returns (Action memory)
    {
        return _one(
            address(vault),
            abi.encodeCall(IFeeVault.setStakerShare, (token, stakerShareBps)),
            string.concat(
                "Give stakers ", uint256(stakerShareBps).toString(), " bps of the fees in ", token.toHexString()
            ),
            reason
        );
    }

    function setGuardian(IGuardian guardian, address account, string memory reason)
        internal
        pure
        returns (Action memory)
    {
        return _one(
            address(guardian),
            abi.encodeCall(IGuardian.setGuardian, (account)),
            string.concat("Make ", account.toHexString(), " the guardian"),
            reason
        );
    }

    /// @notice Pays out of the treasury; the zero address is ETH.
    function pay(address token, address to, uint256 amount, string memory reason)
        internal
        pure
        returns (Action memory action)
    {
        string memory what =
            string.concat("Pay ", amount.toString(), " units of ", token.toHexString(), " to ", to.toHexString());
        if (token != address(0)) return _one(token, abi.encodeCall(IERC20.transfer, (to, amount)), what, reason);
        action = _one(to, "", what, reason);
        action.values[0] = amount;
    }

    function _pause(IEntryPausable[] memory targets, uint40 until, string memory what, string memory reason)
        private
        pure
        returns (Action memory action)
    {
        uint256 count = targets.length;
        action.targets = new address[](count);
        action.values = new uint256[](count);
        action.calldatas = new bytes[](count);
        for (uint256 i; i < count; ++i) {
            action.targets[i] = address(targets[i]);
            action.calldatas[i] = abi.encodeCall(IEntryPausable.pauseEntry, (until));
        }
        action.description = string.concat(what, ": ", reason);
    }

    function _one(address target, bytes memory call, string memory what, string memory reason)
        private
        pure
        returns (Action memory action)
    {
        action.targets = new address[](1);
        action.values = new uint256[](1);
        action.calldatas = new bytes[](1);
        action.targets[0] = target;
        action.calldatas[0] = call;
        action.description = string.concat(what, ": ", reason);
    }
}
