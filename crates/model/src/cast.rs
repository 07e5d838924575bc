//! Who plays: a few accounts, the contracts that hold money, the payment tokens.

use std::fmt;

use alloy::primitives::B256;

/// A payment token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Token {
    /// The chain's own.
    Ether,
    /// The protocol's token.
    Aiigo,
    /// A token of six decimals.
    Dollar,
}

impl Token {
    pub(crate) const ALL: [Self; 3] = [Self::Ether, Self::Aiigo, Self::Dollar];
    pub(crate) const COUNT: usize = Self::ALL.len();

    pub(crate) fn index(self) -> usize {
        self as usize
    }
}

macro_rules! holders {
    (people: $($person:ident),*; jurors: $($juror:ident),*; contracts: $($contract:ident),*) => {
        /// Who can hold money: people, who call, and contracts.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[allow(missing_docs)] // names
        pub enum Holder { $($person,)* $($juror,)* $($contract),* }

        impl Holder {
            pub(crate) const ALL: &[Self] = &[$(Self::$person,)* $(Self::$juror,)* $(Self::$contract),*];
            pub(crate) const PEOPLE: &[Self] = &[$(Self::$person),*];
            pub(crate) const JURORS: &[Self] = &[$(Self::$juror),*];
            /// With a purse and a key.
            pub(crate) const ACTORS: &[Self] = &[$(Self::$person,)* $(Self::$juror),*];
            pub(crate) const COUNT: usize = Self::ALL.len();
        }
    };
}

holders! {
    // Buyers; owners of nodes; an operator; a payout account; who acts on nobody's behalf; governance.
    people: Alice, Bob, Carol, Dora, Otto, Paul, Stranger;
    jurors: Jack, Jane, Jean, Jill, Joan, Joel, John, Jude, Judy, Jules, June, Juno;
    contracts: Treasury, Registry, Market, Escrow, Pool, Distributor, Court, Vault, Tips, Guardian
}

impl Holder {
    pub(crate) fn index(self) -> usize {
        self as usize
    }

    /// Of a person: the key that signs its bids.
    pub(crate) fn key(self) -> B256 {
        B256::with_last_byte(self as u8 + 101)
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// One whole AIIGO, or ether, in its smallest units.
pub(crate) const ONE: u128 = 1_000_000_000_000_000_000;

/// What the actors begin with, in each token's smallest units: enough for a while, so that it also runs out.
pub(crate) const PURSE: [u128; Token::COUNT] = [60 * ONE, 60_000 * ONE, 200_000_000_000];

/// What a juror of the prepared chain staked: its place among the jurors, AIIGO wei and seconds of lock.
pub(crate) fn sworn_stake(place: usize) -> (u128, u64) {
    (10_000 * ONE + 1_700 * ONE * place as u128, if place.is_multiple_of(3) { 365 * 86_400 } else { 0 })
}

/// The nodes that are registered, staked, proven and online at the beginning: owner, operator, payout, stake.
pub(crate) const NODES: [(Holder, Holder, Holder, u128); 3] = [
    (Holder::Carol, Holder::Otto, Holder::Paul, 450 * ONE),
    (Holder::Dora, Holder::Dora, Holder::Dora, 1_200 * ONE),
    (Holder::Dora, Holder::Otto, Holder::Stranger, 100 * ONE),
];
