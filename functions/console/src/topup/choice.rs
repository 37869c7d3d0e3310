//! Choice on the top-up page: an offer or an amount, and a way to pay.

use shared::kernel::provider::Provider;
use shared::payment::model::price::TopUp;
use shared::payment::model::settings::DASHBOARD;
use shared::payment::offers::Offering;

use crate::text::Texts;
use crate::visit::Visit;

/// Name of the offers' field; an amount of one's own rules it out.
pub const OFFER: &str = "offer_id:unless=amount";
/// Name of the amount's field.
pub const AMOUNT: &str = "amount:?";
/// Name of the coupon's field.
pub const COUPON: &str = "coupon:?";
/// Name of the ways' field, which decides provider and method.
pub const WAY: &str = "provider/method";

/// A provider and one of its methods; no method leaves the choice to the provider's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    pub provider: Provider,
    pub method: String,
}

impl Way {
    /// Its entry in a form.
    pub fn value(&self) -> String {
        format!("{}/{}", self.provider.as_str(), self.method)
    }

    /// Hint at the page to which it leads.
    pub fn hint(&self, visit: &Visit) -> String {
        let text: &Texts = &visit.text;
        let hint = match (self.provider, self.method.as_str()) {
            (Provider::Stripe, _) => text.way_hint_next(),
            (Provider::Zpay, "alipay" | "wxpay") => text.way_hint_scan(),
            (Provider::Zpay, _) => text.way_hint_gateway(),
        };
        hint.to_string()
    }
}

/// All ways of an offering; gateways first, whose methods most people here have.
pub fn ways(offering: &Offering) -> Vec<Way> {
    let of = |(provider, methods): &(Provider, Vec<String>)| -> Vec<Way> {
        let provider = *provider;
        if methods.is_empty() {
            return vec![Way { provider, method: String::new() }];
        }
        methods.iter().map(|method| Way { provider, method: method.clone() }).collect()
    };
    let all: Vec<Way> = offering.providers.iter().flat_map(of).collect();
    let (gateways, others): (Vec<Way>, Vec<Way>) = all.into_iter().partition(|way| way.provider == Provider::Zpay);
    gateways.into_iter().chain(others).collect()
}

/// The choice that the page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub offer: Option<String>,
    pub amount: Option<String>,
    /// Code of a coupon, as typed.
    pub coupon: Option<String>,
    pub way: Option<Way>,
}

impl Choice {
    /// The choice of a refused form or of the query, else the popular offer and the first way.
    pub fn of(visit: &Visit, offering: &Offering) -> Self {
        let chosen = |name: &str, short: &str| chosen(visit, name, short);
        let has = |id: &String| offering.offers.iter().any(|(offer, _)| offer.id == *id);
        let popular = offering.offers.iter().find(|(offer, _)| offer.popular).or_else(|| offering.offers.first());
        let offer = chosen(OFFER, "offer").filter(has).or_else(|| popular.map(|(offer, _)| offer.id.clone()));
        let way = chosen(WAY, "way");
        let all = ways(offering);
        let way = all.iter().find(|one| Some(one.value()) == way).or_else(|| all.first()).cloned();
        Self { offer, amount: chosen(AMOUNT, "amount"), coupon: coupon(visit), way }
    }

    /// Offer or amount that it asks for; nothing without either.
    pub fn top_up(&self) -> Option<TopUp> {
        let amount = self.amount.clone().map(TopUp::Amount);
        amount.or_else(|| self.offer.clone().map(TopUp::Offer))
    }
}

/// Code of the coupon that is entered, as typed.
pub fn coupon(visit: &Visit) -> Option<String> {
    chosen(visit, COUPON, "coupon")
}

/// Value of a field in the refused form, or in the query.
fn chosen(visit: &Visit, name: &str, short: &str) -> Option<String> {
    let text = visit.entered(name).or_else(|| visit.asked(name)).or_else(|| visit.asked(short));
    text.map(str::trim).filter(|text| !text.is_empty()).map(|text| text.chars().take(40).collect())
}

/// The entry for the way of an order that was made.
pub fn entry(provider: Provider, method: &str) -> String {
    let method = if method == DASHBOARD { "" } else { method };
    Way { provider, method: method.to_owned() }.value()
}

impl Visit {
    /// True if the query names a choice.
    pub fn has_choice(&self) -> bool {
        [OFFER, AMOUNT, COUPON, "offer", "amount", "coupon"]
            .iter()
            .any(|name| self.asked(name).is_some_and(|text| !text.is_empty()))
    }
}
