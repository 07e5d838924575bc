//! The parameters that the suite was deployed with, as its deployment file says them.

use serde::Deserialize;
use serde_json::Value;

use crate::cast::{ONE, Token};

/// The whole of a share.
pub(super) const BPS: u128 = 10_000;

/// What a keeper is tipped for, as KeeperTips numbers it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Duty {
    OpenRound,
    ReportMissed,
    Draw,
    Finalize,
}

impl Duty {
    pub(crate) const COUNT: usize = 4;
}

/// What governance sets for a payment token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokenTerms {
    /// For whoever enforces a deadline, each time.
    pub(crate) tip: u128,
    /// A smaller fee moves no reputation.
    pub(crate) min_counted_fee: u128,
    /// Open escrow of a node of level 1.
    pub(crate) cap: u128,
}

/// Listed by governance after the deployment, beside ether: AIIGO and the dollar.
pub(crate) const LISTED: [(Token, TokenTerms); 2] = [
    (Token::Aiigo, TokenTerms { tip: ONE / 2, min_counted_fee: 10 * ONE, cap: 20_000 * ONE }),
    (Token::Dollar, TokenTerms { tip: 250_000, min_counted_fee: 5_000_000, cap: 90_000_000_000 }),
];

/// Set by governance after the deployment: fewer than it deploys with, so that a short sequence gets there.
pub(crate) const REVIEW_MIN_TASKS: u16 = 2;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RegistryTerms {
    #[serde(deserialize_with = "amount")]
    pub(crate) registration_fee: u128,
    #[serde(deserialize_with = "amount")]
    pub(crate) min_stake: u128,
    pub(crate) unbonding_period: u64,
    pub(crate) timeout_slash_bps: u128,
    pub(crate) dispute_slash_bps: u128,
    pub(crate) misuse_slash_bps: u128,
    pub(crate) review_period: u64,
    pub(crate) review_min_tasks: u128,
    pub(crate) review_failure_bps: u128,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VerifierTerms {
    pub(crate) window: u64,
    pub(crate) audit_interval: u64,
    pub(crate) jitter: u64,
    pub(crate) reveal_window: u64,
    pub(crate) late_window: u64,
    /// Hashes/s of a TFLOPS.
    #[serde(skip)]
    pub(crate) calibration: u64,
}

/// Set by governance after the deployment: seconds to answer a round, and to answer it late or be excused, instead of the
/// devnet's few; and so many hashes/s for a TFLOPS as take the same work for it.
pub(crate) const ROUND_WINDOW: u32 = 120;
pub(crate) const LATE_WINDOW: u32 = 60;
pub(crate) const CALIBRATION: u64 = 2_000_000;
/// Set by governance after the deployment, by token: so much that many tasks don't excuse.
pub(crate) const EXCUSE_FLOORS: [u128; Token::COUNT] = [ONE / 10, 100 * ONE, 100_000_000];

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MarketTerms {
    pub(crate) fee_bps: u128,
    pub(crate) grace: u64,
    pub(crate) min_duration: u32,
    pub(crate) max_duration: u32,
    pub(crate) max_accept_window: u32,
    pub(crate) min_review_window: u32,
    pub(crate) max_review_window: u32,
    pub(crate) min_abandon_window: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
/// What a keeper's duty is worth.
pub(crate) struct TipTerms {
    #[serde(deserialize_with = "amount")]
    pub(crate) amount: u128,
    #[serde(deserialize_with = "amount")]
    pub(crate) weekly_budget: u128,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StakerShare {
    staker_share_bps: u128,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CourtTerms {
    pub(crate) epoch_length: u64,
    #[serde(deserialize_with = "amount")]
    pub(crate) min_position: u128,
    #[serde(deserialize_with = "amount")]
    pub(crate) seat_stake: u128,
    pub(crate) tolerance_bps: u128,
    pub(crate) incoherence_penalty_bps: u128,
    pub(crate) silence_penalty_bps: u128,
    pub(crate) jury_size: usize,
    pub(crate) max_replacements: u64,
    #[serde(deserialize_with = "amount")]
    pub(crate) case_fee: u128,
    #[serde(deserialize_with = "amount")]
    pub(crate) appeal_fee: u128,
    /// Blocks.
    pub(crate) draw_delay: u64,
    pub(crate) draw_period: u64,
    pub(crate) commit_period: u64,
    pub(crate) reveal_period: u64,
    pub(crate) appeal_window: u64,
    pub(crate) hold_period: u64,
}

/// Set by governance after the deployment: a devnet's minute would be over before a jury of random steps has met.
pub(crate) const COURT_PERIODS: CourtPeriods =
    CourtPeriods { draw: 900, commit: 1_200, reveal: 1_200, appeal: 300, hold: 3_600 };

/// Seconds.
#[allow(missing_docs)] // as in the court's parameters
pub(crate) struct CourtPeriods {
    pub(crate) draw: u32,
    pub(crate) commit: u32,
    pub(crate) reveal: u32,
    pub(crate) appeal: u32,
    pub(crate) hold: u32,
}

/// Seconds, in the place of the devnet's minute: so that few epochs are left to close after a wait.
pub(crate) const EPOCH_LENGTH: u64 = 21_600;
/// Set by governance after the deployment, AIIGO wei per ether of fee: so high that some epochs' budgets run out.
pub(crate) const ETHER_RATE: u128 = 600_000 * ONE;

/// Of RewardDistributor.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RewardTerms {
    /// Of epoch 0.
    pub(crate) start: u64,
    pub(crate) epoch_length: u64,
    pub(crate) staker_share_bps: u128,
    #[serde(deserialize_with = "amount")]
    pub(crate) aiigo_rate: u128,
    #[serde(skip, default = "ether_rate")]
    pub(crate) ether_rate: u128,
    pub(crate) veto_delay: u64,
}

fn ether_rate() -> u128 {
    ETHER_RATE
}

/// All of it.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) registry: RegistryTerms,
    pub(crate) verifier: VerifierTerms,
    pub(crate) market: MarketTerms,
    pub(crate) court: CourtTerms,
    pub(crate) rewards: RewardTerms,
    /// By duty.
    pub(crate) tips: [TipTerms; Duty::COUNT],
    pub(crate) tokens: [TokenTerms; Token::COUNT],
    /// Of the fees in a token, the stakers'; none of a token that the pool does not list.
    pub(crate) staker_shares: [u128; Token::COUNT],
}

impl Terms {
    /// Reads the parameters of a deployment file.
    pub(crate) fn parse(parameters: &Value) -> Result<Self, serde_json::Error> {
        let part = |name: &str| parameters[name].clone();
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Limits {
            #[serde(deserialize_with = "amount")]
            min_counted_fee: u128,
            #[serde(deserialize_with = "amount")]
            level_one_cap: u128,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Payment {
            #[serde(deserialize_with = "amount")]
            timeout_tip: u128,
        }
        // Ether is the first token of every deployment.
        let limits: Limits = serde_json::from_value(parameters["registry"]["tokenLimits"][0].clone())?;
        let payment: Payment = serde_json::from_value(parameters["marketplace"]["paymentTokens"][0].clone())?;
        let ether =
            TokenTerms { tip: payment.timeout_tip, min_counted_fee: limits.min_counted_fee, cap: limits.level_one_cap };
        let ether_share: StakerShare = serde_json::from_value(parameters["fees"]["stakerShares"][0].clone())?;
        let aiigo_share = serde_json::from_value(parameters["fees"]["aiigoStakerShareBps"].clone())?;
        let registry =
            RegistryTerms { review_min_tasks: REVIEW_MIN_TASKS.into(), ..serde_json::from_value(part("registry"))? };
        let court = CourtTerms {
            draw_period: COURT_PERIODS.draw.into(),
            commit_period: COURT_PERIODS.commit.into(),
            reveal_period: COURT_PERIODS.reveal.into(),
            appeal_window: COURT_PERIODS.appeal.into(),
            hold_period: COURT_PERIODS.hold.into(),
            ..serde_json::from_value(part("court"))?
        };
        let tip = |duty: &str| serde_json::from_value(parameters["keeperTips"][duty].clone());
        Ok(Self {
            registry,
            verifier: VerifierTerms {
                window: ROUND_WINDOW.into(),
                late_window: LATE_WINDOW.into(),
                calibration: CALIBRATION,
                ..serde_json::from_value(part("verifier"))?
            },
            market: serde_json::from_value(part("marketplace"))?,
            court,
            rewards: RewardTerms { epoch_length: EPOCH_LENGTH, ..serde_json::from_value(part("rewards"))? },
            tips: [tip("openRound")?, tip("reportMissed")?, tip("draw")?, tip("finalize")?],
            tokens: [ether, LISTED[0].1, LISTED[1].1],
            staker_shares: [ether_share.staker_share_bps, aiigo_share, 0],
        })
    }

    /// From the opening of a round until anyone may open the next (3.9).
    pub(crate) fn longest_interval(&self) -> u64 {
        self.verifier.audit_interval + self.verifier.jitter + self.verifier.reveal_window
    }

    /// How long a proof of power counts (3.7, 3.20).
    pub(crate) fn power_lasts(&self) -> u64 {
        4 * self.longest_interval() + self.verifier.window
    }

    /// The longest that two rounds of a jury take, twice (6.16).
    pub(crate) fn case_lasts(&self) -> u64 {
        let CourtTerms { draw_period, commit_period, reveal_period, max_replacements, .. } = self.court;
        4 * ((1 + max_replacements) * (draw_period + commit_period) + reveal_period)
    }
}

/// A number, or a text with one where JSON's numbers are too short.
fn amount<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) => text.parse().map_err(serde::de::Error::custom),
        other => other.as_u64().map(u128::from).ok_or_else(|| serde::de::Error::custom("an amount is no number")),
    }
}
