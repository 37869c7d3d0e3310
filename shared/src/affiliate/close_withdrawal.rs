//! Close of a cash withdrawal, once: an admin pays or rejects it, or its user cancels it (R6.6).

use crate::account::model::access::Bearer;
use crate::account::model::user::User;
use crate::affiliate::model::commission::{CommissionAccount, CommissionMove};
use crate::affiliate::model::withdrawal::{Withdrawal, WithdrawalResolution, WithdrawalState};
use crate::affiliate::withdraw::{Withdrawn, refused};
use crate::app::App;
use crate::message::Message;
use crate::operations::audit_log::by_admin;
use crate::payment::credit_order::header;
use kernel::fault::{Error, Fault};
use kernel::id::{UserId, WithdrawalId};
use kernel::ledger::{Operator, PlatformAccount, PlatformLine};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::item::Versioned;
use table::tx::Tx;

/// Actor who closes a withdrawal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosedBy {
    Admin(UserId),
    /// The user who requested it.
    Owner(Bearer),
}

/// Request to close a withdrawal.
#[derive(Debug, Clone)]
pub struct CloseWithdrawal {
    pub withdrawal: WithdrawalId,
    pub verdict: WithdrawalResolution,
    pub who: ClosedBy,
}

/// Closes a withdrawal; a no-op when it is closed with the same resolution.
///
/// # Rejects
/// [`Refusal::NotFound`], also for another user's withdrawal; [`Refusal::AccountBlocked`]; [`Refusal::WithdrawalClosed`] when
/// it is closed with another resolution.
pub async fn close_withdrawal(app: &App, ctx: &Ctx, ask: &CloseWithdrawal) -> Result<Answered<Withdrawn>, Error> {
    app.execute(ctx, || plan(app, ctx, ask)).await
}

async fn plan(app: &App, ctx: &Ctx, ask: &CloseWithdrawal) -> Result<(Withdrawn, Tx), Error> {
    let mut tx = app.tx();
    let (withdrawal, account) = read(app, ask).await?;
    if is_so(&withdrawal, &ask.verdict) {
        return Ok(((&*withdrawal).into(), tx));
    }
    let (operator, actor) = match ask.who {
        ClosedBy::Admin(admin) => (Operator::Admin, format!("admin:{admin}")),
        ClosedBy::Owner(by) => (Operator::User, by.user.to_string()),
    };
    let now = app.clock.now();
    let header = header(app, ctx, Withdrawal::cause(withdrawal.id), operator, actor, now).correcting(withdrawal.last);
    let (after, moved) = withdrawal.settled(&ask.verdict, now, header.as_last())?;
    let house = match moved {
        CommissionMove::PayOut(amount) => vec![PlatformLine::new(PlatformAccount::Payout, amount)],
        _ => Vec::new(),
    };
    let posted = account.post(header, &[moved], &withdrawal.id.to_string(), house);
    let (amounts, posting) = posted.map_err(|error| refused(&error))?;
    tx.replace(&withdrawal, &after);
    tx.replace(&account, &amounts);
    tx.insert(&posting);
    if let ClosedBy::Admin(admin) = ask.who {
        let action = format!("withdrawal.{}", after.state.as_str());
        let audit = by_admin(app, ctx, admin, &action, withdrawal.id.to_string());
        let said = after.reference.as_ref().or(after.reason.as_ref()).cloned().unwrap_or_default();
        tx.insert(&audit.change(withdrawal.state.as_str(), after.state.as_str()).because(said));
    }
    tx.send(Message::WithdrawalStateChanged {
        withdrawal: withdrawal.id,
        user: withdrawal.user,
        state: Some(after.state),
    });
    Ok(((&after).into(), tx))
}

async fn read(
    app: &App,
    ask: &CloseWithdrawal,
) -> Result<(Versioned<Withdrawal>, Versioned<CommissionAccount>), Error> {
    let key = Withdrawal::key(ask.withdrawal);
    let (withdrawal, account) = match ask.who {
        ClosedBy::Admin(_) => {
            let found = app.store.get::<Withdrawal>(&key).await?.ok_or(Refusal::NotFound)?;
            let account = app.store.get(&CommissionAccount::key(found.user)).await?;
            (found, account)
        }
        ClosedBy::Owner(by) => {
            let user = by.user;
            let keys = (key, CommissionAccount::key(user), User::key(user));
            let (found, account, owner) = app.store.read(keys).await?;
            owner.ok_or(Refusal::Unauthenticated)?.must_admit(&by)?;
            (found.filter(|found| found.user == user).ok_or(Refusal::NotFound)?, account)
        }
    };
    Ok((withdrawal, account.ok_or_else(|| Fault::bug("a withdrawal without an account"))?))
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
