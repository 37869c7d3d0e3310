//! Stripe's money units: integers of the smallest unit, with exceptions for some currencies (R1.1).

use rust_decimal::Decimal;

use kernel::money::{Currency, MoneyError, PayMoney};

/// Fractional digits of `currency` at Stripe: those of ISO 4217, except for documented exceptions.
fn digits(currency: Currency) -> u32 {
    match currency.code() {
        // Stripe counts them in hundredths for backward compatibility, although ISO 4217 has no fraction.
        "ISK" | "UGX" => 2,
        "MGA" => 0,
        _ => currency.digits(),
    }
}

/// Converts `money` to Stripe's integer units.
///
/// # Rejects
/// Overflow; [`MoneyError::TooManyDigits`] for an amount that Stripe cannot take: it rounds three-digit currencies to two.
pub(super) fn from_money(money: PayMoney) -> Result<i64, MoneyError> {
    let mut amount = money.amount().normalize();
    let digits = digits(money.currency());
    if amount.scale() > digits.min(2) {
        return Err(MoneyError::TooManyDigits);
    }
    amount.rescale(digits);
    if amount.scale() != digits {
        return Err(MoneyError::Overflow);
    }
    i64::try_from(amount.mantissa()).map_err(|_| MoneyError::Overflow)
}

/// Converts Stripe's integer units to money.
///
/// # Rejects
/// Overflow; an amount that the currency cannot represent.
pub(super) fn to_money(units: i64, currency: Currency) -> Result<PayMoney, MoneyError> {
    let amount = Decimal::try_new(units, digits(currency)).map_err(|_| MoneyError::Overflow)?;
    PayMoney::exact(amount, currency)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn pay(text: &str, code: &str) -> PayMoney {
        PayMoney::exact(Decimal::from_str_exact(text).unwrap(), Currency::parse(code).unwrap()).unwrap()
    }

    /// R1.1: currencies in hundredths, units and thousandths, and Stripe's exceptions.
    #[test]
    fn every_currency_is_counted_in_stripes_smallest_unit() {
        let cases = [
            ("100", "CNY", 10000),
            ("0.01", "USD", 1),
            ("500", "JPY", 500),
            ("5.120", "KWD", 5120),
            ("5", "UGX", 500),
            ("7", "ISK", 700),
            ("9.00", "MGA", 9),
        ];
        for (amount, code, units) in cases {
            let money = pay(amount, code);
            assert_eq!(from_money(money).unwrap(), units, "{money}");
            assert_eq!(to_money(units, money.currency()).unwrap(), money);
        }
    }

    #[test]
    fn an_amount_stripe_would_round_is_refused() {
        assert_eq!(from_money(pay("5.125", "KWD")), Err(MoneyError::TooManyDigits));
        assert_eq!(from_money(pay("9.20", "MGA")), Err(MoneyError::TooManyDigits));
        assert!(to_money(150, Currency::parse("UGX").unwrap()).is_err());
    }
}
