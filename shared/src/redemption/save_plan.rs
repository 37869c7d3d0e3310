//! Plans are made and changed by admins (R7.2, R7.5).

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

/// What a plan is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanTerms {
    /// What people call it.
    pub name: String,
    /// Most live subscriptions per user; 0 is no limit.
    pub quota: u32,
    /// Whether it can be had.
    pub on_sale: bool,
    /// What a subscription may transfer per extension.
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

/// Makes a plan.
///
/// # Errors
/// When it can't be written.
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

/// A change of a plan as it was read.
#[derive(Debug, Clone)]
pub struct ChangePlan {
    /// Which.
    pub plan: PlanId,
    /// Which version was read.
    pub version: u64,
    /// What it is to be.
    pub terms: PlanTerms,
    /// Who changes it.
    pub admin: UserId,
}

/// Changes a plan. Subscriptions that there are keep their end and their traffic until they are extended. A repeated request finds
/// its own write and gets the same answer.
///
/// # Refuses
/// [`Refusal::NotFound`]; [`Refusal::VersionMismatch`] when somebody changed it meanwhile.
pub async fn change_plan(app: &App, ctx: &Ctx, ask: &ChangePlan) -> Result<Answered<Plan>, Error> {
    app.execute(ctx, || plan_change(app, ctx, ask)).await
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

/// A plan.
///
/// # Refuses
/// [`Refusal::NotFound`].
pub async fn plan(app: &App, plan: PlanId) -> Result<Plan, Error> {
    let found: Result<_, Fault> = app.store.get::<Plan>(&Plan::key(plan)).await;
    Ok(found?.ok_or(Refusal::NotFound)?.into_inner())
}
