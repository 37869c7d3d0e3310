//! Creation and change of plans by admins (R7.2, R7.5).

use serde::Serialize;

use crate::app::App;
use crate::operations::audit_log::by_admin;
use crate::redemption::model::plan::Plan;
use kernel::fault::{Error, Fault};
use kernel::id::{PlanId, UserId};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::tx::Tx;

/// Editable fields of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanTerms {
    /// Display name.
    pub name: String,
    /// Maximum live subscriptions per user; 0 is no limit.
    pub quota: u32,
    /// False while the plan cannot be redeemed.
    pub on_sale: bool,
    /// Traffic limit in bytes per extension; `None` is no limit.
    pub traffic_bytes: Option<u64>,
}

impl PlanTerms {
    fn of(plan: &Plan) -> Self {
        let Plan { name, quota, on_sale, traffic_bytes, .. } = plan.clone();
        Self { name, quota, on_sale, traffic_bytes }
    }

    fn written(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    fn on(self, plan: Plan) -> Plan {
        let Self { name, quota, on_sale, traffic_bytes } = self;
        Plan { name, quota, on_sale, traffic_bytes, ..plan }
    }
}

/// Creates a plan.
///
/// # Errors
/// A fault when the write fails.
pub async fn create_plan(app: &App, ctx: &Ctx, terms: &PlanTerms, admin: UserId) -> Result<Answered<Plan>, Error> {
    app.execute(ctx, || async {
        let (id, created_at) = (PlanId::new(app.ulid()), app.clock.now());
        let bare =
            Plan { id, version: 1, name: String::new(), quota: 0, on_sale: false, traffic_bytes: None, created_at };
        let plan = terms.clone().on(bare);
        let mut tx = app.tx();
        tx.insert(&plan);
        let audit = by_admin(app, ctx, admin, "plan.created", id.to_string());
        tx.insert(&audit.change("", terms.written()));
        Ok((plan, tx))
    })
    .await
}

/// Request to change a plan.
#[derive(Debug, Clone)]
pub struct ChangePlan {
    pub plan: PlanId,
    /// Version that the caller read.
    pub version: u64,
    pub terms: PlanTerms,
    pub admin: UserId,
}

/// Changes a plan.
///
/// Existing subscriptions keep their end and traffic limit until their next extension. A repeated request has no effect and
/// returns the same answer.
///
/// # Rejects
/// [`Refusal::NotFound`]; [`Refusal::VersionMismatch`] after a concurrent change.
pub async fn change_plan(app: &App, ctx: &Ctx, ask: &ChangePlan) -> Result<Answered<Plan>, Error> {
    app.execute(&ctx.unkeyed(), || plan_change(app, ctx, ask)).await
}

async fn plan_change(app: &App, ctx: &Ctx, ask: &ChangePlan) -> Result<(Plan, Tx), Error> {
    let before = app.store.get::<Plan>(&Plan::key(ask.plan)).await?.ok_or(Refusal::NotFound)?;
    let next = ask.version.checked_add(1).ok_or(Refusal::VersionMismatch)?;
    let after = ask.terms.clone().on(Plan { version: next, ..Plan::clone(&before) });
    let mut tx = app.tx();
    if *before == after {
        return Ok((after, tx));
    }
    if before.version != ask.version {
        return Err(Refusal::VersionMismatch.into());
    }
    tx.replace(&before, &after);
    let audit = by_admin(app, ctx, ask.admin, "plan.changed", ask.plan.to_string());
    tx.insert(&audit.change(PlanTerms::of(&before).written(), ask.terms.written()));
    Ok((after, tx))
}

/// Reads a plan.
///
/// # Rejects
/// [`Refusal::NotFound`].
pub async fn plan(app: &App, plan: PlanId) -> Result<Plan, Error> {
    let found: Result<_, Fault> = app.store.get::<Plan>(&Plan::key(plan)).await;
    Ok(found?.ok_or(Refusal::NotFound)?.into_inner())
}
