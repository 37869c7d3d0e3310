//! HTTP client for providers: form POST and GET over HTTPS, bounded in time and size.
//!
//! It builds on the connector abstraction of the AWS SDK, so that tests and the local stack can substitute an in-process
//! connector. A fault carries no URL, header or body, since the gateway's query string holds the merchant key.

use std::sync::OnceLock;
use std::time::Duration;

use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Connector, HttpClientError};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use serde::de::DeserializeOwned;

/// Longest wait for a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest wait for the whole response, including connection and retry.
pub const WHOLE_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest response body that is read, in bytes.
pub const MAX_ANSWER: usize = 256 * 1024;

/// Reason why a provider call has no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GatewayFault {
    /// No complete response within [`WHOLE_TIMEOUT`].
    #[error("the provider did not answer in time")]
    Timeout,
    /// No connection, or it broke.
    #[error("the provider could not be reached")]
    Unreachable,
    /// Unreadable response: too long, not the expected JSON, or a server error.
    #[error("the provider's answer could not be read")]
    BadAnswer,
}

/// Response of a provider.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// Body, at most [`MAX_ANSWER`] bytes.
    pub body: Bytes,
}

impl Answer {
    /// True for a 2xx status.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Parses the body as JSON.
    ///
    /// # Rejects
    /// [`GatewayFault::BadAnswer`] if the body does not parse as `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, GatewayFault> {
        serde_json::from_slice(&self.body).map_err(|_| GatewayFault::BadAnswer)
    }
}

/// HTTP client for provider APIs; see the module.
#[derive(Debug, Clone)]
pub struct Https {
    connector: SharedHttpConnector,
}

impl Https {
    /// A client that sends every request through `connector`.
    pub fn new(connector: SharedHttpConnector) -> Self {
        Self { connector }
    }

    /// Sends a GET.
    ///
    /// # Rejects
    /// See [`GatewayFault`]; a response with any HTTP status is a success.
    pub async fn get(&self, url: &str, headers: &[(&'static str, &str)]) -> Result<Answer, GatewayFault> {
        self.send("GET", url, headers, None, true).await
    }

    /// Sends a POST of a form.
    ///
    /// It is sent twice if a connection breaks, so it must be idempotent at the provider.
    ///
    /// # Rejects
    /// See [`GatewayFault`]; a response with any HTTP status is a success.
    pub async fn post_form(
        &self,
        url: &str,
        headers: &[(&'static str, &str)],
        form: &[(String, String)],
    ) -> Result<Answer, GatewayFault> {
        self.send("POST", url, headers, Some(encode(form)), true).await
    }

    /// Sends a POST of a form at most once.
    ///
    /// For effects that must not happen twice and take no idempotency key at the provider. After a [`GatewayFault`] the effect
    /// may have happened.
    ///
    /// # Rejects
    /// See [`GatewayFault`]; a response with any HTTP status is a success.
    pub async fn post_form_once(&self, url: &str, form: &[(String, String)]) -> Result<Answer, GatewayFault> {
        self.send("POST", url, &[], Some(encode(form)), false).await
    }

    async fn send(
        &self,
        method: &'static str,
        url: &str,
        headers: &[(&'static str, &str)],
        form: Option<String>,
        repeatable: bool,
    ) -> Result<Answer, GatewayFault> {
        let exchange = async {
            let request = || request(method, url, headers, form.as_deref());
            match self.exchange(request()?).await {
                // A pooled connection may have died while the execution environment was frozen.
                Err(GatewayFault::Unreachable) if repeatable => self.exchange(request()?).await,
                other => other,
            }
        };
        tokio::time::timeout(WHOLE_TIMEOUT, exchange).await.map_err(|_| GatewayFault::Timeout)?
    }

    async fn exchange(&self, request: HttpRequest) -> Result<Answer, GatewayFault> {
        let mut response = self.connector.call(request).await.map_err(|error| classify(&error))?;
        let status = response.status().as_u16();
        let body = Limited::new(response.take_body(), MAX_ANSWER).collect().await;
        let body = body.map_err(|_| GatewayFault::BadAnswer)?.to_bytes();
        Ok(Answer { status, body })
    }
}

fn classify(error: &ConnectorError) -> GatewayFault {
    if error.is_timeout() { GatewayFault::Timeout } else { GatewayFault::Unreachable }
}

fn request(
    method: &'static str,
    url: &str,
    headers: &[(&'static str, &str)],
    form: Option<&str>,
) -> Result<HttpRequest, GatewayFault> {
    let mut builder = http::Request::builder().method(method).uri(url).header("accept", "application/json");
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    if form.is_some() {
        builder = builder.header("content-type", "application/x-www-form-urlencoded");
    }
    let body = form.map_or_else(SdkBody::empty, SdkBody::from);
    let request = builder.body(body).map_err(|_| GatewayFault::Unreachable)?;
    HttpRequest::try_from(request).map_err(|_| GatewayFault::Unreachable)
}

/// Form encoding of `fields`, in their order.
pub fn encode(fields: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// HTTP client for providers on the internet: TLS by ring, with Mozilla's roots compiled in.
///
/// Certificates are parsed at the first call, so a function that calls no provider does not pay for them.
pub fn https_client() -> Https {
    Https::new(internet(WHOLE_TIMEOUT))
}

/// Connector to the internet: TLS by ring, with Mozilla's roots compiled in.
///
/// `patience` bounds the wait for each response to start.
pub fn internet(patience: Duration) -> SharedHttpConnector {
    SharedHttpConnector::new(Lazily { patience, connector: OnceLock::new() })
}

#[derive(Debug)]
struct Lazily {
    patience: Duration,
    connector: OnceLock<Result<Connector, HttpClientError>>,
}

impl HttpConnector for Lazily {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match self.connector.get_or_init(|| connector(self.patience)) {
            Ok(connector) => connector.call(request),
            Err(error) => HttpConnectorFuture::ready(Err(ConnectorError::user(error.to_string().into()))),
        }
    }
}

fn connector(patience: Duration) -> Result<Connector, HttpClientError> {
    let timeouts = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(patience).build();
    Ok(Connector::builder()
        .connector_settings(timeouts)
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(roots()?)
        .build())
}

/// Mozilla's root certificates as compiled in.
///
/// # Errors
/// An unreadable root certificate, which a test excludes.
pub(crate) fn roots() -> Result<TlsContext, HttpClientError> {
    let trusted = webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .fold(TrustStore::empty(), |store, der| store.with_pem_certificate(pem(der)));
    TlsContext::builder().with_trust_store(trusted).build()
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", data_encoding::BASE64.encode(der))
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use std::sync::{Arc, Mutex};

    /// A request as sent.
    #[derive(Debug, Clone)]
    pub(crate) struct Seen {
        pub method: String,
        pub url: String,
        pub headers: Vec<(String, String)>,
        pub body: String,
    }

    type Scene = Result<(u16, String), GatewayFault>;

    /// Connector that answers from a script and records the requests.
    #[derive(Debug, Clone)]
    pub(crate) struct Scripted {
        answers: Arc<Mutex<Vec<Scene>>>,
        seen: Arc<Mutex<Vec<Seen>>>,
    }

    impl Scripted {
        pub(crate) fn new(answers: Vec<Scene>) -> Self {
            let answers = answers.into_iter().rev().collect();
            Self { answers: Arc::new(Mutex::new(answers)), seen: Arc::default() }
        }
        pub(crate) fn answering(status: u16, body: &str) -> Self {
            Self::new(vec![Ok((status, body.to_owned()))])
        }
        pub(crate) fn https(&self) -> Https {
            Https::new(SharedHttpConnector::new(self.clone()))
        }
        pub(crate) fn seen(&self) -> Vec<Seen> {
            self.seen.lock().unwrap().clone()
        }
    }

    impl HttpConnector for Scripted {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let body = String::from_utf8(request.body().bytes().unwrap_or_default().to_vec()).unwrap();
            let headers = request.headers().iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
            self.seen.lock().unwrap().push(Seen {
                method: request.method().to_owned(),
                url: request.uri().to_owned(),
                headers,
                body,
            });
            match self.answers.lock().unwrap().pop() {
                Some(Ok((status, body))) => {
                    let response = http::Response::builder().status(status).body(SdkBody::from(body)).unwrap();
                    HttpConnectorFuture::ready(Ok(response.try_into().unwrap()))
                }
                Some(Err(GatewayFault::Timeout)) => HttpConnectorFuture::new(std::future::pending()),
                Some(Err(_)) | None => HttpConnectorFuture::ready(Err(ConnectorError::io("broken".into()))),
            }
        }
    }

    #[test]
    fn the_production_client_builds_with_every_compiled_in_root() {
        connector(WHOLE_TIMEOUT).expect("all roots parse");
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_that_hangs_is_a_timeout_after_five_seconds() {
        let hanging = Scripted::new(vec![Err(GatewayFault::Timeout)]);
        let begin = tokio::time::Instant::now();
        let answer = hanging.https().get("https://example.com/", &[]).await;
        assert_eq!(answer.unwrap_err(), GatewayFault::Timeout);
        assert_eq!(begin.elapsed(), WHOLE_TIMEOUT);
    }

    #[tokio::test]
    async fn a_broken_connection_is_tried_once_more_unless_it_must_not_be() {
        let broken_once = Scripted::new(vec![Err(GatewayFault::Unreachable), Ok((200, "{}".to_owned()))]);
        assert!(broken_once.https().get("https://example.com/", &[]).await.is_ok());
        let broken_once = Scripted::new(vec![Err(GatewayFault::Unreachable), Ok((200, "{}".to_owned()))]);
        assert!(broken_once.https().post_form_once("https://example.com/", &[]).await.is_err());
        assert_eq!(broken_once.seen().len(), 1);
        let broken = Scripted::new(vec![]);
        assert_eq!(broken.https().get("https://example.com/", &[]).await.unwrap_err(), GatewayFault::Unreachable);
        assert_eq!(broken.seen().len(), 2);
    }

    #[tokio::test]
    async fn an_endless_answer_is_cut_off() {
        let long = Scripted::answering(200, &"x".repeat(MAX_ANSWER + 1));
        assert_eq!(long.https().get("https://example.com/", &[]).await.unwrap_err(), GatewayFault::BadAnswer);
    }
}
