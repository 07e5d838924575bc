//! What the contracts' errors mean, and what to do about them.

use aiigo_protocol::DecodedRevert;

/// A contract's error in words with the way out; `None` for those that say enough by themselves, or that no command here
/// can bring about.
pub(crate) fn explanation(error: &DecodedRevert) -> Option<&'static str> {
    Some(match error.name.as_str() {
        "ERC20InsufficientBalance" => {
            "the account does not hold that much of the token: `aiigo wallet balance` shows what it has"
        }
        "ERC20InsufficientAllowance" => "the contract may not take that much of the token: give the same command again",
        "EntryIsPaused" => "new registrations, stakes and tasks are paused until then; what was begun can be ended",
        "OwnableUnauthorizedAccount" => "only governance may do that: propose it with `aiigo gov propose`",

        "GovernorInsufficientProposerVotes" => {
            "too few votes to propose: stake or hold more AIIGO, `aiigo gov delegate self`, or have others delegate to you"
        }
        "GovernorNonexistentProposal" => "there is no such proposal: `aiigo gov list` shows those there are",
        "GovernorUnexpectedProposalState" => {
            "the proposal is in another state than this needs: `aiigo gov show ID` says in which, and until when"
        }
        "GovernorAlreadyCastVote" => "the account has voted on it already, and a vote stays",
        "GovernorAlreadyQueuedProposal" => {
            "somebody queued it already: `aiigo gov show ID` says when it can be executed"
        }
        "GovernorRestrictedProposer" => "the description keeps this proposal for another account (`#proposer=…`)",
        "TimelockUnexpectedOperationState" => "the timelock's delay is not over: `aiigo gov show ID` says when it is",

        "UnknownNode" => "there is no such node: `aiigo provider list` shows those there are",
        "UnknownPosition" => "there is no such position, or it is closed: `aiigo stake list` shows yours",
        "NotPositionOwner" => "the position is another account's: `aiigo stake list` shows yours",
        "PositionTooSmall" => "a juror's position needs more AIIGO: stake a larger one with `aiigo stake add`",
        "AlreadyJuror" => "the account is a juror already; one that left has to wait until its position is released",
        "NotJuror" => "the account is no juror: `aiigo court join`",
        "NotSeated" => "the account has no seat in this round of the case: `aiigo court show CASE` shows who has",
        "ReviewWindowOver" => "the time for it is over, and the result counts as accepted",
        "NotParty" => {
            "only the parties of the case may do that: buyer, payer, and the node's owner, operator and payout"
        }
        "WrongCaseStatus" => "the case is in another period than this needs: `aiigo court show CASE` says in which",
        "WrongSeatState" => "the vote of this seat is sealed, opened or forfeited already: `aiigo court show CASE`",
        "WrongReveal" => {
            "share and salt do not open the sealed vote: reveal from the machine (--data-dir) that sealed it"
        }
        "PeriodOver" => "the time for it is over: `aiigo court show CASE` shows what comes next",
        "PeriodNotOver" => "its time has not come yet: `aiigo court show CASE` says when it does",
        "AlreadyAppealed" => "the case was appealed already, and there is one appeal",
        "StakeIsFrozen" => "a juror's position stays frozen: `aiigo court leave` first, and wait until it is released",

        "EpochNotClosed" => "the epoch is not closed yet: keepers do that when it is over; `aiigo reward epochs`",
        "NothingToClaim" => "nothing is left to claim of it: `aiigo reward epochs --node ID` shows what is",
        "NoBonus" => {
            "no bonus can be claimed: base rewards have to be claimed first, and bonuses are a tenth of them at most"
        }
        "InvalidProof" => {
            "the amount is not in the root that counts: `aiigo reward verify` compares it with the events"
        }
        "BidExpired" => "it has expired: ask the provider for another",
        "BidEpochOver" => "the node took all its bids back",
        "BidNonceUsed" => "it was taken or cancelled",
        "BidNotSigned" => "it is not signed by the node",
        "BidTooSlow" => "it takes longer than the task may",
        "BidPriceOutOfRange" => "it costs more than the escrow holds, or less than any task may",

        "NothingToWithdraw" => "nothing is owed to the account there",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use aiigo_protocol::ContractName;
    use alloy::json_abi::JsonAbi;

    use super::*;

    /// Errors that the explanations are for; a name that no contract has any more explains nothing.
    const EXPLAINED: &[&str] = &[
        "ERC20InsufficientBalance",
        "ERC20InsufficientAllowance",
        "EntryIsPaused",
        "OwnableUnauthorizedAccount",
        "GovernorInsufficientProposerVotes",
        "GovernorNonexistentProposal",
        "GovernorUnexpectedProposalState",
        "GovernorAlreadyCastVote",
        "GovernorAlreadyQueuedProposal",
        "GovernorRestrictedProposer",
        "TimelockUnexpectedOperationState",
        "UnknownNode",
        "UnknownPosition",
        "NotPositionOwner",
        "PositionTooSmall",
        "AlreadyJuror",
        "NotJuror",
        "NotSeated",
        "ReviewWindowOver",
        "NotParty",
        "WrongCaseStatus",
        "WrongSeatState",
        "WrongReveal",
        "PeriodOver",
        "PeriodNotOver",
        "AlreadyAppealed",
        "StakeIsFrozen",
        "EpochNotClosed",
        "NothingToClaim",
        "NoBonus",
        "InvalidProof",
        "NothingToWithdraw",
    ];

    #[test]
    fn every_explained_error_is_one_of_the_contracts() {
        let abis = ContractName::ALL.map(|name| serde_json::from_str::<JsonAbi>(name.abi_json()).expect("an ABI"));
        for name in EXPLAINED {
            assert!(abis.iter().any(|abi| abi.error(name).is_some()), "no contract has an error {name}");
            let error = DecodedRevert { name: (*name).to_owned(), detail: String::new() };
            assert!(explanation(&error).is_some(), "{name}");
        }
    }
}
