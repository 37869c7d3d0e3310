//! Frame of the pages of staff: side bar with the entries that the visitor may see, the field that finds anything, and the page.

use axum::response::Response;
use fluent_static::Message;
use maud::{Markup, html};
use shared::account::model::user::User;
use shared::operations::waiting::Waiting;

use super::pages::{Staff, rule_of};
use crate::brand::mark;
use crate::frame;
use crate::parts::{burger, logo};
use crate::text::Texts;
use crate::visit::{Visit, failed};

/// An entry of the menu: path and name.
type Entry = (&'static str, fn(&Texts) -> Message);
/// A part of the menu, under a heading.
type Group = (Option<fn(&Texts) -> Message>, &'static [Entry]);

/// The menu. An entry shows once its page is in the table of pages and admits the visitor.
const MENU: &[Group] = &[
    (None, &[("/admin", Texts::staff_overview)]),
    (
        Some(Texts::staff_money),
        &[
            ("/admin/orders", Texts::staff_orders),
            ("/admin/reviews", Texts::staff_reviews),
            ("/admin/reconciliations", Texts::staff_reconciliations),
            ("/admin/withdrawals", Texts::staff_withdrawals),
            ("/admin/ledger", Texts::staff_ledger),
        ],
    ),
    (
        Some(Texts::staff_growth),
        &[
            ("/admin/users", Texts::staff_users),
            ("/admin/referrals", Texts::staff_referrals),
            ("/admin/rewards", Texts::staff_rewards),
            ("/admin/commissions", Texts::staff_commissions),
        ],
    ),
    (
        Some(Texts::staff_codes),
        &[
            ("/admin/plans", Texts::staff_plans),
            ("/admin/batches", Texts::staff_batches),
            ("/admin/codes", Texts::staff_codes_list),
            ("/admin/redemptions", Texts::staff_redemptions),
        ],
    ),
    (
        Some(Texts::staff_agency),
        &[
            ("/admin/shops", Texts::staff_shops),
            ("/admin/series", Texts::staff_series),
            ("/admin/grants", Texts::staff_grants),
            ("/admin/assets", Texts::staff_assets),
            ("/admin/sales", Texts::staff_sales),
            ("/admin/sales/commissions", Texts::tree_commissions),
        ],
    ),
    (
        Some(Texts::staff_system),
        &[
            ("/admin/settings", Texts::staff_settings),
            ("/admin/keys", Texts::staff_keys),
            ("/admin/webhooks", Texts::staff_webhooks),
            ("/admin/audit", Texts::staff_audit),
            ("/admin/stats", Texts::staff_stats),
        ],
    ),
];

/// The first page of the menu that the user may see.
pub fn first(user: &User) -> Option<&'static str> {
    MENU.iter().flat_map(|(_, entries)| *entries).map(|(path, _)| *path).find(|path| may(user, path))
}

fn may(user: &User, path: &str) -> bool {
    rule_of(path).is_some_and(|rule| rule.admits(user))
}

/// Head of a page of staff.
#[derive(Default)]
pub struct Head {
    pub title: String,
    /// Text below the title.
    pub lead: Option<Markup>,
    /// Part beside it.
    pub aside: Option<Markup>,
    /// Pages above this one, with their names.
    pub trail: Vec<(String, Markup)>,
}

/// A page of staff.
pub fn page(staff: &Staff, head: &Head, main: &Markup) -> Response {
    let visit = &staff.0;
    let user = match staff.admin() {
        Ok(visitor) => &visitor.user,
        Err(fault) => return failed(visit, &fault),
    };
    let body = html! {
        div.desk {
            (side(visit, user))
            div.body {
                (bar(visit, user))
                main #main .page tabindex="-1" {
                    (trail(visit, &head.trail))
                    div.head {
                        div { h1 { (head.title) } @if let Some(lead) = &head.lead { p { (lead) } } }
                        @if let Some(aside) = &head.aside { (aside) }
                    }
                    (frame::told(visit, main))
                    (main)
                }
                footer.foot { (frame::choices(visit)) }
            }
        }
    };
    frame::desk(visit, &head.title, &body)
}

fn side(visit: &Visit, user: &User) -> Markup {
    html! {
        nav.side aria-label=(&*visit.text.main_menu()) {
            (mark(visit))
            @for (heading, entries) in MENU {
                @let entries: Vec<&Entry> = entries.iter().filter(|(path, _)| may(user, path)).collect();
                @if !entries.is_empty() {
                    @if let Some(heading) = heading { h2 { (heading(&visit.text)) } }
                    ul { @for entry in entries { li { (link(visit, entry)) } } }
                }
            }
        }
    }
}

fn link(visit: &Visit, (path, name): &Entry) -> Markup {
    // A page below an entry's belongs to it; every page of staff is below the overview's.
    let rest = visit.path.strip_prefix(path);
    let is_here = rest.is_some_and(|rest| rest.is_empty() || (*path != "/admin" && rest.starts_with('/')));
    html! {
        a href=(path) aria-current=[is_here.then_some("page")] {
            (name(&visit.text))
            @if let Some(number) = waiting(visit, path) { " " span.n { (number) span.hidden { " " (visit.text.open_ones()) } } }
        }
    }
}

/// Number of what waits behind an entry, while the process remembers it; no page pays for it.
fn waiting(visit: &Visit, path: &str) -> Option<String> {
    let queues = visit.app.glance.recall(visit.app.clock.now())?;
    let count = |of: Waiting| if of.more { format!("{}+", of.count) } else { of.count.to_string() };
    let number = match path {
        "/admin/reviews" => count(queues.reviews),
        "/admin/withdrawals" => queues.withdrawals.to_string(),
        "/admin/rewards" => count(queues.rewards),
        _ => return None,
    };
    (number != "0").then_some(number)
}

fn bar(visit: &Visit, user: &User) -> Markup {
    let text = &visit.text;
    let email = user.email.as_ref().map(|email| email.as_str().to_owned()).unwrap_or_default();
    let initial: String = email.chars().next().into_iter().flat_map(char::to_uppercase).collect();
    let entries = MENU.iter().flat_map(|(_, entries)| *entries).filter(|(path, _)| may(user, path));
    html! {
        header {
            (frame::ribbon(visit))
            div.bar {
                a.brand.only-narrow href="/" aria-label=(visit.brand.settings.name) { (logo()) }
                @if may(user, "/admin/find") {
                    form role="search" action="/admin/find" {
                        label.hidden for="find" { (text.find_label()) }
                        input.in-text #find name="q" type="search" autocomplete="off" placeholder=(&*text.find_hint());
                    }
                }
                span.small.muted.hide-narrow { (email) }
                details.menu.burger.only-narrow {
                    summary aria-label=(&*text.menu()) { (burger()) }
                    div { @for entry in entries { (link(visit, entry)) } (frame::account(visit)) }
                }
                details.menu.hide-narrow {
                    summary aria-label=(&*text.account_of(email.as_str())) { (initial) }
                    div { a href="/home" { (text.to_my_pages()) } (frame::account(visit)) }
                }
            }
        }
    }
}

fn trail(visit: &Visit, pages: &[(String, Markup)]) -> Markup {
    html! {
        @if !pages.is_empty() {
            nav.small aria-label=(&*visit.text.where_you_are()) {
                @for (place, (path, name)) in pages.iter().enumerate() {
                    @if place > 0 { " / " }
                    a href=(path) { (name) }
                }
            }
        }
    }
}
