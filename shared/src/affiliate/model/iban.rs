//! Numbers of bank accounts and banks: IBAN (ISO 13616) and BIC (ISO 9362).

use kernel::typed;

/// An IBAN in its electronic form, with right check digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Iban(String);

impl Iban {
    /// Reads an IBAN however people type it: with spaces, dashes, and in any case.
    ///
    /// # Rejects
    /// `None` for another form, and for check digits that are wrong.
    pub fn parse(text: &str) -> Option<Self> {
        let plain: String = typed::folded(text)
            .chars()
            .filter(|symbol| !matches!(symbol, '-' | '.'))
            .collect::<String>()
            .to_uppercase();
        let (country, rest) = plain.split_at_checked(2)?;
        let (check, account) = rest.split_at_checked(2)?;
        let is_formed = (15..=34).contains(&plain.len())
            && country.bytes().all(|byte| byte.is_ascii_uppercase())
            && check.bytes().all(|byte| byte.is_ascii_digit())
            && account.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        let moved = account.chars().chain(country.chars()).chain(check.chars());
        // ISO 7064 MOD 97-10 over letters as 10 to 35, symbol by symbol.
        let remainder = moved.filter_map(|symbol| symbol.to_digit(36)).fold(0_u32, |sum, digit| {
            let shifted = if digit > 9 { sum.saturating_mul(100) } else { sum.saturating_mul(10) };
            shifted.saturating_add(digit).checked_rem(97).unwrap_or_default()
        });
        (is_formed && remainder == 1).then_some(Self(plain))
    }

    /// Its electronic form, without spaces.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Tests the form of a BIC: bank, country, place, and a branch if there is one.
pub fn is_bic(text: &str) -> bool {
    let is_alphanumeric = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let (bank, rest) = text.as_bytes().split_at(text.len().min(6));
    matches!(text.len(), 8 | 11)
        && bank.iter().all(u8::is_ascii_uppercase)
        && rest.iter().all(|byte| is_alphanumeric(*byte))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// R6.9: an IBAN is one when its check digits are right, whatever its spaces, dashes and case; examples of the ISO registry.
    #[test]
    fn an_iban_has_the_right_check_digits() {
        for right in [
            "DE89370400440532013000",
            "GB29 NWBK 6016 1331 9268 19",
            "fr14 2004 1010 0505 0001 3m02 606",
            "NO93-8601-1117-947",
            "MT84MALT011000012345MTLCAST001S",
            "ＤＥ０２ 1203 0000 0000 2020 51",
        ] {
            assert!(Iban::parse(right).is_some(), "{right}");
        }
        assert_eq!(Iban::parse("gb29 nwbk 6016 1331 9268 19").unwrap().as_str(), "GB29NWBK60161331926819");
        for wrong in [
            "",
            "DE",
            "DE88370400440532013000",
            "DE89370400440532013001",
            "DE893704004405320130000",
            "D389370400440532013000",
            "DEX9370400440532013000",
            "DE8937040044053201300é",
            "ann@example.com",
        ] {
            assert!(Iban::parse(wrong).is_none(), "{wrong}");
        }
    }

    /// R6.9: a digit changed or two neighbours swapped is noticed.
    #[test]
    fn a_slip_is_noticed() {
        let right = "DE89370400440532013000";
        for place in 2..right.len() {
            for digit in '0'..='9' {
                let slip: String =
                    right.chars().enumerate().map(|(at, was)| if at == place { digit } else { was }).collect();
                assert_eq!(Iban::parse(&slip).is_some(), slip == right, "{slip}");
            }
        }
    }

    #[test]
    fn a_bic_has_eight_or_eleven_symbols() {
        assert!(is_bic("DEUTDEFF") && is_bic("DEUTDEFF500") && is_bic("NEDSZAJJXXX"));
        for wrong in ["", "DEUTDEF", "DEUTDEFF5", "deutdeff", "DEUT1EFF", "DEUTDEF€", "DEUTDEFF5000"] {
            assert!(!is_bic(wrong), "{wrong}");
        }
    }
}
