//! A month replayed under the entries of a programme's form: what each user would have got (R12.5).

use axum::extract::Path;
use axum::response::Response;
use fluent_static::Message;
use maud::{Markup, html};
use serde_json::{Map, Value};
use shared::edge::forms::{VERSION, names};
use shared::edge::page::{open, seal};
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::id::Identifier as _;
use shared::kernel::money::{LedgerMoney, MoneyError};
use shared::kernel::month::Month;
use shared::kernel::refusal::Refusal;
use shared::operations::change_settings::{CurrentSettings, settings};
use shared::operations::model::budget::BudgetedProgramme;
use shared::operations::model::settings::Area;
use shared::operations::simulate::{Drafts, Simulate, SimulatedGrant, SimulatedPage, simulate};

use super::super::acts::choice;
use super::super::menu::{self, Head};
use super::super::orders::person;
use super::super::pages::Staff;
use super::super::parts::card;
use super::{budgeted, history, page_of};
use crate::frame;
use crate::list::{Column, sheet, table};
use crate::parts::{money, month as month_text};
use crate::show::note;
use crate::text::Texts;
use crate::visit::{Visit, not_found};

/// Months that can be chosen, the current one included.
const MONTHS: usize = 12;
const MONTH: &str = "month";
const CURSOR: &str = "cursor";

/// The page of a programme's area.
pub fn simulation_of(area: Area) -> Option<String> {
    budgeted(area).map(|_| format!("/admin/simulations/{}", area.as_str()))
}

/// A page of a replayed month.
struct Replayed {
    stored: CurrentSettings,
    /// The document whose fields were entered.
    document: Value,
    month: Month,
    page: SimulatedPage,
    /// Cursor of the next page.
    next: Option<String>,
}

/// The month under the entries; entries that break a rule lead back to the form, which names them.
pub async fn simulation(area: Option<Path<String>>, staff: Staff) -> Response {
    let area = area.and_then(|Path(name)| Area::parse(&name));
    let Some((area, programme)) = area.and_then(|area| Some((area, budgeted(area)?))) else {
        return not_found(&staff.0);
    };
    let visit = &staff.0;
    let text = &visit.text;
    let replayed = match replay(&staff, area, programme).await {
        Ok(replayed) => Some(replayed),
        Err(Error::Refused(Refusal::Invalid(_))) => None,
        Err(error) => return frame::error(visit, error),
    };
    let head = Head {
        title: text.simulation().to_string(),
        lead: Some(html! { (text.simulation_lead()) }),
        trail: vec![
            ("/admin/settings".to_owned(), html! { (text.staff_settings()) }),
            (page_of(area), html! { (text.area(area).0) }),
        ],
        ..Head::default()
    };
    let main = html! {
        @match &replayed {
            None => { (note("bad", &html! { (text.simulation_invalid()) })) (back(visit, area)) }
            Some(replayed) => {
                (form(visit, replayed.month))
                (draft(visit, area, replayed))
                (result(visit, replayed))
                (card("limits", &text.simulation_limits(), &html! {
                    div.in { p.muted { (text.simulation_limit(programme)) } }
                }))
            }
        }
    };
    menu::page(&staff, &head, &main)
}

impl Texts {
    /// Facts of the past that a programme's replay does not know.
    fn simulation_limit(&self, programme: BudgetedProgramme) -> Message {
        match programme {
            BudgetedProgramme::Affiliate => self.simulation_limits_affiliate(),
            BudgetedProgramme::Referral => self.simulation_limits_referral(),
            BudgetedProgramme::Promotion => self.simulation_limits_promotion(),
        }
    }
}

/// Entries of the programme's form, which this page got.
fn entries(visit: &Visit) -> Vec<(String, String)> {
    let of_page = [VERSION, MONTH, CURSOR];
    visit.query.iter().filter(|(name, _)| !of_page.contains(&name.as_str())).cloned().collect()
}

async fn replay(staff: &Staff, area: Area, programme: BudgetedProgramme) -> Result<Replayed, Error> {
    let visit = &staff.0;
    let app = &visit.app;
    let entered = entries(visit);
    let fields = if entered.is_empty() { Value::Object(Map::new()) } else { names::object(&entered)? };
    let stored = settings(app, area).await?;
    let drafts = Drafts::read(programme, &stored.settings, &fields)?;
    let now = Month::of(app.clock.now());
    let month = visit.asked(MONTH).and_then(Month::parse).filter(|month| *month <= now).unwrap_or(now);
    let list = format!("simulation:{}:{programme}:{month}:{fields}", staff.admin()?.user.id);
    let opened = |cursor: &str| open(&app.config.secret, &list, cursor).ok_or(Refusal::ForgedCursor);
    let after = visit.asked(CURSOR).map(opened).transpose()?;
    let page = simulate(app, &Simulate { month, drafts, after }).await?;
    let next = page.next.as_ref().map(|next| seal(&app.config.secret, &list, next));
    let document = if entered.is_empty() { stored.settings.clone() } else { names::entered(&entered) };
    Ok(Replayed { stored, document, month, page, next })
}

/// The query in hidden fields, empty values too, but for those of the page.
fn kept(visit: &Visit, without: &[&str]) -> Markup {
    let kept = visit.query.iter().filter(|(name, _)| !without.contains(&name.as_str()));
    html! { @for (name, value) in kept { input type="hidden" name=(name) value=(value); } }
}

/// The way back to the form, with its entries.
fn back(visit: &Visit, area: Area) -> Markup {
    html! {
        form.row method="get" action=(page_of(area)) {
            (kept(visit, &[MONTH, CURSOR]))
            button.btn { (visit.text.simulation_change()) }
        }
    }
}

fn form(visit: &Visit, shown: Month) -> Markup {
    let text = &visit.text;
    let now = Month::of(visit.app.clock.now());
    let months = std::iter::successors(Some(now), |month| Some(month.before())).take(MONTHS);
    let months: Vec<(String, String)> =
        months.map(|month| (month.to_string(), month_text(visit.language, month))).collect();
    html! {
        section.card aria-label=(&*text.simulation_month()) {
            form.in.stack.narrow method="get" action=(visit.path) {
                (kept(visit, &[MONTH, CURSOR]))
                (choice(visit, ("month", MONTH), &text.simulation_month(), &months, &shown.to_string()))
                div.row { button.btn.go { (text.simulation_run()) } }
            }
        }
    }
}

/// Differences of the draft from the settings of now.
fn draft(visit: &Visit, area: Area, of: &Replayed) -> Markup {
    let text = &visit.text;
    let columns =
        [Column::Text(text.field_name()), Column::Text(text.settings_now()), Column::Text(text.simulation_draft())];
    let rows = history::differences(visit, area, &of.stored.settings, &of.document);
    card(
        "draft",
        &text.simulation_draft(),
        &html! {
            @if rows.is_empty() { div.in { p.muted { (text.simulation_same()) } } } @else { (table(&columns, &rows)) }
            div.in { (back(visit, area)) }
        },
    )
}

fn result(visit: &Visit, of: &Replayed) -> Markup {
    let text = &visit.text;
    let amount = |of: LedgerMoney| money(&Amount::from(of));
    let columns = [
        Column::Text(text.user()),
        Column::Text(text.simulation_invitee()),
        Column::Number(text.simulation_real()),
        Column::Number(text.simulation_simulated()),
        Column::Number(text.simulation_difference()),
    ];
    let rows: Result<Vec<Vec<Markup>>, MoneyError> = of.page.grants.iter().map(row).collect();
    let is_part = of.next.is_some() || visit.asked(CURSOR).is_some();
    card(
        "result",
        &month_text(visit.language, of.month),
        &html! {
            div.in.stack-s {
                dl.sum {
                    dt { (text.simulation_real()) } dd { (amount(of.page.real)) }
                    dt { (text.simulation_simulated()) } dd { (amount(of.page.simulated)) }
                    dt.total { (text.simulation_difference()) } dd.total { (amount(of.page.difference)) }
                }
                @if is_part { p.muted.small { (text.simulation_part()) } }
            }
            @match &rows {
                Ok(rows) if !rows.is_empty() => { (sheet(text, &text.simulation_users(), &columns, rows)) }
                _ => { div.in { p { (text.simulation_nobody()) } } }
            }
            @if let Some(next) = &of.next {
                form.in.row method="get" action=(visit.path) {
                    (kept(visit, &[CURSOR]))
                    input type="hidden" name=(CURSOR) value=(next);
                    button.btn { (text.simulation_next()) }
                }
            }
        },
    )
}

fn row(of: &SimulatedGrant) -> Result<Vec<Markup>, MoneyError> {
    let difference = of.simulated.minus(of.real)?;
    let invitee = of.invitee.map(|invitee| person(&invitee.to_string(), None));
    Ok(vec![
        person(&of.user.to_string(), None),
        invitee.unwrap_or_else(|| html! { span.muted { "—" } }),
        money(&Amount::from(of.real)),
        money(&Amount::from(of.simulated)),
        money(&Amount::from(difference)),
    ])
}
