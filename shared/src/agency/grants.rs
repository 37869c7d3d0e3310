//! Grant use cases: create, change and delete, by the parent shop or an admin for it (R8.3–R8.6).

use rust_decimal::Decimal;

use super::shop_in;
use crate::agency::model::grant::{Grant, GrantPlace, GrantStatus, GrantTerms, OwnTier, PackageChange, own_part};
use crate::agency::model::series::{ForcedRecharge, Series};
use crate::agency::model::shop::{Reach, Seller, Shop};
use crate::agency::offer as series;
use crate::agency::tighten::{self, Above, MovedGrant, Node};
use crate::app::App;
use crate::operations::audit_log::by_seller;
use kernel::fault::{Error, Fault};
use kernel::id::{GrantId, PackageId, SeriesId, ShopId};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::item::Versioned;
use table::key::Key;
use table::tx::Tx;

/// Command to grant a series to a shop.
#[derive(Debug, Clone)]
pub struct CreateGrant {
    pub shop: ShopId,
    pub series: SeriesId,
    /// Own part of a fixed commission; `None` means 0.
    pub amount: Option<Decimal>,
    /// Own part at each tier.
    pub tiers: Option<Vec<OwnTier>>,
    /// The shop's own forced recharge.
    pub forced: ForcedRecharge,
    /// Packages with their cost prices.
    pub packages: Vec<(PackageId, Decimal)>,
}

/// Grants a series to a shop, in one transaction with its packages.
///
/// # Rejects
/// `not_found` for a shop out of reach; `forbidden` unless the caller is its parent or an admin; all refusals of R8.3.
pub async fn create_grant(app: &App, ctx: &Ctx, seller: &Seller, ask: &CreateGrant) -> Result<Answered<Grant>, Error> {
    app.execute(ctx, || plan_new(app, ctx, seller, ask)).await
}

async fn plan_new(app: &App, ctx: &Ctx, seller: &Seller, ask: &CreateGrant) -> Result<(Grant, Tx), Error> {
    let (shop, series) = app.store.read((Shop::key(ask.shop), Series::key(ask.series))).await?;
    let shop = shop.filter(|shop| seller.reach.holds(&shop.path)).ok_or(Refusal::NotFound)?;
    let series = series.ok_or(Refusal::NotFound)?;
    let parent = shop.path.parent();
    seller.reach.must_be(parent.as_ref())?;
    let above = parent.as_ref().map(|parent| Grant::key(ask.series, parent));
    let (here, above) = app.store.read((Grant::key(ask.series, &shop.path), above)).await?;
    if here.is_some() {
        return Err(Refusal::AlreadyGranted.into());
    }
    let terms_of_series = series.wanted().clone();
    let above = match parent {
        None => Above::Series(Box::new(series)),
        Some(_) => Above::Grant(Box::new(above.ok_or(Refusal::AllocatorNotGranted)?)),
    };
    let offer = above.offer();
    let (now, none) = (app.clock.now(), Vec::new());
    let own = own_part(&offer.own, ask.amount, ask.tiers.as_deref())?;
    let bare = GrantTerms { own, forced: ask.forced, status: GrantStatus::Active, packages: none };
    let changes: Vec<_> = ask.packages.iter().map(|(id, cost)| PackageChange::Cost(*id, *cost)).collect();
    let grant = Grant {
        id: GrantId::new(app.ulid()),
        version: 1,
        series: ask.series,
        path: shop.path.clone(),
        terms: bare.with_packages(&changes, &terms_of_series, &offer, now)?,
        closing: None,
        children: 0,
        created_at: now,
        updated_at: now,
    };
    let mut tx = app.tx();
    tx.insert(&grant).or(Refusal::AlreadyGranted);
    let place = GrantPlace { id: grant.id, series: grant.series, path: grant.path.clone(), deleted: false };
    tx.insert(&place);
    above.counted(&mut tx, true)?;
    let counted = shop.with_grant(true).ok_or_else(|| Fault::bug("a shop's grants were miscounted"))?;
    tx.replace(&shop, &counted);
    let audit = by_seller(app, ctx, seller, "grant.created", grant.id.to_string());
    tx.insert(&audit.change("", written(&grant.terms)));
    Ok((grant, tx))
}

/// Command to change a grant's terms, based on the version read.
#[derive(Debug, Clone)]
pub struct ChangeGrant {
    pub grant: GrantId,
    /// Version the change is based on.
    pub version: u64,
    /// New part of a fixed commission; `None` keeps it.
    pub amount: Option<Decimal>,
    /// New part at each tier; `None` keeps them.
    pub tiers: Option<Vec<OwnTier>>,
    /// New forced recharge of the shop's own; `None` keeps it.
    pub forced: Option<ForcedRecharge>,
    /// New status: active or disabled; `None` keeps it.
    pub enabled: Option<bool>,
    /// True to move grants above the new amounts under them.
    pub adjust: bool,
}

/// Changes a grant; a repeated request finds its own write.
///
/// # Rejects
/// `not_found`; `forbidden`; `version_mismatch`; `ceiling_exceeded`, `tiers_mismatch`; `children_above`; `change_under_way`.
pub async fn change_grant(app: &App, ctx: &Ctx, seller: &Seller, ask: &ChangeGrant) -> Result<Answered<Grant>, Error> {
    app.execute(&Ctx::system(), || plan_change(app, ctx, seller, ask)).await
}

async fn plan_change(app: &App, ctx: &Ctx, seller: &Seller, ask: &ChangeGrant) -> Result<(Grant, Tx), Error> {
    let known = Known::read(app, seller, ask.grant).await?;
    known.decided_by(seller)?;
    let after = known.changed(ask)?;
    known.put(app, ctx, seller, after, (ask.version, ask.adjust), "grant.changed").await
}

/// Lists the grants below that a change of a grant moves, and how, without changing anything (R8.5).
///
/// # Rejects
/// As [`change_grant`], but for `children_above` and `version_mismatch`.
pub async fn grants_moved(app: &App, seller: &Seller, ask: &ChangeGrant) -> Result<Vec<MovedGrant>, Error> {
    let known = Known::read(app, seller, ask.grant).await?;
    known.decided_by(seller)?;
    let offer = known.changed(ask)?.retail_raised().offer();
    Ok(tighten::preview(app, &Node::Grant(&known.grant), &offer).await?)
}

/// Lists the grants below that a change of a grant's packages moves, and how, without changing anything (R8.5).
///
/// # Rejects
/// As [`change_packages`], but for `children_above` and `version_mismatch`.
pub async fn packages_moved(app: &App, seller: &Seller, ask: &ChangePackages) -> Result<Vec<MovedGrant>, Error> {
    let known = Known::read(app, seller, ask.grant).await?;
    known.decided_by(seller)?;
    let offer = known.repacked(app, ask).await?.retail_raised().offer();
    Ok(tighten::preview(app, &Node::Grant(&known.grant), &offer).await?)
}

/// Command to change a grant's packages, based on the version read.
#[derive(Debug, Clone)]
pub struct ChangePackages {
    pub grant: GrantId,
    /// Version the change is based on.
    pub version: u64,
    /// Packages to add, to give another cost, or to remove.
    pub changes: Vec<PackageChange>,
    /// True to adapt the grants below: costs and retail prices are raised, removed packages dropped.
    pub adjust: bool,
}

/// Changes a grant's packages, all or none (R8.6).
///
/// # Rejects
/// `not_found`; `forbidden`; `version_mismatch`; `package_not_in_series`, `package_not_granted`, `cost_below_parent`;
/// `children_above`; `change_under_way`.
pub async fn change_packages(
    app: &App,
    ctx: &Ctx,
    seller: &Seller,
    ask: &ChangePackages,
) -> Result<Answered<Grant>, Error> {
    app.execute(&Ctx::system(), || plan_packages(app, ctx, seller, ask)).await
}

async fn plan_packages(app: &App, ctx: &Ctx, seller: &Seller, ask: &ChangePackages) -> Result<(Grant, Tx), Error> {
    let known = Known::read(app, seller, ask.grant).await?;
    known.decided_by(seller)?;
    if known.is_done(ask.version, |terms| ask.changes.iter().all(|change| holds(terms, change))) {
        return Ok((Grant::clone(&known.grant), app.tx()));
    }
    let after = known.repacked(app, ask).await?;
    known.put(app, ctx, seller, after, (ask.version, ask.adjust), "grant.packages_changed").await
}

fn holds(terms: &GrantTerms, change: &PackageChange) -> bool {
    match *change {
        PackageChange::Remove(id) => terms.package(id).is_none(),
        PackageChange::Cost(id, cost) => terms.package(id).is_some_and(|held| held.cost_price == cost),
    }
}

/// Command to set a shop's retail price of a granted package (R8.10).
#[derive(Debug, Clone, Copy)]
pub struct SetRetail {
    pub grant: GrantId,
    /// Version the change is based on.
    pub version: u64,
    pub package: PackageId,
    /// Retail price, in agency currency.
    pub price: Decimal,
    /// True to sell it.
    pub on_shelf: bool,
}

/// Sets a package's retail price and shelf state; the caller is the shop itself or an admin.
///
/// # Rejects
/// `not_found`; `forbidden`; `version_mismatch`; 422 below the cost price; `change_under_way`.
pub async fn set_retail(app: &App, ctx: &Ctx, seller: &Seller, ask: &SetRetail) -> Result<Answered<Grant>, Error> {
    app.execute(&Ctx::system(), || plan_retail(app, ctx, seller, ask)).await
}

async fn plan_retail(app: &App, ctx: &Ctx, seller: &Seller, ask: &SetRetail) -> Result<(Grant, Tx), Error> {
    let known = Known::read(app, seller, ask.grant).await?;
    seller.reach.must_be(Some(&known.grant.path))?;
    let after = known.grant.with_retail(ask.package, ask.price, ask.on_shelf)?;
    known.put(app, ctx, seller, after, (ask.version, false), "grant.retail_set").await
}

/// Deletes a grant and keeps it for the history; a repeated request finds it deleted.
///
/// # Rejects
/// `not_found`; `forbidden`; `grant_has_children`; `change_under_way`.
pub async fn delete_grant(app: &App, ctx: &Ctx, seller: &Seller, grant: GrantId) -> Result<Answered<Grant>, Error> {
    app.execute(&ctx.unkeyed(), || plan_delete(app, ctx, seller, grant)).await
}

async fn plan_delete(app: &App, ctx: &Ctx, seller: &Seller, id: GrantId) -> Result<(Grant, Tx), Error> {
    let known = Known::read(app, seller, id).await?;
    known.decided_by(seller)?;
    let mut tx = app.tx();
    if known.place.deleted {
        return Ok((known.grant.into_inner(), tx));
    }
    if known.grant.closing.is_some() {
        return Err(Refusal::ChangeUnderWay.into());
    }
    let after = known.grant.deleted(app.clock.now())?;
    let shop = known.grant.path.shop().ok_or_else(|| Fault::bug("a grant of no shop"))?;
    let shop = app.store.get::<Shop>(&Shop::key(shop)).await?.ok_or_else(|| Fault::bug("a grant of no shop"))?;
    tx.remove(&known.grant);
    tx.insert(&after);
    tx.replace(&known.place, &GrantPlace { deleted: true, ..GrantPlace::clone(&known.place) });
    known.above.counted(&mut tx, false)?;
    let counted = shop.with_grant(false).ok_or_else(|| Fault::bug("a shop's grants were miscounted"))?;
    tx.replace(&shop, &counted);
    let audit = by_seller(app, ctx, seller, "grant.deleted", id.to_string());
    tx.insert(&audit.change(written(&known.grant.terms), ""));
    Ok((after, tx))
}

/// A grant in reach, and the series or grant above it.
struct Known {
    place: Versioned<GrantPlace>,
    grant: Versioned<Grant>,
    above: Above,
}

impl Known {
    async fn read(app: &App, seller: &Seller, id: GrantId) -> Result<Self, Error> {
        let place = app.store.get::<GrantPlace>(&GrantPlace::key(id)).await?;
        let place = place.filter(|place| seller.reach.holds(&place.path)).ok_or(Refusal::NotFound)?;
        let parent = place.path.parent().map(|parent| Grant::key(place.series, &parent));
        let series = parent.is_none().then(|| Series::key(place.series));
        let (grant, parent, series) = app.store.read((key_of(&place), parent, series)).await?;
        let parent = parent.map(|parent| Above::Grant(Box::new(parent)));
        let above = parent.or(series.map(|series| Above::Series(Box::new(series))));
        let missing = || Fault::bug("a grant that is not at its place");
        Ok(Self { place, grant: grant.ok_or_else(missing)?, above: above.ok_or_else(missing)? })
    }

    /// Checks that the caller is the parent shop or an admin.
    fn decided_by(&self, seller: &Seller) -> Result<(), Refusal> {
        seller.reach.must_be(self.grant.path.parent().as_ref())
    }

    /// The terms with other amounts, forced recharge or status.
    fn changed(&self, ask: &ChangeGrant) -> Result<GrantTerms, Refusal> {
        let terms = self.grant.wanted();
        let mut after = terms.clone();
        after.own.amount = ask.amount.unwrap_or(after.own.amount);
        after.own.tiers = ask.tiers.clone().unwrap_or(after.own.tiers);
        after.forced = ask.forced.unwrap_or(after.forced);
        if let Some(enabled) = ask.enabled {
            after.status = if enabled { GrantStatus::Active } else { GrantStatus::Disabled };
        }
        if after.own != terms.own {
            after.own.must_fit(&self.above.offer().own)?;
        }
        Ok(after)
    }

    /// The terms with other packages.
    async fn repacked(&self, app: &App, ask: &ChangePackages) -> Result<GrantTerms, Error> {
        let series = series::read(app, self.grant.series).await?;
        let (terms, offer) = (self.grant.wanted(), self.above.offer());
        Ok(terms.with_packages(&ask.changes, series.wanted(), &offer, app.clock.now())?)
    }

    fn is_done(&self, version: u64, same: impl Fn(&GrantTerms) -> bool) -> bool {
        version.checked_add(1) == Some(self.grant.version) && same(self.grant.wanted())
    }

    /// Writes other terms.
    ///
    /// At once with the grants that have to move, or as a job if those are too many.
    async fn put(
        self,
        app: &App,
        ctx: &Ctx,
        seller: &Seller,
        after: GrantTerms,
        (version, adjust): (u64, bool),
        action: &str,
    ) -> Result<(Grant, Tx), Error> {
        if self.is_done(version, |terms| *terms == after) {
            return Ok((self.grant.into_inner(), app.tx()));
        }
        if self.place.deleted {
            return Err(Refusal::NotFound.into());
        }
        if self.grant.version != version {
            return Err(Refusal::VersionMismatch.into());
        }
        let raised = after.retail_raised();
        let own = (raised != after).then_some(self.grant.id);
        let node = Node::Grant(&self.grant);
        let moves = tighten::moves_for(app, &node, &raised.offer(), adjust, own).await?;
        let now = app.clock.now();
        let exhausted = || Fault::bug("a grant's versions ran out");
        let written_now = match moves.fits() {
            true => self.grant.with_terms(raised.clone(), now).ok_or_else(exhausted)?,
            false => {
                let same = self.grant.with_terms(self.grant.terms.clone(), now).ok_or_else(exhausted)?;
                Grant { closing: Some(Box::new(raised.clone())), ..same }
            }
        };
        let mut tx = app.tx();
        tx.replace(&self.grant, &written_now);
        if raised.offer() != self.grant.terms.offer() {
            self.above.touched(&mut tx);
        }
        moves.write(app, &mut tx, &node)?;
        let audit = by_seller(app, ctx, seller, action, self.grant.id.to_string());
        tx.insert(&audit.change(written(self.grant.wanted()), written(&raised)));
        Ok((written_now, tx))
    }
}

/// Current key of a grant.
pub(crate) fn key_of(place: &GrantPlace) -> Key<Grant> {
    match place.deleted {
        true => Grant::deleted_key(place.series, place.id),
        false => Grant::key(place.series, &place.path),
    }
}

/// Reads a grant in reach, deleted or not.
///
/// # Rejects
/// `not_found`.
pub async fn grant(app: &App, reach: &Reach, id: GrantId) -> Result<Grant, Error> {
    let place = app.store.get::<GrantPlace>(&GrantPlace::key(id)).await?;
    let place = place.filter(|place| reach.holds(&place.path)).ok_or(Refusal::NotFound)?;
    Ok(app.store.get::<Grant>(&key_of(&place)).await?.ok_or(Refusal::NotFound)?.into_inner())
}

/// Reads a shop in reach, for filters that name one.
///
/// # Rejects
/// `not_found`.
pub async fn visible(app: &App, reach: &Reach, shop: ShopId) -> Result<Shop, Error> {
    Ok(shop_in(app, reach, shop).await?.into_inner())
}

fn written(terms: &GrantTerms) -> String {
    serde_json::to_string(terms).unwrap_or_default()
}
