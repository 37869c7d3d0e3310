//! Totals of a calendar year of an affiliate as cells of a table (R6.12): on the affiliate's own page, and in the list of staff.

use maud::{Markup, html};
use shared::affiliate::model::year::AffiliateYear;
use shared::edge::view::Amount;

use crate::list::Column;
use crate::parts::{count, money};
use crate::visit::Visit;

/// The columns of a table of totals, behind `first`.
pub fn columns(visit: &Visit, first: Column) -> [Column; 6] {
    let text = &visit.text;
    [
        first,
        Column::Number(text.totals_earned()),
        Column::Number(text.totals_back()),
        Column::Number(text.totals_cash()),
        Column::Number(text.totals_payouts()),
        Column::Number(text.totals_to_balance()),
    ]
}

/// A row of it, behind `first`.
pub fn row(first: Markup, of: &AffiliateYear) -> Vec<Markup> {
    let [earned, back, cash, moved] =
        [of.earned, of.taken_back, of.paid_out, of.to_balance].map(|amount| money(&Amount::from(amount)));
    vec![first, earned, back, cash, html! { (count(of.payouts)) }, moved]
}
