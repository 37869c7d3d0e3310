//! Stripe's JSON objects, reduced to the fields that are read.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::event::OrderNames;
use kernel::money::Currency;

/// Payment state of a checkout session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentStatus {
    /// The money was taken.
    Paid,
    /// No money was taken yet.
    Unpaid,
    /// The total is zero.
    NoPaymentRequired,
    /// A state unknown to this client.
    Other(String),
}

impl<'de> Deserialize<'de> for PaymentStatus {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(match String::deserialize(from)?.as_str() {
            "paid" => Self::Paid,
            "unpaid" => Self::Unpaid,
            "no_payment_required" => Self::NoPaymentRequired,
            other => Self::Other(other.to_owned()),
        })
    }
}

/// An id, or the expanded object with that id.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Reference {
    Id(String),
    Expanded { id: String },
}

impl Reference {
    pub(super) fn id(&self) -> &String {
        match self {
            Self::Id(id) | Self::Expanded { id } => id,
        }
    }

    pub(super) fn into_id(self) -> String {
        match self {
            Self::Id(id) | Self::Expanded { id } => id,
        }
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Metadata {
    #[serde(default)]
    pub order_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Session {
    pub id: String,
    pub url: Option<String>,
    pub status: Option<String>,
    #[serde(default)]
    pub mode: Option<String>,
    pub payment_status: PaymentStatus,
    pub payment_intent: Option<Reference>,
    pub client_reference_id: Option<String>,
    #[serde(default)]
    pub metadata: Option<Metadata>,
    pub amount_total: Option<i64>,
    pub currency: Option<String>,
    pub livemode: bool,
}

impl Session {
    pub(super) fn names(&self) -> OrderNames {
        let metadata = self.metadata.as_ref().and_then(|metadata| metadata.order_id.as_deref());
        OrderNames::of([self.client_reference_id.as_deref(), metadata])
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct PaymentIntent {
    pub id: String,
    pub status: String,
    pub amount_received: i64,
    pub currency: String,
    pub created: i64,
    pub livemode: bool,
    #[serde(default)]
    pub metadata: Metadata,
    pub latest_charge: Option<LatestCharge>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum LatestCharge {
    Expanded(Box<Charge>),
    Id(#[allow(dead_code)] String),
}

/// A charge, or the intent that has it.
#[derive(Debug, Deserialize)]
#[serde(tag = "object")]
pub(super) enum Charged {
    #[serde(rename = "payment_intent")]
    Intent { latest_charge: Option<LatestCharge> },
    #[serde(rename = "charge")]
    Charge(Box<Charge>),
}

/// A refund or dispute, of which only the payment is read.
#[derive(Debug, Deserialize)]
pub(super) struct Returned {
    pub id: String,
    pub payment_intent: Option<Reference>,
    pub charge: Option<Reference>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Charge {
    pub id: String,
    pub payment_intent: Option<Reference>,
    pub amount_captured: i64,
    pub amount_refunded: i64,
    pub currency: String,
    pub created: i64,
    #[serde(default)]
    pub paid: bool,
    #[serde(default)]
    pub livemode: bool,
    #[serde(default)]
    pub disputed: bool,
    #[serde(default)]
    pub metadata: Metadata,
    #[serde(default)]
    pub refunds: Option<List<Refund>>,
    #[serde(default)]
    pub balance_transaction: Option<BalanceTransaction>,
}

/// Movement of the account's balance; an event holds only its id.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum BalanceTransaction {
    Made { created: i64 },
    Id(#[allow(dead_code)] String),
}

impl Charge {
    /// Time at which the money was available, whoever finds the payment (F5, R5.2).
    ///
    /// A delayed method has its balance transaction once it succeeds, days after the charge was created.
    pub(super) fn available_at(&self) -> Option<Timestamp> {
        match self.balance_transaction {
            Some(BalanceTransaction::Made { created }) => time(created),
            Some(BalanceTransaction::Id(_)) | None => time(self.created),
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct List<T> {
    pub data: Vec<T>,
    #[serde(default)]
    pub has_more: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Refund {
    pub id: String,
    pub payment_intent: Option<Reference>,
    pub charge: Option<Reference>,
    pub amount: i64,
    pub currency: String,
    pub status: Option<String>,
    pub created: i64,
    #[serde(default)]
    pub metadata: Option<RefundMetadata>,
}

/// Metadata set by our refund request.
#[derive(Debug, Default, Deserialize)]
pub(super) struct RefundMetadata {
    #[serde(default)]
    pub refund_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Dispute {
    pub id: String,
    pub payment_intent: Option<Reference>,
    pub charge: Reference,
    pub amount: i64,
    pub currency: String,
    pub status: String,
    pub created: i64,
}

/// Body of an error response.
#[derive(Debug, Deserialize)]
pub(super) struct Failure {
    pub error: FailureDetail,
}

#[derive(Debug, Deserialize)]
pub(super) struct FailureDetail {
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    #[serde(default)]
    pub message: Option<String>,
    #[serde(default)]
    pub code: Option<String>,
}

/// Converts a Unix time in seconds.
pub(super) fn time(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_second(seconds).ok()
}

/// Parses a currency code, which Stripe writes in lower case.
pub(super) fn currency(code: &str) -> Option<Currency> {
    Currency::parse(&code.to_ascii_uppercase())
}
