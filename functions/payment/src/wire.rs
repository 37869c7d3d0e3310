//! What goes over the wire.

use serde::{Deserialize, Serialize};
use shared::edge::view::Amount;
use shared::kernel::provider::Provider;
use shared::kernel::refusal::Refusal;
use shared::payment::model::order::TopUp;
use utoipa::ToSchema;

/// What to buy: an offer or a custom amount, never both.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// One of the offers of the payment configuration.
    #[serde(default)]
    #[schema(example = "o100")]
    offer_id: Option<String>,
    /// In pay currency.
    #[serde(default)]
    #[schema(example = "100.00")]
    amount: Option<String>,
    /// `stripe` or `zpay`.
    #[schema(value_type = Provider)]
    provider: String,
    /// One of the provider's methods; its first one by default.
    #[serde(default)]
    method: Option<String>,
}

impl NewOrder {
    /// What is wanted, from whom and how.
    ///
    /// # Rejects
    /// 422 with the field's pointer.
    pub fn checked(self) -> Result<(TopUp, Provider, Option<String>), Refusal> {
        let wanted = match (self.offer_id, self.amount) {
            (Some(offer), None) => TopUp::Offer(offer),
            (None, Some(amount)) => TopUp::Amount(amount),
            _ => return Err(Refusal::field("/amount", "one_of", "Either `offer_id` or `amount`.")),
        };
        let unknown = || Refusal::field("/provider", "unknown", "`stripe` or `zpay`.");
        let provider = Provider::parse(&self.provider).ok_or_else(unknown)?;
        Ok((wanted, provider, self.method))
    }
}

/// What can be bought, and how it is paid.
#[derive(Debug, Serialize, ToSchema)]
pub struct Config {
    /// Pay currency.
    pub currency: String,
    /// Smallest amount.
    pub min_amount: String,
    /// Largest amount.
    pub max_amount: String,
    /// Pay-currency units for one ledger unit.
    pub exchange_rate: String,
    /// What part of the amount is charged.
    pub discount_rate: String,
    /// Configured amounts.
    pub offers: Vec<Offer>,
    /// Who takes the money.
    pub providers: Vec<ProviderChoice>,
}

/// A configured amount.
#[derive(Debug, Serialize, ToSchema)]
pub struct Offer {
    /// Stable id.
    pub id: String,
    /// In pay currency.
    pub amount: Amount,
    /// After discount.
    pub charge: Amount,
    /// What it buys.
    pub credit: Amount,
    /// What it is called.
    pub label: String,
    /// Whether it is put forward.
    pub popular: bool,
}

/// A provider with its methods.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderChoice {
    /// `stripe` or `zpay`.
    pub id: Provider,
    /// The first is the default.
    pub methods: Vec<String>,
}
