//! Gateways to the payment providers Stripe and Zpay (R4.3, R4.7, R4.8).
//!
//! A closed enum and no trait, since there are two. A provider is configured only with all of its secrets: a missing, empty or
//! blank one turns it off, and an empty key never verifies anything. This layer translates to and from the wire. It decides
//! nothing about orders and stores nothing.

pub mod http;
pub mod stripe;
pub mod zpay;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

pub use crate::payment::model::settings::ZpayCreate;
use http::{GatewayFault, Https};
use kernel::fault::Fault;
use kernel::id::OrderId;
use kernel::money::{Currency, PayMoney};
pub use kernel::provider::Provider;
use stripe::Stripe;
use zpay::{RedirectPage, Zpay};

/// Deployment parameters of the providers, from the environment; empty means absent.
#[derive(Clone, Default)]
pub struct ProviderConfig {
    /// `PUBLIC_BASE_URL`: base URL at which webhooks arrive.
    pub public_base_url: String,
    /// `PAYMENT_PROVIDERS`: providers whose secrets the deployment has, for a function that holds none; absent means all.
    pub payment_providers: Option<String>,
    /// `ZPAY_API_URL`: base URL of the gateway, without `/submit.php`.
    pub zpay_api_url: String,
    /// `ZPAY_PID`: merchant id.
    pub zpay_pid: String,
    /// `ZPAY_KEY`: the merchant's signing key.
    pub zpay_key: String,
    /// `ZPAY_KEY_PREVIOUS`: notifications signed with it are still taken while the key is changed.
    pub zpay_key_previous: String,
    /// `STRIPE_API_URL`; empty means `https://api.stripe.com`.
    pub stripe_api_url: String,
    /// `STRIPE_SECRET_KEY`: API key.
    pub stripe_secret_key: String,
    /// `STRIPE_WEBHOOK_SECRET`: current signing secret of webhooks.
    pub stripe_webhook_secret: String,
    /// `STRIPE_WEBHOOK_SECRET_PREVIOUS`: still accepted during a rotation of the secret.
    pub stripe_webhook_secret_previous: String,
}

impl ProviderConfig {
    /// Reads the parameters by their environment names.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let read = |name: &str| lookup(name).map(|value| value.trim().to_owned()).unwrap_or_default();
        Self {
            public_base_url: read("PUBLIC_BASE_URL"),
            payment_providers: lookup("PAYMENT_PROVIDERS"),
            zpay_api_url: read("ZPAY_API_URL"),
            zpay_pid: read("ZPAY_PID"),
            zpay_key: read("ZPAY_KEY"),
            zpay_key_previous: read("ZPAY_KEY_PREVIOUS"),
            stripe_api_url: read("STRIPE_API_URL"),
            stripe_secret_key: read("STRIPE_SECRET_KEY"),
            stripe_webhook_secret: read("STRIPE_WEBHOOK_SECRET"),
            stripe_webhook_secret_previous: read("STRIPE_WEBHOOK_SECRET_PREVIOUS"),
        }
    }
}

impl ProviderConfig {
    /// Checks the providers' addresses, which get secrets.
    ///
    /// # Errors
    /// [`Fault::Misset`] for one that is neither HTTPS nor this machine.
    pub fn check(&self) -> Result<(), Fault> {
        let addresses = [("ZPAY_API_URL", &self.zpay_api_url), ("STRIPE_API_URL", &self.stripe_api_url)];
        for (variable, url) in addresses {
            if present(url).is_some() && api_url(url).is_none() {
                let why = "is no address that may get secrets: it must begin with https://, or name this machine";
                return Err(Fault::Misset { variable, why });
            }
        }
        Ok(())
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

/// The configured providers.
#[derive(Debug, Clone)]
pub struct Providers {
    /// Present with a secret key and a webhook secret.
    pub stripe: Option<Stripe>,
    /// Present with a base URL, a merchant id and a key.
    pub zpay: Option<Zpay>,
    /// Present with a base URL and a merchant id: all that a page needs to link to a signed payment.
    pub zpay_page: Option<RedirectPage>,
    /// Providers whose secrets the deployment says it has.
    named: Vec<Provider>,
}

impl Providers {
    /// Providers configured by `config`, called through `https`.
    pub fn new(config: &ProviderConfig, https: &Https) -> Self {
        Self {
            stripe: Stripe::new(config, https.clone()),
            zpay: Zpay::new(config, https.clone()),
            zpay_page: RedirectPage::new(config),
            named: match &config.payment_providers {
                Some(named) => named.split(',').filter_map(|name| Provider::parse(name.trim())).collect(),
                None => Provider::ALL.to_vec(),
            },
        }
    }

    /// True if `provider` is configured.
    pub fn has(&self, provider: Provider) -> bool {
        match provider {
            Provider::Stripe => self.stripe.is_some(),
            Provider::Zpay => self.zpay.is_some(),
        }
    }

    /// True if `provider` is configured and can take payments in `currency`.
    pub fn takes(&self, provider: Provider, currency: Currency) -> bool {
        self.has(provider)
            && match provider {
                Provider::Stripe => true,
                Provider::Zpay => zpay::takes(currency),
            }
    }

    /// True if `provider` is configured and can take exactly `charge`.
    pub fn can_take(&self, provider: Provider, charge: PayMoney) -> bool {
        self.takes(provider, charge.currency()) && fits(provider, charge)
    }

    /// True if the deployment says that it has the secrets of `provider`, for a function that holds none (deploy.md D11).
    pub fn is_named(&self, provider: Provider) -> bool {
        self.named.contains(&provider)
            && match provider {
                Provider::Stripe => true,
                Provider::Zpay => self.zpay_page.is_some(),
            }
    }

    /// True if a page that holds no secrets may offer `provider` in `currency`.
    pub fn may_take(&self, provider: Provider, currency: Currency) -> bool {
        self.is_named(provider)
            && match provider {
                Provider::Stripe => true,
                Provider::Zpay => zpay::takes(currency),
            }
    }

    /// Requests a payment for an order from `provider` (R4.3).
    ///
    /// # Rejects
    /// See [`CreateFailure`]; a provider that is not configured is unavailable.
    pub async fn create(&self, provider: Provider, ask: &NewPayment<'_>) -> Result<Created, CreateFailure> {
        match provider {
            Provider::Stripe => self.stripe.as_ref().ok_or(CreateFailure::Unavailable)?.create(ask).await,
            Provider::Zpay => self.zpay.as_ref().ok_or(CreateFailure::Unavailable)?.create(ask).await,
        }
    }
}

/// True if a provider that takes the currency can take exactly `charge`.
pub fn fits(provider: Provider, charge: PayMoney) -> bool {
    match provider {
        Provider::Stripe => stripe::can_take(charge),
        Provider::Zpay => true,
    }
}

/// Payment to request from a provider.
#[derive(Debug, Clone)]
pub struct NewPayment<'a> {
    /// The order; the provider's events name it by this id.
    pub order: OrderId,
    /// Amount to take.
    pub charge: PayMoney,
    /// Product name shown to the payer.
    pub name: &'a str,
    /// The chosen payment method, of which Zpay takes the first; none means those of Stripe's Dashboard.
    pub methods: Vec<&'a str>,
    /// Page the payer returns to; it only shows the state and credits nothing.
    pub return_url: &'a str,
    /// Page the payer returns to without paying (Stripe only).
    pub cancel_url: &'a str,
    pub expires_at: Timestamp,
    /// Time of the request.
    pub now: Timestamp,
    /// The payer's IP address, required by Zpay's API.
    pub client_ip: Option<&'a str>,
    /// Zpay's way to create a payment: redirect or API.
    pub zpay_create: ZpayCreate,
    /// Zpay channel id of each method.
    pub channel_ids: &'a BTreeMap<String, String>,
}

/// A payment that waits for its payer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// The provider's own reference: Stripe's session id, or Zpay's trade number if its API returned one.
    pub provider_ref: Option<String>,
    /// Page on which to pay.
    pub pay_url: String,
    /// Content of the payment's QR code (Zpay only).
    pub qr_content: Option<String>,
}

/// Reason why no payment was created (R4.3).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CreateFailure {
    /// Rejected by the provider: `provider_refused`. Holds its message, bounded and without secrets.
    #[error("the provider refused: {0}")]
    Refused(String),
    /// Unreachable, or response unreadable: `provider_unavailable`.
    #[error("the provider is unavailable")]
    Unavailable,
}

impl From<GatewayFault> for CreateFailure {
    fn from(_: GatewayFault) -> Self {
        Self::Unavailable
    }
}

/// Reason why a gateway made no refund, or may not have made it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefundFailure {
    /// Rejected by the provider. Holds its message, bounded and without secrets.
    #[error("the provider refused: {0}")]
    Refused(String),
    /// No usable response: the refund may have been made.
    #[error("the provider did not say")]
    Unknown,
}

impl From<GatewayFault> for RefundFailure {
    fn from(_: GatewayFault) -> Self {
        Self::Unknown
    }
}

/// Reason why a notification is rejected as forged; nothing of it is stored (R4.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Forged {
    /// The signature is missing.
    #[error("no signature")]
    Unsigned,
    /// The signature or its parameters are not in the documented form.
    #[error("malformed notification")]
    Malformed,
    /// The signed time differs from ours by more than 300 s in either direction (R4.7).
    #[error("signed at another time")]
    Stale,
    /// The signature matches no secret.
    #[error("wrong signature")]
    Signature,
    /// A parameter occurs twice, so the signed text could be read in two ways.
    #[error("repeated parameter")]
    Repeated,
    /// The notification is for another merchant.
    #[error("another merchant")]
    Merchant,
}

/// The trimmed value, unless it is empty or blank.
fn present(value: &str) -> Option<String> {
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// A URL that may receive secrets: HTTPS, or HTTP to this machine; without trailing slash.
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

/// The provider's rejection message: printable, without secrets, at most 200 characters.
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
            payment_providers: None,
            zpay_api_url: "https://gateway.example.com/".to_owned(),
            zpay_pid: "1000".to_owned(),
            zpay_key: "key".to_owned(),
            zpay_key_previous: String::new(),
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

    /// deploy.md D11: a function without secrets offers what the deployment names, and Zpay with its address and merchant only.
    #[test]
    fn a_function_without_secrets_offers_what_is_named() {
        let offered = |named: Option<&str>, change: fn(&mut ProviderConfig)| {
            let secret = String::new;
            let mut config = ProviderConfig {
                payment_providers: named.map(str::to_owned),
                zpay_key: secret(),
                stripe_secret_key: secret(),
                stripe_webhook_secret: secret(),
                ..full()
            };
            change(&mut config);
            let providers = Providers::new(&config, &http::https_client());
            assert!(!providers.has(Provider::Stripe) && !providers.has(Provider::Zpay));
            Provider::ALL.into_iter().filter(|provider| providers.is_named(*provider)).collect::<Vec<_>>()
        };
        assert_eq!(offered(None, |_| ()), Provider::ALL);
        assert_eq!(offered(Some("stripe, zpay"), |_| ()), Provider::ALL);
        assert_eq!(offered(Some("zpay"), |_| ()), [Provider::Zpay]);
        assert_eq!(offered(Some("stripe"), |_| ()), [Provider::Stripe]);
        assert_eq!(offered(Some(""), |_| ()), []);
        assert_eq!(offered(Some("paypal"), |_| ()), []);
        assert_eq!(offered(None, |c| c.zpay_pid.clear()), [Provider::Stripe]);
    }

    /// deploy.md D19: an address that would get secrets in the clear stops the start, with a sentence; a missing one does not.
    #[test]
    fn an_address_in_the_clear_is_named() {
        let checked = |change: fn(&mut ProviderConfig)| {
            let mut config = full();
            change(&mut config);
            config.check().map_err(|fault| fault.to_string())
        };
        assert_eq!(checked(|_| ()), Ok(()));
        assert_eq!(checked(|c| c.zpay_api_url.clear()), Ok(()));
        assert_eq!(checked(|c| c.zpay_api_url = "http://127.0.0.1:3000/_sim/zpay".to_owned()), Ok(()));
        let said = checked(|c| c.zpay_api_url = "http://gateway.example.com".to_owned()).unwrap_err();
        assert!(said.starts_with("ZPAY_API_URL is no address that may get secrets"), "{said}");
        let said = checked(|c| c.stripe_api_url = "ftp://api.stripe.com".to_owned()).unwrap_err();
        assert!(said.starts_with("STRIPE_API_URL "), "{said}");
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
