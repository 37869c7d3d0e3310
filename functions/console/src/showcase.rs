//! The parts of pages in every state on one page (C4.3), for who changes their look. The local stack serves it; no deployed function does.

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use fluent_static::Message;
use jiff::Timestamp;
use maud::{Markup, html};
use rust_decimal::Decimal;
use serde_json::json;
use shared::app::App;
use shared::edge::forms::Flash;
use shared::edge::view::Amount;
use shared::kernel::id::UserId;
use shared::kernel::money::{Currency, PayMoney};
use shared::payment::model::order::OrderStatus;
use shared::payment::model::promotion::{CurrentTier, PromotionStatus, PromotionView};
use shared::payment::model::settings::PromotionSettings;
use shared::table::store::Cursor;

use crate::admin::acts::{choice, facts, text_field, tick};
use crate::admin::filters::{Filter, filters};
use crate::admin::parts::{Moment, Tile, card, difference, progress, tiles, time, time_line, timeline};
use crate::chart::{self, Bar, Chart, Form, Place, bar_list};
use crate::frame;
use crate::invite::copier;
use crate::list::{Column, Part, empty, sheet};
use crate::parts::{Field, badge, change, field, money};
use crate::show::{note, price, promotion, status_badge};
use crate::svg;
use crate::visit::{Visit, preferences};

/// Path at which the local stack serves it.
pub const PATH: &str = "/_local/parts";
/// Samples that are in no language.
const FIELD: &str = "discount_rate";
const EMAIL: &str = "ann@example.com";
const LONG: &str = "ord_01m7w6c38029x193xqrjx9657c";

/// The page, behind the links that set language and theme.
pub fn router() -> Router<Arc<App>> {
    Router::new().route(PATH, get(parts)).layer(axum::middleware::from_fn(preferences))
}

async fn parts(visit: Visit) -> Response {
    let text = &visit.text;
    let main = html! {
        (card("figures", &text.parts_figures(), &figures(&visit)))
        div.cols.even {
            (card("values", &text.parts_values(), &values(&visit)))
            (card("states", &text.parts_states(), &states(&visit)))
        }
        div.cols.even {
            (card("fields", &text.parts_fields(), &fields(&visit)))
            (card("wrong", &text.parts_wrong(), &wrong(&visit)))
        }
        (card("list", &text.parts_list(), &list(&visit)))
        div.cols.even {
            (card("charts", &text.parts_charts(), &charts(&visit)))
            (card("buttons", &text.parts_buttons(), &buttons(&visit)))
        }
        div.cols.even {
            (card("told", &text.parts_told(), &told(&visit)))
            (card("sharing", &text.parts_sharing(), &sharing(&visit)))
        }
        (ladder(&visit))
    };
    let body = html! {
        @if visit.app.config.test_mode { header { (frame::ribbon(&visit)) } }
        main #main .page tabindex="-1" {
            div.head { div { h1 { (text.parts_title()) } p { (text.parts_lead()) } } }
            (main)
        }
        footer.foot { (frame::choices(&visit)) }
    };
    frame::desk(&visit, &text.parts_title(), &body)
}

fn amount(of: &str, currency: &str) -> Amount {
    Amount { amount: of.to_owned(), currency: currency.to_owned() }
}

fn now(visit: &Visit) -> Timestamp {
    visit.app.clock.now()
}

fn figures(visit: &Visit) -> Markup {
    let tile = |name: Message, figure: Markup, notes: Vec<Markup>| Tile { name: name.to_string(), figure, notes };
    let text = &visit.text;
    html! {
        div.in {
            (tiles(&[
                tile(text.charged_today(), price(&amount("1234.50", "CNY")), vec![html! { (text.orders_count(2_u64)) }]),
                tile(text.credited_today(), money(&amount("18.05555554", "USD")), Vec::new()),
                tile(text.sign_ups_today(), html! { (0) }, vec![html! { (text.with_a_code(0_u64)) }]),
            ]))
        }
    }
}

fn values(visit: &Visit) -> Markup {
    let text = &visit.text;
    let all = [
        (text.amount(), money(&amount("1234567.00000001", "USD"))),
        (text.before(), money(&amount("-0.5", "USD"))),
        (text.after(), html! { (change(&amount("4.16666666", "USD"))) " " (change(&amount("-4", "USD"))) }),
        (text.order_charge(), price(&amount("100.00", "CNY"))),
        (text.time(), time(visit.language, now(visit))),
        (text.created(), time_line(visit.language, now(visit))),
        (text.email(), html! { (EMAIL) }),
        (text.order(), html! { span.mono { (LONG) } }),
    ];
    html! { div.in { (facts(&all)) } }
}

fn states(visit: &Visit) -> Markup {
    let text = &visit.text;
    let tones = ["ok", "wait", "bad", "info", "odd", ""];
    html! {
        div.in.stack {
            p.row { @for status in OrderStatus::ALL { (status_badge(visit, status)) } }
            p.row { @for tone in tones { (badge(&(tone, text.state()))) } }
            @for tone in ["info", "ok", "wait", "bad"] { (note(tone, &text.totals_follow())) }
            (progress(&text.parts_progress(), 250, 500))
        }
    }
}

/// A field for a sample; `place` makes its id one of a kind.
fn sample<'a>(id: &'a str, name: &'a str, label: &Message, hint: Option<String>) -> Field<'a> {
    Field { value: Some(EMAIL), ..text_field(id, name, label, hint, false) }
}

fn fields(visit: &Visit) -> Markup {
    let text = &visit.text;
    let of = [("light".to_owned(), text.theme_light().to_string()), ("dark".to_owned(), text.theme_dark().to_string())];
    html! {
        form.in.stack method="get" action=(PATH) {
            (field(visit, &sample("plain", "plain", &text.email(), Some(text.find_hint().to_string()))))
            (field(visit, &Field { kind: "password", value: None, show: Some(text.show().to_string()), ..sample("secret-word", "secret-word", &text.password(), Some(text.password_length().to_string())) }))
            (choice(visit, ("choice", "choice"), &text.state(), &of, "dark"))
            (tick(visit, ("tick", "tick"), &html! { (text.yes()) }, true))
            div.field {
                label for="affix" { (text.amount()) }
                div.affix { span { "¥" } input #affix name="affix" inputmode="decimal" autocomplete="off" value="100"; }
            }
            fieldset {
                legend { (text.paid_by()) }
                div.ways {
                    @for (place, method) in ["alipay", "wxpay", "card"].into_iter().enumerate() {
                        label.way for=(format!("way-{method}")) { input id=(format!("way-{method}")) type="radio" name="way" value=(method) checked[place == 0]; span.face {} (svg::way(method)) span { (text.way(method)) } }
                    }
                }
            }
            div.row { button.btn.go { (text.filter()) } }
        }
    }
}

/// The same when the form was refused: the summary takes the focus, each field says what is wrong.
fn wrong(visit: &Visit) -> Markup {
    let text = &visit.text;
    let refused = Flash {
        code: "invalid".to_owned(),
        refused: true,
        errors: [("/wrong", "out_of_range"), ("/amount", "not_a_decimal")]
            .map(|(at, code)| (at.to_owned(), code.to_owned()))
            .into(),
        ..Flash::default()
    };
    let mut refused_visit = visit.again();
    refused_visit.wrong = Some(refused);
    let form = html! {
        form.stack method="get" action=(PATH) {
            (field(&refused_visit, &sample("wrong-field", "wrong", &text.email(), Some(text.find_hint().to_string()))))
            (field(&refused_visit, &sample("amount", "amount", &text.amount(), None)))
        }
    };
    html! { div.in.stack { (frame::told(&refused_visit, &form)) (form) } }
}

fn list(visit: &Visit) -> Markup {
    let text = &visit.text;
    let columns = [
        Column::Text(text.order()),
        Column::Text(text.user()),
        Column::Number(text.amount()),
        Column::Text(text.status()),
        Column::Action(text.row_action()),
    ];
    let row = |status: OrderStatus| {
        vec![
            html! { span.mono { (LONG) } },
            html! { span.break { (EMAIL) } },
            money(&amount("18.05555554", "USD")),
            status_badge(visit, status),
            html! { a.btn.slim href=(PATH) { (text.see_order()) } },
        ]
    };
    let rows = [row(OrderStatus::Paid), row(OrderStatus::PartiallyRefunded)];
    let all = [
        Filter::choice(
            visit,
            "status",
            text.status(),
            vec![("paid".to_owned(), text.order_status(OrderStatus::Paid).to_string())],
        )
        .or(visit, Some("paid".to_owned())),
        Filter::text(visit, "email", "email", text.email()),
        Filter::text(visit, "from", "date", text.filter_from()),
    ];
    let owner = UserId::new(visit.app.ulid());
    let next: Cursor = [("pk".to_owned(), LONG.to_owned())].into();
    html! {
        (filters(visit, &all))
        (sheet(text, &text.orders(), &columns, &rows))
        @if let Ok(part) = Part::of(visit, owner, "cursor", "") { (part.pager(visit, &text.orders(), Some(&next))) }
        (empty(visit, false, &text.no_orders_fit(), &text.no_orders_fit_todo()))
        (empty(visit, true, "", ""))
    }
}

fn charts(visit: &Visit) -> Markup {
    let text = &visit.text;
    let number = |value: i64| (Decimal::from(value), html! { (value) });
    let places = || {
        [3, 0, 7, 12, 5].into_iter().enumerate().map(|(place, value)| Place {
            tick: place.to_string(),
            name: place.to_string(),
            values: vec![number(value), number(value / 2)],
        })
    };
    let of = |id: &'static str, form: Form, series: Vec<Message>| Chart {
        id,
        form,
        title: text.charged_per_day_of_each().to_string(),
        description: text.chart_from_to(5_u64, "0", "12").to_string(),
        series,
        axis: text.day_utc(),
        places: places().collect(),
    };
    let both = of("bars", Form::Bars, vec![text.provider_stripe(), text.provider_zpay()]);
    let line = of("line", Form::Line, vec![text.sign_ups()]);
    let bar = |name: Message, value: u64| Bar { name: name.to_string(), shown: value.to_string(), value };
    html! {
        div.in.stack {
            (chart::key(&both.series))
            (chart::chart(text, &both))
            (chart::chart(text, &line))
            (bar_list(&[bar(text.provider_stripe(), 12), bar(text.provider_zpay(), 3)]))
        }
    }
}

fn buttons(visit: &Visit) -> Markup {
    let text = &visit.text;
    let label = text.filter();
    html! {
        div.in.stack {
            div.row {
                @for class in ["btn go", "btn", "btn slim", "btn bare", "btn risk", "btn risk solid"] {
                    button type="button" class=(class) { (label) }
                }
            }
            div.row { button.btn.go type="button" disabled { (label) } button.btn type="button" aria-busy="true" { (label) } a.btn href=(PATH) { (text.go_back()) } }
            p { button.btn.go.big type="button" { (label) } }
        }
    }
}

fn told(visit: &Visit) -> Markup {
    let text = &visit.text;
    let moment =
        |what: Message, at: Option<Timestamp>, more: Option<Markup>| Moment { at, what: html! { (what) }, more };
    let (before, after) = (json!({ (FIELD): "1" }), json!({ (FIELD): "0.95" }));
    html! {
        div.in.stack {
            (timeline(visit.language, &[
                moment(text.created(), Some(now(visit)), None),
                moment(text.status_processing(), None, Some(html! { (text.totals_follow()) })),
            ]))
            (difference(visit, &before, &after))
            (difference(visit, &before, &before))
        }
    }
}

fn sharing(visit: &Visit) -> Markup {
    let text = &visit.text;
    html! {
        div.in.stack {
            div.field { label for="copied" { (text.invite_code()) } div.copy.code { input #copied readonly value="K7MXP2QA"; (copier(visit, "copied")) } }
            @if let Some(code) = svg::qr(LONG, Some(&text.order())) { div.qr { (code) } }
        }
    }
}

/// The ladder of the new-user bonus in its second step.
fn ladder(visit: &Visit) -> Markup {
    let tiers = PromotionSettings::default().tiers;
    let Some(second) = tiers.get(1) else { return html! {} };
    let view = PromotionView {
        enabled: true,
        status: PromotionStatus::Active,
        activated_at: Some(now(visit)),
        expires_at: Some(now(visit)),
        current_tier: Some(CurrentTier { index: 1, percent: second.percent, ends_at: now(visit) }),
        tier_seconds_left: 9_000,
        window_seconds_left: 90_000,
        min_amount: PayMoney::zero(Currency::CNY),
        used: None,
        tiers,
    };
    promotion(visit, &view)
}
