//! Language and sender of a mail or a line: the reader's, and the operator's own name (C8.1).

use data_encoding::BASE64;
use shared::app::App;
use shared::kernel::fault::Fault;
use shared::operations::model::console::ConsoleSettings;

/// Bytes of a name in one encoded word, which may have 75 characters in all.
const WORD: usize = 45;

/// Language of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    English,
    Chinese,
}

/// Language of one text, and the operator's name in it.
#[derive(Debug, Clone)]
pub struct Style {
    pub language: Language,
    pub name: String,
}

impl Style {
    /// The style of a text to a reader with this locale: Chinese if it begins with `zh`, English otherwise; without one, the
    /// console's default.
    ///
    /// # Errors
    /// The settings can't be read.
    pub async fn of(app: &App, locale: Option<&str>) -> Result<Self, Fault> {
        let console = app.settings::<ConsoleSettings>().await?.settings;
        let tag = locale.unwrap_or(&console.default_language).to_ascii_lowercase();
        let language = if tag.starts_with("zh") { Language::Chinese } else { Language::English };
        Ok(Self { language, name: console.name.clone() })
    }

    /// The one in its language, of an English and a Chinese text.
    pub fn of_both(&self, (english, chinese): (&'static str, &'static str)) -> &'static str {
        match self.language {
            Language::English => english,
            Language::Chinese => chinese,
        }
    }

    /// The `From` header with the operator's name, encoded as [RFC 2047](https://www.rfc-editor.org/rfc/rfc2047) asks unless it is
    /// plain ASCII.
    pub fn sender(&self, address: &str) -> String {
        let is_plain = |symbol: char| (symbol.is_ascii_graphic() || symbol == ' ') && !matches!(symbol, '"' | '\\');
        if self.name.chars().all(is_plain) {
            return format!("\"{}\" <{address}>", self.name);
        }
        let mut words = vec![String::new()];
        for symbol in self.name.chars() {
            match words.last_mut() {
                Some(word) if word.len().saturating_add(symbol.len_utf8()) <= WORD => word.push(symbol),
                _ => words.push(symbol.to_string()),
            }
        }
        let words: Vec<String> =
            words.iter().map(|word| format!("=?UTF-8?B?{}?=", BASE64.encode(word.as_bytes()))).collect();
        format!("{} <{address}>", words.join(" "))
    }
}
