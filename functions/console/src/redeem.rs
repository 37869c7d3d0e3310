//! The page of redemption codes and of what they brought (R7).

use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use rust_decimal::Decimal;
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::redemption::codes::{self, RedemptionFilter};
use shared::redemption::model::code::Benefit;
use shared::redemption::model::plan::{Plan, Subscription};
use shared::redemption::model::redemption::Redemption;
use shared::redemption::model::settings::RedemptionSettings;
use shared::redemption::redeem::Redeemed;
use shared::table::list::Window;
use shared::table::store::Page;

use crate::frame;
use crate::list::{Column, Part, ROWS, alone, empty, table};
use crate::parts::{Field, HERE, around, badge, field, money, time};
use crate::visit::{Arrival, Instead, Visit, failed};

/// Route that redeems a code.
const REDEEM: &str = "/v1/redemptions";

/// The page: form, what the last press brought, subscriptions, redemptions.
pub async fn redeem(arrival: Arrival) -> Result<Response, Instead> {
    let (arrival, part) = arrival.part("cursor", "").await?;
    let (app, user) = (arrival.app(), arrival.user());
    let filter = RedemptionFilter { user: Some(user), code: None };
    let all = Window { from: None, to: None, limit: ROWS, after: None };
    let (visit, redemptions, subscriptions) = tokio::join!(
        arrival.member(),
        codes::redemptions(&app, &filter, &part.window),
        codes::subscriptions(&app, user, &all)
    );
    let visit = visit?;
    let settings = app.settings::<RedemptionSettings>().await.map_err(|fault| failed(&visit, &fault))?;
    let (text, member) = (&visit.text, visit.signed_in()?);
    let main = html! {
        @if let Ok(page) = &redemptions { (brought(&visit, page)) }
        @if settings.settings.enabled { (form(&visit)) } @else { div.note.wait { span { (text.redeem_off()) } } }
        section.card aria-labelledby="subscriptions" {
            header { h2 #subscriptions { (text.subscriptions()) } }
            (alone(&visit, subscriptions.map(|page| holdings(&visit, &page)).map_err(Error::from)))
        }
        section.card aria-labelledby="redemptions" {
            header { h2 #redemptions { (text.redemptions()) } }
            (alone(&visit, redemptions.map(|page| history(&visit, &part, &page)).map_err(Error::from)))
        }
    };
    Ok(frame::page(&visit, member, &text.redeem_title(), &text.redeem_lead(), &main))
}

fn form(visit: &Visit) -> Markup {
    let text = &visit.text;
    let code = Field {
        hint: Some(text.redeem_code_hint().to_string()),
        required: true,
        mono: true,
        ..Field::text("code", "code", html! { (text.redeem_code()) })
    };
    let is_new = visit.refused().is_some_and(|flash| flash.values.contains_key("new_subscription:bool"))
        && visit.entered("new_subscription:bool") == Some("true");
    html! {
        section.card {
            div.in {
                form.stack.narrow method="post" action="/forms/redemption/v1/redemptions" {
                    (visit.sealed("POST", REDEEM, "/redeem?done={id}", "/redeem", Some("redeemed")))
                    (field(visit, &code))
                    div.check {
                        input type="hidden" name="new_subscription:bool" value="false";
                        input #new-subscription type="checkbox" name="new_subscription:bool" value="true"
                            aria-describedby="new-subscription-hint" checked[is_new];
                        label for="new-subscription" { (text.redeem_new_subscription()) }
                        p #new-subscription-hint .hint { (text.redeem_new_subscription_hint()) }
                    }
                    div.row { button.btn.go { (text.redeem_do()) } }
                }
            }
        }
    }
}

/// The effect of the redemption that led here.
fn brought(visit: &Visit, page: &Page<Redemption>) -> Markup {
    let text = &visit.text;
    let done = visit.asked("done").and_then(|id| page.items.iter().find(|one| one.id.to_string() == id));
    let Some(done) = done else { return html! {} };
    let shown = Redeemed::from(done);
    let at = |at: Timestamp| time(visit.language, at);
    html! {
        section.card aria-labelledby="brought" {
            header { h2 #brought { (text.redeemed_what()) } }
            div.in.stack {
                dl.sum.narrow {
                    dt { (text.redeem_code()) } dd.mono { (shown.code) }
                    dt { (text.benefit()) } dd { (benefit(visit, &shown)) }
                    @if let Some(extension) = &shown.extension {
                        @if let Some(before) = extension.previous_expires_at {
                            dt { (text.redeemed_before()) } dd { (at(before)) }
                        }
                        dt.total { (text.redeemed_until()) } dd.total { (at(extension.expires_at)) }
                    }
                    @if let Some(credit) = shown.credit {
                        dt.total { (text.redeemed_credit()) } dd.total { (money(&Amount::from(credit))) }
                    }
                }
                @if shown.credit.is_some() { p { a href="/records?type=redeem" { (text.see_in_records()) } } }
            }
        }
    }
}

/// A code's benefit in words: units of plan time, or credit.
fn benefit(visit: &Visit, shown: &Redeemed) -> Markup {
    match shown.benefit {
        Benefit::Plan { unit, quantity, .. } => {
            let plan = shown.extension.as_ref().map(|extension| extension.plan_name.as_str());
            html! { @if let Some(plan) = plan { strong { (plan) } " · " } (visit.text.units(unit, quantity)) }
        }
        Benefit::Balance { credit } => match shown.credit {
            Some(credit) => money(&Amount::from(credit)),
            None => html! { (credit.normalize()) },
        },
    }
}

fn holdings(visit: &Visit, page: &Page<(Subscription, Plan)>) -> Markup {
    let text = &visit.text;
    if page.items.is_empty() {
        return empty(visit, page.next.is_some(), &text.no_subscriptions(), &text.no_subscriptions_todo());
    }
    let now = visit.app.clock.now();
    let columns = [
        Column::Text(text.plan_name()),
        Column::Text(text.state_of_it()),
        Column::Text(text.starts()),
        Column::Text(text.expires()),
        Column::Text(text.traffic()),
    ];
    let row = |(subscription, plan): &(Subscription, Plan)| {
        vec![
            html! { (plan.name) },
            badge(&text.subscription(subscription.state(now))),
            time(visit.language, subscription.starts_at),
            time(visit.language, subscription.expires_at),
            traffic(visit, subscription),
        ]
    };
    table(&columns, &page.items.iter().map(row).collect::<Vec<_>>())
}

/// Traffic used, of the limit as a bar.
pub fn traffic(visit: &Visit, of: &Subscription) -> Markup {
    let used = gigabytes(of.traffic_used_bytes);
    let Some(whole) = of.traffic_bytes else { return html! { (visit.text.traffic_unlimited(used)) } };
    let part = of.traffic_used_bytes.saturating_mul(100).checked_div(whole).unwrap_or(100).min(100);
    html! {
        span.bars {
            span { (visit.text.traffic_of(used, gigabytes(whole))) }
            svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" {
                rect.b1 width=(part) height="8" {}
            }
        }
    }
}

fn gigabytes(bytes: u64) -> String {
    let one = Decimal::from(1_000_000_000_u64);
    Decimal::from(bytes).checked_div(one).unwrap_or_default().round_dp(2).normalize().to_string()
}

fn history(visit: &Visit, part: &Part, page: &Page<Redemption>) -> Markup {
    let text = &visit.text;
    let columns = [
        Column::Text(text.redeem_code()),
        Column::Text(text.time()),
        Column::Text(text.benefit()),
        Column::Text(text.effect()),
        Column::Text(text.state_of_it()),
    ];
    let row = |of: &Redemption| {
        let shown = Redeemed::from(of);
        let state = match shown.undone_at {
            Some(_) => ("bad", text.redemption_undone()),
            None => ("ok", text.redemption_done()),
        };
        vec![
            html! { span.mono.nowrap { (shown.code) } },
            time(visit.language, shown.redeemed_at),
            benefit(visit, &shown),
            effect(visit, &shown),
            badge(&state),
        ]
    };
    html! {
        @if page.items.is_empty() {
            (empty(visit, page.next.is_some(), &text.no_redemptions(), &text.no_redemptions_todo()))
        } @else { (table(&columns, &page.items.iter().map(row).collect::<Vec<_>>())) }
        (part.pager(visit, &text.redemptions(), page.next.as_ref()))
    }
}

fn effect(visit: &Visit, shown: &Redeemed) -> Markup {
    let text = &visit.text;
    let Some(extension) = &shown.extension else { return html! { (text.redeemed_credit()) } };
    let what = match extension.previous_expires_at {
        Some(_) => text.redeemed_extended(),
        None => text.redeemed_began(),
    };
    html! { (what) small { (around(&text.ends_at(HERE), &time(visit.language, extension.expires_at))) } }
}
