//! Webhook endpoints for staff, and their deliveries.

use axum::extract::Path;
use axum::response::Response;
use fluent_static::Message;
use maud::{Markup, html};
use shared::kernel::fault::{Error, Fault};
use shared::kernel::id::EndpointId;
use shared::webhooks::deliver::deliveries;
use shared::webhooks::endpoints::{all, endpoints};
use shared::webhooks::model::delivery::{Delivery, DeliveryState};
use shared::webhooks::model::endpoint::{DisabledBecause, Endpoint};
use shared::webhooks::model::format::EndpointFormat;
use shared::webhooks::model::outbound_event::EventPattern;

use super::acts::{Act, choice, facts, form, line};
use super::filters::Days;
use super::keys::once;
use super::menu::{self, Head};
use super::pages::Staff;
use super::parts::{Confirm, below, card, confirm, time, time_line};
use crate::frame;
use crate::list::{Column, alone};
use crate::parts::badge;
use crate::text::Texts;
use crate::visit::{Visit, not_found};

const PAGE: &str = "/admin/webhooks";
const ROUTE: &str = "/v1/admin/webhook-endpoints";
/// The list with the form of a chat's endpoint.
const CHAT: &str = "/admin/webhooks?chat=1";
/// Events that the form of a chat's endpoint begins with: those that staff has to see.
const FOR_CHAT: [EventPattern; 4] =
    [EventPattern::RewardFailed, EventPattern::Review, EventPattern::Case, EventPattern::Alarm];

fn page_of(id: EndpointId) -> String {
    format!("{PAGE}/{id}")
}

impl Texts {
    /// State of an endpoint, with its tone.
    pub fn endpoint_state(&self, of: &Endpoint) -> (&'static str, Message) {
        match of.disabled.map(|disabled| disabled.because) {
            None => ("ok", self.hook_on()),
            Some(DisabledBecause::ByAdmin) => ("", self.hook_off_by_admin()),
            Some(DisabledBecause::Failing) => ("bad", self.hook_off_failing()),
            Some(DisabledBecause::Gone) => ("bad", self.hook_off_gone()),
        }
    }

    /// Format of an endpoint.
    pub fn endpoint_format(&self, format: EndpointFormat) -> Message {
        match format {
            EndpointFormat::Signed => self.hook_format_signed(),
            EndpointFormat::Slack => self.hook_format_slack(),
            EndpointFormat::Discord => self.hook_format_discord(),
            EndpointFormat::Feishu => self.hook_format_feishu(),
            EndpointFormat::Dingtalk => self.hook_format_dingtalk(),
            EndpointFormat::Wecom => self.hook_format_wecom(),
        }
    }

    /// State of a delivery, with its tone.
    pub fn delivery_state(&self, state: DeliveryState) -> (&'static str, Message) {
        match state {
            DeliveryState::Pending => ("wait", self.delivery_pending()),
            DeliveryState::Delivered => ("ok", self.delivery_delivered()),
            DeliveryState::Failed => ("bad", self.delivery_failed()),
        }
    }
}

/// The list, and the form of a new endpoint.
pub async fn list(staff: Staff) -> Response {
    let visit = &staff.0;
    let part = match staff.part(&(), Days::default()) {
        Ok(part) => part,
        Err(refusal) => return frame::refused(visit, &refusal),
    };
    let text = &visit.text;
    let listed = endpoints(&visit.app, &part.window).await.map_err(Error::from).map(|page| {
        let rows: Vec<Vec<Markup>> = page.items.iter().map(|one| row(visit, one)).collect();
        let columns = [
            Column::Text(text.hook_url()),
            Column::Text(text.hook_format()),
            Column::Text(text.hook_events()),
            Column::Text(text.state_of_it()),
            Column::Text(text.time()),
        ];
        let nothing = (&*text.hooks_none(), &*text.hooks_none_todo());
        part.list(visit, &text.staff_webhooks(), &columns, (&rows, page.next.as_ref()), nothing)
    });
    let head =
        Head { title: text.staff_webhooks().to_string(), lead: Some(html! { (text.hooks_lead()) }), ..Head::default() };
    let main = html! {
        section.card aria-label=(&*text.staff_webhooks()) { (alone(visit, listed)) }
        (make(visit))
    };
    menu::page(&staff, &head, &main)
}

/// The form of a new endpoint: of the product, or of a chat if the query asks for it.
fn make(visit: &Visit) -> Markup {
    let text = &visit.text;
    let is_chat = visit.asked("chat").is_some();
    let (title, button) = if is_chat {
        (text.hook_chat_make(), text.hook_chat_make_do())
    } else {
        (text.hook_make(), text.hook_make_do())
    };
    let here = if is_chat { CHAT } else { PAGE };
    let form = html! {
        form.in.stack-s.narrow method="post" action=(format!("/forms/admin{ROUTE}")) {
            (visit.sealed("POST", ROUTE, "/admin/webhooks/{id}", here, Some("hook_made")))
            @if is_chat {
                p.muted { (text.hooks_lead_chat()) " " a href=(PAGE) { (text.hook_signed_choose()) } }
                (choice(visit, ("format", "format"), &text.hook_format(), &chats(visit), EndpointFormat::Slack.as_str()))
            } @else {
                p.muted { a href=(CHAT) { (text.hook_chat_choose()) } }
            }
            (terms(visit, is_chat, None))
            div.row { button.btn.go { (button) } }
        }
    };
    card("make", &title, &form)
}

/// Formats of chats, with their names.
fn chats(visit: &Visit) -> Vec<(String, String)> {
    let chats = EndpointFormat::ALL.into_iter().filter(|format| format.is_chat());
    chats.map(|format| (format.to_string(), visit.text.endpoint_format(format).to_string())).collect()
}

fn row(visit: &Visit, of: &Endpoint) -> Vec<Markup> {
    vec![
        html! { a.break href=(page_of(of.id)) { (of.shown_url()) } },
        html! { (visit.text.endpoint_format(of.format)) },
        html! { ul { @for event in &of.events { li.mono.small { (event.as_str()) } } } },
        html! { (badge(&visit.text.endpoint_state(of))) @if let Some(off) = of.disabled { small { (time_line(visit.language, off.at)) } } },
        time(visit.language, of.created_at),
    ]
}

/// URL and events.
fn terms(visit: &Visit, is_chat: bool, of: Option<&Endpoint>) -> Markup {
    let text = &visit.text;
    let error = visit.error_at("/events").map(|code| text.field_error("/events", code));
    let begins = |event: &EventPattern| is_chat && FOR_CHAT.contains(event);
    let has = |event: &EventPattern| of.map_or_else(|| begins(event), |of| of.events.contains(event));
    // The URL of a chat is a secret: an empty field keeps it.
    let (name, hint) = match (is_chat, of) {
        (false, _) => ("url", text.hook_url_hint()),
        (true, None) => ("url", text.hook_chat_url_hint()),
        (true, Some(_)) => ("url:?", text.hook_chat_url_keep()),
    };
    let shown = of.filter(|_| !is_chat).map(|of| of.url.as_str());
    html! {
        (line(visit, ("url", name), &text.hook_url(), Some(hint.to_string()), shown))
        fieldset #events {
            legend.label { (text.hook_events()) }
            p.hint { (text.hook_events_hint()) }
            @if let Some(error) = &error { p.err { span.hidden { (text.error_mark()) " " } (error) } }
            @for (place, event) in EventPattern::ALL.iter().enumerate() {
                div.check {
                    input id=(format!("event-{place}")) type="checkbox" name="events[]" value=(event.as_str()) checked[has(event)];
                    label.mono for=(format!("event-{place}")) { (event.as_str()) }
                }
            }
        }
    }
}

/// The endpoint of a page.
async fn endpoint(visit: &Visit, path: Option<Path<String>>) -> Result<Option<Endpoint>, Fault> {
    let Some(id) = path.and_then(|Path(id)| EndpointId::parse(&id)) else { return Ok(None) };
    Ok(all(&visit.app).await?.into_iter().find(|one| one.id == id && one.deleted_at.is_none()))
}

/// One endpoint: change, rotate, switch, deliveries.
pub async fn show(path: Option<Path<String>>, staff: Staff) -> Response {
    let visit = &staff.0;
    let part = match staff.part(&(), Days::default()) {
        Ok(part) => part,
        Err(refusal) => return frame::refused(visit, &refusal),
    };
    let id = path.as_ref().and_then(|Path(id)| EndpointId::parse(id));
    let Some(id) = id else { return not_found(visit) };
    let (of, log) = tokio::join!(endpoint(visit, path), deliveries(&visit.app, id, &part.window));
    let of = match of {
        Ok(Some(of)) => of,
        Ok(None) => return not_found(visit),
        Err(fault) => return crate::visit::failed(visit, &fault),
    };
    let text = &visit.text;
    let log = log.map(|page| {
        let rows: Vec<Vec<Markup>> = page.items.iter().map(|one| delivery(visit, one)).collect();
        let nothing = (&*text.hook_no_deliveries(), &*text.hook_no_deliveries_todo());
        part.list(visit, &text.hook_deliveries(), &delivery_columns(visit), (&rows, page.next.as_ref()), nothing)
    });
    let head = Head {
        title: text.hook().to_string(),
        lead: Some(html! { span.break { (of.shown_url()) } }),
        aside: Some(badge(&text.endpoint_state(&of))),
        trail: vec![(PAGE.to_owned(), html! { (text.staff_webhooks()) })],
    };
    let main = html! {
        @if !of.format.is_chat() {
            (once(visit, "hook_made", "secret", &text.hook_secret(), &text.hook_secret_was_shown()))
            (once(visit, "hook_rotated", "secret", &text.hook_secret(), &text.hook_secret_was_shown()))
        }
        div.two {
            (card("change", &text.hook_change(), &html! { div.in { (change(visit, &of)) } }))
            (card("hook", &text.hook(), &html! { div.in.stack { (about(visit, &of)) (acts(visit, &of)) } }))
        }
        section.card aria-labelledby="deliveries" {
            header { h2 #deliveries { (text.hook_deliveries()) } p { (text.hook_deliveries_note()) } }
            (alone(visit, log))
        }
    };
    menu::page(&staff, &head, &main)
}

fn route(of: &Endpoint) -> String {
    format!("{ROUTE}/{}", of.id)
}

fn change(visit: &Visit, of: &Endpoint) -> Markup {
    let act = Act { method: "PUT", route: route(of), done: page_of(of.id), said: "hook_saved" };
    form(visit, &act, &terms(visit, of.format.is_chat(), Some(of)), &visit.text.hook_save())
}

fn about(visit: &Visit, of: &Endpoint) -> Markup {
    let text = &visit.text;
    let format = html! { (text.endpoint_format(of.format)) };
    let mut all = vec![(text.state_of_it(), badge(&text.endpoint_state(of))), (text.hook_format(), format)];
    if let Some(off) = of.disabled {
        all.push((text.withdrawal_settled(), time_line(visit.language, off.at)));
    }
    if let Some(since) = of.failing_since {
        all.push((text.hook_failing(), time_line(visit.language, since)));
    }
    all.push((text.time(), time_line(visit.language, of.created_at)));
    facts(&all)
}

fn acts(visit: &Visit, of: &Endpoint) -> Markup {
    let text = &visit.text;
    let done = || page_of(of.id);
    let is_on = of.disabled.is_none();
    let (said, button) =
        if is_on { ("hook_was_disabled", text.hook_disable()) } else { ("hook_was_enabled", text.hook_enable()) };
    let switch = Act { method: "PUT", route: route(of), done: done(), said };
    let rotate = Act { method: "PUT", route: route(of), done: done(), said: "hook_rotated" };
    html! {
        @if !of.format.is_chat() {
            (form(visit, &rotate, &html! {
                p.small.muted { (text.hook_rotate_hint()) }
                input type="hidden" name="rotate_secret:bool" value="true";
            }, &text.hook_rotate()))
        }
        (form(visit, &switch, &html! { input type="hidden" name="enabled:bool" value=(!is_on); }, &button))
        p { a.btn.risk href=(format!("{}/delete", page_of(of.id))) { (text.hook_delete()) } }
    }
}

fn delivery_columns(visit: &Visit) -> [Column; 7] {
    let text = &visit.text;
    [
        Column::Text(text.hook_event()),
        Column::Text(text.time()),
        Column::Text(text.state_of_it()),
        Column::Number(text.hook_tries()),
        Column::Text(text.hook_answer()),
        Column::Text(text.hook_next()),
        Column::Action(text.row_action()),
    ]
}

fn delivery(visit: &Visit, of: &Delivery) -> Vec<Markup> {
    let route = format!("{ROUTE}/{}/deliveries/{}/replay", of.endpoint, of.id);
    let act = Act { method: "POST", route, done: page_of(of.endpoint), said: "hook_replayed" };
    vec![
        html! { span.mono { (of.event.as_str()) } small.mono { (of.id) } },
        time(visit.language, of.created_at),
        badge(&visit.text.delivery_state(of.state)),
        html! { (of.attempts) },
        html! {
            @if let Some(status) = of.last_status { (status) } @else { "—" }
            @if let Some(error) = &of.last_error { small.break lang="en" { (error) } }
        },
        html! { @match of.next_attempt_at { Some(at) => (time(visit.language, at)), None => { "—" } } },
        form(visit, &act, &html! {}, &visit.text.hook_replay()),
    ]
}

/// Asks whether to delete an endpoint.
pub async fn delete(path: Option<Path<String>>, staff: Staff) -> Response {
    let visit = &staff.0;
    let of = match endpoint(visit, path).await {
        Ok(Some(of)) => of,
        Ok(None) => return not_found(visit),
        Err(fault) => return crate::visit::failed(visit, &fault),
    };
    let text = &visit.text;
    let confirmed = Confirm {
        method: "DELETE",
        route: &route(&of),
        done: (PAGE, "hook_deleted"),
        back: &page_of(of.id),
        act: text.hook_delete().to_string(),
        effects: html! { div.in.stack-s { p.break { strong { (of.shown_url()) } } p { (text.hook_delete_effect()) } } },
        fields: html! {},
    };
    let main = confirm(visit, &confirmed);
    let trail = vec![(PAGE.to_owned(), html! { (text.staff_webhooks()) })];
    menu::page(&staff, &below(text.hook_delete_of().to_string(), trail), &main)
}
