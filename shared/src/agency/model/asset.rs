//! An asset: a card or device for which packages are bought (R8.8, R8.12).
//!
//! Stored: `ASSET#{ast}`, with the balance that recharges credit and how far it is on the way to its one-time commission, so that a
//! payment writes one item. Its identifier is claimed by an item of its own.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::agency::model::series::Progress;
use crate::agency::model::shop::ShopPath;
use kernel::id::{AgencyOrderId, AssetId, SeriesId};
use kernel::ledger::Accounts;
use kernel::refusal::FieldError;
use kernel::text_enum;

text_enum! {
    /// What an asset is.
    pub enum AssetKind {
        /// A card.
        Card = "card",
        /// A device.
        Device = "device",
    }
}

/// What is printed on an asset: 4 to 64 letters, digits, `-`, `.`, `:` or `_`, upper case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identifier(String);

impl Identifier {
    /// Reads what somebody typed.
    ///
    /// # Refuses
    /// The finding for the problem document.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let text = text.trim().to_ascii_uppercase();
        let known = |c: char| c.is_ascii_alphanumeric() || "-.:_".contains(c);
        if (4..=64).contains(&text.len()) && text.chars().all(known) {
            return Ok(Self(text));
        }
        Err(FieldError::new("/identifier", "malformed", "4 to 64 letters, digits, -, ., : or _"))
    }

    /// The identifier as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A card or device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asset {
    /// Which.
    pub id: AssetId,
    /// What it is.
    pub kind: AssetKind,
    /// What is printed on it.
    pub identifier: Identifier,
    /// The shop that sells for it, with those above.
    pub path: ShopPath,
    /// Which packages it can have.
    pub series: SeriesId,
    /// What recharges credited and orders spent.
    pub accounts: Accounts,
    /// How far it is on its way to the one-time commission.
    pub progress: Progress,
    /// The order that triggered it, once and for ever (R8.8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub triggered_by: Option<AgencyOrderId>,
    /// When it came.
    pub created_at: Timestamp,
}

/// That an identifier is an asset's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetClaim {
    /// Of which kind.
    pub kind: AssetKind,
    /// The identifier.
    pub identifier: Identifier,
    /// Whose.
    pub asset: AssetId,
}
