//! Shops (R8.1).

use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use shared::account::adjust_balance::said;
use shared::agency::model::shop::{self, Seller};
use shared::agency::queries;
use shared::agency::shops::{ChangeShop, ShopTerms, change_shop, create_shop, shop as read};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::export::{CsvRow, JsonOrCsv};
use shared::edge::idempotency::Idempotent;
use shared::edge::page::Listing;
use shared::edge::page::Unfiltered;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::search::Search;
use shared::edge::version::IfMatch;
use shared::kernel::id::{ShopId, UserId};
use shared::kernel::refusal::{Refusal, code};
use utoipa::ToSchema;

use super::wire::Findings;
use shared::edge;

/// A reseller's place in the tree.
#[derive(Debug, Serialize, ToSchema)]
pub struct Shop {
    /// Id of the shop.
    pub id: ShopId,
    /// Display name.
    pub name: String,
    /// Id of the parent shop; null if the shop is right below the platform.
    pub parent_id: Option<ShopId>,
    /// Level in the tree: 1 to 10.
    pub level: usize,
    /// Id of the agent who runs the shop.
    pub user_id: Option<UserId>,
    /// Number of shops right below it.
    pub children: u32,
    /// Number of grants it holds.
    pub grants: u32,
    /// Version of the shop, increased by each change; also the `ETag`.
    pub version: u64,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl CsvRow for Shop {
    const COLUMNS: &'static [&'static str] =
        &["id", "name", "parent_id", "level", "user_id", "children", "grants", "created_at"];
}

impl From<shop::Shop> for Shop {
    fn from(of: shop::Shop) -> Self {
        Self {
            parent_id: of.parent(),
            level: of.path.level(),
            id: of.id,
            name: of.name,
            user_id: of.user,
            children: of.children,
            grants: of.grants,
            version: of.version,
            created_at: of.created_at,
        }
    }
}

/// A shop to create, or its new values.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShopDocument {
    /// Display name, 1 to 500 characters.
    name: String,
    /// Id of the parent shop; null for level 1.
    /// If left out, a new shop is placed below the caller's own and an existing one stays.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    parent_id: Option<Option<String>>,
    /// Id of the user who runs the shop; the user becomes an agent.
    #[serde(default)]
    #[schema(value_type = Option<UserId>)]
    user_id: Option<String>,
}

/// Distinguish null from absent.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(from).map(Some)
}

impl ShopDocument {
    fn read(&self) -> Result<ShopTerms, Refusal> {
        let mut findings = Findings::default();
        let name = findings.take(said("/name", &self.name)).unwrap_or_default();
        let parent = self
            .parent_id
            .as_ref()
            .map(|parent| parent.as_ref().and_then(|parent| findings.id("/parent_id", parent, ShopId::parse)));
        let user = self.user_id.as_ref().and_then(|user| findings.id("/user_id", user, UserId::parse));
        findings.none()?;
        Ok(ShopTerms { name, parent, user })
    }
}

fn tagged(shop: shop::Shop) -> Reply<Shop> {
    let version = shop.version;
    Reply::ok(shop.into()).version(version)
}

/// List the caller's shop and those below it
///
/// An admin sees all shops, an agent those of its own tree; newest first.
#[utoipa::path(
    get, path = "/v1/shops", operation_id = "listShops", tag = "agency",
    responses((status = 200, body = Listing<Shop>)),
)]
pub async fn shops(
    State(app): State<Arc<App>>,
    search: Search<Unfiltered, Seller>,
) -> Result<JsonOrCsv<Shop>, Problem> {
    let page = search.rows(async |window| queries::shops(&app, &search.by.reach, &window).await).await?;
    Ok(search.found(&app, page, Shop::from))
}

/// Create a shop
///
/// The shop's user becomes an agent with access to this shop and those below.
#[utoipa::path(
    post, path = "/v1/shops", operation_id = "createShop", tag = "agency",
    responses((status = 201, body = Shop), code::NotFound, code::UserHasShop),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    seller: Seller,
    key: Idempotent,
    body: Body<ShopDocument>,
) -> Result<Reply<Shop>, Problem> {
    let terms = body.value.read()?;
    let ctx = key.bind(&app, &seller, &body);
    let done = create_shop(&app, &ctx, &seller, &terms).await?;
    let version = done.answer.version;
    Ok(Reply::created(Shop::from(done.answer)).version(version).replayed(done.replayed))
}

/// Get one shop
///
/// Send the `ETag` as `If-Match` to change the shop.
#[utoipa::path(
    get, path = "/v1/shops/{id}", operation_id = "getShop", tag = "agency",
    responses((status = 200, body = Shop)),
)]
pub async fn shop(State(app): State<Arc<App>>, seller: Seller, Id(id): Id<ShopId>) -> Result<Reply<Shop>, Problem> {
    Ok(tagged(read(&app, &seller, id).await?))
}

/// Change a shop's name, parent and agent
///
/// A shop can be moved only while nothing depends on its place.
#[utoipa::path(
    put, path = "/v1/shops/{id}", operation_id = "changeShop", tag = "agency",
    responses((status = 200, body = Shop), code::ShopInUse, code::UserHasShop),
)]
pub async fn change(
    State(app): State<Arc<App>>,
    seller: Seller,
    Id(shop): Id<ShopId>,
    IfMatch(version): IfMatch,
    body: Body<ShopDocument>,
) -> Result<Reply<Shop>, Problem> {
    let terms = body.value.read()?;
    let done = change_shop(&app, &edge::context(), &seller, &ChangeShop { shop, version, terms }).await?;
    Ok(tagged(done.answer))
}
