//! What a contract of the suite may take from an account's AIIGO.

use aiigo_protocol::{AIIGOToken, ContractName};
use alloy::{primitives::U256, sol_types::SolCall};

use crate::{
    CliError, format,
    wallet::{Call, Wallet},
};

/// What an allowance is called among the records of transactions under way.
pub(crate) const ACTION: &str = "allow";

/// The call that lets a contract take the amount, exactly; `None` if it may already.
pub(crate) async fn call(wallet: &Wallet, spender: ContractName, amount: U256) -> Result<Option<Call>, CliError> {
    let chain = wallet.chain();
    let address = chain.deployment().address(spender);
    let allowed = chain.token().allowance(wallet.address(), address).call().await;
    let allowed = allowed.map_err(|error| CliError::call(format!("reading what {spender} may take"), error))?;
    let data = AIIGOToken::approveCall { spender: address, value: amount }.abi_encode();
    let what = format!("allowing {spender} to take {}", format::aiigo(amount));
    let call = wallet.call(what, ContractName::AIIGOToken, data);
    if allowed >= amount {
        wallet.is_done(ACTION, &call)?;
        return Ok(None);
    }
    Ok(Some(call))
}
