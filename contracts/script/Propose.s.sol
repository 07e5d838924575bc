// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Script, console} from "forge-std/Script.sol";

import {IMarket} from "src/interfaces/IMarketExtension.sol";
import {Tier} from "src/types/Node.sol";

import {DeploymentFile} from "./DeploymentFile.sol";
import {Action, GovernanceActions} from "./GovernanceActions.sol";
import {Deployed, Suite} from "./Suite.sol";

/// @title Proposes to a deployment's governor, one function a proposal
/// @notice `forge script contracts/script/Propose.s.sol --sig "updatePlatformFee(uint16,string)" 500 "why" --broadcast …`,
/// by an account with 100,000 votes. Environment: AIIGO_DEPLOYMENT, as for Deploy. Without --broadcast it only shows what
/// would be proposed. Anyone queues and executes what was accepted: the keeper does.
contract Propose is Script, Suite, DeploymentFile {
    function updatePlatformFee(uint16 feeBps, string memory reason) external {
        Deployed memory d = _deployed();
        _propose(d, GovernanceActions.updatePlatformFee(IMarket(address(d.marketplace)), feeBps, reason));
    }

    function updateMinStake(uint96 minStake, string memory reason) external {
        Deployed memory d = _deployed();
        _propose(d, GovernanceActions.updateMinStake(d.registry, minStake, reason));
    }

    /// @param tier 0 community, 1 cloud, 2 platform.
    function addTrustedNode(uint64 nodeId, uint8 tier, string memory reason) external {
        Deployed memory d = _deployed();
        _propose(d, GovernanceActions.addTrustedNode(d.registry, nodeId, Tier(tier), reason));
    }

    function slashNode(uint64 nodeId, string memory reason) external {
        Deployed memory d = _deployed();
        _propose(d, GovernanceActions.slashNode(d.registry, nodeId, reason));
    }

    function setRewardRate(address token, uint256 rate, string memory reason) external {
        Deployed memory d = _deployed();
        _propose(d, GovernanceActions.setRewardRate(d.distributor, token, rate, reason));
    }

    function pause(uint40 until, string memory reason) external {
        Deployed memory d = _deployed();
        _propose(d, GovernanceActions.pause(pausableContracts(d), until, reason));
    }

    function unpause(string memory reason) external {
        Deployed memory d = _deployed();
        _propose(d, GovernanceActions.unpause(pausableContracts(d), reason));
    }

    function upgrade(address proxy, address implementation, bytes memory call, string memory reason) external {
        _propose(_deployed(), GovernanceActions.upgrade(proxy, implementation, call, reason));
    }

    function listRewardToken(address token, string memory reason) external {
        Deployed memory d = _deployed();
        _propose(d, GovernanceActions.listRewardToken(d.pool, token, reason));
    }

    function setFeeShare(address token, uint16 stakerShareBps, string memory reason) external {
        Deployed memory d = _deployed();
        _propose(d, GovernanceActions.setFeeShare(d.feeVault, token, stakerShareBps, reason));
    }

    function setGuardian(address account, string memory reason) external {
        Deployed memory d = _deployed();
        _propose(d, GovernanceActions.setGuardian(d.guardian, account, reason));
    }

    function pay(address token, address to, uint256 amount, string memory reason) external {
        _propose(_deployed(), GovernanceActions.pay(token, to, amount, reason));
    }

    function _deployed() private view returns (Deployed memory) {
        return readDeployment(vm.readFile(deploymentPath()));
    }

    function _propose(Deployed memory d, Action memory action) private {
        vm.broadcast();
        uint256 id = d.governor.propose(action.targets, action.values, action.calldatas, action.description);
        console.log("proposal:", id);
        console.log(action.description);
    }
}
