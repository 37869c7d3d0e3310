//! Address of the client (R2.9): that of the gateway, or of the CDN's viewer if the CDN proves that it is ours.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use kernel::secret::OriginSecrets;
use subtle::{Choice, ConstantTimeEq};

/// Header by which the CDN proves itself; set at its origin, so viewers cannot send it through.
pub const ORIGIN_SECRET: &str = "x-origin-secret";
/// Header in which CloudFront names its viewer's address and port.
const VIEWER: &str = "cloudfront-viewer-address";

/// Tests for one of the secrets, in constant time.
fn know(secrets: &OriginSecrets, shown: &[u8]) -> bool {
    bool::from(secrets.iter().fold(Choice::from(0), |right, secret| right | secret.as_bytes().ct_eq(shown)))
}

/// Returns the client's address: the CDN's viewer if the request proves that it came through it, else the gateway's client.
pub fn client(secrets: &OriginSecrets, headers: &HeaderMap, gateway: Option<String>) -> Option<String> {
    let mut shown = headers.get_all(ORIGIN_SECRET).iter();
    let proven = shown.next().is_some_and(|shown| know(secrets, shown.as_bytes())) && shown.next().is_none();
    let viewer = headers.get(VIEWER).filter(|_| proven).and_then(|viewer| address(viewer.to_str().ok()?));
    viewer.map(|viewer| viewer.to_string()).or(gateway)
}

/// Address of `address:port`, whose IPv6 form CloudFront writes without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let with_port = text.parse::<SocketAddr>().map(|socket| socket.ip()).ok();
    with_port.or_else(|| text.rsplit_once(':')?.0.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address_of(secrets: &[&str], headers: &[(&'static str, &'static str)]) -> Option<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, axum::http::HeaderValue::from_static(value));
        }
        let secrets: OriginSecrets = secrets.iter().map(|secret| (*secret).to_owned()).collect();
        client(&secrets, &map, Some("198.51.100.1".to_owned()))
    }

    /// R2.9: the CDN's header is believed only together with its secret, of which two are good during a rotation.
    #[test]
    fn a_viewer_is_believed_only_with_the_origin_secret() {
        let viewer = ("cloudfront-viewer-address", "203.0.113.9:46532");
        let gateway = Some("198.51.100.1".to_owned());
        for good in ["new secret", "old secret"] {
            let shown = address_of(&["new secret", "old secret"], &[viewer, (ORIGIN_SECRET, good)]);
            assert_eq!(shown.as_deref(), Some("203.0.113.9"));
        }
        assert_eq!(address_of(&["new secret"], &[viewer]), gateway);
        assert_eq!(address_of(&["new secret"], &[viewer, (ORIGIN_SECRET, "another")]), gateway);
        assert_eq!(
            address_of(&["new secret"], &[viewer, (ORIGIN_SECRET, "new secret"), (ORIGIN_SECRET, "x")]),
            gateway
        );
        for none in [&[][..], &[""], &["  "]] {
            assert_eq!(address_of(none, &[viewer, (ORIGIN_SECRET, "")]), gateway, "no secret, no CDN");
        }
        assert_eq!(address_of(&["s"], &[("cloudfront-viewer-address", "nonsense"), (ORIGIN_SECRET, "s")]), gateway);
    }

    #[test]
    fn an_ipv6_viewer_is_read_with_and_without_brackets() {
        for viewer in ["2001:db8::1:46532", "[2001:db8::1]:46532"] {
            assert_eq!(address(viewer), "2001:db8::1".parse().ok(), "{viewer}");
        }
    }
}
