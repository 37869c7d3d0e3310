//! Coupons: a code that takes something off an order's charge, or adds to its credit (R12.2).
//!
//! A coupon is a setting as offers are: one place to change it, with versions, reasons and an audit record. What it did is a snapshot
//! on the order ([`OrderCoupon`]), so a later change of the coupon changes no order.
//!
//! An order reserves a use in its own transaction, and gives it back in the one that ends it unpaid. Uses of a coupon with a total
//! are counted on [`CouponUses`], a user's uses on the user's order window; neither ever counts more than the limit allows. A payment
//! that comes after the use was given back is credited with what its charge buys without the coupon: the coupon has lapsed.

use std::fmt;

use jiff::Timestamp;
use kernel::money::{AMOUNT_MAX, Currency, LedgerMoney, MoneyError, PayMoney};
use kernel::refusal::Refusal;
use kernel::settings::{Checks, Decimals, Period, Text};
use kernel::text_enum;
use kernel::typed;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::payment::model::bonus::{AmountOrPercent, OfferedBonus};
use crate::payment::model::order::{Order, OrderStatus, OrderWindow};
use crate::payment::model::payment::target;
use crate::payment::model::price::Quote;

/// Most coupons of a deployment.
pub const COUPONS_MAX: usize = 100;

/// Code of a coupon, in capitals: 1–32 letters, digits, `_` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CouponCode(String);

impl CouponCode {
    /// Parses a code as typed, without regard to case, white space and kinds of dashes.
    pub fn parse(text: &str) -> Option<Self> {
        let code = typed::identifier(text)?.to_ascii_uppercase();
        let known = |symbol: u8| symbol.is_ascii_alphanumeric() || symbol == b'_' || symbol == b'-';
        (!code.is_empty() && code.len() <= 32 && code.bytes().all(known)).then_some(Self(code))
    }

    /// Reads the code that an order names.
    ///
    /// # Rejects
    /// [`Refusal::Invalid`] at `/coupon` for a text that is none.
    pub fn read(text: &str) -> Result<Self, Refusal> {
        Self::parse(text).ok_or_else(unknown)
    }
}

impl fmt::Display for CouponCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

kernel::as_text!(CouponCode, "not the code of a coupon");

kernel::settings! {
    /// A coupon (R12.2).
    pub struct Coupon {
        code: String = "COUPON".to_owned(), in Text::Name, "Users enter it; capitals do not matter";
        discount: AmountOrPercent = AmountOrPercent::None, unit "pay currency", note "less than 100 %",
            "Off the charge: an amount, 5, or a part of it, 10%";
        bonus: AmountOrPercent = AmountOrPercent::None, unit "ledger currency", "Extra credit: an amount, 5, or a part of the credit, 10%";
        starts_at: Option<Timestamp> = None, "Nobody can use it before; `null` is no start";
        ends_at: Option<Timestamp> = None, note "after `starts_at`", "Nobody can use it from then on; `null` is no end";
        min_amount: Decimal = Decimal::ZERO, in Decimals::between(Decimal::ZERO, AMOUNT_MAX), unit "pay currency",
            "The least amount of an order that can use it";
        offers: String = String::new(), in Text::Label(200), "Ids of the offers that can use it, separated by commas; empty is any amount";
        total: u32 = 0, unit "orders", "Most orders that use it; 0 is no limit, and they are not counted";
        per_user: u32 = 1, unit "orders", "Most orders of one user that use it; 0 is no limit";
        first_order: bool = false, "Only users without a paid order can use it, and one such coupon in all";
        paused: bool = false, "Nobody can use it for now";
    }
}

/// Standing of a coupon at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CouponStanding {
    Valid,
    Paused,
    /// It begins later.
    Later,
    /// It has ended.
    Over,
}

impl Coupon {
    /// Code in capitals; `None` if the settings hold one that is none, which their check excludes.
    pub fn code(&self) -> Option<CouponCode> {
        CouponCode::parse(&self.code)
    }

    /// Ids of the offers that can use it; none is any amount.
    pub fn offer_ids(&self) -> impl Iterator<Item = &str> {
        self.offers.split(',').map(str::trim).filter(|id| !id.is_empty())
    }

    /// Requires that it does something, less than all of the charge, and ends after its start.
    pub fn check_across(&self, currency: Currency, checks: &mut Checks) {
        match self.discount {
            AmountOrPercent::None if self.bonus == AmountOrPercent::None => {
                checks.add("/discount", "no_effect", "a discount, or a bonus");
            }
            AmountOrPercent::Percent(percent) if percent >= Decimal::ONE_HUNDRED => {
                checks.add("/discount", "out_of_range", "less than 100 %");
            }
            AmountOrPercent::Amount(amount) => checks.digits("/discount", amount, currency.digits()),
            AmountOrPercent::None | AmountOrPercent::Percent(_) => {}
        }
        checks.digits("/min_amount", self.min_amount, currency.digits());
        self.period().check(checks);
    }

    /// Returns whether it can be used at `now`.
    pub fn standing(&self, now: Timestamp) -> CouponStanding {
        if self.paused {
            CouponStanding::Paused
        } else if self.starts_at.is_some_and(|starts_at| now < starts_at) {
            CouponStanding::Later
        } else if self.period().includes(now) {
            CouponStanding::Valid
        } else {
            CouponStanding::Over
        }
    }

    fn period(&self) -> Period {
        Period { starts_at: self.starts_at, ends_at: self.ends_at }
    }

    /// Requires that an order of this amount, for this offer if it is one, can use the coupon now.
    ///
    /// # Rejects
    /// [`Refusal::Invalid`] at `/coupon`.
    fn must_fit(&self, offer: Option<&str>, amount: PayMoney, now: Timestamp) -> Result<(), Refusal> {
        match self.standing(now) {
            CouponStanding::Valid => {}
            CouponStanding::Paused | CouponStanding::Later => {
                return Err(refused("not_valid_now", "A coupon that can be used now."));
            }
            CouponStanding::Over => return Err(refused("expired", "A coupon that has not expired.")),
        }
        if self.offer_ids().next().is_some() && !self.offer_ids().any(|id| Some(id) == offer) {
            return Err(refused("other_offer", format!("It is for the offers {}.", self.offers)));
        }
        if amount.amount() < self.min_amount {
            return Err(refused("below_minimum", format!("It is for amounts from {}.", self.min_amount)));
        }
        Ok(())
    }

    /// The quote with the coupon.
    ///
    /// # Rejects
    /// [`Refusal::Invalid`] at `/coupon` if it does not fit the order, or leaves nothing to pay.
    pub fn on(&self, quote: Quote, offer: Option<&str>, now: Timestamp) -> Result<Quote, Refusal> {
        self.must_fit(offer, quote.amount, now)?;
        let nothing = || refused("nothing_to_pay", "An order that costs more than the coupon takes off.");
        let code = self.code().ok_or_else(unknown)?;
        let (discount, bonus) = self.effect(&quote).map_err(|_| nothing())?;
        let charge = quote.charge.minus(discount).ok().filter(|charge| charge.is_positive()).ok_or_else(nothing)?;
        let coupon = OrderCoupon {
            code,
            discount,
            bonus,
            state: CouponState::Reserved,
            is_counted: self.total > 0,
            promised: None,
        };
        Ok(Quote { charge, coupon: Some(coupon), ..quote })
    }

    fn effect(&self, quote: &Quote) -> Result<(PayMoney, LedgerMoney), MoneyError> {
        Ok((self.discount.on(quote.charge)?, self.bonus.on(quote.credit)?))
    }
}

/// A refusal of the coupon that an order names.
pub fn refused(code: &'static str, detail: impl Into<String>) -> Refusal {
    Refusal::field("/coupon", code, detail)
}

/// The refusal of a coupon that does not exist.
pub fn unknown() -> Refusal {
    refused("unknown", "The code of a coupon.")
}

text_enum! {
    /// State of an order's coupon.
    pub enum CouponState {
        /// The order is open, and holds a use.
        Reserved = "reserved",
        /// The order was paid with it.
        Used = "used",
        /// The order ended unpaid, and gave its use back.
        Released = "released",
        /// The order was paid after that, without it.
        Lapsed = "lapsed",
    }
}

/// Coupon of an order: what it does, as of the order's creation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderCoupon {
    pub code: CouponCode,
    /// Taken off the charge; it is in the order's charge.
    pub discount: PayMoney,
    /// Extra credit, beside the order's credit.
    pub bonus: LedgerMoney,
    pub state: CouponState,
    /// True if its use is counted on [`CouponUses`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_counted: bool,
    /// Credit that the charge was to buy with the coupon, if it has lapsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised: Option<PromisedCredit>,
}

impl OrderCoupon {
    /// True while the order has a use of the coupon, and its bonus.
    pub fn holds_use(&self) -> bool {
        matches!(self.state, CouponState::Reserved | CouponState::Used)
    }
}

/// Credit and bonus of an order's amount with a coupon that has lapsed since.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PromisedCredit {
    pub credit: LedgerMoney,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered_bonus: Option<OfferedBonus>,
}

/// Uses of a coupon with a total: orders that are open or paid with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CouponUses {
    pub code: CouponCode,
    /// Total of the coupon at the last use.
    pub own_uses: u64,
    pub used: u64,
    /// The same total: a use is counted only under the one that was read.
    pub edition: u64,
}

impl CouponUses {
    /// Returns the uses of a coupon without any.
    pub fn none(code: CouponCode, total: u32) -> Self {
        Self { code, own_uses: total.into(), used: 0, edition: total.into() }
    }
}

/// Uses of a coupon by one user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CouponCount {
    pub code: CouponCode,
    /// Orders of the user that are open or paid with it.
    pub uses: u32,
}

impl OrderWindow {
    /// Number of the user's open and paid orders with a coupon.
    pub fn uses_of(&self, code: &CouponCode) -> u32 {
        self.coupons.iter().find(|count| count.code == *code).map_or(0, |count| count.uses)
    }

    /// Requires that the user may use the coupon once more; `others` are the coupons that are for first orders.
    ///
    /// # Rejects
    /// [`Refusal::Invalid`] at `/coupon`.
    pub fn must_allow(&self, coupon: &Coupon, code: &CouponCode, all: &[Coupon]) -> Result<(), Refusal> {
        if coupon.per_user > 0 && self.uses_of(code) >= coupon.per_user {
            return Err(refused("user_limit", format!("You can use it {} times.", coupon.per_user)));
        }
        let mut of_first = all.iter().filter(|one| one.first_order).filter_map(Coupon::code);
        if coupon.first_order && of_first.any(|one| self.uses_of(&one) > 0) {
            return Err(refused("first_order_only", "It is for the first order."));
        }
        Ok(())
    }

    /// The window with one use more.
    pub fn with_use(mut self, code: &CouponCode) -> Self {
        match self.coupons.iter_mut().find(|count| count.code == *code) {
            Some(count) => count.uses = count.uses.saturating_add(1),
            None => self.coupons.push(CouponCount { code: code.clone(), uses: 1 }),
        }
        self
    }

    /// The window with one use less.
    pub fn without_use(mut self, code: &CouponCode) -> Self {
        for count in self.coupons.iter_mut().filter(|count| count.code == *code) {
            count.uses = count.uses.saturating_sub(1);
        }
        self.coupons.retain(|count| count.uses > 0);
        self
    }
}

impl Order {
    /// Returns the coupon whose use the order still has, and no longer needs: it has ended, and no payment is being processed.
    pub fn leaves_coupon(&self) -> Option<&OrderCoupon> {
        let held = self.coupon.as_ref().filter(|coupon| coupon.state == CouponState::Reserved);
        held.filter(|_| self.status != OrderStatus::Pending && !self.status.is_captured() && !self.is_processing())
    }

    /// The order with its coupon in another state.
    pub fn with_coupon_state(self, state: CouponState) -> Self {
        Self { coupon: self.coupon.map(|coupon| OrderCoupon { state, ..coupon }), ..self }
    }

    /// The order as a payment finds it: its coupon is used, or has lapsed if the order had given its use back.
    ///
    /// Without the coupon the charge buys a part of the credit: as much as it is of the charge without the discount, rounded down.
    ///
    /// # Rejects
    /// Overflow.
    pub fn coupon_settled(&self) -> Result<Self, MoneyError> {
        let Some(coupon) = &self.coupon else { return Ok(self.clone()) };
        if coupon.state != CouponState::Released {
            return Ok(self.clone().with_coupon_state(CouponState::Used));
        }
        let whole = self.charge.plus(coupon.discount)?;
        let part = |amount: LedgerMoney| target(amount, self.charge, whole);
        let promised = PromisedCredit { credit: self.credit, offered_bonus: self.offered_bonus };
        let lapsed = OrderCoupon { state: CouponState::Lapsed, promised: Some(promised), ..coupon.clone() };
        let offered = |of: OfferedBonus| Ok(OfferedBonus { amount: part(of.amount)?, ..of });
        Ok(Self {
            credit: part(self.credit)?,
            offered_bonus: self.offered_bonus.map(offered).transpose()?,
            coupon: Some(lapsed),
            ..self.clone()
        })
    }

    /// The order as it was made, whatever its coupon has come to since.
    pub fn coupon_as_made(self) -> Self {
        let state = if self.status == OrderStatus::Failed { CouponState::Released } else { CouponState::Reserved };
        let promised = self.coupon.as_ref().and_then(|coupon| coupon.promised);
        let coupon = self.coupon.map(|coupon| OrderCoupon { state, promised: None, ..coupon });
        match promised {
            Some(PromisedCredit { credit, offered_bonus }) => Self { credit, offered_bonus, coupon, ..self },
            None => Self { coupon, ..self },
        }
    }

    /// Credit of the order as it was made, also if its coupon has lapsed since.
    pub fn credit_as_made(&self) -> LedgerMoney {
        self.coupon.as_ref().and_then(|coupon| coupon.promised).map_or(self.credit, |promised| promised.credit)
    }

    /// Bonus of the coupon that follows the net; zero once it has lapsed, or was given back.
    pub fn coupon_bonus(&self) -> LedgerMoney {
        let bonus = self.coupon.as_ref().filter(|coupon| coupon.holds_use()).map(|coupon| coupon.bonus);
        bonus.unwrap_or(LedgerMoney::zero(self.credit.currency()))
    }
}

#[cfg(test)]
mod tests;
