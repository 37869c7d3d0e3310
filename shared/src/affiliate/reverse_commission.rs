//! Permanent reversal of a commission by an admin (R9.3); a withdrawn share becomes debt (R6.4).

use crate::affiliate::accrual::{AccrualState, source_of};
use crate::affiliate::model::commission::{Commission, CommissionAccount, Earnings};
use crate::affiliate::model::purchase::Purchase;
use crate::app::App;
use crate::operations::audit_log::{by_admin, by_system};
use crate::operations::model::audit_record::AuditRecord;
use crate::payment::model::order::Order;
use crate::risk::model::case::HeldCommission;
use kernel::fault::{Error, Fault};
use kernel::id::{CommissionId, JournalId, UserId};
use kernel::ledger::{JournalOrigin, Operator};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::tx::Tx;

/// Request to reverse a commission.
#[derive(Debug, Clone)]
pub struct ReverseCommission {
    pub commission: CommissionId,
    pub reason: String,
    pub admin: UserId,
}

/// Reverses a commission permanently; a no-op when it is reversed already.
///
/// # Rejects
/// [`Refusal::NotFound`].
pub async fn reverse_commission(app: &App, ctx: &Ctx, ask: &ReverseCommission) -> Result<Answered<Commission>, Error> {
    app.execute(ctx, || plan(app, ctx, ask)).await
}

async fn plan(app: &App, ctx: &Ctx, ask: &ReverseCommission) -> Result<(Commission, Tx), Error> {
    let audit = by_admin(app, ctx, ask.admin, "commission.reversed", ask.commission.to_string());
    reverse(app, ctx, ask.commission, audit.because(ask.reason.clone()), ask.reason.clone()).await
}

/// Rejects a commission whose case was rejected: it is taken back from what is pending, for good.
///
/// # Errors
/// A fault; nothing is written then.
pub(crate) async fn reject_held(app: &App, ctx: &Ctx, held: &HeldCommission, reason: String) -> Result<(), Error> {
    let id = Commission::id_of(held.order);
    let plan = || async {
        let audit = by_system(app, ctx, "commission.reversed", id.to_string());
        reverse(app, ctx, id, audit.because(reason.clone()), reason.clone()).await
    };
    app.execute(&ctx.unkeyed(), plan).await.map(|_| ())
}

async fn reverse(
    app: &App,
    ctx: &Ctx,
    commission: CommissionId,
    audit: AuditRecord,
    reason: String,
) -> Result<(Commission, Tx), Error> {
    let mut tx = app.tx();
    let order = Commission::order_of(commission);
    let keys = (Commission::key(commission), Order::key(order), Purchase::key(order));
    let (commission, mut order, mut purchase) = app.store.read(keys).await?;
    let commission = commission.ok_or(Refusal::NotFound)?;
    if let Some(earned) = commission.second_of {
        (order, purchase) = app.store.read((Order::key(earned), Purchase::key(earned))).await?;
    }
    if commission.denied.is_some() {
        return Ok((commission.into_inner(), tx));
    }
    let id = commission.order;
    let source = source_of(order.as_deref(), purchase.as_deref())?;
    let source = if commission.second_of.is_some() { source.and_then(|source| source.second()) } else { source };
    let invitee = commission.counts().then(|| Earnings::key(commission.invitee));
    let held = commission.under_review.then(|| HeldCommission::key(commission.invitee, commission.order));
    let (account, earnings, held) =
        app.store.read((CommissionAccount::key(commission.beneficiary), invitee, held)).await?;
    let account = account.ok_or_else(|| Fault::bug("a commission on no account"))?;
    let audit = audit.change(commission.left().to_string(), "0");
    let mut settled = AccrualState::default();
    settled.now.accounts.insert(account.user, *account);
    settled.now.commissions.insert(id, Commission::clone(&commission));
    settled.now.earnings.extend(earnings.as_deref().map(|earnings| (earnings.invitee, earnings.clone())));
    settled.earnings.extend(earnings.map(|earnings| (earnings.invitee, earnings)));
    settled.accounts.insert(account.user, account);
    let is_posted = commission.posted.is_some();
    settled.commissions.insert(id, commission);
    let by = JournalOrigin {
        operator: Operator::Admin,
        actor: audit.actor.clone(),
        request_id: ctx.request_id.clone(),
        at: app.clock.now(),
    };
    let journal = JournalId::new(app.ulid());
    let denied = match source {
        _ if is_posted => settled.now.deny_posted(id, reason, &by, journal),
        Some(order) => settled.now.deny(&order, reason, &by, journal),
        None => return Err(Fault::bug("a commission without its order").into()),
    };
    denied.map_err(Fault::bug)?;
    settled.write(&mut tx);
    if let Some(held) = held {
        tx.remove(&held);
    }
    tx.insert(&audit);
    let after = settled.now.commissions.remove(&id);
    Ok((after.ok_or_else(|| Fault::bug("a commission that went"))?, tx))
}
