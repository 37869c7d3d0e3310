//! R1.1–R1.3: worked figures and properties.
#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

fn dec(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}
fn pay(text: &str, code: &str) -> PayMoney {
    Money::exact(dec(text), Currency::parse(code).unwrap()).unwrap()
}
fn usd() -> Currency {
    Currency::parse("USD").unwrap()
}

/// R4.1, R1.3: 100 ÷ 7.2 is credited rounded down to eight digits.
#[test]
fn credit_of_a_hundred_at_seven_point_two_rounds_down() {
    assert_eq!(pay("100", "CNY").bought_at(dec("7.2"), usd()).unwrap().to_string(), "13.88888888 USD");
}

/// R1.1: a provider amount carries exactly the digits of its currency.
#[test]
fn provider_amounts_carry_exactly_their_currencys_digits() {
    assert_eq!(pay("5", "JPY").to_string(), "5 JPY");
    assert_eq!(pay("5", "CNY").to_string(), "5.00 CNY");
    assert_eq!(pay("5", "KWD").to_string(), "5.000 KWD");
    assert_eq!(PayMoney::exact(dec("5.1"), Currency::parse("JPY").unwrap()), Err(MoneyError::TooManyDigits));
}

/// R1.3: an amount due rounds up, an amount given rounds down.
#[test]
fn rounding_goes_toward_the_house() {
    assert_eq!(pay("10.01", "CNY").times(dec("0.95"), Rounding::Up).unwrap().to_string(), "9.51 CNY");
    let credit = LedgerMoney::exact(dec("13.88888888"), usd()).unwrap();
    assert_eq!(credit.times(dec("0.3"), Rounding::Down).unwrap().to_string(), "4.16666666 USD");
}

/// R4.11: ¥30 of ¥100 refunded leaves 9.72222221 of the credit and 2.91666666 of the bonus.
#[test]
fn a_share_of_an_amount_is_rounded_down() {
    let credit = LedgerMoney::exact(dec("13.88888888"), usd()).unwrap();
    assert_eq!(credit.share(dec("70.00"), dec("100.00")).unwrap().to_string(), "9.72222221 USD");
    let bonus = LedgerMoney::exact(dec("4.16666666"), usd()).unwrap();
    assert_eq!(bonus.share(dec("70.00"), dec("100.00")).unwrap().to_string(), "2.91666666 USD");
}

/// R1.2: only plain decimals are amounts.
#[test]
fn only_plain_decimals_are_read() {
    for good in ["0", "1", "10.5", "0.00000001", "9999999999.99999999"] {
        assert_eq!(plain_decimal(good, 8), Some(dec(good)), "{good}");
    }
    for pasted in [" 1", "1\u{a0}", "\t1\r\n"] {
        assert_eq!(plain_decimal(pasted, 8), Some(dec("1")), "{pasted:?}");
    }
    let forty = "1".repeat(40);
    for bad in
        ["", " ", "1 0", "-1", "+1", "01", "1.", ".5", "1e2", "NaN", "１", "1,5", "1_0", "0.123456789", &forty, "1.2.3"]
    {
        assert_eq!(plain_decimal(bad, 8), None, "{bad}");
    }
}

/// R1.1: amounts survive JSON without a float in between.
#[test]
fn amounts_survive_json() {
    let amount = LedgerMoney::exact(dec("1234567890.12345678"), usd()).unwrap();
    let text = serde_json::to_string(&amount).unwrap();
    assert_eq!(text, r#"{"amount":"1234567890.12345678","currency":"USD"}"#);
    assert_eq!(serde_json::from_str::<LedgerMoney>(&text).unwrap(), amount);
}

/// R1.3: sums are checked and never mix currencies.
#[test]
fn sums_never_overflow_silently_nor_mix_currencies() {
    let much = LedgerMoney::exact(Decimal::MAX, usd()).unwrap();
    assert_eq!(much.plus(much), Err(MoneyError::Overflow));
    assert_eq!(pay("1", "CNY").plus(pay("1", "USD")), Err(MoneyError::CurrencyMismatch));
    assert_eq!(much.times(Decimal::MAX, Rounding::Down), Err(MoneyError::Overflow));
}

proptest! {
    /// R1.3: splitting an order into parts never buys more than the whole.
    #[test]
    fn splitting_never_gains(parts in prop::collection::vec(1_i64..1_000_000, 1..20), rate in 1_i64..100_000) {
        let cny = Currency::parse("CNY").unwrap();
        let rate = Decimal::new(rate, 3);
        let mut whole = PayMoney::zero(cny);
        let mut sum = LedgerMoney::zero(usd());
        for part in parts {
            let part = PayMoney::from_minor_units(part, cny).unwrap();
            whole = whole.plus(part).unwrap();
            sum = sum.plus(part.bought_at(rate, usd()).unwrap()).unwrap();
        }
        prop_assert!(sum.compare(whole.bought_at(rate, usd()).unwrap()).unwrap().is_le());
    }
}

/// R1.1: zero has no sign, however it is computed.
#[test]
fn nothing_has_no_sign() {
    for zero in [
        PayMoney::zero(Currency::CNY).negated(),
        PayMoney::zero(Currency::CNY).minus(PayMoney::zero(Currency::CNY)).unwrap(),
    ] {
        assert_eq!(zero.to_string(), "0.00 CNY");
        assert_eq!(zero.as_ledger().negated().to_string(), "0 USD".replace("USD", "CNY"));
    }
}

/// R1.3: a product or quotient that does not fit is rejected and never becomes another amount.
///
/// 2^128 would wrap around to zero.
#[test]
fn a_product_that_does_not_fit_is_refused() {
    let two_to_64 = Decimal::from(u64::MAX) + Decimal::ONE;
    let smallest = Decimal::new(1, 28);
    for (amount, numerator, denominator) in [
        (two_to_64, two_to_64, Decimal::ONE),
        (Decimal::MAX, Decimal::MAX, Decimal::ONE),
        (Decimal::from(1_u128 << 92), Decimal::ONE, smallest),
        (Decimal::MAX, Decimal::ONE, smallest),
    ] {
        for rounding in [Rounding::Down, Rounding::Up] {
            let product = proportion(amount, numerator, denominator, LEDGER_DIGITS, rounding);
            assert_eq!(product, Err(MoneyError::Overflow), "{amount} × {numerator} ÷ {denominator}");
        }
    }
}

/// R1.1, found by the fuzzer: a sum with too many digits is rejected; it was rounded before.
#[test]
fn a_sum_with_too_many_digits_is_refused_instead_of_rounded() {
    let many = dec("9999999999999999999999999925");
    assert_eq!(exact_sum(many, Decimal::new(-115, 1)), Err(MoneyError::Overflow));
    assert_eq!(
        exact_sum(many, Decimal::new(-110, 1)),
        Ok(Decimal::from_str_exact("9999999999999999999999999914").unwrap())
    );
    assert_eq!(exact_sum(Decimal::new(5, 1), Decimal::new(50, 2)), Ok(Decimal::ONE));
    let usd = Currency::parse("USD").unwrap();
    let (much, little) = (LedgerMoney::exact(many, usd).unwrap(), LedgerMoney::exact(Decimal::new(1, 8), usd).unwrap());
    assert_eq!(much.plus(little), Err(MoneyError::Overflow));
}
