//! Grants for staff: the list, one with its ceilings, its packages and prices, and its making (R8.3–R8.6).

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use rust_decimal::Decimal;
use shared::agency::grant_draft::{GrantDraft, grant_draft};
use shared::agency::grant_file::{GrantFile, grant_file};
use shared::agency::model::grant::{Grant, GrantStatus, GrantTerms, GrantedPackage};
use shared::agency::model::series::{CommissionKind, Package, SalesScope};
use shared::agency::model::shop::Shop;
use shared::agency::queries::{self, GrantFilter};
use shared::edge::forms::VERSION;
use shared::kernel::fault::Error;
use shared::kernel::id::{GrantId, PackageId, SeriesId, ShopId};
use shared::kernel::money::Currency;
use shared::kernel::refusal::Refusal;

use super::super::acts::{Act, choice, facts, form, line, tick};
use super::super::filters::{self, Days, Filter, given};
use super::super::menu::{self, Head};
use super::super::pages::Staff;
use super::super::parts::{Confirm, below, card, confirm, id_link, time, time_line};
use super::grant_form::{
    ROWS, amounts, bounded, entered_own, entered_packages, forced, is_tiered, offered, packages as package_rows,
};
use super::lowered::Lowered;
use super::shops::own;
use super::words::plain;
use super::{
    ALL, Names, all_series, amount, chosen, currency, id, page_of, series_choices, series_link, shop_choices,
    shop_link, shops, trail,
};
use crate::frame;
use crate::list::{Column, empty, sheet};
use crate::parts::badge;
use crate::show::note;
use crate::visit::{Visit, failed, link, not_found};

/// The list.
pub async fn list(staff: Staff) -> Response {
    let visit = &staff.0;
    let text = &visit.text;
    let filter = GrantFilter {
        shop: given(visit, "shop").as_deref().and_then(ShopId::parse),
        series: given(visit, "series").as_deref().and_then(SeriesId::parse),
        allocator: given(visit, "allocator").as_deref().and_then(ShopId::parse),
        status: given(visit, "status").as_deref().and_then(GrantStatus::parse),
    };
    let part = match staff.part(&filter, Days::default()) {
        Ok(part) => part,
        Err(refusal) => return frame::refused(visit, &refusal),
    };
    let read = async {
        let page = queries::grants(&visit.app, &ALL, &filter, &part.window).await?;
        let shops =
            page.items.iter().flat_map(|grant| grant.path.upward().take(2).filter_map(|path| path.shop())).collect();
        let names = Names::of(visit, shops, page.items.iter().map(|grant| grant.series).collect()).await?;
        Ok::<_, Error>((page, names))
    };
    let (read, shops, series) = tokio::join!(read, shops(visit), all_series(visit));
    let (shops, series) = (shops.map(|page| page.items).unwrap_or_default(), series.unwrap_or_default());
    let listed = read.map(|(page, names)| {
        let rows: Vec<Vec<Markup>> = page.items.iter().map(|grant| row(visit, &names, grant)).collect();
        let nothing = (&*text.tree_grants_none(), &*text.tree_grants_none_todo());
        part.list(visit, &text.staff_grants(), &columns(visit), (&rows, page.next.as_ref()), nothing)
    });
    let states = GrantStatus::ALL.iter().map(|of| (of.as_str().to_owned(), text.grant_status(*of).1.to_string()));
    let [shop, of] = chosen(visit, &shops, &series);
    let fields = [
        shop,
        of,
        Filter::choice(visit, "allocator", text.tree_allocator(), shop_choices(&shops)),
        Filter::choice(visit, "status", text.state_of_it(), states.collect()),
    ];
    let new = html! { p { a.btn.go href="/admin/grants/new" { (text.tree_grant_new()) } } };
    filters::page(&staff, (text.staff_grants(), text.tree_grants_lead()), &new, &fields, listed)
}

fn columns(visit: &Visit) -> [Column; 7] {
    let text = &visit.text;
    [
        Column::Text(text.tree_grant()),
        Column::Text(text.tree_shop()),
        Column::Text(text.tree_series()),
        Column::Text(text.tree_allocator()),
        Column::Text(text.tree_own()),
        Column::Text(text.state_of_it()),
        Column::Text(text.tree_changed_at()),
    ]
}

fn row(visit: &Visit, names: &Names, of: &Grant) -> Vec<Markup> {
    let id = of.id.to_string();
    let packages = u64::try_from(of.wanted().packages.len()).unwrap_or(u64::MAX);
    vec![
        id_link(&page_of("grants", &id), &id),
        names.shop(visit, of.path.shop()),
        names.series(of.series),
        names.shop(visit, of.path.parent().and_then(|path| path.shop())),
        html! { @if let Some(series) = names.series.get(&of.series) { (own(visit, series, of)) } small { (visit.text.tree_packages_count(packages)) } },
        badge(&visit.text.grant_status(of.terms.status)),
        time(visit.language, of.updated_at),
    ]
}

/// The making of a grant: first to whom and of what, then its terms under their bounds.
pub async fn new(staff: Staff) -> Response {
    let visit = &staff.0;
    let asked = (
        given(visit, "shop").as_deref().and_then(ShopId::parse),
        given(visit, "series").as_deref().and_then(SeriesId::parse),
    );
    let (Some(shop), Some(series)) = asked else { return choose(&staff).await };
    let (draft, currency) = tokio::join!(grant_draft(&visit.app, &ALL, shop, series), currency(visit));
    let (draft, currency) = match (draft, currency) {
        (Ok(draft), Ok(currency)) => (draft, currency),
        (Err(error), _) => return frame::error(visit, error),
        (_, Err(fault)) => return failed(visit, &fault),
    };
    terms(staff, &draft, currency)
}

async fn choose(staff: &Staff) -> Response {
    let visit = &staff.0;
    let (shops, series) = match tokio::try_join!(shops(visit), all_series(visit)) {
        Ok((shops, series)) => (shops.items, series),
        Err(fault) => return failed(visit, &fault),
    };
    let text = &visit.text;
    let (shop, of) = (visit.asked("shop").unwrap_or_default(), visit.asked("series").unwrap_or_default());
    let main = html! {
        section.card {
            @if shops.is_empty() || series.is_empty() { (empty(visit, false, &text.tree_grants_need(), "")) }
            @else {
                form.in.stack.narrow method="get" action="/admin/grants/new" {
                    (choice(visit, ("shop", "shop"), &text.tree_shop(), &shop_choices(&shops), shop))
                    (choice(visit, ("series", "series"), &text.tree_series(), &series_choices(&series), of))
                    div.row { button.btn.go { (text.tree_next()) } a.btn.bare href="/admin/grants" { (text.back()) } }
                }
            }
        }
    };
    menu::page(staff, &below(text.tree_grant_new().to_string(), trail("grants", &text.staff_grants())), &main)
}

/// The terms of a new grant, each beside its bound.
fn terms(staff: Staff, draft: &GrantDraft, currency: Currency) -> Response {
    let rows = draft.offer.as_ref().map(|offer| offered(&draft.series, offer)).unwrap_or_default();
    let ids: Vec<PackageId> = rows.iter().map(|(package, _)| package.id).collect();
    let staff = staff.beside(|flash| bounded(flash, &draft.series, &ids)).reopened("packages");
    let visit = &staff.0;
    let text = &visit.text;
    let Some(shop) = draft.shops.last() else { return not_found(visit) };
    let head = below(
        text.tree_grant_of(draft.series.name.as_str(), shop.name.as_str()).to_string(),
        trail("grants", &text.staff_grants()),
    );
    let stop = |why: &str| html! { section.card { div.in.stack-s { p { (why) } p { a.btn href=(page_of("shops", &shop.id)) { (shop.name) } } } } };
    let Some(offer) = &draft.offer else {
        return menu::page(&staff, &head, &stop(&text.refused_allocator_not_granted()));
    };
    if draft.is_granted {
        return menu::page(&staff, &head, &stop(&text.refused_already_granted()));
    }
    let act = Act {
        method: "POST",
        route: "/v1/shop-series-grants".to_owned(),
        done: "/admin/grants/{id}".to_owned(),
        said: "grant_made",
    };
    let fields = html! {
        input type="hidden" name="shop_id" value=(shop.id);
        input type="hidden" name="series_id" value=(draft.series.id);
        p.small.muted { (text.tree_bounds_from()) " " (above(visit, draft.shops.iter().rev().nth(1))) }
        fieldset.stack-s { legend { (text.tree_commission()) } (amounts(visit, &draft.series, offer, None, currency)) }
        fieldset.stack-s { legend { (text.tree_forced()) } (forced(visit, Default::default(), currency)) }
        fieldset.stack-s { legend { (text.tree_packages()) } (package_rows(visit, &rows, None, currency)) }
    };
    let main = html! { section.card { div.in { (form(visit, &act, &fields, &text.tree_grant_make())) } } };
    menu::page(&staff, &head, &main)
}

/// Source of a grant's bounds: the parent shop's, or the platform.
fn above(visit: &Visit, parent: Option<&Shop>) -> Markup {
    html! { @match parent { Some(parent) => (shop_link(parent)), None => (visit.text.tree_platform()) } }
}

/// A grant with what it stands under, or the page that answers instead.
async fn file_of(visit: &Visit, id: Option<GrantId>) -> Result<(GrantFile, Currency), Response> {
    let Some(id) = id else { return Err(not_found(visit)) };
    let (file, currency) = tokio::join!(grant_file(&visit.app, &ALL, id), currency(visit));
    let file = file.map_err(|error| frame::error(visit, error))?;
    Ok((file, currency.map_err(|fault| failed(visit, &fault))?))
}

fn title(visit: &Visit, of: &GrantFile) -> String {
    let shop = of.shop().map(|shop| shop.name.clone()).unwrap_or_default();
    visit.text.tree_grant_of(of.series.name.as_str(), shop).to_string()
}

/// Pages above one that is about a grant.
fn trail_of(visit: &Visit, of: &GrantFile) -> Vec<(String, Markup)> {
    let mut all = trail("grants", &visit.text.staff_grants());
    all.push((page_of("grants", &of.grant.id), html! { (title(visit, of)) }));
    all
}

/// One grant.
pub async fn show(path: Option<Path<String>>, staff: Staff) -> Response {
    let (file, currency) = match file_of(&staff.0, id(path, GrantId::parse)).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    let staff = staff.beside(|flash| bounded(flash, &file.series, &[]));
    let visit = &staff.0;
    let wanted =
        GrantTerms { own: entered_own(visit, &file.series, &file.grant.wanted().own), ..file.grant.wanted().clone() };
    let lowered = match Lowered::of_grant(visit, &file.grant, &wanted).await {
        Ok(lowered) => lowered,
        Err(fault) => return failed(visit, &fault),
    };
    let moved = lowered.shown(visit, file.series.wanted(), currency);
    let text = &visit.text;
    let head = Head {
        title: title(visit, &file),
        lead: Some(html! { span.mono.small.break { (file.grant.id) } }),
        aside: Some(badge(&text.grant_status(file.grant.terms.status))),
        trail: trail("grants", &text.staff_grants()),
    };
    let is_deleted = file.grant.terms.status == GrantStatus::Deleted;
    let main = html! {
        @if file.grant.closing.is_some() { (note("wait", &text.tree_changing())) }
        (moved)
        div.cols {
            div.stack {
                (card("packages", &text.tree_packages(), &packages(visit, &file, currency)))
                @if !is_deleted { (card("terms", &text.tree_grant_terms(), &change(visit, &file, currency, !moved.0.is_empty()))) }
            }
            div.stack {
                (card("about", &text.tree_grant(), &about(visit, &file, currency)))
                @if is_tiered(&file.series) { (card("sales", &text.tree_sales_so_far(), &sales(visit, &file, currency))) }
            }
        }
    };
    menu::page(&staff, &head, &main)
}

fn about(visit: &Visit, of: &GrantFile, currency: Currency) -> Markup {
    let text = &visit.text;
    let forced = of.forced();
    let recharge = html! {
        @match forced.amount { Some(least) => (amount(least, currency)), None => (text.tree_forced_none()) }
        small { @if forced.locked { (text.tree_forced_by_platform()) } @else { (text.tree_forced_by_shop()) } }
    };
    let all = [
        (text.tree_shop(), html! { @if let Some(shop) = of.shop() { (shop_link(shop)) } }),
        (text.tree_series(), series_link(&of.series)),
        (text.tree_allocator(), above(visit, of.allocator())),
        (text.tree_commission(), html! { (text.commission_kind(of.series.wanted().commission.kind)) }),
        (text.tree_forced(), recharge),
        (text.tree_grants_below(), html! { (of.grant.children) }),
        (text.created(), time_line(visit.language, of.grant.created_at)),
        (text.tree_changed_at(), time_line(visit.language, of.grant.updated_at)),
    ];
    let below = of.shop().map(|shop| link("/admin/grants", [("allocator", shop.id.to_string().as_str())]));
    html! {
        div.in.stack {
            (facts(&all))
            div.row {
                @if let Some(below) = below { a.btn.slim href=(below) { (text.tree_see_below()) } }
                @if of.grant.terms.status != GrantStatus::Deleted { a.btn.slim.risk href=(format!("{}/delete", page_of("grants", &of.grant.id))) { (text.tree_grant_delete()) } }
            }
        }
    }
}

/// Sales that tiers count, by scope.
fn sales(visit: &Visit, of: &GrantFile, currency: Currency) -> Markup {
    let text = &visit.text;
    let row = |name: fluent_static::Message, tally: shared::agency::model::commission_split::SalesTally| {
        vec![html! { (name) }, html! { (tally.count) }, amount(tally.amount, currency)]
    };
    let rows = [
        row(text.sales_scope(SalesScope::Own), of.sales.own),
        row(text.sales_scope(SalesScope::SelfAndSub), of.sales.self_and_sub),
    ];
    let columns = [
        Column::Text(text.tree_scope()),
        Column::Number(text.tree_sales_count()),
        Column::Number(text.tree_sales_amount()),
    ];
    sheet(text, &text.tree_sales_so_far(), &columns, &rows)
}

fn packages(visit: &Visit, of: &GrantFile, currency: Currency) -> Markup {
    let text = &visit.text;
    let (offer, page) = (of.offer(), page_of("grants", &of.grant.id));
    let row = |held: &GrantedPackage, package: &Package| {
        let margin = held.retail_price.checked_sub(held.cost_price).unwrap_or_default();
        let shelf = if held.on_shelf { ("ok", text.tree_on_shelf()) } else { ("", text.tree_off_shelf()) };
        vec![
            html! { a.break href=(format!("{page}/packages/{}", held.id)) { (package.name) } small.mono.break { (package.code) } },
            html! { @match offer.costs.get(&held.id) { Some(least) => (amount(*least, currency)), None => { "—" } } },
            html! {
                (amount(held.cost_price, currency))
                @for earlier in held.history.iter().rev().take(3) { small { (text.tree_until(plain(earlier.cost_price))) " " (time_line(visit.language, earlier.until)) } }
            },
            html! { (amount(held.retail_price, currency)) small { (text.tree_margin()) " " (amount(margin, currency)) } },
            badge(&shelf),
        ]
    };
    let named = |held: &GrantedPackage| of.series.wanted().package(held.id).map(|package| row(held, package));
    let rows: Vec<Vec<Markup>> = of.grant.wanted().packages.iter().filter_map(named).collect();
    let columns = [
        Column::Text(text.tree_package()),
        Column::Number(text.tree_least_cost(currency.code())),
        Column::Number(text.tree_cost(currency.code())),
        Column::Number(text.tree_retail(currency.code())),
        Column::Text(text.state_of_it()),
    ];
    html! {
        @if rows.is_empty() { (empty(visit, false, &text.tree_packages_none(), "")) }
        @else { (sheet(text, &text.tree_packages(), &columns, &rows)) }
        @if of.grant.terms.status != GrantStatus::Deleted { div.in.row { a.btn.slim href=(format!("{page}/packages")) { (text.tree_packages_change()) } } }
    }
}

/// Amounts beside their ceilings, forced recharge and state.
fn change(visit: &Visit, of: &GrantFile, currency: Currency, moves: bool) -> Markup {
    let text = &visit.text;
    let page = page_of("grants", &of.grant.id);
    let act = Act {
        method: "PUT",
        route: format!("/v1/shop-series-grants/{}", of.grant.id),
        done: page,
        said: "grant_saved",
    };
    let terms = of.grant.wanted();
    let states = [GrantStatus::Active, GrantStatus::Disabled]
        .map(|status| (status.as_str().to_owned(), text.grant_status(status).1.to_string()));
    let fields = html! {
        input type="hidden" name=(VERSION) value=(of.grant.version);
        @if moves { input type="hidden" name="adjust_children:bool" value="true"; }
        @if of.series.wanted().commission.kind != CommissionKind::None {
            fieldset.stack-s { legend { (text.tree_commission()) } (amounts(visit, &of.series, &of.offer(), Some(&terms.own), currency)) }
        }
        fieldset.stack-s { legend { (text.tree_forced()) } (forced(visit, terms.forced, currency)) }
        div.narrow { (choice(visit, ("status", "status"), &text.state_of_it(), &states, terms.status.as_str())) }
        p.hint { (text.tree_status_hint()) }
    };
    let button = if moves { text.tree_move_too() } else { text.tree_save() };
    html! { div.in { (form(visit, &act, &fields, &button)) } }
}

/// The packages of a grant with their cost prices, some at a time.
pub async fn packages_form(path: Option<Path<String>>, staff: Staff) -> Response {
    let (file, currency) = match file_of(&staff.0, id(path, GrantId::parse)).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    let offer = file.offer();
    let all = offered(&file.series, &offer);
    let from = staff.0.asked("from").and_then(|from| from.parse::<usize>().ok()).unwrap_or(0);
    let rows: Vec<(&Package, Decimal)> = all.iter().skip(from).take(ROWS).copied().collect();
    let ids: Vec<PackageId> = rows.iter().map(|(package, _)| package.id).collect();
    let staff = staff.beside(|flash| bounded(flash, &file.series, &ids)).reopened("packages");
    let visit = &staff.0;
    let wanted = entered_packages(visit, &rows, file.grant.wanted());
    let lowered = match Lowered::of_grant(visit, &file.grant, &wanted).await {
        Ok(lowered) => lowered,
        Err(fault) => return failed(visit, &fault),
    };
    let moved = lowered.shown(visit, file.series.wanted(), currency);
    let text = &visit.text;
    let act = Act {
        method: "PUT",
        route: format!("/v1/shop-series-grants/{}/packages", file.grant.id),
        done: page_of("grants", &file.grant.id),
        said: "grant_saved",
    };
    let fields = html! {
        input type="hidden" name=(VERSION) value=(file.grant.version);
        @if !moved.0.is_empty() { input type="hidden" name="adjust_children:bool" value="true"; }
        (package_rows(visit, &rows, Some(file.grant.wanted()), currency))
    };
    let button = if moved.0.is_empty() { text.tree_save() } else { text.tree_move_too() };
    let next = from.saturating_add(ROWS);
    let main = html! {
        (moved)
        section.card {
            div.in { (form(visit, &act, &fields, &button)) }
            @if next < all.len() { div.in { a.btn.slim href=(visit.with("from", &next.to_string())) { (text.tree_more_packages()) } } }
        }
    };
    menu::page(&staff, &below(text.tree_packages_change().to_string(), trail_of(visit, &file)), &main)
}

/// The retail price of a package, for the shop.
pub async fn retail(path: Option<Path<(String, String)>>, staff: Staff) -> Response {
    let visit = &staff.0;
    let Some(Path((grant, package))) = path else { return not_found(visit) };
    let (file, currency) = match file_of(visit, GrantId::parse(&grant)).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    let held = PackageId::parse(&package).and_then(|id| file.grant.wanted().package(id));
    let known = held.and_then(|held| file.series.wanted().package(held.id));
    let (Some(held), Some(known)) = (held, known) else { return frame::refused(visit, &Refusal::NotFound) };
    let text = &visit.text;
    let act = Act {
        method: "PUT",
        route: format!("/v1/shop-series-grants/{}/packages/{}/retail", file.grant.id, held.id),
        done: page_of("grants", &file.grant.id),
        said: "price_saved",
    };
    let price = plain(held.retail_price);
    let hint = Some(text.tree_at_least_amount(plain(held.cost_price), currency.code()).to_string());
    let fields = html! {
        input type="hidden" name=(VERSION) value=(file.grant.version);
        (line(visit, ("retail_price", "retail_price"), &text.tree_retail(currency.code()), hint, Some(&price)))
        (tick(visit, ("on_shelf", "on_shelf:bool"), &html! { (text.tree_on_shelf()) }, held.on_shelf))
    };
    let main = html! { section.card { div.in.narrow { (form(visit, &act, &fields, &text.tree_save())) } } };
    menu::page(&staff, &below(known.name.clone(), trail_of(visit, &file)), &main)
}

/// Asks whether to delete a grant.
pub async fn delete(path: Option<Path<String>>, staff: Staff) -> Response {
    let visit = &staff.0;
    let (file, _) = match file_of(visit, id(path, GrantId::parse)).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    let text = &visit.text;
    let page = page_of("grants", &file.grant.id);
    let effects = html! {
        div.in.stack-s {
            p { (text.tree_grant_delete_effect()) }
            @if file.grant.children > 0 { (note("bad", &text.refused_grant_has_children())) }
        }
    };
    let of = Confirm {
        method: "DELETE",
        route: &format!("/v1/shop-series-grants/{}", file.grant.id),
        done: (&page, "grant_was_deleted"),
        back: &page,
        act: text.tree_grant_delete().to_string(),
        effects,
        fields: html! {},
    };
    let main = confirm(visit, &of);
    menu::page(&staff, &below(text.tree_grant_delete().to_string(), trail_of(visit, &file)), &main)
}
