//! Payment providers.

use serde::{Deserialize, Serialize};

use crate::key_part::KeyPart;

/// Payment provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Stripe Checkout.
    Stripe,
    /// A Zpay (epay) gateway.
    Zpay,
}

impl Provider {
    /// Every provider.
    pub const ALL: [Self; 2] = [Self::Stripe, Self::Zpay];

    /// Name of the provider in JSON, keys and URLs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stripe => "stripe",
            Self::Zpay => "zpay",
        }
    }

    /// Parses [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.as_str() == text)
    }
}

impl KeyPart for Provider {
    type Part = &'static str;

    fn part(self) -> Self::Part {
        self.as_str()
    }
}
