//! Grants below a bound that is lowered (R8.5): those affected, with their old and their new terms, and the question to move them.

use maud::{Markup, html};
use rust_decimal::Decimal;
use shared::agency::model::grant::{Grant, GrantTerms};
use shared::agency::model::series::{Series, SeriesTerms};
use shared::agency::model::shop::ShopPath;
use shared::agency::queries::shops_of;
use shared::agency::tighten::{MovedGrant, affected};
use shared::kernel::fault::Fault;
use shared::kernel::id::SeriesId;
use shared::kernel::money::{AMOUNT_MAX, Currency, LEDGER_DIGITS, plain_decimal};

use super::super::parts::card;
use super::words::plain;
use super::{Names, amount, page_of};
use crate::list::{Column, sheet};
use crate::show::note;
use crate::visit::Visit;

/// Code of a form that was refused because of grants below.
const CHILDREN_ABOVE: &str = "children_above";

/// True if the form was refused because of grants below.
pub fn is_refused(visit: &Visit) -> bool {
    visit.refused().is_some_and(|flash| flash.code == CHILDREN_ABOVE)
}

/// An amount as it was entered in a field.
pub fn entered_amount(visit: &Visit, name: &str) -> Option<Decimal> {
    plain_decimal(visit.entered(name)?, LEDGER_DIGITS).filter(|amount| *amount <= AMOUNT_MAX)
}

/// Grants that a refused change would move.
pub struct Lowered {
    moves: Vec<MovedGrant>,
    names: Names,
}

impl Lowered {
    /// Those of a series that would have these terms; none unless the form was refused because of them.
    ///
    /// # Errors
    /// A fault if the database can't be reached.
    pub async fn of_series(visit: &Visit, series: &Series, terms: &SeriesTerms) -> Result<Self, Fault> {
        if !is_refused(visit) {
            return Ok(Self::none());
        }
        let moves = affected(&visit.app, series.id, None, &terms.offer()).await?;
        Self::named(visit, moves).await
    }

    /// Those below a shop's grant that would have these terms, with the grant itself where its retail prices go up.
    ///
    /// # Errors
    /// A fault if the database can't be reached.
    pub async fn of_grant(visit: &Visit, grant: &Grant, terms: &GrantTerms) -> Result<Self, Fault> {
        if !is_refused(visit) {
            return Ok(Self::none());
        }
        let (series, path): (SeriesId, &ShopPath) = (grant.series, &grant.path);
        let raised = terms.retail_raised();
        let own = (raised != *terms).then(|| MovedGrant { grant: grant.clone(), after: raised.clone() });
        let moves = affected(&visit.app, series, Some(path), &raised.offer()).await?;
        Self::named(visit, own.into_iter().chain(moves).collect()).await
    }

    fn none() -> Self {
        Self { moves: Vec::new(), names: Names { shops: Default::default(), series: Default::default() } }
    }

    async fn named(visit: &Visit, moves: Vec<MovedGrant>) -> Result<Self, Fault> {
        let shops: Vec<_> = moves.iter().filter_map(|moved| moved.grant.path.shop()).collect();
        let shops = shops_of(&visit.app, shops).await?;
        Ok(Self { moves, names: Names { shops, series: Default::default() } })
    }

    /// The affected grants; nothing where there are none.
    pub fn shown(&self, visit: &Visit, series: &SeriesTerms, currency: Currency) -> Markup {
        let text = &visit.text;
        if self.moves.is_empty() {
            return html! {};
        }
        let row = |MovedGrant { grant, after }: &MovedGrant| {
            vec![
                self.names.shop(visit, grant.path.shop()),
                html! { a.id href=(page_of("grants", &grant.id)) { (super::super::parts::short(&grant.id.to_string())) } },
                html! { ul { @for line in lines(visit, series, (&grant.terms, after), currency) { li { (line) } } } },
            ]
        };
        let rows: Vec<Vec<Markup>> = self.moves.iter().map(row).collect();
        let columns =
            [Column::Text(text.tree_shop()), Column::Text(text.tree_grant()), Column::Text(text.tree_becomes())];
        let content = html! {
            (sheet(text, &text.tree_affected(), &columns, &rows))
            div.in { (note("wait", &text.tree_affected_note(u64::try_from(self.moves.len()).unwrap_or(u64::MAX)))) }
        };
        card("affected", &text.tree_affected(), &content)
    }
}

/// Every change of a grant: its amounts, its costs and retail prices, its packages.
fn lines(
    visit: &Visit,
    series: &SeriesTerms,
    (before, after): (&GrantTerms, &GrantTerms),
    currency: Currency,
) -> Vec<Markup> {
    let text = &visit.text;
    let moved = |what: String, old: Decimal, new: Decimal| {
        (old != new).then(|| html! { (what) ": " (amount(old, currency)) " → " strong { (amount(new, currency)) } })
    };
    let mut all: Vec<Markup> =
        moved(text.tree_own().to_string(), before.own.amount, after.own.amount).into_iter().collect();
    for tier in &before.own.tiers {
        let new = after.own.at(tier.threshold).unwrap_or_default();
        all.extend(moved(text.tree_at_tier(plain(tier.threshold)).to_string(), tier.amount, new));
    }
    for held in &before.packages {
        let name = series.package(held.id).map_or_else(|| held.id.to_string(), |package| package.name.clone());
        match after.package(held.id) {
            None => all.push(html! { (text.tree_package_gone(name)) }),
            Some(new) => {
                all.extend(moved(text.tree_cost_of(name.as_str()).to_string(), held.cost_price, new.cost_price));
                all.extend(moved(text.tree_retail_of(name).to_string(), held.retail_price, new.retail_price));
            }
        }
    }
    all
}
