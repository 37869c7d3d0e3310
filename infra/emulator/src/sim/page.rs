//! The payment page: the amount due, and a button for each outcome of a payment.

use bytes::Bytes;
use http::{Response, StatusCode};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use rust_decimal::Decimal;
use shared::kernel::money::{Currency, PayMoney};

use super::book::SessionStatus;
use super::{Desk, answer, zpay};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;background:#f4f4f1;color:#222;margin:0}\
main{max-width:26rem;margin:8vh auto;padding:2rem;background:#fff;border-radius:12px;box-shadow:0 1px 6px #0002}\
h1{font-size:1rem;font-weight:500;margin:0;color:#666}.amount{font-size:2.5rem;margin:.25rem 0}\
dl{display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem;margin:1rem 0 1.5rem}dt{color:#666}\
dd{margin:0;overflow-wrap:anywhere}button{width:100%;padding:.7rem;margin:.25rem 0;border:1px solid #ccc;\
border-radius:8px;background:#fff;font:inherit;cursor:pointer}button.pay{background:#1a6b4a;color:#fff;border:0}\
.state{padding:.6rem;border-radius:8px;background:#eef4f0}small{color:#666}";

/// Content of a payment page.
struct Till<'a> {
    provider: &'static str,
    order: &'a str,
    name: &'a str,
    money: PayMoney,
    state: State,
    /// Delay of the late notification, in seconds.
    late: i64,
    back: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Complete, while a delayed method is processing.
    Delayed,
    Paid,
    Over,
}

/// The page of a checkout session.
pub(super) fn of_session(desk: &Desk<'_>, id: &str) -> Response<Bytes> {
    let found = desk.book.sessions.get(id);
    let currency = found.and_then(|session| Currency::parse(&session.currency.to_ascii_uppercase()));
    let money = found.zip(currency).and_then(|(session, code)| PayMoney::from_minor_units(session.units, code).ok());
    let Some((session, money)) = found.zip(money) else { return refusal("There is no such session.") };
    let rest = session.expires_at.saturating_sub(desk.now.as_second()).max(0);
    page(&Till {
        provider: "stripe",
        order: session.reference.as_deref().unwrap_or_default(),
        name: &session.name,
        money,
        state: match session.status {
            SessionStatus::Open => State::Open,
            SessionStatus::Complete if session.delayed => State::Delayed,
            SessionStatus::Complete => State::Paid,
            SessionStatus::Expired => State::Over,
        },
        late: rest.saturating_add(60),
        back: session.success_url.replace("{CHECKOUT_SESSION_ID}", id),
    })
}

/// The page of a Zpay payment.
pub(super) fn of_trade(desk: &Desk<'_>, trade_no: &str) -> Response<Bytes> {
    let Some(trade) = desk.book.trades.get(trade_no) else { return refusal("There is no such payment.") };
    let paid = trade.ended_at.is_some();
    let told = zpay::notification(trade, desk.config);
    page(&Till {
        provider: "zpay",
        order: &trade.out_trade_no,
        name: &trade.name,
        money: trade.money,
        state: if paid { State::Paid } else { State::Open },
        late: 3600,
        back: if paid { zpay::with_query(&trade.return_url, &told) } else { trade.return_url.clone() },
    })
}

/// An error page, if there is nothing to pay.
pub(super) fn refusal(message: &str) -> Response<Bytes> {
    let body = html! { h1 { "Simulated provider" } p.state { (message) } };
    answer(StatusCode::BAD_REQUEST, "text/html; charset=utf-8", frame(&body).into_string())
}

fn page(till: &Till<'_>) -> Response<Bytes> {
    let body = html! {
        h1 { "Simulated " (till.provider) }
        p.amount { (till.money) }
        dl {
            dt { "For" } dd { (till.name) }
            dt { "Order" } dd { (till.order) }
        }
        @match till.state {
            State::Open => (buttons(till)),
            State::Delayed => { p.state { "On its way. " a href=(till.back) { "Back to the shop" } } (delayed(till)) },
            State::Paid => { p.state { "Paid. " a href=(till.back) { "Back to the shop" } } (afterwards(till)) },
            State::Over => p.state { "This session has expired and can no longer be paid." },
        }
        p { small { "No money moves here. To pay after the order's end, advance the clock first." } }
    };
    answer(StatusCode::OK, "text/html; charset=utf-8", frame(&body).into_string())
}

fn buttons(till: &Till<'_>) -> Markup {
    let late = till.late.to_string();
    let wrong = PayMoney::from_minor_units(1, till.money.currency()).map(|cent| cent.amount().to_string());
    html! {
        (button(till, "Pay", "pay", &[]))
        (button(till, "Pay, notified after expiry", "", &[("delay_seconds", &late)]))
        @if let Ok(wrong) = &wrong { (button(till, "Pay a wrong amount", "", &[("amount", wrong)])) }
        (button(till, "Pay twice", "", &[("times", "2")]))
        (button(till, "Pay, notified twice", "", &[("notify", "twice")]))
        (button(till, "Pay, but lose the webhook", "", &[("notify", "never")]))
        @if till.provider == "stripe" { (act(till, "Pay by a method that takes its time", "", "pay_later", &[])) }
    }
}

fn delayed(till: &Till<'_>) -> Markup {
    html! {
        (act(till, "The money arrives", "pay", "pay_succeeds", &[]))
        (act(till, "It does not", "", "pay_fails", &[]))
    }
}

/// Buttons for a payment that was made.
fn afterwards(till: &Till<'_>) -> Markup {
    let third = PayMoney::exact(Decimal::from(30), till.money.currency()).map(|part| part.amount().to_string());
    let stripes = [
        ("The last refund fails", "refund_fails"),
        ("The bank only asks", "inquire"),
        ("Dispute", "dispute"),
        ("The dispute is won", "dispute_won"),
        ("The dispute is lost", "dispute_lost"),
        ("The dispute is opened again", "dispute_reopened"),
        ("A lost dispute's money comes back", "dispute_reinstated"),
    ];
    html! {
        (button(till, "Pay a second time", "", &[]))
        @if let Ok(third) = &third { (act(till, "Refund 30", "", "refund", &[("amount", third)])) }
        (act(till, "Refund what is left", "", "refund", &[]))
        @if till.provider == "stripe" {
            @for (label, action) in stripes { (act(till, label, "", action, &[])) }
        }
    }
}

fn button(till: &Till<'_>, label: &str, class: &str, extra: &[(&str, &str)]) -> Markup {
    act(till, label, class, "pay", extra)
}

fn act(till: &Till<'_>, label: &str, class: &str, action: &str, extra: &[(&str, &str)]) -> Markup {
    html! {
        form method="post" action="/_sim/pay" {
            input type="hidden" name="provider" value=(till.provider);
            input type="hidden" name="order_id" value=(till.order);
            input type="hidden" name="action" value=(action);
            @for (name, value) in extra { input type="hidden" name=(name) value=(value); }
            button type="submit" class=(class) { (label) }
        }
    }
}

fn frame(body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Simulated payment" }
                style { (PreEscaped(STYLE)) }
            }
            body { main { (body) } }
        }
    }
}
