//! An asset: a card or device for which packages are bought (R8.8, R8.12).
//!
//! Stored as `ASSET#{ast}`, with the balance that recharges credit and its progress towards the one-time commission, so that a
//! payment writes one item. Its identifier is claimed by an item of its own.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::agency::model::series::Progress;
use crate::agency::model::shop::ShopPath;
use kernel::id::{AgencyOrderId, AssetId, SeriesId};
use kernel::ledger::Accounts;
use kernel::refusal::FieldError;
use kernel::text_enum;
use kernel::typed;

text_enum! {
    /// Kind of an asset.
    pub enum AssetKind {
        /// A card.
        Card = "card",
        /// A device.
        Device = "device",
    }
}

/// Printed identifier of an asset: 4 to 64 letters, digits, `-`, `.`, `:` or `_`, in upper case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetIdentifier(String);

impl AssetIdentifier {
    /// Parses an identifier as typed or pasted, in upper case (G5).
    ///
    /// # Rejects
    /// The field error for the problem document.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let text = typed::identifier(text).unwrap_or_default();
        let known = |c: char| c.is_ascii_alphanumeric() || "-.:_".contains(c);
        let printed = text.chars().filter(|c| *c != '-').count() >= 4;
        if printed && text.len() <= 64 && text.chars().all(known) {
            return Ok(Self(text));
        }
        let detail = "4 to 64 letters, digits, ., : or _, and dashes between them";
        Err(FieldError::new("/identifier", "malformed", detail))
    }

    /// The identifier as its uniqueness compares it: without dashes.
    pub fn folded(&self) -> String {
        self.0.replace('-', "")
    }

    /// The identifier in its stored form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A card or device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asset {
    pub id: AssetId,
    pub kind: AssetKind,
    /// Identifier printed on it.
    pub identifier: AssetIdentifier,
    /// Path of the shop that sells for it.
    pub path: ShopPath,
    /// The series whose packages it can buy.
    pub series: SeriesId,
    /// Balance from recharges, less orders paid from it.
    pub accounts: Accounts,
    /// Progress towards the one-time commission.
    pub progress: Progress,
    /// The order that triggered the commission; never reset (R8.8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub triggered_by: Option<AgencyOrderId>,
    pub created_at: Timestamp,
}

/// Uniqueness claim of an asset's identifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetClaim {
    pub kind: AssetKind,
    pub identifier: AssetIdentifier,
    pub asset: AssetId,
}
