//! Edits, switches and deletions of codes and batches by admins (R7.8).
//!
//! An edit is one write of the code, with its audit record, that increments the code's edition. Uses are counted only under the
//! edition as read, so a redemption is either before or after the edit. On a code with shards the edit then goes from shard to
//! shard. The response waits for all of them; a redeemer who reads an outdated shard updates it. A total moves between shards
//! in small transactions that change share and total together, so the shares always sum to the total.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::app::App;
use crate::message::Message;
use crate::operations::audit_log::by_admin;
use crate::redemption::codes::{find, hashes};
use crate::redemption::create_batch::plan_exists;
use crate::redemption::model::code::{Batch, Benefit, Code, CodeShard, Terms, below_used};
use crate::redemption::model::code_text::{CodeHash, CodeName};
use crate::redemption::redeem::shards_of;
use kernel::fault::{Error, Fault};
use kernel::id::{BatchId, UserId};
use kernel::refusal::{FieldError, Refusal};
use table::context::Ctx;
use table::execute::Answered;
use table::idempotency::Idempotency;
use table::item::Versioned;
use table::tx::Tx;

/// Maximum codes that one request deletes.
pub const DELETED_TOGETHER: usize = 90;

/// Requested changes of a code; a field that is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct EditCode {
    pub benefit: Option<Benefit>,
    /// Maximum uses in all; 0 is unlimited.
    pub total_uses: Option<u64>,
    /// Maximum uses by one user.
    pub per_user_limit: Option<u32>,
    /// Start of the validity; `Some(None)` removes it.
    pub starts_at: Option<Option<Timestamp>>,
    /// End of the validity, exclusive; `Some(None)` removes it.
    pub expires_at: Option<Option<Timestamp>>,
    /// False to disable the code, true to enable it.
    pub enabled: Option<bool>,
}

impl EditCode {
    /// Returns the terms after the edit, with the total unchanged.
    fn terms(&self, before: &Terms) -> Result<Terms, Refusal> {
        let after = Terms {
            benefit: self.benefit.unwrap_or(before.benefit),
            total_uses: before.total_uses,
            per_user_limit: self.per_user_limit.unwrap_or(before.per_user_limit),
            starts_at: self.starts_at.unwrap_or(before.starts_at),
            expires_at: self.expires_at.unwrap_or(before.expires_at),
        };
        let mut errors: Vec<FieldError> = window(after.starts_at, after.expires_at).into_iter().collect();
        if self.total_uses.is_some_and(|total| (total == 0) != before.unlimited()) {
            let detail = "a limited code stays limited, an unlimited one unlimited";
            errors.push(FieldError::new("/total_uses", "out_of_range", detail));
        }
        Refusal::unless_empty(errors)?;
        Ok(after)
    }
}

/// Returns the error of a window that does not end after its start.
pub fn window(starts_at: Option<Timestamp>, expires_at: Option<Timestamp>) -> Option<FieldError> {
    let backwards = starts_at.zip(expires_at).is_some_and(|(starts_at, expires_at)| expires_at <= starts_at);
    backwards.then(|| FieldError::new("/expires_at", "out_of_range", "after starts_at"))
}

/// Edits a code; a repeated request has no effect and returns the same answer.
///
/// # Rejects
/// `code_not_found`; 422 for an unknown plan, a window that ends before its start, or a total below the uses taken.
pub async fn edit_code(app: &App, ctx: &Ctx, name: &CodeName, ask: &EditCode, admin: UserId) -> Result<Code, Error> {
    let done = app.execute(&ctx.unkeyed(), || plan(app, ctx, name, ask, admin)).await?;
    let mut code = done.answer;
    if let Some(total) = ask.total_uses
        && code.shards > 0
        && code.terms.total_uses != total
    {
        code = move_total(app, name, total).await?;
    }
    bring_up_to_date(app, &code).await?;
    Ok(code)
}

async fn plan(app: &App, ctx: &Ctx, name: &CodeName, ask: &EditCode, admin: UserId) -> Result<(Code, Tx), Error> {
    let before = live(app, name).await?;
    let terms = ask.terms(&before.terms)?;
    if terms.benefit != before.terms.benefit {
        plan_exists(app, &terms).await?;
    }
    let mut after = Code { terms, enabled: ask.enabled.unwrap_or(before.enabled), ..Code::clone(&before) };
    match ask.total_uses.map(|total| (total, after.with_total(total))) {
        Some((_, Some(moved))) => after = moved?,
        Some((total, None)) if before.shards > 0 => enough_for(app, &before, total).await?,
        _ => {}
    }
    let mut tx = app.tx();
    after.is_apart |= after.terms != before.terms;
    if after != *before {
        after.edition = before.edition.checked_add(1).ok_or_else(|| Fault::bug("editions without end"))?;
        tx.replace(&before, &after);
    } else if ask.total_uses.is_none_or(|total| total == before.terms.total_uses) {
        return Ok((after, tx));
    } else {
        tx.unchanged(&before);
    }
    let total = ask.total_uses.unwrap_or(after.terms.total_uses);
    let wanted = Terms { total_uses: total, ..after.terms };
    if after.terms.total_uses != before.terms.total_uses {
        tx.send(Message::CodeChanged { code: before.of, hash: before.hash });
    }
    let audit = by_admin(app, ctx, admin, "code.edited", before.of.to_string());
    tx.insert(&audit.change(described(&before.terms, before.enabled), described(&wanted, after.enabled)));
    Ok((after, tx))
}

/// Reads a code that is not deleted.
async fn live(app: &App, name: &CodeName) -> Result<Versioned<Code>, Error> {
    let code = find(app, name).await?;
    if code.deleted { Err(Refusal::CodeNotFound.into()) } else { Ok(code) }
}

fn described(terms: &Terms, enabled: bool) -> String {
    let mut written = serde_json::to_value(terms).unwrap_or_default();
    if let Some(fields) = written.as_object_mut() {
        fields.insert("enabled".to_owned(), enabled.into());
    }
    written.to_string()
}

/// Returns the number of uses taken of a limited code, over all its counts.
///
/// # Errors
/// A fault when the database cannot be reached.
pub async fn taken(app: &App, code: &Code) -> Result<u64, Fault> {
    let mut taken = code.used;
    if code.shards > 0 {
        let shards = shards_of(app, code.hash).await?;
        taken = shards.iter().fold(taken, |sum, shard| sum.saturating_add(shard.used));
    }
    Ok(taken)
}

async fn enough_for(app: &App, code: &Code, total: u64) -> Result<(), Error> {
    let taken = taken(app, code).await?;
    if total < taken { Err(below_used(taken).into()) } else { Ok(()) }
}

/// Moves the total of a code with shards, shard by shard.
///
/// If concurrent redemptions take the uses that were to be removed, the moves are undone.
async fn move_total(app: &App, name: &CodeName, total: u64) -> Result<Code, Error> {
    let first = live(app, name).await?.terms.total_uses;
    loop {
        let done = app.execute(&Ctx::system(), || move_some(app, name, total)).await;
        match done {
            Ok(Answered { answer: code, .. }) if code.terms.total_uses == total => return Ok(code),
            Ok(_) => {}
            Err(Error::Refused(refusal)) if first != total => {
                while app.execute(&Ctx::system(), || move_some(app, name, first)).await?.answer.terms.total_uses
                    != first
                {}
                return Err(refusal.into());
            }
            Err(error) => return Err(error),
        }
    }
}

/// Moves one shard's share, and the total with it, as far toward `total` as the shard allows.
async fn move_some(app: &App, name: &CodeName, total: u64) -> Result<(Code, Tx), Error> {
    let before = live(app, name).await?;
    let mut tx = app.tx();
    if before.terms.total_uses == total {
        return Ok((before.into_inner(), tx));
    }
    let known = shards_of(app, before.hash).await?;
    let shard_of = |shard: u8| known.iter().find(|known| known.shard == shard);
    let all = (0..before.shards).map(|shard| {
        let there = shard_of(shard);
        (there, there.map_or_else(|| before.fresh_shard(shard), |there| CodeShard::clone(there)))
    });
    let rising = total > before.terms.total_uses;
    let missing = total.abs_diff(before.terms.total_uses);
    let left = |shard: &CodeShard| shard.own_uses.saturating_sub(shard.used);
    // Rising, the shard with the fewest uses left gets its part; falling, the one with the most gives all it has left.
    let chosen =
        if rising { all.min_by_key(|(_, shard)| left(shard)) } else { all.max_by_key(|(_, shard)| left(shard)) };
    let (there, shard) = chosen.ok_or_else(|| Fault::bug("a code with shards has none"))?;
    let moved = if rising { missing.div_ceil(u64::from(before.shards.max(1))) } else { missing.min(left(&shard)) };
    if moved == 0 {
        return Err(below_used(before.terms.total_uses).into());
    }
    let to = |number: u64| if rising { number.checked_add(moved) } else { number.checked_sub(moved) };
    let (own_uses, total_uses) =
        to(shard.own_uses).zip(to(before.terms.total_uses)).ok_or_else(|| Fault::bug("a share out of range"))?;
    let after = Code { terms: Terms { total_uses, ..before.terms }, is_apart: true, ..Code::clone(&before) };
    tx.replace(&before, &after);
    tx.upsert(there, &CodeShard { own_uses, edition: before.edition, ..shard });
    tx.send(Message::CodeChanged { code: before.of, hash: before.hash });
    Ok((after, tx))
}

/// Updates every shard of a code to its edition, one at a time, including shards that do not exist yet.
async fn bring_up_to_date(app: &App, code: &Code) -> Result<(), Error> {
    if code.shards == 0 {
        return Ok(());
    }
    let known = shards_of(app, code.hash).await?;
    for shard in 0..code.shards {
        let late = known.iter().find(|known| known.shard == shard).is_none_or(|known| known.edition < code.edition);
        if late {
            app.execute(&Ctx::system(), || update_shard(app, code, shard)).await?;
        }
    }
    Ok(())
}

async fn update_shard(app: &App, code: &Code, shard: u8) -> Result<((), Tx), Error> {
    let there = app.store.get::<CodeShard>(&CodeShard::key(code.hash, shard)).await?;
    let mut tx = app.tx();
    let before = there.as_ref().map_or_else(|| code.fresh_shard(shard), |there| CodeShard::clone(there));
    if there.is_none() || before.edition < code.edition {
        tx.upsert(there.as_ref(), &CodeShard { edition: code.edition, ..before });
        if code.deleted {
            tx.send(Message::CodeChanged { code: code.of, hash: code.hash });
        }
    }
    Ok(((), tx))
}

/// Deletes codes, all or none; their redemptions stay.
///
/// Redeemers no longer find the codes. Without a key, a code that is deleted already counts as success, so a repeat completes
/// an interrupted request.
///
/// # Rejects
/// `code_not_found` when any of them does not exist.
pub async fn delete_codes(
    app: &App,
    ctx: &Ctx,
    names: &BTreeSet<CodeName>,
    admin: UserId,
) -> Result<Answered<u64>, Error> {
    let done = app.execute(ctx, || plan_deletion(app, ctx, names, admin)).await?;
    for code in all(app, names).await? {
        bring_up_to_date(app, &code).await?;
    }
    Ok(done)
}

/// Reads named codes, each once.
///
/// # Rejects
/// `code_not_found` when any of them does not exist.
async fn all(app: &App, names: &BTreeSet<CodeName>) -> Result<Vec<Versioned<Code>>, Error> {
    let named = hashes(app, names).await?;
    let keys = named.iter().flatten().copied().map(Code::key).collect::<Vec<_>>();
    let found = app.store.read(keys).await?.into_iter().flatten();
    let found: BTreeMap<CodeHash, Versioned<Code>> = found.map(|code| (code.hash, code)).collect();
    if !named.iter().all(|hashes| hashes.iter().any(|hash| found.contains_key(hash))) {
        return Err(Refusal::CodeNotFound.into());
    }
    Ok(found.into_values().collect())
}

async fn plan_deletion(app: &App, ctx: &Ctx, names: &BTreeSet<CodeName>, admin: UserId) -> Result<(u64, Tx), Error> {
    let mut tx = app.tx();
    let mut deleted = Vec::new();
    let all = all(app, names).await?;
    let count = all.len();
    for before in all {
        if before.deleted {
            if ctx.idempotency == Idempotency::Natural {
                continue;
            }
            return Err(Refusal::CodeNotFound.into());
        }
        let edition = before.edition.checked_add(1).ok_or_else(|| Fault::bug("editions without end"))?;
        tx.replace(&before, &Code { deleted: true, is_apart: true, edition, ..Code::clone(&before) });
        tx.send(Message::CodeChanged { code: before.of, hash: before.hash });
        deleted.push(before.of.to_string());
    }
    if deleted.is_empty() {
        return Ok((0, tx));
    }
    let subject = if deleted.len() == 1 { deleted.concat() } else { format!("{} codes", deleted.len()) };
    let audit = by_admin(app, ctx, admin, "code.deleted", subject).change(deleted.join(" "), "");
    tx.insert(&audit);
    Ok((u64::try_from(count).unwrap_or(u64::MAX), tx))
}

/// Extends the validity of a batch's codes that have no end of their own, in one write (R7.10); the same end again changes nothing.
///
/// # Rejects
/// [`Refusal::NotFound`]; 422 for a batch without an end, and for an end that is not later.
pub async fn extend_batch(app: &App, ctx: &Ctx, id: BatchId, to: Timestamp, admin: UserId) -> Result<Batch, Error> {
    let ctx = &ctx.unkeyed();
    let done = app.execute(ctx, || async {
        let before = app.store.get::<Batch>(&Batch::key(id)).await?.ok_or(Refusal::NotFound)?;
        let after = before.extended(to, app.clock.now())?;
        let mut tx = app.tx();
        if after != *before {
            tx.replace(&before, &after);
            let end = |of: &Batch| of.expires_at().map(|at| at.to_string()).unwrap_or_default();
            let audit = by_admin(app, ctx, admin, "batch.extended", id.to_string());
            tx.insert(&audit.change(end(&before), end(&after)));
        }
        Ok((after, tx))
    });
    Ok(done.await?.answer)
}

/// Enables or disables all codes of a batch in one write.
///
/// # Rejects
/// [`Refusal::NotFound`].
pub async fn set_batch_status(app: &App, ctx: &Ctx, id: BatchId, enabled: bool, admin: UserId) -> Result<Batch, Error> {
    let ctx = &ctx.unkeyed();
    let done = app.execute(ctx, || async {
        let before = app.store.get::<Batch>(&Batch::key(id)).await?.ok_or(Refusal::NotFound)?;
        let after = Batch { enabled, ..Batch::clone(&before) };
        let mut tx = app.tx();
        if before.enabled != enabled {
            tx.replace(&before, &after);
            let audit = by_admin(app, ctx, admin, "batch.status_set", id.to_string());
            tx.insert(&audit.change(before.enabled.to_string(), enabled.to_string()));
        }
        Ok((after, tx))
    });
    Ok(done.await?.answer)
}
