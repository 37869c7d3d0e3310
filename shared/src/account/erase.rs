//! Erases a user's personal data; journals, amounts and ids are kept.
//!
//! One transaction clears the account's e-mail, language, choice of mails and credentials and releases the claim on the address. The reward
//! worker then clears the client data of orders, the payout accounts of withdrawals and the raw bodies of provider events, one
//! order or withdrawal at a time. Each step is a no-op once done, so the work can stop anywhere and resume.
//!
//! Indexes are eventually consistent, and a provider may still send events. So the scheduler repeats the scrub a day later.

use jiff::SignedDuration;

use crate::account::model::access::{EmailChange, EmailClaim};
use crate::account::model::identity::{Email, Role, Status};
use crate::account::model::second_factor::SecondFactor;
use crate::account::model::user::User;
use crate::account::session::email_hash;
use crate::account::table::TRACES;
use crate::affiliate::model::commission::CommissionAccount;
use crate::affiliate::model::withdrawal::Withdrawal;
use crate::affiliate::payout_account;
use crate::agency::model::wallet::Wallet;
use crate::app::App;
use crate::message::Message;
use crate::message::ReceivedMessage;
use crate::notices::model::mail_preferences::MailPreferences;
use crate::operations::audit_log::{by_admin, must_be_another};
use crate::payment::events_of::events_of;
use crate::payment::expire::{ExpiryReport, due, each};
use crate::payment::model::event::RawEvent;
use crate::payment::model::order::Order;
use crate::referral::invite_code::tell_codes;
use kernel::fault::{Chain, Error, Fault};
use kernel::id::{OrderId, UserId, WithdrawalId};
use kernel::money::LedgerMoney;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::key::{Key, owned_by};
use table::store::{Index, Query};
use table::tx::Tx;

/// Delay after the erasure until the personal data is scrubbed a second time.
const AGAIN: SignedDuration = SignedDuration::from_hours(24);
/// Maximum event bodies removed by one transaction.
const TOGETHER: usize = 90;

/// Request to erase a user.
#[derive(Debug, Clone)]
pub struct Erase {
    pub user: UserId,
    pub reason: String,
    /// True to erase somebody who owes money or is owed some.
    pub acknowledge_balance: bool,
    /// E-mail that was typed to confirm who is meant, or the id of an account without one.
    pub confirm: Option<String>,
    pub admin: UserId,
}

impl Erase {
    /// Requires that what was typed to confirm names the account.
    ///
    /// # Rejects
    /// 422 at `/confirm`.
    fn must_name(&self, user: &User) -> Result<(), Refusal> {
        let Some(typed) = self.confirm.as_deref().map(str::trim) else { return Ok(()) };
        let is_named = match &user.email {
            Some(email) => Email::parse(typed).as_ref() == Some(email),
            None => typed == user.id.to_string(),
        };
        if is_named { Ok(()) } else { Err(Refusal::field("/confirm", "differs", "the account's e-mail, or its id")) }
    }
}

/// Erases a user's personal data; a no-op for an erased user.
///
/// # Rejects
/// [`Refusal::NotFound`]; [`Refusal::Forbidden`] for the admin's own account; [`Refusal::WithdrawalOpen`] while a withdrawal of
/// theirs, or of a shop that they run or ran, is unpaid; [`Refusal::BalanceLeft`] with the figures, unless that is acknowledged;
/// 422 at `/confirm` if that names another account.
pub async fn erase(app: &App, ctx: &Ctx, ask: &Erase) -> Result<Answered<User>, Error> {
    app.execute(ctx, || plan(app, ctx, ask)).await
}

async fn plan(app: &App, ctx: &Ctx, ask: &Erase) -> Result<(User, Tx), Error> {
    must_be_another(ask.user, ask.admin)?;
    let mut tx = app.tx();
    let (user, account) = app.store.read((User::key(ask.user), CommissionAccount::key(ask.user))).await?;
    let user = user.ok_or(Refusal::NotFound)?;
    if user.status == Status::Erased {
        return Ok((user.into_inner(), tx));
    }
    ask.must_name(&user)?;
    let wallets: Vec<_> = user.shops().into_iter().map(Wallet::key).collect();
    let wallets: Vec<_> = app.store.read(wallets).await?.into_iter().flatten().collect();
    let is_open = account.as_ref().is_some_and(|account| account.held.is_positive())
        || wallets.iter().any(|wallet| wallet.held().is_positive());
    if is_open {
        return Err(Refusal::WithdrawalOpen.into());
    }
    let figures = figures(&user, account.as_deref());
    if !figures.is_empty() && !ask.acknowledge_balance {
        return Err(Refusal::BalanceLeft { figures }.into());
    }
    if let Some(account) = &account {
        tx.unchanged(account);
    }
    for wallet in &wallets {
        tx.unchanged(wallet);
    }
    let after = User { traces_due: app.clock.now().checked_add(AGAIN).ok(), ..nobody(&user) };
    tx.mark(|tx| {
        tx.replace(&user, &after);
    });
    if let Some(email) = &user.email {
        let hash = email_hash(app, email);
        let keys = (EmailClaim::key(&hash), EmailChange::key(user.id), MailPreferences::key(user.id));
        let (claim, change, mails) = app.store.read(keys).await?;
        if let Some(claim) = claim.filter(|claim| claim.user == user.id) {
            tx.remove(&claim);
        }
        if let Some(change) = change {
            tx.remove(&change);
        }
        if let Some(mails) = mails {
            tx.remove(&mails);
        }
    }
    if (user.role == Role::Admin || user.second_factor_since.is_some())
        && let Some(factor) = app.store.get::<SecondFactor>(&SecondFactor::key(user.id)).await?
    {
        tx.remove(&factor);
    }
    tell_codes(app, &after, &mut tx).await?;
    let audit = by_admin(app, ctx, ask.admin, "user.erased", ask.user.to_string());
    let left: Vec<String> = figures.iter().map(|(name, amount)| format!("; {name} {amount}")).collect();
    let audit = audit.change(format!("{}{}", user.status, left.concat()), after.status.as_str());
    tx.insert(&audit.because(ask.reason.clone()));
    tx.send(Message::UserErased { user: ask.user });
    Ok((after, tx))
}

/// Returns what the user is owed and owes, without zeros.
fn figures(user: &User, account: Option<&CommissionAccount>) -> Vec<(&'static str, LedgerMoney)> {
    let mut figures = vec![("balance", user.accounts.balance()), ("debt", user.accounts.owed())];
    if let Some(account) = account {
        let commission = [
            ("commission pending", account.pending),
            ("commission available", account.available),
            ("commission debt", account.owed()),
        ];
        figures.extend(commission);
    }
    figures.retain(|(_, amount)| !amount.is_zero());
    figures
}

/// Returns the account without personal data; an admin loses the role.
fn nobody(user: &User) -> User {
    let role = if user.role == Role::Admin { Role::User } else { user.role };
    let scopes = std::collections::BTreeSet::new();
    let status = Status::Erased;
    User { email: None, locale: None, status, role, scopes, second_factor_since: None, ..user.clone() }
}

/// Scrubs the remaining personal data of the users in `UserErased` messages.
///
/// Returns the ids of the records to redeliver.
pub async fn erase_traces(app: &App, records: &[ReceivedMessage]) -> Vec<String> {
    let mut failed = Vec::new();
    for record in records {
        let Message::UserErased { user } = record.envelope.message else { continue };
        if let Err(fault) = erase_traces_of(app, user).await {
            tracing::error!(fault = %Chain(&fault), %user, "traces are left");
            failed.push(record.id.clone());
        }
    }
    failed
}

/// Scrubs the remaining personal data of an erased user; a no-op when nothing is left.
///
/// # Errors
/// A fault; the rest is then still to be scrubbed.
pub async fn erase_traces_of(app: &App, user: UserId) -> Result<(), Error> {
    for order in app.store.all::<Order>(Query::newest(Index::Owner, owned_by("ORDERS", user), 100)).await? {
        app.execute(&Ctx::system(), || plan_order(app, order.id)).await?;
        let (events, _) = events_of(app, &order).await?;
        let bodies = events.iter().map(|event| RawEvent::key(event.provider, &event.id));
        for some in bodies.collect::<Vec<_>>().chunks(TOGETHER) {
            app.execute(&Ctx::system(), || plan_bodies(app, some)).await?;
        }
    }
    let account = app.store.get::<User>(&User::key(user)).await?.ok_or(Refusal::NotFound)?;
    let owners = account.shops().into_iter().map(|shop| shop.to_string());
    for owner in owners.chain([user.to_string()]) {
        let query = Query::newest(Index::Owner, owned_by("WITHDRAWALS", owner), 100);
        let all = app.store.all::<Withdrawal>(query).await?;
        for withdrawal in all.iter().filter(|one| one.user == user && one.payout.is_some()) {
            app.execute(&Ctx::system(), || plan_withdrawal(app, withdrawal.id)).await?;
        }
    }
    Ok(())
}

/// Repeats the scrub for users erased a day ago.
///
/// # Errors
/// A fault when the due list cannot be read.
pub async fn erase_traces_again(app: &App) -> Result<ExpiryReport, Fault> {
    Ok(each(due(app, TRACES, UserId::parse).await?, |id| again(app, id)).await.into())
}

async fn again(app: &App, id: UserId) -> Result<bool, Error> {
    erase_traces_of(app, id).await?;
    let ctx = Ctx::system();
    let done = app.execute(&ctx, || async {
        let mut tx = app.tx();
        let user = app.store.get::<User>(&User::key(id)).await?.ok_or(Refusal::NotFound)?;
        let due = user.traces_due.is_some_and(|at| at <= app.clock.now());
        if due {
            tx.replace(&user, &User { traces_due: None, ..User::clone(&user) });
        }
        Ok((due, tx))
    });
    Ok(done.await?.answer)
}

async fn plan_order(app: &App, id: OrderId) -> Result<((), Tx), Error> {
    let mut tx = app.tx();
    let order = app.store.get::<Order>(&Order::key(id)).await?.ok_or(Refusal::NotFound)?;
    if order.client_ip.is_some() || order.user_agent.is_some() {
        let after = Order { client_ip: None, user_agent: None, ..Order::clone(&order) };
        tx.replace(&order, &after);
    }
    Ok(((), tx))
}

/// Removes those of the given event bodies that exist.
async fn plan_bodies(app: &App, keys: &[Key<RawEvent>]) -> Result<((), Tx), Error> {
    let mut tx = app.tx();
    for raw in app.store.read(keys.to_vec()).await?.into_iter().flatten() {
        tx.remove(&raw);
    }
    Ok(((), tx))
}

async fn plan_withdrawal(app: &App, id: WithdrawalId) -> Result<((), Tx), Error> {
    let mut tx = app.tx();
    let withdrawal = app.store.get::<Withdrawal>(&Withdrawal::key(id)).await?.ok_or(Refusal::NotFound)?;
    if let Some(payout) = &withdrawal.payout {
        let account = app.store.get(&payout_account::key_of(app, payout)).await?;
        tx.replace(&withdrawal, &Withdrawal { payout: None, ..Withdrawal::clone(&withdrawal) });
        payout_account::forget(&mut tx, account.as_ref(), withdrawal.user);
    }
    Ok(((), tx))
}
