//! `aiigo wallet sign`.

use aiigo_chain::SignerArgs;
use alloy::signers::Signer;
use clap::Args;

use crate::{CliError, cli::Session, error::Context};

/// Sign a text, to show that a key is yours (EIP-191, as `cast wallet sign`).
#[derive(Args, Debug)]
pub(crate) struct SignCommand {
    /// The text
    message: String,
    #[command(flatten)]
    signer: SignerArgs,
}

impl SignCommand {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        let signer = self.signer.load_local().await.context(|| "loading the account's key".into())?;
        let signature = signer.sign_message(self.message.as_bytes()).await.context(|| "signing".into())?;
        let document = serde_json::json!({
            "address": signer.address(),
            "message": self.message,
            "signature": signature.to_string(),
        });
        session.output.result(&document, || signature.to_string())
    }
}
