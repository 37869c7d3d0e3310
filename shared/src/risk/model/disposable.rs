//! Providers of mailboxes to throw away (R10.1): a built-in list, and the operator's own.
//!
//! The built-in list is `disposable.txt`, a domain a line, sorted. It is updated with a release, or at any time by the settings
//! `disposable_domains` and `lasting_domains`.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::account::model::identity::Email;
use crate::risk::model::settings::RiskSettings;

const LISTED: &str = include_str!("disposable.txt");

/// Tests whether an address is of such a provider; the operator's word goes before the list's.
pub fn is_disposable(email: &Email, settings: &RiskSettings) -> bool {
    static BUILT_IN: LazyLock<BTreeSet<&str>> = LazyLock::new(|| LISTED.lines().collect());
    let domain = email.as_str().split_once('@').map_or("", |(_, domain)| domain);
    let named = |list: &[String]| {
        list.iter().filter_map(|named| domain_of(named)).any(|named| above(domain).any(|above| above == named))
    };
    !named(&settings.lasting_domains)
        && (named(&settings.disposable_domains) || above(domain).any(|above| BUILT_IN.contains(above)))
}

/// A domain as somebody typed it, in the form that addresses have.
fn domain_of(text: &str) -> Option<String> {
    let of = Email::parse(&format!("x@{}", text.trim().trim_start_matches(['@', '.'])))?;
    of.as_str().split_once('@').map(|(_, domain)| domain.to_owned())
}

/// The domain and all that it is below.
fn above(domain: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(domain), |domain| domain.split_once('.').map(|(_, above)| above))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn settings(disposable: &str, lasting: &str) -> RiskSettings {
        let list = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        RiskSettings { disposable_domains: list(disposable), lasting_domains: list(lasting), ..RiskSettings::default() }
    }

    /// R10.1: the built-in list is sorted, in the form of addresses, each domain once.
    #[test]
    fn the_list_is_sorted_and_has_each_domain_once() {
        let listed: Vec<&str> = LISTED.lines().collect();
        assert!(listed.windows(2).all(|two| two[0] < two[1]), "sort it");
        assert!(listed.len() > 150);
        for domain in listed {
            assert_eq!(domain_of(domain).as_deref(), Some(domain));
        }
    }

    /// R10.1: a domain of the list, one below it, and one that the operator adds is disposable; one that lasts is not.
    #[test]
    fn the_operators_word_goes_before_the_lists() {
        let of = |address: &str, settings: &RiskSettings| is_disposable(&Email::parse(address).unwrap(), settings);
        let (plain, own) = (settings("", ""), settings("@Throw.Example", "mailinator.com"));
        assert!(of("a@mailinator.com", &plain) && of("a@deep.mailinator.com", &plain));
        assert!(!of("a@notmailinator.com", &plain) && !of("a@gmail.com", &plain) && !of("a@throw.example", &plain));
        assert!(of("a@throw.example", &own) && of("a@x.throw.example", &own) && !of("a@mailinator.com", &own));
    }
}
