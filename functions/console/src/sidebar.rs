//! Frame with a side bar: of staff and of agents, who have more pages than a top bar holds (C4.3).

use axum::response::Response;
use fluent_static::Message;
use maud::{Markup, html};
use shared::account::model::user::User;

use crate::brand::mark;
use crate::frame;
use crate::parts::{burger, logo};
use crate::visit::Visit;

/// An entry of the menu.
pub struct Link {
    pub path: String,
    pub name: Message,
    /// True on the entry's page, and below it.
    pub is_here: bool,
    /// Number of what waits there.
    pub waiting: Option<String>,
}

/// The bars of a page: groups of entries, each under its heading if it has one, and a field to search by.
pub struct SideBar {
    pub groups: Vec<(Option<Message>, Vec<Link>)>,
    pub find: Markup,
}

/// Head of a page.
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

/// True on an entry's page and below it; below the page that all others are below, only there.
pub fn is_below(visit: &Visit, path: &str, root: &str) -> bool {
    let rest = visit.path.strip_prefix(path);
    rest.is_some_and(|rest| rest.is_empty() || (path != root && rest.starts_with('/')))
}

/// The page.
pub fn page(visit: &Visit, user: &User, bar: &SideBar, head: &Head, main: &Markup) -> Response {
    let body = html! {
        div.desk {
            (side(visit, bar))
            div.body {
                (top(visit, user, bar))
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

fn side(visit: &Visit, bar: &SideBar) -> Markup {
    html! {
        nav.side aria-label=(&*visit.text.main_menu()) {
            (mark(visit))
            @for (heading, links) in &bar.groups {
                @if let Some(heading) = heading { h2 { (heading) } }
                ul { @for link in links { li { (entry(visit, link)) } } }
            }
        }
    }
}

fn entry(visit: &Visit, link: &Link) -> Markup {
    html! {
        a href=(link.path) aria-current=[link.is_here.then_some("page")] {
            (link.name)
            @if let Some(number) = &link.waiting { " " span.n { (number) span.hidden { " " (visit.text.open_ones()) } } }
        }
    }
}

fn top(visit: &Visit, user: &User, bar: &SideBar) -> Markup {
    let text = &visit.text;
    let email = user.email.as_ref().map(|email| email.as_str().to_owned()).unwrap_or_default();
    let initial: String = email.chars().next().into_iter().flat_map(char::to_uppercase).collect();
    html! {
        header {
            (frame::ribbon(visit))
            div.bar {
                a.brand.only-narrow href="/" aria-label=(visit.brand.settings.name) { (logo()) }
                (bar.find)
                span.small.muted.hide-narrow { (email) }
                details.menu.burger.only-narrow {
                    summary aria-label=(&*text.menu()) { (burger()) }
                    div {
                        @for link in bar.groups.iter().flat_map(|(_, links)| links) { (entry(visit, link)) }
                        (frame::account(visit))
                    }
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
