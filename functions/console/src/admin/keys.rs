//! Service keys for staff (R2.6): a key is shown once, in the page after its making.

use std::collections::BTreeSet;

use axum::extract::Path;
use axum::response::Response;
use fluent_static::Message;
use maud::{Markup, html};
use shared::account::model::service_key::{ServiceKey, ServiceScope};
use shared::account::service_keys::keys;
use shared::kernel::fault::Error;
use shared::kernel::id::{ServiceKeyId, UserId};
use shared::operations::search::users_of;

use super::acts::line;
use super::filters::Days;
use super::menu::{self, Head};
use super::pages::Staff;
use super::parts::{Confirm, below, card, confirm, time};
use super::users::{self, People};
use crate::frame;
use crate::list::{Column, alone};
use crate::parts::badge;
use crate::text::Texts;
use crate::visit::{Visit, not_found};

const PAGE: &str = "/admin/keys";
const ROUTE: &str = "/v1/admin/service-keys";

impl Texts {
    /// A part of what a backend may do.
    pub fn service_scope(&self, scope: ServiceScope) -> Message {
        match scope {
            ServiceScope::UsersWrite => self.key_scope_users_write(),
            ServiceScope::UsersRead => self.key_scope_users_read(),
            ServiceScope::SessionsCreate => self.key_scope_sessions_create(),
            ServiceScope::LedgerWrite => self.key_scope_ledger_write(),
            ServiceScope::PurchasesWrite => self.key_scope_purchases_write(),
            ServiceScope::WithdrawalsSettle => self.key_scope_withdrawals_settle(),
        }
    }
}

/// The list, the form of a new key, and the key that was just made.
pub async fn list(staff: Staff) -> Response {
    let visit = &staff.0;
    let part = match staff.part(&(), Days::default()) {
        Ok(part) => part,
        Err(refusal) => return frame::refused(visit, &refusal),
    };
    let text = &visit.text;
    let read = async {
        let page = keys(&visit.app, &part.window).await?;
        let ids: BTreeSet<UserId> = page.items.iter().map(|key| key.made_by).collect();
        let people = users_of(&visit.app, ids).await?;
        Ok::<_, Error>((page, people))
    };
    let listed = read.await.map(|(page, people)| {
        let rows: Vec<Vec<Markup>> = page.items.iter().map(|key| row(visit, &people, key)).collect();
        let columns = [
            Column::Text(text.key_name()),
            Column::Text(text.key_scopes()),
            Column::Text(text.state_of_it()),
            Column::Text(text.key_made_by()),
            Column::Text(text.time()),
            Column::Action(text.row_action()),
        ];
        let nothing = (&*text.keys_none(), &*text.keys_none_todo());
        part.list(visit, &text.staff_keys(), &columns, (&rows, page.next.as_ref()), nothing)
    });
    let head =
        Head { title: text.staff_keys().to_string(), lead: Some(html! { (text.keys_lead()) }), ..Head::default() };
    let main = html! {
        (once(visit, "key_made", "key", &text.key_shown(), &text.key_was_shown()))
        section.card aria-label=(&*text.staff_keys()) { (alone(visit, listed)) }
        (card("make", &text.key_make(), &html! { div.in { (make(visit)) } }))
    };
    menu::page(&staff, &head, &main)
}

/// Card of a secret that the form before brought; later, that it was shown already.
pub fn once(visit: &Visit, said: &str, fact: &str, name: &Message, shown: &Message) -> Markup {
    let text = &visit.text;
    let Some(flash) = visit.flash.as_ref().filter(|flash| !flash.refused && flash.code == said) else {
        return html! {};
    };
    html! {
        section.card aria-labelledby="once" {
            header { h2 #once { (name) } }
            div.in.stack-s {
                @match flash.facts.get(fact) {
                    Some(secret) => {
                        label.hidden for="secret" { (name) }
                        div.copy.stackable {
                            input #secret readonly value=(secret) autocomplete="off";
                            button.btn type="button" data-copy="secret" data-done=(&*text.copied()) data-else=(&*text.copy_by_hand()) hidden { (text.copy()) }
                        }
                        p #copied .small.muted aria-live="polite" {}
                        p { strong { (text.key_shown_once()) } }
                    }
                    None => { p { (shown) } }
                }
            }
        }
    }
}

fn row(visit: &Visit, people: &People, key: &ServiceKey) -> Vec<Markup> {
    let text = &visit.text;
    let state = match key.revoked_at {
        None => ("ok", text.key_state_active()),
        Some(_) => ("bad", text.key_state_revoked()),
    };
    vec![
        html! { span.break { (key.name) } },
        html! { ul { @for scope in &key.scopes { li { (text.service_scope(*scope)) } } } },
        html! { (badge(&state)) @if let Some(at) = key.revoked_at { small { (super::parts::time_line(visit.language, at)) } } },
        users::person(people, key.made_by),
        time(visit.language, key.created_at),
        html! { @if key.revoked_at.is_none() { a.btn.slim href=(format!("{PAGE}/{}/revoke", key.id)) { (text.key_revoke()) } } },
    ]
}

fn make(visit: &Visit) -> Markup {
    let text = &visit.text;
    let error = visit.error_at("/scopes").map(|code| text.field_error("/scopes", code));
    html! {
        form.stack-s.narrow method="post" action=(format!("/forms/admin{ROUTE}")) {
            (visit.sealed("POST", ROUTE, PAGE, PAGE, Some("key_made")))
            (line(visit, ("name", "name"), &text.key_name(), Some(text.key_name_hint().to_string()), None))
            fieldset #scopes {
                legend.label { (text.key_scopes()) }
                @if let Some(error) = &error { p.err { span.hidden { (text.error_mark()) " " } (error) } }
                @for (place, scope) in ServiceScope::ALL.into_iter().enumerate() {
                    div.check {
                        input id=(format!("scope-{place}")) type="checkbox" name="scopes[]" value=(scope.as_str());
                        label for=(format!("scope-{place}")) { (text.service_scope(scope)) small.muted.mono { " " (scope.as_str()) } }
                    }
                }
            }
            div.row { button.btn.go { (text.key_make_do()) } }
        }
    }
}

/// Asks whether to revoke a key.
pub async fn revoke(path: Option<Path<String>>, staff: Staff) -> Response {
    let visit = &staff.0;
    let Some(id) = path.and_then(|Path(id)| ServiceKeyId::parse(&id)) else { return not_found(visit) };
    let key = match visit.app.store.get::<ServiceKey>(&ServiceKey::key(id)).await {
        Ok(key) => key.filter(|key| key.revoked_at.is_none()),
        Err(fault) => return crate::visit::failed(visit, &fault),
    };
    let Some(key) = key else { return not_found(visit) };
    let text = &visit.text;
    let of = Confirm {
        method: "DELETE",
        route: &format!("{ROUTE}/{id}"),
        done: (PAGE, "key_revoked"),
        back: PAGE,
        act: text.key_revoke_do().to_string(),
        effects: html! { div.in.stack-s { p.break { strong { (key.name) } } p { (text.key_revoke_effect()) } } },
        fields: html! {},
    };
    let main = confirm(visit, &of);
    let trail = vec![(PAGE.to_owned(), html! { (text.staff_keys()) })];
    menu::page(&staff, &below(text.key_revoke_of(&*key.name).to_string(), trail), &main)
}
