//! Shared parts of the agency's routes: amounts in agency currency, findings, ids in bodies.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use shared::agency::model::settings::AgencySettings;
pub use shared::agency::view::shown;
use shared::app::App;
use shared::kernel::fault::Fault;
use shared::kernel::id::ShopId;
use shared::kernel::money::AMOUNT_MAX;
use shared::kernel::money::{Currency, plain_decimal};
use shared::kernel::refusal::{FieldError, Refusal};
use utoipa::ToSchema;

/// The agency's currency.
///
/// # Errors
/// If the settings can't be read.
pub async fn currency(app: &App) -> Result<Currency, Fault> {
    Ok(app.settings::<AgencySettings>().await?.settings.currency)
}

/// Validation errors of a body, collected while it is read.
#[derive(Debug, Default)]
pub struct Findings(Vec<FieldError>);

impl Findings {
    /// Keep a value that parsed; otherwise record its error and return nothing.
    pub fn take<T>(&mut self, read: Result<T, FieldError>) -> Option<T> {
        read.map_err(|error| self.0.push(error)).ok()
    }

    /// Parse an amount of at least zero with no more digits than `currency` has (R1.2).
    pub fn amount(&mut self, pointer: impl Into<String>, text: &str, currency: Currency) -> Decimal {
        let digits = currency.digits();
        let detail = format!("a plain decimal with at most {digits} fractional digits, up to {AMOUNT_MAX}");
        let amount = plain_decimal(text, digits).filter(|amount| *amount <= AMOUNT_MAX);
        self.take(amount.ok_or_else(|| FieldError::new(pointer, "not_a_decimal", detail))).unwrap_or_default()
    }

    /// Parse an id.
    pub fn id<T>(&mut self, pointer: impl Into<String>, text: &str, parse: fn(&str) -> Option<T>) -> Option<T> {
        self.take(parse(text).ok_or_else(|| FieldError::new(pointer, "malformed", "an id")))
    }

    /// Record one more finding.
    pub fn add(&mut self, pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) {
        self.0.push(FieldError::new(pointer, code, detail));
    }

    /// Succeed only without findings.
    ///
    /// # Rejects
    /// 422 with all findings.
    pub fn none(self) -> Result<(), Refusal> {
        Refusal::unless_empty(self.0)
    }
}

/// A forced recharge as set by a series or a shop.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForcedDocument {
    /// True if the forced recharge is on.
    pub enabled: bool,
    /// Minimum amount to pay, in agency currency; 0 if left out.
    #[serde(default)]
    pub amount: Option<String>,
}

impl ForcedDocument {
    /// Parse the body; collect its errors in `findings`.
    pub fn read(&self, findings: &mut Findings, currency: Currency) -> shared::agency::model::series::ForcedRecharge {
        let amount = self.amount.as_deref().map(|text| findings.amount("/forced_recharge/amount", text, currency));
        shared::agency::model::series::ForcedRecharge { enabled: self.enabled, amount: amount.unwrap_or_default() }
    }
}

shared::kernel::text_enum! {
    /// Status that a grant can be given.
    pub enum StatusChoice as GrantStatusChoice {
        /// The grant works.
        Active = "active",
        /// The shop and those below it take no orders.
        Disabled = "disabled",
    }
}

/// A shop, a series or an allocator, by id and name.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = NamedShop)]
pub struct Named {
    /// Id of the shop, series or allocator; null for the platform.
    pub id: Option<ShopId>,
    /// Display name.
    pub name: Option<String>,
}
