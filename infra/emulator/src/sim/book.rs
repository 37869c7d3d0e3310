//! State of the simulated providers: sessions, payments, events, and pending notifications.
//!
//! Plain data that can be saved to a file and loaded again. Ids come from a counter and a hash, so that the same requests always
//! produce the same ids.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use shared::kernel::money::PayMoney;

/// The state of both providers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Book {
    /// Number of ids issued.
    pub counter: u64,
    /// Stripe's checkout sessions by id.
    pub sessions: BTreeMap<String, Session>,
    /// Stripe's payments by payment intent id.
    pub payments: BTreeMap<String, StripePayment>,
    /// Stripe's refunds by id.
    pub refunds: BTreeMap<String, Refund>,
    /// Stripe's disputes by id.
    pub disputes: BTreeMap<String, Dispute>,
    /// Stripe's events, oldest first.
    pub events: Vec<Value>,
    /// Stripe's webhook endpoints by id, without their secrets.
    pub endpoints: BTreeMap<String, Value>,
    /// Stored responses by Stripe idempotency key.
    pub kept: BTreeMap<String, KeptAnswer>,
    /// Zpay's payments by trade number.
    pub trades: BTreeMap<String, Trade>,
    /// Pending notifications by id.
    pub parcels: BTreeMap<u64, Parcel>,
}

/// A checkout session of simulated Stripe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Id, `cs_test_…`.
    pub id: String,
    /// Sequence number of creation.
    pub number: u64,
    /// `client_reference_id`.
    pub reference: Option<String>,
    pub metadata: BTreeMap<String, String>,
    /// Metadata for the future payment intent.
    pub intent_metadata: BTreeMap<String, String>,
    /// Total amount in the currency's smallest unit.
    pub units: i64,
    /// Currency code in lower case.
    pub currency: String,
    /// Product name on the payment page.
    pub name: String,
    /// Redirect after payment.
    pub success_url: String,
    /// Redirect after cancelling.
    pub cancel_url: Option<String>,
    /// Creation time in Unix seconds.
    pub created: i64,
    /// Expiry in Unix seconds.
    pub expires_at: i64,
    pub status: SessionStatus,
    /// Id of the payment intent, `pi_…`; set when the payer submits the payment.
    pub payment_intent: Option<String>,
    /// `payment_method_types`.
    pub methods: Vec<String>,
    /// True for a subscription of another product on the account: its money comes with an invoice, not with the session.
    #[serde(default)]
    pub subscription: bool,
    /// True while a delayed payment method is processing: the session is complete but unpaid.
    #[serde(default)]
    pub delayed: bool,
}

/// Status of a checkout session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// Open for payment.
    Open,
    /// Submitted by the payer.
    Complete,
    /// No longer payable.
    Expired,
}

impl SessionStatus {
    /// Stripe's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Complete => "complete",
            Self::Expired => "expired",
        }
    }
}

/// A payment of simulated Stripe: a payment intent with its charge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StripePayment {
    /// Id of the payment intent, `pi_…`.
    pub intent: String,
    /// Id of the charge, `ch_…`.
    pub charge: String,
    /// Metadata of both.
    pub metadata: BTreeMap<String, String>,
    /// Amount in the currency's smallest unit.
    pub units: i64,
    /// Refunded amount in the currency's smallest unit.
    pub refunded: i64,
    /// Currency code in lower case.
    pub currency: String,
    /// Creation time in Unix seconds.
    pub created: i64,
    /// Time at which the money was available, in Unix seconds: of its balance transaction.
    #[serde(default)]
    pub available: Option<i64>,
    /// Payment method, such as `card` or `alipay`.
    pub method: String,
    #[serde(default)]
    pub status: PaymentStatus,
    /// Set once a dispute was opened, also after it is closed.
    #[serde(default)]
    pub disputed: bool,
    /// Fingerprint of the card that paid.
    #[serde(default)]
    pub card: Option<String>,
}

/// Status of a payment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// A delayed method is processing.
    Processing,
    /// The money was captured.
    #[default]
    Succeeded,
    /// The payment failed for good.
    Failed,
}

/// A refund of simulated Stripe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Refund {
    /// Id, `re_…`.
    pub id: String,
    /// Id of the refunded payment intent.
    pub intent: String,
    /// Id of the refunded charge.
    pub charge: String,
    /// Amount in the currency's smallest unit.
    pub units: i64,
    /// Currency code in lower case.
    pub currency: String,
    /// Creation time in Unix seconds.
    pub created: i64,
    /// The merchant's reason.
    pub reason: Option<String>,
    pub metadata: BTreeMap<String, String>,
    #[serde(default)]
    pub status: RefundStatus,
}

/// Status of a refund.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// In progress.
    Pending,
    /// Refunded to the payer.
    #[default]
    Succeeded,
    /// Failed; the money returned to the merchant.
    Failed,
}

impl RefundStatus {
    /// Stripe's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// A dispute of simulated Stripe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dispute {
    /// Id, `du_…`.
    pub id: String,
    /// Id of the disputed payment intent.
    pub intent: String,
    /// Id of the disputed charge.
    pub charge: String,
    /// Disputed amount in the currency's smallest unit.
    pub units: i64,
    /// Currency code in lower case.
    pub currency: String,
    /// Creation time in Unix seconds.
    pub created: i64,
    pub status: DisputeStatus,
    /// Time of the last status change, in Unix seconds.
    pub moved: i64,
}

/// Status of a dispute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeStatus {
    /// An inquiry by the bank; no money is withheld.
    WarningNeedsResponse,
    /// A closed inquiry.
    WarningClosed,
    /// The bank withholds the money.
    NeedsResponse,
    /// The bank withholds the money and has the evidence.
    UnderReview,
    /// Won; the money was returned to the merchant.
    Won,
    /// Lost; the payer keeps the money.
    Lost,
}

impl DisputeStatus {
    /// Stripe's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WarningNeedsResponse => "warning_needs_response",
            Self::WarningClosed => "warning_closed",
            Self::NeedsResponse => "needs_response",
            Self::UnderReview => "under_review",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }

    /// Reports if the disputed money is withheld.
    pub fn withholds(self) -> bool {
        matches!(self, Self::NeedsResponse | Self::UnderReview | Self::Lost)
    }
}

/// The first response to a request with an idempotency key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptAnswer {
    /// Path and form of the request.
    pub request: String,
    pub answer: Value,
}

/// A payment of the simulated Zpay gateway.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trade {
    /// The gateway's trade number.
    pub trade_no: String,
    /// The merchant's order number.
    pub out_trade_no: String,
    /// Payment method: `alipay` or `wxpay`.
    pub method: String,
    /// Product name on the payment page.
    pub name: String,
    /// Amount due; once paid, the amount paid.
    pub money: PayMoney,
    /// The merchant's own text, returned unchanged.
    pub param: String,
    /// URL for notifications.
    pub notify_url: String,
    /// Redirect after payment.
    pub return_url: String,
    /// Creation time.
    pub added_at: Timestamp,
    /// Time of payment.
    pub ended_at: Option<Timestamp>,
    /// Amount of each refund.
    #[serde(default)]
    pub refunds: Vec<PayMoney>,
}

/// A pending notification, sent repeatedly until it is acknowledged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parcel {
    /// Time of the next attempt.
    pub due_at: Timestamp,
    /// Number of attempts made.
    pub attempts: usize,
    pub content: Content,
}

/// Content of a notification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// A Stripe event, signed anew for each attempt.
    Stripe {
        /// The event exactly as sent.
        body: String,
    },
    /// A Zpay notification.
    Zpay {
        /// The URL with the signed query.
        url: String,
    },
}

impl Book {
    /// Loads the state from `path`; an empty state if there is no file.
    ///
    /// # Rejects
    /// A file that can't be read or parsed.
    pub fn load(path: &Path) -> io::Result<Self> {
        match std::fs::read(path) {
            Ok(text) => serde_json::from_slice(&text).map_err(io::Error::from),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Saves the state to `path` atomically; several writers never share a temporary file, and the last one stays (G18).
    ///
    /// # Rejects
    /// Fails when the file can't be written.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        static SAVES: AtomicU64 = AtomicU64::new(0);
        let number = SAVES.fetch_add(1, Ordering::Relaxed);
        let beside = path.with_extension(format!("{}-{number}.new", std::process::id()));
        let saved =
            crate::private::write(&beside, serde_json::to_vec(self)?).and_then(|()| std::fs::rename(&beside, path));
        if saved.is_err() {
            std::fs::remove_file(&beside).ok();
        }
        saved
    }

    /// The next sequence number; numbers are never reused.
    pub(super) fn number(&mut self) -> u64 {
        self.counter = self.counter.saturating_add(1);
        self.counter
    }

    /// A new id: `prefix` and 24 symbols that sort in order of creation.
    pub(super) fn id(&mut self, prefix: &str) -> String {
        let number = self.number();
        let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(format!("{prefix}{number}").as_bytes()));
        let symbols: String = hash.chars().take(16).collect();
        format!("{prefix}{number:08}{symbols}")
    }

    /// Stripe's payments of `order`, sorted by payment intent id, which is the order of creation.
    pub fn payments_of(&self, order: &str) -> Vec<&StripePayment> {
        let names_it = |payment: &&StripePayment| payment.metadata.get("order_id").is_some_and(|named| named == order);
        self.payments.values().filter(names_it).collect()
    }

    /// The latest session of `order`.
    pub fn session_of(&self, order: &str) -> Option<&Session> {
        let of_order = self.sessions.values().filter(|session| session.reference.as_deref() == Some(order));
        of_order.max_by_key(|session| session.number)
    }

    /// The trade that a query for `order` returns: the first paid one, else the latest one.
    pub fn trade_of(&self, order: &str) -> Option<&Trade> {
        let of_order = || self.trades.values().filter(|trade| trade.out_trade_no == order);
        let paid = of_order().filter(|trade| trade.ended_at.is_some()).min_by_key(|trade| trade.ended_at);
        paid.or_else(|| of_order().max_by_key(|trade| (trade.added_at, &trade.trade_no)))
    }
}
