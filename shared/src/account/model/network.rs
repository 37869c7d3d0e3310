//! Networks: the unit in which unknown callers are limited (R2.9).

use std::net::IpAddr;

/// Name of the network of all requests without a readable address.
const UNKNOWN: &str = "unknown";

/// Network of a client address: its /24, for IPv6 its /56.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network(String);

impl Network {
    /// Returns the network of a client address.
    ///
    /// Requests without a readable address share one network.
    pub fn of(address: Option<&str>) -> Self {
        let address = address.and_then(|address| address.trim().parse::<IpAddr>().ok());
        Self(match address.map(|address| address.to_canonical()) {
            Some(IpAddr::V4(address)) => {
                let [a, b, c, _] = address.octets();
                format!("{a}.{b}.{c}.0/24")
            }
            Some(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{a:x}:{b:x}:{c:x}:{:x}::/56", d & 0xff00)
            }
            None => UNKNOWN.to_owned(),
        })
    }

    /// Tests whether it is that of a readable address.
    pub fn is_known(&self) -> bool {
        self.0 != UNKNOWN
    }

    /// Returns the network as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R2.9: a network is the /24 of an IPv4 address and the /56 of an IPv6 address; a mapped address is its IPv4 address.
    #[test]
    fn a_network_is_a_24_or_a_56() {
        let of = |address: &str| Network::of(Some(address)).as_str().to_owned();
        for (address, network) in [
            ("203.0.113.7", "203.0.113.0/24"),
            ("203.0.113.255", "203.0.113.0/24"),
            ("::ffff:203.0.113.9", "203.0.113.0/24"),
            ("2001:db8:1:ab12::1", "2001:db8:1:ab00::/56"),
            ("2001:db8:1:abff:ffff::", "2001:db8:1:ab00::/56"),
            ("2001:db8:1:ac00::", "2001:db8:1:ac00::/56"),
            ("not an address", "unknown"),
        ] {
            assert_eq!(of(address), network, "{address}");
        }
        assert_eq!(Network::of(None).as_str(), "unknown");
    }
}
