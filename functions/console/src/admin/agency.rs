//! The agency for staff (R8): shops, series, grants, assets and sales of the whole tree.

pub mod assets;
mod grant_form;
pub mod grants;
mod lowered;
pub mod packages;
pub mod sales;
pub mod sell;
pub mod series;
mod series_form;
pub mod shops;
pub mod wallets;
mod words;

use std::collections::BTreeMap;

use axum::extract::Path;
use maud::{Markup, html};
use rust_decimal::Decimal;
use shared::agency::model::series::Series;
use shared::agency::model::settings::AgencySettings;
use shared::agency::model::shop::{Reach, Shop};
use shared::agency::queries;
use shared::edge::forms::Flash;
use shared::edge::forms::names::places;
use shared::edge::view::Amount;
use shared::kernel::fault::Fault;
use shared::kernel::id::{SeriesId, ShopId};
use shared::kernel::money::Currency;
use shared::table::list::Window;
use shared::table::store::Page;

use super::filters::Filter;
use super::pages::Staff;
use super::parts::id_link;
use crate::parts::money;
use crate::visit::Visit;

/// Code of an error about a text's length.
const OF_A_TEXT: &str = "length";
/// Staff see the whole tree.
const ALL: Reach = Reach::Platform;
/// Most shops, series and grants that stand on one page or can be chosen.
const TOGETHER: i32 = 500;

/// As much of a list as stands on one page.
fn whole() -> Window {
    Window { limit: TOGETHER, ..Window::default() }
}

/// Id in a page's path.
fn id<T>(path: Option<Path<String>>, parse: fn(&str) -> Option<T>) -> Option<T> {
    path.and_then(|Path(id)| parse(&id))
}

/// Page of a thing of the agency.
fn page_of(list: &str, id: &impl ToString) -> String {
    format!("/admin/{list}/{}", id.to_string())
}

/// An amount of the agency's currency.
fn amount(of: Decimal, currency: Currency) -> Markup {
    money(&Amount { amount: of.normalize().to_string(), currency: currency.code().to_owned() })
}

/// The agency's currency.
async fn currency(visit: &Visit) -> Result<Currency, Fault> {
    Ok(visit.app.settings::<AgencySettings>().await?.settings.currency)
}

/// Shops in the order of the tree, each before those below it; newest ones when there are too many.
async fn shops(visit: &Visit) -> Result<Page<Shop>, Fault> {
    let mut page = queries::shops(&visit.app, &ALL, &whole()).await?;
    page.items.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(page)
}

/// All series, newest first.
async fn all_series(visit: &Visit) -> Result<Vec<Series>, Fault> {
    let page = queries::series(&visit.app, &ALL, &whole()).await?;
    Ok(page.items.into_iter().map(|(series, _)| series).collect())
}

/// Shops and series by their ids, to name them on a page.
struct Names {
    shops: BTreeMap<ShopId, Shop>,
    series: BTreeMap<SeriesId, Series>,
}

impl Names {
    /// Reads those that a page names.
    async fn of(visit: &Visit, shops: Vec<ShopId>, series: Vec<SeriesId>) -> Result<Self, Fault> {
        let app = &visit.app;
        let (shops, series) = tokio::try_join!(queries::shops_of(app, shops), queries::series_of(app, series))?;
        Ok(Self { shops, series })
    }

    /// A shop as a link; the platform where there is none.
    fn shop(&self, visit: &Visit, id: Option<ShopId>) -> Markup {
        let named = id.and_then(|id| self.shops.get(&id));
        html! {
            @match (named, id) {
                (Some(shop), _) => { (shop_link(shop)) }
                (None, Some(id)) => { (id_link(&page_of("shops", &id), &id.to_string())) }
                (None, None) => { (visit.text.tree_platform()) }
            }
        }
    }

    /// A series as a link.
    fn series(&self, id: SeriesId) -> Markup {
        html! { @match self.series.get(&id) { Some(series) => (series_link(series)), None => (id_link(&page_of("series", &id), &id.to_string())) } }
    }
}

fn shop_link(shop: &Shop) -> Markup {
    html! { a.break href=(page_of("shops", &shop.id)) { (shop.name) } }
}

fn series_link(series: &Series) -> Markup {
    html! { a.break href=(page_of("series", &series.id)) { (series.name) } small.mono.break { (series.code) } }
}

/// Shops to choose from, by id and name; how far below it stands is part of the name.
fn shop_choices(shops: &[Shop]) -> Vec<(String, String)> {
    let named = |shop: &Shop| format!("{}{}", "– ".repeat(shop.path.level().saturating_sub(1)), shop.name);
    shops.iter().map(|shop| (shop.id.to_string(), named(shop))).collect()
}

fn series_choices(series: &[Series]) -> Vec<(String, String)> {
    series.iter().map(|series| (series.id.to_string(), series.name.clone())).collect()
}

/// Filters by shop and series, which can be chosen by name.
fn chosen(visit: &Visit, shops: &[Shop], series: &[Series]) -> [Filter; 2] {
    [
        Filter::choice(visit, "shop", visit.text.tree_shop(), shop_choices(shops)),
        Filter::choice(visit, "series", visit.text.tree_series(), series_choices(series)),
    ]
}

/// The pages above one of a list.
fn trail(list: &str, name: &impl ToString) -> Vec<(String, Markup)> {
    vec![(format!("/admin/{list}"), html! { (name.to_string()) })]
}

impl Staff {
    /// The same visit with a refusal that is about one field told at that field.
    fn beside(mut self, place: impl FnOnce(&Flash) -> Option<(String, &'static str)>) -> Self {
        let Some(flash) = self.0.flash.as_mut().filter(|flash| flash.refused) else { return self };
        // The code of a series or a package is a text.
        for (_, code) in flash.errors.iter_mut().filter(|(at, code)| at == "/code" && code == "out_of_range") {
            OF_A_TEXT.clone_into(code);
        }
        if !flash.errors.is_empty() {
            return self;
        }
        let known = |pointer: &str, code: &'static str| Some((pointer.to_owned(), code));
        let error = match flash.code.as_str() {
            "user_has_shop" => known("/user_id", "user_has_shop"),
            "shop_in_use" => known("/parent_id", "shop_in_use"),
            "series_code_taken" => known("/code", "series_code_taken"),
            "identifier_taken" => known("/identifier", "identifier_taken"),
            "insufficient_balance" => known("/amount", "commission_short"),
            _ => place(flash),
        };
        flash.errors.extend(error.map(|(pointer, code)| (pointer, code.to_owned())));
        self
    }

    /// The same visit with the errors of a list's rows at the rows as the page numbers them: the route counts those with an entry.
    fn reopened(mut self, list: &str) -> Self {
        let Some(flash) = self.0.flash.as_mut().filter(|flash| flash.refused) else { return self };
        let values: Vec<(String, String)> =
            flash.values.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let places = places(&values, list);
        let begin = format!("/{}/", list.replace('.', "/"));
        for (pointer, _) in &mut flash.errors {
            let row = pointer.strip_prefix(&begin).and_then(|rest| rest.split_once('/'));
            let row = row.and_then(|(row, field)| Some((places.get(row.parse::<usize>().ok()?)?, field.to_owned())));
            if let Some((place, field)) = row {
                *pointer = format!("{begin}{place}/{field}");
            }
        }
        self
    }
}
