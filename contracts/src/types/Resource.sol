// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev What a node offers and a task asks for. The order is part of the ABI: append only.
enum ResourceType {
    GPU,
    CPU,
    Network,
    Mobile,
    IoT
}
