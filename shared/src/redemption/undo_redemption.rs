//! Reversal of a redemption by an admin (R7.8).
//!
//! It takes back the credit (R1.7) or the unexpired plan time, and frees the use.

use jiff::Timestamp;

use crate::account::credit_lots::{SourceLot, accounts_after_take_back};
use crate::account::model::user::User;
use crate::app::App;
use crate::message::Message;
use crate::operations::audit_log::by_admin;
use crate::payment::credit_order::header;
use crate::redemption::model::code::{Code, CodeShard};
use crate::redemption::model::plan::Subscription;
use crate::redemption::model::redemption::{CountedOn, Extension, Redemption, Undone, cause};
use crate::redemption::redeem::subscriptions;
use crate::redemption::table::REDEMPTIONS;
use kernel::fault::{Error, Fault};
use kernel::id::{RedemptionId, UserId};
use kernel::ledger::{
    Accounts, Header, JournalRef, LotKind, NewLine, Operator, PlatformAccount, PlatformLine, RecordType,
};
use kernel::money::LedgerMoney;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::key::Key;
use table::list::in_list;
use table::tx::Tx;

/// Request to take back a redemption.
#[derive(Debug, Clone)]
pub struct Undo {
    pub redemption: RedemptionId,
    pub reason: String,
    pub admin: UserId,
}

/// Takes a redemption back; a no-op when it is taken back already.
///
/// # Rejects
/// [`Refusal::NotFound`].
pub async fn undo_redemption(app: &App, ctx: &Ctx, ask: &Undo) -> Result<Answered<Redemption>, Error> {
    let key = place(app, ask.redemption).await?;
    app.execute(ctx, || plan(app, ctx, ask, &key)).await
}

/// Finds a redemption's key; the id gives the month of its list.
async fn place(app: &App, id: RedemptionId) -> Result<Key<Redemption>, Error> {
    let found = redemption(app, id).await?;
    Ok(Redemption::key(found.user, found.of, found.number))
}

/// Reads a redemption as its list has it, eventually consistent.
///
/// # Rejects
/// [`Refusal::NotFound`].
pub async fn redemption(app: &App, id: RedemptionId) -> Result<Redemption, Error> {
    let made = id.made_at().ok_or(Refusal::NotFound)?;
    let found = in_list::<Redemption>(app, REDEMPTIONS, made, &id.to_string()).await?;
    Ok(found.ok_or(Refusal::NotFound)?)
}

async fn plan(app: &App, ctx: &Ctx, ask: &Undo, key: &Key<Redemption>) -> Result<(Redemption, Tx), Error> {
    let mut tx = app.tx();
    let redemption = app.store.get::<Redemption>(key).await?.ok_or(Refusal::NotFound)?;
    if redemption.undone.is_some() {
        return Ok((redemption.into_inner(), tx));
    }
    let now = app.clock.now();
    let extension = match &redemption.extension {
        Some(given) => Some(shorten(app, &redemption, given, now, &mut tx).await?),
        None => None,
    };
    if let Some(credit) = redemption.credit {
        let header = header(app, ctx, cause(redemption.id), Operator::Admin, format!("admin:{}", ask.admin), now);
        take_back(app, header, &redemption, credit, &mut tx).await?;
    }
    free(app, &redemption, &mut tx).await?;
    let undone = Undone { admin: ask.admin, reason: ask.reason.clone(), extension, at: now };
    let after = Redemption { undone: Some(undone), ..Redemption::clone(&redemption) };
    tx.mark(|tx| {
        tx.replace(&redemption, &after);
    });
    let audit = by_admin(app, ctx, ask.admin, "redemption.undone", ask.redemption.to_string());
    tx.insert(&audit.because(ask.reason.clone()));
    let (user, code, number) = (redemption.user, redemption.of, redemption.number);
    tx.send(Message::RedemptionUndone { user, code, number });
    tx.send(Message::CodeChanged { code, hash: redemption.code });
    Ok((after, tx))
}

/// Shortens the subscription by the unexpired part of the extension.
async fn shorten(
    app: &App,
    redemption: &Redemption,
    given: &Extension,
    now: Timestamp,
    tx: &mut Tx,
) -> Result<Extension, Error> {
    let all = subscriptions(app, redemption.user, given.plan).await?;
    let before = all.into_iter().find(|subscription| subscription.id == given.id);
    let before = before.ok_or_else(|| Fault::bug(format!("{} was extended and is not there", given.id)))?;
    let step = before.extensions.checked_add(1).ok_or_else(|| Fault::bug("extensions ran out"))?;
    let expires_at = given.taken_off(before.expires_at, redemption.redeemed_at, now);
    let after = Subscription { expires_at, extensions: step, ..Subscription::clone(&before) };
    tx.replace(&before, &after);
    Ok(Extension { step, previous_expires_at: Some(before.expires_at), expires_at, ..given.clone() })
}

/// Returns a user's accounts as taking back a redemption's credit would leave them, without writing.
///
/// # Errors
/// A fault when the lot cannot be read, or amounts do not add up.
pub async fn accounts_after_undo(
    app: &App,
    user: &User,
    of: &Redemption,
    credit: LedgerMoney,
) -> Result<Accounts, Error> {
    accounts_after_take_back(app, user, &of.id.to_string(), &[taken(of, credit)]).await
}

fn taken(of: &Redemption, credit: LedgerMoney) -> NewLine {
    NewLine::new(RecordType::Refund, credit.negated(), of.id.to_string()).of_grant()
}

/// Takes the credit back; a spent part becomes debt (R1.7).
async fn take_back(
    app: &App,
    header: Header,
    redemption: &Redemption,
    credit: LedgerMoney,
    tx: &mut Tx,
) -> Result<(), Error> {
    let missing = || Fault::bug(format!("{} was credited and is not there", redemption.user));
    let user = app.store.get::<User>(&User::key(redemption.user)).await?.ok_or_else(missing)?;
    let header = match redemption.journal {
        Some(id) => header.correcting(JournalRef { id, step: 0 }),
        None => Header { step: 1, ..header },
    };
    let lot = SourceLot::read(app, &user, LotKind::Code, redemption.id.to_string(), header.at).await?;
    let movement = taken(redemption, credit);
    let house = vec![PlatformLine::new(PlatformAccount::Codes, credit)];
    let posted = lot.post(app, &user, header, (&[movement], house), tx);
    let (accounts, posting) = posted.map_err(Fault::bug)?;
    tx.insert(&posting);
    tx.replace(&user, &User { accounts, ..User::clone(&user) });
    Ok(())
}

/// Frees the use where it was counted.
async fn free(app: &App, redemption: &Redemption, tx: &mut Tx) -> Result<(), Error> {
    let none = || Fault::bug(format!("{} has no use to give back", redemption.of));
    match redemption.counted {
        CountedOn::Nowhere => {}
        CountedOn::Code => {
            let code = app.store.get::<Code>(&Code::key(redemption.code)).await?.ok_or_else(none)?;
            let used = code.used.checked_sub(1).ok_or_else(none)?;
            tx.replace(&code, &Code { used, ..Code::clone(&code) });
        }
        CountedOn::Shard(shard) => {
            let key = CodeShard::key(redemption.code, shard);
            let counter = app.store.get::<CodeShard>(&key).await?.ok_or_else(none)?;
            let used = counter.used.checked_sub(1).ok_or_else(none)?;
            tx.replace(&counter, &CodeShard { used, ..CodeShard::clone(&counter) });
        }
    }
    Ok(())
}
