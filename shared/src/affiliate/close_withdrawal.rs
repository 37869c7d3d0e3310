//! Close of a cash withdrawal, once: an admin pays or rejects it, or its user or shop cancels it (R6.6).

use crate::account::model::access::Bearer;
use crate::account::model::user::User;
use crate::affiliate::model::commission::CommissionAccount;
use crate::affiliate::model::withdrawal::{CashStep, Withdrawal, WithdrawalResolution, WithdrawalState};
use crate::affiliate::table::put_account;
use crate::affiliate::withdraw::{Withdrawn, refused, told};
use crate::agency::model::wallet::Wallet;
use crate::app::App;
use crate::operations::audit_log::by_admin;
use crate::payment::credit_order::header;
use kernel::fault::{Error, Fault};
use kernel::id::{ShopId, UserId, WithdrawalId};
use kernel::ledger::{Header, Operator, PlatformAccount, PlatformLine};
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
    /// The agent of the shop whose commission it is.
    Agent {
        id: UserId,
        shop: ShopId,
    },
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
/// [`Refusal::NotFound`], also for another user's or shop's withdrawal; [`Refusal::AccountBlocked`]; [`Refusal::WithdrawalClosed`] when
/// it is closed with another resolution.
pub async fn close_withdrawal(app: &App, ctx: &Ctx, ask: &CloseWithdrawal) -> Result<Answered<Withdrawn>, Error> {
    app.execute(ctx, || plan(app, ctx, ask)).await
}

async fn plan(app: &App, ctx: &Ctx, ask: &CloseWithdrawal) -> Result<(Withdrawn, Tx), Error> {
    let mut tx = app.tx();
    let (withdrawal, funds) = read(app, ask).await?;
    if is_so(&withdrawal, &ask.verdict) {
        return Ok(((&*withdrawal).into(), tx));
    }
    let (operator, actor) = match ask.who {
        ClosedBy::Admin(admin) => (Operator::Admin, format!("admin:{admin}")),
        ClosedBy::Owner(by) => (Operator::User, by.user.to_string()),
        ClosedBy::Agent { id, .. } => (Operator::User, id.to_string()),
    };
    let now = app.clock.now();
    let header = header(app, ctx, Withdrawal::cause(withdrawal.id), operator, actor, now).correcting(withdrawal.last);
    let (after, step) = withdrawal.settled(&ask.verdict, now, header.as_last())?;
    tx.replace(&withdrawal, &after);
    funds.take(&mut tx, header, step, withdrawal.id)?;
    if let ClosedBy::Admin(admin) = ask.who {
        let action = format!("withdrawal.{}", after.state.as_str());
        let audit = by_admin(app, ctx, admin, &action, withdrawal.id.to_string());
        let said = after.reference.as_ref().or(after.reason.as_ref()).cloned().unwrap_or_default();
        tx.insert(&audit.change(withdrawal.state.as_str(), after.state.as_str()).because(said));
    }
    tx.send(told(&after));
    Ok(((&after).into(), tx))
}

/// Account that a withdrawal takes from.
enum Funds {
    Commission(Versioned<CommissionAccount>),
    Wallet(Versioned<Wallet>),
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
                put_account(tx, Some(account), &after);
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
    match ask.who {
        ClosedBy::Admin(_) => {
            let found = app.store.get::<Withdrawal>(&key).await?.ok_or(Refusal::NotFound)?;
            let funds = match found.shop {
                Some(shop) => app.store.get(&Wallet::key(shop)).await?.map(Funds::Wallet),
                None => app.store.get(&CommissionAccount::key(found.user)).await?.map(Funds::Commission),
            };
            Ok((found, funds.ok_or_else(lost)?))
        }
        ClosedBy::Owner(by) => {
            let user = by.user;
            let keys = (key, CommissionAccount::key(user), User::key(user));
            let (found, account, owner) = app.store.read(keys).await?;
            owner.ok_or(Refusal::Unauthenticated)?.must_admit(&by)?;
            let found = found.filter(|found| found.shop.is_none() && found.user == user).ok_or(Refusal::NotFound)?;
            Ok((found, account.map(Funds::Commission).ok_or_else(lost)?))
        }
        ClosedBy::Agent { shop, .. } => {
            let (found, wallet) = app.store.read((key, Wallet::key(shop))).await?;
            let found = found.filter(|found| found.shop == Some(shop)).ok_or(Refusal::NotFound)?;
            Ok((found, wallet.map(Funds::Wallet).ok_or_else(lost)?))
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
