//! Keys of the daily reports.

use jiff::civil::Date;

use super::{Key, foreign};

/// What the sort keys of a report's pages of differences begin with.
pub const DIFFERENCES: &str = "DIFFERENCES#";

/// The partition of a day's reports.
pub fn reconciliations_of(date: Date) -> String {
    format!("RECONCILIATION#{}", date.strftime("%Y-%m-%d"))
}

impl Key {
    /// The report about a provider's day.
    pub fn reconciliation(date: Date, provider: &str) -> Self {
        Self::of(reconciliations_of(date), foreign(provider))
    }

    /// A page of its differences.
    pub fn differences(date: Date, provider: &str, page: u32) -> Self {
        Self::of(reconciliations_of(date), format!("{DIFFERENCES}{}#{page:06}", foreign(provider)))
    }
}
