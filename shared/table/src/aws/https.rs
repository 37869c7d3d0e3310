//! HTTPS client of all AWS services: TLS by ring, trusting only Amazon's roots.
//!
//! Loading the operating system's certificates would take longer than the rest of a function's start.

use std::time::Duration;

use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpClient, SharedHttpConnector};

use kernel::fault::Fault;

/// Amazon Root CA 1 to 4 and Starfield Services G2, the roots of every AWS endpoint's certificate.
const ROOTS: &str = include_str!("amazon-roots.pem");

/// Client shared by DynamoDB, SQS and SES.
///
/// # Errors
/// The roots do not parse, which a test excludes.
pub fn aws_client() -> Result<SharedHttpClient, Fault> {
    Ok(Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(roots()?).build_https())
}

/// Connector for the one call that reads secrets, before the client exists.
///
/// # Errors
/// The roots do not parse, which a test excludes.
pub fn aws_connector() -> Result<SharedHttpConnector, Fault> {
    let time = HttpConnectorSettings::builder()
        .connect_timeout(Duration::from_secs(1))
        .read_timeout(Duration::from_millis(1_500))
        .build();
    let connector = Connector::builder()
        .connector_settings(time)
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(roots()?)
        .build();
    Ok(SharedHttpConnector::new(connector))
}

fn roots() -> Result<TlsContext, Fault> {
    let trusted = TrustStore::empty().with_pem_certificate(ROOTS);
    let context = TlsContext::builder().with_trust_store(trusted).build();
    context.map_err(|error| Fault::bug(format!("Amazon's roots: {error}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn both_clients_build_with_the_five_pinned_roots() {
        assert_eq!(ROOTS.matches("BEGIN CERTIFICATE").count(), 5);
        aws_client().unwrap();
        aws_connector().unwrap();
    }
}
