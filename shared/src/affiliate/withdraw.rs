//! Withdrawing commission (R6.5, R6.6): to the balance at once, or as cash, set aside until somebody decides.
//!
//! One read and one commit: the account's amounts are part of the condition, so parallel requests never take more than is
//! available. Commissions whose hold time is over are matured first.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::account::model::user::User;
use crate::affiliate::model::commission::CommissionAccount;
use crate::affiliate::model::settings::AffiliateSettings;
use crate::affiliate::model::withdrawal::{Destination, Payout, Withdrawal, WithdrawalState};
use crate::affiliate::release_holds::{mature, overdue};
use crate::app::App;
use crate::message::Message;
use crate::payment::credit_order::header;
use kernel::fault::{Error, Fault};
use kernel::id::{UserId, WithdrawalId};
use kernel::ledger::{Header, LedgerError, NewLine, Operator, PlatformAccount, PlatformLine, RecordType};
use kernel::money::LedgerMoney;
use kernel::refusal::Refusal;
use table::execute::Answered;
use table::idempotency::Idempotency;
use table::item::Versioned;
use table::telemetry as metrics;
use table::tx::{OnConflict, Tx};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Withdraw {
    /// Whose commission.
    pub user: UserId,
    /// How much, in ledger currency, above zero.
    pub amount: Decimal,
    /// Where cash goes; none is to the balance.
    pub payout: Option<Payout>,
}

/// A withdrawal as its user sees it, and as it is kept for a repeated request: the payout account is masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// Which.
    pub id: WithdrawalId,
    /// How much.
    pub amount: LedgerMoney,
    /// Where to.
    pub to: Destination,
    /// Where it stands.
    pub state: WithdrawalState,
    /// By which method cash goes, and the masked account.
    pub payout: Option<(String, String)>,
    /// The operator's reference.
    pub reference: Option<String>,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it came to its end.
    pub settled_at: Option<Timestamp>,
}

impl From<&Withdrawal> for Withdrawn {
    fn from(of: &Withdrawal) -> Self {
        Self {
            id: of.id,
            amount: of.amount,
            to: of.to,
            state: of.state,
            payout: of.payout.as_ref().map(|payout| (payout.method.clone(), payout.masked())),
            reference: of.reference.clone(),
            reason: of.reason.clone(),
            created_at: of.created_at,
            settled_at: of.settled_at,
        }
    }
}

/// Withdraws commission.
///
/// # Refuses
/// [`Refusal::AccountBlocked`]; [`Refusal::InsufficientAvailable`]; for cash a method that is not offered, and less than the
/// least amount.
pub async fn withdraw(app: &App, once: &Idempotency, ask: &Withdraw) -> Result<Answered<Withdrawn>, Error> {
    let done = app.execute(once, || plan(app, ask)).await;
    let result = if done.is_ok() { "ok" } else { "failed" };
    metrics::metric("Withdrawals", 1, "Count", &[("Result", result)]);
    if done.as_ref().is_ok_and(|done| done.answer.state == WithdrawalState::Requested && !done.replayed) {
        metrics::count("CashRequested");
    }
    done
}

async fn plan(app: &App, ask: &Withdraw) -> Result<(Withdrawn, Tx), Error> {
    let settings = app.settings::<AffiliateSettings>().await?.settings;
    payable(&settings, ask)?;
    let (user, account) = read(app, ask.user).await?;
    user.must_be_active()?;
    let account = account.ok_or(Refusal::InsufficientAvailable)?;
    let amount = LedgerMoney::exact(ask.amount, account.available.currency())?;
    let now = app.clock.now();
    let to = if ask.payout.is_some() { Destination::Cash } else { Destination::Balance };
    let id = WithdrawalId::new(app.ulid());
    let header = header(app, Withdrawal::cause(id), Operator::User, ask.user.to_string(), now);
    let done = to == Destination::Balance;
    let withdrawal = Withdrawal {
        id,
        user: ask.user,
        amount,
        to,
        state: if done { WithdrawalState::Done } else { WithdrawalState::Requested },
        payout: ask.payout.clone(),
        reference: None,
        reason: None,
        created_at: now,
        settled_at: done.then_some(now),
        last: header.as_last(),
    };
    let mut tx = app.tx();
    tx.insert(&withdrawal, OnConflict::Retry);
    take(&mut tx, &account, &withdrawal, header.clone())?;
    if done {
        credit(&mut tx, &user, &withdrawal, header)?;
    }
    tx.send(Message::WithdrawalStateChanged { withdrawal: id, user: ask.user, state: Some(withdrawal.state) });
    Ok(((&withdrawal).into(), tx))
}

/// User and commission account, in which everything has matured that is due.
async fn read(app: &App, user: UserId) -> Result<(Versioned<User>, Option<Versioned<CommissionAccount>>), Error> {
    let keys = [User::key(user), CommissionAccount::key(user)];
    let (batch, due) = tokio::join!(app.store.get_many(&keys), overdue(app, user));
    let mut batch = batch?;
    if !due?.is_empty() {
        mature(app, user).await?;
        batch = app.store.get_many(&keys).await?;
    }
    let [user, account] = &keys;
    Ok((batch.take(user)?.ok_or(Refusal::Unauthenticated)?, batch.take(account)?))
}

/// Whether cash can go there.
fn payable(settings: &AffiliateSettings, ask: &Withdraw) -> Result<(), Refusal> {
    let Some(payout) = &ask.payout else { return Ok(()) };
    if !settings.withdrawal_methods.contains(&payout.method) {
        let detail = format!("One of {}.", settings.withdrawal_methods.join(", "));
        return Err(Refusal::field("/payout/method", "not_offered", detail));
    }
    if ask.amount < settings.min_cash_withdrawal {
        let detail = format!("At least {}.", settings.min_cash_withdrawal);
        return Err(Refusal::field("/amount", "out_of_range", detail));
    }
    Ok(())
}

/// The commission account's share of the journal.
fn take(
    tx: &mut Tx,
    account: &Versioned<CommissionAccount>,
    withdrawal: &Withdrawal,
    header: Header,
) -> Result<(), Error> {
    let wanted = Withdrawal::asked(withdrawal.to, withdrawal.amount);
    let house = match withdrawal.to {
        Destination::Balance => vec![PlatformLine::new(PlatformAccount::Commission, withdrawal.amount)],
        Destination::Cash => Vec::new(),
    };
    let posted = account.post(header, &[wanted], &withdrawal.id.to_string(), house);
    let (after, posting) = posted.map_err(|error| refused(&error))?;
    tx.replace(account, &after, OnConflict::Retry);
    tx.insert(&posting, OnConflict::Retry);
    Ok(())
}

/// The balance's share of it.
fn credit(tx: &mut Tx, user: &Versioned<User>, withdrawal: &Withdrawal, header: Header) -> Result<(), Error> {
    let movement = NewLine::new(RecordType::Withdrawal, withdrawal.amount, withdrawal.id.to_string());
    let house = vec![PlatformLine::new(PlatformAccount::Commission, withdrawal.amount.negated())];
    let posted = user.accounts.post(user.id, header, &[movement], house);
    let (accounts, posting) = posted.map_err(|error| refused(&error))?;
    tx.replace(user, &User { accounts, ..User::clone(user) }, OnConflict::Retry);
    tx.insert(&posting, OnConflict::Retry);
    Ok(())
}

pub(crate) fn refused(error: &LedgerError) -> Error {
    match error.refusal() {
        Some(refusal) => refusal.into(),
        None => Fault::bug(error.to_string()).into(),
    }
}
