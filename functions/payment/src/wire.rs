//! Requests and responses of the payment routes.

use serde::{Deserialize, Serialize};
use shared::edge::view::Amount;
use shared::kernel::money::MoneyError;
use shared::kernel::provider::Provider;
use shared::kernel::refusal::Refusal;
use shared::payment::model::coupon::{CouponCode, OrderCoupon};
use shared::payment::model::price::{Quote, TopUp};
use shared::payment::model::settings::BonusTier;
use utoipa::{IntoParams, ToSchema};

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
    /// Code of a coupon, without regard to capitals.
    #[serde(default)]
    #[schema(example = "WELCOME10")]
    coupon: Option<String>,
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
        let wanted = wanted(self.offer_id, self.amount)?;
        let unknown = || Refusal::field("/provider", "unknown", "`stripe` or `zpay`.");
        let provider = Provider::parse(&self.provider).ok_or_else(unknown)?;
        Ok((wanted, provider, self.method))
    }

    /// Code of a coupon as typed; an empty one is none.
    pub fn coupon(&self) -> Option<String> {
        coupon(self.coupon.as_deref())
    }
}

fn coupon(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

fn wanted(offer: Option<String>, amount: Option<String>) -> Result<TopUp, Refusal> {
    match (offer, amount) {
        (Some(offer), None) => Ok(TopUp::Offer(offer)),
        (None, Some(amount)) => Ok(TopUp::Amount(amount)),
        _ => Err(Refusal::field("/amount", "one_of", "Either `offer_id` or `amount`.")),
    }
}

/// Order to price: an offer or an amount, and a coupon.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Priced {
    /// Id of an offer; excludes `amount`.
    #[serde(default)]
    offer_id: Option<String>,
    /// Amount in pay currency; excludes `offer_id`.
    #[serde(default)]
    amount: Option<String>,
    /// Code of a coupon, without regard to capitals.
    #[serde(default)]
    coupon: Option<String>,
}

impl Priced {
    /// Validate the query: what to buy, and the coupon as typed.
    ///
    /// # Rejects
    /// 422 with the field's pointer.
    pub fn checked(self) -> Result<(TopUp, Option<String>), Refusal> {
        Ok((wanted(self.offer_id, self.amount)?, coupon(self.coupon.as_deref())))
    }
}

/// Price of an order that would be made now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderPrice)]
pub struct Price {
    /// Amount before discount, in pay currency.
    pub amount: Amount,
    /// Amount to pay after discount and coupon, in pay currency.
    pub charge: Amount,
    /// Credit bought, in ledger currency, without bonus.
    pub credit: Amount,
    /// Bonus of the caller's promotion, in ledger currency.
    pub bonus: Amount,
    /// Bonus of the offer or amount, in ledger currency.
    pub amount_bonus: Amount,
    /// Coupon with what it would do; null without one.
    pub coupon: Option<CouponEffect>,
    /// Sum of credit and bonuses, in ledger currency.
    pub total: Amount,
}

/// Effect of a coupon on a price.
#[derive(Debug, Serialize, ToSchema)]
pub struct CouponEffect {
    /// Code of the coupon, in capitals.
    #[schema(value_type = String)]
    pub code: CouponCode,
    /// Amount taken off the charge, in pay currency.
    pub discount: Amount,
    /// Extra credit, in ledger currency.
    pub bonus: Amount,
}

impl TryFrom<&Quote> for Price {
    type Error = MoneyError;

    fn try_from(of: &Quote) -> Result<Self, MoneyError> {
        let (bonus, amount_bonus) = of.bonuses()?;
        let effect = |of: &OrderCoupon| CouponEffect {
            code: of.code.clone(),
            discount: of.discount.into(),
            bonus: of.bonus.into(),
        };
        Ok(Self {
            amount: of.amount.into(),
            charge: of.charge.into(),
            credit: of.credit.into(),
            bonus: bonus.into(),
            amount_bonus: amount_bonus.into(),
            coupon: of.coupon.as_ref().map(effect),
            total: of.total()?.into(),
        })
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
