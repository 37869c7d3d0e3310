//! Shops for staff: the tree with its grants side by side, and one shop (R8.1).

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use shared::account::model::user::User;
use shared::agency::model::grant::{Grant, GrantStatus};
use shared::agency::model::series::{CommissionKind, Series};
use shared::agency::model::shop::{Reach, Shop};
use shared::agency::model::wallet::Wallet;
use shared::agency::queries::{self, GrantFilter};
use shared::edge::forms::VERSION;
use shared::edge::view::Amount;
use shared::kernel::fault::{Error, Fault};
use shared::kernel::id::ShopId;
use shared::operations::search::users_of;
use shared::table::store::Page;

use super::super::acts::{Act, choice, facts, form, line};
use super::super::filters::Days;
use super::super::menu::{self, Head};
use super::super::pages::Staff;
use super::super::parts::{Tile, below, card, tiles, time_line};
use super::super::users::{People, person};
use super::words::plain;
use super::{ALL, TOGETHER, all_series, id, page_of, series_link, shop_choices, shop_link, shops, trail, whole};
use crate::frame;
use crate::list::{Column, alone, empty, sheet};
use crate::parts::{badge, money};
use crate::visit::{Visit, failed, link, not_found};

/// Series whose grants stand side by side.
const SIDE_BY_SIDE: usize = 6;

/// The tree.
pub async fn list(staff: Staff) -> Response {
    let visit = &staff.0;
    let mut part = match staff.part(&(), Days::default()) {
        Ok(part) => part,
        Err(refusal) => return frame::refused(visit, &refusal),
    };
    part.window.limit = TOGETHER;
    let text = &visit.text;
    let read = async {
        let mut page = queries::shops(&visit.app, &ALL, &part.window).await?;
        page.items.sort_by(|one, other| one.path.cmp(&other.path));
        let agents: Vec<_> = page.items.iter().filter_map(|shop| shop.user).collect();
        let people = users_of(&visit.app, agents).await?;
        Ok::<_, Fault>((page, people))
    };
    let (all, none) = (whole(), GrantFilter::default());
    let (read, series, grants) = tokio::join!(read, all_series(visit), queries::grants(&visit.app, &ALL, &none, &all));
    let head = Head {
        title: text.staff_shops().to_string(),
        lead: Some(html! { (text.tree_shops_lead()) }),
        aside: Some(html! { a.btn.go href="/admin/shops/new" { (text.tree_shop_new()) } }),
        ..Head::default()
    };
    let side = match (&read, series, grants) {
        (Ok((page, _)), Ok(series), Ok(grants)) => Ok(side_by_side(visit, &page.items, &series, &grants.items)),
        (_, Err(fault), _) | (_, _, Err(fault)) => Err(Error::from(fault)),
        (Err(_), ..) => Ok(html! {}),
    };
    let tree = read.map_err(Error::from).map(|(page, people)| {
        html! {
            @if page.items.is_empty() { (empty(visit, page.next.is_some(), &text.tree_shops_none(), &text.tree_shops_none_todo())) }
            @else { (branch(visit, &people, &page.items)) }
            (part.pager(visit, &text.staff_shops(), page.next.as_ref()))
        }
    });
    let main = html! {
        (card("tree", &text.tree_tree(), &alone(visit, tree)))
        (card("side", &text.tree_side_by_side(), &alone(visit, side)))
    };
    menu::page(&staff, &head, &main)
}

/// Shops in the order of the tree; each says its level, since its place alone would only be seen.
fn branch(visit: &Visit, people: &People, shops: &[Shop]) -> Markup {
    let text = &visit.text;
    let top = shops.iter().map(|shop| shop.path.level()).min().unwrap_or(1);
    html! {
        ul.tree {
            @for shop in shops {
                @let level = shop.path.level().saturating_sub(top).saturating_add(1);
                li class=(format!("level-{level}")) aria-level=(level) {
                    div {
                        (shop_link(shop))
                        small { (text.tree_level(shop.path.level().to_string())) " · " (text.tree_grants_count(u64::from(shop.grants))) }
                    }
                    @if let Some(user) = shop.user { span.small.break { (person(people, user)) } }
                }
            }
        }
    }
}

/// The amounts of each shop's grants, a column per series.
fn side_by_side(visit: &Visit, shops: &[Shop], series: &[Series], grants: &[Grant]) -> Markup {
    let text = &visit.text;
    let known: Vec<&Series> = series
        .iter()
        .filter(|series| grants.iter().any(|grant| grant.series == series.id))
        .take(SIDE_BY_SIDE)
        .collect();
    if known.is_empty() {
        return empty(visit, false, &text.tree_grants_none(), &text.tree_grants_none_todo());
    }
    // The tree is in the first column: a series is named above its amounts.
    let rows: Vec<Vec<Markup>> = shops
        .iter()
        .map(|shop| {
            let of = |series: &&Series| {
                let grant = grants.iter().find(|grant| grant.series == series.id && grant.path == shop.path);
                html! { @if let Some(grant) = grant { a href=(page_of("grants", &grant.id)) { (own(visit, series, grant)) } @if grant.terms.status != GrantStatus::Active { " " (badge(&text.grant_status(grant.terms.status))) } } @else { span.muted { "—" } } }
            };
            let level = html! { (shop_link(shop)) small { (text.tree_level(shop.path.level().to_string())) } };
            [level].into_iter().chain(known.iter().map(of)).collect()
        })
        .collect();
    let mut columns = vec![Column::Text(text.tree_shop())];
    columns.extend(known.iter().map(|series| Column::Text(text.tree_series_named(series.name.as_str()))));
    sheet(text, &text.tree_side_by_side(), &columns, &rows)
}

/// A grant's own amounts in short.
pub fn own(visit: &Visit, series: &Series, grant: &Grant) -> Markup {
    let own = &grant.terms.own;
    match series.wanted().commission.kind {
        CommissionKind::None => html! { (visit.text.commission_kind(CommissionKind::None)) },
        CommissionKind::Tiered if !own.tiers.is_empty() => html! {
            span.num { @for (place, tier) in own.tiers.iter().enumerate() { @if place > 0 { " · " } (plain(tier.threshold)) " → " (plain(tier.amount)) } }
        },
        _ => html! { span.num { (plain(own.amount)) } },
    }
}

/// The form of a new shop.
pub async fn new(staff: Staff) -> Response {
    let staff = staff.beside(|_| None);
    let visit = &staff.0;
    let shops = match shops(visit).await {
        Ok(page) => page.items,
        Err(fault) => return failed(visit, &fault),
    };
    let text = &visit.text;
    let act =
        Act { method: "POST", route: "/v1/shops".to_owned(), done: "/admin/shops/{id}".to_owned(), said: "shop_made" };
    let fields = html! {
        (line(visit, ("name", "name"), &text.tree_shop_name(), None, None))
        (parent(visit, &shops, visit.asked("parent")))
        (agent(visit, visit.asked("user")))
    };
    let main = html! { section.card { div.in.narrow { (form(visit, &act, &fields, &text.tree_shop_make())) } } };
    menu::page(&staff, &below(text.tree_shop_new().to_string(), trail("shops", &text.staff_shops())), &main)
}

/// The field of the shop above; the platform is above level 1.
fn parent(visit: &Visit, shops: &[Shop], value: Option<&str>) -> Markup {
    let mut of = vec![(String::new(), visit.text.tree_platform().to_string())];
    of.extend(shop_choices(shops));
    choice(visit, ("parent_id", "parent_id:null"), &visit.text.tree_parent(), &of, value.unwrap_or_default())
}

fn agent(visit: &Visit, value: Option<&str>) -> Markup {
    let hint = Some(visit.text.tree_agent_hint().to_string());
    line(visit, ("user_id", "user_id:?"), &visit.text.tree_agent(), hint, value)
}

/// All that the page of a shop shows.
struct Read {
    wallet: Option<Wallet>,
    parents: Vec<Shop>,
    agent: Option<User>,
    below: Result<Page<Shop>, Error>,
    grants: Result<Page<Grant>, Error>,
    series: Result<Vec<Series>, Error>,
    shops: Vec<Shop>,
}

async fn read(visit: &Visit, shop: &Shop) -> Result<Read, Fault> {
    let app = &visit.app;
    let parents: Vec<_> = shop.path.upward().skip(1).filter_map(|path| path.shop()).map(Shop::key).collect();
    let keys = (Wallet::key(shop.id), parents, shop.user.map(User::key));
    let reach = Reach::Below(shop.path.clone());
    let (filter, all) = (GrantFilter { shop: Some(shop.id), ..GrantFilter::default() }, whole());
    let (items, below, grants, series, choices) = tokio::join!(
        app.store.read(keys),
        queries::shops(app, &reach, &all),
        queries::grants(app, &reach, &filter, &all),
        all_series(visit),
        // Only a shop on which nothing depends can go elsewhere.
        async { if is_fixed(shop) { Ok(Vec::new()) } else { shops(visit).await.map(|page| page.items) } },
    );
    let (wallet, parents, agent) = items?;
    Ok(Read {
        wallet: wallet.map(|wallet| wallet.into_inner()),
        parents: parents.into_iter().flatten().map(|shop| shop.into_inner()).collect(),
        agent: agent.map(|user| user.into_inner()),
        below: below.map_err(Error::from),
        grants: grants.map_err(Error::from),
        series: series.map_err(Error::from),
        shops: choices?,
    })
}

/// True for a shop that can't be moved (R8.1).
fn is_fixed(shop: &Shop) -> bool {
    shop.children > 0 || shop.grants > 0 || shop.stocked
}

/// One shop.
pub async fn show(path: Option<Path<String>>, staff: Staff) -> Response {
    let staff = staff.beside(|_| None);
    let visit = &staff.0;
    let shop = match shop_of(visit, id(path, ShopId::parse)).await {
        Ok(shop) => shop,
        Err(response) => return response,
    };
    let read = match read(visit, &shop).await {
        Ok(read) => read,
        Err(fault) => return failed(visit, &fault),
    };
    let text = &visit.text;
    let mut above = trail("shops", &text.staff_shops());
    above.extend(read.parents.iter().rev().map(|shop| (page_of("shops", &shop.id), html! { (shop.name) })));
    let head = Head {
        title: shop.name.clone(),
        lead: Some(html! { span.mono.small.break { (shop.id) } }),
        aside: Some(html! { span.badge.info { (text.tree_level(shop.path.level().to_string())) } }),
        trail: above,
    };
    let main = html! {
        (balances(visit, read.wallet.as_ref()))
        div.cols {
            div.stack {
                (card("grants", &text.staff_grants(), &grants(visit, &shop, &read)))
                (card("below", &text.tree_shops_below(), &alone(visit, read.below.as_ref().map(|page| inner(visit, &shop, page)).map_err(Clone::clone))))
            }
            div.stack {
                (card("about", &text.tree_shop(), &about(&staff, &shop, &read)))
                (card("change", &text.tree_shop_change(), &change(visit, &shop, &read.shops)))
            }
        }
    };
    menu::page(&staff, &head, &main)
}

/// A shop, or the page that answers instead.
pub async fn shop_of(visit: &Visit, id: Option<ShopId>) -> Result<Shop, Response> {
    let Some(id) = id else { return Err(not_found(visit)) };
    match visit.app.store.get::<Shop>(&Shop::key(id)).await {
        Ok(Some(shop)) => Ok(shop.into_inner()),
        Ok(None) => Err(not_found(visit)),
        Err(fault) => Err(failed(visit, &fault)),
    }
}

/// Tiles of a wallet's accounts.
pub fn balances(visit: &Visit, wallet: Option<&Wallet>) -> Markup {
    let text = &visit.text;
    let Some(of) = wallet else { return html! { p.muted { (text.tree_wallet_empty()) } } };
    let tile = |name: &str, of| Tile { name: name.to_owned(), figure: money(&Amount::from(of)), notes: Vec::new() };
    tiles(&[
        tile(&text.tree_wallet_main(), of.main.balance()),
        tile(&text.tree_wallet_commission(), of.commission.balance()),
        tile(&text.tree_wallet_held(), of.held()),
        tile(&text.debt(), of.commission.owed()),
    ])
}

fn about(staff: &Staff, shop: &Shop, read: &Read) -> Markup {
    let visit = &staff.0;
    let text = &visit.text;
    let page = page_of("shops", &shop.id);
    let agent = html! { @match (&read.agent, shop.user) { (Some(user), _) => (super::super::users::link_of(user)), (None, Some(id)) => { span.mono { (id) } } (None, None) => { (text.tree_nobody()) } } };
    let all = [(text.tree_agent(), agent), (text.created(), time_line(visit.language, shop.created_at))];
    let of = |list: &str| link(&format!("/admin/{list}"), [("shop", shop.id.to_string().as_str())]);
    html! {
        div.in.stack {
            (facts(&all))
            div.row {
                a.btn href=(format!("{page}/wallet")) { (text.tree_wallet()) }
                @if staff.may("/admin/shops/{id}/adjust") { a.btn href=(format!("{page}/adjust")) { (text.tree_adjust()) } }
                a.btn href=(of("assets")) { (text.staff_assets()) }
                a.btn href=(of("sales")) { (text.staff_sales()) }
                a.btn href=(of("sales/commissions")) { (text.tree_commissions()) }
            }
        }
    }
}

fn grants(visit: &Visit, shop: &Shop, read: &Read) -> Markup {
    let text = &visit.text;
    let listed = match (&read.grants, &read.series) {
        (Ok(page), Ok(series)) => Ok((page, series)),
        (Err(error), _) | (_, Err(error)) => Err(error.clone()),
    };
    let listed = listed.map(|(page, all)| {
        let row = |grant: &Grant| {
            let series = all.iter().find(|series| series.id == grant.series);
            vec![
                html! { @if let Some(series) = series { (series_link(series)) } @else { span.mono { (grant.series) } } },
                html! { a href=(page_of("grants", &grant.id)) { @if let Some(series) = series { (own(visit, series, grant)) } @else { span.mono { (grant.id) } } } },
                html! { (grant.wanted().packages.len()) },
                badge(&text.grant_status(grant.terms.status)),
            ]
        };
        let rows: Vec<Vec<Markup>> = page.items.iter().map(row).collect();
        let columns = [
            Column::Text(text.tree_series()),
            Column::Text(text.tree_own()),
            Column::Number(text.tree_packages()),
            Column::Text(text.state_of_it()),
        ];
        html! {
            @if rows.is_empty() { (empty(visit, page.next.is_some(), &text.tree_grants_none(), "")) }
            @else { (sheet(text, &text.staff_grants(), &columns, &rows)) }
        }
    });
    html! {
        (alone(visit, listed))
        div.in.row { a.btn.slim href=(link("/admin/grants/new", [("shop", shop.id.to_string().as_str())])) { (text.tree_grant_new()) } }
    }
}

/// The shops below a shop, and the way to one more.
fn inner(visit: &Visit, shop: &Shop, page: &Page<Shop>) -> Markup {
    let text = &visit.text;
    let mut all: Vec<Shop> = page.items.iter().filter(|other| other.id != shop.id).cloned().collect();
    all.sort_by(|one, other| one.path.cmp(&other.path));
    html! {
        @if all.is_empty() { (empty(visit, page.next.is_some(), &text.tree_shops_below_none(), "")) }
        @else { (branch(visit, &People::new(), &all)) }
        div.in.row { a.btn.slim href=(link("/admin/shops/new", [("parent", shop.id.to_string().as_str())])) { (text.tree_shop_new_below()) } }
    }
}

/// Name, place and agent.
fn change(visit: &Visit, shop: &Shop, shops: &[Shop]) -> Markup {
    let text = &visit.text;
    let page = page_of("shops", &shop.id);
    let act = Act { method: "PUT", route: format!("/v1/shops/{}", shop.id), done: page, said: "shop_saved" };
    let above = shop.parent().map(|parent| parent.to_string()).unwrap_or_default();
    let others: Vec<Shop> = shops.iter().filter(|other| other.id != shop.id).cloned().collect();
    let user = shop.user.map(|user| user.to_string());
    let fields = html! {
        input type="hidden" name=(VERSION) value=(shop.version);
        (line(visit, ("name", "name"), &text.tree_shop_name(), None, Some(&shop.name)))
        @if is_fixed(shop) {
            input type="hidden" name="parent_id:null" value=(above);
            p.hint { (text.tree_shop_fixed()) }
        } @else { (parent(visit, &others, Some(&above))) }
        (agent(visit, user.as_deref()))
    };
    html! { div.in { (form(visit, &act, &fields, &text.tree_save())) } }
}
