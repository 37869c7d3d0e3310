//! Price of an order: what an amount buys now, and what is charged for it (R4.1, R12.1, R12.2).

use jiff::{SignedDuration, Timestamp};
use kernel::money::{LedgerMoney, MoneyError, PayMoney, Rounding, plain_decimal};
use kernel::refusal::Refusal;
use rust_decimal::Decimal;

use crate::payment::model::bonus::{AmountBonus, OfferedBonus};
use crate::payment::model::coupon::{CouponCode, OrderCoupon};
use crate::payment::model::order::bonuses;
use crate::payment::model::promotion::{OrderTier, Promotion};
use crate::payment::model::settings::{Offer, PaymentSettings};

/// Amount of a requested top-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopUp {
    /// Id of a configured offer.
    Offer(String),
    /// Amount in pay currency, as entered.
    Amount(String),
}

/// A price, as an order snapshots it.
#[derive(Debug, Clone, PartialEq)]
pub struct Quote {
    /// Requested amount, before discount.
    pub amount: PayMoney,
    /// Amount to pay, after discount and coupon.
    pub charge: PayMoney,
    /// Credit bought, without bonus.
    pub credit: LedgerMoney,
    /// Units of pay currency per unit of ledger currency.
    pub exchange_rate: Decimal,
    /// Charged fraction of the amount.
    pub discount_rate: Decimal,
    /// Promotion tier at the time of the quote.
    pub promotion: Option<OrderTier>,
    /// Bonus of the offer or amount.
    pub offered_bonus: Option<OfferedBonus>,
    /// Coupon, with what it does.
    pub coupon: Option<OrderCoupon>,
    /// Expiry of an order created now.
    pub expires_at: Timestamp,
}

impl Quote {
    /// Bonuses of the promotion and of the amount that a payment now would get.
    ///
    /// # Rejects
    /// Overflow.
    pub fn bonuses(&self) -> Result<(LedgerMoney, LedgerMoney), MoneyError> {
        bonuses(self.credit, self.promotion, self.offered_bonus)
    }

    /// Bonus of the coupon.
    pub fn coupon_bonus(&self) -> LedgerMoney {
        self.coupon.as_ref().map_or(LedgerMoney::zero(self.credit.currency()), |coupon| coupon.bonus)
    }

    /// Credit and bonuses together.
    ///
    /// # Rejects
    /// Overflow.
    pub fn total(&self) -> Result<LedgerMoney, MoneyError> {
        let (promotion, amount) = self.bonuses()?;
        self.credit.plus(promotion)?.plus(amount)?.plus(self.coupon_bonus())
    }
}

/// Prices an order (R4.1, R12.2): the credit is rounded down, the charge up.
///
/// # Rejects
/// [`Refusal::ProgrammeOff`] while top-ups are off. [`Refusal::Invalid`] at `/amount` or `/offer_id` for an unknown offer, an
/// amount outside the limits, or one that is no plain decimal with the currency's digits; at `/coupon` for a coupon that is
/// unknown or does not fit the order.
pub fn price(
    settings: &PaymentSettings,
    ask: &TopUp,
    coupon: Option<&CouponCode>,
    promotion: Option<&Promotion>,
    now: Timestamp,
) -> Result<Quote, Refusal> {
    if !settings.enabled {
        return Err(Refusal::ProgrammeOff);
    }
    let (pointer, wanted, offer) = wanted(settings, ask)?;
    let limits = || format!("from {} to {}", settings.min_amount, settings.max_amount);
    let out_of_range = || Refusal::field(pointer, "out_of_range", limits());
    if wanted < settings.min_amount || wanted > settings.max_amount {
        return Err(out_of_range());
    }
    let amount = PayMoney::exact(wanted, settings.pay_currency).map_err(|_| out_of_range())?;
    let bonus = settings.bonus_of(offer, wanted);
    let quote = quote(settings, amount, bonus, promotion, now).map_err(|_| out_of_range())?;
    match coupon {
        Some(code) => settings.coupon(code)?.on(quote, offer.map(|offer| offer.id.as_str()), now),
        None => Ok(quote),
    }
}

/// The amount that is asked for, where the request names it, and the offer if it is one.
fn wanted<'a>(
    settings: &'a PaymentSettings,
    ask: &TopUp,
) -> Result<(&'static str, Decimal, Option<&'a Offer>), Refusal> {
    match ask {
        TopUp::Offer(id) => match settings.offers.iter().find(|offer| offer.id == *id) {
            Some(offer) => Ok(("/offer_id", offer.amount, Some(offer))),
            None => {
                let known: Vec<&str> = settings.offers.iter().map(|offer| offer.id.as_str()).collect();
                Err(Refusal::field("/offer_id", "unknown_offer", format!("One of {}.", known.join(", "))))
            }
        },
        TopUp::Amount(text) => {
            let digits = settings.pay_currency.digits();
            let detail = || format!("a plain decimal with at most {digits} fractional digits");
            let wanted = plain_decimal(text, digits);
            Ok(("/amount", wanted.ok_or_else(|| Refusal::field("/amount", "not_a_decimal", detail()))?, None))
        }
    }
}

/// Price of an amount, regardless of the limits.
///
/// Also gives the price of each offer on the payment page.
///
/// # Rejects
/// Overflow.
pub fn quote(
    settings: &PaymentSettings,
    amount: PayMoney,
    bonus: Option<AmountBonus>,
    promotion: Option<&Promotion>,
    now: Timestamp,
) -> Result<Quote, MoneyError> {
    let credit = amount.bought_at(settings.exchange_rate, settings.ledger_currency)?;
    let lifetime = SignedDuration::from_mins(i64::from(settings.order_expire_minutes));
    Ok(Quote {
        amount,
        charge: amount.times(settings.discount_rate, Rounding::Up)?,
        credit,
        exchange_rate: settings.exchange_rate,
        discount_rate: settings.discount_rate,
        promotion: promotion.and_then(|promotion| promotion.tier_for(amount, now)),
        offered_bonus: bonus.map_or(Ok(None), |bonus| bonus.on(credit))?,
        coupon: None,
        expires_at: now.checked_add(lifetime).unwrap_or(Timestamp::MAX),
    })
}
