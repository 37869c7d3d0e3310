//! Webhook sender, signing as [Standard Webhooks](https://www.standardwebhooks.com) specifies.
//!
//! Endpoint URLs are user input; treat them as SSRF targets. On AWS the client's own resolver answers only names whose
//! addresses are all public, and no second lookup happens before the connection. So DNS rebinding has no effect. Redirects are
//! not followed. Only the local stack allows private addresses; it builds its own object, and no environment variable can do
//! so.

use std::fmt;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::OnceLock;
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError, SharedDnsResolver};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, Collected, Limited};
use jiff::Timestamp;
use sha2::Sha256;

use crate::webhooks::model::delivery::Attempt;
use crate::webhooks::model::endpoint::{address_of, host_of, is_public, url_at};
use crate::webhooks::model::format::EndpointFormat;
use kernel::refusal::FieldError;

/// Connect timeout.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Timeout of the whole exchange.
pub const WHOLE_TIMEOUT: Duration = Duration::from_secs(8);
/// Timeout of name resolution when an endpoint is registered.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(3);
/// Maximum bytes read of a response body; reading it allows reuse of the connection.
const MAX_ANSWER: usize = 4 * 1024;
/// Prefix of an endpoint's secret.
pub const SECRET_PREFIX: &str = "whsec_";

/// Sender of signed webhook requests.
#[derive(Clone)]
pub struct WebhookSender {
    connector: SharedHttpConnector,
    names: SharedDnsResolver,
    local: bool,
}

impl fmt::Debug for WebhookSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Courier").field("local", &self.local).finish_non_exhaustive()
    }
}

/// Webhook request to send.
#[derive(Debug, Clone, Copy)]
pub struct WebhookRequest<'a> {
    /// URL of the endpoint.
    pub url: &'a str,
    /// Event id, sent as `webhook-id`.
    pub id: &'a str,
    /// Time of the attempt, sent as `webhook-timestamp`.
    pub at: Timestamp,
    /// JSON payload.
    pub body: &'a str,
    /// Format of the endpoint; a chat gets no signature.
    pub format: EndpointFormat,
}

impl WebhookSender {
    /// Builds a sender that reaches public addresses only.
    pub fn to_internet() -> Self {
        let names = SharedDnsResolver::new(Public { names: System });
        let connector = Lazily { connector: OnceLock::new(), names: names.clone() };
        Self { connector: SharedHttpConnector::new(connector), names, local: false }
    }

    /// Builds a sender with a given connector and resolver.
    ///
    /// `local` also allows plain HTTP and private addresses.
    pub fn through(connector: SharedHttpConnector, names: SharedDnsResolver, local: bool) -> Self {
        let names = if local { names } else { SharedDnsResolver::new(Public { names }) };
        Self { connector, names, local }
    }

    /// Builds a connector that reaches any address, private ones too, for the local stack.
    pub fn anywhere() -> SharedHttpConnector {
        let names = SharedDnsResolver::new(System);
        SharedHttpConnector::new(Lazily { connector: OnceLock::new(), names })
    }

    /// Validates an endpoint URL by its text and by the addresses that its host resolves to now.
    ///
    /// # Rejects
    /// A [`FieldError`] at `pointer`.
    pub async fn admit(&self, pointer: &str, url: &str) -> Result<String, FieldError> {
        let url = url_at(pointer, url, self.local)?;
        let host = host_of(&url).unwrap_or_default();
        if self.local || address_of(&host).is_some() {
            return Ok(url);
        }
        match tokio::time::timeout(RESOLVE_TIMEOUT, self.names.resolve_dns(&host)).await {
            Ok(Ok(_)) => Ok(url),
            Ok(Err(error)) if is_private(&error) => {
                Err(FieldError::new(pointer, "private_address", "an address on the internet"))
            }
            _ => Err(FieldError::new(pointer, "unknown", "a host that can be found")),
        }
    }

    /// Sends a request, signed under each of `secrets`.
    ///
    /// An error is a short reason without any of the response's content.
    pub async fn deliver(&self, parcel: &WebhookRequest<'_>, secrets: &[[u8; 32]]) -> Attempt {
        // Check again: the stored URL may have been accepted under other rules.
        if url_at("", parcel.url, self.local).is_err() {
            return Attempt::NoResponse("the address is not allowed");
        }
        let Some(request) = request(parcel, secrets) else { return Attempt::NoResponse("the address can't be used") };
        match tokio::time::timeout(WHOLE_TIMEOUT, self.exchange(request)).await {
            Ok(Ok((status, answer))) => parcel.format.outcome(status, &answer),
            Ok(Err(why)) => Attempt::NoResponse(why),
            Err(_) => Attempt::NoResponse("no answer in time"),
        }
    }

    async fn exchange(&self, request: HttpRequest) -> Result<(u16, Bytes), &'static str> {
        let mut response = self.connector.call(request).await.map_err(|error| why(&error))?;
        let status = response.status().as_u16();
        // A response body that is too long or breaks off still counts as a response.
        let read = Limited::new(response.take_body(), MAX_ANSWER).collect().await;
        Ok((status, read.map(Collected::to_bytes).unwrap_or_default()))
    }
}

fn why(error: &ConnectorError) -> &'static str {
    if is_private(error) {
        "the host resolves to a private address"
    } else if error.is_timeout() {
        "no answer in time"
    } else {
        "not reached"
    }
}

fn request(parcel: &WebhookRequest<'_>, secrets: &[[u8; 32]]) -> Option<HttpRequest> {
    let at = parcel.at.as_second();
    let mut request = http::Request::builder()
        .method("POST")
        .uri(parcel.url)
        .header("content-type", "application/json")
        .header("user-agent", "guerdon-webhooks/1");
    if !parcel.format.is_chat() {
        request = request
            .header("webhook-id", parcel.id)
            .header("webhook-timestamp", at.to_string())
            .header("webhook-signature", signatures(parcel.id, at, parcel.body, secrets));
    }
    HttpRequest::try_from(request.body(SdkBody::from(parcel.body)).ok()?).ok()
}

/// Computes the `webhook-signature` header: one signature per secret.
pub fn signatures(id: &str, at: i64, body: &str, secrets: &[impl AsRef<[u8]>]) -> String {
    let sign = |secret: &[u8]| {
        let mut mac = match Hmac::<Sha256>::new_from_slice(secret) {
            Ok(mac) => mac,
            Err(never) => unreachable!("HMAC takes keys of any length: {never}"),
        };
        mac.update(format!("{id}.{at}.{body}").as_bytes());
        format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes()))
    };
    secrets.iter().map(|secret| sign(secret.as_ref())).collect::<Vec<_>>().join(" ")
}

/// Formats a secret as its receiver gets it.
pub fn written(secret: &[u8]) -> String {
    format!("{SECRET_PREFIX}{}", BASE64.encode(secret))
}

/// The operating system's resolver.
#[derive(Debug, Clone, Copy)]
struct System;

impl ResolveDns for System {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        let name = name.to_owned();
        DnsFuture::new(async move {
            let found = tokio::task::spawn_blocking(move || (name.as_str(), 0).to_socket_addrs()).await;
            let found = found.map_err(ResolveDnsError::new)?.map_err(ResolveDnsError::new)?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Resolver that answers only names whose addresses are all public.
///
/// One private address rejects the name, because a mix suggests an attack.
#[derive(Debug, Clone)]
struct Public<R> {
    names: R,
}

/// The name resolves to an address that is not public.
#[derive(Debug, thiserror::Error)]
#[error("a private address")]
struct Private;

impl<R: ResolveDns> ResolveDns for Public<R> {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            let found: Vec<IpAddr> = self.names.resolve_dns(name).await?;
            if found.iter().all(|address| is_public(*address)) { Ok(found) } else { Err(ResolveDnsError::new(Private)) }
        })
    }
}

fn is_private(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(|error| error.is::<Private>())
}

/// Connector built at the first delivery.
///
/// Most invocations deliver nothing, and loading the certificates takes time.
#[derive(Debug)]
struct Lazily {
    connector: OnceLock<Result<Connector, String>>,
    names: SharedDnsResolver,
}

impl HttpConnector for Lazily {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match self.connector.get_or_init(|| connector(self.names.clone())) {
            Ok(connector) => connector.call(request),
            Err(error) => HttpConnectorFuture::ready(Err(ConnectorError::user(error.clone().into()))),
        }
    }
}

fn connector(names: SharedDnsResolver) -> Result<Connector, String> {
    let time = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(WHOLE_TIMEOUT).build();
    let roots = crate::payment::gateway::http::roots().map_err(|error| error.to_string())?;
    let builder = Connector::builder().connector_settings(time);
    Ok(builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(roots).build_with_resolver(names))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::sync::Mutex;

    /// Resolver whose answers change with every lookup.
    #[derive(Debug)]
    struct Turning(Mutex<Vec<&'static str>>);

    impl ResolveDns for Turning {
        fn resolve_dns<'a>(&'a self, _: &'a str) -> DnsFuture<'a> {
            let next = self.0.lock().unwrap().pop().map(|all| all.split(' ').map(|one| one.parse().unwrap()).collect());
            DnsFuture::ready(next.ok_or_else(|| ResolveDnsError::new("no such name")))
        }
    }

    fn turning(answers: &[&'static str]) -> SharedDnsResolver {
        SharedDnsResolver::new(Turning(Mutex::new(answers.iter().rev().copied().collect())))
    }

    /// Example of the Standard Webhooks specification.
    #[test]
    fn a_signature_is_that_of_standard_webhooks() {
        let secret = BASE64.decode(b"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        assert_eq!(written(&secret), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let (id, at, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signatures(id, at, body, &[&secret]), expected);
        let two = signatures(id, at, body, &[&secret, &b"another".to_vec()]);
        assert_eq!(two.split(' ').next(), Some(expected));
        assert_eq!(two.split(' ').count(), 2);
    }

    #[tokio::test]
    async fn an_endpoint_is_admitted_only_where_all_that_its_name_resolves_to_is_public() {
        let answers =
            ["93.184.215.14 2606:4700::1111", "10.0.0.1", "93.184.215.14 127.0.0.1", "::ffff:169.254.169.254"];
        let courier = WebhookSender::through(WebhookSender::anywhere(), turning(&answers), false);
        let url = "https://product.example/";
        assert_eq!(courier.admit("/url", url).await.unwrap(), url);
        for _ in 0..3 {
            assert_eq!(courier.admit("/url", url).await.unwrap_err().code, "private_address");
        }
        assert_eq!(courier.admit("/url", url).await.unwrap_err().code, "unknown", "a name that leads nowhere");
        assert_eq!(courier.admit("/url", "http://product.example/").await.unwrap_err().code, "invalid");
    }

    /// No DNS rebinding: the connection's own lookup checks the address again.
    #[tokio::test]
    async fn no_connection_is_made_to_a_private_address_whatever_the_name_said_before() {
        let names = SharedDnsResolver::new(Public { names: turning(&["127.0.0.1"]) });
        let connector = SharedHttpConnector::new(Lazily { connector: OnceLock::new(), names: names.clone() });
        let courier = WebhookSender { connector, names, local: false };
        let at = Timestamp::UNIX_EPOCH;
        let format = EndpointFormat::Signed;
        let parcel = |url: &'static str| WebhookRequest { url, id: "evt_1", at, body: "{}", format };
        let rebound = courier.deliver(&parcel("https://product.example/"), &[[7; 32]]).await;
        assert_eq!(rebound, Attempt::NoResponse("the host resolves to a private address"));
        for literal in ["https://127.0.0.1/", "https://[::1]:8443/", "http://product.example/"] {
            let refused = courier.deliver(&parcel(literal), &[[7; 32]]).await;
            assert_eq!(refused, Attempt::NoResponse("the address is not allowed"), "{literal}");
        }
    }

    #[test]
    fn a_debugged_courier_shows_nothing() {
        assert_eq!(format!("{:?}", WebhookSender::to_internet()), "Courier { local: false, .. }");
    }
}
