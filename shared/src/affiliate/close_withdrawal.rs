//! Close of a cash withdrawal, once: an admin pays or rejects it, or its user or shop cancels it (R6.6).
//!
//! While it is open in a payout batch it is closed as a line of that batch only: by an admin through the batch, or by the operator's
//! backend, which reports what became of it. The line ends in the same transaction (R6.9).
//!
//! Above a limit of the settings the first approval is only recorded, and that of a second, different admin pays (R6.9). Until
//! then either admin may reject it, and its user may cancel it.

use crate::account::model::access::Bearer;
use crate::account::model::user::User;
use crate::affiliate::model::commission::CommissionAccount;
use crate::affiliate::model::payout_batch::{PayoutBatch, PayoutEnd};
use crate::affiliate::model::settings::AffiliateSettings;
use crate::affiliate::model::withdrawal::{CashStep, FirstApproval, Withdrawal, WithdrawalResolution, WithdrawalState};
use crate::affiliate::table::put_account;
use crate::affiliate::withdraw::{Withdrawn, refused, told};
use crate::agency::model::wallet::Wallet;
use crate::app::App;
use crate::operations::audit_log::{by_admin, by_service};
use crate::payment::credit_order::header;
use kernel::fault::{Error, Fault};
use kernel::id::{PayoutBatchId, ShopId, UserId, WithdrawalId};
use kernel::ledger::{Header, Operator, PlatformAccount, PlatformLine};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::item::Versioned;
use table::tx::Tx;

/// Actor who closes a withdrawal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClosedBy {
    Admin(UserId),
    /// An admin, as a line of this payout batch.
    Batch {
        admin: UserId,
        batch: PayoutBatchId,
    },
    /// The operator's backend, by the name of its service key, as a line of whichever payout batch.
    Service(String),
    /// The user who requested it.
    Owner(Bearer),
    /// The agent of the shop whose commission it is.
    Agent {
        id: UserId,
        shop: ShopId,
    },
}

/// Most reads of a withdrawal that leaves one batch for another meanwhile.
const READS: usize = 8;

/// Request to close a withdrawal.
#[derive(Debug, Clone)]
pub struct CloseWithdrawal {
    pub withdrawal: WithdrawalId,
    pub verdict: WithdrawalResolution,
    pub who: ClosedBy,
}

/// Closes a withdrawal; a no-op when it is closed with the same resolution.
///
/// An approval that needs a second one is recorded, and leaves it open.
///
/// # Rejects
/// [`Refusal::SecondAdminRequired`] when this admin gave the first approval;
/// [`Refusal::NotFound`], also for another user's or shop's withdrawal; [`Refusal::AccountBlocked`]; [`Refusal::WithdrawalClosed`] when
/// it is closed with another resolution; [`Refusal::WithdrawalInBatch`] when it is open in a payout batch, and
/// [`Refusal::WithdrawalNotInBatch`] when it is closed as a line of one and is none.
pub async fn close_withdrawal(app: &App, ctx: &Ctx, ask: &CloseWithdrawal) -> Result<Answered<Withdrawn>, Error> {
    app.execute(ctx, || plan(app, ctx, ask)).await
}

async fn plan(app: &App, ctx: &Ctx, ask: &CloseWithdrawal) -> Result<(Withdrawn, Tx), Error> {
    let mut tx = app.tx();
    let (withdrawal, funds, batch) = read_with_batch(app, ask).await?;
    ask.who.must_close_it_in(&withdrawal)?;
    if is_so(&withdrawal, &ask.verdict) {
        return Ok(((&*withdrawal).into(), tx));
    }
    if let Some(once) = approved_once(app, ctx, ask, &withdrawal, &mut tx).await? {
        return Ok(((&once).into(), tx));
    }
    let (operator, actor) = match &ask.who {
        ClosedBy::Admin(admin) | ClosedBy::Batch { admin, .. } => (Operator::Admin, format!("admin:{admin}")),
        ClosedBy::Service(name) => (Operator::Service(name.clone()), format!("service:{name}")),
        ClosedBy::Owner(by) => (Operator::User, by.user.to_string()),
        ClosedBy::Agent { id, .. } => (Operator::User, id.to_string()),
    };
    let now = app.clock.now();
    let header = header(app, ctx, Withdrawal::cause(withdrawal.id), operator, actor, now).correcting(withdrawal.last);
    let (after, step) = withdrawal.settled(&ask.verdict, now, header.as_last())?;
    // An admin who pays by themselves after the limit was lifted has given the only approval.
    let first_approval = after.first_approval.clone().filter(|first| ask.who != ClosedBy::Admin(first.admin));
    let after = Withdrawal { first_approval, ..after };
    tx.replace(&withdrawal, &after);
    funds.take(&mut tx, header, step, withdrawal.id)?;
    if let Some(batch) = &batch {
        let end = if after.state == WithdrawalState::Paid { PayoutEnd::Paid } else { PayoutEnd::Failed };
        tx.replace(batch, &batch.ended(after.id, end)?);
    }
    let (action, id) = (format!("withdrawal.{}", after.state.as_str()), withdrawal.id.to_string());
    let audit = match &ask.who {
        ClosedBy::Admin(admin) | ClosedBy::Batch { admin, .. } => Some(by_admin(app, ctx, *admin, &action, id)),
        ClosedBy::Service(name) => Some(by_service(app, ctx, name, &action, id)),
        ClosedBy::Owner(_) | ClosedBy::Agent { .. } => None,
    };
    if let Some(audit) = audit {
        let said = after.reference.as_ref().or(after.reason.as_ref()).cloned().unwrap_or_default();
        tx.insert(&audit.change(withdrawal.state.as_str(), after.state.as_str()).because(said));
    }
    tx.send(told(&after));
    Ok(((&after).into(), tx))
}

impl ClosedBy {
    /// Requires that this actor may close the withdrawal, in or outside of its payout batch.
    fn must_close_it_in(&self, withdrawal: &Withdrawal) -> Result<(), Refusal> {
        let is_line = match self {
            Self::Batch { batch, .. } => withdrawal.batch == Some(*batch),
            Self::Service(_) => withdrawal.batch.is_some(),
            Self::Admin(_) | Self::Owner(_) | Self::Agent { .. } if withdrawal.is_in_batch() => {
                return Err(Refusal::WithdrawalInBatch);
            }
            Self::Admin(_) | Self::Owner(_) | Self::Agent { .. } => true,
        };
        if is_line { Ok(()) } else { Err(Refusal::WithdrawalNotInBatch) }
    }
}

/// Withdrawal, the account that it takes from, and the payout batch in which it is open.
type Found = (Versioned<Withdrawal>, Funds, Option<Versioned<PayoutBatch>>);

/// Reads a withdrawal with its account and, while it is open in one, its payout batch.
///
/// A batch that has ended its line meanwhile is newer than the withdrawal, which is then read again.
async fn read_with_batch(app: &App, ask: &CloseWithdrawal) -> Result<Found, Error> {
    for _ in 0..READS {
        let (withdrawal, funds) = read(app, ask).await?;
        let Some(batch) = withdrawal.batch.filter(|_| withdrawal.is_in_batch()) else {
            return Ok((withdrawal, funds, None));
        };
        let batch = app.store.get::<PayoutBatch>(&PayoutBatch::key(batch)).await?;
        let batch = batch.ok_or_else(|| Fault::bug("a withdrawal in an unknown payout batch"))?;
        if batch.line(withdrawal.id).is_some_and(|line| line.end.is_none()) {
            return Ok((withdrawal, funds, Some(batch)));
        }
    }
    Err(Fault::bug("a withdrawal that is open in a payout batch, without a line").into())
}

/// Records the first of two approvals and returns the withdrawal with it; `None` if this request ends it.
async fn approved_once(
    app: &App,
    ctx: &Ctx,
    ask: &CloseWithdrawal,
    withdrawal: &Versioned<Withdrawal>,
    tx: &mut Tx,
) -> Result<Option<Withdrawal>, Error> {
    let (&ClosedBy::Admin(admin), WithdrawalResolution::Paid(reference)) = (&ask.who, &ask.verdict) else {
        return Ok(None);
    };
    let limit = app.settings::<AffiliateSettings>().await?.settings.second_approval_above;
    let approval = FirstApproval { admin, at: app.clock.now(), reference: reference.clone() };
    let Some(once) = withdrawal.approved_once(limit, approval)? else { return Ok(None) };
    tx.replace(withdrawal, &once);
    let audit = by_admin(app, ctx, admin, "withdrawal.approved", withdrawal.id.to_string());
    let state = withdrawal.state.as_str();
    tx.insert(&audit.change(state, state).because(reference.clone()));
    Ok(Some(once))
}

/// Account that a withdrawal takes from.
enum Funds {
    Commission(Box<Versioned<CommissionAccount>>),
    Wallet(Box<Versioned<Wallet>>),
}

impl Funds {
    /// Writes the account and the journal of a step.
    fn take(&self, tx: &mut Tx, header: Header, step: CashStep, id: WithdrawalId) -> Result<(), Error> {
        let related = id.to_string();
        match self {
            Self::Commission(account) => {
                let house = match step {
                    CashStep::PayOut(amount) => vec![PlatformLine::new(PlatformAccount::Payout, amount)],
                    CashStep::Hold(_) | CashStep::Release(_) => Vec::new(),
                };
                let posted = account.post(header, &[step.into()], &related, house);
                let (after, posting) = posted.map_err(|error| refused(&error))?;
                put_account(tx, Some(account.as_ref()), &after);
                tx.insert(&posting);
            }
            Self::Wallet(wallet) => {
                let (after, postings) = wallet.withdraw(&header, step, &related).map_err(|error| refused(&error))?;
                tx.replace(wallet, &after);
                for posting in &postings {
                    tx.insert(posting);
                }
            }
        }
        Ok(())
    }
}

async fn read(app: &App, ask: &CloseWithdrawal) -> Result<(Versioned<Withdrawal>, Funds), Error> {
    let key = Withdrawal::key(ask.withdrawal);
    let lost = || Fault::bug("a withdrawal without an account");
    match &ask.who {
        ClosedBy::Admin(_) | ClosedBy::Batch { .. } | ClosedBy::Service(_) => {
            let found = app.store.get::<Withdrawal>(&key).await?.ok_or(Refusal::NotFound)?;
            let funds = match found.shop {
                Some(shop) => app.store.get(&Wallet::key(shop)).await?.map(Box::new).map(Funds::Wallet),
                None => app.store.get(&CommissionAccount::key(found.user)).await?.map(Box::new).map(Funds::Commission),
            };
            Ok((found, funds.ok_or_else(lost)?))
        }
        ClosedBy::Owner(by) => {
            let user = by.user;
            let keys = (key, CommissionAccount::key(user), User::key(user));
            let (found, account, owner) = app.store.read(keys).await?;
            owner.ok_or(Refusal::Unauthenticated)?.must_admit(by)?;
            let found = found.filter(|found| found.shop.is_none() && found.user == user).ok_or(Refusal::NotFound)?;
            Ok((found, account.map(Box::new).map(Funds::Commission).ok_or_else(lost)?))
        }
        ClosedBy::Agent { shop, .. } => {
            let (found, wallet) = app.store.read((key, Wallet::key(*shop))).await?;
            let found = found.filter(|found| found.shop == Some(*shop)).ok_or(Refusal::NotFound)?;
            Ok((found, wallet.map(Box::new).map(Funds::Wallet).ok_or_else(lost)?))
        }
    }
}

fn is_so(withdrawal: &Withdrawal, verdict: &WithdrawalResolution) -> bool {
    match verdict {
        WithdrawalResolution::Paid(reference) => {
            withdrawal.state == WithdrawalState::Paid && withdrawal.reference.as_ref() == Some(reference)
        }
        WithdrawalResolution::Rejected(reason) => {
            withdrawal.state == WithdrawalState::Rejected && withdrawal.reason.as_ref() == Some(reason)
        }
        WithdrawalResolution::Cancelled => withdrawal.state == WithdrawalState::Cancelled,
    }
}
