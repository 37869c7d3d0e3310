//! Offers, their prices and the ways to pay, as the route and the page show them (R4.1, R4.2, R5.4).

use crate::account::model::user::User;
use crate::app::App;
use crate::payment::create_order::offered;
use crate::payment::gateway::fits;
use crate::payment::model::price::Quote;
use crate::payment::model::promotion::{Promotion, PromotionView};
use crate::payment::model::settings::{Offer, PaymentSettings, PromotionSettings};
use jiff::Timestamp;
use kernel::fault::Error;
use kernel::money::MoneyError;
use kernel::provider::Provider;

/// Offers with their prices, and the providers with their methods.
#[derive(Debug, Clone, PartialEq)]
pub struct Offering {
    pub offers: Vec<(Offer, Quote)>,
    /// Providers that can be used, each with its methods; the first is the default.
    pub providers: Vec<(Provider, Vec<String>)>,
}

/// Offers and providers at `now`, of the providers that `has` says are there.
///
/// An offer that no provider can take is left out.
///
/// # Rejects
/// Overflow.
pub fn offering(
    settings: &PaymentSettings,
    now: Timestamp,
    has: impl Fn(Provider) -> bool,
) -> Result<Offering, MoneyError> {
    let is_usable = |provider: &Provider| settings.may_use(*provider) && has(*provider);
    let providers: Vec<Provider> = Provider::ALL.into_iter().filter(is_usable).collect();
    let in_range = |offer: &&Offer| (settings.min_amount..=settings.max_amount).contains(&offer.amount);
    let mut offers = Vec::new();
    for offer in settings.offers.iter().filter(in_range) {
        let quote = offered(settings, offer, now)?;
        let is_payable = |provider: &Provider| fits(*provider, quote.charge);
        if providers.is_empty() || providers.iter().any(is_payable) {
            offers.push((offer.clone(), quote));
        }
    }
    let with_methods = |provider: Provider| (provider, settings.methods(provider).to_vec());
    Ok(Offering { offers, providers: providers.into_iter().map(with_methods).collect() })
}

/// A user's promotion as an order made now would find it, and how it is shown.
///
/// # Errors
/// A fault when the settings can't be read.
pub async fn promotion_now(app: &App, user: &User) -> Result<(Option<Promotion>, PromotionView), Error> {
    let settings = app.settings::<PromotionSettings>().await?.settings;
    let pay = app.settings::<PaymentSettings>().await?.settings.pay_currency;
    let now = app.clock.now();
    let own = match &user.promotion {
        Some(own) => Some(own.clone()),
        None => Promotion::enrol_late(&settings, pay, user.created_at, now)?,
    };
    let view = PromotionView::of(own.as_ref(), &settings, pay, now)?;
    Ok((own, view))
}
