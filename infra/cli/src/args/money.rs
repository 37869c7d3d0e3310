//! Arguments of the commands about orders, withdrawals, reviews and reports.

use clap::{Args, Subcommand, ValueEnum};
use shared::affiliate::model::payout_batch::PayoutFormat;
use shared::affiliate::model::withdrawal::WithdrawalState;
use shared::kernel::provider::Provider;
use shared::payment::model::order::OrderStatus;
use shared::payment::model::review::ReviewState;

use super::{Page, one_of};

/// Subcommands of `orders`.
#[derive(Debug, Subcommand)]
pub enum Orders {
    /// List orders, newest first.
    List {
        /// Order status.
        #[arg(long, value_parser = one_of(OrderStatus::NAMES))]
        status: Option<String>,
        /// Payment provider.
        #[arg(long, value_parser = one_of(Provider::NAMES))]
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
    /// Give money back, all that is left or a part. The same command again is the same refund.
    Refund {
        /// Order id.
        id: String,
        /// Reason; stored with the refund.
        #[arg(long)]
        reason: String,
        /// Part to give back, in pay currency; all that is left if absent.
        #[arg(long, allow_hyphen_values = true)]
        amount: Option<String>,
        /// Record a refund that was made at the gateway.
        #[arg(long, requires = "reference")]
        made_elsewhere: bool,
        /// Reference of a refund that was made at the gateway.
        #[arg(long, requires = "made_elsewhere")]
        reference: Option<String>,
    },
    /// Show how the amounts of an order came about.
    Explain {
        /// Order id.
        id: String,
    },
    /// Ask the provider about an order now.
    Verify {
        /// Order id.
        id: String,
    },
}

/// Subcommands of `withdrawals`.
#[derive(Debug, Subcommand)]
pub enum Withdrawals {
    /// List withdrawals, newest first.
    List {
        /// Withdrawal state.
        #[arg(long, value_parser = one_of(WithdrawalState::NAMES))]
        state: Option<String>,
        /// User id.
        #[arg(long)]
        user: Option<String>,
        /// Shop id.
        #[arg(long, conflicts_with = "user")]
        shop: Option<String>,
        #[command(flatten)]
        page: Page,
    },
    /// Mark a cash withdrawal as paid out.
    #[command(visible_alias = "paid")]
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

/// Subcommands of `payout-batches`.
#[derive(Debug, Subcommand)]
pub enum PayoutBatches {
    /// List payout batches, newest first.
    List {
        #[command(flatten)]
        page: Page,
    },
    /// Gather the oldest requested cash withdrawals of a method into a batch.
    Make {
        /// Payout method.
        #[arg(long)]
        method: String,
        /// File that it is made for.
        #[arg(long, value_parser = one_of(PayoutFormat::NAMES))]
        format: Option<String>,
        /// Month of the requests, such as 2026-11.
        #[arg(long)]
        month: Option<String>,
        /// Most withdrawals, 1 to 90.
        #[arg(long)]
        limit: Option<i64>,
    },
    /// Show a batch with its lines.
    Show {
        /// Batch id.
        id: String,
    },
    /// Mark every open withdrawal of a batch as paid out.
    #[command(visible_alias = "paid")]
    Close {
        /// Batch id.
        id: String,
        /// Reference of the payout.
        #[arg(long)]
        reference: String,
    },
    /// Drop a batch; its open withdrawals are requested as before.
    Drop {
        /// Batch id.
        id: String,
        /// Reason to drop it.
        #[arg(long)]
        reason: String,
    },
}

/// Subcommands of `reviews`.
#[derive(Debug, Subcommand)]
pub enum Reviews {
    /// List the review queue, newest first.
    List {
        /// Review state.
        #[arg(long, value_parser = one_of(ReviewState::NAMES))]
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
