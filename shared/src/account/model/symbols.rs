//! Symbols that people read and type: of mailed codes and of recovery codes.

use unicode_normalization::UnicodeNormalization;

/// Digits and letters that are not mistaken for each other.
const SYMBOLS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Most characters that are read of what was typed.
const MAX: usize = 100;

/// The first `count` symbols of a hash; each stands for five of its bits.
pub fn of_hash(hash: &[u8; 32], count: usize) -> String {
    let symbol = |byte: &u8| SYMBOLS.get(usize::from(byte & 31)).map_or('0', |symbol| char::from(*symbol));
    hash.iter().take(count).map(symbol).collect()
}

/// Ten symbols in two groups, as they are shown.
pub fn grouped(symbols: &str) -> String {
    let (first, second) = symbols.split_at_checked(5).unwrap_or((symbols, ""));
    format!("{first}-{second}")
}

/// Reads typed letters and digits: full-width ones are such, and spaces and dashes are nothing.
pub fn read(typed: &str) -> String {
    let symbols = typed.chars().take(MAX).nfkc().filter(char::is_ascii_alphanumeric);
    symbols.map(|symbol| symbol.to_ascii_uppercase()).collect()
}

/// Reads typed symbols, where a letter that is mistaken for a digit is that digit.
pub fn read_unmistaken(typed: &str) -> String {
    let unmistaken = |symbol: char| match symbol {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    read(typed).chars().map(unmistaken).collect()
}
