// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Where the protocol's fees go: a share to the stakers, the rest to the treasury
/// @notice EscrowManager credits every fee to the vault; anyone passes it on. The token address zero is ETH.
interface IFeeVault {
    /// @dev The stakers' share of a token's fees, from the first block on.
    struct ShareConfig {
        address token;
        uint16 stakerShareBps;
    }

    event FeesCollected(address indexed token, address indexed caller, uint256 toStakers, uint256 toTreasury);
    event FeeShareChanged(address indexed token, uint16 stakerShareBps);

    error NotTreasury(address caller);
    error ZeroAddress();
    error ShareTooHigh(uint256 stakerShareBps);
    error NothingToCollect(address token);
    error TransferFailed(address to, uint256 amount);

    /// @notice Anyone: takes the vault's balance out of the escrow, streams the stakers' share and sends the rest to the
    /// treasury. Of a token that the pool doesn't list the treasury gets all.
    function collect(address token) external returns (uint256 toStakers, uint256 toTreasury);
    /// @notice Treasury: the stakers' share of a token's fees that are collected from now on, at most 5000 basis points.
    function setStakerShare(address token, uint16 stakerShareBps) external;

    function stakerShareOf(address token) external view returns (uint16);
    /// @notice What a call of `collect` would pass on.
    function collectable(address token) external view returns (uint256);
}
