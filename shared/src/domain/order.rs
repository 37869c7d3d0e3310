//! Orders: top-up payment orders, with everything that was decided when they were made (R4.1–R4.4).

use std::fmt;

use jiff::{Timestamp, ToSpan};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::id::{OrderId, UserId};
use super::money::{LedgerMoney, MoneyError, PayMoney, Rounding, plain_decimal};
use super::promotion::{OrderTier, Promotion};
use super::refusal::Refusal;
use super::settings::PaymentSettings;

/// Who takes the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Stripe Checkout.
    Stripe,
    /// A Zpay (epay) gateway.
    Zpay,
}

impl Provider {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Stripe, Self::Zpay];

    /// The provider as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stripe => "stripe",
            Self::Zpay => "zpay",
        }
    }

    /// The provider that is written so.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.as_str() == text)
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where an order stands (R4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Waiting for the payment.
    Pending,
    /// Captured, and nothing of it taken back.
    Paid,
    /// The provider refused it or could not be asked, or the payment failed.
    Failed,
    /// Not paid in time.
    Expired,
    /// Given up by the user.
    Cancelled,
    /// Captured, with an open dispute.
    Disputed,
    /// Captured, and a part given back.
    PartiallyRefunded,
    /// Captured, and all given back.
    Refunded,
}

impl OrderStatus {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Paid,
        Self::Failed,
        Self::Expired,
        Self::Cancelled,
        Self::Disputed,
        Self::PartiallyRefunded,
        Self::Refunded,
    ];

    /// Whether the provider took the money.
    pub fn is_captured(self) -> bool {
        matches!(self, Self::Paid | Self::Disputed | Self::PartiallyRefunded | Self::Refunded)
    }

    /// Whether an order may go from this state to `next`: out of `pending` once, out of every unpaid state into the
    /// captured ones (a late payment), and freely among those, never back.
    pub fn may_become(self, next: Self) -> bool {
        self != next && (next.is_captured() || (self == Self::Pending && next != Self::Pending))
    }

    /// The state as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Disputed => "disputed",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
        }
    }

    /// The state that is written so.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// Why an order failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// The provider said no.
    ProviderRefused,
    /// The provider could not be asked.
    ProviderUnavailable,
}

/// Why an order failed, for its user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Stable code.
    pub code: FailureCode,
    /// In the provider's words, without secrets.
    pub detail: String,
}

/// The inviter's terms when the order was made: what commission on it will be computed from (R6.3).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AffiliateTerms {
    /// Part of the credit that is commission.
    #[serde(with = "crate::domain::decimal")]
    pub rate: Decimal,
    /// How many orders of the invitee earn.
    pub limit: u32,
    /// Hours until it is available.
    pub hold_hours: u32,
    /// Most per invitee, in ledger currency; 0 is no cap.
    #[serde(with = "crate::domain::decimal")]
    pub cap: Decimal,
    /// Days after binding in which orders earn; 0 is for ever.
    pub valid_days: u32,
}

/// A top-up payment order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Its id, which is the provider's reference too.
    pub id: OrderId,
    /// Who pays.
    pub user: UserId,
    /// Where it stands.
    pub status: OrderStatus,
    /// Who takes the money.
    pub provider: Provider,
    /// By which of the provider's methods.
    pub method: String,
    /// What was ordered, in pay currency.
    pub amount: PayMoney,
    /// What is charged after discount.
    pub charge: PayMoney,
    /// What it buys.
    pub credit: LedgerMoney,
    /// Pay-currency units for one ledger unit.
    #[serde(with = "crate::domain::decimal")]
    pub exchange_rate: Decimal,
    /// What part of the amount is charged.
    #[serde(with = "crate::domain::decimal")]
    pub discount_rate: Decimal,
    /// The promotion tier it was made in (R5.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<OrderTier>,
    /// Who invited the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inviter: Option<UserId>,
    /// On which terms the inviter earns; none when the programme was off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<AffiliateTerms>,
    /// Where to pay, where it can't be made from the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pay_url: Option<String>,
    /// What a QR code holds, where it is not where to pay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qr_content: Option<String>,
    /// The provider's own id of the order (Stripe: its session).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_ref: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it can be paid.
    pub expires_at: Timestamp,
    /// What its payment settled, once it was captured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid: Option<Paid>,
    /// The provider's payment; none while it was completed by hand and not told yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
    /// From where it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ip: Option<String>,
    /// With what it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// What the capture of an order's payment settled.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Paid {
    /// When the provider took the money.
    pub at: Timestamp,
    /// Whether that was after the order had left `pending` or expired.
    pub late: bool,
    /// The whole bonus, before refunds.
    pub bonus: LedgerMoney,
    /// What is left of the charge.
    pub net: PayMoney,
}

/// The price of an order, to be snapshotted on it (R4.1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// What is ordered.
    pub amount: PayMoney,
    /// What is charged.
    pub charge: PayMoney,
    /// What it buys.
    pub credit: LedgerMoney,
}

/// What a user wants to buy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// A configured offer, by its id.
    Offer(&'a str),
    /// A custom amount, as it was written.
    Amount(&'a str),
}

/// Prices an order: credit rounds down, the charge rounds up (R4.1, R1.3).
///
/// # Refuses
/// With the field's pointer: an unknown offer; an amount that is not plain, has more digits than the currency, or is outside
/// min and max; an amount that buys nothing.
pub fn price(settings: &PaymentSettings, wanted: Wanted<'_>) -> Result<Price, Refusal> {
    let (pointer, amount) = match wanted {
        Wanted::Offer(id) => {
            let offer = settings.offers.iter().find(|offer| offer.id == id);
            let unknown = || Refusal::field("/offer_id", "unknown_offer", "One of the offers of /v1/payment/config.");
            ("/offer_id", offer.ok_or_else(unknown)?.amount)
        }
        Wanted::Amount(text) => ("/amount", custom(settings, text)?),
    };
    let refused = |error: MoneyError| Refusal::field(pointer, "out_of_range", error.to_string());
    let price = quote(settings, amount).map_err(refused)?;
    if !price.credit.is_positive() {
        return Err(Refusal::field(pointer, "out_of_range", "This amount buys nothing."));
    }
    Ok(price)
}

/// The price of an amount.
///
/// # Refuses
/// Overflow, and more digits than the currency has.
pub fn quote(settings: &PaymentSettings, amount: Decimal) -> Result<Price, MoneyError> {
    let amount = PayMoney::exact(amount, settings.pay_currency)?;
    let charge = amount.times(settings.discount_rate, Rounding::Up)?;
    let credit = amount.bought_at(settings.exchange_rate, settings.ledger_currency)?;
    Ok(Price { amount, charge, credit })
}

fn custom(settings: &PaymentSettings, text: &str) -> Result<Decimal, Refusal> {
    let digits = settings.pay_currency.digits();
    let currency = settings.pay_currency;
    let plain = plain_decimal(text, digits).ok_or_else(|| {
        let detail = format!("A plain decimal in {currency} with at most {digits} fractional digits.");
        Refusal::field("/amount", "not_a_decimal", detail)
    })?;
    if plain < settings.min_amount || plain > settings.max_amount {
        let detail = format!("From {} to {} {currency}.", settings.min_amount, settings.max_amount);
        return Err(Refusal::field("/amount", "out_of_range", detail));
    }
    Ok(plain)
}

/// When an order that is made now expires.
pub fn expiry(settings: &PaymentSettings, now: Timestamp) -> Timestamp {
    now.checked_add(i64::from(settings.order_expire_minutes).minutes()).unwrap_or(now)
}

/// The promotion tier of an order that is made now (R5.2).
pub fn tier(promotion: Option<&Promotion>, amount: PayMoney, now: Timestamp) -> Option<OrderTier> {
    promotion.filter(|promotion| promotion.used.is_none())?.tier_for(amount, now)
}

impl Order {
    /// The bonus that the snapshot would give, or the one that was given.
    ///
    /// # Refuses
    /// Overflow.
    pub fn bonus(&self) -> Result<LedgerMoney, MoneyError> {
        match (self.paid, self.tier) {
            (Some(paid), _) => Ok(paid.bonus),
            (None, Some(tier)) => tier.bonus(self.credit),
            (None, None) => Ok(LedgerMoney::zero(self.credit.currency())),
        }
    }

    /// What is left of the charge: nothing before the capture.
    pub fn net(&self) -> PayMoney {
        self.paid.map_or(PayMoney::zero(self.charge.currency()), |paid| paid.net)
    }

    /// This order in another state.
    ///
    /// # Refuses
    /// [`Refusal::OrderNotPending`] for a move that no rule allows.
    pub fn moved(&self, next: OrderStatus) -> Result<Self, Refusal> {
        if !self.status.may_become(next) {
            return Err(Refusal::OrderNotPending);
        }
        Ok(Self { status: next, ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::money::Currency;

    fn decimal(text: &str) -> Decimal {
        Decimal::from_str_exact(text).unwrap()
    }

    /// R4.1: ¥100 at 7.2 buys 13.88888888 USD.
    #[test]
    fn a_hundred_yuan_at_seven_point_two_buys_thirteen_dollars_eighty_eight() {
        let price = price(&PaymentSettings::default(), Wanted::Offer("o100")).unwrap();
        assert_eq!(price.amount.to_string(), "100.00 CNY");
        assert_eq!(price.charge.to_string(), "100.00 CNY");
        assert_eq!(price.credit.to_string(), "13.88888888 USD");
    }

    /// R4.1, R1.3: the charge after discount rounds up to the currency's digits.
    #[test]
    fn a_discounted_charge_rounds_up() {
        let settings = PaymentSettings { discount_rate: decimal("0.333"), ..PaymentSettings::default() };
        let priced = price(&settings, Wanted::Amount("10.01")).unwrap();
        assert_eq!(priced.charge.to_string(), "3.34 CNY");
        assert_eq!(priced.credit.to_string(), "1.39027777 USD");
    }

    /// R4.2, R1.2: an amount that is not a plain decimal within the limits is refused with its pointer.
    #[test]
    fn an_amount_outside_the_limits_is_refused_with_its_pointer() {
        let forty = "9".repeat(40);
        for bad in ["0", "0.99", "10000.01", "-1", "+1", "1e2", "NaN", "１０", "1.001", "01", "", &forty] {
            let refusal = price(&PaymentSettings::default(), Wanted::Amount(bad)).unwrap_err();
            let Refusal::Invalid(errors) = refusal else { unreachable!("{bad}") };
            assert_eq!(errors.first().map(|error| error.pointer.as_str()), Some("/amount"), "{bad}");
        }
        for good in ["1", "1.00", "10000", "9999.99"] {
            assert!(price(&PaymentSettings::default(), Wanted::Amount(good)).is_ok(), "{good}");
        }
        assert!(price(&PaymentSettings::default(), Wanted::Offer("o1")).is_err());
    }

    /// R1.1: a currency without fractions takes none.
    #[test]
    fn yen_have_no_fractions() {
        let jpy = Currency::parse("JPY").unwrap();
        let settings = PaymentSettings { pay_currency: jpy, ..PaymentSettings::default() };
        assert!(price(&settings, Wanted::Amount("100.5")).is_err());
        assert_eq!(price(&settings, Wanted::Amount("100")).unwrap().charge.to_string(), "100 JPY");
    }

    /// R4.4: the table of legal moves.
    #[test]
    fn an_order_moves_only_as_the_rules_allow() {
        use OrderStatus::{Cancelled, Disputed, Expired, Failed, Paid, PartiallyRefunded, Pending, Refunded};
        let captured = [Paid, Disputed, PartiallyRefunded, Refunded];
        for from in OrderStatus::ALL {
            for to in OrderStatus::ALL {
                let legal = match (from, to) {
                    (from, to) if from == to => false,
                    (_, to) if captured.contains(&to) => true,
                    (Pending, Failed | Expired | Cancelled) => true,
                    _ => false,
                };
                assert_eq!(from.may_become(to), legal, "{from:?} to {to:?}");
            }
        }
    }
}
