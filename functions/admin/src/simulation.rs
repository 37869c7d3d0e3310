//! Replay of a month under draft settings, for the operator (R12.5).

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::account::view::{Admin, SettingsWrite};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::page::{open, seal};
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::view::Amount;
use shared::kernel::fault::{Error, Fault};
use shared::kernel::id::{Identifier as _, UserId};
use shared::kernel::month::Month;
use shared::kernel::refusal::{FieldError, Refusal, code};
use shared::operations::change_settings::settings;
use shared::operations::model::budget::BudgetedProgramme;
use shared::operations::simulate::{self, Drafts, Simulate, simulate};
use utoipa::ToSchema;

/// A month to replay under draft settings.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Simulation {
    /// Programme: `referral`, `promotion` or `affiliate`.
    #[schema(value_type = BudgetedProgramme)]
    programme: String,
    /// Calendar month that has begun, in UTC.
    #[schema(example = "2026-11")]
    month: String,
    /// Fields of the programme's settings that differ from those of now.
    #[schema(value_type = Object, example = json!({"default_rate": "0.2"}))]
    settings: Value,
    /// Cursor of the next page, from the page before it, with the same programme, month and draft.
    cursor: Option<String>,
}

/// A page of a simulated month.
#[derive(Debug, Serialize, ToSchema)]
pub struct SimulatedMonth {
    /// Programme.
    programme: BudgetedProgramme,
    /// Calendar month.
    #[schema(example = "2026-11")]
    month: String,
    /// Sum that the programme granted to the users of this page; that of the month is the sum of its pages.
    real: Amount,
    /// Sum that it would have granted to them.
    simulated: Amount,
    /// Simulated less real.
    difference: Amount,
    /// Users who got something or would have, each with the invitee that it is for.
    users: Vec<SimulatedGrant>,
    /// Facts of the past that the simulation does not know.
    limits: Vec<&'static str>,
    /// Cursor of the next page; null at the end.
    next_cursor: Option<String>,
}

/// Grants of a user in a simulated month.
#[derive(Debug, Serialize, ToSchema)]
pub struct SimulatedGrant {
    /// Id of the user who gets them.
    user_id: UserId,
    /// Id of the user whose sign-up or payments they are for; null for a bonus.
    invitee_id: Option<UserId>,
    /// Amount that was granted.
    real: Amount,
    /// Amount that would have been granted.
    simulated: Amount,
    /// Simulated less real.
    difference: Amount,
}

impl TryFrom<&simulate::SimulatedGrant> for SimulatedGrant {
    type Error = Fault;

    fn try_from(of: &simulate::SimulatedGrant) -> Result<Self, Fault> {
        Ok(Self {
            user_id: of.user,
            invitee_id: of.invitee,
            real: of.real.into(),
            simulated: of.simulated.into(),
            difference: of.simulated.minus(of.real).map_err(Fault::bug)?.into(),
        })
    }
}

/// Replay a month under draft settings
///
/// The month is replayed by the functions that grant, with the draft in place of the settings; nothing is written. Commissions are those
/// of the month's paid orders; rewards and bonuses are those of its sign-ups, whose terms are the ones of the sign-up. A page is about at
/// most 25 orders or sign-ups, each user whole; it may be empty and still have a next one.
#[utoipa::path(
    post, path = "/v1/admin/simulations", operation_id = "simulateMonth", tag = "admin",
    responses((status = 200, body = SimulatedMonth), code::ForgedCursor),
)]
pub async fn run(
    State(app): State<Arc<App>>,
    admin: Admin<SettingsWrite>,
    body: Body<Simulation>,
) -> Result<Reply<SimulatedMonth>, Problem> {
    let asked = &body.value;
    let mut errors = Vec::new();
    let programme = BudgetedProgramme::parse(&asked.programme);
    if programme.is_none() {
        errors.push(FieldError::new("/programme", "one_of", "referral, promotion or affiliate"));
    }
    let month = Month::parse(&asked.month).filter(|month| *month <= Month::of(app.clock.now()));
    if month.is_none() {
        errors.push(FieldError::new("/month", "malformed", "a month that has begun, such as 2026-11"));
    }
    Refusal::unless_empty(errors)?;
    let (Some(programme), Some(month)) = (programme, month) else { return Err(Refusal::MalformedRequest.into()) };
    let stored = settings(&app, programme.area()).await?.settings;
    let drafts = Drafts::read(programme, &stored, &asked.settings)?;
    let list = format!("simulation:{}:{programme}:{month}:{}", admin.id, asked.settings);
    let opened = |cursor: &str| open(&app.config.secret, &list, cursor).ok_or(Refusal::ForgedCursor);
    let ask = Simulate { month, drafts, after: asked.cursor.as_deref().map(opened).transpose()? };
    let page = simulate(&app, &ask).await?;
    let users = page.grants.iter().map(SimulatedGrant::try_from).collect::<Result<_, _>>().map_err(Error::from)?;
    Ok(Reply::ok(SimulatedMonth {
        programme,
        month: month.to_string(),
        real: page.real.into(),
        simulated: page.simulated.into(),
        difference: page.difference.into(),
        users,
        limits: ask.drafts.limits().to_vec(),
        next_cursor: page.next.map(|next| seal(&app.config.secret, &list, &next)),
    }))
}
