// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDisputeCourtCore} from "./IDisputeCourtCore.sol";
import {IDisputeCourtExtension} from "./IDisputeCourtExtension.sol";

/// @title Decides disputes by juries
/// @notice A vote is the provider's share of what is due. Drawing -> Committing -> Revealing -> Ruled -> Closed; from the
/// ruling one appeal leads back to Drawing. Every period has an end that anyone can call, and nothing here can be paused.
interface IDisputeCourt is IDisputeCourtCore, IDisputeCourtExtension {}
