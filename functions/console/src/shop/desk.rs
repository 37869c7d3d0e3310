//! The gate of the pages of agents, and their frame (R8.1, C3.3).
//!
//! A page is about one shop and those below it: an agent's own, or the one that an admin chose by `for`, whose value is its path. What a
//! page reads is read beside its visitor, by the place where the process saw the agent last; the account then says whether that is right.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use fluent_static::Message;
use maud::{Markup, html};
use rust_decimal::Decimal;
use shared::account::model::identity::Role;
use shared::account::model::scope::AdminScope;
use shared::account::model::user::User;
use shared::agency::model::settings::AgencySettings;
use shared::agency::model::shop::{Reach, Shop, ShopPath};
use shared::agency::queries;
use shared::app::App;
use shared::edge::forms::Flash;
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::id::ShopId;
use shared::kernel::refusal::Refusal;
use shared::table::list::Window;
use shared::table::read::Keys;

use crate::admin::pages::is_there;
use crate::frame;
use crate::list::alone;
use crate::parts::money;
use crate::sidebar::{self, Head, Link, SideBar};
use crate::text::Texts;
use crate::visit::{Arrival, Instead, Visit, failed, link, redirect, sign_in};

/// Parameter of the query in which an admin says whose pages to show.
pub const FOR: &str = "for";
/// Most shops that a page reads at once.
pub const SHOPS: i32 = 100;

/// An entry of the menu: path and name.
type Entry = (&'static str, fn(&Texts) -> Message);

/// A part of the menu, under a heading.
type Group = (Option<fn(&Texts) -> Message>, &'static [Entry]);

/// The menu.
const MENU: &[Group] = &[
    (None, &[("/shop", Texts::shop_overview)]),
    (
        Some(Texts::shop_selling),
        &[
            ("/shop/sell", Texts::shop_sell),
            ("/shop/sales", Texts::shop_sales),
            ("/shop/commissions", Texts::shop_commissions),
            ("/shop/wallet", Texts::shop_wallet),
        ],
    ),
    (Some(Texts::shop_offering), &[("/shop/prices", Texts::shop_prices), ("/shop/assets", Texts::shop_assets)]),
    (Some(Texts::shop_below), &[("/shop/shops", Texts::shop_shops), ("/shop/grants", Texts::shop_grants)]),
    (Some(Texts::shop_own), &[("/home", Texts::to_my_pages)]),
];

/// True for an agent with a shop.
pub fn runs_a_shop(user: &User) -> bool {
    user.role == Role::Agent && user.shop.is_some()
}

/// Visit of somebody who may see a shop and those below it.
pub struct Desk {
    pub visit: Visit,
    /// The shop.
    pub path: ShopPath,
    /// Its id.
    pub shop: ShopId,
    /// True for an admin in its place.
    pub is_admin: bool,
    pub settings: Arc<AgencySettings>,
}

/// Enters a page that reads something by its shop's path.
///
/// # Errors
/// The answer in place of the page: sign-in, the page that says who may see it, or that of a fault.
pub async fn enter<F: Future>(
    arrival: Arrival,
    read: impl Fn(Arc<App>, ShopPath) -> F,
) -> Result<(Desk, F::Output), Instead> {
    let (desk, (), found) = enter_with(arrival, |_| (), read).await?;
    Ok((desk, found))
}

/// Enters a page that reads some items in the call for its visitor, and something else beside it.
///
/// # Errors
/// As [`enter`].
pub async fn enter_with<K: Keys, F: Future>(
    arrival: Arrival,
    keys: impl Fn(&ShopPath) -> K,
    read: impl Fn(Arc<App>, ShopPath) -> F,
) -> Result<(Desk, K::Found, F::Output), Instead> {
    let (app, asked) = (arrival.app(), arrival.asked(FOR).and_then(ShopPath::parse));
    let guess = asked.clone().or_else(|| app.places.recall(arrival.user()));
    let Some(guess) = guess else {
        let (visit, path, is_admin) = admitted(arrival.member().await?, None).await?;
        let (items, found) = tokio::join!(app.store.read(keys(&path)), read(app.clone(), path.clone()));
        let items = items.map_err(|fault| failed(&visit, &fault))?;
        return Ok((Desk::new(visit, path, is_admin).await?, items, found));
    };
    let (entered, found) = tokio::join!(arrival.member_with(keys(&guess)), read(app.clone(), guess.clone()));
    let (visit, items) = entered?;
    let (visit, path, is_admin) = admitted(visit, asked.as_ref()).await?;
    if path == guess {
        return Ok((Desk::new(visit, path, is_admin).await?, items, found));
    }
    let (items, found) = tokio::join!(app.store.read(keys(&path)), read(app.clone(), path.clone()));
    let items = items.map_err(|fault| failed(&visit, &fault))?;
    Ok((Desk::new(visit, path, is_admin).await?, items, found))
}

/// The visit with the shop that it is about; anybody without one meets the sign-in page or who may.
async fn admitted(mut visit: Visit, asked: Option<&ShopPath>) -> Result<(Visit, ShopPath, bool), Instead> {
    let (id, role, own) = {
        let user = &visit.signed_in()?.user;
        let may = user.must_be_admin(Some(AdminScope::GrantsWrite)).is_ok();
        (user.id, if user.role == Role::Admin && !may { Role::User } else { user.role }, user.shop.clone())
    };
    let is_there = is_there(&mut visit).map_err(|fault| failed(&visit, &fault))?;
    match (role, own, asked) {
        (Role::Agent, None, _) | (Role::User, ..) => Err(not_for_you(&visit).into()),
        _ if !is_there => Err(redirect(&sign_in(&visit.with("", ""))).into()),
        (Role::Agent, Some(own), _) => {
            visit.app.places.note(id, &own);
            Ok((visit, own, false))
        }
        (Role::Admin, _, Some(asked)) => {
            let asked = asked.clone();
            Ok((visit, asked, true))
        }
        (Role::Admin, _, None) => Err(choose(&visit).await.into()),
    }
}

fn not_for_you(visit: &Visit) -> Response {
    let text = &visit.text;
    let main = html! {
        div.stack {
            p { (text.shop_only_agents()) }
            p.row { a.btn href="/" { (text.to_my_pages()) } }
        }
    };
    frame::message(visit, StatusCode::FORBIDDEN, &text.not_for_you(), main)
}

/// The page on which an admin chooses a shop.
async fn choose(visit: &Visit) -> Response {
    let window = Window { limit: SHOPS, ..Window::default() };
    let page = queries::shops(&visit.app, &Reach::Platform, &window).await.map_err(Error::from);
    let shown = page.map(|page| {
        let one = |shop: &Shop| html! { li { a href=(link("/shop", [(FOR, shop.path.to_string().as_str())])) { (shop.name) } } };
        html! {
            @if page.items.is_empty() { p { (visit.text.shop_no_shops()) } }
            ul.stack-s { @for shop in &page.items { (one(shop)) } }
        }
    });
    let main = html! { div.stack { p { (visit.text.shop_choose_todo()) } (alone(visit, shown)) } };
    frame::message(visit, StatusCode::OK, &visit.text.shop_choose(), main)
}

impl Desk {
    async fn new(visit: Visit, path: ShopPath, is_admin: bool) -> Result<Self, Instead> {
        let shop = path.shop().ok_or_else(|| crate::visit::not_found(&visit))?;
        match visit.app.settings::<AgencySettings>().await {
            Ok(settings) => Ok(Self { visit, path, shop, is_admin, settings: settings.settings }),
            Err(fault) => Err(failed(&visit, &fault).into()),
        }
    }

    /// The shop and those below it.
    pub fn reach(&self) -> Reach {
        Reach::Below(self.path.clone())
    }

    /// The texts.
    pub fn text(&self) -> &Texts {
        &self.visit.text
    }

    /// Another page about the same shop.
    pub fn to(&self, page: &str) -> String {
        self.to_with(page, &[])
    }

    /// Another page about the same shop, with parameters.
    pub fn to_with(&self, page: &str, parameters: &[(&str, &str)]) -> String {
        let path = self.path.to_string();
        let whose = self.is_admin.then_some((FOR, path.as_str()));
        link(page, parameters.iter().copied().chain(whose))
    }

    /// Hidden field of a form that leads to another page about the same shop.
    pub fn keep(&self) -> Markup {
        html! { @if self.is_admin { input type="hidden" name=(FOR) value=(self.path.to_string()); } }
    }

    /// An amount of the agency.
    pub fn sum(&self, amount: Decimal) -> Amount {
        Amount { amount: amount.normalize().to_string(), currency: self.settings.currency.code().to_owned() }
    }

    /// An amount of the agency, with all its digits.
    pub fn money(&self, amount: Decimal) -> Markup {
        money(&self.sum(amount))
    }

    /// An amount of the agency within a sentence.
    pub fn words(&self, amount: Decimal) -> String {
        let sum = self.sum(amount);
        format!("{} {}", sum.amount, sum.currency)
    }

    /// The same visit with the errors of a refused form at these fields, by pointer and code.
    pub fn place(&mut self, errors: Vec<(String, String)>) {
        let Some(flash) = self.visit.refused().filter(|_| !errors.is_empty()).cloned() else { return };
        self.visit.wrong = Some(Flash { errors, ..flash });
    }

    /// The same visit with what is wrong with its query.
    pub fn wrong(&mut self, refusal: &Refusal) {
        let Refusal::Invalid(errors) = refusal else { return };
        let errors = errors.iter().map(|error| (error.pointer.clone(), error.code.to_owned())).collect();
        self.visit.wrong = Some(Flash { code: refusal.code().to_owned(), refused: true, errors, ..Flash::default() });
    }

    /// The page of a read that did not come about.
    pub fn error(&self, error: Error) -> Response {
        frame::error(&self.visit, error)
    }

    /// The page.
    pub fn page(&self, head: &Head, main: &Markup) -> Response {
        let visit = &self.visit;
        let user = match visit.member() {
            Ok(visitor) => &visitor.user,
            Err(fault) => return failed(visit, &fault),
        };
        let entry = |(path, name): &Entry| Link {
            path: if path.starts_with("/shop") { self.to(path) } else { (*path).to_owned() },
            name: name(&visit.text),
            is_here: sidebar::is_below(visit, path, "/shop"),
            waiting: None,
        };
        let groups = MENU.iter().map(|(heading, entries)| {
            (heading.map(|heading| heading(&visit.text)), entries.iter().map(entry).collect::<Vec<_>>())
        });
        let find = html! {
            form role="search" action="/shop/sell" {
                (self.keep())
                label.hidden for="find" { (visit.text.shop_find()) }
                input.in-text #find name="identifier" type="search" autocomplete="off" placeholder=(&*visit.text.shop_find());
            }
        };
        let off = html! {
            @if !self.settings.enabled { div.note.wait { span { (visit.text.shop_off()) } } }
            @if self.is_admin { div.note { span { (visit.text.shop_as_admin()) } } }
            (main)
        };
        sidebar::page(visit, user, &SideBar { groups: groups.collect(), find }, head, &off)
    }
}
