//! Frame of the pages of staff: side bar with the entries that the visitor may see, the field that finds anything, and the page.

use axum::response::Response;
use fluent_static::Message;
use maud::{Markup, html};
use shared::account::model::user::User;
use shared::operations::waiting::Waiting;

use super::pages::{Staff, rule_of};
pub use crate::sidebar::Head;
use crate::sidebar::{self, Link, SideBar};
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
            ("/admin/payout-batches", Texts::payouts),
            ("/admin/affiliate-years", Texts::affiliate_years),
            ("/admin/ledger", Texts::staff_ledger),
            ("/admin/liabilities", Texts::liabilities),
        ],
    ),
    (
        Some(Texts::staff_growth),
        &[
            ("/admin/users", Texts::staff_users),
            ("/admin/referrals", Texts::staff_referrals),
            ("/admin/rewards", Texts::staff_rewards),
            ("/admin/commissions", Texts::staff_commissions),
            ("/admin/coupons", Texts::coupons),
            ("/admin/risk", Texts::staff_risk),
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

/// A page of staff.
pub fn page(staff: &Staff, head: &Head, main: &Markup) -> Response {
    let visit = &staff.0;
    let user = match staff.admin() {
        Ok(visitor) => &visitor.user,
        Err(fault) => return failed(visit, &fault),
    };
    let paths = MENU.iter().flat_map(|(_, entries)| *entries).map(|(path, _)| *path);
    let here = sidebar::here(visit, paths, "/admin");
    let entry = |(path, name): &Entry| Link {
        path: (*path).to_owned(),
        name: name(&visit.text),
        is_here: here == Some(*path),
        waiting: waiting(visit, path),
    };
    let group = |(heading, entries): &Group| {
        let shown: Vec<Link> = entries.iter().filter(|(path, _)| may(user, path)).map(entry).collect();
        (heading.map(|heading| heading(&visit.text)), shown)
    };
    let find = html! {
        @if may(user, "/admin/find") {
            form role="search" action="/admin/find" {
                label.hidden for="find" { (visit.text.find_label()) }
                input.in-text #find name="q" type="search" autocomplete="off" placeholder=(&*visit.text.find_hint());
            }
        }
    };
    let bar = SideBar { groups: MENU.iter().map(group).filter(|(_, links)| !links.is_empty()).collect(), find };
    sidebar::page(visit, user, &bar, head, main)
}

/// Number of what waits behind an entry, while the process remembers it; no page pays for it.
fn waiting(visit: &Visit, path: &str) -> Option<String> {
    let queues = visit.app.glance.recall(visit.app.clock.now())?;
    let count = |of: Waiting| if of.more { format!("{}+", of.count) } else { of.count.to_string() };
    let number = match path {
        "/admin/reviews" => count(queues.reviews),
        "/admin/withdrawals" => queues.withdrawals.to_string(),
        "/admin/rewards" => count(queues.rewards),
        "/admin/risk" => count(queues.cases),
        _ => return None,
    };
    (number != "0").then_some(number)
}
