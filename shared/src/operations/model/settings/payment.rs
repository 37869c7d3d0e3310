//! The settings of top-ups (R4.1, R4.2, R4.7, R4.8).

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::check::Checks;
use crate::operations::model::settings::{AMOUNT_MAX, Area, Settings};
use kernel::money::Currency;
use kernel::provider::Provider;
use kernel::refusal::FieldError;

/// Top-ups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaymentSettings {
    /// Whether orders can be made.
    pub enabled: bool,
    /// What providers are paid in.
    pub pay_currency: Currency,
    /// What balances are kept in; fixed after the first journal (R9.1).
    pub ledger_currency: Currency,
    /// The least amount of an order, in pay currency.
    #[serde(with = "kernel::decimal")]
    pub min_amount: Decimal,
    /// The highest amount of an order, in pay currency.
    #[serde(with = "kernel::decimal")]
    pub max_amount: Decimal,
    /// Units of pay currency for one of ledger currency.
    #[serde(with = "kernel::decimal")]
    pub exchange_rate: Decimal,
    /// The part of the amount that is charged, in (0, 1].
    #[serde(with = "kernel::decimal")]
    pub discount_rate: Decimal,
    /// Minutes until an unpaid order expires.
    pub order_expire_minutes: u32,
    /// Orders of one user in a window of 60 seconds.
    pub max_orders_per_minute: u32,
    /// Where the provider sends the payer afterwards; none means the deployment's result page.
    pub return_url: Option<String>,
    /// Where the provider sends a payer who gives up; none means the deployment's result page.
    pub cancel_url: Option<String>,
    /// Configured amounts.
    pub offers: Vec<Offer>,
    /// The providers.
    pub providers: PaymentProviders,
}

/// A configured amount with a stable id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// Its id, which orders name.
    pub id: String,
    /// The amount, in pay currency.
    #[serde(with = "kernel::decimal")]
    pub amount: Decimal,
    /// What a person reads.
    pub label: String,
    /// Whether it is shown first.
    pub popular: bool,
}

/// What is set per provider; one without its secret is off whatever this says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaymentProviders {
    /// Stripe.
    pub stripe: StripeSettings,
    /// Zpay.
    pub zpay: ZpaySettings,
}

/// Stripe's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StripeSettings {
    /// Whether orders can use it.
    pub enabled: bool,
    /// Payment methods by Stripe's names.
    pub methods: Vec<String>,
}

/// Zpay's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ZpaySettings {
    /// Whether orders can use it.
    pub enabled: bool,
    /// `alipay`, `wxpay`.
    pub methods: Vec<String>,
    /// How a payment is made.
    pub create: ZpayCreate,
    /// The gateway's channel per method, for gateways that have several.
    pub channel_ids: BTreeMap<String, String>,
    /// Where notifications may come from; empty is anywhere.
    pub ip_allow_list: Vec<String>,
    /// Whether a notification is confirmed by the gateway's query before it is credited (R4.10).
    pub confirm_by_query: bool,
}

/// How a Zpay payment is made (R4.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZpayCreate {
    /// The payer is sent to `submit.php`.
    Redirect,
    /// `mapi.php` answers a link and a QR code.
    Api,
}

const ZPAY_METHODS: [&str; 2] = ["alipay", "wxpay"];
const RATE_MAX: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);
const ONE_MILLIONTH: Decimal = Decimal::from_parts(1, 0, 0, false, 6);

impl Default for PaymentSettings {
    fn default() -> Self {
        let offer = |(amount, popular)| Offer {
            id: format!("o{amount}"),
            amount: Decimal::new(amount, 0),
            label: format!("¥{amount}"),
            popular,
        };
        Self {
            enabled: false,
            pay_currency: Currency::CNY,
            ledger_currency: Currency::USD,
            min_amount: Decimal::ONE,
            max_amount: Decimal::new(10_000, 0),
            exchange_rate: Decimal::new(72, 1),
            discount_rate: Decimal::ONE,
            order_expire_minutes: 30,
            max_orders_per_minute: 3,
            return_url: None,
            cancel_url: None,
            offers: [(10, false), (50, false), (100, true), (500, false)].map(offer).to_vec(),
            providers: PaymentProviders {
                stripe: StripeSettings { enabled: true, methods: vec!["card".to_owned()] },
                zpay: ZpaySettings {
                    enabled: true,
                    methods: ZPAY_METHODS.map(String::from).to_vec(),
                    create: ZpayCreate::Redirect,
                    channel_ids: BTreeMap::new(),
                    ip_allow_list: Vec::new(),
                    confirm_by_query: true,
                },
            },
        }
    }
}

impl PaymentSettings {
    /// Whether the settings let orders use a provider.
    pub fn provider_enabled(&self, provider: Provider) -> bool {
        match provider {
            Provider::Stripe => self.providers.stripe.enabled,
            Provider::Zpay => self.providers.zpay.enabled,
        }
    }

    /// A provider's methods; the first is the one for orders that name none.
    pub fn methods(&self, provider: Provider) -> &[String] {
        match provider {
            Provider::Stripe => &self.providers.stripe.methods,
            Provider::Zpay => &self.providers.zpay.methods,
        }
    }

    fn validate_offers(&self, checks: &mut Checks) {
        checks.length("/offers", self.offers.len(), 0, 50);
        let mut seen = BTreeSet::new();
        for (index, offer) in self.offers.iter().enumerate() {
            let at = |field: &str| format!("/offers/{index}/{field}");
            checks.name(at("id"), &offer.id);
            if !seen.insert(&offer.id) {
                checks.add(at("id"), "duplicate", "each id only once");
            }
            checks.share(at("amount"), offer.amount, AMOUNT_MAX);
            checks.digits(at("amount"), offer.amount, self.pay_currency.digits());
            let label = offer.label.chars().count();
            if label > 50 || offer.label.chars().any(char::is_control) {
                checks.add(at("label"), "out_of_range", "at most 50 printable characters");
            }
        }
    }

    fn validate_providers(&self, checks: &mut Checks) {
        checks.names("/providers/stripe/methods", &self.providers.stripe.methods, 20);
        let zpay = &self.providers.zpay;
        checks.names("/providers/zpay/methods", &zpay.methods, 20);
        for (index, method) in zpay.methods.iter().enumerate() {
            if !ZPAY_METHODS.contains(&method.as_str()) {
                checks.add(format!("/providers/zpay/methods/{index}"), "out_of_range", "alipay or wxpay");
            }
        }
        for (method, channel) in &zpay.channel_ids {
            let pointer = format!("/providers/zpay/channel_ids/{}", method.replace('~', "~0").replace('/', "~1"));
            if !ZPAY_METHODS.contains(&method.as_str()) {
                checks.add(pointer.as_str(), "out_of_range", "alipay or wxpay");
            }
            checks.name(pointer, channel);
        }
        checks.length("/providers/zpay/ip_allow_list", zpay.ip_allow_list.len(), 0, 50);
        for (index, network) in zpay.ip_allow_list.iter().enumerate() {
            checks.network(format!("/providers/zpay/ip_allow_list/{index}"), network);
        }
    }
}

impl Settings for PaymentSettings {
    const AREA: Area = Area::Payment;

    fn validate(&self) -> Vec<FieldError> {
        let mut checks = Checks::default();
        let digits = self.pay_currency.digits();
        checks.share("/min_amount", self.min_amount, AMOUNT_MAX);
        checks.digits("/min_amount", self.min_amount, digits);
        checks.range("/max_amount", self.max_amount, self.min_amount, AMOUNT_MAX);
        checks.digits("/max_amount", self.max_amount, digits);
        checks.range("/exchange_rate", self.exchange_rate, ONE_MILLIONTH, RATE_MAX);
        checks.share("/discount_rate", self.discount_rate, Decimal::ONE);
        checks.count("/order_expire_minutes", self.order_expire_minutes, 5, 1440);
        checks.count("/max_orders_per_minute", self.max_orders_per_minute, 1, 100_000);
        checks.url("/return_url", self.return_url.as_deref());
        checks.url("/cancel_url", self.cancel_url.as_deref());
        self.validate_offers(&mut checks);
        self.validate_providers(&mut checks);
        checks.found()
    }
}
