//! Admin use cases for series and their packages: create and change (R8.2, R8.5).

use serde::Serialize;

use crate::agency::model::series::{
    CommissionTerms, CommissionTrigger, ForcedRecharge, Package, Series, SeriesCode, SeriesTerms,
};
use crate::agency::tighten::{self, Node};
use crate::app::App;
use crate::operations::audit_log::by_admin;
use kernel::fault::Error;
use kernel::id::{PackageId, SeriesId, UserId};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::item::Versioned;
use table::tx::Tx;

/// Requested state of a series, without its packages.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SeriesDocument {
    pub name: String,
    /// The operator's own code.
    pub code: String,
    pub commission: CommissionTerms,
    /// Trigger of the one-time commission.
    pub trigger: CommissionTrigger,
    /// The platform's forced recharge.
    pub forced: ForcedRecharge,
}

impl SeriesDocument {
    fn of(series: &Series) -> Self {
        let commission = series.wanted().commission.clone();
        let Series { name, code, trigger, forced, .. } = series.clone();
        Self { name, code, commission, trigger, forced }
    }
}

/// Creates a series without packages.
///
/// # Rejects
/// `series_code_taken` for a code that another series has.
pub async fn create_series(
    app: &App,
    ctx: &Ctx,
    document: &SeriesDocument,
    admin: UserId,
) -> Result<Answered<Series>, Error> {
    app.execute(ctx, || async {
        let SeriesDocument { name, code, commission, trigger, forced } = document.clone();
        let terms = SeriesTerms { commission, packages: Vec::new() };
        let (id, created_at) = (SeriesId::new(app.ulid()), app.clock.now());
        let series =
            Series { id, version: 1, name, code, trigger, forced, terms, closing: None, grants: 0, created_at };
        let mut tx = app.tx();
        tx.insert(&series);
        tx.insert(&SeriesCode::of(&series)).or(Refusal::SeriesCodeTaken);
        let audit = by_admin(app, ctx, admin, "series.created", id.to_string());
        tx.insert(&audit.change("", written(document)));
        Ok((series, tx))
    })
    .await
}

/// Command to change a series, based on the version read.
#[derive(Debug, Clone)]
pub struct ChangeSeries {
    pub series: SeriesId,
    /// Version the change is based on.
    pub version: u64,
    pub document: SeriesDocument,
    /// True to move grants above the new amounts under them.
    pub adjust: bool,
    pub admin: UserId,
}

/// Changes a series; a repeated request finds its own write.
///
/// # Rejects
/// `not_found`; `version_mismatch`; `series_in_use` (R8.2); `series_code_taken`; `children_above` (R8.5); `change_under_way`.
pub async fn change_series(app: &App, ctx: &Ctx, ask: &ChangeSeries) -> Result<Answered<Series>, Error> {
    app.execute(&ctx.unkeyed(), || plan_change(app, ctx, ask)).await
}

async fn plan_change(app: &App, ctx: &Ctx, ask: &ChangeSeries) -> Result<(Series, Tx), Error> {
    let before = read(app, ask.series).await?;
    let next = ask.version.checked_add(1).ok_or(Refusal::VersionMismatch)?;
    let was = SeriesDocument::of(&before);
    if before.version == next && was == ask.document {
        return Ok((Series::clone(&before), app.tx()));
    }
    if before.version != ask.version {
        return Err(Refusal::VersionMismatch.into());
    }
    before.must_allow(&ask.document.commission)?;
    let SeriesDocument { name, code, commission, trigger, forced } = ask.document.clone();
    let terms = SeriesTerms { commission, packages: before.wanted().packages.clone() };
    let after = Series { version: next, name, code, trigger, forced, ..Series::clone(&before) };
    let (after, mut tx) = put(app, &before, after, terms, ask.adjust).await?;
    claim(app, &before, &after, &mut tx).await?;
    let audit = by_admin(app, ctx, ask.admin, "series.changed", ask.series.to_string());
    tx.insert(&audit.change(written(&was), written(&ask.document)));
    Ok((after, tx))
}

/// Moves the claim to the series' new code, if it has one.
async fn claim(app: &App, before: &Series, after: &Series, tx: &mut Tx) -> Result<(), Error> {
    let (old, new) = (SeriesCode::of(before), SeriesCode::of(after));
    if old == new {
        return Ok(());
    }
    if let Some(old) = app.store.get::<SeriesCode>(&SeriesCode::key(&old.code)).await? {
        tx.remove(&old);
    }
    tx.insert(&new).or(Refusal::SeriesCodeTaken);
    Ok(())
}

/// Writes a series with other terms.
///
/// At once with the grants that have to move, or as a job if those are too many.
async fn put(
    app: &App,
    before: &Versioned<Series>,
    after: Series,
    terms: SeriesTerms,
    adjust: bool,
) -> Result<(Series, Tx), Error> {
    let node = Node::Series(before);
    let moves = tighten::moves_for(app, &node, &terms.offer(), adjust, None).await?;
    let mut tx = app.tx();
    let after = match moves.fits() {
        true => Series { terms, closing: None, ..after },
        false => Series { closing: Some(Box::new(terms)), ..after },
    };
    tx.replace(before, &after);
    moves.write(app, &mut tx, &node)?;
    Ok((after, tx))
}

/// Command to create or change a package.
#[derive(Debug, Clone)]
pub struct SavePackage {
    pub series: SeriesId,
    /// The package to change and the version read; `None` creates one.
    pub known: Option<(PackageId, u64)>,
    /// Requested state; its id and version are ignored.
    pub package: Package,
    /// True to raise grants below a raised cost price to it.
    pub adjust: bool,
    pub admin: UserId,
}

/// Creates or changes a package; a repeated change finds its own write.
///
/// # Rejects
/// `not_found`; `version_mismatch`; 422 for a code that another package has, and above 200 packages; `children_above` (R8.5);
/// `change_under_way`.
pub async fn save_package(app: &App, ctx: &Ctx, ask: &SavePackage) -> Result<Answered<Package>, Error> {
    app.execute(ctx, || plan_package(app, ctx, ask)).await
}

async fn plan_package(app: &App, ctx: &Ctx, ask: &SavePackage) -> Result<(Package, Tx), Error> {
    let before = read(app, ask.series).await?;
    let (package, was) = match ask.known {
        None => (Package { id: PackageId::new(app.ulid()), version: 1, ..ask.package.clone() }, None),
        Some((id, version)) => {
            let was = before.wanted().package(id).ok_or(Refusal::NotFound)?;
            let next = version.checked_add(1).ok_or(Refusal::VersionMismatch)?;
            let package = Package { id, version: next, ..ask.package.clone() };
            if *was == package {
                return Ok((package, app.tx()));
            }
            if was.version != version {
                return Err(Refusal::VersionMismatch.into());
            }
            (package, Some(was.clone()))
        }
    };
    let terms = before.wanted().with_package(package.clone())?;
    let (_, mut tx) = put(app, &before, Series::clone(&before), terms, ask.adjust).await?;
    let action = if was.is_some() { "package.changed" } else { "package.created" };
    let audit = by_admin(app, ctx, ask.admin, action, package.id.to_string());
    let was = was.map(|was| written(&was)).unwrap_or_default();
    tx.insert(&audit.change(was, written(&package)));
    Ok((package, tx))
}

/// Reads a series.
///
/// # Rejects
/// `not_found`.
pub(crate) async fn read(app: &App, id: SeriesId) -> Result<Versioned<Series>, Error> {
    Ok(app.store.get::<Series>(&Series::key(id)).await?.ok_or(Refusal::NotFound)?)
}

fn written(of: &impl Serialize) -> String {
    serde_json::to_string(of).unwrap_or_default()
}
