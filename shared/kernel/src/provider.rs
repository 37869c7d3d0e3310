//! Payment providers.

use serde::{Deserialize, Serialize};

use crate::key_part::KeyPart;

/// Who takes the money.
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

    /// The provider as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stripe => "stripe",
            Self::Zpay => "zpay",
        }
    }

    /// The provider that is written so.
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
