//! Lists of IP addresses and networks, as settings write them.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

/// An address, or a network as `address/bits`; an IPv4-mapped one is the IPv4 one.
pub fn network(text: &str) -> Option<IpNet> {
    let parsed = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok()?;
    let IpNet::V6(wide) = parsed else { return Some(parsed) };
    let mapped = wide.addr().to_ipv4_mapped().zip(wide.prefix_len().checked_sub(96));
    let narrow = mapped.and_then(|(address, bits)| Ipv4Net::new(address, bits).ok());
    Some(narrow.map_or(parsed, IpNet::from))
}

/// True if any entry of the list holds the address.
pub fn any_holds(list: &[String], address: &str) -> bool {
    let Ok(address) = address.trim().parse::<IpAddr>() else { return false };
    let address = address.to_canonical();
    list.iter().filter_map(|entry| network(entry)).any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F1: networks match addresses of both families, and IPv4 addresses as IPv6 writes them.
    #[test]
    fn f1_a_network_holds_its_addresses_however_they_are_written() {
        for (entry, address, holds) in [
            ("127.0.0.0/8", "127.9.9.9", true),
            ("127.0.0.0/8", "128.0.0.1", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "::ffff:127.0.0.1", true),
            ("10.1.2.3/8", "10.200.0.1", true),
            ("::ffff:10.0.0.0/104", "10.3.0.1", true),
            ("::ffff:10.0.0.0/104", "11.3.0.1", false),
            ("::ffff:10.0.0.1", "10.0.0.1", true),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "2001:db9::1", true),
            ("0.0.0.0/0", "203.0.113.7", true),
            ("0.0.0.0/0", "2001:db9::1", false),
            ("2001:db8::1", "2001:0db8:0:0::1", true),
            ("127.0.0.0/8", "", false),
            ("127.0.0.0/8", "localhost", false),
        ] {
            assert_eq!(any_holds(&[entry.to_owned()], address), holds, "{entry} {address}");
        }
        for none in ["", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0/8", "example.com", "10.0.0.0/-1", " 10.0.0.1"] {
            assert_eq!(network(none), None, "{none}");
        }
    }
}
