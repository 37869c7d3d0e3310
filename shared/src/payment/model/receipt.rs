//! Numbered receipts of paid orders (R4.12).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use kernel::id::{OrderId, UserId};
use kernel::year::Year;

use crate::operations::model::console::ConsoleSettings;

/// Receipt of a paid order. It never changes: an order has one receipt, and a number one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub order: OrderId,
    pub user: UserId,
    /// Calendar year of its issue (UTC), in which its number counts.
    pub year: Year,
    /// Number among the receipts of the year, from 1 without a gap.
    pub number: u64,
    pub issued_at: Timestamp,
    /// The operator as the settings had it then.
    pub issuer: ReceiptIssuer,
}

/// Operator's details on a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptIssuer {
    pub name: String,
    /// Lines of the address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub address: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_number: Option<String>,
}

/// Number of the last receipt of a year.
///
/// The transaction that issues a receipt replaces it under its revision. So no number is left out, and none is given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptCounter {
    pub year: Year,
    pub last: u64,
}

impl Receipt {
    /// Returns the number as people read it: `R-2026-000001`.
    pub fn reference(&self) -> String {
        format!("R-{}-{:06}", self.year, self.number)
    }
}

impl From<&ConsoleSettings> for ReceiptIssuer {
    /// Without a name for receipts, the operator is called as on every page.
    fn from(of: &ConsoleSettings) -> Self {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Self {
            name: given(&of.receipt_name).unwrap_or_else(|| of.name.trim().to_owned()),
            address: of.receipt_address.iter().filter_map(|line| given(line)).collect(),
            tax_number: given(&of.receipt_tax_number),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_receipt_without_details_has_the_name_of_every_page() {
        let plain = ConsoleSettings { name: " Acme ".to_owned(), ..ConsoleSettings::default() };
        let issuer = ReceiptIssuer { name: "Acme".to_owned(), address: Vec::new(), tax_number: None };
        assert_eq!(ReceiptIssuer::from(&plain), issuer);
        let full = ConsoleSettings {
            receipt_name: "Acme Ltd".to_owned(),
            receipt_address: vec!["1 Main Street".to_owned(), " ".to_owned()],
            receipt_tax_number: "DE 1".to_owned(),
            ..plain
        };
        let address = vec!["1 Main Street".to_owned()];
        let tax_number = Some("DE 1".to_owned());
        assert_eq!(ReceiptIssuer::from(&full), ReceiptIssuer { name: "Acme Ltd".to_owned(), address, tax_number });
    }
}
