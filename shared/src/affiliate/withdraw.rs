//! Withdrawal of commission (R6.5, R6.6): to the balance at once, or as cash, reserved until closed.
//!
//! It is one read and one commit. The write is conditional on the account as read, so concurrent requests never exceed the
//! available amount. Overdue holds are released first.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::account::model::access::Bearer;
use crate::account::model::user::User;
use crate::affiliate::model::commission::CommissionAccount;
use crate::affiliate::model::payout_account::PayoutAccount;
use crate::affiliate::model::settings::AffiliateSettings;
use crate::affiliate::model::withdrawal::{CashTerms, Destination, Payout, Withdrawal, WithdrawalState};
use crate::affiliate::paying_invitees::must_have_paying_invitees;
use crate::affiliate::payout_account;
use crate::affiliate::release_holds::{mature, overdue};
use crate::affiliate::table::put_account;
use crate::app::App;
use crate::message::Message;
use crate::payment::credit_order::header;
use crate::risk::later::leave;
use crate::risk::model::signal::Signal;
use kernel::fault::{Error, Fault};
use kernel::id::{ShopId, WithdrawalId};
use kernel::ledger::{Header, LedgerError, NewLine, Operator, PlatformAccount, PlatformLine, RecordType};
use kernel::money::LedgerMoney;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::idempotency::Guard;
use table::item::Versioned;
use table::telemetry as metrics;
use table::tx::Tx;

/// Request to withdraw commission.
#[derive(Debug, Clone)]
pub struct Withdraw {
    pub by: Bearer,
    /// Positive amount in ledger currency.
    pub amount: Decimal,
    /// Payout account for cash; `None` withdraws to the balance.
    pub payout: Option<Payout>,
}

/// Withdrawal as its user sees it, and as stored for replays of its end; the payout account is masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Withdrawn {
    pub id: WithdrawalId,
    /// Shop whose commission it is; absent for a user's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shop: Option<ShopId>,
    pub amount: LedgerMoney,
    pub to: Destination,
    pub state: WithdrawalState,
    /// True while a second admin has to approve it (R6.9).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub awaits_second_approval: bool,
    /// True while it is open in a payout batch, and can't be cancelled (R6.9).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_batch: bool,
    /// Method and masked account of a cash withdrawal.
    pub payout: Option<(String, String)>,
    /// Payment reference of a paid withdrawal.
    pub reference: Option<String>,
    /// Reason of a rejection.
    pub reason: Option<String>,
    /// Time of the request.
    pub created_at: Timestamp,
    /// Time of completion or close.
    pub settled_at: Option<Timestamp>,
}

impl From<&Withdrawal> for Withdrawn {
    fn from(of: &Withdrawal) -> Self {
        Self {
            id: of.id,
            shop: of.shop,
            amount: of.amount,
            to: of.to,
            state: of.state,
            awaits_second_approval: of.awaits_second(),
            in_batch: of.is_in_batch(),
            payout: of.payout.as_ref().map(|payout| (payout.method.clone(), payout.masked())),
            reference: of.reference.clone(),
            reason: of.reason.clone(),
            created_at: of.created_at,
            settled_at: of.settled_at,
        }
    }
}

impl Guard<Withdrawn> for Withdrawal {
    fn fingerprint(&self) -> Option<&str> {
        self.fingerprint.as_deref()
    }

    fn first_answer(&self) -> Result<Withdrawn, Fault> {
        Ok(Withdrawn::from(&self.as_requested()))
    }
}

/// Withdraws commission.
///
/// # Rejects
/// [`Refusal::AccountBlocked`]; `insufficient_available`; for cash, 422 for a method that is not offered and for an
/// amount below the minimum, and [`Refusal::TooFewPayingInvitees`] before the first one (R6.9).
pub async fn withdraw(app: &App, ctx: &Ctx, ask: &Withdraw) -> Result<Answered<Withdrawn>, Error> {
    let id = WithdrawalId::new(app.id_of(ctx));
    let done = app.execute_making(ctx, Withdrawal::key(id), || plan(app, ctx, ask, id)).await;
    measure(&done);
    done
}

/// Counts a request; cash that somebody has to pay rings an alarm (R9.4).
pub(crate) fn measure(done: &Result<Answered<Withdrawn>, Error>) {
    let result = if done.is_ok() { "ok" } else { "failed" };
    metrics::metric("Withdrawals", 1, "Count", &[("Result", result)]);
    if done.as_ref().is_ok_and(|done| done.answer.state == WithdrawalState::Requested && !done.replayed) {
        metrics::count("CashRequested");
    }
}

async fn plan(app: &App, ctx: &Ctx, ask: &Withdraw, id: WithdrawalId) -> Result<(Withdrawn, Tx), Error> {
    let settings = app.settings::<AffiliateSettings>().await?.settings;
    if let Some(payout) = &ask.payout {
        let terms = CashTerms { methods: &settings.withdrawal_methods, minimum: settings.min_cash_withdrawal };
        terms.admit(ask.amount, payout)?;
    }
    let (user, account, payout_account) = read(app, ctx, ask).await?;
    user.must_admit(&ask.by)?;
    let account = account.ok_or(Refusal::InsufficientAvailable { available: None })?;
    if ask.payout.is_some() {
        must_have_paying_invitees(app, ask.by.user, settings.min_paying_invitees).await?;
    }
    let amount = LedgerMoney::exact(ask.amount, account.available.currency())?;
    let now = app.clock.now();
    let to = if ask.payout.is_some() { Destination::Cash } else { Destination::Balance };
    let header = header(app, ctx, Withdrawal::cause(id), Operator::User, ask.by.user.to_string(), now);
    let done = to == Destination::Balance;
    let withdrawal = Withdrawal {
        id,
        user: ask.by.user,
        shop: None,
        amount,
        to,
        state: if done { WithdrawalState::Done } else { WithdrawalState::Requested },
        payout: ask.payout.clone(),
        first_approval: None,
        batch: None,
        reference: None,
        reason: None,
        created_at: now,
        settled_at: done.then_some(now),
        last: header.as_last(),
        fingerprint: ctx.fingerprint(),
    };
    let mut tx = app.tx();
    tx.mark(|tx| tx.insert(&withdrawal).or_retry());
    take(&mut tx, &account, &withdrawal, header.clone())?;
    if done {
        credit(&mut tx, &user, &withdrawal, header)?;
    }
    if let Some(payout) = &ask.payout {
        payout_account::keep(&mut tx, app, payout_account.as_ref(), payout, ask.by.user);
        let others = payout_account.as_deref().map(|known| known.others(ask.by.user)).unwrap_or_default();
        leave(app, ask.by.user, Signal::PayoutAccount, others, &mut tx).await?;
    }
    tx.send(told(&withdrawal));
    Ok(((&withdrawal).into(), tx))
}

/// User, commission account, and the users of the payout account.
type Found = (Versioned<User>, Option<Versioned<CommissionAccount>>, Option<Versioned<PayoutAccount>>);

/// Reads what a request is judged by, with all overdue holds released.
async fn read(app: &App, ctx: &Ctx, ask: &Withdraw) -> Result<Found, Error> {
    let user = ask.by.user;
    let payout = ask.payout.as_ref().map(|payout| payout_account::key_of(app, payout));
    let read = || app.store.read((User::key(user), CommissionAccount::key(user), payout.clone()));
    let (found, due) = tokio::join!(read(), overdue(app, user));
    let mut found = found?;
    if !due?.is_empty() {
        mature(app, ctx, user).await?;
        found = read().await?;
    }
    let (user, account, payout) = found;
    Ok((user.ok_or(Refusal::Unauthenticated)?, account, payout))
}

/// The message about a withdrawal's new state.
pub(crate) fn told(withdrawal: &Withdrawal) -> Message {
    let Withdrawal { id, user, shop, state, .. } = *withdrawal;
    Message::WithdrawalStateChanged { withdrawal: id, user, shop, state: Some(state) }
}

/// Writes the commission account's journal entry.
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
    put_account(tx, Some(account), &after);
    tx.insert(&posting);
    Ok(())
}

/// Writes the balance's journal entry.
fn credit(tx: &mut Tx, user: &Versioned<User>, withdrawal: &Withdrawal, header: Header) -> Result<(), Error> {
    let movement = NewLine::new(RecordType::Withdrawal, withdrawal.amount, withdrawal.id.to_string());
    let house = vec![PlatformLine::new(PlatformAccount::Commission, withdrawal.amount.negated())];
    let posted = user.accounts.post(user.id, header, &[movement], house);
    let (accounts, posting) = posted.map_err(|error| refused(&error))?;
    tx.replace(user, &User { accounts, ..User::clone(user) });
    tx.insert(&posting);
    Ok(())
}

pub(crate) fn refused(error: &LedgerError) -> Error {
    match error.refusal() {
        Some(refusal) => refusal.into(),
        None => Fault::bug(error.clone()).into(),
    }
}
