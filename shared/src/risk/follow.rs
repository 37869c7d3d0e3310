//! Commissions follow the decision about their invitee's case (R10.2); used by the reward worker.

use std::collections::BTreeSet;

use crate::affiliate::release_commission::release_held;
use crate::affiliate::release_holds::mature;
use crate::affiliate::reverse_commission::reject_held;
use crate::app::App;
use crate::message::{Message, ReceivedMessage};
use crate::risk::model::case::{CaseState, HeldCommission, RiskCase};
use crate::risk::table::held_of;
use kernel::fault::{Chain, Error, Fault};
use kernel::id::UserId;
use table::context::Ctx;
use table::store::{Index, Query};

/// Brings the held commissions of decided cases to where their decisions say.
///
/// Returns the ids of the records to redeliver.
pub async fn follow_decisions(app: &App, ctx: &Ctx, records: &[ReceivedMessage]) -> Vec<String> {
    let mut failed = Vec::new();
    for record in records {
        let Message::RiskCaseDecided { invitee, .. } = record.envelope.message else { continue };
        if let Err(error) = follow_decision(app, ctx, invitee).await {
            tracing::error!(error = %Chain(&error), %invitee, "commissions are still held");
            failed.push(record.id.clone());
        }
    }
    failed
}

/// Releases or rejects the held commissions of an invitee's decided case, each in a transaction of its own.
///
/// # Errors
/// A fault; the rest is then still held.
pub async fn follow_decision(app: &App, ctx: &Ctx, invitee: UserId) -> Result<(), Error> {
    let case = app.store.get::<RiskCase>(&RiskCase::key(invitee)).await?;
    let case = case.ok_or_else(|| Fault::bug("a decision about no case"))?;
    let query = Query::newest(Index::Table, held_of(invitee), 100);
    let mut released = BTreeSet::from([case.inviter]);
    for held in app.store.all::<HeldCommission>(query).await? {
        match case.state {
            CaseState::Released => released.extend(release_held(app, ctx, &held).await?),
            CaseState::Rejected => {
                let reason = case.decision.as_ref().map(|decision| decision.reason.clone()).unwrap_or_default();
                reject_held(app, ctx, &held, reason).await?;
            }
            CaseState::Flagged | CaseState::Held => {}
        }
    }
    if case.state == CaseState::Released {
        // The inviter's too if nothing is held: an earlier delivery may have released it and failed here.
        for beneficiary in released {
            mature(app, ctx, beneficiary).await?;
        }
    }
    Ok(())
}
