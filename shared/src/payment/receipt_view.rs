//! Wire form of a receipt (R4.12).

use jiff::Timestamp;
use kernel::id::OrderId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::payment::model::receipt::Receipt;

/// Numbered receipt of a paid order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderReceipt)]
pub struct ReceiptView {
    /// Number of the receipt: the receipts of a calendar year (UTC) are numbered from 1 without a gap.
    #[schema(example = "R-2026-000001")]
    pub reference: String,
    /// Id of the order.
    pub order_id: OrderId,
    /// Time at which it was first issued.
    #[schema(value_type = String, format = DateTime)]
    pub issued_at: Timestamp,
    /// The operator as the settings had it then.
    pub issuer: IssuerView,
}

/// Operator's details on a receipt.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReceiptIssuer)]
pub struct IssuerView {
    /// Name of the operator.
    pub name: String,
    /// Lines of the operator's address; none if the settings have none.
    pub address: Vec<String>,
    /// Tax number of the operator; null if the settings have none.
    pub tax_number: Option<String>,
}

impl From<&Receipt> for ReceiptView {
    fn from(of: &Receipt) -> Self {
        let issuer = of.issuer.clone();
        let issuer = IssuerView { name: issuer.name, address: issuer.address, tax_number: issuer.tax_number };
        Self { reference: of.reference(), order_id: of.order, issued_at: of.issued_at, issuer }
    }
}
