//! Readers of text that a person typed or pasted (G5).
//!
//! Pasted text has line breaks, no-break spaces, full-width letters and typographic dashes. One reader serves redemption codes,
//! invite codes, printed identifiers and amounts.

use jiff::Timestamp;
use unicode_normalization::UnicodeNormalization;

/// Longest typed text that is read, in characters.
pub const TYPED_MAX: usize = 100;

/// Reads a code: compatibility characters as plain ones (NFKC), without white space and dashes, in upper case.
///
/// # Rejects
/// `None` for a text of more than [`TYPED_MAX`] characters.
pub fn code(text: &str) -> Option<String> {
    short(text).then(|| plain(text).filter(|symbol| !is_dash(*symbol)).collect())
}

/// Reads a printed identifier: as [`code`], but each dash stays as a hyphen.
///
/// # Rejects
/// `None` for a text of more than [`TYPED_MAX`] characters.
pub fn identifier(text: &str) -> Option<String> {
    short(text).then(|| plain(text).map(|symbol| if is_dash(symbol) { '-' } else { symbol }).collect())
}

/// Folds a text of the operator's, to compare it: as [`identifier`], of any length.
pub fn folded(text: &str) -> String {
    plain(text).map(|symbol| if is_dash(symbol) { '-' } else { symbol }).collect()
}

/// Takes the white space around an amount off; inside it nothing is changed.
pub fn amount(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Reads a time as RFC 3339 writes it, up to `9999-12-31T23:59:59Z`; the clock's last instant stands for those after it (G13).
///
/// # Rejects
/// `None` for any other text.
pub fn time(text: &str) -> Option<Timestamp> {
    let text = amount(text);
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    // The clock ends 26 hours before the year does, so that it can show its last instant in any zone.
    let rest = text.strip_prefix("9999-12-3").filter(|rest| rest.starts_with(['0', '1']))?;
    format!("9999-11-3{}", rest.replacen('1', "0", usize::from(rest.starts_with('1')))).parse::<Timestamp>().ok()?;
    Some(Timestamp::MAX)
}

fn short(text: &str) -> bool {
    text.chars().take(TYPED_MAX.saturating_add(1)).count() <= TYPED_MAX
}

fn plain(text: &str) -> impl Iterator<Item = char> + '_ {
    text.nfkc().filter(|symbol| !is_space(*symbol)).flat_map(char::to_lowercase).flat_map(char::to_uppercase)
}

/// White space, and format characters without a width.
fn is_space(symbol: char) -> bool {
    let invisible =
        matches!(symbol, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    symbol.is_whitespace() || invisible || symbol == '\u{180e}'
}

/// Dashes: Unicode's category Pd, the minus sign, the soft hyphen and the hyphen bullet.
fn is_dash(symbol: char) -> bool {
    matches!(
        symbol,
        '-' | '\u{ad}' | '\u{58a}' | '\u{5be}' | '\u{1400}' | '\u{1806}' | '\u{2010}'
            ..='\u{2015}'
                | '\u{2043}'
                | '\u{2212}'
                | '\u{2e17}'
                | '\u{2e1a}'
                | '\u{2e3a}'
                | '\u{2e3b}'
                | '\u{2e40}'
                | '\u{2e5d}'
                | '\u{301c}'
                | '\u{3030}'
                | '\u{30a0}'
                | '\u{fe31}'
                | '\u{fe32}'
                | '\u{fe58}'
                | '\u{fe63}'
                | '\u{ff0d}'
                | '\u{10d6e}'
                | '\u{10ead}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// G5: pasted codes are read: any white space, any dash, any width, any case.
    #[test]
    fn a_pasted_code_is_read() {
        let pasted = [
            "abcd-efgh",
            " ABCD EFGH\r\n",
            "\tABCD\u{a0}EFGH\u{3000}",
            "ABCD\u{2013}EFGH",
            "ABCD\u{2014}EFGH\u{2212}",
            "\u{feff}ABCD\u{200b}EF\u{ad}GH",
            "\u{ff21}\u{ff22}\u{ff23}\u{ff24}\u{ff0d}\u{ff45}\u{ff46}\u{ff47}\u{ff48}",
        ];
        for text in pasted {
            assert_eq!(code(text).as_deref(), Some("ABCDEFGH"), "{text:?}");
        }
        assert_eq!(code("\u{ff12}3").as_deref(), Some("23"));
        assert_eq!(code(&"-".repeat(TYPED_MAX.saturating_add(1))), None);
    }

    /// G13: times are read to the end of the year 9999, and only times.
    #[test]
    fn the_last_second_of_9999_is_a_time() {
        for last in ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999999+00:00", "9999-12-30T22:00:01Z"] {
            assert_eq!(time(last), Some(Timestamp::MAX), "{last}");
        }
        assert_eq!(time(" 2026-11-20T10:00:00Z"), "2026-11-20T10:00:00Z".parse().ok());
        for bad in ["9999-12-31", "9999-12-31T25:00:00Z", "9999-12-32T00:00:00Z", "10000-01-01T00:00:00Z", "tomorrow"] {
            assert_eq!(time(bad), None, "{bad}");
        }
    }

    /// G5: an identifier keeps its dashes, as hyphens.
    #[test]
    fn a_pasted_identifier_keeps_its_dashes() {
        assert_eq!(identifier(" sim\u{2013}0042 \n").as_deref(), Some("SIM-0042"));
        assert_eq!(identifier("\u{ff33}IM\u{a0}- 1:2").as_deref(), Some("SIM-1:2"));
    }

    /// G5, R1.2: only the surroundings of an amount are read away.
    #[test]
    fn the_inside_of_an_amount_is_left_alone() {
        assert_eq!(amount("\u{a0}10.50\r\n"), "10.50");
        assert_eq!(amount("1 0"), "1 0");
        assert_eq!(amount("\u{ff11}"), "\u{ff11}");
    }
}
