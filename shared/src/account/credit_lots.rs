//! Credit lots: their reads and writes with a journal, what is left of them, and their expiry (R12.3).

use jiff::Timestamp;

use crate::account::model::credit_lot::{CreditLot, GrantSource};
use crate::account::model::user::User;
use crate::account::table::{CREDIT_LOTS, LOTS};
use crate::app::App;
use crate::message::Message;
use crate::payment::expire::{ExpiryReport, due_keys, each};
use crate::payment::model::settings::PaymentSettings;
use kernel::fault::{Error, Fault};
use kernel::id::{JournalId, UserId};
use kernel::ledger::{
    Accounts, Header, JournalEntry, JournalOrigin, LedgerError, LotKind, NewLine, Operator, PlatformLine, RecordType,
};
use kernel::money::LedgerMoney;
use table::context::Ctx;
use table::item::Versioned;
use table::key::Key;
use table::store::{Index, Query};
use table::tx::Tx;

/// Most lots of a user that are read to show which expires next.
const SHOWN: i32 = 100;
/// Lots of one page when all are read.
const PAGE: i32 = 1_000;
/// Times that lots and account are read until they are of one moment.
const READINGS: u8 = 5;

/// A source of granted credit with its lot as read.
#[derive(Debug)]
pub struct SourceLot {
    source: GrantSource,
    known: Option<Versioned<CreditLot>>,
}

impl SourceLot {
    /// A source that has granted nothing before.
    pub fn first(kind: LotKind, id: String, expires_at: Option<Timestamp>) -> Self {
        Self { source: GrantSource { kind, id, expires_at }, known: None }
    }

    /// Reads the lot of a source that grants at a time; an account that never had a lot costs no read.
    ///
    /// # Errors
    /// A fault when the database or the settings cannot be read.
    pub async fn read(app: &App, user: &User, kind: LotKind, id: String, at: Timestamp) -> Result<Self, Error> {
        let expires_at = app.settings::<PaymentSettings>().await?.settings.granted_until(at);
        Ok(Self { known: lot_of_source(app, user, &id).await?, ..Self::first(kind, id, expires_at) })
    }

    /// Posts a journal of granted credit, or of its correction, and adds the write of the lot.
    ///
    /// Returns the accounts and the journal's entry for the caller to write.
    ///
    /// # Rejects
    /// As [`Accounts::post`].
    pub fn post(
        &self,
        app: &App,
        user: &User,
        header: Header,
        (movements, house): (&[NewLine], Vec<PlatformLine>),
        tx: &mut Tx,
    ) -> Result<(Accounts, JournalEntry), LedgerError> {
        let mut journal = || JournalId::new(app.ulid());
        let (holder, known) = ((user.id, &user.accounts), self.known.as_deref());
        let mut posted = self.source.post(holder, (header, &mut journal), (movements, house), known)?;
        put(self.known.as_ref(), posted.lot.as_ref(), tx);
        let own = posted.entries.pop().ok_or(LedgerError::Empty)?;
        for before in &posted.entries {
            tx.insert(before);
        }
        Ok((posted.accounts, own))
    }
}

/// Returns the accounts as a take-back of what a source granted would leave them, without writing.
///
/// # Errors
/// A fault when the lot cannot be read, or amounts do not add up.
pub async fn accounts_after_take_back(
    app: &App,
    user: &User,
    source: &str,
    movements: &[NewLine],
) -> Result<Accounts, Error> {
    let lot = lot_of_source(app, user, source).await?;
    let restored = lot.map(|lot| lot.restored_by(movements)).transpose()?;
    let restored = restored.map(|amount| NewLine::new(RecordType::Expiry, amount, source));
    let lines: Vec<NewLine> = restored.into_iter().chain(movements.iter().cloned()).collect();
    Ok(user.accounts.after(&lines).map_err(Fault::bug)?)
}

async fn lot_of_source(app: &App, user: &User, source: &str) -> Result<Option<Versioned<CreditLot>>, Fault> {
    match user.accounts.lots {
        Some(_) => app.store.get::<CreditLot>(&CreditLot::key(user.id, source)).await,
        None => Ok(None),
    }
}

/// Adds the write that makes a lot what it is now.
pub(crate) fn put(known: Option<&Versioned<CreditLot>>, now: Option<&CreditLot>, tx: &mut Tx) {
    match (known, now) {
        (None, Some(lot)) => tx.insert(lot).or_retry(),
        (Some(known), Some(lot)) if **known != *lot => tx.replace(known, lot).or_retry(),
        _ => {}
    }
}

fn all_of(user: UserId, limit: i32) -> Query {
    let mut ask = Query::newest(Index::Table, User::key(user).pk, limit);
    ask.prefix = Some(LOTS.to_owned());
    ask
}

/// Returns what of a user's granted credit expires next, and its time; `None` also for more lots than one page of them shows.
///
/// # Errors
/// A fault when the database cannot be reached or an item does not decode.
pub async fn next_expiry(app: &App, user: &User) -> Result<Option<(LedgerMoney, Timestamp)>, Fault> {
    let Some(sums) = user.accounts.lots.filter(|lots| !lots.left.is_zero()) else { return Ok(None) };
    let page = app.store.list::<CreditLot>(&all_of(user.id, SHOWN)).await?;
    if page.next.is_some() {
        return Ok(None);
    }
    let lots = page.items.into_iter().map(Versioned::into_inner).collect();
    let unspent = CreditLot::unspent(lots, sums.spent).map_err(Fault::bug)?;
    Ok(unspent.into_iter().next().map(|(lot, left)| (left, lot.expires_at)))
}

/// Reads a user's lots as of one moment, with the user of that moment; an account that never had a lot costs no read.
///
/// Reads of several items may be of different moments. The sums of the account tell, and then both are read again.
///
/// # Errors
/// A fault when the database cannot be reached, and when lots and account differ however often they are read.
pub async fn with_lots(app: &App, mut user: User) -> Result<(User, Vec<CreditLot>), Fault> {
    for _ in 0..READINGS {
        if user.accounts.lots.is_none() {
            return Ok((user, Vec::new()));
        }
        let lots = app.store.all::<CreditLot>(all_of(user.id, PAGE)).await?;
        let lots: Vec<CreditLot> = lots.into_iter().map(Versioned::into_inner).collect();
        let none = LedgerMoney::zero(user.accounts.balance().currency());
        let held = lots.iter().try_fold(none, |sum, lot| sum.plus(lot.held)).map_err(Fault::bug)?;
        if held == user.accounts.in_lots().map_err(Fault::bug)? {
            return Ok((user, lots));
        }
        let again = app.store.get::<User>(&User::key(user.id)).await?;
        user = again.ok_or_else(|| Fault::bug("credit lots without their user"))?.into_inner();
    }
    Err(Fault::item(User::key(user.id).pk, "its credit lots are not what its account says"))
}

/// Expires the lots whose time is over; each is one transaction with its journal.
///
/// # Errors
/// A fault if the due lots can't be read.
pub async fn expire_credit(app: &App, ctx: &Ctx) -> Result<ExpiryReport, Fault> {
    let due = due_keys(app, CREDIT_LOTS).await?;
    let lots: Vec<(UserId, &str)> = due.iter().filter_map(|(pk, sk)| lot_of(pk, sk)).collect();
    let expire = async |number: usize| {
        let Some((user, source)) = lots.get(number) else { return Ok(false) };
        Ok(app.execute(&ctx.unkeyed(), || expire_lot(app, ctx, *user, source)).await?.answer)
    };
    Ok(each(0..lots.len(), expire).await.into())
}

fn lot_of<'a>(pk: &str, sk: &'a str) -> Option<(UserId, &'a str)> {
    Some((UserId::parse(pk.strip_prefix("USER#")?)?, sk.strip_prefix(LOTS)?))
}

async fn expire_lot(app: &App, ctx: &Ctx, user: UserId, source: &str) -> Result<(bool, Tx), Error> {
    let mut tx = app.tx();
    let keys: (Key<User>, Key<CreditLot>) = (User::key(user), CreditLot::key(user, source));
    let (user, lot) = app.store.read(keys).await?;
    let is_due = |lot: &Versioned<CreditLot>| !lot.held.is_zero() && lot.expires_at <= app.clock.now();
    let Some(lot) = lot.filter(is_due) else { return Ok((false, tx)) };
    let user = user.ok_or_else(|| Fault::bug("a credit lot without its user"))?;
    let (actor, request_id) = ("scheduler".to_owned(), ctx.request_id.clone());
    let origin = JournalOrigin { operator: Operator::System, actor, request_id, at: app.clock.now() };
    let expired = lot.expire(&user.accounts, origin.header(JournalId::new(app.ulid()), String::new()));
    let expired = expired.map_err(Fault::bug)?;
    tx.replace(&user, &User { accounts: expired.accounts, ..User::clone(&user) });
    put(Some(&lot), expired.lot.as_ref(), &mut tx);
    for entry in &expired.entries {
        tx.insert(entry);
    }
    // Also when nothing was left of it: then more may be left of another lot.
    tx.send(Message::BalanceChanged { user: user.id });
    Ok((!expired.entries.is_empty(), tx))
}
