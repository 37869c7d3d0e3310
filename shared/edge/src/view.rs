//! Wire types shared by several functions.

use serde::Serialize;
use utoipa::ToSchema;

use kernel::money::{Money, Scale};

/// Amount of money: a decimal string with its currency.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Money)]
pub struct Amount {
    /// Decimal amount. Ledger currency: no trailing zeros. Pay currency: exactly the currency's digits.
    #[schema(example = "18.05555554")]
    pub amount: String,
    /// ISO 4217 code of the currency.
    #[schema(example = "USD")]
    pub currency: String,
}

impl<S: Scale> From<Money<S>> for Amount {
    fn from(money: Money<S>) -> Self {
        Self { amount: money.amount().to_string(), currency: money.currency().code().to_owned() }
    }
}
