//! An order: a user's wish to top up, priced once (R4.1–R4.4).
//!
//! Everything its price depended on is snapshotted on it, so that crediting it reads no settings. Its state before payment
//! is its own; after payment it is that of the provider's net (R4.4). Stored as one item of about 1 KB.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::operations::model::settings::PaymentSettings;
use crate::payment::model::promotion::{OrderTier, Promotion};
use kernel::id::{AgencyOrderId, JournalId, OrderId, ShopId, UserId};
use kernel::money::{LedgerMoney, MoneyError, PayMoney, Rounding, plain_decimal};
use kernel::provider::Provider;
use kernel::refusal::Refusal;
use kernel::text_enum;

/// The window in which a user's orders are counted (R4.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderWindow {
    /// Whose.
    pub user: UserId,
    /// When its first order was made.
    pub started_at: Timestamp,
    /// How many were made since.
    pub orders: u32,
}

text_enum! {
    /// Where an order stands (R4.4).
    pub enum OrderStatus {
        /// Waiting for the money.
        Pending = "pending",
        /// The net is the charge.
        Paid = "paid",
        /// The provider refused it, or the payment failed.
        Failed = "failed",
        /// Nobody paid in time.
        Expired = "expired",
        /// The user gave up.
        Cancelled = "cancelled",
        /// A dispute is open.
        Disputed = "disputed",
        /// A part of the charge went back.
        PartiallyRefunded = "partially_refunded",
        /// All of the charge went back.
        Refunded = "refunded",
    }
}

impl OrderStatus {
    /// Whether the money was taken: the state is that of the net.
    pub fn is_captured(self) -> bool {
        matches!(self, Self::Paid | Self::Disputed | Self::PartiallyRefunded | Self::Refunded)
    }

    /// Whether an order may move from here to `next` (R4.4); standing still is no move.
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Pending => self != next,
            Self::Failed | Self::Expired | Self::Cancelled => next.is_captured(),
            Self::Paid | Self::Disputed | Self::PartiallyRefunded | Self::Refunded => {
                self != next && next.is_captured()
            }
        }
    }

    /// The state of a captured order by its net (R4.4).
    ///
    /// # Refuses
    /// Amounts of different currencies.
    pub fn by_net(net: PayMoney, charge: PayMoney, open_dispute: bool) -> Result<Self, MoneyError> {
        Ok(if open_dispute {
            Self::Disputed
        } else if !net.is_positive() {
            Self::Refunded
        } else if net.compare(charge)?.is_lt() {
            Self::PartiallyRefunded
        } else {
            Self::Paid
        })
    }
}

text_enum! {
    /// Why the provider made no payment of an order (R4.3).
    pub enum FailureCode {
        /// It said no.
        ProviderRefused = "provider_refused",
        /// It could not be reached or understood.
        ProviderUnavailable = "provider_unavailable",
    }
}

/// How an order failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind.
    pub code: FailureCode,
    /// What the provider said, for a person.
    pub detail: String,
}

/// The inviter's terms at order creation (R6.3).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AffiliateTerms {
    /// The part of the credit that is commission.
    #[serde(with = "kernel::decimal")]
    pub rate: Decimal,
    /// How many orders of one invitee earn; 0 is no limit.
    pub trigger_limit: u32,
    /// Hours until the commission can be withdrawn.
    pub hold_hours: u32,
    /// The most this invitee earns its inviter; none is no cap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<LedgerMoney>,
    /// Until when orders earn; none is for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
}

/// An agency order that a payment order is for: it credits no balance, and the sale is settled when it is paid (R8.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForAgency {
    /// Which.
    pub order: AgencyOrderId,
    /// The level-1 shop of its tree.
    pub tree: ShopId,
}

/// A payment order: a top-up, or what an agency order is paid by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// Who is credited.
    pub user: UserId,
    /// Where it stands.
    pub status: OrderStatus,
    /// Who takes the money.
    pub provider: Provider,
    /// How: `card`, `alipay` …
    pub method: String,
    /// What was asked for.
    pub amount: PayMoney,
    /// What has to be paid, after discount.
    pub charge: PayMoney,
    /// What it buys, without bonus.
    pub credit: LedgerMoney,
    /// Units of pay currency for one of ledger currency.
    #[serde(with = "kernel::decimal")]
    pub exchange_rate: Decimal,
    /// The part of the amount that is charged.
    #[serde(with = "kernel::decimal")]
    pub discount_rate: Decimal,
    /// The promotion's tier at creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotion: Option<OrderTier>,
    /// Who invited the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inviter: Option<UserId>,
    /// The inviter's terms; none earns no commission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affiliate: Option<AffiliateTerms>,
    /// Where the user pays; none while the order and the deployment say it: see `usecase::pay_page`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pay_url: Option<String>,
    /// Where the payer comes back to, when the settings name a page of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
    /// What a QR code shows, when it is not the pay URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qr_content: Option<String>,
    /// How it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it expires unpaid.
    pub expires_at: Timestamp,
    /// How often its provider was asked about it while no payment was known (R4.10).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub looks: u32,
    /// When the money was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<Timestamp>,
    /// Whether the money came when the order was over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// The provider's name for the order: Stripe's session id, the gateway's trade number from `mapi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_ref: Option<String>,
    /// The provider's payment id; none also for an order completed by hand until the provider confirms it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
    /// The bonus the payment earned, before any refund; none until paid or without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bonus: Option<LedgerMoney>,
    /// What is left of the charge, kept only once it differs from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<PayMoney>,
    /// Whether its payment has refunds, made or asked for: lists look there only then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_refunds: bool,
    /// The journal of its completion by hand, while no payment id was known (R4.12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<JournalId>,
    /// What it pays for, if it tops up nobody's balance (R8.12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agency: Option<ForAgency>,
    /// The address the order came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ip: Option<String>,
    /// The program it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// Seconds after its creation at which an order's provider is asked about it, until it expires (R4.10).
const LOOKS: [i64; 8] = [20, 60, 150, 300, 600, 1_200, 2_400, 4_800];

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Order {
    /// When its provider is asked about it next (R4.10), for the last time as it expires; none when no payment is looked for any
    /// more. Who cancels an order may have paid it, or have its page still open.
    pub fn next_look(&self) -> Option<Timestamp> {
        let at = |seconds: &i64| self.created_at.checked_add(SignedDuration::from_secs(*seconds)).ok();
        let earlier = LOOKS.iter().filter_map(at).filter(|at| *at < self.expires_at);
        let next = earlier.chain([self.expires_at]).nth(usize::try_from(self.looks).unwrap_or(usize::MAX));
        match self.status {
            OrderStatus::Pending => Some(next.unwrap_or(self.expires_at)),
            OrderStatus::Cancelled => next,
            _ => None,
        }
    }

    /// What the provider has taken and not given back.
    pub fn net(&self) -> PayMoney {
        let whole = if self.status.is_captured() { self.charge } else { PayMoney::zero(self.charge.currency()) };
        self.left.unwrap_or(whole)
    }

    /// What a QR code shows.
    pub fn qr_content(&self) -> Option<&str> {
        self.qr_content.as_deref().or(self.pay_url.as_deref())
    }

    /// The bonus: after payment the one earned, before it what the tier on the order would give.
    ///
    /// # Refuses
    /// Overflow.
    pub fn bonus(&self) -> Result<LedgerMoney, MoneyError> {
        let none = LedgerMoney::zero(self.credit.currency());
        match (self.status.is_captured(), self.bonus, self.promotion) {
            (true, earned, _) => Ok(earned.unwrap_or(none)),
            (false, _, Some(tier)) => tier.bonus(self.credit),
            (false, _, None) => Ok(none),
        }
    }

    /// Credit and bonus together.
    ///
    /// # Refuses
    /// Overflow.
    pub fn total(&self) -> Result<LedgerMoney, MoneyError> {
        self.credit.plus(self.bonus()?)
    }
}

/// What somebody wants to top up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopUp {
    /// A configured amount, by its id.
    Offer(String),
    /// An amount in pay currency, as it was written.
    Amount(String),
}

/// A price: what an order snapshots.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quote {
    /// What was asked for.
    pub amount: PayMoney,
    /// What has to be paid.
    pub charge: PayMoney,
    /// What it buys, without bonus.
    pub credit: LedgerMoney,
    /// Units of pay currency for one of ledger currency.
    pub exchange_rate: Decimal,
    /// The part of the amount that is charged.
    pub discount_rate: Decimal,
    /// The promotion's tier now.
    pub promotion: Option<OrderTier>,
    /// When an order made now expires.
    pub expires_at: Timestamp,
}

/// Prices an order (R4.1): credit is rounded down, the charge up.
///
/// # Refuses
/// [`Refusal::ProgrammeOff`] while top-ups are off; [`Refusal::Invalid`] at `/amount` or `/offer_id` for what is not a
/// plain decimal of the currency's digits, not within the limits, or no offer.
pub fn price(
    settings: &PaymentSettings,
    ask: &TopUp,
    promotion: Option<&Promotion>,
    now: Timestamp,
) -> Result<Quote, Refusal> {
    if !settings.enabled {
        return Err(Refusal::ProgrammeOff);
    }
    let (pointer, wanted) = wanted(settings, ask)?;
    let limits = || format!("from {} to {}", settings.min_amount, settings.max_amount);
    let out_of_range = || Refusal::field(pointer, "out_of_range", limits());
    if wanted < settings.min_amount || wanted > settings.max_amount {
        return Err(out_of_range());
    }
    let amount = PayMoney::exact(wanted, settings.pay_currency).map_err(|_| out_of_range())?;
    quote(settings, amount, promotion, now).map_err(|_| out_of_range())
}

fn wanted(settings: &PaymentSettings, ask: &TopUp) -> Result<(&'static str, Decimal), Refusal> {
    match ask {
        TopUp::Offer(id) => match settings.offers.iter().find(|offer| offer.id == *id) {
            Some(offer) => Ok(("/offer_id", offer.amount)),
            None => Err(Refusal::field("/offer_id", "unknown_offer", "one of the offers")),
        },
        TopUp::Amount(text) => {
            let digits = settings.pay_currency.digits();
            let detail = || format!("a plain decimal with at most {digits} fractional digits");
            let wanted = plain_decimal(text, digits);
            Ok(("/amount", wanted.ok_or_else(|| Refusal::field("/amount", "not_a_decimal", detail()))?))
        }
    }
}

/// The price of an amount, whatever its limits: also what the payment page shows of an offer.
///
/// # Refuses
/// Overflow.
pub fn quote(
    settings: &PaymentSettings,
    amount: PayMoney,
    promotion: Option<&Promotion>,
    now: Timestamp,
) -> Result<Quote, MoneyError> {
    let lifetime = SignedDuration::from_mins(i64::from(settings.order_expire_minutes));
    Ok(Quote {
        amount,
        charge: amount.times(settings.discount_rate, Rounding::Up)?,
        credit: amount.bought_at(settings.exchange_rate, settings.ledger_currency)?,
        exchange_rate: settings.exchange_rate,
        discount_rate: settings.discount_rate,
        promotion: promotion.and_then(|promotion| promotion.tier_for(amount, now)),
        expires_at: now.checked_add(lifetime).unwrap_or(Timestamp::MAX),
    })
}

#[cfg(test)]
pub(crate) mod tests;
