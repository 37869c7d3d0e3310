//! Settings of the areas (R9.1): a form per area from its `settings!` declaration, what somebody else changed meanwhile, a preview,
//! and the history.

mod example;
mod form;
mod history;
pub mod simulation;
mod words;

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;
use shared::edge::forms::{VERSION, names};
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::money::LedgerMoney;
use shared::kernel::refusal::Refusal;
use shared::operations::budget::{BudgetUse, use_of};
use shared::operations::change_settings::{CurrentSettings, settings};
use shared::operations::model::budget::BudgetedProgramme;
use shared::operations::model::settings::{AnySettings, Area};
use shared::operations::model::warning::{SettingsWarning, WarningCode};

use self::history::History;
use super::menu::{self, Head};
use super::pages::Staff;
use super::parts::card;
use crate::frame;
use crate::list::{Column, Part, table};
use crate::parts::money;
use crate::show::note;
use crate::visit::{Visit, not_found};

/// The route of an area.
fn route(area: Area) -> String {
    format!("/v1/admin/settings/{}", area.as_str())
}

/// The page of an area.
fn page_of(area: Area) -> String {
    format!("/admin/settings/{}", area.as_str())
}

/// The areas.
pub async fn areas(staff: Staff) -> Response {
    let text = &staff.0.text;
    let rows = Area::ALL.map(|area| {
        let (name, about) = text.area(area);
        vec![html! { a href=(page_of(area)) { (name) } }, html! { (about) }]
    });
    let columns = [Column::Text(text.settings_area()), Column::Text(text.settings_about())];
    let head = Head {
        title: text.staff_settings().to_string(),
        lead: Some(html! { (text.settings_lead()) }),
        ..Head::default()
    };
    let main = html! { section.card aria-label=(&*text.settings_areas()) { (table(&columns, &rows)) } };
    menu::page(&staff, &head, &main)
}

/// Content of the form.
struct Shown {
    area: Area,
    stored: CurrentSettings,
    /// The document in the form's fields.
    document: Value,
    /// The version that it is based on.
    version: String,
    reason: Reason,
}

/// Reason why a document stands in the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    /// It is stored.
    Stored,
    /// It was refused.
    Refused,
    /// It was refused, since somebody else changed what is stored.
    Meanwhile,
    /// It was entered to see its effect.
    Preview,
}

impl Shown {
    fn of(visit: &Visit, area: Area, stored: CurrentSettings) -> Self {
        let now = stored.version.to_string();
        let form = route(area);
        let flash =
            visit.flash.as_ref().filter(|flash| flash.refused && flash.form == form && !flash.values.is_empty());
        if let Some(flash) = flash {
            let is_version = |name: &str| name == VERSION;
            let based_on = flash.values.get(VERSION).cloned().unwrap_or_else(|| now.clone());
            let entries = flash.values.iter().filter(|(name, _)| !is_version(name));
            let entries: Vec<_> = entries.map(|(name, text)| (name.clone(), text.clone())).collect();
            let document = names::entered(&entries);
            let is_meanwhile = flash.code == Refusal::VersionMismatch.code();
            let (version, reason) = if is_meanwhile { (now, Reason::Meanwhile) } else { (based_on, Reason::Refused) };
            return Self { area, stored, document, version, reason };
        }
        match visit.asked(VERSION).map(str::to_owned) {
            Some(version) => {
                Self { area, document: names::entered(&asked(visit)), stored, version, reason: Reason::Preview }
            }
            None => Self { area, document: stored.settings.clone(), stored, version: now, reason: Reason::Stored },
        }
    }

    /// The document as it would be saved.
    ///
    /// # Rejects
    /// `invalid` at each field that is wrong.
    fn parsed(&self, visit: &Visit) -> Result<AnySettings, Refusal> {
        let document = match self.reason {
            Reason::Preview => names::object(&asked(visit))?,
            _ => self.stored.settings.clone(),
        };
        AnySettings::parse(self.area, document)
    }
}

/// The entries of a form that was sent to this page.
fn asked(visit: &Visit) -> Vec<(String, String)> {
    visit.query.iter().filter(|(name, _)| name != VERSION && name != "cursor").cloned().collect()
}

/// The page of an area.
pub async fn area(area: Option<Path<String>>, mut staff: Staff) -> Response {
    let area = area.and_then(|Path(name)| Area::ALL.into_iter().find(|area| area.as_str() == name));
    let Some(area) = area else { return not_found(&staff.0) };
    let part = match staff.part(&area, super::filters::Days::default()) {
        Ok(part) => part,
        Err(refusal) => return frame::refused(&staff.0, &refusal),
    };
    let budget = async {
        match budgeted(area) {
            Some(programme) => use_of(&staff.0.app, programme).await,
            None => Ok(None),
        }
    };
    let (stored, history, budget) =
        tokio::join!(settings(&staff.0.app, area), History::read(&staff.0, area, &part.window), budget);
    let stored = match stored {
        Ok(stored) => stored,
        Err(error) => return frame::error(&staff.0, error),
    };
    let shown = Shown::of(&staff.0, area, stored);
    let parsed = shown.parsed(&staff.0);
    if let (Err(refusal), Reason::Preview) = (&parsed, shown.reason) {
        staff = staff.wrong(refusal);
    }
    let example = match &parsed {
        Ok(parsed) => example::example(&staff.0, parsed).await,
        Err(_) => Ok(None),
    };
    let beside = Beside { example, budget };
    let main = main(&staff.0, &shown, &part, history, beside, parsed.is_ok());
    menu::page(&staff, &head(&staff.0, &shown), &main)
}

fn head(visit: &Visit, shown: &Shown) -> Head {
    let text = &visit.text;
    let (name, about) = text.area(shown.area);
    Head {
        title: name.to_string(),
        lead: Some(html! { (about) }),
        aside: Some(html! { span.muted { (text.settings_version(shown.stored.version.to_string())) } }),
        trail: vec![("/admin/settings".to_owned(), html! { (text.staff_settings()) })],
    }
}

/// Parts beside the form.
struct Beside {
    example: Result<Option<Markup>, Error>,
    budget: Result<Option<BudgetUse>, Error>,
}

/// The programme of an area, if it has a budget.
fn budgeted(area: Area) -> Option<BudgetedProgramme> {
    BudgetedProgramme::ALL.into_iter().find(|programme| programme.area() == area)
}

/// The use of a budget in the current month (R10.4).
fn budget_use(visit: &Visit, of: &BudgetUse) -> Markup {
    let text = &visit.text;
    let line = |amount: LedgerMoney| money(&Amount::from(amount));
    html! {
        div.in {
            dl.sum {
                dt { (text.budget_whole()) } dd { (line(of.budget.amount)) }
                dt { (text.budget_spent()) } dd { (line(of.spent)) }
                dt.total { (text.budget_left()) } dd.total { (line(of.remaining)) }
            }
        }
    }
}

fn main(
    visit: &Visit,
    shown: &Shown,
    part: &Part,
    history: Result<History, Error>,
    Beside { example, budget }: Beside,
    is_valid: bool,
) -> Markup {
    let text = &visit.text;
    let is_lost = visit.flash.as_ref().is_some_and(|flash| flash.refused && flash.shortened);
    html! {
        @if is_lost { (note("wait", &text.settings_mine_lost())) }
        @for warning in &shown.stored.warnings { (warned(visit, warning)) }
        @if shown.reason == Reason::Meanwhile { (meanwhile(visit, shown, history.as_ref().ok())) }
        @if shown.reason == Reason::Preview && is_valid { (would_change(visit, shown)) }
        div.cols {
            (form::form(visit, shown))
            aside.stack {
                (areas_of(visit, shown.area))
                @match budget {
                    Ok(Some(of)) => (card("budget-use", &text.budget_month(), &budget_use(visit, &of))),
                    Ok(None) => {}
                    Err(error) => (card("budget-use", &text.budget_month(), &crate::list::alone(visit, Err(error)))),
                }
                @match example {
                    Ok(Some(example)) => (card("example", &text.settings_example(), &html! { div.in.stack-s { (example) } })),
                    Ok(None) => {}
                    Err(error) => (card("example", &text.settings_example(), &crate::list::alone(visit, Err(error)))),
                }
            }
        }
        section.card aria-labelledby="history" {
            header { h2 #history { (text.settings_history()) } p { (text.settings_history_note()) } }
            (crate::list::alone(visit, history.map(|history| history.shown(visit, part, shown.area))))
        }
    }
}

/// A warning about the stored settings, with the fields that end it (R10.3).
fn warned(visit: &Visit, of: &SettingsWarning) -> Markup {
    let text = &visit.text;
    let about = match of.code {
        WarningCode::FarmableRegistrationReward => text.settings_warning_farmable(),
    };
    let field = |setting: &String| -> Option<Markup> {
        let (area, field) = setting.split_once('.')?;
        let area = Area::parse(area)?;
        let (label, _) = text.setting(area, field)?;
        Some(html! { a href=(format!("{}#{}", page_of(area), field.replace('.', "-"))) { (label) } })
    };
    let fields: Vec<Markup> = of.settings.iter().filter_map(field).collect();
    note(
        "wait",
        &html! {
            (about)
            @for (place, field) in fields.iter().enumerate() { @if place > 0 { " · " } @else { " " } (field) }
        },
    )
}

/// The areas beside the form, this one marked.
fn areas_of(visit: &Visit, here: Area) -> Markup {
    let text = &visit.text;
    html! {
        nav.card aria-label=(&*text.settings_areas()) {
            ul.in.areas {
                @for area in Area::ALL {
                    li { a href=(page_of(area)) aria-current=[(area == here).then_some("page")] { (text.area(area).0) } }
                }
            }
        }
    }
}

/// Values that somebody else saved, beside one's own entries (C3.4).
fn meanwhile(visit: &Visit, shown: &Shown, history: Option<&History>) -> Markup {
    let text = &visit.text;
    let who = history.and_then(History::last_actor);
    let heading = match who {
        Some(who) => text.settings_meanwhile(who),
        None => text.settings_meanwhile_somebody(),
    };
    let columns =
        [Column::Text(text.field_name()), Column::Text(text.settings_theirs()), Column::Text(text.settings_mine())];
    let rows = history::differences(visit, shown.area, &shown.stored.settings, &shown.document);
    html! {
        section.card aria-labelledby="meanwhile" {
            header { h2 #meanwhile { (heading) } p { (text.settings_meanwhile_lead()) } }
            @if rows.is_empty() { div.in { p { (text.settings_meanwhile_equal()) } } } @else { (table(&columns, &rows)) }
            div.in.row {
                button.btn.go form="settings" name="form" value=[form::seal(visit, shown.area)] { (text.settings_save_mine()) }
                a.btn href=(page_of(shown.area)) { (text.settings_take_theirs()) }
            }
        }
    }
}

/// Differences that saving the entries would make.
fn would_change(visit: &Visit, shown: &Shown) -> Markup {
    let text = &visit.text;
    let columns =
        [Column::Text(text.field_name()), Column::Text(text.settings_now()), Column::Text(text.settings_then())];
    let rows = history::differences(visit, shown.area, &shown.stored.settings, &shown.document);
    html! {
        section.card aria-labelledby="would-change" {
            header { h2 #would-change { (text.settings_would_change()) } }
            @if rows.is_empty() { div.in { p.muted { (text.no_difference()) } } } @else { (table(&columns, &rows)) }
        }
    }
}
