// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Bonuses for providers, by Merkle roots that anyone posts and anyone can recompute
/// @notice A tree's leaves say what each node has earned in bonuses since the start, through one epoch:
/// keccak256(bytes.concat(keccak256(abi.encode(uint64 nodeId, uint256 cumulativeAmount)))), OpenZeppelin's
/// StandardMerkleTree of ["uint64", "uint256"]. What the amounts have to be is in docs/protocol.md; whatever a root says, a
/// node's bonuses never exceed a tenth of the base rewards that it claimed.
interface IBonusRoots {
    enum RootStatus {
        None,
        Pending,
        Final, // was adopted; counts until a later one is
        Superseded, // a root of a later epoch came first; the bond was returned
        Vetoed
    }

    struct BonusRoot {
        bytes32 root;
        address poster;
        uint40 finalAt; // can be vetoed until it is finalized, and finalized from then on
        uint64 epoch; // counts the bonuses of all epochs up to this one
        RootStatus status;
    }

    /// @dev AIIGO wei.
    struct NodeRewards {
        uint128 baseClaimed;
        uint128 bonusClaimed;
    }

    event RootPosted(
        uint256 indexed rootId, uint256 indexed epoch, address indexed poster, bytes32 root, uint40 finalAt
    );
    event RootFinalized(uint256 indexed rootId, uint256 indexed epoch, address indexed poster, bytes32 root);
    event RootSuperseded(uint256 indexed rootId, uint256 indexed epoch, address indexed poster);
    event RootVetoed(uint256 indexed rootId, uint256 indexed epoch, address indexed poster, uint256 bondBurned);
    event BonusClaimed(uint256 indexed rootId, uint64 indexed nodeId, address indexed payout, uint256 amount);
    event VetoDelayChanged(uint32 vetoDelay);

    error InvalidRoot();
    error RootNotPending(uint256 rootId);
    error RootNotFinal(uint256 rootId, uint40 finalAt);
    error EpochSuperseded(uint256 epoch, uint256 finalEpoch);
    error InvalidProof(uint64 nodeId, uint256 cumulativeAmount);
    error NoBonus(uint64 nodeId);
    error InvalidVetoDelay(uint256 vetoDelay);

    /// @notice Anyone: proposes the root of all bonuses through a closed epoch, with a bond in AIIGO (approved before).
    function postRoot(uint256 epoch, bytes32 root) external returns (uint256 rootId);
    /// @notice Anyone, once nobody vetoed in time: the root counts from now on, and the bond returns. A root of an epoch
    /// before the present one's is only given its bond back.
    function finalizeRoot(uint256 rootId) external;
    /// @notice Guardian or governance: drops a pending root and burns its bond.
    function vetoRoot(uint256 rootId) external;
    /// @notice Anyone: mints what the present root gives a node and it has not had yet to its payout address, at most a
    /// tenth of the base rewards that were claimed for the node: claim those first.
    function claimBonus(uint64 nodeId, uint256 cumulativeAmount, bytes32[] calldata proof)
        external
        returns (uint256 amount);
    /// @notice Governance: seconds from posting to finality, for roots posted from now on.
    function setVetoDelay(uint32 vetoDelay) external;

    function vetoDelay() external view returns (uint32);
    function rootCount() external view returns (uint256);
    function rootOf(uint256 rootId) external view returns (BonusRoot memory);
    /// @notice The root that counts; zero: none yet.
    function currentRootId() external view returns (uint256);
    /// @notice Roots whose bonds lie here.
    function pendingRoots() external view returns (uint256);
    function rewardsOf(uint64 nodeId) external view returns (NodeRewards memory);
    /// @notice What `claimBonus` would mint if `cumulativeAmount` is in the present root.
    function claimableBonus(uint64 nodeId, uint256 cumulativeAmount) external view returns (uint256);
}
