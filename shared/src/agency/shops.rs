//! Shop use cases: create, change, move, and appoint the agent (R8.1).

use serde::Serialize;

use super::shop_in;
use crate::account::model::identity::Role;
use crate::account::model::user::User;
use crate::agency::model::shop::{Reach, Seller, Shop, ShopPath};
use crate::app::App;
use crate::operations::audit_log::by_seller;
use kernel::fault::{Error, Fault};
use kernel::id::{ShopId, UserId};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::item::Versioned;
use table::tx::Tx;

/// Requested state of a shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShopTerms {
    pub name: String,
    /// Parent shop.
    /// `Some(None)` is level 1; `None` keeps the place, or means the caller's own shop for a new one.
    pub parent: Option<Option<ShopId>>,
    /// The agent to run it.
    pub user: Option<UserId>,
}

/// Creates a shop; its user becomes an agent.
///
/// Without a parent it is placed directly below the caller's shop.
///
/// # Rejects
/// `not_found` for a parent out of reach; `forbidden` for level 1 unless the caller is an admin; 422 beyond the tenth level;
/// `user_has_shop`.
pub async fn create_shop(app: &App, ctx: &Ctx, seller: &Seller, terms: &ShopTerms) -> Result<Answered<Shop>, Error> {
    app.execute(ctx, || plan_new(app, ctx, seller, terms)).await
}

async fn plan_new(app: &App, ctx: &Ctx, seller: &Seller, terms: &ShopTerms) -> Result<(Shop, Tx), Error> {
    let own = match &seller.reach {
        Reach::Platform => None,
        Reach::Below(path) => path.shop(),
    };
    let parent = match terms.parent.unwrap_or(own) {
        Some(parent) => Some(shop_in(app, &seller.reach, parent).await?),
        None => {
            seller.reach.must_be(None)?;
            None
        }
    };
    let id = ShopId::new(app.ulid());
    let path = parent.as_ref().map_or_else(|| Ok(ShopPath::root(id)), |parent| parent.path.child(id))?;
    let shop = Shop {
        id,
        version: 1,
        name: terms.name.clone(),
        path,
        user: terms.user,
        children: 0,
        grants: 0,
        stocked: false,
        created_at: app.clock.now(),
    };
    let mut tx = app.tx();
    tx.insert(&shop);
    if let Some(parent) = &parent {
        counted(&mut tx, parent, true)?;
    }
    if let Some(user) = terms.user {
        appoint(app, &mut tx, user, &shop).await?;
    }
    let audit = by_seller(app, ctx, seller, "shop.created", id.to_string()).change("", written(terms));
    tx.insert(&audit);
    Ok((shop, tx))
}

/// Command to change a shop, based on the version read.
#[derive(Debug, Clone)]
pub struct ChangeShop {
    pub shop: ShopId,
    /// Version the change is based on.
    pub version: u64,
    pub terms: ShopTerms,
}

/// Changes a shop's name, place and agent; a repeated request finds its own write.
///
/// # Rejects
/// `not_found`; `version_mismatch`; `shop_in_use` for moving a shop with children, grants or assets; `forbidden` for an agent
/// that moves its own shop or moves one to level 1; 422 for a cycle or beyond the tenth level; `user_has_shop`.
pub async fn change_shop(app: &App, ctx: &Ctx, seller: &Seller, ask: &ChangeShop) -> Result<Answered<Shop>, Error> {
    app.execute(&ctx.unkeyed(), || plan_change(app, ctx, seller, ask)).await
}

async fn plan_change(app: &App, ctx: &Ctx, seller: &Seller, ask: &ChangeShop) -> Result<(Shop, Tx), Error> {
    let before = shop_in(app, &seller.reach, ask.shop).await?;
    let next = ask.version.checked_add(1).ok_or(Refusal::VersionMismatch)?;
    let parent = ask.terms.parent.unwrap_or_else(|| before.parent());
    let same = before.name == ask.terms.name && before.user == ask.terms.user && before.parent() == parent;
    let mut tx = app.tx();
    if same && before.version == next {
        return Ok((Shop::clone(&before), tx));
    }
    if before.version != ask.version {
        return Err(Refusal::VersionMismatch.into());
    }
    let mut after = Shop { version: next, name: ask.terms.name.clone(), user: ask.terms.user, ..Shop::clone(&before) };
    if before.parent() != parent {
        after.path = moved(app, seller, &mut tx, &before, parent).await?;
    }
    tx.replace(&before, &after);
    if before.user != after.user || before.path != after.path {
        if let Some(user) = before.user.filter(|user| Some(*user) != after.user) {
            dismiss(app, &mut tx, user).await?;
        }
        if let Some(user) = after.user {
            appoint(app, &mut tx, user, &after).await?;
        }
    }
    let was = ShopTerms { name: before.name.clone(), parent: Some(before.parent()), user: before.user };
    let audit = by_seller(app, ctx, seller, "shop.changed", before.id.to_string());
    tx.insert(&audit.change(written(&was), written(&ask.terms)));
    Ok((after, tx))
}

/// Path of a shop below another parent; updates both parents' counts.
///
/// The shop has no children, so no cycle can arise.
async fn moved(
    app: &App,
    seller: &Seller,
    tx: &mut Tx,
    shop: &Versioned<Shop>,
    parent: Option<ShopId>,
) -> Result<ShopPath, Error> {
    // An agent moves shops within its own tree, but not its own shop.
    let allowed = match (&seller.reach, parent) {
        (Reach::Platform, _) => true,
        (Reach::Below(own), Some(_)) => shop.path != *own,
        (Reach::Below(_), None) => false,
    };
    if !allowed {
        return Err(Refusal::Forbidden.into());
    }
    let to = match parent {
        Some(parent) => Some(shop_in(app, &seller.reach, parent).await?),
        None => None,
    };
    let path = shop.moved(to.as_deref())?.path;
    if let Some(from) = shop.parent() {
        let from =
            app.store.get::<Shop>(&Shop::key(from)).await?.ok_or_else(|| Fault::bug("a shop without its parent"))?;
        counted(tx, &from, false)?;
    }
    if let Some(to) = &to {
        counted(tx, to, true)?;
    }
    Ok(path)
}

fn counted(tx: &mut Tx, parent: &Versioned<Shop>, more: bool) -> Result<(), Fault> {
    let after = parent.with_child(more).ok_or_else(|| Fault::bug("a shop's children were miscounted"))?;
    tx.replace(parent, &after);
    Ok(())
}

/// Makes a user the agent of a shop.
async fn appoint(app: &App, tx: &mut Tx, user: UserId, shop: &Shop) -> Result<(), Error> {
    let unknown = || Refusal::field("/user_id", "unknown", "an active user");
    let user = app.store.get::<User>(&User::key(user)).await?.ok_or_else(unknown)?;
    user.must_be_active().map_err(|_| unknown())?;
    let theirs = user.shop.as_ref().is_none_or(|path| path.shop() == Some(shop.id));
    if user.role == Role::Admin || !theirs {
        return Err(Refusal::UserHasShop.into());
    }
    let shop = Some(shop.path.clone());
    let after = User { shop, ..User::clone(&user).with_rights(Role::Agent, user.scopes.clone()) };
    if *user != after {
        tx.replace(&user, &after);
    }
    Ok(())
}

/// Makes an agent an ordinary user again.
async fn dismiss(app: &App, tx: &mut Tx, user: UserId) -> Result<(), Error> {
    let Some(user) = app.store.get::<User>(&User::key(user)).await? else { return Ok(()) };
    let role = if user.role == Role::Agent { Role::User } else { user.role };
    tx.replace(&user, &User { role, shop: None, former_shops: user.shops(), ..User::clone(&user) });
    Ok(())
}

fn written(terms: &ShopTerms) -> String {
    serde_json::to_string(terms).unwrap_or_default()
}

/// Reads a shop in reach.
///
/// # Rejects
/// `not_found`, also if it is out of reach.
pub async fn shop(app: &App, seller: &Seller, id: ShopId) -> Result<Shop, Error> {
    Ok(shop_in(app, &seller.reach, id).await?.into_inner())
}
