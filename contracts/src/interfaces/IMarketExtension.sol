// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Task, TaskRequest} from "../types/Task.sol";
import {ResourceType} from "../types/Resource.sol";
import {IBids} from "./IBids.sol";
import {IEntryPausable} from "./IEntryPausable.sol";
import {IMarketDisputes} from "./IMarketDisputes.sol";
import {IReplicas} from "./IReplicas.sol";
import {ITaskMarketplace} from "./ITaskMarketplace.sol";

/// @title The market's other room: what a single task's course does not need
interface IMarketExtension {
    /// @dev An ERC-2612 signature of the caller for the escrow, in the same transaction.
    struct TokenPermit {
        address token;
        uint256 value;
        uint256 deadline;
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    /// @param owner Governance: the timelock.
    /// @param tokens Payment tokens allowed from the first block on.
    function initialize(
        address owner,
        ITaskMarketplace.Parameters calldata parameters,
        ITaskMarketplace.TokenConfig[] calldata tokens
    ) external;

    /// @notice Creates several tasks at once, all or none. A permit that fails changes nothing by itself: somebody may have
    /// sent it before, and then the allowance is there.
    /// @param permits One for each token whose allowance is not there yet.
    /// @return taskIds In the order of the requests, at most MAX_BATCH.
    function createTasks(TaskRequest[] calldata requests, TokenPermit[] calldata permits)
        external
        payable
        returns (bytes32[] memory taskIds);

    function setParameters(ITaskMarketplace.Parameters calldata parameters) external;
    /// @notice Governance: lists or unlists a token. Open tasks in an unlisted token go on.
    function setPaymentToken(address token, bool allowed, uint96 timeoutTip) external;

    function parameters() external view returns (ITaskMarketplace.Parameters memory);
    function taskOf(bytes32 taskId) external view returns (Task memory);
    function paymentToken(address token) external view returns (ITaskMarketplace.PaymentToken memory);
    /// @notice Every token ever listed; a task's token is found by its position.
    function paymentTokens() external view returns (address[] memory);
    /// @notice The last commitment of this sender for this node in the place of a digest, used or not; all zero: none.
    function commitmentOf(uint64 nodeId, address sender, bytes20 digest)
        external
        view
        returns (ITaskMarketplace.Commitment memory);
    function isExcluded(bytes32 taskId, uint64 nodeId) external view returns (bool);
    function nonceOf(address buyer) external view returns (uint256);
    function taskIdOf(address buyer, uint256 nonce, bytes32 specHash) external view returns (bytes32);
    /// @notice Escrow (price x duration / 3600, rounded up, x replicas) and the deposit for timeout tips of a request.
    function quote(TaskRequest calldata request) external view returns (uint96 escrow, uint256 tipDeposit);
    /// @notice What a provider is owed for `elapsed` seconds of `duration`: the elapsed time and half of the unused
    /// time, rounded down to a multiple of 10000 units so that shares in basis points are exact.
    function dueFor(uint96 escrow, uint32 duration, uint256 elapsed) external pure returns (uint256);
    /// @notice The average of settled prices: smallest units x 1e9 per milli-TFLOPS and hour; zero if nothing was settled.
    function priceIndexOf(ResourceType resourceType, address token)
        external
        view
        returns (uint128 price, uint256 weight, uint40 updatedAt);
    /// @notice What `power` milli-TFLOPS cost for `duration` seconds at the price index, smallest units, rounded up. For
    /// display and estimates only: it binds nobody.
    function estimateTaskCost(ResourceType resourceType, address token, uint32 power, uint32 duration)
        external
        view
        returns (uint256);
}

/// @title The market as its users see it: one address
interface IMarket is ITaskMarketplace, IMarketExtension, IBids, IMarketDisputes, IReplicas, IEntryPausable {}
