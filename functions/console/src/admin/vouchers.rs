//! Plans, batches of redemption codes, codes and redemptions for staff (R7.8).

pub mod batches;
pub mod codes;
pub mod plans;
pub mod redemptions;

use fluent_static::Message;
use maud::{Markup, html};
use rust_decimal::Decimal;
use shared::kernel::fault::Fault;
use shared::kernel::id::PlanId;
use shared::redemption::codes::CodeStatus;
use shared::redemption::model::code::{BatchState, Benefit};
use shared::redemption::model::plan::{Plan, Unit};
use shared::table::list::Window;

use crate::text::Texts;
use crate::visit::Visit;

/// Most plans to choose from.
const PLANS: i32 = 100;

/// The plans to choose from.
pub async fn plans_of(visit: &Visit) -> Result<Vec<Plan>, Fault> {
    let window = Window { from: None, to: None, limit: PLANS, after: None };
    Ok(shared::redemption::codes::plans(&visit.app, &window).await?.items)
}

/// Name of a plan, or its id.
pub fn plan_name(plans: &[Plan], id: PlanId) -> String {
    plans.iter().find(|plan| plan.id == id).map_or_else(|| id.to_string(), |plan| plan.name.clone())
}

/// A benefit in words.
pub fn benefit(visit: &Visit, plans: &[Plan], of: Benefit) -> Markup {
    match of {
        Benefit::Plan { plan, unit, quantity } => {
            html! { (plan_name(plans, plan)) small { (visit.text.units(unit, quantity)) } }
        }
        Benefit::Balance { credit } => html! { span.num { (credit.normalize()) } small { (visit.text.balance()) } },
    }
}

/// The units of plan time, by value and name.
pub fn units(visit: &Visit) -> Vec<(String, String)> {
    Unit::ALL.iter().map(|unit| (unit.as_str().to_owned(), visit.text.units(*unit, 1).to_string())).collect()
}

/// The plans, by id and name.
pub fn plan_choices(plans: &[Plan]) -> Vec<(String, String)> {
    plans.iter().map(|plan| (plan.id.to_string(), plan.name.clone())).collect()
}

/// Bytes in GB.
pub fn gigabytes(bytes: u64) -> String {
    Decimal::from(bytes).checked_div(Decimal::from(1_000_000_000_u64)).unwrap_or_default().normalize().to_string()
}

/// A time as its field has it.
pub fn entry_of(at: jiff::Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%dT%H:%M").to_string()
}

impl Texts {
    /// State of a batch, with its tone.
    pub fn batch_state(&self, state: BatchState) -> (&'static str, Message) {
        match state {
            BatchState::Creating => ("wait", self.batch_state_creating()),
            BatchState::Ready => ("ok", self.batch_state_ready()),
            BatchState::Failed => ("bad", self.batch_state_failed()),
        }
    }

    /// Error of one of the codes that a form brings; the pointer ends with its place.
    pub fn field_brought(&self, pointer: &str, code: &str) -> Message {
        let place = pointer.rsplit('/').next().and_then(|place| place.parse::<u32>().ok()).unwrap_or_default();
        let line = place.saturating_add(1).to_string();
        match code {
            "repeated" => self.batch_bring_repeated(line),
            "taken" => self.batch_bring_taken(line),
            _ => self.batch_bring_malformed(line),
        }
    }

    /// State of what can be switched, with its tone.
    pub fn switched(&self, is_on: bool) -> (&'static str, Message) {
        if is_on { ("ok", self.batch_enabled()) } else { ("bad", self.batch_disabled()) }
    }

    /// Status of a code, with its tone.
    pub fn code_status(&self, status: CodeStatus) -> (&'static str, Message) {
        match status {
            CodeStatus::Active => ("ok", self.code_status_active()),
            CodeStatus::Disabled => ("bad", self.code_status_disabled()),
            CodeStatus::Scheduled => ("wait", self.code_status_scheduled()),
            CodeStatus::Expired => ("", self.code_status_expired()),
            CodeStatus::UsedUp => ("info", self.code_status_used_up()),
        }
    }
}
