//! Command-line arguments.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use shared::table::queue::Queue;

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
    /// Manage admins. Needs AWS access, as there may be no admin yet.
    #[command(subcommand)]
    Admin(Admin),
    /// Show or change settings.
    #[command(subcommand)]
    Settings(Settings),
    /// Manage redemption codes.
    #[command(subcommand)]
    Codes(Codes),
    /// Manage top-up orders.
    #[command(subcommand)]
    Orders(Orders),
    /// Manage withdrawals of commission.
    #[command(subcommand)]
    Withdrawals(Withdrawals),
    /// Resolve provider payments that need a manual decision.
    #[command(subcommand)]
    Reviews(Reviews),
    /// Show the daily reports that compare orders, ledger and provider records; with a date, that day's lines.
    Reconcile(Reconcile),
    /// Scan the whole table and list every broken invariant; exit status 1 if there is one.
    Audit(Look),
    /// Recompute every account, counter and total, and list those that differ from the stored ones; writes nothing.
    Rebuild(Look),
    /// List and redrive dead letters.
    #[command(subcommand)]
    Dlq(Dlq),
    /// Check configuration, secrets, API, clock, webhooks and queues, and say how to fix each problem.
    Doctor,
    /// Make what a deployment needs and is missing: secrets and the file with the parameters; look at SES and quotas.
    Setup(Setup),
    /// Deploy the template with packages, or update what is deployed.
    Deploy(Deploy),
    /// Try a deployment as its users and its operator would, and leave nothing behind.
    Smoke,
    /// Show stack, version, alarms, dead letters and open reviews.
    Status,
    /// Delete a stack, and say what stays: the table, the queues, the secrets.
    Teardown(Teardown),
    /// Print a completion script for a shell.
    Completions {
        /// The shell to complete for.
        shell: Shell,
    },
}

/// Arguments of `setup`.
#[derive(Debug, Args)]
pub struct Setup {
    /// Parameters of the template, `MailFrom=no-reply@example.com`; those of before stay.
    #[arg(value_name = "NAME=VALUE")]
    pub parameters: Vec<String>,
    /// Look and print only.
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `deploy`.
#[derive(Debug, Args)]
pub struct Deploy {
    /// The template.
    #[arg(long, default_value = "template.yaml")]
    pub template: PathBuf,
    /// Folder with packages, as `dist/arm64`; what is in `dist/functions` beside the template if absent.
    #[arg(long)]
    pub packages: Option<PathBuf>,
    /// Look and print only.
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `teardown`.
#[derive(Debug, Args)]
pub struct Teardown {
    /// Do it.
    #[arg(long)]
    pub yes: bool,
    /// Look and print only.
    #[arg(long)]
    pub dry_run: bool,
}

/// Subcommands of `admin`.
#[derive(Debug, Subcommand)]
pub enum Admin {
    /// Create an admin, or promote the user with this e-mail and set their password.
    Create {
        /// E-mail of the admin.
        email: String,
        /// Read the password from standard input. Without this, GUERDON_NEW_PASSWORD is used, or one is generated and printed.
        #[arg(long)]
        password_stdin: bool,
    },
}

/// Subcommands of `settings`.
#[derive(Debug, Subcommand)]
pub enum Settings {
    /// Show one area, or all.
    Get {
        /// Settings area.
        area: Option<String>,
    },
    /// Change fields of one area, all or none.
    Set {
        /// Settings area.
        area: String,
        /// Fields by path, `enabled=true` or `qualified.inviter_reward=3`; lists and objects as JSON.
        #[arg(required_unless_present = "file", conflicts_with = "file", value_name = "FIELD=VALUE")]
        changes: Vec<String>,
        /// Read the whole document from a file, or `-` for standard input.
        #[arg(long)]
        file: Option<PathBuf>,
    },
}

/// Subcommands of `codes`.
#[derive(Debug, Subcommand)]
pub enum Codes {
    /// List batches, newest first.
    List(Page),
    /// Create a batch and wait until all its codes exist. The same command run again resumes and creates no second batch.
    Create(NewBatch),
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
    #[arg(long)]
    pub count: u32,
    /// Balance that each code grants, in ledger currency.
    #[arg(long, conflicts_with_all = ["plan", "unit", "quantity"], required_unless_present = "plan")]
    pub credit: Option<String>,
    /// Plan that each code grants time on.
    #[arg(long, requires_all = ["unit", "quantity"])]
    pub plan: Option<String>,
    /// Unit of the plan time: `day`, `month`, `quarter`, `half_year` or `year`.
    #[arg(long, requires = "plan")]
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

/// Subcommands of `orders`.
#[derive(Debug, Subcommand)]
pub enum Orders {
    /// List orders, newest first.
    List {
        /// Order status: `pending`, `paid`, `failed`, `expired`, `cancelled`, `disputed`, `partially_refunded` or `refunded`.
        #[arg(long)]
        status: Option<String>,
        /// Payment provider: `stripe` or `zpay`.
        #[arg(long)]
        provider: Option<String>,
        /// Payment method.
        #[arg(long)]
        method: Option<String>,
        /// User id.
        #[arg(long)]
        user: Option<String>,
        /// User e-mail.
        #[arg(long)]
        email: Option<String>,
        #[command(flatten)]
        page: Page,
    },
    /// Show an order with its provider events, its history, and the derivation of its amounts.
    Show {
        /// Order id.
        id: String,
    },
    /// Credit an order manually, once. Later provider events do not credit it again.
    Complete {
        /// Order id.
        id: String,
        /// Reason; stored with the order.
        #[arg(long)]
        reason: String,
        /// Provider's payment id, if known.
        #[arg(long)]
        payment: Option<String>,
    },
}

/// Subcommands of `withdrawals`.
#[derive(Debug, Subcommand)]
pub enum Withdrawals {
    /// List withdrawals, newest first.
    List {
        /// Withdrawal state: `requested`, `done`, `paid`, `rejected` or `cancelled`.
        #[arg(long)]
        state: Option<String>,
        /// User id.
        #[arg(long)]
        user: Option<String>,
        #[command(flatten)]
        page: Page,
    },
    /// Mark a cash withdrawal as paid out.
    Approve {
        /// Withdrawal id.
        id: String,
        /// Reference of the payout.
        #[arg(long)]
        reference: String,
    },
    /// Reject a cash withdrawal; its amount becomes available again.
    Reject {
        /// Withdrawal id.
        id: String,
        /// Reason for the rejection.
        #[arg(long)]
        reason: String,
    },
}

/// Subcommands of `reviews`.
#[derive(Debug, Subcommand)]
pub enum Reviews {
    /// List the review queue, newest first.
    List {
        /// Review state: `open`, `credited`, `refund_due`, `refunded` or `ignored`.
        #[arg(long)]
        state: Option<String>,
        #[command(flatten)]
        page: Page,
    },
    /// Resolve a review item, once.
    Resolve {
        /// Review item id.
        id: String,
        /// Action to take.
        #[arg(long, value_enum)]
        action: Decision,
        /// With `credit`: an order of the user to credit.
        #[arg(long, required_if_eq("action", "credit"))]
        order: Option<String>,
        /// Reason for the decision.
        #[arg(long)]
        reason: String,
    },
}

/// Action on a review item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Decision {
    /// Credit the payment with a new order without bonus.
    Credit,
    /// Expect the provider to refund the payment.
    RefundDue,
    /// Leave the payment as it is.
    Ignore,
}

/// Arguments of `reconcile`.
#[derive(Debug, Args)]
pub struct Reconcile {
    /// Day of the report, `2026-11-20`.
    pub date: Option<String>,
    #[command(flatten)]
    pub page: Page,
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
