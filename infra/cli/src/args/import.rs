//! Arguments of `import`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Subcommands of `import`.
#[derive(Debug, Subcommand)]
pub enum Import {
    /// Accounts. Columns: email, external_id, password_hash, status, locale, signed_up_at.
    Users(ImportFile),
    /// Invite codes. Columns: code, and one of user_id, external_id and email.
    Codes(ImportFile),
    /// Opening balances. Columns: amount, currency, and one of user_id, external_id and email.
    Balances {
        #[command(flatten)]
        file: ImportFile,
        /// Text that the users read beside their balance; the source if absent.
        #[arg(long)]
        remark: Option<String>,
    },
    /// Inviters of accounts. Columns: one of user_id, external_id and email for the invitee; one of inviter_id, inviter_external_id and
    /// inviter_email; may_qualify.
    Referrals(ImportFile),
}

/// File of an import, and what becomes of it.
#[derive(Debug, Args)]
pub struct ImportFile {
    /// CSV file with a row of column names, in any order, or `-` for standard input.
    pub file: PathBuf,
    /// Name of the system that they come from, such as sub2api. A user has one opening balance from each source, ever.
    #[arg(long)]
    pub source: String,
    /// Write. Without this, nothing is written, and the report tells what would become of each line.
    #[arg(long)]
    pub apply: bool,
    /// Report with the outcome of each line; beside the file if absent. A run that was stopped goes on after what its report has.
    #[arg(long)]
    pub report: Option<PathBuf>,
}
