// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Holds task money
/// @notice Only the marketplace moves escrows. Payouts are credited to internal balances and pulled by their owners, so
/// that a reverting receiver blocks nobody. The token address zero is ETH. Not upgradeable.
interface IEscrowManager {
    struct Escrow {
        address token;
        uint96 amount;
    }

    event Deposited(bytes32 indexed taskId, address indexed payer, address indexed token, uint256 amount);
    /// @dev The rest of the escrow, and a rebate of what is due, are `refundAmount`.
    event Released(
        bytes32 indexed taskId,
        address indexed provider,
        address indexed token,
        uint256 providerAmount,
        uint256 feeAmount,
        address buyer,
        uint256 refundAmount
    );
    event Refunded(bytes32 indexed taskId, address indexed buyer, address indexed token, uint256 amount);
    event TipPaid(bytes32 indexed taskId, address indexed to, address indexed token, uint256 amount);
    /// @dev `total` is what the escrow holds now.
    event ToppedUp(bytes32 indexed taskId, address indexed payer, address indexed token, uint256 amount, uint256 total);
    /// @dev The amounts are the whole escrow.
    event PaymentSplit(bytes32 indexed taskId, address indexed token, address[] accounts, uint256[] amounts);
    event Withdrawn(address indexed account, address indexed token, address to, uint256 amount);

    error NotMarketplace(address caller);
    error EscrowExists(bytes32 taskId);
    error NoEscrow(bytes32 taskId);
    error ZeroAmount();
    error ZeroAddress();
    error AmountTooLarge(uint256 amount);
    error WrongValue(uint256 sent, uint256 required);
    error TokenTookFee(address token, uint256 received, uint256 expected);
    error DueExceedsEscrow(bytes32 taskId, uint256 due, uint256 escrow);
    error WrongSplit(bytes32 taskId, uint256 sum, uint256 escrow);
    error FeeTooHigh(uint256 feeBps);
    error NothingToWithdraw(address account, address token);
    error TransferFailed(address to, uint256 amount);

    /// @notice Takes `amount` of `token` from `payer` (ETH: sent along) into a new escrow.
    function deposit(bytes32 taskId, address token, address payer, uint256 amount) external payable;
    /// @notice Closes an escrow: `due` less fee and rebate to the provider, the fee to the treasury, the rest to the buyer.
    function release(bytes32 taskId, address provider, address buyer, uint256 due, uint16 feeBps, uint16 rebateBps)
        external
        returns (uint256 providerAmount, uint256 feeAmount);
    /// @notice Closes an escrow: all of it to the buyer.
    function refund(bytes32 taskId, address buyer) external;
    /// @notice Pays part of an open escrow to whoever enforced a deadline.
    function payTip(bytes32 taskId, address to, uint256 amount) external;
    /// @notice Takes `amount` more from `payer` (ETH: sent along) into an open escrow, in its token.
    function topUp(bytes32 taskId, address payer, uint256 amount) external payable;
    /// @notice Closes an escrow: each account its amount; together they are the escrow, to the wei.
    function splitPayment(bytes32 taskId, address[] calldata accounts, uint256[] calldata amounts) external;
    /// @notice Sends the caller's whole balance in `token` to `to`.
    function withdraw(address token, address to) external returns (uint256 amount);

    function escrowOf(bytes32 taskId) external view returns (Escrow memory);
    function balanceOf(address account, address token) external view returns (uint256);
    function treasury() external view returns (address);
}
