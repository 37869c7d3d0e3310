//! What several functions show: amounts, records, orders, redemptions, subscriptions, withdrawals.

use serde::Serialize;
use utoipa::ToSchema;

use kernel::money::{Money, Scale};

/// An amount in its currency, as a decimal string.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Money)]
pub struct Amount {
    /// Without trailing zeros in ledger currency, with exactly its digits in pay currency.
    #[schema(example = "18.05555554")]
    pub amount: String,
    /// ISO 4217.
    #[schema(example = "USD")]
    pub currency: String,
}

impl<S: Scale> From<Money<S>> for Amount {
    fn from(money: Money<S>) -> Self {
        Self { amount: money.amount().to_string(), currency: money.currency().code().to_owned() }
    }
}
