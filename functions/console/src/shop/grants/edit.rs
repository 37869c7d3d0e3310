//! Changes of a grant by the shop above it: amounts, packages, its end. Grants below that have to move are listed first (R8.5).

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use shared::agency::grant_file::GrantFile;
use shared::agency::model::grant::GrantOffer;
use shared::edge::forms::VERSION;

use super::super::desk::Desk;
use super::super::parts::{Act, form};
use super::moved::{Asked, Moved, card};
use super::terms::{PACKAGES, Row, commission, errors, forced, packages as priced, rows};
use super::{ROUTE, filed, is_ours, trail};
use crate::sidebar::Head;
use crate::visit::{Arrival, Instead, not_found};

/// A grant that the shop of the desk may change, and its ceiling.
async fn own(arrival: Arrival, id: &str) -> Result<(Desk, GrantFile, GrantOffer), Instead> {
    let (desk, file) = filed(arrival, id).await?;
    match file.ceiling.clone().filter(|_| is_ours(&desk, &file.grant)) {
        Some(ceiling) => Ok((desk, file, ceiling)),
        None => Err(not_found(&desk.visit).into()),
    }
}

fn head(desk: &Desk, file: &GrantFile, title: &fluent_static::Message, lead: &fluent_static::Message) -> Head {
    Head { trail: trail(desk, Some(file)), ..super::super::parts::head(title, lead) }
}

/// The form for amounts and forced recharge.
pub async fn terms(Path(id): Path<String>, arrival: Arrival) -> Result<Response, Instead> {
    let (mut desk, file, ceiling) = own(arrival, &id).await?;
    let (route, page) = (format!("{ROUTE}/{}", file.grant.id), format!("/shop/grants/{}", file.grant.id));
    let act = Act { method: "PUT", route: &route, done: &page, said: "grant_saved" };
    let affected = affected(&desk, &file, &act, Asked::terms).await;
    if let Some(flash) = desk.visit.refused() {
        let errors = errors(&desk, flash, &file.series, &ceiling, &[]);
        desk.place(errors);
    }
    let (text, held) = (desk.text(), file.grant.wanted());
    let fields = html! {
        input type="hidden" name=(VERSION) value=(file.grant.version);
        (commission(&desk, &file.series, &ceiling, Some(held)))
        (forced(&desk, &file.series, held.forced))
        (buttons(&desk, &page))
    };
    let main = html! { (affected) section.card { div.in { (form(&desk, &act, &fields)) } } };
    Ok(desk.page(&head(&desk, &file, &text.shop_change_terms(), &text.shop_change_terms_lead()), &main))
}

/// The form for packages and their costs, a part of a long list at once.
pub async fn packages(Path(id): Path<String>, arrival: Arrival) -> Result<Response, Instead> {
    let (mut desk, file, ceiling) = own(arrival, &id).await?;
    let (route, page) = (format!("{ROUTE}/{}/packages", file.grant.id), format!("/shop/grants/{}", file.grant.id));
    let act = Act { method: "PUT", route: &route, done: &page, said: "grant_saved" };
    let affected = affected(&desk, &file, &act, Asked::packages).await;
    let all = rows(&file.series, &ceiling, Some(file.grant.wanted()));
    let from: usize = desk.visit.asked("from").and_then(|from| from.parse().ok()).unwrap_or(0);
    let next = from.saturating_add(PACKAGES);
    let more = (all.len() > next).then(|| desk.visit.with("from", &next.to_string()));
    let part: Vec<Row> = all.into_iter().skip(from).take(PACKAGES).collect();
    if let Some(flash) = desk.visit.refused() {
        let errors = errors(&desk, flash, &file.series, &ceiling, &part);
        desk.place(errors);
    }
    let text = desk.text();
    let fields = html! {
        input type="hidden" name=(VERSION) value=(file.grant.version);
        (priced(&desk, &part, false))
        (buttons(&desk, &page))
    };
    let main = html! {
        (affected)
        section.card {
            div.in {
                @if part.is_empty() { p { (text.shop_no_packages()) } } @else { (form(&desk, &act, &fields)) }
                @if let Some(more) = &more { p { a href=(more) { (text.shop_more_packages()) } } }
            }
        }
    };
    Ok(desk.page(&head(&desk, &file, &text.shop_change_packages(), &text.shop_change_packages_lead()), &main))
}

fn buttons(desk: &Desk, page: &str) -> Markup {
    html! { div.row { button.btn.go { (desk.text().shop_save()) } a.btn.bare href=(desk.to(page)) { (desk.text().go_back()) } } }
}

/// The grants that the refused form would move, and its button; nothing after another refusal or none.
async fn affected(
    desk: &Desk,
    file: &GrantFile,
    act: &Act<'_>,
    read: fn(&Desk, &shared::edge::forms::Flash, shared::kernel::id::GrantId) -> Option<Asked>,
) -> Markup {
    let flash = desk.visit.refused().filter(|flash| flash.code == "children_above");
    let Some((flash, asked)) = flash.and_then(|flash| Some((flash, read(desk, flash, file.grant.id)?))) else {
        return html! {};
    };
    let moved = Moved::read(desk, &asked).await;
    card(desk, flash, act, file.grant.version, &file.series, moved)
}

/// The page that asks before a grant is deleted.
pub async fn delete(Path(id): Path<String>, arrival: Arrival) -> Result<Response, Instead> {
    let (desk, file, _) = own(arrival, &id).await?;
    let text = desk.text();
    let route = format!("{ROUTE}/{}", file.grant.id);
    let act = Act { method: "DELETE", route: &route, done: "/shop/grants", said: "grant_was_deleted" };
    let fields = html! {
        p { (text.shop_delete_effect()) }
        @if file.grant.children > 0 { div.note.wait { span { (text.refused_grant_has_children()) } } }
        div.row {
            button.btn.risk.solid { (text.shop_delete_do()) }
            a.btn.bare href=(desk.to(&format!("/shop/grants/{}", file.grant.id))) { (text.go_back()) }
        }
    };
    let main = html! { section.card { div.in { (form(&desk, &act, &fields)) } } };
    Ok(desk.page(&head(&desk, &file, &text.shop_delete(), &text.shop_delete_lead()), &main))
}
