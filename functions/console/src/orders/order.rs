//! One order, in every state (R4.4, R4.10).

use axum::Json;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, USER_AGENT};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Serialize;
use shared::app::App;
use shared::kernel::fault::Error;
use shared::kernel::id::{OrderId, UserId};
use shared::kernel::provider::Provider;
use shared::kernel::refusal::Refusal;
use shared::payment::cancel_order::own;
use shared::payment::model::order::{Order, OrderStatus};
use shared::payment::orders_of::view;
use shared::payment::view::OrderView;

use super::{refunds, sum, words};
use crate::frame::{self, Head};
use crate::parts::{HERE, around, time};
use crate::show;
use crate::svg;
use crate::topup::entry;
use crate::visit::{Arrival, Instead, Visit};

/// Seconds after the time to pay for which the page goes on looking.
const GRACE: i64 = 120;
/// Mark of a state while the provider processes a payment.
const PROCESSING: &str = "+processing";

/// An order as stored, and as it is shown.
pub(super) struct Shown {
    pub(super) order: Order,
    pub(super) view: OrderView,
}

impl Shown {
    async fn read(app: &App, user: UserId, id: &str) -> Result<Self, Error> {
        let id = OrderId::parse(id).ok_or(Refusal::NotFound)?;
        let order = own(app, user, id).await?.into_inner();
        let view = view(app, &order).await?;
        Ok(Self { order, view })
    }

    /// Reads the order and, at the same time, its visitor.
    pub(super) async fn beside(arrival: Arrival, id: &str) -> Result<(Visit, Self), Instead> {
        let (app, user) = (arrival.app(), arrival.user());
        let (visit, shown) = tokio::join!(arrival.member(), Self::read(&app, user, id));
        let visit = visit?;
        match shown {
            Ok(shown) => Ok((visit, shown)),
            Err(error) => Err(frame::error(&visit, error).into()),
        }
    }

    pub(super) fn path(&self) -> String {
        format!("/orders/{}", self.view.id)
    }

    pub(super) fn route(&self, verb: &str) -> String {
        format!("/v1/payment/orders/{}/{verb}", self.view.id)
    }

    /// Seconds in which it can be paid.
    fn seconds_left(&self, visit: &Visit) -> u64 {
        let left = self.view.expires_at.duration_since(visit.app.clock.now()).as_secs();
        if self.view.status == OrderStatus::Pending { u64::try_from(left).unwrap_or(0) } else { 0 }
    }

    pub(super) fn is_top_up(&self) -> bool {
        self.order.agency.is_none()
    }

    /// State by which the script learns of a change.
    fn state(&self) -> String {
        let mark = if self.view.processing { PROCESSING } else { "" };
        format!("{}{mark}", self.view.status.as_str())
    }

    /// True while the page looks for a payment by itself: an order that waits, or that may still be paid.
    fn looks(&self) -> bool {
        self.view.status == OrderStatus::Pending
    }

    fn price(&self) -> String {
        show::words(&show::price_pieces(&self.view.charge))
    }
}

/// The page of an order.
pub async fn show(arrival: Arrival, Path(id): Path<String>) -> Result<Response, Instead> {
    let (visit, shown) = Shown::beside(arrival, &id).await?;
    let (text, visitor) = (&visit.text, visit.signed_in()?);
    let title = match (shown.view.status, shown.is_top_up()) {
        (OrderStatus::Pending, _) if shown.view.method == "card" => text.order_pay_title_card(shown.price()),
        (OrderStatus::Pending, _) => text.order_pay_title(shown.price(), text.way(&shown.view.method).to_string()),
        (_, true) => text.order_title(shown.price()),
        (_, false) => text.order_title_shop(shown.price()),
    };
    let head = Head {
        title: title.to_string(),
        lead: html! { span.mono.small.break { (shown.view.id) } },
        aside: html! { span aria-live="polite" { (show::order_badge(&visit, &shown.view)) } },
    };
    let main = html! {
        div.cols {
            div.stack {
                section.card aria-label=(&*text.status()) { div.in.stack-s { (body(&visit, &shown)) } }
                (refunds(&visit, &shown.view))
            }
            aside.stack { (sum(&visit, &shown.view, shown.is_top_up())) (timeline(&visit, &shown.view)) }
        }
    };
    Ok(frame::headed(&visit, visitor, &head, &main))
}

/// State of the order in words, and the next step.
fn body(visit: &Visit, shown: &Shown) -> Markup {
    let text = &visit.text;
    let order = &shown.view;
    html! {
        @if order.processing { (show::note("", &text.processing_note())) }
        @match order.status {
            OrderStatus::Pending if shown.seconds_left(visit) > 0 => { @if !order.processing { (payment(visit, shown)) } (waiting(visit, shown)) }
            OrderStatus::Pending => { (show::note("wait", &text.over_note())) (waiting(visit, shown)) }
            OrderStatus::Paid => (paid(visit, shown)),
            OrderStatus::Failed => (failure(visit, shown)),
            OrderStatus::Expired => { (show::note("", &text.expired_note())) (late(visit, shown)) }
            OrderStatus::Cancelled => { (show::note("", &text.cancelled_note())) (late(visit, shown)) }
            OrderStatus::Disputed => (show::note("wait", &text.disputed_note())),
            OrderStatus::PartiallyRefunded => (show::note("", &text.refunded_part_note(show::words(&show::price_pieces(&order.net))))),
            OrderStatus::Refunded => (show::note("", &text.refunded_note())),
        }
    }
}

/// QR code and link to the page on which to pay.
fn payment(visit: &Visit, shown: &Shown) -> Markup {
    let text = &visit.text;
    let order = &shown.view;
    let way = text.way(&order.method).to_string();
    let code = order.qr_content.as_deref().filter(|_| order.provider == Provider::Zpay);
    let code = code.and_then(|content| svg::qr(content, Some(&text.qr_of_payment())));
    let page = order.pay_url.as_deref().filter(|url| is_web(url));
    let agent = visit.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    html! {
        @if agent.contains("MicroMessenger") && order.method == "alipay" { (show::note("wait", &text.wechat_and_alipay())) }
        div.row {
            @if let Some(code) = &code { div.qr.big { (code) } }
            div.stack-s {
                @if code.is_some() { p { strong { (text.scan_with(way)) } } }
                p.muted { (around(&text.time_left(HERE), &show::countdown(shown.seconds_left(visit)))) }
                p.muted.small { @if code.is_some() { (text.on_this_phone()) } @else { (text.pay_there()) } }
                @if let Some(page) = page { a.btn.go href=(page) rel="noreferrer" { (text.open_payment()) } }
            }
        }
    }
}

/// True for a page of the web; a provider's answer may hold anything.
fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://127.0.0.1:") || url.starts_with("http://localhost:")
}

/// Steps for somebody who waits; the script looks by itself.
fn waiting(visit: &Visit, shown: &Shown) -> Markup {
    let text = &visit.text;
    let looked = visit.flash.as_ref().is_some_and(|flash| flash.code == "looked");
    html! {
        @if looked { div role="status" { (show::note("wait", &text.looked_nothing())) } }
        div data-poll=(format!("{}/state", shown.path())) data-state=(shown.state()) data-until=(until(visit, shown)) {
            (show::note("", &text.looks_by_itself()))
        }
        div.row {
            a.btn data-without href=(shown.path()) { (text.look_again()) }
            (ask(visit, shown))
            @if !shown.view.processing { a.btn.risk href=(format!("{}/cancel", shown.path())) { (text.cancel_order()) } }
        }
    }
}

/// Seconds for which the page looks.
fn until(visit: &Visit, shown: &Shown) -> i64 {
    let left = shown.view.expires_at.duration_since(visit.app.clock.now()).as_secs();
    left.max(0).saturating_add(GRACE)
}

/// *I have paid*: asks the provider at once.
fn ask(visit: &Visit, shown: &Shown) -> Markup {
    let route = shown.route("verify");
    html! {
        form method="post" action=(format!("/forms/payment{route}")) {
            (visit.sealed("POST", &route, &shown.path(), &shown.path(), Some("looked")))
            button.btn { (visit.text.i_have_paid()) }
        }
    }
}

fn paid(visit: &Visit, shown: &Shown) -> Markup {
    let text = &visit.text;
    html! {
        div role="status" {
            @if shown.is_top_up() { (show::note("ok", &text.paid_note(words(&shown.view.total)))) }
            @else { (show::note("ok", &text.paid_note_shop())) }
        }
        @if shown.view.late { p { (text.paid_late()) } }
        p.row { a.btn.go href="/home" { (text.nav_home()) } a.btn href="/records" { (text.see_records()) } }
    }
}

fn failure(visit: &Visit, shown: &Shown) -> Markup {
    let text = &visit.text;
    let order = &shown.view;
    let entry = entry(order.provider, &order.method);
    let route = "/v1/payment/orders";
    html! {
        @if let Some(failure) = &order.failure { (show::note("bad", &text.failure(failure.code))) }
        div.row {
            @if shown.is_top_up() {
                form method="post" action=(format!("/forms/payment{route}")) {
                    (visit.sealed("POST", route, "/orders/{id}", &shown.path(), None))
                    input type="hidden" name="amount" value=(order.amount.amount);
                    input type="hidden" name="provider/method" value=(entry);
                    button.btn.go { (text.try_again()) }
                }
                a.btn href=(anew(shown)) { (text.start_anew()) }
            }
        }
    }
}

/// Steps for somebody whose order ended unpaid.
fn late(visit: &Visit, shown: &Shown) -> Markup {
    html! {
        div.row {
            @if shown.is_top_up() { a.btn.go href=(anew(shown)) { (visit.text.start_anew()) } }
            (ask(visit, shown))
        }
        @if visit.flash.as_ref().is_some_and(|flash| flash.code == "looked") {
            p.muted role="status" { (visit.text.looked_nothing()) }
        }
    }
}

/// The top-up page with what this order asked for.
fn anew(shown: &Shown) -> String {
    let way = entry(shown.view.provider, &shown.view.method);
    let query = [("amount", shown.view.amount.amount.as_str()), ("way", way.as_str())];
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    format!("/top-up?{query}")
}

/// Times at which it was made, and was or could be paid.
fn timeline(visit: &Visit, order: &OrderView) -> Markup {
    let text = &visit.text;
    let ends = matches!(order.status, OrderStatus::Pending | OrderStatus::Expired);
    html! {
        section.card aria-labelledby="timeline" {
            header { h2 #timeline { (text.timeline()) } }
            div.in {
                dl.sum {
                    dt { (text.event_placed()) } dd { (time(visit.language, order.created_at)) }
                    @if let Some(paid) = order.paid_at { dt { (text.event_paid()) } dd { (time(visit.language, paid)) } }
                    @else if ends { dt { (text.event_ends()) } dd { (time(visit.language, order.expires_at)) } }
                }
                @if order.paid_at.is_some() { p.small { a href=(format!("/orders/{}/receipt", order.id)) { (text.receipt()) } } }
            }
        }
    }
}

/// Asks whether to cancel; what that means stands there (C3.2).
pub async fn cancel(arrival: Arrival, Path(id): Path<String>) -> Result<Response, Instead> {
    let (visit, shown) = Shown::beside(arrival, &id).await?;
    let (text, visitor) = (&visit.text, visit.signed_in()?);
    if !shown.looks() {
        return Ok(crate::visit::redirect(&shown.path()));
    }
    let route = shown.route("cancel");
    let main = html! {
        section.card {
            div.in.stack-s {
                p { (text.cancel_lead()) }
                div.row {
                    form method="post" action=(format!("/forms/payment{route}")) {
                        (visit.sealed("POST", &route, &shown.path(), &shown.path(), None))
                        button.btn.solid { (text.cancel_do()) }
                    }
                    a.btn href=(shown.path()) { (text.back()) }
                }
            }
        }
    };
    Ok(frame::page(&visit, visitor, &text.cancel_title(shown.price()), &shown.view.id.to_string(), &main))
}

/// State of an order, for the script.
#[derive(Debug, Serialize)]
struct State {
    state: String,
}

/// Tells the script the state of an order, and nothing else.
pub async fn state(arrival: Arrival, Path(id): Path<String>) -> Result<Response, Instead> {
    let (_, shown) = Shown::beside(arrival, &id).await?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(State { state: shown.state() })).into_response())
}
