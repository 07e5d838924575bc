//! `aiigo job validate` and `aiigo job quote`: what is known of a job before anything is stored or paid.

use aiigo_task::{JobProgram, format_bytes};
use alloy::primitives::{Address, B256};
use clap::Args;
use serde_json::json;

use super::{create, form::JobArgs, prepare, providers};
use crate::{
    CliError,
    args::{ChainArgs, IndexerArgs},
    cli::Session,
    format,
    output::facts,
    progress::Progress,
};

/// Check a job and its local files. Needs neither chain nor key.
#[derive(Args, Debug)]
pub(crate) struct ValidateCommand {
    #[command(flatten)]
    job: JobArgs,
}

impl ValidateCommand {
    pub(crate) fn run(self, session: &Session) -> Result<(), CliError> {
        let local = self.job.read()?;
        let (job, sizes) = (&local.job, local.input_sizes()?);
        let program = match &job.program {
            JobProgram::Module(module) => module.display().to_string(),
            JobProgram::Image(image) => image.to_string(),
        };
        let inputs: Vec<_> = job.inputs.iter().zip(&sizes).collect();
        let limits = job.resources.limits;
        let document = json!({
            "name": job.name,
            "program": program,
            "args": job.args,
            "inputs": inputs.iter().map(|(input, size)| json!({ "path": input.path, "size": size })).collect::<Vec<_>>(),
            "outputs": job.outputs,
            "resourceType": job.resources.resource_type.name(),
            "milliTflops": job.resources.milli_tflops,
            "seconds": limits.seconds,
            "memoryBytes": limits.memory_bytes,
            "outputBytes": limits.output_bytes,
            "pricePerHourWei": job.price_per_hour.to_string(),
            "trust": job.trust,
            "replicas": job.replicas,
        });
        session.output.result(&document, || {
            let mut rows = vec![("job", job.name.clone()), ("program", program)];
            let named = |path: &dyn std::fmt::Display, size: u64| format!("{path}, {}", format_bytes(size));
            rows.extend(inputs.iter().map(|(input, size)| ("input", named(&input.path, **size))));
            rows.extend(job.outputs.iter().map(|output| ("output", output.to_string())));
            rows.push(("at most", format!("{} s, {} of memory", limits.seconds, format_bytes(limits.memory_bytes))));
            if job.replicas > 1 {
                rows.push(("replicas", job.replicas.to_string()));
            }
            facts(&rows)
        })
    }
}

/// Ask what a job would cost, and who could do it. Nothing is stored or ordered.
#[derive(Args, Debug)]
pub(crate) struct QuoteCommand {
    #[command(flatten)]
    job: JobArgs,
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    indexer: IndexerArgs,
}

impl QuoteCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let local = self.job.read()?;
        // The price does not depend on the spec.
        let request = prepare::request(&local.job, B256::repeat_byte(1), String::new())?;
        let chain = self.chain.connect().await?;
        let (escrow, tips) = create::quote(&chain, &request).await?;
        let ranking = match self.indexer.optional()? {
            Some(indexer) => Some(providers::ranking(&indexer, &request, Address::ZERO).await?),
            None => None,
        };
        let document = json!({
            "name": local.job.name,
            "escrowWei": escrow.to_string(),
            "tipDepositWei": tips.to_string(),
            "seconds": request.duration,
            "replicas": request.replicas,
            "providers": ranking,
        });
        session.output.result(&document, || {
            let by = match request.replicas {
                1 => String::new(),
                seats => format!(" by each of {seats} nodes"),
            };
            let text = facts(&[
                ("in escrow", format!("{}, for at most {} s of work{by}", format::eth(escrow), request.duration)),
                ("for time-outs", format::eth(tips)),
                ("comes back", "what is not used of both".into()),
            ]);
            let progress = Progress::new(true);
            match &ranking {
                Some(ranking) => providers::tell(ranking, &progress),
                None => progress.note("providers are not ranked: no indexer is named (--indexer-url)"),
            }
            text
        })
    }
}
