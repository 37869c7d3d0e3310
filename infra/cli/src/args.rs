//! Command-line arguments.

pub mod deployment;
pub mod import;
pub mod money;
pub mod people;
pub mod programmes;

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use shared::operations::model::settings::Area;
use shared::redemption::model::plan::Unit;
use shared::table::queue::Queue;

pub use self::deployment::{Deploy, Deployment, Setup, Stripe, Teardown};
pub use self::import::{Import, ImportFile};
pub use self::money::{Decision, Orders, PayoutBatches, Reconcile, Reviews, Withdrawals};
pub use self::people::{Admin, Affiliates, Keys, Plans, Rewards, Shops, Users, Webhooks};
pub use self::programmes::{Risk, Simulated};

use crate::output::Format;

/// Operate Guerdon: the local stack, or a deployment.
#[derive(Debug, Parser)]
#[command(name = "guerdon", version, propagate_version = true)]
pub struct Line {
    #[command(flatten)]
    pub at: At,
    #[command(subcommand)]
    pub command: Command,
}

/// Options that all commands share: address, credentials and output format.
#[derive(Debug, Clone, Args)]
pub struct At {
    /// Base URL of the API.
    #[arg(long, global = true, env = "GUERDON_URL", default_value = "http://127.0.0.1:3000")]
    pub url: String,
    /// E-mail of the admin to sign in as.
    #[arg(long, global = true, env = "GUERDON_ADMIN_EMAIL")]
    pub admin_email: Option<String>,
    /// Password of the admin to sign in as.
    #[arg(long, global = true, env = "GUERDON_ADMIN_PASSWORD", hide_env_values = true)]
    pub admin_password: Option<String>,
    /// Code of the admin's second factor, if there is one: six digits of the app, or a recovery code. Each counts once.
    #[arg(long, global = true, env = "GUERDON_TOTP", hide_env_values = true)]
    pub totp: Option<String>,
    /// Use the local stack at --url, with its admin, secrets, database and queues.
    #[arg(long, global = true, env = "GUERDON_LOCAL")]
    pub local: bool,
    /// With --local: the folder that holds the local stack's data.
    #[arg(long, global = true, env = "GUERDON_DATA", default_value = ".local")]
    pub data: PathBuf,
    /// Use this deployed stack, with its address, secrets, table and queues, and the credentials of the AWS command line. --local goes before it.
    #[arg(long, global = true, env = "GUERDON_STACK")]
    pub stack: Option<String>,
    /// Region of the stack; that of the AWS command line if absent.
    #[arg(long, global = true)]
    pub region: Option<String>,
    /// Profile of the AWS command line.
    #[arg(long, global = true)]
    pub profile: Option<String>,
    /// Output format.
    #[arg(long, short, global = true, value_enum, default_value_t)]
    pub output: Format,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    #[command(flatten)]
    Deployment(Deployment),
    #[command(flatten)]
    Operation(Operation),
    /// Print a completion script for a shell.
    Completions {
        /// The shell to complete for.
        shell: Shell,
    },
}

/// Commands against a stack that runs: the local one, or a deployment.
#[derive(Debug, Subcommand)]
pub enum Operation {
    /// Manage admins. `create` needs AWS access, as there may be no admin yet.
    #[command(subcommand)]
    Admin(Admin),
    /// Manage users.
    #[command(subcommand)]
    Users(Users),
    /// Show or change settings.
    #[command(subcommand)]
    Settings(Settings),
    /// Manage plans.
    #[command(subcommand)]
    Plans(Plans),
    /// Manage redemption codes.
    #[command(subcommand)]
    Codes(Codes),
    /// Manage top-up orders.
    #[command(subcommand)]
    Orders(Orders),
    /// Manage withdrawals of commission, of users and of shops.
    #[command(subcommand, visible_alias = "payouts")]
    Withdrawals(Withdrawals),
    /// Gather cash withdrawals into batches that are paid together.
    #[command(subcommand)]
    PayoutBatches(PayoutBatches),
    /// Show what affiliates earned and were paid, for tax reports.
    #[command(subcommand)]
    Affiliates(Affiliates),
    /// Move accounts, invite codes, opening balances and referrals in from another system, in this order, from CSV files.
    #[command(subcommand)]
    Import(Import),
    /// Resolve provider payments that need a manual decision.
    #[command(subcommand)]
    Reviews(Reviews),
    /// List rewards and retry failed ones.
    #[command(subcommand)]
    Rewards(Rewards),
    /// List cases of risk and decide them.
    #[command(subcommand)]
    Risk(Risk),
    /// Replay a month under draft settings, user by user; writes nothing.
    Simulate(Simulated),
    /// Show what the platform owes, by kind and month of expiry.
    Liabilities,
    /// Manage the endpoints of events, and their deliveries.
    #[command(subcommand)]
    Webhooks(Webhooks),
    /// Manage service keys.
    #[command(subcommand)]
    Keys(Keys),
    /// Show the agency's shops and correct their wallets.
    #[command(subcommand)]
    Shops(Shops),
    /// Show the daily reports that compare orders, ledger and provider records; with a date, that day's lines.
    Reconcile(Reconcile),
    /// Scan the whole table and list every broken invariant; exit status 1 if there is one.
    Audit(Look),
    /// Recompute every account, counter and total, and list those that differ from the stored ones; writes nothing. With a file,
    /// check a proven statement without any network; exit status 1 if it does not hold.
    Verify(Verify),
    /// List and redrive dead letters.
    #[command(subcommand)]
    Dlq(Dlq),
    /// Check configuration, secrets, API, clock, webhooks and queues, and say how to fix each problem.
    Doctor,
    /// Try a deployment as its users and its operator would, and leave nothing behind.
    Smoke,
    /// Show stack, version, alarms, dead letters and open reviews.
    Status,
}

/// Subcommands of `settings`.
#[derive(Debug, Subcommand)]
pub enum Settings {
    /// Show one area, or all.
    Get {
        /// Settings area.
        #[arg(value_parser = area())]
        area: Option<Area>,
    },
    /// Change fields of one area, all or none.
    Set {
        /// Settings area.
        #[arg(value_parser = area())]
        area: Area,
        /// Fields by path, `enabled=true` or `qualified.inviter_reward=3`; lists and objects as JSON.
        #[arg(required_unless_present = "file", conflicts_with = "file", value_name = "FIELD=VALUE")]
        changes: Vec<String>,
        /// Read the whole document from a file, or `-` for standard input.
        #[arg(long)]
        file: Option<PathBuf>,
    },
    /// Take over the areas of a file that `settings get -o json` wrote, of this deployment or another.
    Import {
        /// The file, or `-` for standard input.
        file: PathBuf,
    },
}

/// Subcommands of `codes`.
#[derive(Debug, Subcommand)]
pub enum Codes {
    /// List batches, newest first.
    List(Page),
    /// Create a batch and wait until all its codes exist. The same command run again resumes and creates no second batch.
    Create(Box<NewBatch>),
    /// Add codes to a batch, with its terms, and wait until all exist. Run again, the same command adds no more.
    TopUp {
        /// Batch id.
        batch: String,
        /// Number of codes to add; a batch has at most 10 000.
        #[arg(long)]
        count: u32,
        /// Idempotency key; derived from batch and number if absent. Another key adds as many once more.
        #[arg(long)]
        key: Option<String>,
    },
    /// Move the end of a batch's validity to a later time.
    Extend {
        /// Batch id.
        batch: String,
        /// New end, in RFC 3339.
        #[arg(long)]
        to: String,
    },
    /// Write all codes of a batch as CSV.
    Export {
        /// Batch id.
        batch: String,
        /// Output file; standard output if absent. An existing file is replaced once all codes are written.
        #[arg(long)]
        to: Option<PathBuf>,
    },
}

/// Arguments of `codes create`.
#[derive(Debug, Args)]
pub struct NewBatch {
    /// Label of the batch.
    #[arg(long)]
    pub label: String,
    /// Number of codes, 1 to 10 000.
    #[arg(long, required_unless_present = "bring")]
    pub count: Option<u32>,
    /// Letters and digits before each code, 2 to 6.
    #[arg(long)]
    pub prefix: Option<String>,
    /// File with codes from elsewhere, one on each line, to be taken instead of new ones: all or none.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["count", "prefix"])]
    pub bring: Option<PathBuf>,
    /// Balance that each code grants, in ledger currency.
    #[arg(long, conflicts_with_all = ["plan", "unit", "quantity"], required_unless_present = "plan")]
    pub credit: Option<String>,
    /// Plan that each code grants time on.
    #[arg(long, requires_all = ["unit", "quantity"])]
    pub plan: Option<String>,
    /// Unit of the plan time.
    #[arg(long, requires = "plan", value_parser = one_of(Unit::NAMES))]
    pub unit: Option<String>,
    /// Number of units.
    #[arg(long, requires = "plan")]
    pub quantity: Option<u32>,
    /// Total uses of each code; 0 for unlimited.
    #[arg(long, default_value_t = 1)]
    pub total_uses: u64,
    /// Uses of each code per user.
    #[arg(long, default_value_t = 1)]
    pub per_user: u32,
    /// Start of validity, RFC 3339.
    #[arg(long)]
    pub starts_at: Option<String>,
    /// End of validity, RFC 3339.
    #[arg(long)]
    pub expires_at: Option<String>,
    /// Idempotency key, valid for 72 hours; derived from the other arguments if absent. Another key creates another batch.
    #[arg(long)]
    pub key: Option<String>,
    /// Write the codes to a file once they exist.
    #[arg(long)]
    pub export: Option<PathBuf>,
    /// Do not wait for the codes.
    #[arg(long, conflicts_with = "export")]
    pub no_wait: bool,
}

/// Arguments of `verify`.
#[derive(Debug, Clone, Args)]
pub struct Verify {
    /// A proven statement, or `-` for standard input.
    #[arg(requires = "key", conflicts_with = "once")]
    pub file: Option<PathBuf>,
    /// The deployment's public key of the ledger, which signs the heads of each day.
    #[arg(long, requires = "file", env = "GUERDON_LEDGER_PUBLIC_KEY")]
    pub key: Option<String>,
    #[command(flatten)]
    pub look: Look,
}

/// Arguments of a scan of the whole table.
#[derive(Debug, Clone, Copy, Args)]
pub struct Look {
    /// Scan the table once. Without this, findings are confirmed by a second scan, so that changes in progress are not reported.
    #[arg(long)]
    pub once: bool,
}

/// Subcommands of `dlq`.
#[derive(Debug, Subcommand)]
pub enum Dlq {
    /// List dead letters with queue, message, receive count and sending time.
    List {
        /// Queue; all if absent.
        #[arg(value_parser = queue())]
        queue: Option<Queue>,
    },
    /// Send dead letters back to their queue; each is deleted from the dead-letter queue once the send is acknowledged.
    Redrive {
        /// Queue to send back to.
        #[arg(value_parser = queue())]
        queue: Queue,
        /// Message id; all dead letters of the queue if absent.
        #[arg(long)]
        id: Option<String>,
    },
}

/// Parses a queue name.
fn queue() -> impl TypedValueParser<Value = Queue> {
    PossibleValuesParser::new(Queue::ALL.map(Queue::as_str))
        .try_map(|name| Queue::ALL.into_iter().find(|queue| queue.as_str() == name).ok_or("no such queue"))
}

/// Parses an area of settings.
fn area() -> impl TypedValueParser<Value = Area> {
    PossibleValuesParser::new(Area::ALL.map(Area::as_str))
        .try_map(|name| Area::ALL.into_iter().find(|area| area.as_str() == name).ok_or("no such area"))
}

/// Parses one of these names: help, completions and errors list them.
fn one_of(names: &'static [&'static str]) -> PossibleValuesParser {
    PossibleValuesParser::new(names.iter().copied())
}

/// Filter and size of a list.
#[derive(Debug, Clone, Args)]
pub struct Page {
    /// Earliest time, or day (UTC).
    #[arg(long)]
    pub from: Option<String>,
    /// Latest time, or day (UTC, inclusive).
    #[arg(long)]
    pub to: Option<String>,
    /// Maximum number of items.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// List all items.
    #[arg(long, conflicts_with = "limit")]
    pub all: bool,
}
