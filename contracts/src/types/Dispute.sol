// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev The order is part of the ABI: append only.
enum CaseStatus {
    None,
    Drawing, // waits for the random block, then for somebody to draw the jury
    Committing, // jurors seal their votes
    Revealing, // jurors open them
    Ruled, // there is a ruling; it can be appealed until the deadline, then anyone closes the case
    Closed // final
}

/// @dev Which jury sits. The order is part of the ABI: append only.
enum Round {
    First,
    Redraw, // the first jury did not rule
    Appeal
}

/// @dev The order is part of the ABI: append only.
enum SeatState {
    Drawn,
    Committed,
    Revealed,
    Silent, // lost stake for it; replaced if there was time
    Released, // its jury lapsed before it could vote
    Coherent, // voted as the final ruling
    Incoherent // lost stake for it
}

/// @dev A juror's seat in a case: two slots.
struct Seat {
    // slot 0
    address juror;
    uint16 share; // the revealed vote: the provider's share, basis points
    SeatState state;
    Round round;
    // slot 1
    bytes32 commitment;
}

/// @dev How this round's votes stand: one slot.
struct Ballot {
    uint8 committed; // sealed votes of this round
    uint8 revealed; // opened votes of this round
    uint16 low; // the ruling is the mean of the two middle votes, low and high
    uint16 high;
    uint16 appealedShare; // the ruling that was appealed against
}

/// @dev Where the jury comes from: one slot.
struct Draw {
    uint64 blockNumber; // its randomness draws the jury
    uint48 epoch; // whose stakes are drawn from
    uint32 tries; // points drawn from this block
    bool redrawn; // the first jury did not rule: both case fees are the pot
}

/// @dev A dispute: nine slots.
struct Case {
    // slot 0
    bytes32 taskId;
    // slot 1
    address buyer;
    uint64 nodeId;
    CaseStatus status;
    Round round;
    uint8 replacements; // times that silent jurors of this round were replaced
    uint8 jurySize; // seats of this round's jury
    // slot 2
    address payer; // of the buyer's side: the buyer or the watcher
    uint32 terms; // which version of the court's parameters holds for the case: that of its opening
    // slots 3 to 5: the provider's accounts as of the opening
    address nodeOwner;
    uint96 providerFee; // what the node's stake gave of the case fee, AIIGO wei
    address nodeOperator;
    address nodePayout;
    // slot 6
    address appellant;
    uint40 deadline; // of the present period
    uint40 closeBy; // after that nobody is replaced and no jury is drawn again
    uint8 firstSeat; // of this round, in the list of the case's seats
    uint8 seated; // filled seats of this round whose jurors weren't silent
    // slot 7
    Ballot ballot;
    // slot 8
    Draw draw;
}
