//! Yearly totals of all affiliates for staff, and as a sheet (R6.12).

use axum::response::Response;
use maud::{Markup, html};
use shared::affiliate::model::year::AffiliateYear;
use shared::affiliate::years::{of_year, view};
use shared::kernel::fault::Error;
use shared::kernel::id::Identifier;
use shared::kernel::year::Year;
use shared::operations::search::users_of;

use super::filters::{self, Days, Filter, given};
use super::pages::Staff;
use super::users::person;
use crate::export::file;
use crate::frame;
use crate::list::Column;
use crate::totals;
use crate::visit::{Visit, link, not_found};

/// The year that the query names; this one without it.
fn asked(visit: &Visit) -> Option<Year> {
    given(visit, "year").map_or_else(|| Some(Year::of(visit.app.clock.now())), |year| Year::parse(&year))
}

/// The affiliates of a year.
pub async fn list(staff: Staff) -> Response {
    let visit = &staff.0;
    let Some(year) = asked(visit) else { return not_found(visit) };
    let part = match staff.part(&year, Days::default()) {
        Ok(part) => part,
        Err(refusal) => return frame::refused(visit, &refusal),
    };
    let text = &visit.text;
    let read = async {
        let page = of_year(&visit.app, year, &part.window).await?;
        let people = users_of(&visit.app, page.items.iter().map(|of| of.user)).await?;
        Ok::<_, Error>((page, people))
    };
    let listed = read.await.map(|(page, people)| {
        let row = |of: &AffiliateYear| totals::row(person(&people, of.user), of);
        let rows: Vec<Vec<Markup>> = page.items.iter().map(row).collect();
        let columns = totals::columns(visit, Column::Text(text.affiliate_years_affiliate()));
        let nothing = (&*text.affiliate_years_none(), &*text.affiliate_years_none_todo());
        let file = link("/admin/affiliate-years.csv", [("year", year.to_string().as_str())]);
        html! {
            div.in { a.btn.slim href=(file) download { (text.as_csv()) } }
            (part.list(visit, &text.affiliate_years(), &columns, (&rows, page.next.as_ref()), nothing))
        }
    });
    let field = Filter::text(visit, "year", "text", text.totals_year()).or(visit, Some(year.to_string()));
    let title = (text.affiliate_years(), text.affiliate_years_lead());
    filters::page(&staff, title, &html! {}, &[field], listed)
}

/// The affiliates of a year as a sheet.
pub async fn sheet(staff: Staff) -> Response {
    let visit = &staff.0;
    let Some(year) = asked(visit) else { return not_found(visit) };
    match view::sheet(&visit.app, year).await {
        Ok(text) => file(&format!("affiliates-{year}.csv"), text),
        Err(error) => frame::error(visit, error),
    }
}
