//! What can be typed.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use shared::table::queue::Queue;

use crate::output::Format;

/// Operates Guerdon: the local stack, or a deployment.
#[derive(Debug, Parser)]
#[command(name = "guerdon", version, propagate_version = true)]
pub struct Line {
    /// Where and how.
    #[command(flatten)]
    pub at: At,
    /// What.
    #[command(subcommand)]
    pub command: Command,
}

/// Where a command works, as whom, and how its result looks.
#[derive(Debug, Clone, Args)]
pub struct At {
    /// Where the API answers.
    #[arg(long, global = true, env = "GUERDON_URL", default_value = "http://127.0.0.1:3000")]
    pub url: String,
    /// The admin to sign in as.
    #[arg(long, global = true, env = "GUERDON_ADMIN_EMAIL")]
    pub admin_email: Option<String>,
    /// The admin's password.
    #[arg(long, global = true, env = "GUERDON_ADMIN_PASSWORD", hide_env_values = true)]
    pub admin_password: Option<String>,
    /// The local stack at --url: its admin, its secrets, its database and queues.
    #[arg(long, global = true, env = "GUERDON_LOCAL")]
    pub local: bool,
    /// With --local: where the local stack keeps its data.
    #[arg(long, global = true, env = "GUERDON_DATA", default_value = ".local")]
    pub data: PathBuf,
    /// How results look.
    #[arg(long, short, global = true, value_enum, default_value_t)]
    pub output: Format,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Admins; needs AWS access, as there may be no admin yet.
    #[command(subcommand)]
    Admin(Admin),
    /// The settings of an area.
    #[command(subcommand)]
    Settings(Settings),
    /// Redemption codes.
    #[command(subcommand)]
    Codes(Codes),
    /// Top-up orders.
    #[command(subcommand)]
    Orders(Orders),
    /// Withdrawals of commission.
    #[command(subcommand)]
    Withdrawals(Withdrawals),
    /// Provider money that waits for a person.
    #[command(subcommand)]
    Reviews(Reviews),
    /// The daily reports that compare orders, ledger and the providers' books; with a date, that day line by line.
    Reconcile(Reconcile),
    /// Reads the whole table and names what does not add up; exit status 1 when anything does not.
    Audit(Look),
    /// Works out every account, counter and total again and lists what is stored otherwise; writes nothing.
    Rebuild(Look),
    /// Messages that a queue's consumer failed on.
    #[command(subcommand)]
    Dlq(Dlq),
    /// Looks at configuration, secrets, API, clock, webhooks and queues, and says what to do.
    Doctor,
    /// Prints a completion script for a shell.
    Completions {
        /// Which shell.
        shell: Shell,
    },
}

/// Admins.
#[derive(Debug, Subcommand)]
pub enum Admin {
    /// Makes an admin, or makes whoever has this e-mail one and sets their password.
    Create {
        /// Their e-mail.
        email: String,
        /// Reads the password from standard input. Without it GUERDON_NEW_PASSWORD is used, or one is made and printed.
        #[arg(long)]
        password_stdin: bool,
    },
}

/// Settings.
#[derive(Debug, Subcommand)]
pub enum Settings {
    /// Shows one area, or all.
    Get {
        /// Which area.
        area: Option<String>,
    },
    /// Changes fields of one area, all or none.
    Set {
        /// Which area.
        area: String,
        /// Fields by their path, `enabled=true` or `qualified.inviter_reward=3`; lists and objects as JSON.
        #[arg(required_unless_present = "file", conflicts_with = "file", value_name = "FIELD=VALUE")]
        changes: Vec<String>,
        /// The whole document from a file, or `-` for standard input.
        #[arg(long)]
        file: Option<PathBuf>,
    },
}

/// Redemption codes.
#[derive(Debug, Subcommand)]
pub enum Codes {
    /// Lists batches, newest first.
    List(Page),
    /// Makes a batch and waits until all of its codes are there. The same command again goes on where it was and makes no second batch.
    Create(NewBatch),
    /// Writes all codes of a batch as CSV.
    Export {
        /// Which batch.
        batch: String,
        /// The file; standard output without it. An existing file is replaced once all is there.
        #[arg(long)]
        to: Option<PathBuf>,
    },
}

/// A batch to make.
#[derive(Debug, Args)]
pub struct NewBatch {
    /// What to call it.
    #[arg(long)]
    pub label: String,
    /// How many codes, 1 to 10 000.
    #[arg(long)]
    pub count: u32,
    /// Balance that each grants, in ledger currency.
    #[arg(long, conflicts_with_all = ["plan", "unit", "quantity"], required_unless_present = "plan")]
    pub credit: Option<String>,
    /// The plan that each grants time on.
    #[arg(long, requires_all = ["unit", "quantity"])]
    pub plan: Option<String>,
    /// In `day`, `month`, `quarter`, `half_year` or `year`.
    #[arg(long, requires = "plan")]
    pub unit: Option<String>,
    /// How many units.
    #[arg(long, requires = "plan")]
    pub quantity: Option<u32>,
    /// How often each code can be used, 0 for unlimited.
    #[arg(long, default_value_t = 1)]
    pub total_uses: u64,
    /// How often by one user.
    #[arg(long, default_value_t = 1)]
    pub per_user: u32,
    /// From when, RFC 3339.
    #[arg(long)]
    pub starts_at: Option<String>,
    /// Until when, RFC 3339.
    #[arg(long)]
    pub expires_at: Option<String>,
    /// The Idempotency-Key, for 72 hours; made from everything above without it. Another key makes another batch.
    #[arg(long)]
    pub key: Option<String>,
    /// Writes the codes to a file once they are there.
    #[arg(long)]
    pub export: Option<PathBuf>,
    /// Does not wait for the codes.
    #[arg(long, conflicts_with = "export")]
    pub no_wait: bool,
}

/// Orders.
#[derive(Debug, Subcommand)]
pub enum Orders {
    /// Lists orders, newest first.
    List {
        /// `pending`, `paid`, `failed`, `expired`, `cancelled`, `disputed`, `partially_refunded` or `refunded`.
        #[arg(long)]
        status: Option<String>,
        /// `stripe` or `zpay`.
        #[arg(long)]
        provider: Option<String>,
        /// By which method.
        #[arg(long)]
        method: Option<String>,
        /// Of which user, by id.
        #[arg(long)]
        user: Option<String>,
        /// Of which user, by e-mail.
        #[arg(long)]
        email: Option<String>,
        /// Which part of the list.
        #[command(flatten)]
        page: Page,
    },
    /// Shows an order with its provider's events, its way, and how its amounts came about.
    Show {
        /// Which order.
        id: String,
    },
    /// Credits an order by hand, once, whatever the provider says later.
    Complete {
        /// Which order.
        id: String,
        /// Why; it is kept with the order.
        #[arg(long)]
        reason: String,
        /// The provider's payment, if it is known.
        #[arg(long)]
        payment: Option<String>,
    },
}

/// Withdrawals.
#[derive(Debug, Subcommand)]
pub enum Withdrawals {
    /// Lists withdrawals, newest first.
    List {
        /// `requested`, `done`, `paid`, `rejected` or `cancelled`.
        #[arg(long)]
        state: Option<String>,
        /// Whose, by id.
        #[arg(long)]
        user: Option<String>,
        /// Which part of the list.
        #[command(flatten)]
        page: Page,
    },
    /// Says that a cash withdrawal was paid out.
    Approve {
        /// Which withdrawal.
        id: String,
        /// The reference of the payment.
        #[arg(long)]
        reference: String,
    },
    /// Rejects a cash withdrawal; its amount is available again.
    Reject {
        /// Which withdrawal.
        id: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

/// Reviews.
#[derive(Debug, Subcommand)]
pub enum Reviews {
    /// Lists the review queue, newest first.
    List {
        /// `open`, `credited`, `refund_due`, `refunded` or `ignored`.
        #[arg(long)]
        state: Option<String>,
        /// Which part of the list.
        #[command(flatten)]
        page: Page,
    },
    /// Decides about money in review, once.
    Resolve {
        /// Which review.
        id: String,
        /// What to do with the money.
        #[arg(long, value_enum)]
        action: Decision,
        /// With `credit`: an order of the user who gets the money.
        #[arg(long, required_if_eq("action", "credit"))]
        order: Option<String>,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

/// What to do with money in review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Decision {
    /// Credit it by a new order without bonus.
    Credit,
    /// Expect that it is given back.
    RefundDue,
    /// Leave it where it is.
    Ignore,
}

/// The daily reports.
#[derive(Debug, Args)]
pub struct Reconcile {
    /// A day, `2026-11-20`.
    pub date: Option<String>,
    /// Which part of the list.
    #[command(flatten)]
    pub page: Page,
}

/// How the whole table is looked at.
#[derive(Debug, Clone, Copy, Args)]
pub struct Look {
    /// Reads the table once. Without it, what was found is looked for in a second reading, so that what was just under way is not named.
    #[arg(long)]
    pub once: bool,
}

/// Dead letters.
#[derive(Debug, Subcommand)]
pub enum Dlq {
    /// Lists them: which queue, what, how often received, when sent.
    List {
        /// Which queue; all without it.
        #[arg(value_parser = queue())]
        queue: Option<Queue>,
    },
    /// Sends them back to their queue, and takes each off the dead-letter queue once that was acknowledged.
    Redrive {
        /// Which queue.
        #[arg(value_parser = queue())]
        queue: Queue,
        /// Only this one, by its id.
        #[arg(long)]
        id: Option<String>,
    },
}

/// A queue by its name.
fn queue() -> impl TypedValueParser<Value = Queue> {
    PossibleValuesParser::new(Queue::ALL.map(Queue::as_str))
        .try_map(|name| Queue::ALL.into_iter().find(|queue| queue.as_str() == name).ok_or("no such queue"))
}

/// Which part of a list.
#[derive(Debug, Clone, Args)]
pub struct Page {
    /// Not before: a time, or a day (UTC).
    #[arg(long)]
    pub from: Option<String>,
    /// Not after: a time, or a day (UTC) with all of it.
    #[arg(long)]
    pub to: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// All of them.
    #[arg(long, conflicts_with = "limit")]
    pub all: bool,
}
