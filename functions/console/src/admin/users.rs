//! Accounts for staff: the list, and everything about one of them (R2.5).

pub mod acts;
mod one;
mod words;

use std::collections::BTreeMap;

use axum::response::Response;
use maud::{Markup, html};
use shared::account::model::identity::Email;
use shared::account::model::user::User;
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::id::UserId;
use shared::kernel::refusal::Refusal;
use shared::operations::search::{self, UserFilter};
use shared::referral::model::referral::InviteCode;

use super::filters::{self, Days, Filter, given};
use super::pages::Staff;
use super::parts::{id_link, time};
use crate::frame;
use crate::list::Column;
use crate::parts::{badge, money};
use crate::visit::Visit;

pub use self::one::{programmes, show, user_of as user};

/// Page of an account.
pub fn page_of(user: &impl ToString) -> String {
    format!("/admin/users/{}", user.to_string())
}

/// Name of an account: its e-mail, or its id.
pub fn name_of(user: &User) -> String {
    user.email.as_ref().map_or_else(|| user.id.to_string(), |email| email.as_str().to_owned())
}

/// An account as a link.
pub fn link_of(user: &User) -> Markup {
    match &user.email {
        Some(email) => html! { a.break href=(page_of(&user.id)) { (email.as_str()) } },
        None => id_link(&page_of(&user.id), &user.id.to_string()),
    }
}

/// Accounts by their ids.
pub type People = BTreeMap<UserId, User>;

/// An account as a link; its id where it is not there.
pub fn person(people: &People, id: UserId) -> Markup {
    html! { @match people.get(&id) { Some(user) => (link_of(user)), None => { span.mono { (id) } } } }
}

fn filter_of(visit: &Visit) -> Option<UserFilter> {
    let invite = given(visit, "invite").and_then(|code| InviteCode::parse(&code)).map(|code| code.to_string());
    let Some(asked) = given(visit, "email") else { return Some(UserFilter { invite, ..UserFilter::default() }) };
    if let Some(email) = Email::parse(&asked) {
        return Some(UserFilter { email: Some(email), begins: None, invite });
    }
    let begins = asked.to_lowercase();
    let length = begins.chars().count();
    (2..=254).contains(&length).then_some(UserFilter { email: None, begins: Some(begins), invite })
}

/// The list.
pub async fn list(mut staff: Staff) -> Response {
    let filter = filter_of(&staff.0);
    if filter.is_none() {
        staff = staff.wrong(&Refusal::field("/email", "too_short", ""));
    }
    let visit = &staff.0;
    let filter = filter.unwrap_or_default();
    let part = match staff.part(&filter, Days::default()) {
        Ok(part) => part,
        Err(refusal) => return frame::refused(visit, &refusal),
    };
    let text = &visit.text;
    let page = match visit.refused() {
        None => search::users(&visit.app, &filter, &part.window).await.map_err(Error::from),
        Some(_) => Ok(shared::table::store::Page { items: Vec::new(), next: None }),
    };
    let listed = page.map(|page| {
        let rows: Vec<Vec<Markup>> = page.items.iter().map(|user| row(visit, user)).collect();
        let nothing = (&*text.people_none(), &*text.people_none_todo());
        part.list(visit, &text.staff_users(), &columns(visit), (&rows, page.next.as_ref()), nothing)
    });
    let fields = [
        Filter::text(visit, "email", "text", text.people_email()),
        Filter::text(visit, "invite", "text", text.invite_code()),
    ];
    filters::page(&staff, (text.staff_users(), text.people_lead()), &html! {}, &fields, listed)
}

fn columns(visit: &Visit) -> [Column; 6] {
    let text = &visit.text;
    [
        Column::Text(text.person()),
        Column::Text(text.person_status()),
        Column::Text(text.person_role()),
        Column::Number(text.balance()),
        Column::Number(text.debt()),
        Column::Text(text.person_since()),
    ]
}

fn row(visit: &Visit, user: &User) -> Vec<Markup> {
    let owed = user.accounts.owed();
    vec![
        link_of(user),
        badge(&visit.text.user_status(user.status)),
        html! { (visit.text.user_role(user.role)) },
        money(&Amount::from(user.accounts.balance())),
        html! { @if owed.is_zero() { "—" } @else { (money(&Amount::from(owed))) } },
        time(visit.language, user.created_at),
    ]
}
