//! Asset use cases: create an asset in a shop, and move it to another (R8.8).

use crate::account::records::{StatementFilter, records};
use crate::agency::model::asset::{Asset, AssetClaim, AssetIdentifier, AssetKind};
use crate::agency::model::grant::Grant;
use crate::agency::model::series::Progress;
use crate::agency::model::settings::AgencySettings;
use crate::agency::model::shop::{Reach, Seller, Shop};
use crate::app::App;
use crate::operations::audit_log::by_seller;
use kernel::fault::Error;
use kernel::id::{AssetId, SeriesId, ShopId};
use kernel::ledger::{AccountOwner, Accounts, StatementLine};
use kernel::refusal::Refusal;
use table::execute::Answered;
use table::item::Versioned;
use table::store::Page;
use table::tx::Tx;

use super::shop_in;
use table::context::Ctx;

/// Command to create an asset.
#[derive(Debug, Clone)]
pub struct CreateAsset {
    pub kind: AssetKind,
    /// AssetIdentifier printed on it.
    pub identifier: AssetIdentifier,
    /// The shop that sells for it.
    pub shop: ShopId,
    /// The series whose packages it can buy.
    pub series: SeriesId,
}

/// Creates an asset in a shop.
///
/// # Rejects
/// `not_found` for a shop out of reach; `grant_disabled` for a series not granted to it; `identifier_taken`.
pub async fn create_asset(app: &App, ctx: &Ctx, seller: &Seller, ask: &CreateAsset) -> Result<Answered<Asset>, Error> {
    app.execute(ctx, || plan_new(app, ctx, seller, ask)).await
}

async fn plan_new(app: &App, ctx: &Ctx, seller: &Seller, ask: &CreateAsset) -> Result<(Asset, Tx), Error> {
    let currency = app.settings::<AgencySettings>().await?.settings.currency;
    let shop = granted(app, &seller.reach, ask.shop, ask.series).await?;
    let asset = Asset {
        id: AssetId::new(app.ulid()),
        kind: ask.kind,
        identifier: ask.identifier.clone(),
        path: shop.path.clone(),
        series: ask.series,
        accounts: Accounts::new(currency),
        progress: Progress::default(),
        triggered_by: None,
        created_at: app.clock.now(),
    };
    let mut tx = app.tx();
    tx.insert(&asset);
    let claim = AssetClaim { kind: ask.kind, identifier: ask.identifier.clone(), asset: asset.id };
    tx.insert(&claim).or(Refusal::IdentifierTaken);
    stock(&mut tx, &shop);
    let audit = by_seller(app, ctx, seller, "asset.created", asset.id.to_string());
    tx.insert(&audit.change("", shop.id.to_string()));
    Ok((asset, tx))
}

/// Moves an asset to another shop, which sells its later orders.
///
/// A repeated request finds its own write.
///
/// # Rejects
/// `not_found` for an asset or shop out of reach; `grant_disabled`.
pub async fn move_asset(
    app: &App,
    ctx: &Ctx,
    seller: &Seller,
    asset: AssetId,
    shop: ShopId,
) -> Result<Answered<Asset>, Error> {
    app.execute(&ctx.unkeyed(), || plan_move(app, ctx, seller, asset, shop)).await
}

async fn plan_move(app: &App, ctx: &Ctx, seller: &Seller, asset: AssetId, shop: ShopId) -> Result<(Asset, Tx), Error> {
    let before = asset_in(app, &seller.reach, asset).await?;
    let shop = granted(app, &seller.reach, shop, before.series).await?;
    let after = Asset { path: shop.path.clone(), ..Asset::clone(&before) };
    let mut tx = app.tx();
    if *before == after {
        return Ok((after, tx));
    }
    tx.replace(&before, &after);
    stock(&mut tx, &shop);
    let audit = by_seller(app, ctx, seller, "asset.moved", asset.to_string());
    let from = before.path.shop().map(|shop| shop.to_string()).unwrap_or_default();
    tx.insert(&audit.change(from, shop.id.to_string()));
    Ok((after, tx))
}

/// Reads a shop in reach that has a grant of the series.
async fn granted(app: &App, reach: &Reach, shop: ShopId, series: SeriesId) -> Result<Versioned<Shop>, Error> {
    let shop = shop_in(app, reach, shop).await?;
    let grant = app.store.get::<Grant>(&Grant::key(series, &shop.path)).await?;
    grant.ok_or(Refusal::GrantDisabled)?;
    Ok(shop)
}

/// Marks a shop as stocked; from its first asset on it can't be moved, since assets use its path.
fn stock(tx: &mut Tx, shop: &Versioned<Shop>) {
    match shop.stocked {
        true => tx.unchanged(shop),
        false => tx.replace(shop, &Shop { stocked: true, ..Shop::clone(shop) }),
    };
}

/// Reads an asset in reach.
///
/// # Rejects
/// `not_found`.
pub(crate) async fn asset_in(app: &App, reach: &Reach, id: AssetId) -> Result<Versioned<Asset>, Error> {
    let asset = app.store.get::<Asset>(&Asset::key(id)).await?;
    Ok(asset.filter(|asset| reach.holds(&asset.path)).ok_or(Refusal::NotFound)?)
}

/// Reads an asset in reach.
///
/// # Rejects
/// `not_found`, also if it is out of reach.
pub async fn asset(app: &App, reach: &Reach, id: AssetId) -> Result<Asset, Error> {
    Ok(asset_in(app, reach, id).await?.into_inner())
}

/// Lists one page of the statement lines of an asset's balance, newest first.
///
/// # Rejects
/// `not_found` for an asset out of reach.
pub async fn asset_records(
    app: &App,
    reach: &Reach,
    id: AssetId,
    filter: &StatementFilter,
) -> Result<Page<StatementLine>, Error> {
    let asset = asset(app, reach, id).await?;
    Ok(records(app, AccountOwner::Asset(asset.id), filter).await?)
}
