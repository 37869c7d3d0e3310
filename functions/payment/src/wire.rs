//! Requests and responses of the payment routes.

use serde::{Deserialize, Serialize};
use shared::edge::view::Amount;
use shared::kernel::provider::Provider;
use shared::kernel::refusal::Refusal;
use shared::payment::model::order::TopUp;
use shared::payment::model::settings::BonusTier;
use utoipa::ToSchema;

/// Request for an order: either an offer or a custom amount.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// Id of an offer in the payment configuration; excludes `amount`.
    #[serde(default)]
    #[schema(example = "o100")]
    offer_id: Option<String>,
    /// Custom amount in pay currency; excludes `offer_id`.
    #[serde(default)]
    #[schema(example = "100.00")]
    amount: Option<String>,
    /// Payment provider: `stripe` or `zpay`.
    #[schema(value_type = Provider)]
    provider: String,
    /// Payment method of the provider; its first method by default.
    #[serde(default)]
    method: Option<String>,
}

impl NewOrder {
    /// Validate the request: what to buy, from which provider, by which method.
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

/// Offers, prices and payment methods.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PaymentConfig)]
pub struct Config {
    /// Pay currency, ISO 4217.
    pub currency: String,
    /// Smallest custom amount, in pay currency.
    pub min_amount: String,
    /// Largest custom amount, in pay currency.
    pub max_amount: String,
    /// Pay-currency units for one unit of ledger currency.
    pub exchange_rate: String,
    /// Share of the amount that is charged; 1 is no discount.
    pub discount_rate: String,
    /// Offers with fixed amounts.
    pub offers: Vec<Offer>,
    /// Bonuses from an amount on, by rising amount; an offer's own comes first.
    pub bonus_tiers: Vec<BonusTier>,
    /// Payment providers that can be used.
    pub providers: Vec<ProviderChoice>,
}

/// An offer with a fixed amount.
#[derive(Debug, Serialize, ToSchema)]
pub struct Offer {
    /// Stable id of the offer.
    pub id: String,
    /// Amount before the discount, in pay currency.
    pub amount: Amount,
    /// Charge after the discount, in pay currency.
    pub charge: Amount,
    /// Credit in ledger currency.
    pub credit: Amount,
    /// Bonus of the offer in ledger currency, without the promotion's.
    pub bonus: Amount,
    /// True if that bonus is given beside the promotion's; otherwise the higher of the two is given.
    pub stackable: bool,
    /// Label shown to the user.
    pub label: String,
    /// True if clients should highlight the offer.
    pub popular: bool,
}

/// A payment provider with its methods.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderChoice {
    /// Id of the provider: `stripe` or `zpay`.
    pub id: Provider,
    /// Payment methods; the first is the default.
    pub methods: Vec<String>,
}
