//! Settings are changed by one who knows their version (R9.1); every change is audited with before and after.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::account::model::settings::IdentitySettings;
use crate::agency::model::wallet::AgencyBegun;
use crate::app::App;
use crate::operations::audit_log::by_admin;
use crate::operations::model::settings::{AnySettings, Area};
use crate::operations::model::warning::{SettingsWarning, warnings};
use crate::operations::settings::SettingsRecord;
use crate::referral::model::settings::ReferralSettings;
use kernel::fault::{Error, Fault};
use kernel::id::UserId;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::item::Versioned;
use table::key::Key;
use table::ledger::LedgerBegun;
use table::tx::Tx;

/// An area's document as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurrentSettings {
    pub area: Area,
    /// Counts its changes; 0 are the defaults.
    pub version: u64,
    /// The document.
    pub settings: Value,
    /// Warnings that concern it, with the other areas as they are (R10.3).
    #[serde(default)]
    pub warnings: Vec<SettingsWarning>,
}

/// Change of one settings area.
#[derive(Debug, Clone)]
pub struct Change {
    pub area: Area,
    /// The version that the admin read.
    pub version: u64,
    /// The whole new document.
    pub settings: AnySettings,
    /// The admin who makes the change.
    pub admin: UserId,
}

/// An area's document, fresh from the table.
///
/// # Errors
/// Fails if the document cannot be read or decoded.
pub async fn settings(app: &App, area: Area) -> Result<CurrentSettings, Error> {
    let (stored, warned) = app.store.read((SettingsRecord::key(area.as_str()), Warned::keys())).await?;
    let settings = read(area, stored.as_ref())?;
    let warnings = Warned::read(warned)?.warnings(area);
    let version = stored.map_or(0, |stored| stored.version);
    Ok(CurrentSettings { area, version, settings: settings.document(), warnings })
}

/// Areas that warnings are about.
struct Warned {
    identity: IdentitySettings,
    referral: ReferralSettings,
}

impl Warned {
    fn keys() -> (Key<SettingsRecord>, Key<SettingsRecord>) {
        (SettingsRecord::key(Area::Identity.as_str()), SettingsRecord::key(Area::Referral.as_str()))
    }

    fn read(
        (identity, referral): (Option<Versioned<SettingsRecord>>, Option<Versioned<SettingsRecord>>),
    ) -> Result<Self, Fault> {
        let mut warned = Self { identity: IdentitySettings::default(), referral: ReferralSettings::default() };
        warned.put(&read(Area::Identity, identity.as_ref())?);
        warned.put(&read(Area::Referral, referral.as_ref())?);
        Ok(warned)
    }

    /// Puts a document in the place of its area's.
    fn put(&mut self, settings: &AnySettings) {
        match settings {
            AnySettings::Identity(identity) => self.identity = identity.clone(),
            AnySettings::Referral(referral) => self.referral = referral.clone(),
            _ => {}
        }
    }

    fn warnings(&self, area: Area) -> Vec<SettingsWarning> {
        let mut found = warnings(&self.identity, &self.referral);
        found.retain(|warning| warning.concerns(area));
        found
    }
}

/// Replace an area's document.
///
/// A repeated request finds its own write and gets the same response. This process sees the change at
/// once, others within a minute.
///
/// # Rejects
/// [`Refusal::VersionMismatch`] when somebody changed the document meanwhile; [`Refusal::CurrencyInUse`] for another ledger or agency currency
/// after the first movement of such money.
pub async fn change_settings(app: &App, ctx: &Ctx, ask: &Change) -> Result<Answered<CurrentSettings>, Error> {
    let done = app.execute(&ctx.unkeyed(), || plan(app, ctx, ask)).await;
    app.settings.forget();
    done
}

async fn plan(app: &App, ctx: &Ctx, ask: &Change) -> Result<(CurrentSettings, Tx), Error> {
    let keys = (SettingsRecord::key(ask.area.as_str()), LedgerBegun::key(), AgencyBegun::key(), Warned::keys());
    let (stored, ledger, agency, warned) = app.store.read(keys).await?;
    let before = read(ask.area, stored.as_ref())?;
    let version = stored.as_ref().map_or(0, |stored| stored.version);
    let next = ask.version.checked_add(1).ok_or(Refusal::VersionMismatch)?;
    let mut warned = Warned::read(warned)?;
    warned.put(&ask.settings);
    let (settings, warnings) = (ask.settings.document(), warned.warnings(ask.area));
    let answer = CurrentSettings { area: ask.area, version: next, settings, warnings };
    let mut tx = app.tx();
    if version == next && before == ask.settings {
        return Ok((answer, tx));
    }
    if version != ask.version {
        return Err(Refusal::VersionMismatch.into());
    }
    let record = SettingsRecord { area: ask.area, version: next, document: answer.settings.to_string() };
    tx.upsert(stored.as_ref(), &record);
    if let Some(fixed_by) = moves_currency(&before, &ask.settings) {
        if (fixed_by == LedgerBegun::key().any() && ledger.is_some())
            || (fixed_by == AgencyBegun::key().any() && agency.is_some())
        {
            return Err(Refusal::CurrencyInUse.into());
        }
        tx.absent(fixed_by).or(Refusal::CurrencyInUse);
    }
    let audit = by_admin(app, ctx, ask.admin, "settings.changed", format!("settings:{}", ask.area.as_str()));
    let audit = audit.change(before.document().to_string(), answer.settings.to_string());
    tx.insert(&audit);
    Ok((answer, tx))
}

/// Decode the stored document, or take the defaults.
///
/// A stored document was valid when it was written, so fields of another release are ignored.
fn read(area: Area, stored: Option<&Versioned<SettingsRecord>>) -> Result<AnySettings, Fault> {
    let Some(stored) = stored else { return Ok(AnySettings::defaults(area)) };
    AnySettings::stored(area, &stored.document).map_err(|error| SettingsRecord::undecodable(area, error))
}

/// Key of the item that must not exist, if the change moves a currency.
fn moves_currency(before: &AnySettings, after: &AnySettings) -> Option<Key> {
    match (before, after) {
        (AnySettings::Payment(before), AnySettings::Payment(after)) => {
            (before.ledger_currency != after.ledger_currency).then(|| LedgerBegun::key().into())
        }
        (AnySettings::Agency(before), AnySettings::Agency(after)) => {
            (before.currency != after.currency).then(|| AgencyBegun::key().into())
        }
        _ => None,
    }
}
