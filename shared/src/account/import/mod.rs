//! Moving in from another system (R13.1): accounts, invite codes, opening balances and referrals, line by line.
//!
//! Each line is a transaction of its own, with a guard of its own that never expires, so that a file can be read again from any point
//! and takes effect once. Nothing of the past earns again: no reward, no promotion, no event, no sign-up of a day.
//!
//! A request that takes effect is on the audit log before its first line is.

pub mod balances;
pub mod codes;
mod find;
pub mod referrals;
pub mod users;

use std::collections::BTreeMap;

use crate::account::model::import::{ImportSource, ImportedLine};
use crate::affiliate::in_bulk::{must_be_the_same_body, unfinished};
use crate::app::App;
use crate::operations::audit_log::by_admin;
use crate::operations::model::audit_record::AuditRecord;
use kernel::fault::{Error, Fault};
use kernel::id::UserId;
use table::context::Ctx;
use table::execute::Answered;
use table::tx::Tx;

/// Request to import some lines of one kind.
#[derive(Debug, Clone)]
pub struct Import<L> {
    /// Lines as they were read; a refused one is what became of it.
    pub lines: Vec<Result<L, ImportedLine>>,
    /// True to write nothing, and to tell what would become of the lines.
    pub dry_run: bool,
    pub by: Importer,
}

/// Origin of an import, and who makes it.
#[derive(Debug, Clone)]
pub struct Importer {
    pub source: ImportSource,
    pub admin: UserId,
}

/// Line of an import.
pub trait ImportLine {
    /// Action of the audit log.
    const ACTION: &'static str;

    /// Texts that no two lines of a request may share.
    fn identities(&self) -> Vec<String>;

    /// Plans the line as one transaction; an empty one if it takes no effect.
    fn plan(
        &self,
        app: &App,
        ctx: &Ctx,
        by: &Importer,
    ) -> impl Future<Output = Result<(ImportedLine, Tx), Error>> + Send;
}

/// Imports lines one after the other, and tells what became of each, in their order.
///
/// A refusal is what became of its line, and the next one follows. A fault ends the request, and its repetition goes on: what had taken
/// effect is answered again.
///
/// # Rejects
/// [`Refusal::IdempotencyKeyReused`](kernel::refusal::Refusal::IdempotencyKeyReused) for a key that came with another body.
pub async fn import<L: ImportLine>(
    app: &App,
    ctx: &Ctx,
    ask: &Import<L>,
) -> Result<Answered<Vec<ImportedLine>>, Error> {
    let parts: Vec<Ctx> = (0..ask.lines.len()).map(|place| ctx.part(place)).collect();
    must_be_the_same_body(app, &parts).await?;
    let mut done = Answered { answer: Vec::with_capacity(ask.lines.len()), replayed: true };
    if !ask.dry_run {
        record::<L>(app, &ctx.part(ask.lines.len()), ask).await?;
    }
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for (place, (line, part)) in ask.lines.iter().zip(&parts).enumerate() {
        let told = match line {
            Err(refused) => Ok(Answered { answer: refused.clone(), replayed: false }),
            Ok(line) => {
                let identities = line.identities();
                match identities.iter().find_map(|identity| known.get(identity)) {
                    Some(first) => Ok(Answered { answer: repeated(*first), replayed: false }),
                    None => {
                        known.extend(identities.into_iter().map(|identity| (identity, place)));
                        one(app, part, line, ask).await
                    }
                }
            }
        };
        let told = told.map_err(|fault| unfinished(fault, done.answer.is_empty()))?;
        done.answer.push(told.answer);
        done.replayed &= told.replayed;
    }
    Ok(done)
}

/// Imports one line, or tells what would become of it.
async fn one<L: ImportLine>(app: &App, ctx: &Ctx, line: &L, ask: &Import<L>) -> Result<Answered<ImportedLine>, Fault> {
    let told = match ask.dry_run {
        true => {
            let seen = app.view(|| line.plan(app, ctx, &ask.by)).await;
            seen.map(|(told, _)| Answered { answer: told.dry(), replayed: false })
        }
        false => app.execute(ctx, || line.plan(app, ctx, &ask.by)).await,
    };
    match told {
        Ok(told) => Ok(told),
        Err(Error::Refused(refusal)) => Ok(Answered { answer: refusal.into(), replayed: false }),
        Err(Error::Fault(fault)) => Err(fault),
    }
}

fn repeated(first: usize) -> ImportedLine {
    let detail = format!("line {} of this request is about the same", first.saturating_add(1));
    ImportedLine::refused("duplicate_line", detail)
}

/// Writes who imports how many lines from where, once per request.
async fn record<L: ImportLine>(app: &App, ctx: &Ctx, ask: &Import<L>) -> Result<(), Error> {
    app.execute(ctx, || async {
        let mut tx = app.tx();
        let subject = format!("import:{}", ask.by.source);
        let audit = by_admin(app, ctx, ask.by.admin, L::ACTION, subject);
        let lines = serde_json::json!({"lines": ask.lines.len()}).to_string();
        tx.insert(&AuditRecord { after: Some(lines), ..audit });
        Ok(((), tx))
    })
    .await
    .map(|_| ())
}
