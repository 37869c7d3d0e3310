//! Drop of a payout batch: its open withdrawals are requested as before (R6.9).

use crate::affiliate::model::payout_batch::{PayoutBatch, PayoutEnd};
use crate::affiliate::model::withdrawal::Withdrawal;
use crate::app::App;
use crate::operations::audit_log::by_admin;
use kernel::fault::{Error, Fault};
use kernel::id::{PayoutBatchId, UserId};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::tx::Tx;

/// Request to drop a payout batch.
#[derive(Debug, Clone)]
pub struct DropPayoutBatch {
    pub batch: PayoutBatchId,
    pub reason: String,
    pub admin: UserId,
}

/// Drops every open line, in one transaction with its withdrawals; a no-op for a batch whose lines were dropped.
///
/// Lines that were paid or failed stay as they are.
///
/// # Rejects
/// [`Refusal::NotFound`]; [`Refusal::PayoutBatchClosed`] when each line was paid or failed.
pub async fn drop_payout_batch(app: &App, ctx: &Ctx, ask: &DropPayoutBatch) -> Result<Answered<PayoutBatch>, Error> {
    app.execute(ctx, || plan(app, ctx, ask)).await
}

async fn plan(app: &App, ctx: &Ctx, ask: &DropPayoutBatch) -> Result<(PayoutBatch, Tx), Error> {
    let mut tx = app.tx();
    let batch = app.store.get::<PayoutBatch>(&PayoutBatch::key(ask.batch)).await?.ok_or(Refusal::NotFound)?;
    if batch.count(None) == 0 {
        let was_dropped = batch.count(Some(PayoutEnd::Dropped)) > 0;
        return if was_dropped { Ok((batch.into_inner(), tx)) } else { Err(Refusal::PayoutBatchClosed.into()) };
    }
    let open = batch.lines.iter().filter(|line| line.end.is_none());
    let keys: Vec<_> = open.map(|line| Withdrawal::key(line.withdrawal)).collect();
    let mut after = PayoutBatch::clone(&batch);
    for withdrawal in app.store.read(keys).await? {
        let withdrawal = withdrawal.ok_or_else(|| Fault::bug("a payout batch of an unknown withdrawal"))?;
        after = after.ended(withdrawal.id, PayoutEnd::Dropped)?;
        tx.replace(&withdrawal, &Withdrawal { batch: None, ..Withdrawal::clone(&withdrawal) });
    }
    tx.replace(&batch, &after);
    let audit = by_admin(app, ctx, ask.admin, "payout_batch.dropped", batch.id.to_string());
    let states = (batch.state().as_str(), after.state().as_str());
    tx.insert(&audit.change(states.0, states.1).because(ask.reason.clone()));
    Ok((after, tx))
}
