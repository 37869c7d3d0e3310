//! Providers: who takes the money, Stripe and Zpay (R4.3, R4.7, R4.8).
//!
//! A closed enum, not a trait: there are two. A provider exists only with all of its secrets; a missing, empty or blank
//! one means the provider is off, and nothing ever verifies with an empty key. This layer reads and writes what goes
//! over the wire and decides nothing about orders; it stores nothing.

pub mod http;
pub mod stripe;
pub mod zpay;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

pub use crate::payment::model::settings::ZpayCreate;
use http::{GatewayFault, Https};
use kernel::id::OrderId;
use kernel::money::PayMoney;
pub use kernel::provider::Provider;
use stripe::Stripe;
use zpay::Zpay;

/// Deployment parameters of the providers, as they stand in the environment; empty means absent.
#[derive(Clone, Default)]
pub struct ProviderConfig {
    /// `PUBLIC_BASE_URL`: where webhooks come in.
    pub public_base_url: String,
    /// `ZPAY_API_URL`: the gateway, without `/submit.php`.
    pub zpay_api_url: String,
    /// `ZPAY_PID`: the merchant.
    pub zpay_pid: String,
    /// `ZPAY_KEY`: the merchant's key.
    pub zpay_key: String,
    /// `STRIPE_API_URL`; empty means `https://api.stripe.com`.
    pub stripe_api_url: String,
    /// `STRIPE_SECRET_KEY`.
    pub stripe_secret_key: String,
    /// `STRIPE_WEBHOOK_SECRET`.
    pub stripe_webhook_secret: String,
    /// `STRIPE_WEBHOOK_SECRET_PREVIOUS`: still accepted while the secret is changed.
    pub stripe_webhook_secret_previous: String,
}

impl ProviderConfig {
    /// Reads the parameters by their names.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let read = |name: &str| lookup(name).map(|value| value.trim().to_owned()).unwrap_or_default();
        Self {
            public_base_url: read("PUBLIC_BASE_URL"),
            zpay_api_url: read("ZPAY_API_URL"),
            zpay_pid: read("ZPAY_PID"),
            zpay_key: read("ZPAY_KEY"),
            stripe_api_url: read("STRIPE_API_URL"),
            stripe_secret_key: read("STRIPE_SECRET_KEY"),
            stripe_webhook_secret: read("STRIPE_WEBHOOK_SECRET"),
            stripe_webhook_secret_previous: read("STRIPE_WEBHOOK_SECRET_PREVIOUS"),
        }
    }
}

impl fmt::Debug for ProviderConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderConfig")
            .field("public_base_url", &self.public_base_url)
            .field("zpay_api_url", &self.zpay_api_url)
            .field("stripe_api_url", &self.stripe_api_url)
            .finish_non_exhaustive()
    }
}

/// The providers that have their secrets.
#[derive(Debug, Clone)]
pub struct Providers {
    /// Stripe, when it has secret key and webhook secret.
    pub stripe: Option<Stripe>,
    /// Zpay, when it has address, merchant and key.
    pub zpay: Option<Zpay>,
}

impl Providers {
    /// The providers of `config`, reached through `https`.
    pub fn new(config: &ProviderConfig, https: &Https) -> Self {
        Self { stripe: Stripe::new(config, https.clone()), zpay: Zpay::new(config, https.clone()) }
    }

    /// Whether `provider` has its secrets.
    pub fn has(&self, provider: Provider) -> bool {
        match provider {
            Provider::Stripe => self.stripe.is_some(),
            Provider::Zpay => self.zpay.is_some(),
        }
    }

    /// Asks `provider` for a payment of an order (R4.3).
    ///
    /// # Refuses
    /// See [`CreateFailure`]; a provider that is off is unavailable.
    pub async fn create(&self, provider: Provider, ask: &NewPayment<'_>) -> Result<Created, CreateFailure> {
        match provider {
            Provider::Stripe => self.stripe.as_ref().ok_or(CreateFailure::Unavailable)?.create(ask).await,
            Provider::Zpay => self.zpay.as_ref().ok_or(CreateFailure::Unavailable)?.create(ask).await,
        }
    }
}

/// What a provider is asked to take.
#[derive(Debug, Clone)]
pub struct NewPayment<'a> {
    /// The order, by which the provider's events name it.
    pub order: OrderId,
    /// What to take.
    pub charge: PayMoney,
    /// What the payer reads.
    pub name: &'a str,
    /// The chosen payment method, or all that are configured; Zpay takes the first.
    pub methods: Vec<&'a str>,
    /// Where the payer comes back to; it only shows, it never credits.
    pub return_url: &'a str,
    /// Where the payer comes back to without paying (Stripe).
    pub cancel_url: &'a str,
    /// When the order expires.
    pub expires_at: Timestamp,
    /// The time of asking.
    pub now: Timestamp,
    /// The payer's address, which Zpay's API wants.
    pub client_ip: Option<&'a str>,
    /// How Zpay is asked.
    pub zpay_create: ZpayCreate,
    /// Zpay channel ids by method.
    pub channel_ids: &'a BTreeMap<String, String>,
}

/// A payment that waits at the provider for its payer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// The provider's own name for it: Stripe's session id; Zpay's trade number when its API told one.
    pub provider_ref: Option<String>,
    /// Where the payer pays.
    pub pay_url: String,
    /// What a QR code for paying contains (Zpay).
    pub qr_content: Option<String>,
}

/// Why there is no payment to pay (R4.3).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CreateFailure {
    /// The provider said no: `provider_refused`. The detail is its own words, bounded and without secrets.
    #[error("the provider refused: {0}")]
    Refused(String),
    /// It could not be asked, or its answer not read: `provider_unavailable`.
    #[error("the provider is unavailable")]
    Unavailable,
}

impl From<GatewayFault> for CreateFailure {
    fn from(_: GatewayFault) -> Self {
        Self::Unavailable
    }
}

/// Why a gateway made no refund, or may not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefundFailure {
    /// It said no, in its own words, bounded and without secrets.
    #[error("the provider refused: {0}")]
    Refused(String),
    /// There is no answer, or none that says it: the money may have gone back.
    #[error("the provider did not say")]
    Unknown,
}

impl From<GatewayFault> for RefundFailure {
    fn from(_: GatewayFault) -> Self {
        Self::Unknown
    }
}

/// Why a notification is not believed. Nothing of it is stored (R4.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Forged {
    /// There is no signature.
    #[error("no signature")]
    Unsigned,
    /// The signature or its parameters are not of the documented form.
    #[error("malformed notification")]
    Malformed,
    /// It is signed for another time (R4.7: more than 300 s away, either way).
    #[error("signed at another time")]
    Stale,
    /// The signature is not that of any secret.
    #[error("wrong signature")]
    Signature,
    /// A parameter comes twice, so that what was signed is not what would be read.
    #[error("repeated parameter")]
    Repeated,
    /// It is for another merchant.
    #[error("another merchant")]
    Merchant,
}

/// A value that is neither empty nor blank.
fn present(value: &str) -> Option<String> {
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// An address secrets may be sent to: HTTPS, or HTTP to this machine. Without its trailing slash.
fn api_url(url: &str) -> Option<String> {
    let url = present(url)?;
    let parsed: ::http::Uri = url.parse().ok()?;
    let host = parsed.host()?;
    let private = matches!(host, "localhost" | "127.0.0.1" | "[::1]") || host.ends_with(".localhost");
    let safe = match parsed.scheme_str()? {
        "https" => true,
        "http" => private,
        _ => false,
    };
    (safe && parsed.query().is_none()).then(|| url.trim_end_matches('/').to_owned())
}

/// The provider's words for a refusal: printable, without the secrets, at most 200 characters.
fn refusal_detail(text: &str, secrets: &[&str]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, "***");
    }
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> ProviderConfig {
        ProviderConfig {
            public_base_url: "https://pay.example.com".to_owned(),
            zpay_api_url: "https://gateway.example.com/".to_owned(),
            zpay_pid: "1000".to_owned(),
            zpay_key: "key".to_owned(),
            stripe_api_url: String::new(),
            stripe_secret_key: "sk_test_1".to_owned(),
            stripe_webhook_secret: "whsec_1".to_owned(),
            stripe_webhook_secret_previous: String::new(),
        }
    }

    fn providers(change: impl FnOnce(&mut ProviderConfig)) -> (bool, bool) {
        let mut config = full();
        change(&mut config);
        let providers = Providers::new(&config, &http::https_client());
        (providers.has(Provider::Stripe), providers.has(Provider::Zpay))
    }

    /// R4.7: a missing, empty or blank secret turns its provider off, and only that one.
    #[test]
    fn a_provider_without_its_secret_is_off() {
        assert_eq!(providers(|_| ()), (true, true));
        for blank in ["", " ", "\t\n"] {
            assert_eq!(providers(|c| c.stripe_secret_key = blank.to_owned()), (false, true));
            assert_eq!(providers(|c| c.stripe_webhook_secret = blank.to_owned()), (false, true));
            assert_eq!(providers(|c| c.zpay_key = blank.to_owned()), (true, false));
            assert_eq!(providers(|c| c.zpay_pid = blank.to_owned()), (true, false));
            assert_eq!(providers(|c| c.zpay_api_url = blank.to_owned()), (true, false));
        }
    }

    #[test]
    fn secrets_are_never_sent_in_the_clear_to_another_machine() {
        assert_eq!(providers(|c| c.zpay_api_url = "http://gateway.example.com".to_owned()), (true, false));
        assert_eq!(providers(|c| c.zpay_api_url = "http://127.0.0.1:3000/_sim/zpay".to_owned()), (true, true));
        assert_eq!(providers(|c| c.stripe_api_url = "ftp://api.stripe.com".to_owned()), (false, true));
    }

    #[test]
    fn a_refusals_detail_is_bounded_and_without_secrets() {
        let detail = refusal_detail(&format!("bad key sk_test_1\r\n{}", "x".repeat(500)), &["sk_test_1", ""]);
        assert!(detail.starts_with("bad key ***xxx"), "{detail}");
        assert_eq!(detail.chars().count(), 200);
    }

    #[test]
    fn a_config_shows_no_secret_when_printed() {
        let shown = format!("{:?}", full());
        assert!(!shown.contains("sk_test_1") && !shown.contains("whsec_1") && !shown.contains("\"key\""));
    }
}
