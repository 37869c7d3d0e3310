//! Shops below an agent's own (R8.1): the tree, a new shop, and a shop with its agent, its money and its place.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use shared::account::model::user::User;
use shared::agency::model::DEPTH_MAX;
use shared::agency::model::shop::{Reach, Shop, ShopPath};
use shared::agency::model::wallet::Wallet;
use shared::agency::queries;
use shared::app::App;
use shared::edge::forms::VERSION;
use shared::edge::view::Amount;
use shared::kernel::fault::{Error, Fault};
use shared::kernel::id::{ShopId, UserId};
use shared::kernel::refusal::Refusal;
use shared::operations::search::users_of;
use shared::referral::overview::mask;
use shared::table::list::Window;
use shared::table::store::Page;

use super::desk::{Desk, SHOPS, enter};
use super::parts::{Act, Shops, field, form, head, in_order, select, shop_choices, shop_link};
use crate::admin::acts::facts;
use crate::admin::parts::{Tile, tiles};
use crate::list::{Part, alone, empty};
use crate::parts::{self, Field, money, time};
use crate::sidebar::Head;
use crate::visit::{Arrival, Instead};

const ROUTE: &str = "/v1/shops";

/// Shops of a list, with their agents and the shops above them that are not in it.
struct Tree {
    page: Page<Shop>,
    agents: BTreeMap<UserId, User>,
    above: Shops,
}

impl Tree {
    async fn read(app: &App, path: &ShopPath, window: &Window) -> Result<Self, Fault> {
        let page = queries::shops(app, &Reach::Below(path.clone()), window).await?;
        let agents = page.items.iter().filter_map(|shop| shop.user);
        let known = |id: &ShopId| page.items.iter().any(|shop| shop.id == *id);
        let above = page.items.iter().flat_map(|shop| shop.path.upward()).filter(|one| one.is_within(path));
        let above: Vec<ShopId> = above.filter_map(|one| one.shop()).filter(|id| !known(id)).collect();
        let (agents, above) = tokio::try_join!(users_of(app, agents), queries::shops_of(app, above))?;
        Ok(Self { page, agents, above })
    }

    /// Masked e-mail of a shop's agent.
    fn agent(&self, shop: &Shop) -> Option<String> {
        shop.user.and_then(|user| self.agents.get(&user)).map(mask)
    }
}

/// The tree of shops.
pub async fn list(arrival: Arrival) -> Result<Response, Instead> {
    let whose = arrival.asked(super::desk::FOR).unwrap_or_default().to_owned();
    let (arrival, mut part) = arrival.part("cursor", &whose).await?;
    part.window.limit = SHOPS;
    let window = part.window.clone();
    let read = |app: Arc<App>, path: ShopPath| {
        let window = window.clone();
        async move { Tree::read(&app, &path, &window).await }
    };
    let (desk, tree) = enter(arrival, read).await?;
    let text = desk.text();
    let new = html! { a.btn.go href=(desk.to("/shop/shops/new")) { (text.shop_new_below()) } };
    let head = Head { aside: Some(new), ..head(&text.shop_shops(), &text.shop_shops_lead()) };
    let shown = tree.map(|tree| shown(&desk, &part, &tree)).map_err(Error::from);
    let main = html! { section.card aria-label=(&*text.shop_shops()) { (alone(&desk.visit, shown)) } };
    Ok(desk.page(&head, &main))
}

fn shown(desk: &Desk, part: &Part, tree: &Tree) -> Markup {
    let (visit, text) = (&desk.visit, desk.text());
    let shops = in_order(&tree.page.items);
    html! {
        @if shops.is_empty() { (empty(visit, tree.page.next.is_some(), &text.shop_none_below(), &text.shop_none_below_todo())) }
        @else { ul.tree { @for shop in shops { (leaf(desk, tree, shop)) } } }
        (part.pager(visit, &text.shop_shops(), tree.page.next.as_ref()))
    }
}

/// A shop of the tree; its level is said, since its place alone would only be seen.
fn leaf(desk: &Desk, tree: &Tree, shop: &Shop) -> Markup {
    let text = desk.text();
    let level = shop.path.level().saturating_sub(desk.path.level()).saturating_add(1);
    // The shop above it is on another part of the list.
    let above = shop.parent().and_then(|parent| tree.above.get(&parent));
    html! {
        li class=(format!("level-{level}")) aria-level=(level) {
            div {
                a.break href=(desk.to(&format!("/shop/shops/{}", shop.id))) { strong { (shop.name) } }
                @if shop.path == desk.path { " " span.badge.info { (text.shop_this_one()) } }
                @if let Some(above) = above { small { (text.shop_below_that(above.name.as_str())) } }
                small {
                    @match tree.agent(shop) { Some(agent) => (text.shop_run_by(agent)), None => (text.shop_without_agent()) }
                    " · " (time(desk.visit.language, shop.created_at))
                }
            }
            span.row {
                @if shop.path.level() < DEPTH_MAX {
                    a.btn.slim href=(desk.to_with("/shop/shops/new", &[("parent", shop.id.to_string().as_str())])) {
                        (text.shop_add_below()) span.hidden { " " (shop.name) }
                    }
                }
            }
        }
    }
}

/// The shops to choose from: the desk's own and those below it.
pub async fn choices(app: &App, path: &ShopPath) -> Result<Vec<Shop>, Fault> {
    let window = Window { limit: SHOPS, ..Window::default() };
    Ok(queries::shops(app, &Reach::Below(path.clone()), &window).await?.items)
}

/// The form of a new shop.
pub async fn new(arrival: Arrival) -> Result<Response, Instead> {
    let (mut desk, shops) = enter(arrival, |app, path| async move { choices(&app, &path).await }).await?;
    let shops = shops.map_err(|fault| desk.error(fault.into()))?;
    at_agent(&mut desk);
    let text = desk.text();
    let above: Vec<Shop> = shops.into_iter().filter(|shop| shop.path.level() < DEPTH_MAX).collect();
    let parent = desk.visit.asked("parent").map_or_else(|| desk.shop.to_string(), str::to_owned);
    let fields = html! {
        (name(&desk, None))
        (select(&desk, ("parent_id", "parent_id"), &text.shop_parent(), &shop_choices(&desk, &above), &parent))
        (agent(&desk, None))
        div.row { button.btn.go { (text.shop_make()) } a.btn.bare href=(desk.to("/shop/shops")) { (text.go_back()) } }
    };
    let act = Act { method: "POST", route: ROUTE, done: "/shop/shops/{id}", said: "shop_made" };
    let head = Head { trail: trail(&desk), ..head(&text.shop_new_below(), &text.shop_new_lead()) };
    Ok(desk.page(&head, &html! { section.card { div.in { (form(&desk, &act, &fields)) } } }))
}

/// Says at the field of the agent that their account has a shop or can't have one.
fn at_agent(desk: &mut Desk) {
    if desk.visit.refused().is_some_and(|flash| flash.code == "user_has_shop") {
        desk.place(vec![("/user_id".to_owned(), "user_has_shop".to_owned())]);
    }
}

fn trail(desk: &Desk) -> Vec<(String, Markup)> {
    vec![(desk.to("/shop/shops"), html! { (desk.text().shop_shops()) })]
}

fn name(desk: &Desk, value: Option<&str>) -> Markup {
    let label = desk.text().shop_name();
    parts::field(&desk.visit, &Field { value, required: true, ..field("name", "name", &label) })
}

fn agent(desk: &Desk, value: Option<UserId>) -> Markup {
    let text = desk.text();
    let label = html! { (text.shop_agent_id()) " " span.muted { (text.optional()) } };
    let value = value.map(|user| user.to_string());
    let plain = field("user_id", "user_id:?", &text.shop_agent_id());
    let hint = Some(text.shop_agent_id_hint().to_string());
    parts::field(&desk.visit, &Field { label, hint, value: value.as_deref(), mono: true, ..plain })
}

/// A shop's page as it is read: the shops to choose from, the shop, its wallet and its agent.
struct Read {
    shops: Result<Vec<Shop>, Fault>,
    shop: Shop,
    wallet: Option<Wallet>,
    agent: Option<User>,
}

async fn read(app: &App, path: &ShopPath, id: ShopId) -> Result<Read, Error> {
    let known = async {
        let (shop, wallet) = app.store.read((Shop::key(id), Wallet::key(id))).await?;
        let shop = shop.filter(|shop| shop.path.is_within(path)).ok_or(Refusal::NotFound)?;
        let agent = match shop.user {
            Some(user) => users_of(app, [user]).await?.remove(&user),
            None => None,
        };
        Ok::<_, Error>((shop.into_inner(), wallet.as_deref().copied(), agent))
    };
    let (shops, known) = tokio::join!(choices(app, path), known);
    known.map(|(shop, wallet, agent)| Read { shops, shop, wallet, agent })
}

/// A shop: its money, its grants, and the form that renames it or gives it to somebody else.
pub async fn show(Path(id): Path<String>, arrival: Arrival) -> Result<Response, Instead> {
    let id = ShopId::parse(&id);
    let read = |app: Arc<App>, path: ShopPath| async move {
        match id {
            Some(id) => read(&app, &path, id).await,
            None => Err(Refusal::NotFound.into()),
        }
    };
    let (mut desk, read) = enter(arrival, read).await?;
    let Read { shops, shop, wallet, agent } = read.map_err(|error| desk.error(error))?;
    at_agent(&mut desk);
    let (text, id) = (desk.text(), shop.id.to_string());
    let shops = shops.unwrap_or_default();
    let names: Shops = shops.iter().map(|shop| (shop.id, shop.clone())).collect();
    let wallet = wallet.unwrap_or_else(|| Wallet::new(shop.id, desk.settings.currency));
    let of = |page: &str| desk.to_with(page, &[("shop", id.as_str())]);
    let head = Head { title: shop.name.clone(), trail: trail(&desk), ..Head::default() };
    let main = html! {
        (purse(&desk, &wallet))
        div.two {
            section.card aria-labelledby="about" {
                header { h2 #about { (text.shop_about()) } }
                div.in.stack {
                    (about(&desk, &shop, &names, agent.as_ref()))
                    div.row {
                        a.btn href=(of("/shop/grants")) { (text.shop_grants()) }
                        a.btn href=(of("/shop/sales")) { (text.shop_sales()) }
                        @if shop.path.is_child_of(&desk.path) {
                            a.btn href=(of("/shop/grants/new")) { (text.shop_grant_to_it()) }
                        }
                    }
                }
            }
            section.card aria-labelledby="change" {
                header { h2 #change { (text.shop_change()) } }
                div.in.stack { (change(&desk, &shop, &shops)) }
            }
        }
    };
    Ok(desk.page(&head, &main))
}

fn purse(desk: &Desk, wallet: &Wallet) -> Markup {
    let text = desk.text();
    let tile = |name: String, amount| Tile { name, figure: money(&Amount::from(amount)), notes: Vec::new() };
    tiles(&[
        tile(text.shop_main().to_string(), wallet.main.balance()),
        tile(text.shop_commission().to_string(), wallet.commission.balance()),
        tile(text.shop_held().to_string(), wallet.held()),
        tile(text.debt().to_string(), wallet.commission.owed()),
    ])
}

fn about(desk: &Desk, shop: &Shop, names: &Shops, agent: Option<&User>) -> Markup {
    let text = desk.text();
    let above = shop.path.parent().filter(|above| above.is_within(&desk.path));
    let above = above.map(|above| (text.shop_parent(), shop_link(desk, names, &above)));
    let agent = agent.map_or_else(|| text.shop_without_agent().to_string(), mask);
    let all = [
        (text.shop_level(), html! { (shop.path.level()) }),
        (text.shop_agent(), html! { (agent) }),
        (text.shop_children(), html! { (shop.children) }),
        (text.shop_grants(), html! { (shop.grants) }),
        (text.created(), time(desk.visit.language, shop.created_at)),
    ];
    facts(&above.into_iter().chain(all).collect::<Vec<_>>())
}

/// The form for name, agent and, while nothing depends on it, the shop's place.
fn change(desk: &Desk, shop: &Shop, shops: &[Shop]) -> Markup {
    let text = desk.text();
    let is_own = shop.path == desk.path;
    let may_move = !is_own && shop.children == 0 && shop.grants == 0 && !shop.stocked;
    let above: Vec<Shop> =
        shops.iter().filter(|other| other.id != shop.id && other.path.level() < DEPTH_MAX).cloned().collect();
    let parent = shop.parent().map(|parent| parent.to_string()).unwrap_or_default();
    let (route, page) = (format!("{ROUTE}/{}", shop.id), format!("/shop/shops/{}", shop.id));
    let fields = html! {
        input type="hidden" name=(VERSION) value=(shop.version);
        (name(desk, Some(&shop.name)))
        @if may_move { (select(desk, ("parent_id", "parent_id"), &text.shop_parent(), &shop_choices(desk, &above), &parent)) }
        @if is_own {
            @if let Some(user) = shop.user { input type="hidden" name="user_id" value=(user); }
        } @else {
            (agent(desk, shop.user))
            @if !may_move { p.small.muted { (text.shop_cannot_move()) } }
        }
        div.row { button.btn { (text.shop_save()) } }
    };
    form(desk, &Act { method: "PUT", route: &route, done: &page, said: "shop_saved" }, &fields)
}
