//! Everything about one account, on two pages: account, money and audit; codes, commission and plans.

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use shared::account::model::identity::Status;
use shared::account::model::user::User;
use shared::account::register_external::overview as plans_of;
use shared::affiliate::overview::{AffiliateOverview, overview};
use shared::edge::view::Amount;
use shared::kernel::fault::{Error, Fault};
use shared::kernel::id::UserId;
use shared::kernel::ledger::StatementLine;
use shared::operations::model::audit_record::AuditRecord;
use shared::operations::search::{self, AuditFilter, RecordFilter};
use shared::payment::model::order::Order;
use shared::payment::orders_of::orders_of;
use shared::payment::view::OrderView;
use shared::redemption::model::plan::{Plan, Subscription};
use shared::table::key::Key;
use shared::table::list::Window;

use super::super::acts::facts;
use super::super::menu::{self, Head};
use super::super::pages::Staff;
use super::super::parts::{Tile, card, id_link, tiles, time, time_line};
use super::{acts, name_of, page_of};
use crate::frame;
use crate::list::{Column, alone, empty, sheet};
use crate::parts::{badge, change, money};
use crate::show::{self, order_badge, price};
use crate::visit::{Visit, link, not_found};

/// Rows of each list on the page.
const FEW: i32 = 10;

/// The newest rows.
fn few() -> Window {
    Window { from: None, to: None, limit: FEW, after: None }
}

/// The id of a page's path.
pub fn id(path: Option<Path<String>>) -> Option<UserId> {
    UserId::parse(&path?.0)
}

/// The account of a page.
///
/// # Errors
/// The database can't be reached.
pub async fn user_of(visit: &Visit, id: UserId) -> Result<Option<User>, Fault> {
    let key: Key<User> = User::key(id);
    Ok(visit.app.store.get::<User>(&key).await?.map(|user| user.into_inner()))
}

/// Account, money and audit.
pub async fn show(path: Option<Path<String>>, staff: Staff) -> Response {
    let visit = &staff.0;
    let Some(id) = id(path) else { return not_found(visit) };
    let ledger = RecordFilter { user: Some(id), ..RecordFilter::default() };
    let audit = AuditFilter { actor: None, subject: Some(id.to_string()) };
    let (user, lines, orders, audits) = tokio::join!(
        user_of(visit, id),
        newest(visit, &ledger),
        orders_of(&visit.app, id, FEW, None),
        audited(visit, &audit),
    );
    let user = match user {
        Ok(Some(user)) => user,
        Ok(None) => return not_found(visit),
        Err(fault) => return crate::visit::failed(visit, &fault),
    };
    let text = &visit.text;
    let is_own = staff.admin().is_ok_and(|admin| admin.user.id == id);
    let more = |path: &str, pairs: &[(&str, &str)]| link(path, pairs.iter().copied());
    let id = id.to_string();
    let main = html! {
        (tabs(visit, &user, true))
        (purses(visit, &user, show::granted(visit, &user).await))
        div.two {
            (card("about", &text.person(), &html! { div.in { (facts(&about(visit, &user))) } }))
            (card("acts", &text.person_acts(), &acts::acts(visit, &user, is_own)))
        }
        (list(visit, "ledger", (&text.person_ledger(), &text.person_ledger_all(), &more("/admin/ledger", &[("user", &id)])),
            lines.map(|lines| statement(visit, &lines))))
        (list(visit, "orders", (&text.person_orders(), &text.person_orders_all(),
            &more("/admin/orders", &[("user", &id), ("status", "any"), ("from", "any"), ("to", "any")])),
            orders.map_err(Error::from).and_then(|page| orders_table(visit, &page.items))))
        (list(visit, "audit", (&text.person_audit(), &text.person_audit_all(), &more("/admin/audit", &[("subject", &id)])),
            audits.map(|records| audit_table(visit, &records))))
    };
    menu::page(&staff, &head(visit, &user), &main)
}

async fn newest(visit: &Visit, filter: &RecordFilter) -> Result<Vec<StatementLine>, Error> {
    let page = search::records(&visit.app, filter, &few()).await?;
    Ok(page.items.into_iter().map(|(_, line)| line).collect())
}

async fn audited(visit: &Visit, filter: &AuditFilter) -> Result<Vec<AuditRecord>, Error> {
    Ok(search::audits(&visit.app, filter, &few()).await?.items)
}

/// Head of the pages about one account.
pub fn head(visit: &Visit, user: &User) -> Head {
    Head {
        title: name_of(user),
        lead: None,
        aside: Some(badge(&visit.text.user_status(user.status))),
        trail: vec![("/admin/users".to_owned(), html! { (visit.text.staff_users()) })],
    }
}

fn tabs(visit: &Visit, user: &User, is_first: bool) -> Markup {
    let text = &visit.text;
    let (first, second) = (page_of(&user.id), format!("{}/programmes", page_of(&user.id)));
    html! {
        nav.row aria-label=(name_of(user)) {
            a.btn.slim href=(first) aria-current=[is_first.then_some("page")] { (text.person_tab()) }
            a.btn.slim href=(second) aria-current=[(!is_first).then_some("page")] { (text.person_programmes()) }
        }
    }
}

fn purses(visit: &Visit, user: &User, granted: Vec<Markup>) -> Markup {
    let text = &visit.text;
    let tile = |name: String, amount| Tile { name, figure: money(&Amount::from(amount)), notes: Vec::new() };
    tiles(&[
        Tile { notes: granted, ..tile(text.balance().to_string(), user.accounts.balance()) },
        tile(text.debt().to_string(), user.accounts.owed()),
    ])
}

fn about(visit: &Visit, user: &User) -> Vec<(fluent_static::Message, Markup)> {
    let text = &visit.text;
    let or_dash = |value: Option<&str>| html! { (value.unwrap_or("—")) };
    let rights = text.rights(user);
    let inviter = user.attribution.as_ref().map(|bond| bond.inviter);
    vec![
        (text.person_id(), html! { span.mono { (user.id) } }),
        (text.email(), or_dash(user.email.as_ref().map(|email| email.as_str()))),
        (
            text.person_role(),
            html! { @for (place, right) in rights.iter().enumerate() { @if place > 0 { br; } (right) } },
        ),
        (
            text.second_factor(),
            match user.second_factor_since {
                Some(at) => time_line(visit.language, at),
                None => html! { (text.second_factor_off()) },
            },
        ),
        (text.person_since(), time_line(visit.language, user.signed_up_at())),
        (text.person_locale(), or_dash(user.locale.as_deref())),
        (text.person_external(), or_dash(user.external_id.as_ref().map(|id| id.as_str()))),
        (
            text.person_inviter(),
            html! {
                @match inviter {
                    Some(inviter) => (id_link(&page_of(&inviter), &inviter.to_string())),
                    None => { (text.person_nobody()) }
                }
            },
        ),
    ]
}

/// A list in its card, with a link to all of it; it fails alone.
fn list(visit: &Visit, id: &str, (name, all, path): (&str, &str, &str), rows: Result<Markup, Error>) -> Markup {
    html! {
        section.card aria-labelledby=(id) {
            header { h2 id=(id) { (name) } a href=(path) { (all) } }
            (alone(visit, rows))
        }
    }
}

fn statement(visit: &Visit, lines: &[StatementLine]) -> Markup {
    let text = &visit.text;
    if lines.is_empty() {
        return empty(visit, false, &text.person_no_ledger(), &text.person_no_ledger_todo());
    }
    let columns = [
        Column::Text(text.kind()),
        Column::Text(text.time()),
        Column::Number(text.amount()),
        Column::Number(text.before()),
        Column::Number(text.after()),
    ];
    let row = |line: &StatementLine| {
        vec![
            html! { (text.kind_of(line.kind)) @if let Some(remark) = &line.remark { small.break { (remark) } } },
            time(visit.language, line.created_at),
            change(&Amount::from(line.amount)),
            money(&Amount::from(line.balance_before)),
            money(&Amount::from(line.balance_after)),
        ]
    };
    sheet(text, &text.person_ledger(), &columns, &lines.iter().map(row).collect::<Vec<_>>())
}

fn orders_table(visit: &Visit, orders: &[Order]) -> Result<Markup, Error> {
    let text = &visit.text;
    if orders.is_empty() {
        return Ok(empty(visit, false, &text.person_no_orders(), &text.person_no_orders_todo()));
    }
    let columns = [
        Column::Text(text.order()),
        Column::Text(text.placed()),
        Column::Text(text.paid_by()),
        Column::Number(text.order_charge()),
        Column::Number(text.order_total()),
        Column::Text(text.status()),
    ];
    let row = |order: &Order| -> Result<Vec<Markup>, Error> {
        let view = OrderView::try_from(order)?;
        Ok(vec![
            id_link(&format!("/admin/orders/{}", order.id), &order.id.to_string()),
            time(visit.language, order.created_at),
            html! { (text.way(&view.method)) },
            price(&view.charge),
            money(&view.total),
            order_badge(visit, &view),
        ])
    };
    let rows = orders.iter().map(row).collect::<Result<Vec<_>, Error>>()?;
    Ok(sheet(text, &text.person_orders(), &columns, &rows))
}

fn audit_table(visit: &Visit, records: &[AuditRecord]) -> Markup {
    let text = &visit.text;
    if records.is_empty() {
        return empty(visit, false, &text.person_no_audit(), &text.person_no_audit_todo());
    }
    html! {
        ol.in.timeline {
            @for record in records {
                li {
                    span.what { (text.audit_action(&record.action)) }
                    small { (time_line(visit.language, record.at)) " · " span.mono { (record.actor) } }
                    @if let Some(reason) = &record.reason { p.break { (reason) } }
                    (super::super::audit::changed(visit, record))
                }
            }
        }
    }
}

/// Codes, commission and plans.
pub async fn programmes(path: Option<Path<String>>, staff: Staff) -> Response {
    let visit = &staff.0;
    let Some(id) = id(path) else { return not_found(visit) };
    let (known, programme) = tokio::join!(plans_of(&visit.app, id), overview(&visit.app, id));
    let (user, plans) = match known {
        Ok(known) => known,
        Err(error) => return frame::error(visit, error),
    };
    let text = &visit.text;
    let is_open = user.status != Status::Erased;
    let codes = programme.as_ref().map(|of| codes(visit, of)).map_err(Clone::clone);
    let main = html! {
        (tabs(visit, &user, false))
        @if let Ok(of) = &programme { (commission(visit, of)) }
        @if is_open { div.row { a.btn href=(format!("{}/commission", page_of(&user.id))) { (text.share_post()) } } }
        div.two {
            (card("promotion", &text.person_promotion(), &html! { div.in { (promotion(visit, &user)) } }))
            @if is_open { (card("policy", &text.person_policy(), &html! { div.in { (acts::policy(visit, &user)) } })) }
        }
        section.card aria-labelledby="codes" {
            header { h2 #codes { (text.person_codes()) } }
            (alone(visit, codes))
            @if is_open { div.in { (acts::vanity(visit, &user)) } }
        }
        @if is_open { (card("inviter", &text.person_inviter(), &html! { div.in { (acts::inviter(visit, &user)) } })) }
        (card("subscriptions", &text.person_subscriptions(), &subscriptions(visit, &plans)))
    };
    menu::page(&staff, &head(visit, &user), &main)
}

fn commission(visit: &Visit, of: &AffiliateOverview) -> Markup {
    let text = &visit.text;
    let account = &of.account;
    let tile = |name: String, amount| Tile { name, figure: money(&Amount::from(amount)), notes: Vec::new() };
    tiles(&[
        tile(text.earned_in_all().to_string(), of.earned),
        tile(text.available().to_string(), account.available),
        tile(text.pending().to_string(), account.pending),
        tile(text.held().to_string(), account.held),
        tile(text.withdrawn().to_string(), account.withdrawn),
        tile(text.clawed_back().to_string(), account.clawed_back),
        tile(text.commission_debt().to_string(), account.owed()),
        Tile { name: text.friend_count().to_string(), figure: html! { (of.invitees) }, notes: Vec::new() },
    ])
}

fn promotion(visit: &Visit, user: &User) -> Markup {
    let text = &visit.text;
    let Some(promotion) = &user.promotion else { return html! { p.muted { (text.person_promotion_none()) } } };
    let state = badge(&text.promotion_state(promotion.status(visit.app.clock.now())));
    let mut all = vec![
        (text.person_status(), state),
        (text.person_promotion_ends(), time_line(visit.language, promotion.ends_at)),
    ];
    if let Some(used) = &promotion.used {
        all.push((text.person_promotion_bonus(), money(&Amount::from(used.bonus))));
        all.push((text.order(), id_link(&format!("/admin/orders/{}", used.order_id), &used.order_id.to_string())));
    }
    facts(&all)
}

fn codes(visit: &Visit, of: &AffiliateOverview) -> Markup {
    let text = &visit.text;
    if of.codes.is_empty() {
        return empty(visit, false, &text.person_no_codes(), &text.person_no_codes_todo());
    }
    let columns = [
        Column::Text(text.person_code()),
        Column::Text(text.code_label()),
        Column::Number(text.friend_count()),
        Column::Number(text.person_commission()),
        Column::Text(text.time()),
    ];
    let rows: Vec<Vec<Markup>> = of.codes.iter().map(|shown| {
        vec![
            html! { span.mono { (shown.invite.code) } @if shown.invite.primary { small { (text.primary_code()) } } },
            html! { span.break { (shown.invite.label.as_deref().unwrap_or("—")) } },
            html! { (shown.invitees) },
            money(&Amount::from(shown.earned)),
            time(visit.language, shown.invite.created_at),
        ]
    }).collect();
    sheet(text, &text.person_codes(), &columns, &rows)
}

fn subscriptions(visit: &Visit, all: &[(Subscription, Plan)]) -> Markup {
    let text = &visit.text;
    if all.is_empty() {
        return empty(visit, false, &text.person_no_subscriptions(), &text.person_no_subscriptions_todo());
    }
    let now = visit.app.clock.now();
    let columns = [
        Column::Text(text.plan_name()),
        Column::Text(text.state_of_it()),
        Column::Text(text.starts()),
        Column::Text(text.expires()),
    ];
    let row = |(subscription, plan): &(Subscription, Plan)| {
        vec![
            html! { (plan.name) },
            badge(&text.subscription(subscription.state(now))),
            time(visit.language, subscription.starts_at),
            time(visit.language, subscription.expires_at),
        ]
    };
    sheet(text, &text.person_subscriptions(), &columns, &all.iter().map(row).collect::<Vec<_>>())
}
