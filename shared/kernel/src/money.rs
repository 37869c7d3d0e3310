//! Money: an exact amount in a currency (R1.1–R1.3).
//!
//! Two distinct types keep the two kinds apart. [`LedgerMoney`] has at most eight fractional digits and is written without
//! trailing zeros. [`PayMoney`] is an amount at a provider and has exactly the digits of its ISO 4217 currency. Arithmetic is
//! exact and checked: every product and quotient goes through [`proportion`], which computes on integers and rounds once, in the
//! direction the caller names.

use std::cmp::Ordering;
use std::fmt;
use std::marker::PhantomData;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::typed;

/// Fractional digits of a ledger amount.
pub const LEDGER_DIGITS: u32 = 8;
/// The highest amount that a request or a settings document may name.
pub const AMOUNT_MAX: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// Reason why an amount cannot be made or computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The result does not fit. Nothing is rounded silently.
    #[error("amount out of range")]
    Overflow,
    /// A sum or comparison mixes two currencies.
    #[error("amounts of different currencies")]
    CurrencyMismatch,
    /// More fractional digits than the kind of money carries.
    #[error("more fractional digits than the currency has")]
    TooManyDigits,
    #[error("division by zero")]
    DivisionByZero,
}

/// Rounding direction of an inexact result; every call names it (R1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// Toward zero: credits, bonuses, commissions.
    Down,
    /// Away from zero: fees and amounts due.
    Up,
}

/// An ISO 4217 currency.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// Renminbi.
    pub const CNY: Self = Self(iso_currency::Currency::CNY);
    /// US dollar.
    pub const USD: Self = Self(iso_currency::Currency::USD);

    /// Parses a three-letter upper-case code; `None` for a currency without a defined exponent.
    pub fn parse(code: &str) -> Option<Self> {
        let found = iso_currency::Currency::from_code(code)?;
        (found.code() == code && found.exponent().is_some()).then_some(Self(found))
    }

    /// The three-letter code, `CNY`.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Fractional digits of an amount of this currency at a provider: JPY 0, CNY 2, KWD 3.
    pub fn digits(self) -> u32 {
        self.0.exponent().map_or(0, u32::from)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let code = String::deserialize(from)?;
        Self::parse(&code).ok_or_else(|| de::Error::custom("not a currency code"))
    }
}

/// Number of digits and written form of a kind of money.
pub trait Scale: Copy + fmt::Debug + Eq {
    /// Fractional digits of an amount of `currency`.
    fn digits(currency: Currency) -> u32;
    /// Canonical form of an amount that has at most these digits.
    fn tidy(amount: Decimal, currency: Currency) -> Decimal;
}

/// Ledger scale: at most eight digits, no trailing zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ledger;

/// Provider scale: exactly the currency's digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pay;

impl Scale for Ledger {
    fn digits(_: Currency) -> u32 {
        LEDGER_DIGITS
    }
    fn tidy(amount: Decimal, _: Currency) -> Decimal {
        amount.normalize()
    }
}

impl Scale for Pay {
    fn digits(currency: Currency) -> u32 {
        currency.digits()
    }
    fn tidy(mut amount: Decimal, currency: Currency) -> Decimal {
        amount.rescale(currency.digits());
        // `Decimal` has a negative zero and would print its sign.
        if amount.is_zero() {
            amount.set_sign_positive(true);
        }
        amount
    }
}

/// An exact amount in a currency; see the module.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Money<S> {
    amount: Decimal,
    currency: Currency,
    scale: PhantomData<S>,
}

/// Amount in the ledger: credits, bonuses, rewards, commissions, balances.
pub type LedgerMoney = Money<Ledger>;
/// Amount at a provider: order amounts, charges, refunds.
pub type PayMoney = Money<Pay>;

impl<S: Scale> Money<S> {
    /// Zero in `currency`.
    pub fn zero(currency: Currency) -> Self {
        Self::tidied(Decimal::ZERO, currency)
    }

    fn tidied(amount: Decimal, currency: Currency) -> Self {
        Self { amount: S::tidy(amount, currency), currency, scale: PhantomData }
    }

    /// Exactly `amount`.
    ///
    /// # Rejects
    /// [`MoneyError::TooManyDigits`] when the amount would have to be rounded.
    pub fn exact(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        if amount.normalize().scale() > S::digits(currency) {
            return Err(MoneyError::TooManyDigits);
        }
        Ok(Self::tidied(amount, currency))
    }

    /// `amount × numerator ÷ denominator` in `currency`, rounded once.
    ///
    /// # Rejects
    /// Overflow and division by zero.
    pub fn proportional(
        amount: Decimal,
        numerator: Decimal,
        denominator: Decimal,
        currency: Currency,
        rounding: Rounding,
    ) -> Result<Self, MoneyError> {
        let amount = proportion(amount, numerator, denominator, S::digits(currency), rounding)?;
        Ok(Self::tidied(amount, currency))
    }

    /// This amount times a rate, in the same currency, rounded once.
    ///
    /// # Rejects
    /// Overflow.
    pub fn times(self, rate: Decimal, rounding: Rounding) -> Result<Self, MoneyError> {
        Self::proportional(self.amount, rate, Decimal::ONE, self.currency, rounding)
    }

    /// This amount × `part` ÷ `whole`, rounded down (R4.11).
    ///
    /// After a partial refund: the remaining credit for the remaining `part` of the `whole` charge.
    ///
    /// # Rejects
    /// Overflow and division by zero.
    pub fn share(self, part: Decimal, whole: Decimal) -> Result<Self, MoneyError> {
        Self::proportional(self.amount, part, whole, self.currency, Rounding::Down)
    }

    /// The sum of two amounts of one currency.
    ///
    /// # Rejects
    /// Another currency; overflow.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.same(other)?;
        let sum = exact_sum(self.amount, other.amount)?;
        Self::exact(sum, self.currency).map_err(|_| MoneyError::Overflow)
    }

    /// This amount less another of the same currency; may be negative.
    ///
    /// # Rejects
    /// Another currency; overflow.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.plus(other.negated())
    }

    /// This amount with the opposite sign.
    pub fn negated(self) -> Self {
        Self::tidied(-self.amount, self.currency)
    }

    /// Compares two amounts of one currency.
    ///
    /// # Rejects
    /// Another currency.
    pub fn compare(self, other: Self) -> Result<Ordering, MoneyError> {
        self.same(other)?;
        Ok(self.amount.cmp(&other.amount))
    }

    /// The smaller of two amounts of one currency.
    ///
    /// # Rejects
    /// Another currency.
    pub fn least(self, other: Self) -> Result<Self, MoneyError> {
        Ok(if self.compare(other)?.is_gt() { other } else { self })
    }

    /// The larger of two amounts of one currency.
    ///
    /// # Rejects
    /// Another currency.
    pub fn most(self, other: Self) -> Result<Self, MoneyError> {
        Ok(if self.compare(other)?.is_lt() { other } else { self })
    }

    fn same(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency { Ok(()) } else { Err(MoneyError::CurrencyMismatch) }
    }

    /// The decimal amount.
    pub fn amount(self) -> Decimal {
        self.amount
    }

    /// The currency.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// True for zero.
    pub fn is_zero(self) -> bool {
        self.amount.is_zero()
    }

    /// True above zero.
    pub fn is_positive(self) -> bool {
        self.amount > Decimal::ZERO
    }

    /// True below zero.
    pub fn is_negative(self) -> bool {
        self.amount < Decimal::ZERO
    }
}

impl PayMoney {
    /// Ledger amount that this buys, rounded down (R4.1).
    ///
    /// `exchange_rate` is in pay-currency units per ledger unit.
    ///
    /// # Rejects
    /// Overflow; a rate of zero.
    pub fn bought_at(self, exchange_rate: Decimal, ledger: Currency) -> Result<LedgerMoney, MoneyError> {
        Money::proportional(self.amount, Decimal::ONE, exchange_rate, ledger, Rounding::Down)
    }

    /// The same amount as ledger money in pay currency, for a journal line (R1.4).
    pub fn as_ledger(self) -> LedgerMoney {
        Money::tidied(self.amount, self.currency)
    }

    /// The amount in the currency's smallest unit, as in Stripe's API.
    ///
    /// # Rejects
    /// Overflow.
    pub fn minor_units(self) -> Result<i64, MoneyError> {
        i64::try_from(self.amount.mantissa()).map_err(|_| MoneyError::Overflow)
    }

    /// The amount of `units` of the currency's smallest unit.
    ///
    /// # Rejects
    /// Overflow.
    pub fn from_minor_units(units: i64, currency: Currency) -> Result<Self, MoneyError> {
        let amount = Decimal::try_new(units, currency.digits()).map_err(|_| MoneyError::Overflow)?;
        Self::exact(amount, currency)
    }
}

impl<S: Scale> fmt::Display for Money<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

impl<S: Scale> fmt::Debug for Money<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[derive(Serialize, Deserialize)]
struct Written {
    amount: String,
    currency: Currency,
}

impl<S: Scale> Serialize for Money<S> {
    fn serialize<T: Serializer>(&self, to: T) -> Result<T::Ok, T::Error> {
        Written { amount: self.amount.to_string(), currency: self.currency }.serialize(to)
    }
}

impl<'de, S: Scale> Deserialize<'de> for Money<S> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(from)?;
        let amount = Decimal::from_str_exact(&written.amount).map_err(de::Error::custom)?;
        Self::exact(amount, written.currency).map_err(de::Error::custom)
    }
}

/// Exact sum of two decimals (R1.1).
///
/// `Decimal` alone would round a sum that needs more digits than it has.
///
/// # Rejects
/// Overflow, in the number of digits too.
pub fn exact_sum(one: Decimal, other: Decimal) -> Result<Decimal, MoneyError> {
    unrounded(one.checked_add(other), one, other)
}

/// Exact difference of two decimals, as [`exact_sum`].
///
/// # Rejects
/// Overflow, in the number of digits too.
pub fn exact_difference(one: Decimal, other: Decimal) -> Result<Decimal, MoneyError> {
    unrounded(one.checked_sub(other), one, other)
}

fn unrounded(result: Option<Decimal>, one: Decimal, other: Decimal) -> Result<Decimal, MoneyError> {
    let digits = one.normalize().scale().max(other.normalize().scale());
    result.filter(|result| result.scale() >= digits).ok_or(MoneyError::Overflow)
}

/// `amount × numerator ÷ denominator` with `digits` fractional digits.
///
/// Exact until the one rounding at the end.
///
/// # Rejects
/// Overflow and division by zero.
pub fn proportion(
    amount: Decimal,
    numerator: Decimal,
    denominator: Decimal,
    digits: u32,
    rounding: Rounding,
) -> Result<Decimal, MoneyError> {
    let (a, n, d) = (amount.normalize(), numerator.normalize(), denominator.normalize());
    if d.is_zero() {
        return Err(MoneyError::DivisionByZero);
    }
    let raise = digits.checked_add(d.scale()).ok_or(MoneyError::Overflow)?;
    let lower = a.scale().checked_add(n.scale()).ok_or(MoneyError::Overflow)?;
    let mut top = a.mantissa().checked_mul(n.mantissa()).ok_or(MoneyError::Overflow)?;
    let mut bottom = d.mantissa();
    let tens = 10_i128.checked_pow(raise.abs_diff(lower)).ok_or(MoneyError::Overflow)?;
    if raise >= lower {
        top = top.checked_mul(tens).ok_or(MoneyError::Overflow)?;
    } else {
        bottom = bottom.checked_mul(tens).ok_or(MoneyError::Overflow)?;
    }
    let mut units = top.checked_div(bottom).ok_or(MoneyError::Overflow)?;
    let rest = top.checked_rem(bottom).ok_or(MoneyError::Overflow)?;
    if rest != 0 && rounding == Rounding::Up {
        let away = if (top < 0) == (bottom < 0) { 1 } else { -1 };
        units = units.checked_add(away).ok_or(MoneyError::Overflow)?;
    }
    Decimal::try_from_i128_with_scale(units, digits).map_err(|_| MoneyError::Overflow)
}

/// Parses an amount from client input (R1.2).
///
/// It takes digits and at most one point; no sign, no exponent, no leading zero. White space around it does not matter (G5).
///
/// # Rejects
/// `None` for anything but a plain decimal, and for more than `digits` fractional digits.
pub fn plain_decimal(text: &str, digits: u32) -> Option<Decimal> {
    let text = typed::amount(text);
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return None,
        None => (text, ""),
    };
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    if whole.is_empty() || leading_zero || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    if text.len() > 28 || u32::try_from(fraction.len()).ok()? > digits {
        return None;
    }
    Decimal::from_str_exact(text).ok()
}

#[cfg(test)]
mod tests;
