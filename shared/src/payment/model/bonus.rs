//! A bonus that an amount brings, whoever pays it: on an offer, or from an amount on (R12.1).
//!
//! It is priced when the order is made, as charge and credit are, and follows the payment's net (R4.11). The new-user promotion
//! (R5) is another: both are given only where this one is `stackable`. Otherwise the higher of the two is, and a promotion that
//! is not the higher one stays unused.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Value, json};

use kernel::money::{AMOUNT_MAX, LEDGER_DIGITS, LedgerMoney, Money, MoneyError, Scale, plain_decimal};
use kernel::settings::{Checks, SettingValue};

/// Fractional digits of a percentage, as the promotion's ladder has them.
const PERCENT_DIGITS: u32 = 4;

/// An amount, `5`, or a part of another amount in per cent, `10%`; `0` is none.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum AmountOrPercent {
    #[default]
    None,
    Amount(Decimal),
    Percent(Decimal),
}

impl AmountOrPercent {
    /// Parses `5`, `10%` or `0`; `None` for anything else, for more than 100 % and for more than an amount can be.
    fn parse(text: &str) -> Option<Self> {
        let (number, is_percent) = text.strip_suffix('%').map_or((text, false), |number| (number, true));
        let (digits, most) =
            if is_percent { (PERCENT_DIGITS, Decimal::ONE_HUNDRED) } else { (LEDGER_DIGITS, AMOUNT_MAX) };
        let number = plain_decimal(number, digits).filter(|number| *number <= most)?;
        Some(match (number.is_zero(), is_percent) {
            (true, _) => Self::None,
            (false, true) => Self::Percent(number.normalize()),
            (false, false) => Self::Amount(number.normalize()),
        })
    }

    /// The amount, or the part of `whole` in its currency, rounded down to its digits (R1.3).
    ///
    /// # Rejects
    /// Overflow; an amount with more digits than the currency has.
    pub fn on<S: Scale>(self, whole: Money<S>) -> Result<Money<S>, MoneyError> {
        let currency = whole.currency();
        match self {
            Self::None => Ok(Money::zero(currency)),
            Self::Amount(amount) => Money::exact(amount, currency),
            Self::Percent(percent) => whole.share(percent, Decimal::ONE_HUNDRED),
        }
    }
}

impl std::fmt::Display for AmountOrPercent {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => to.write_str("0"),
            Self::Amount(amount) => write!(to, "{amount}"),
            Self::Percent(percent) => write!(to, "{percent}%"),
        }
    }
}

impl SettingValue for AmountOrPercent {
    type Limits = ();

    fn limits() {}

    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("no amount or percentage"))
    }

    fn judge((): &(), value: &mut Value, checks: &mut Checks) {
        let typed = value.as_str().map(|text| text.trim().replace('％', "%").replace(" %", "%"));
        *value = typed.map_or_else(|| value.take(), Value::from);
        if value.as_str().is_some_and(|text| Self::parse(text).is_none()) {
            checks.add(
                "",
                "not_an_amount_or_percent",
                "an amount, `5`, or a part of at most 100 %, `10%`; `0` is none",
            );
            *value = Value::from("0");
        }
    }

    fn schema((): &()) -> Value {
        let pattern = format!(r"^(0|[1-9][0-9]*)(\.[0-9]{{1,{LEDGER_DIGITS}}})?%?$");
        json!({"type": "string", "pattern": pattern, "maxLength": 28})
    }

    fn range((): &()) -> String {
        "an amount, or at most `100%`; `0` is none".to_owned()
    }
}

/// Bonus that an order was offered at its creation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OfferedBonus {
    pub amount: LedgerMoney,
    /// True if it is given beside the promotion's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stackable: bool,
}

/// Bonus of an offer, or of an amount: its size, and whether it is given beside the promotion's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AmountBonus {
    pub size: AmountOrPercent,
    pub stackable: bool,
}

impl AmountBonus {
    /// Bonus offered to an order for this credit; `None` if it comes to nothing.
    ///
    /// # Rejects
    /// Overflow.
    pub fn on(self, credit: LedgerMoney) -> Result<Option<OfferedBonus>, MoneyError> {
        let offered = OfferedBonus { amount: self.size.on(credit)?, stackable: self.stackable };
        Ok(Some(offered).filter(|offered| offered.amount.is_positive()))
    }
}

/// The promotion's bonus and the amount's, as an order gets them that could have both (R12.1).
///
/// Without `stackable` the higher one is given; of two equal ones the amount's, so that the promotion can still be used.
///
/// # Rejects
/// Amounts in different currencies.
pub fn combined(
    promotion: LedgerMoney,
    offered: Option<OfferedBonus>,
) -> Result<(LedgerMoney, LedgerMoney), MoneyError> {
    let none = LedgerMoney::zero(promotion.currency());
    Ok(match offered {
        None => (promotion, none),
        Some(offered) if offered.stackable => (promotion, offered.amount),
        Some(offered) if promotion.compare(offered.amount)?.is_gt() => (promotion, none),
        Some(offered) => (none, offered.amount),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use kernel::money::Currency;

    fn usd(text: &str) -> LedgerMoney {
        LedgerMoney::exact(Decimal::from_str_exact(text).unwrap(), Currency::USD).unwrap()
    }

    /// R12.1
    #[test]
    fn a_bonus_is_an_amount_or_a_part_of_the_credit() {
        let on = |text: &str| {
            AmountOrPercent::parse(text).map(|size| size.on(usd("13.88888888")).unwrap().amount().to_string())
        };
        assert_eq!(on("5").as_deref(), Some("5"));
        assert_eq!(on("10%").as_deref(), Some("1.38888888"), "rounded down");
        assert_eq!(on("12.5%").as_deref(), Some("1.73611111"));
        assert_eq!(on("0").as_deref(), Some("0"));
        assert_eq!(on("0.00%").as_deref(), Some("0"));
        for wrong in ["", "%", "-1", "1e3", "100.1%", "0.00001%", "5%%", "٣", "1,5"] {
            assert_eq!(on(wrong), None, "{wrong}");
        }
    }

    /// R12.1: a document shows a bonus as it was written.
    #[test]
    fn a_bonus_is_written_as_it_was_read() {
        for text in ["0", "5", "0.5", "10%", "12.5%"] {
            assert_eq!(AmountOrPercent::parse(text).unwrap().to_string(), text);
        }
    }

    /// R12.1
    #[test]
    fn two_bonuses_are_given_only_where_they_stack() {
        let both = |promotion, amount, stackable| {
            let (promotion, amount) =
                combined(usd(promotion), Some(OfferedBonus { amount: usd(amount), stackable })).unwrap();
            (promotion.amount().to_string(), amount.amount().to_string())
        };
        let given = |promotion: &str, amount: &str| (promotion.to_owned(), amount.to_owned());
        assert_eq!(both("4", "1", true), given("4", "1"));
        assert_eq!(both("4", "1", false), given("4", "0"));
        assert_eq!(both("4", "4", false), given("0", "4"), "the promotion is kept");
        assert_eq!(both("0", "4", false), given("0", "4"));
        assert_eq!(combined(usd("4"), None).unwrap(), (usd("4"), usd("0")));
    }
}
