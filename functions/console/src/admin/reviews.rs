//! The review queue for staff: money that no order matches, and what becomes of it (R4.5, R4.12).

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::id::{OrderId, ReviewId};
use shared::kernel::refusal::Refusal;
use shared::operations::search;
use shared::payment::effects::{CompletionEffects, of_review};
use shared::payment::model::event::RawEvent;
use shared::payment::model::review::{Review, ReviewState};

use super::acts::{reason, text_field};
use super::filters::{self, Days, Filter};
use super::menu::{self, Head};
use super::orders::act::completion_effects;
use super::pages::{Staff, rule_of};
use super::parts::{Confirm, card, confirm, id_link, short, time, time_line};
use crate::frame;
use crate::list::{Column, alone};
use crate::parts::{badge, field};
use crate::show::{price, price_text};
use crate::text::Texts;
use crate::visit::Visit;

/// The list; open items without a filter.
pub async fn list(staff: Staff) -> Response {
    let visit = &staff.0;
    let text = &visit.text;
    let states =
        ReviewState::ALL.iter().map(|state| (state.as_str().to_owned(), text.review_state(*state).1.to_string()));
    let state = Filter::choice(visit, "state", text.state(), states.collect());
    let state = state.or(visit, Some(ReviewState::Open.as_str().to_owned()));
    let days = match Days::of(visit, None) {
        Ok(days) => days,
        Err(refusal) => return filters::unread(staff, &refusal, Texts::staff_reviews, &[]),
    };
    let wanted = state.value.as_deref().and_then(ReviewState::parse);
    let part = match staff.part(&wanted, days) {
        Ok(part) => part,
        Err(refusal) => return frame::refused(visit, &refusal),
    };
    let listed = search::reviews(&visit.app, wanted, &part.window).await.map_err(Error::from).map(|page| {
        let columns = [
            Column::Text(text.review()),
            Column::Text(text.reason()),
            Column::Text(text.provider()),
            Column::Number(text.received()),
            Column::Text(text.order()),
            Column::Text(text.state()),
            Column::Text(text.created()),
        ];
        let rows: Vec<Vec<Markup>> = page.items.iter().map(|review| row(visit, review)).collect();
        let nothing = (&*text.no_reviews(), &*text.no_reviews_todo());
        part.list(visit, &text.staff_reviews(), &columns, (&rows, page.next.as_ref()), nothing)
    });
    let [from, to] = days.filters(visit, false);
    let title = (text.staff_reviews(), text.staff_reviews_lead());
    filters::page(&staff, title, &html! {}, &[state, from, to], listed)
}

fn row(visit: &Visit, of: &Review) -> Vec<Markup> {
    let text = &visit.text;
    let id = of.id.to_string();
    vec![
        id_link(&format!("/admin/reviews/{id}"), &id),
        html! { (text.review_reason(of.reason)) },
        html! { (text.provider_of(of.provider)) small.mono.break { (of.payment_id) } },
        price(&Amount::from(of.received)),
        order_link(of.order_id),
        badge(&text.review_state(of.state)),
        time(visit.language, of.created_at),
    ]
}

fn order_link(order: Option<OrderId>) -> Markup {
    html! {
        @match order {
            Some(order) => { a.id href=(format!("/admin/orders/{order}")) { (short(&order.to_string())) } }
            None => { "—" }
        }
    }
}

async fn read(staff: &Staff, id: &str) -> Result<Review, Error> {
    let id = ReviewId::parse(id).ok_or(Refusal::NotFound)?;
    Ok(staff.0.app.store.get::<Review>(&Review::key(id)).await?.ok_or(Refusal::NotFound)?.into_inner())
}

/// One item, with the event that opened it and what can be done.
pub async fn show(staff: Staff, Path(id): Path<String>) -> Response {
    let visit = &staff.0;
    let review = match read(&staff, &id).await {
        Ok(review) => review,
        Err(error) => return frame::error(visit, error),
    };
    let raw = match &review.event_id {
        Some(event) => visit.app.store.get::<RawEvent>(&RawEvent::key(review.provider, event)).await,
        None => Ok(None),
    };
    let text = &visit.text;
    let head = Head {
        title: text.review_of(price_text(review.received)).to_string(),
        lead: Some(html! { span.mono.small.break { (review.id) } }),
        aside: Some(badge(&text.review_state(review.state))),
        trail: vec![("/admin/reviews".to_owned(), html! { (text.staff_reviews()) })],
    };
    let raw = raw.map_err(Error::from).map(|raw| {
        html! {
            div.in {
                @match raw {
                    Some(raw) => { pre.raw tabindex="0" role="region" aria-label=(&*text.raw_event_number(1_u64)) { (raw.body) } }
                    None => { p { (text.raw_event_gone()) } }
                }
            }
        }
    });
    let main = html! {
        div.cols { (facts(visit, &review)) (decide(visit, &review)) }
        (card("raw", &text.raw_event(), &alone(visit, raw)))
    };
    menu::page(&staff, &head, &main)
}

fn facts(visit: &Visit, of: &Review) -> Markup {
    let text = &visit.text;
    html! {
        section.card aria-labelledby="facts" {
            header { h2 #facts { (text.staff_review_facts()) } }
            div.in {
                dl.sum {
                    dt { (text.reason()) } dd { (text.review_reason(of.reason)) }
                    dt { (text.provider()) } dd { (text.provider_of(of.provider)) }
                    dt { (text.provider_payment_id()) } dd.break { span.mono.small { (of.payment_id) } }
                    dt { (text.received()) } dd { (price(&Amount::from(of.received))) }
                    dt { (text.on_suspense()) }
                    dd { @if of.reason.holds_money() && of.state != ReviewState::Credited { (price(&Amount::from(of.held()))) } @else { "—" } }
                    dt { (text.may_belong_to()) } dd { (order_link(of.order_id)) }
                    dt { (text.created()) } dd { (time_line(visit.language, of.created_at)) }
                    @if let Some(decided) = &of.resolution {
                        dt { (text.decided()) } dd { (time_line(visit.language, decided.at)) small.mono { (short(&decided.admin.to_string())) } }
                        dt { (text.reason()) } dd.break { (decided.reason) }
                        @if decided.order.is_some() { dt { (text.credited_by_order()) } dd { (order_link(decided.order)) } }
                    }
                }
            }
        }
    }
}

/// Decisions that are open; those who may not decide see who may.
fn decide(visit: &Visit, of: &Review) -> Markup {
    let text = &visit.text;
    let page = format!("/admin/reviews/{}", of.id);
    let user = visit.visitor.as_ref().map(|visitor| &visitor.user);
    let may = rule_of("/admin/reviews/{id}/resolve").is_some_and(|rule| user.is_some_and(|user| rule.admits(user)));
    let holds = of.reason.holds_money();
    html! {
        aside.stack {
            section.card aria-labelledby="decide" {
                header { h2 #decide { (text.decide()) } }
                div.in.stack-s {
                    @match of.state {
                        ReviewState::Open if may => {
                            @if holds {
                                p { a.btn href=(format!("{page}/resolve?action=credit")) { (text.review_credit()) } }
                                p { a.btn href=(format!("{page}/resolve?action=refund_due")) { (text.review_refund_due()) } }
                            }
                            p { a.btn href=(format!("{page}/resolve?action=ignore")) { (text.review_ignore()) } }
                        }
                        ReviewState::RefundDue if may => {
                            p { (text.review_refund_due_note()) }
                            p { a.btn href=(format!("{page}/confirm")) { (text.review_confirm()) } }
                        }
                        ReviewState::Open | ReviewState::RefundDue => { p { (text.only_admins()) } }
                        _ => { p { (text.review_is_closed()) } }
                    }
                }
            }
        }
    }
}

fn trail(visit: &Visit, of: &Review) -> Vec<(String, Markup)> {
    let id = of.id.to_string();
    vec![
        ("/admin/reviews".to_owned(), html! { (visit.text.staff_reviews()) }),
        (format!("/admin/reviews/{id}"), html! { span.mono { (short(&id)) } }),
    ]
}

/// A decision, with what it books.
pub async fn resolve(staff: Staff, Path(id): Path<String>) -> Response {
    let review = match read(&staff, &id).await {
        Ok(review) => review,
        Err(error) => return frame::error(&staff.0, error),
    };
    let action = staff.0.asked("action").unwrap_or_default().to_owned();
    let credits = action == "credit";
    let like = staff.0.asked("order_id").map(str::trim).filter(|id| !id.is_empty()).map(OrderId::parse);
    // The order that the payment names is only a guess; the form says whose balance it is.
    let effects = match like {
        Some(like) if credits => of_review(&staff.0.app, review.id, like).await.map(Some),
        _ => Ok(None),
    };
    match effects {
        Ok(None) if credits => choose_order(&staff, &review),
        Ok(effects) => decision(&staff, &review, &action, effects.as_ref()),
        Err(Error::Refused(refusal @ Refusal::Invalid(_))) => choose_order(&staff.wrong(&refusal), &review),
        Err(error) => frame::error(&staff.0, error),
    }
}

fn choose_order(staff: &Staff, of: &Review) -> Response {
    let visit = &staff.0;
    let text = &visit.text;
    let guess = of.order_id.map(|order| order.to_string());
    let mut order =
        text_field("order_id", "order_id", &text.order_of_whom(), Some(text.order_of_whom_hint().to_string()), true);
    order.value = visit.asked("order_id").or(guess.as_deref());
    let head = Head {
        title: text.review_credit_title(price_text(of.received)).to_string(),
        trail: trail(visit, of),
        ..Head::default()
    };
    let main = html! {
        section.card {
            form.in.stack.narrow method="get" action=(visit.path) {
                input type="hidden" name="action" value="credit";
                (field(visit, &order))
                div.row { button.btn.go { (text.refund_next()) } a.btn.bare href=(format!("/admin/reviews/{}", of.id)) { (text.back()) } }
            }
        }
    };
    menu::page(staff, &head, &main)
}

fn decision(staff: &Staff, of: &Review, action: &str, effects: Option<&CompletionEffects>) -> Response {
    let visit = &staff.0;
    let text = &visit.text;
    let page = format!("/admin/reviews/{}", of.id);
    let amount = price_text(of.received);
    let (title, act, note, action) = match action {
        "credit" => (text.review_credit_title(amount), text.review_credit(), text.review_credit_note(), "credit"),
        "refund_due" => {
            (text.review_refund_title(amount), text.review_refund_due(), text.review_refund_effect(), "refund_due")
        }
        _ => (text.review_ignore_title(amount), text.review_ignore(), text.review_ignore_effect(), "ignore"),
    };
    let head = Head { title: title.to_string(), trail: trail(visit, of), ..Head::default() };
    let order = visit.asked("order_id").unwrap_or_default().trim();
    let shown = html! {
        @if let Some(effects) = effects { (completion_effects(visit, effects)) }
        div.in {
            p { (note) }
            @if let Some(effects) = effects {
                p { (text.review_credit_to()) " " strong.break { (effects.user.email.as_ref().map_or("—", |email| email.as_str())) } }
            }
        }
    };
    let main = confirm(
        visit,
        &Confirm {
            method: "POST",
            route: &format!("/v1/admin/payment/reviews/{}/resolve", of.id),
            done: (&page, "review_resolved"),
            back: &page,
            act: act.to_string(),
            effects: shown,
            fields: html! {
                input type="hidden" name="action" value=(action);
                @if action == "credit" { input type="hidden" name="order_id" value=(order); }
                (reason(visit))
            },
        },
    );
    menu::page(staff, &head, &main)
}

/// Says that the money of an item went back at the gateway.
pub async fn confirm_back(staff: Staff, Path(id): Path<String>) -> Response {
    let visit = &staff.0;
    let review = match read(&staff, &id).await {
        Ok(review) => review,
        Err(error) => return frame::error(visit, error),
    };
    let text = &visit.text;
    let page = format!("/admin/reviews/{}", review.id);
    let head = Head {
        title: text.review_confirm_title(price_text(review.held())).to_string(),
        trail: trail(visit, &review),
        ..Head::default()
    };
    let main = confirm(
        visit,
        &Confirm {
            method: "POST",
            route: &format!("/v1/admin/payment/reviews/{}/confirm", review.id),
            done: (&page, "review_confirmed"),
            back: &page,
            act: text.review_confirm().to_string(),
            effects: html! { div.in { p { (text.review_confirm_effect(price_text(review.held()))) } } },
            fields: field(
                visit,
                &text_field("reference", "reference", &text.reference(), Some(text.reference_hint().to_string()), true),
            ),
        },
    );
    menu::page(&staff, &head, &main)
}
