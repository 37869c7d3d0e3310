//! Webhook endpoints: the URLs of the operator's product that receive events.
//!
//! An endpoint is a public HTTPS URL with its subscribed event kinds. Its secret is derived from the deployment's secret, the
//! endpoint's id and a number that rotation increments, so it is never stored. A deleted endpoint is kept for its deliveries.
//! Each endpoint is one item.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::webhooks::model::format::EndpointFormat;
use crate::webhooks::model::outbound_event::{EventKind, EventPattern};
use kernel::id::{EndpointId, UserId};
use kernel::refusal::FieldError;
use kernel::text_enum;

/// Maximum endpoints of a deployment; an event goes to all that subscribe to it.
pub const MOST: usize = 20;
/// Maximum characters of a URL.
pub const URL_MAX: usize = 500;
/// Time of failures without a success after which an endpoint is disabled.
pub const PATIENCE: SignedDuration = SignedDuration::from_hours(5 * 24);
/// Time of failures after which an endpoint counts as down.
const DOWN: SignedDuration = SignedDuration::from_mins(10);
/// Time after a rotation in which the former secret also signs.
pub const OVERLAP: SignedDuration = SignedDuration::from_hours(24);

text_enum! {
    /// Why an endpoint gets nothing.
    pub enum DisabledBecause {
        /// An admin said so.
        ByAdmin = "by_admin",
        /// Deliveries failed for [`PATIENCE`], and none succeeded.
        Failing = "failing",
        /// It answered that it is gone for good.
        Gone = "gone",
    }
}

/// Disabled state of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    pub because: DisabledBecause,
    pub at: Timestamp,
}

/// Former secret after a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Former {
    /// Secret number.
    pub number: u32,
    /// End of the overlap.
    pub until: Timestamp,
}

/// Webhook endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    pub id: EndpointId,
    /// URL as accepted by [`url_at`]; that of a chat is a secret.
    pub url: String,
    /// Format of what is posted, for good.
    #[serde(default, skip_serializing_if = "is_signed")]
    pub format: EndpointFormat,
    /// Subscribed event kinds and groups.
    pub events: BTreeSet<EventPattern>,
    /// Number of the current secret, from 1.
    pub secret: u32,
    /// Former secret during the overlap of a rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<Former>,
    /// Time of the first failure since the last success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// Reason and time while it is disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Disabled>,
    /// Admin who created it.
    pub made_by: UserId,
    pub created_at: Timestamp,
    /// Time of the deletion; nothing is delivered from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

fn is_signed(format: &EndpointFormat) -> bool {
    !format.is_chat()
}

impl Endpoint {
    /// Returns the URL as it is shown: of a chat, whose path is a secret, only the origin.
    pub fn shown_url(&self) -> String {
        if self.format.is_chat() { format!("{}/…", origin_of(&self.url)) } else { self.url.clone() }
    }

    /// Tests whether it is open and subscribes to an event kind.
    pub fn wants(&self, kind: EventKind) -> bool {
        self.is_open() && self.events.iter().any(|pattern| pattern.covers(kind))
    }

    /// Tests whether it is neither disabled nor deleted.
    pub fn is_open(&self) -> bool {
        self.disabled.is_none() && self.deleted_at.is_none()
    }

    /// Tests whether it has failed for so long that an attempt is likely to fail.
    pub fn is_down(&self, now: Timestamp) -> bool {
        self.failing_since.is_some_and(|since| now.duration_since(since) >= DOWN)
    }

    /// Returns the numbers of the secrets that sign at `now`, the current one first.
    pub fn signs_with(&self, now: Timestamp) -> Vec<u32> {
        let former = self.former.filter(|former| now < former.until).map(|former| former.number);
        std::iter::once(self.secret).chain(former).collect()
    }

    /// Returns the endpoint with a new secret.
    ///
    /// A repeated rotation within the overlap keeps the oldest valid secret as the former one. So an admin who lost the
    /// response may rotate again, and receivers can still verify.
    pub fn rotated(self, now: Timestamp) -> Self {
        let first = self.former.filter(|former| now < former.until).map_or(self.secret, |former| former.number);
        let until = now.checked_add(OVERLAP).unwrap_or(Timestamp::MAX);
        Self { secret: self.secret.saturating_add(1), former: Some(Former { number: first, until }), ..self }
    }

    /// Returns the endpoint enabled or disabled by an admin; unchanged if it is so already.
    pub fn switched(self, on: bool, at: Timestamp) -> Self {
        match (on, self.disabled) {
            (true, Some(_)) => Self { disabled: None, failing_since: None, ..self },
            (false, None) => Self { disabled: Some(Disabled { because: DisabledBecause::ByAdmin, at }), ..self },
            _ => self,
        }
    }

    /// Returns the endpoint after an attempt that ended at `now`.
    ///
    /// Long failure or a 410 disables it.
    pub fn after(&self, success: bool, gone: bool, now: Timestamp) -> Self {
        if success {
            return Self { failing_since: None, ..self.clone() };
        }
        let since = self.failing_since.unwrap_or(now);
        let because = if gone {
            Some(DisabledBecause::Gone)
        } else {
            (now.duration_since(since) >= PATIENCE).then_some(DisabledBecause::Failing)
        };
        let disabled = self.disabled.or(because.map(|because| Disabled { because, at: now }));
        Self { failing_since: Some(since), disabled, ..self.clone() }
    }
}

/// Parses an endpoint URL: `https://`, a host, an optional port, path and query.
///
/// Rejects userinfo, escapes and fragments, which may hide the target. `local` also allows `http://`, any port and private
/// addresses, for the local stack.
///
/// # Rejects
/// A [`FieldError`] at `pointer`. Does not resolve the host name.
pub fn url_at(pointer: &str, text: &str, local: bool) -> Result<String, FieldError> {
    let wrong = |detail: &str| FieldError::new(pointer, "invalid", detail);
    if text.is_empty() || text.len() > URL_MAX {
        return Err(FieldError::new(pointer, "out_of_range", format!("1 to {URL_MAX} characters")));
    }
    let bad = text.contains(['#', '\\']) || !text.bytes().all(|byte| byte.is_ascii_graphic());
    let uri = text.parse::<Uri>().ok().filter(|_| !bad).ok_or_else(|| wrong("an https:// address"))?;
    let scheme = uri.scheme_str().unwrap_or_default();
    if scheme != "https" && !(local && scheme == "http") {
        return Err(wrong("an https:// address"));
    }
    let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
    if authority.contains(['@', '%']) {
        return Err(wrong("an address without a user"));
    }
    let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| wrong("an address with a host"))?;
    let port = authority.strip_prefix(host).unwrap_or("?");
    if !(port.is_empty() || port.strip_prefix(':').is_some_and(|port| good_port(port, local))) {
        return Err(wrong("port 443, or one from 1024 on"));
    }
    if !local && address_of(host).is_some_and(|address| !is_public(address)) {
        return Err(FieldError::new(pointer, "private_address", "an address on the internet"));
    }
    Ok(text.to_owned())
}

fn good_port(port: &str, local: bool) -> bool {
    let written_plainly = !port.starts_with('0') && port.bytes().all(|byte| byte.is_ascii_digit());
    written_plainly && port.parse::<u16>().is_ok_and(|port| port == 443 || port >= 1024 || (local && port > 0))
}

/// Returns the host of a URL accepted by [`url_at`], in lower case, without IPv6 brackets.
pub fn host_of(url: &str) -> Option<String> {
    let uri = url.parse::<Uri>().ok()?;
    Some(uri.host()?.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase())
}

/// Parses a host that is an IP address.
pub fn address_of(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Returns a URL's origin for logs, without path and query, which may hold a password.
pub fn origin_of(url: &str) -> String {
    let uri = url.parse::<Uri>().unwrap_or_default();
    format!("{}://{}", uri.scheme_str().unwrap_or("?"), uri.authority().map_or("?", |authority| authority.as_str()))
}

/// Tests whether an IP address is public on the internet.
///
/// False for loopback, private, link-local, shared, multicast, documentation, unspecified and reserved addresses of both
/// versions, and for IPv4-mapped ones of these.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(address),
        },
    }
}

/// IPv4 networks that are not public, with their prefix lengths.
const NOT_PUBLIC_V4: [([u8; 4], u32); 15] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    !NOT_PUBLIC_V4.iter().any(|(network, length)| {
        let mask = u32::MAX.checked_shl(32_u32.saturating_sub(*length)).unwrap_or(0);
        bits & mask == Ipv4Addr::from(*network).to_bits() & mask
    })
}

/// Tests an IPv6 address: only 2000::/3 is allocated.
///
/// Not public within it: protocol assignments (2001::/23, including Teredo), documentation and 6to4.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let given_out = first & 0xe000 == 0x2000;
    let protocols = first == 0x2001 && second & 0xfe00 == 0;
    let documentation = (first == 0x2001 && second == 0x0db8) || (first == 0x3fff && second & 0xf000 == 0);
    let six_to_four = first == 0x2002;
    given_out && !protocols && !documentation && !six_to_four
}

/// Parses the event kinds and groups of a subscription.
///
/// # Rejects
/// A [`FieldError`] when there is none, or an unknown one.
pub fn events_at(pointer: &str, texts: &[String]) -> Result<BTreeSet<EventPattern>, FieldError> {
    let events: Option<BTreeSet<EventPattern>> = texts.iter().map(|text| EventPattern::parse(text)).collect();
    let all = EventPattern::ALL.map(EventPattern::as_str).join(", ");
    let wrong = || FieldError::new(pointer, "unknown", format!("one or more of {all}"));
    events.filter(|events| !events.is_empty()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use ulid::Ulid;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn endpoint() -> Endpoint {
        Endpoint {
            id: EndpointId::new(Ulid::from_parts(1, 1)),
            url: "https://product.example/hook".into(),
            format: EndpointFormat::Signed,
            events: BTreeSet::from([EventPattern::OrderPaid]),
            secret: 1,
            former: None,
            failing_since: None,
            disabled: None,
            made_by: UserId::new(Ulid::from_parts(1, 2)),
            created_at: at("2026-11-20T10:00:00Z"),
            deleted_at: None,
        }
    }

    #[test]
    fn an_address_is_https_without_tricks() {
        for good in [
            "https://product.example",
            "https://product.example/hook?tenant=7",
            "https://product.example:8443/",
            "https://93.184.215.14/hook",
            "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/hook",
        ] {
            assert_eq!(url_at("/url", good, false).unwrap(), good);
        }
        for bad in [
            "",
            "http://product.example/",
            "ftp://product.example/",
            "//product.example/",
            "/hook",
            "product.example",
            "https://",
            "https:///hook",
            "https://user@product.example/",
            "https://user:word@product.example/",
            "https://10.0.0.1%2f@product.example/",
            "https://product.example#@10.0.0.1/",
            "https://product.example\\@10.0.0.1/",
            "https://product.example:0/",
            "https://product.example:22/",
            "https://product.example:80/",
            "https://product.example:0443/",
            "https://product.example:99999/",
            "https://product.example:/",
            "https://product.example:+443/",
            "https://pro duct.example/",
            "https://prodüct.example/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://169.254.169.254/latest/meta-data",
            &format!("https://product.example/{}", "x".repeat(URL_MAX)),
        ] {
            assert_eq!(url_at("/url", bad, false).unwrap_err().pointer, "/url", "{bad}");
        }
        for local in ["http://127.0.0.1:3000/_sim/webhook", "http://localhost:81/", "https://product.example/"] {
            assert!(url_at("/url", local, true).is_ok(), "{local}");
        }
    }

    #[test]
    fn only_what_is_given_out_is_public() {
        for public in [
            "1.1.1.1",
            "93.184.215.14",
            "100.63.255.255",
            "100.128.0.1",
            "172.32.0.1",
            "2606:4700::1111",
            "::ffff:1.1.1.1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:a00:1::",
            "3fff::1",
            "64:ff9b::a00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::10.0.0.1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }

    #[test]
    fn the_path_of_a_chat_is_not_shown() {
        assert_eq!(endpoint().shown_url(), "https://product.example/hook");
        let url = "https://hooks.chat.example/services/5ec7e7".to_owned();
        let chat = Endpoint { format: EndpointFormat::Slack, url, ..endpoint() };
        assert_eq!(chat.shown_url(), "https://hooks.chat.example/…");
        assert!(url_at("/url", &chat.shown_url(), false).is_err(), "and is no address");
    }

    #[test]
    fn a_log_shows_no_path_and_no_query() {
        assert_eq!(origin_of("https://product.example:8443/hook/5ec7e7?token=5ec7e7"), "https://product.example:8443");
    }

    #[test]
    fn what_fails_for_five_days_is_disabled_and_one_success_forgives() {
        let (start, later) = (at("2026-11-20T10:00:00Z"), at("2026-11-25T10:00:00Z"));
        let failing = endpoint().after(false, false, start);
        assert_eq!((failing.failing_since, failing.disabled), (Some(start), None));
        assert_eq!(failing.after(true, false, later), endpoint());
        assert!(!failing.is_down(start) && failing.is_down(later) && !endpoint().is_down(later));
        assert_eq!(failing.after(false, false, at("2026-11-25T09:59:59Z")).disabled, None);
        let disabled = failing.after(false, false, later);
        assert_eq!(disabled.disabled, Some(Disabled { because: DisabledBecause::Failing, at: later }));
        assert!(!disabled.wants(EventKind::OrderPaid));
        assert_eq!(disabled.switched(true, later), endpoint());
        assert_eq!(endpoint().after(false, true, start).disabled.unwrap().because, DisabledBecause::Gone);
    }

    #[test]
    fn a_rotation_that_is_asked_for_again_keeps_the_secret_that_was_good() {
        let once = endpoint().rotated(at("2026-11-20T10:00:00Z"));
        assert_eq!(once.signs_with(at("2026-11-20T10:00:01Z")), [2, 1]);
        let again = once.clone().rotated(at("2026-11-20T11:00:00Z"));
        assert_eq!(again.signs_with(at("2026-11-21T10:59:59Z")), [3, 1]);
        assert_eq!(again.signs_with(at("2026-11-21T11:00:00Z")), [3]);
        assert_eq!(once.rotated(at("2026-11-22T10:00:00Z")).signs_with(at("2026-11-22T10:00:00Z")), [3, 2]);
    }
}
