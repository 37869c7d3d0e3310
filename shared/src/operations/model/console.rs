//! The settings of the console: the operator's own name, look and links (C8.1).

use kernel::settings::{Checks, List, Text};

use crate::operations::model::colour::{BLACK, Colour, WHITE};

kernel::settings! {
    /// The console (C8.1).
    pub struct ConsoleSettings as "console", check with ConsoleSettings::check_across {
        name: String = "Guerdon".to_owned(), in Text::Label(40), note "not empty", "The name on every page", from "at once";
        logo_url: Option<String> = None, in Text::Url, unit "URL",
            "An image in place of the mark; `null` is the mark", from "at once";
        accent: String = "#0b6a4e".to_owned(), in Text::Label(7),
            note "`#rrggbb` that can be read on the light theme; the dark one gets a lighter tone of it",
            "The colour of buttons and links", from "at once";
        default_language: String = "en".to_owned(), in Text::Name, note "`en` or `zh-CN`",
            "The language of pages for browsers that ask for none of ours", from "at once";
        support_url: Option<String> = None, in Text::Url, unit "URL", "Help, at the foot of every page", from "at once";
        terms_url: Option<String> = None, in Text::Url, unit "URL",
            "Terms, at the foot of every page and before registering", from "at once";
        privacy_url: Option<String> = None, in Text::Url, unit "URL", "Privacy, at the foot of every page", from "at once";
        home_url: Option<String> = None, in Text::Url, unit "URL",
            "Your site, at the foot of every page", from "at once";
        receipt_name: String = String::new(), in Text::Label(100),
            "Your name on receipts; empty is that of every page", from "the next receipt";
        receipt_address: Vec<String> = Vec::new(), in List::of(0..=6, Text::Label(100)),
            "Your address on receipts, line by line", from "the next receipt";
        receipt_tax_number: String = String::new(), in Text::Label(50),
            "Your tax number on receipts", from "the next receipt";
    }
}

/// Surfaces of the light theme on which the accent is text.
const LIGHT: [Colour; 3] = [WHITE, Colour::of(0xf6, 0xf6, 0xf3), Colour::of(0xf0, 0xf0, 0xec)];
/// Surfaces of the dark theme on which the accent is text.
const DARK: [Colour; 3] = [Colour::of(0x1a, 0x1b, 0x18), Colour::of(0x11, 0x12, 0x10), Colour::of(0x23, 0x24, 0x20)];

/// Colours that follow from the accent in one theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tones {
    /// Buttons and links.
    pub accent: Colour,
    /// The same under the pointer.
    pub hover: Colour,
    /// Text on a button.
    pub on_accent: Colour,
    /// Ground behind what is chosen.
    pub soft: Colour,
    /// Edge of what is chosen.
    pub line: Colour,
}

impl Tones {
    fn light(accent: Colour) -> Self {
        let (soft, line) = (WHITE.mixed(accent, 11), WHITE.mixed(accent, 43));
        Self { accent, hover: accent.mixed(BLACK, 20), on_accent: WHITE, soft, line }
    }

    fn dark(accent: Colour) -> Self {
        let [surface, ..] = DARK;
        let (soft, line) = (surface.mixed(accent, 14), surface.mixed(accent, 45));
        Self { accent, hover: accent.mixed(WHITE, 25), on_accent: Colour::of(0x0b, 0x0c, 0x0a), soft, line }
    }

    /// True if the accent can be read wherever it is text, and what stands on it, too.
    fn is_readable(&self, surfaces: &[Colour]) -> bool {
        let grounds = surfaces.iter().chain([&self.soft, &self.on_accent]);
        grounds.into_iter().all(|ground| self.accent.is_readable_on(*ground))
    }
}

impl ConsoleSettings {
    /// Tones of the light and the dark theme; `None` when the accent can't be read.
    pub fn tones(&self) -> Option<(Tones, Tones)> {
        let accent = Colour::parse(&self.accent)?;
        let light = Some(Tones::light(accent)).filter(|tones| tones.is_readable(&LIGHT))?;
        let lighter = (0..=100).map(|part| Tones::dark(accent.mixed(WHITE, part)));
        Some((light, lighter.into_iter().find(|tones| tones.is_readable(&DARK))?))
    }

    fn check_across(&self, checks: &mut Checks) {
        if self.name.trim().is_empty() {
            checks.add("/name", "out_of_range", "not empty");
        }
        if !["en", "zh-CN"].contains(&self.default_language.as_str()) {
            checks.add("/default_language", "unknown", "`en` or `zh-CN`");
        }
        if self.tones().is_none() {
            checks.add("/accent", "out_of_range", "#rrggbb, dark enough to be read on the light theme (4.5 to 1)");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use kernel::settings::{Settings, document};
    use serde_json::json;

    use super::*;

    fn parsed(accent: &str) -> bool {
        let mut given = document(&ConsoleSettings::default());
        given["accent"] = json!(accent);
        ConsoleSettings::parse(given).is_ok()
    }

    /// C8.1: an accent that can't be read is refused; whichever is taken can be read in both themes.
    #[test]
    fn an_accent_is_taken_only_if_it_can_be_read() {
        for good in ["#0b6a4e", "#1d4ed8", "#7c2d12", "#000000", "#B00020"] {
            assert!(parsed(good), "{good}");
        }
        for bad in ["#ffd400", "#ffffff", "#8a8a8a", "0b6a4e", "#0b6a4", "green", ""] {
            assert!(!parsed(bad), "{bad}");
        }
        for red in (0..=255).step_by(15) {
            for blue in (0..=255).step_by(15) {
                let accent = Colour::of(red, 60, blue);
                let settings = ConsoleSettings { accent: accent.to_string(), ..ConsoleSettings::default() };
                if let Some((light, dark)) = settings.tones() {
                    assert!(light.is_readable(&LIGHT) && dark.is_readable(&DARK), "{accent}");
                }
            }
        }
    }

    #[test]
    fn name_and_language_are_checked() {
        for (field, wrong) in [("name", " "), ("default_language", "fr"), ("terms_url", "javascript:alert(1)")] {
            let mut given = document(&ConsoleSettings::default());
            given[field] = json!(wrong);
            assert!(ConsoleSettings::parse(given).is_err(), "{field}");
        }
    }
}
