//! Arguments of the commands about cases of risk and simulated months.

use clap::{Args, Subcommand};
use shared::operations::model::budget::BudgetedProgramme;
use shared::risk::model::case::CaseState;

use super::{Page, one_of};

/// Subcommands of `risk`.
#[derive(Debug, Subcommand)]
pub enum Risk {
    /// List cases, newest first.
    List {
        /// State of the cases.
        #[arg(long, value_parser = one_of(CaseState::NAMES))]
        state: Option<String>,
        /// Id of the inviter.
        #[arg(long)]
        inviter: Option<String>,
        #[command(flatten)]
        page: Page,
    },
    /// Release what a case holds.
    Release {
        /// Id of the invitee, whose case it is.
        id: String,
        /// Reason of the decision.
        #[arg(long)]
        reason: String,
    },
    /// Reject what a case holds, for good.
    Reject {
        /// Id of the invitee, whose case it is.
        id: String,
        /// Reason of the decision.
        #[arg(long)]
        reason: String,
    },
}

/// Arguments of `simulate`.
#[derive(Debug, Args)]
pub struct Simulated {
    /// Programme to replay.
    #[arg(value_parser = one_of(BudgetedProgramme::NAMES))]
    pub programme: String,
    /// Calendar month in UTC that has begun, as 2026-11.
    pub month: String,
    /// Fields of the programme's settings that differ from those of now, `default_rate=0.2`; lists and objects as JSON.
    #[arg(required = true, value_name = "FIELD=VALUE")]
    pub changes: Vec<String>,
}
