//! Signs the heads of each day (R11.2).
//!
//! An hour after a day's end the job reads the list of its journal entries, builds the tree of the accounts' last ones, stores its
//! pages, and commits the signed root, which exists once for each day. Pages stand under their root, so a run that stops anywhere
//! is repeated, and two runs that saw different lists don't touch each other's pages. A day follows the one before it: missed days
//! are made up for in order.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::BASE64URL_NOPAD;
use futures_util::future::try_join_all;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde::Serialize;
use tokio::time::Instant;
use ulid::Ulid;

use crate::app::App;
use crate::operations::model::heads::{DayTree, Head, HeadsPage, LEAVES_MAX, LatestHeads, LedgerHeads, signed_text};
use crate::payment::expire::TICK;
use kernel::content_hash::ContentHash;
use kernel::fault::{Error, Fault};
use kernel::id::JournalId;
use kernel::ledger::JournalEntry;
use kernel::month::Month;
use table::context::Ctx;
use table::item::text;
use table::key::Key;
use table::ledger::{LedgerBegun, POSTINGS};
use table::store::{Index, Query};
use table::tx::Tx;

/// Time from a day's end to its heads, for the last commits and for the list to have them.
const GRACE: SignedDuration = SignedDuration::from_hours(1);
/// Keys per page of the list.
const KEYS: i32 = 1_000;
/// Entries read together.
const TOGETHER: usize = 1_000;

/// The key that signs heads; only the scheduler has it.
#[derive(Debug)]
pub struct HeadsSigner(Ed25519KeyPair);

impl HeadsSigner {
    /// Builds the signer of a 32-byte seed.
    ///
    /// # Errors
    /// A fault for a seed of another length.
    pub fn new(seed: &[u8]) -> Result<Self, Fault> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed);
        pair.map(Self).map_err(|_| Fault::bug("the key of the ledger must be 32 bytes"))
    }

    /// The public key, in base64url.
    pub fn key(&self) -> String {
        BASE64URL_NOPAD.encode(self.0.public_key().as_ref())
    }

    fn sign(&self, tree: &DayTree, accounts: u64, at: Timestamp) -> LedgerHeads {
        let signature = self.0.sign(signed_text(tree.date, tree.root).as_bytes());
        let DayTree { date, before, root, ref pages, .. } = *tree;
        let (pages, signature) = (pages.clone(), BASE64URL_NOPAD.encode(signature.as_ref()));
        LedgerHeads { date, accounts, before, root, pages, key: self.key(), signature, at }
    }
}

/// Report of one run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct HeadsReport {
    /// Days whose heads were signed.
    pub days: u32,
    /// Accounts in them.
    pub accounts: u64,
}

/// Signs the heads of all ended days that have none, in order, within the time of a tick.
///
/// # Errors
/// The key is missing; the database can't be reached.
pub async fn sign_heads(app: &App, ctx: &Ctx) -> Result<HeadsReport, Fault> {
    let started = Instant::now();
    let mut report = HeadsReport::default();
    while started.elapsed() <= TICK {
        let Some((date, before)) = next_day(app).await? else { break };
        let signer = app.heads_signer.as_deref().ok_or(Fault::Unset { variable: "LEDGER_KEY" })?;
        let heads = heads_of(app, date).await?;
        let accounts = u64::try_from(heads.len()).unwrap_or(u64::MAX);
        if heads.len() > LEAVES_MAX {
            return Err(Fault::bug(format!("{accounts} accounts have entries on {date}")));
        }
        let tree = DayTree::new(date, before, heads);
        for (number, heads) in (0_u32..).zip(&tree.heads) {
            let page = HeadsPage { date, root: tree.root, number, heads: heads.clone() };
            app.execute(&ctx.unkeyed(), || put_page(app, &page)).await.map_err(Error::into_fault)?;
        }
        let day = signer.sign(&tree, accounts, app.clock.now());
        if app.execute(&ctx.unkeyed(), || publish(app, &day)).await.map_err(Error::into_fault)?.answer {
            report.days = report.days.saturating_add(1);
            report.accounts = report.accounts.saturating_add(accounts);
        }
    }
    Ok(report)
}

/// The next ended day without heads, with the root of the day before.
///
/// The first one is the day on which the ledger began.
async fn next_day(app: &App) -> Result<Option<(Date, ContentHash)>, Fault> {
    let day = |at: Timestamp| at.checked_sub(GRACE).unwrap_or(Timestamp::MIN).to_zoned(TimeZone::UTC).date();
    let today = day(app.clock.now());
    let (latest, begun) = app.store.read((LatestHeads::key(), LedgerBegun::key())).await?;
    let next = match (&latest, &begun) {
        (Some(latest), _) => (latest.date.checked_add(1.day()).map_err(Fault::bug)?, latest.root),
        (None, Some(begun)) => (day(begun.at), ContentHash::GENESIS),
        (None, None) => return Ok(None),
    };
    Ok(Some(next).filter(|(date, _)| *date < today))
}

/// The heads of a day: of each account with an entry, the last one.
///
/// The list has keys, which tell account and number; only the last entries are read.
async fn heads_of(app: &App, date: Date) -> Result<Vec<Head>, Fault> {
    let begin = |date: Date| date.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp()).map_err(Fault::bug);
    let (from, to) = (begin(date)?, begin(date.checked_add(1.day()).map_err(Fault::bug)?)?);
    // A journal's time and that of its id differ a little, and the list goes by the one and is sorted by the other.
    let months: BTreeSet<Month> =
        [from, to].into_iter().flat_map(|at| [Month::of(at - 1.hour()), Month::of(at)]).collect();
    let partitions = months.into_iter().flat_map(|month| POSTINGS.month(month));
    let parts = partitions.map(|partition| last_of(app, partition, from, to));
    let mut last: BTreeMap<String, String> = BTreeMap::new();
    for (account, entry) in try_join_all(parts).await?.into_iter().flatten() {
        let known = last.entry(account).or_default();
        *known = std::mem::take(known).max(entry);
    }
    let keys: Vec<Key<JournalEntry>> = last.into_iter().map(|(pk, sk)| Key::holding(pk, sk)).collect();
    let mut heads = Vec::with_capacity(keys.len());
    for keys in keys.chunks(TOGETHER) {
        for entry in app.store.read(keys.to_vec()).await?.into_iter().flatten() {
            if let (Some(chain), Some(hash)) = (entry.chain(), entry.hash) {
                heads.push(Head { chain, number: entry.number, hash });
            }
        }
    }
    Ok(heads)
}

/// The last entry of each account, of those in a partition of the list whose journals were made in a time.
async fn last_of(
    app: &App,
    partition: String,
    from: Timestamp,
    to: Timestamp,
) -> Result<BTreeMap<String, String>, Fault> {
    let first = |at: Timestamp| {
        let millisecond = u64::try_from(at.as_millisecond()).unwrap_or_default();
        JournalId::new(Ulid::from_parts(millisecond, 0)).to_string()
    };
    let from = first(from);
    let mut last: BTreeMap<String, String> = BTreeMap::new();
    let mut ask = Query { before: Some(first(to)), ..Query::newest(Index::Platform, partition, KEYS) };
    loop {
        let page = app.store.list_items(&ask).await?;
        for item in &page.items {
            let (Some(pk), Some(sk), Some(sort)) = (text(item, "pk"), text(item, "sk"), text(item, "gsi2sk")) else {
                continue;
            };
            if sort < from.as_str() {
                return Ok(last);
            }
            let known = last.entry(pk.to_owned()).or_default();
            if known.as_str() < sk {
                sk.clone_into(known);
            }
        }
        match page.next {
            Some(next) => ask.after = Some(next),
            None => return Ok(last),
        }
    }
}

/// Plans a page; nothing if it is there.
async fn put_page(app: &App, page: &HeadsPage) -> Result<((), Tx), Error> {
    let mut tx = app.tx();
    if app.store.get(&HeadsPage::key(page.date, &page.root.to_string(), page.number)).await?.is_none() {
        tx.insert(page);
    }
    Ok(((), tx))
}

/// Plans a day's heads; false if the day has some, or does not follow the latest one.
async fn publish(app: &App, day: &LedgerHeads) -> Result<(bool, Tx), Error> {
    let mut tx = app.tx();
    let (latest, known) = app.store.read((LatestHeads::key(), LedgerHeads::key(day.date))).await?;
    if known.is_some() || latest.as_ref().map_or(ContentHash::GENESIS, |latest| latest.root) != day.before {
        return Ok((false, tx));
    }
    tx.insert(day);
    tx.upsert(latest.as_ref(), &LatestHeads { date: day.date, root: day.root });
    Ok((true, tx))
}
