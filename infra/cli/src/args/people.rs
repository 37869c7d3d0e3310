//! Arguments of the commands about people, keys, plans, rewards, endpoints and shops.

use clap::Subcommand;
use shared::account::model::scope::AdminScope;
use shared::account::model::service_key::ServiceScope;
use shared::referral::model::referral::RewardState;

use super::{Page, one_of};

/// Subcommands of `admin`.
#[derive(Debug, Subcommand)]
pub enum Admin {
    /// Create an admin. An account that is there stays as it is, unless its password is to be reset.
    Create {
        /// E-mail of the admin.
        email: String,
        /// Read the password from standard input. Without this, GUERDON_NEW_PASSWORD is used, or one is generated and printed.
        #[arg(long)]
        password_stdin: bool,
        /// Make the account that has this e-mail an admin, with another password; its sessions end, and its second factor is removed.
        #[arg(long)]
        reset_password: bool,
    },
    /// List admins with their scopes.
    List,
    /// Reset somebody's second factor, which they have lost; their sessions end.
    ResetSecondFactor {
        /// User id.
        user: String,
        /// Reason.
        #[arg(long)]
        reason: String,
    },
    /// List the scopes there are; with a user, show or set theirs.
    Scopes {
        /// User id.
        user: Option<String>,
        /// Scopes to limit the admin to.
        #[arg(value_parser = one_of(AdminScope::NAMES))]
        scopes: Vec<String>,
        /// Lift every limit: the admin may do everything.
        #[arg(long, requires = "user", conflicts_with = "scopes")]
        everything: bool,
    },
}

/// Subcommands of `users`.
#[derive(Debug, Subcommand)]
pub enum Users {
    /// List users, newest first.
    List {
        /// User e-mail.
        #[arg(long)]
        email: Option<String>,
        #[command(flatten)]
        page: Page,
    },
    /// Show a user.
    Show {
        /// User id.
        id: String,
    },
    /// Add to a balance, or take from it with a negative amount. The same command again is the same adjustment.
    Adjust {
        /// User id.
        id: String,
        /// Amount in ledger currency, as 5 or -2.50.
        #[arg(allow_hyphen_values = true)]
        amount: String,
        /// Remark; the user sees it.
        #[arg(long)]
        remark: String,
        /// Idempotency key; derived from the other arguments if absent. Another key adjusts once more.
        #[arg(long)]
        key: Option<String>,
    },
    /// Block a user.
    Block {
        /// User id.
        id: String,
        /// Reason.
        #[arg(long)]
        reason: String,
    },
    /// Unblock a user.
    Unblock {
        /// User id.
        id: String,
        /// Reason.
        #[arg(long)]
        reason: String,
    },
    /// Erase what is personal about a user; their journals stay.
    Erase {
        /// User id.
        id: String,
        /// Reason.
        #[arg(long)]
        reason: String,
        /// Erase although there is balance left, which is lost.
        #[arg(long)]
        acknowledge_balance: bool,
    },
}

/// Subcommands of `plans`.
#[derive(Debug, Subcommand)]
pub enum Plans {
    /// List plans, newest first.
    List(Page),
    /// Show a plan.
    Show {
        /// Plan id.
        id: String,
    },
    /// Create a plan. The same command again is the same plan.
    Create {
        /// Name.
        name: String,
        /// Quota.
        #[arg(long)]
        quota: u64,
        /// Traffic in bytes; unlimited if absent.
        #[arg(long)]
        traffic_bytes: Option<u64>,
        /// Do not put it on sale.
        #[arg(long)]
        off_sale: bool,
    },
    /// Change fields of a plan, as `name=Pro quota=5 on_sale=false traffic_bytes=null`.
    Set {
        /// Plan id.
        id: String,
        /// Fields.
        #[arg(required = true, value_name = "FIELD=VALUE")]
        changes: Vec<String>,
    },
}

/// Subcommands of `affiliates`.
#[derive(Debug, Subcommand)]
pub enum Affiliates {
    /// List the affiliates of a calendar year with their totals; `-o csv` for a spreadsheet.
    Year {
        /// Calendar year in UTC, as 2026.
        year: String,
        #[command(flatten)]
        page: Page,
    },
}

/// Subcommands of `rewards`.
#[derive(Debug, Subcommand)]
pub enum Rewards {
    /// List rewards, newest first.
    List {
        /// Reward state.
        #[arg(long, value_parser = one_of(RewardState::NAMES))]
        state: Option<String>,
        /// User id of the inviter.
        #[arg(long)]
        inviter: Option<String>,
        #[command(flatten)]
        page: Page,
    },
    /// Try a failed reward again.
    Retry {
        /// Reward id.
        id: String,
    },
}

/// Subcommands of `webhooks`.
#[derive(Debug, Subcommand)]
pub enum Webhooks {
    /// List endpoints, newest first.
    List(Page),
    /// Create an endpoint; its secret is shown once.
    Create {
        /// Address, https.
        #[arg(value_name = "URL")]
        address: String,
        /// Kinds of events, or groups as `order.*`.
        #[arg(required = true)]
        events: Vec<String>,
        /// Format: `signed` (the default), `slack`, `discord`, `feishu`, `dingtalk` or `wecom`; a chat has no secret.
        #[arg(long)]
        format: Option<String>,
    },
    /// Enable an endpoint.
    Enable {
        /// Endpoint id.
        id: String,
    },
    /// Disable an endpoint.
    Disable {
        /// Endpoint id.
        id: String,
    },
    /// Make another secret, shown once; the old one also signs for a day.
    Rotate {
        /// Endpoint id.
        id: String,
    },
    /// Delete an endpoint.
    Delete {
        /// Endpoint id.
        id: String,
    },
    /// List the deliveries to an endpoint, newest first.
    Deliveries {
        /// Endpoint id.
        id: String,
        #[command(flatten)]
        page: Page,
    },
    /// Send an event of the delivery log again.
    Replay {
        /// Endpoint id.
        id: String,
        /// Delivery id.
        delivery: String,
    },
}

/// Subcommands of `keys`.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// List service keys, newest first.
    List(Page),
    /// Create a service key, shown once.
    Create {
        /// Name.
        name: String,
        /// Scopes.
        #[arg(required = true, value_parser = one_of(ServiceScope::NAMES))]
        scopes: Vec<String>,
    },
    /// Revoke a service key.
    Revoke {
        /// Key id.
        id: String,
    },
}

/// Subcommands of `shops`.
#[derive(Debug, Subcommand)]
pub enum Shops {
    /// List shops, newest first.
    List(Page),
    /// Show a shop.
    Show {
        /// Shop id.
        id: String,
    },
    /// Add to a shop's wallet, or take from it with a negative amount. The same command again is the same adjustment.
    Adjust {
        /// Shop id.
        id: String,
        /// Amount in the agency's currency, as 5 or -2.50.
        #[arg(allow_hyphen_values = true)]
        amount: String,
        /// Remark; the agent sees it.
        #[arg(long)]
        remark: String,
        /// Idempotency key; derived from the other arguments if absent. Another key adjusts once more.
        #[arg(long)]
        key: Option<String>,
    },
}
