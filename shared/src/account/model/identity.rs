//! Identity: e-mail address, password, role and account status (R2.1, R2.5, R2.7, R2.8).
//!
//! An [`Email`] is always normalised, so two spellings of one address are equal. `Debug` shows an [`Email`] masked and a
//! [`Password`] not at all, so neither reaches a log by accident.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use unicode_normalization::UnicodeNormalization;

use kernel::refusal::FieldError;
use kernel::text_enum;

/// Maximum bytes of a normalised address.
pub const EMAIL_MAX: usize = 254;
/// Minimum characters of a password.
pub const PASSWORD_MIN: usize = 10;
/// Maximum characters of a password.
pub const PASSWORD_MAX: usize = 128;

/// Normalised e-mail address (R2.1, R2.13): trimmed, Unicode NFC, lower case, the domain in its ASCII form.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// Parses and normalises an address.
    ///
    /// # Rejects
    /// `None` for a malformed address or one longer than 254 bytes.
    pub fn parse(text: &str) -> Option<Self> {
        let normal: String = text.trim().nfc().collect::<String>().to_lowercase().nfc().collect();
        let (local, domain) = normal.split_once('@')?;
        let domain = idna::domain_to_ascii_strict(domain).ok()?;
        let sane = sane_local(local) && sane_domain(&domain);
        let address = format!("{local}@{domain}");
        (sane && address.len() <= EMAIL_MAX).then_some(Self(address))
    }

    /// Parses the address in a request field.
    ///
    /// # Rejects
    /// A [`FieldError`] at `pointer`.
    pub fn at(pointer: &str, text: &str) -> Result<Self, FieldError> {
        Self::parse(text).ok_or_else(|| FieldError::new(pointer, "not_an_email", "an e-mail address"))
    }

    /// Returns the normalised address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the mailbox that the address stands for, to compare aliases under limits and risk (R2.13).
    ///
    /// Without plus-part, and without dots where the provider ignores them. Accounts are unique per address, not per mailbox.
    pub fn canonical(&self) -> String {
        let (local, domain) = self.0.split_once('@').unwrap_or(("", ""));
        let plain = local.split('+').next().filter(|plain| !plain.is_empty()).unwrap_or(local);
        match domain {
            "gmail.com" | "googlemail.com" => format!("{}@gmail.com", plain.replace('.', "")),
            _ => format!("{plain}@{domain}"),
        }
    }

    /// Returns the masked address, for anyone but its owner and admins (R2.7): `a***@e***.com`.
    ///
    /// The number of stars is fixed, so a mask does not reveal the length.
    pub fn masked(&self) -> String {
        let (local, domain) = self.0.split_once('@').unwrap_or(("", ""));
        let (domain, _) = idna::domain_to_unicode(domain);
        let first = |part: &str| part.chars().next().map(String::from).unwrap_or_default();
        let last = domain.rsplit_once('.').map(|(_, last)| format!(".{last}")).unwrap_or_default();
        format!("{}***@{}***{last}", first(local), first(&domain))
    }
}

fn sane_local(local: &str) -> bool {
    let visible = |c: char| !c.is_whitespace() && !c.is_control() && !invisible(c) && !r#""(),:;<>@[\]"#.contains(c);
    let dots = local.starts_with('.') || local.ends_with('.') || local.contains("..");
    !local.is_empty() && local.len() <= 64 && !dots && local.chars().all(visible)
}

fn sane_domain(domain: &str) -> bool {
    let symbol = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let label = |label: &str| {
        let dashes = label.starts_with('-') || label.ends_with('-');
        !label.is_empty() && label.len() <= 63 && !dashes && label.chars().all(symbol)
    };
    !domain.is_empty() && domain.split('.').all(label)
}

/// Detects format characters that make two different addresses look the same.
fn invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl Serialize for Email {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not an e-mail address"))
    }
}

/// Password: 10–128 characters (R2.1), normalised as an OpaqueString of RFC 8265 (NFKC, every space an ASCII space).
///
/// So it does not matter how a keyboard composes its characters. Only its hash is stored; the password is never stored or
/// displayed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password {
    normal: String,
    /// Text as sent, where it differs; hashes from before the normalisation are of this.
    sent: Option<String>,
}

impl Password {
    /// Takes a password of valid length.
    ///
    /// # Rejects
    /// `None` below 10 or above 128 characters.
    pub fn parse(text: &str) -> Option<Self> {
        Self::within(text, PASSWORD_MIN)
    }

    /// Takes a password that is compared with the one of an account, which may be from a system that took shorter ones (R13.1).
    ///
    /// # Rejects
    /// `None` for none, and above 128 characters.
    pub fn shown(text: &str) -> Option<Self> {
        Self::within(text, 1)
    }

    fn within(text: &str, least: usize) -> Option<Self> {
        // No character normalises to more than eighteen others, or from more than a few.
        let text: String = text.chars().take(PASSWORD_MAX.saturating_mul(4).saturating_add(1)).collect();
        let space = |c: char| if c.is_whitespace() && !c.is_control() { ' ' } else { c };
        let normal: String = text.nfkc().map(space).collect();
        let length = normal.chars().take(PASSWORD_MAX.saturating_add(1)).count();
        let sent = (normal != text).then_some(text);
        (least..=PASSWORD_MAX).contains(&length).then_some(Self { normal, sent })
    }

    /// Takes the password in a request field.
    ///
    /// # Rejects
    /// A [`FieldError`] at `pointer`; it does not repeat the password.
    pub fn at(pointer: &str, text: &str) -> Result<Self, FieldError> {
        let length = || format!("{PASSWORD_MIN} to {PASSWORD_MAX} characters");
        Self::parse(text).ok_or_else(|| FieldError::new(pointer, "out_of_range", length()))
    }

    /// Returns the bytes to hash.
    pub fn as_bytes(&self) -> &[u8] {
        self.normal.as_bytes()
    }

    /// Returns the bytes that may have been hashed: normalised, and as sent before passwords were normalised.
    pub fn candidates(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::once(self.normal.as_bytes()).chain(self.sent.as_deref().map(str::as_bytes))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

text_enum! {
    /// Role of a user, which decides their permissions (R2.5). A later one has all rights of those before it.
    pub enum Role as UserRole {
        /// An end user.
        User = "user",
        /// A reseller with a shop.
        Agent = "agent",
        /// The operator.
        Admin = "admin",
    }
}

text_enum! {
    /// The state of an account (R2.8).
    pub enum Status as UserStatus {
        /// Registered, e-mail not verified yet.
        Pending = "pending",
        /// May do everything its role may.
        Active = "active",
        /// No sign-in, no writes; codes bind nothing, rewards are held, money stays.
        Blocked = "blocked",
        /// Its person was erased: like blocked, for ever.
        Erased = "erased",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    /// R2.7
    #[test]
    fn a_mask_shows_two_first_characters_and_the_last_label() {
        for (email, mask) in [
            ("al@example.com", "a***@e***.com"),
            ("a@example.com", "a***@e***.com"),
            ("somebody@mail.example.co.uk", "s***@m***.uk"),
            ("admin@localhost", "a***@l***"),
            ("名字@例子.中国", "名***@例***.中国"),
        ] {
            assert_eq!(Email::parse(email).unwrap().masked(), mask);
        }
    }

    /// R2.7
    #[test]
    fn an_email_is_only_debugged_as_its_mask() {
        assert_eq!(format!("{:?}", Email::parse("al@example.com").unwrap()), "a***@e***.com");
        assert_eq!(format!("{:?}", Password::parse("correct horse").unwrap()), "Password");
    }

    /// R2.1: one account per normalised e-mail.
    #[test]
    fn spellings_of_one_address_are_one_address() {
        let composed = Email::parse("josé@example.com").unwrap();
        for other in ["jose\u{301}@example.com", "  JOSÉ@Example.COM\n", "JOSE\u{301}@EXAMPLE.com"] {
            assert_eq!(Email::parse(other), Some(composed.clone()), "{other}");
        }
    }

    /// R2.1
    #[test]
    fn what_is_not_a_sane_address_is_refused() {
        let long = format!("{}@{}.com", "a".repeat(64), ["b".repeat(63), "b".repeat(63), "b".repeat(62)].join("."));
        for bad in [
            "",
            "a",
            "@b.com",
            "a@",
            "a@b@c.com",
            "a b@c.com",
            "a@b..com",
            ".a@b.com",
            "a..b@c.com",
            "a@-b.com",
            "a@b_c.com",
            "a\u{200b}@b.com",
            "a\r\nBcc: x@b.com",
            "<a@b.com>",
            "a@[127.0.0.1]",
            "a＠b.com",
            &long,
        ] {
            assert_eq!(Email::parse(bad), None, "{bad}");
        }
    }

    /// R2.13, G11: an address in Unicode and in punycode is one address, with the domain in its ASCII form.
    #[test]
    fn a_domain_in_unicode_and_in_punycode_is_one_address() {
        let ascii = Email::parse("ann@xn--bcher-kva.example").unwrap();
        for other in ["ann@bücher.example", "ann@BÜCHER.example", "ann@bu\u{308}cher.example", "ann@ｂücher。example"]
        {
            assert_eq!(Email::parse(other), Some(ascii.clone()), "{other}");
        }
        assert_eq!(ascii.as_str(), "ann@xn--bcher-kva.example");
        for bad in ["a@xn--zz--.com", "a@xn--.com", "a@b.com."] {
            assert_eq!(Email::parse(bad), None, "{bad}");
        }
    }

    /// R2.13, G11: aliases of one mailbox have one canonical form, and stay addresses of their own.
    #[test]
    fn aliases_of_a_mailbox_have_one_canonical_form() {
        let canonical = |text: &str| Email::parse(text).unwrap().canonical();
        for alias in ["annlee@gmail.com", "ann.lee@gmail.com", "a.n.n.lee+shop@googlemail.com", "AnnLee+1@Gmail.com"] {
            assert_eq!(canonical(alias), "annlee@gmail.com", "{alias}");
        }
        assert_eq!(canonical("ann.lee+shop@example.com"), "ann.lee@example.com");
        assert_eq!(canonical("+shop@example.com"), "+shop@example.com");
        assert_ne!(Email::parse("ann.lee@gmail.com"), Email::parse("annlee@gmail.com"));
    }

    /// G12: the same password is the same however it is composed.
    #[test]
    fn a_password_is_the_same_however_it_is_composed() {
        let composed = Password::parse("pâssw\u{f6}rd-10").unwrap();
        for other in ["pa\u{302}sswo\u{308}rd-10", "ｐâssw\u{f6}rd-1０"] {
            let other = Password::parse(other).unwrap();
            assert_eq!(other.as_bytes(), composed.as_bytes());
            assert_eq!(other.candidates().count(), 2, "as sent, for old hashes");
        }
        assert_eq!(composed.candidates().count(), 1);
        assert_eq!(Password::parse("ten\u{a0}letters").unwrap().as_bytes(), b"ten letters");
    }

    /// R2.1
    #[test]
    fn a_password_has_ten_to_a_hundred_and_twenty_eight_characters() {
        for (length, good) in [(9, false), (10, true), (128, true), (129, false)] {
            assert_eq!(Password::parse(&"é".repeat(length)).is_some(), good, "{length}");
        }
        let shown = |length: usize| Password::shown(&"é".repeat(length)).is_some();
        assert_eq!([0, 1, 9, 128, 129].map(shown), [false, true, true, true, false], "R13.1");
    }

    proptest! {
        /// R2.1: normalisation is idempotent.
        #[test]
        fn normalising_twice_changes_nothing(text in "\\PC{1,12}@[a-zA-ZÀ-ž]{1,8}\\.[A-Z]{2,3}") {
            if let Some(email) = Email::parse(&text) {
                prop_assert_eq!(Email::parse(email.as_str()), Some(email));
            }
        }
    }
}
