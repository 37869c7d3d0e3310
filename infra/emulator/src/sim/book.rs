//! What the simulated providers know: payments asked for and made, events, and deliveries still to be made.
//!
//! Plain data that can be written to a file and read back. Ids come from a counter and a hash, so that the same
//! requests give the same ids.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use shared::kernel::money::PayMoney;

/// The books of both providers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Book {
    /// How many ids were given out.
    pub counter: u64,
    /// Stripe's checkout sessions by id.
    pub sessions: BTreeMap<String, Session>,
    /// Stripe's payments by payment intent.
    pub payments: BTreeMap<String, StripePayment>,
    /// Stripe's refunds by id.
    pub refunds: BTreeMap<String, Refund>,
    /// Stripe's disputes by id.
    pub disputes: BTreeMap<String, Dispute>,
    /// Stripe's events, oldest first.
    pub events: Vec<Value>,
    /// Answers kept for Stripe's idempotency keys.
    pub kept: BTreeMap<String, KeptAnswer>,
    /// Zpay's payments by trade number.
    pub trades: BTreeMap<String, Trade>,
    /// Notifications still to be made, by id.
    pub parcels: BTreeMap<u64, Parcel>,
}

/// A checkout session of simulated Stripe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// `cs_test_…`.
    pub id: String,
    /// In which order sessions were made.
    pub number: u64,
    /// `client_reference_id`.
    pub reference: Option<String>,
    /// Its metadata.
    pub metadata: BTreeMap<String, String>,
    /// The metadata its payment intent will have.
    pub intent_metadata: BTreeMap<String, String>,
    /// The whole amount in the currency's smallest unit.
    pub units: i64,
    /// Currency code in lower case.
    pub currency: String,
    /// What the payer reads.
    pub name: String,
    /// Where the payer comes back to after paying.
    pub success_url: String,
    /// Where the payer comes back to without paying.
    pub cancel_url: Option<String>,
    /// Unix seconds.
    pub created: i64,
    /// Unix seconds.
    pub expires_at: i64,
    /// `open`, `complete` or `expired`.
    pub status: SessionStatus,
    /// `pi_…` once it is paid.
    pub payment_intent: Option<String>,
    /// `payment_method_types`.
    pub methods: Vec<String>,
    /// Whether it is complete and its method takes its time.
    #[serde(default)]
    pub delayed: bool,
}

/// Whether a session can still be paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// It waits for its payer.
    Open,
    /// It is paid.
    Complete,
    /// It cannot be paid any more.
    Expired,
}

impl SessionStatus {
    /// As Stripe writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Complete => "complete",
            Self::Expired => "expired",
        }
    }
}

/// Money that simulated Stripe took: a payment intent with its charge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StripePayment {
    /// `pi_…`.
    pub intent: String,
    /// `ch_…`.
    pub charge: String,
    /// Metadata of both.
    pub metadata: BTreeMap<String, String>,
    /// What was taken, in the currency's smallest unit.
    pub units: i64,
    /// What was given back.
    pub refunded: i64,
    /// Currency code in lower case.
    pub currency: String,
    /// Unix seconds.
    pub created: i64,
    /// `card`, `alipay` ….
    pub method: String,
    /// Whether the money was taken.
    #[serde(default)]
    pub status: PaymentStatus,
    /// Whether it is or was in dispute.
    #[serde(default)]
    pub disputed: bool,
}

/// Whether the money of a payment was taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// A delayed method is at it.
    Processing,
    /// It was.
    #[default]
    Succeeded,
    /// It was not, and will not be.
    Failed,
}

/// A refund of simulated Stripe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Refund {
    /// `re_…`.
    pub id: String,
    /// The payment it takes from.
    pub intent: String,
    /// The charge it takes from.
    pub charge: String,
    /// In the currency's smallest unit.
    pub units: i64,
    /// Currency code in lower case.
    pub currency: String,
    /// Unix seconds.
    pub created: i64,
    /// Why, as the merchant said.
    pub reason: Option<String>,
    /// Its metadata.
    pub metadata: BTreeMap<String, String>,
    /// How it stands.
    #[serde(default)]
    pub status: RefundStatus,
}

/// How a refund of simulated Stripe stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// On its way.
    Pending,
    /// Done.
    #[default]
    Succeeded,
    /// It came back.
    Failed,
}

impl RefundStatus {
    /// As Stripe writes it.
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
    /// `du_…`.
    pub id: String,
    /// The payment it is about.
    pub intent: String,
    /// The charge it is about.
    pub charge: String,
    /// How much of it, in the currency's smallest unit.
    pub units: i64,
    /// Currency code in lower case.
    pub currency: String,
    /// Unix seconds.
    pub created: i64,
    /// How it stands.
    pub status: DisputeStatus,
    /// Since when, in Unix seconds.
    pub moved: i64,
}

/// How a dispute of simulated Stripe stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeStatus {
    /// The bank only asks.
    WarningNeedsResponse,
    /// The bank asked, and that was all.
    WarningClosed,
    /// The money is with the bank.
    NeedsResponse,
    /// The same, and the bank has the evidence.
    UnderReview,
    /// The money came back.
    Won,
    /// It stays away.
    Lost,
}

impl DisputeStatus {
    /// As Stripe writes it.
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

    /// Whether the money is away.
    pub fn withholds(self) -> bool {
        matches!(self, Self::NeedsResponse | Self::UnderReview | Self::Lost)
    }
}

/// The first answer to a request with an idempotency key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptAnswer {
    /// Path and form of the request.
    pub request: String,
    /// What was answered.
    pub answer: Value,
}

/// A payment of the simulated Zpay gateway.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trade {
    /// The gateway's number.
    pub trade_no: String,
    /// The merchant's.
    pub out_trade_no: String,
    /// `alipay`, `wxpay`.
    pub method: String,
    /// What the payer reads.
    pub name: String,
    /// What is to be paid; what was paid, once it was.
    pub money: PayMoney,
    /// The merchant's own text, given back as it is.
    pub param: String,
    /// Where notifications go.
    pub notify_url: String,
    /// Where the payer comes back to.
    pub return_url: String,
    /// When it was asked for.
    pub added_at: Timestamp,
    /// When it was paid.
    pub ended_at: Option<Timestamp>,
    /// What was given back, each time.
    #[serde(default)]
    pub refunds: Vec<PayMoney>,
}

/// A notification to be made, again and again until it is acknowledged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parcel {
    /// When to try next.
    pub due_at: Timestamp,
    /// How often it was tried.
    pub attempts: usize,
    /// What it says.
    pub content: Content,
}

/// What a notification says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// A Stripe event: signed anew at every attempt.
    Stripe {
        /// The event as it is sent, byte for byte.
        body: String,
    },
    /// A Zpay notification.
    Zpay {
        /// The address with the signed query.
        url: String,
    },
}

impl Book {
    /// Reads the book at `path`; an empty one if there is no file.
    ///
    /// # Rejects
    /// A file that cannot be read or is no book.
    pub fn load(path: &Path) -> io::Result<Self> {
        match std::fs::read(path) {
            Ok(text) => serde_json::from_slice(&text).map_err(io::Error::from),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Writes the book to `path`, whole or not at all.
    ///
    /// # Rejects
    /// Fails when the file cannot be written.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let beside = path.with_extension("new");
        std::fs::write(&beside, serde_json::to_vec(self)?)?;
        std::fs::rename(beside, path)
    }

    /// The next number, never given out again.
    pub(super) fn number(&mut self) -> u64 {
        self.counter = self.counter.saturating_add(1);
        self.counter
    }

    /// A new id: `prefix` and 24 symbols, which sort as the ids were made.
    pub(super) fn id(&mut self, prefix: &str) -> String {
        let number = self.number();
        let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(format!("{prefix}{number}").as_bytes()));
        let symbols: String = hash.chars().take(16).collect();
        format!("{prefix}{number:08}{symbols}")
    }

    /// The payments of `order` at Stripe, in the order in which they were made.
    pub fn payments_of(&self, order: &str) -> Vec<&StripePayment> {
        let names_it = |payment: &&StripePayment| payment.metadata.get("order_id").is_some_and(|named| named == order);
        self.payments.values().filter(names_it).collect()
    }

    /// The latest session that names `order`.
    pub fn session_of(&self, order: &str) -> Option<&Session> {
        let of_order = self.sessions.values().filter(|session| session.reference.as_deref() == Some(order));
        of_order.max_by_key(|session| session.number)
    }

    /// The trade of `order` that a query tells about: the first that was paid, else the latest asked for.
    pub fn trade_of(&self, order: &str) -> Option<&Trade> {
        let of_order = || self.trades.values().filter(|trade| trade.out_trade_no == order);
        let paid = of_order().filter(|trade| trade.ended_at.is_some()).min_by_key(|trade| trade.ended_at);
        paid.or_else(|| of_order().max_by_key(|trade| (trade.added_at, &trade.trade_no)))
    }
}
