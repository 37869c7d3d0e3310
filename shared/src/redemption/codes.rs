//! Lists of batches, codes, plans, redemptions and subscriptions (R7.8).
//!
//! Codes are listed by batch, newest first, and in a batch by ordinal. No index holds codes; a batch determines their texts, and
//! these their keys. Codes whose version of the code secret was retired can't be redeemed, and are not listed.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;
use jiff::Timestamp;
use tokio::try_join;

use crate::account::model::user::User;
use crate::app::App;
use crate::redemption::edit_code::taken;
use crate::redemption::model::code::{Batch, Code};
use crate::redemption::model::code_text::{CodeHash, CodeName, CodeText};
use crate::redemption::model::plan::{Plan, Subscription, Unit};
use crate::redemption::model::redemption::Redemption;
use crate::redemption::table::{BATCHES, CodeUses, PLANS, REDEMPTIONS};
use crate::redemption::texts::{Named, some, texts};
use kernel::fault::{Error, Fault};
use kernel::id::{BatchId, Identifier, PlanId, UserId};
use kernel::refusal::Refusal;
use kernel::text_enum;
use table::item::{Versioned, numbers};
use table::key::{Key, owned_by};
use table::list::Window;
use table::list::{ListSource, Walk, walk};
use table::spread::COUNTERS;
use table::store::{Cursor, Page};

/// Codes fetched by one read.
const CHUNK: usize = 100;
/// Batches of a list of codes that are read together.
const BATCHES_TOGETHER: i32 = 10;
/// Maximum reads of one page; a page ends then, however few codes matched.
const READS: usize = 10;

text_enum! {
    /// Status of a code in an admin's list.
    pub enum CodeStatus {
        /// Can be redeemed.
        Active = "active",
        /// It or its batch is switched off, or its batch is not ready.
        Disabled = "disabled",
        /// Its validity has not begun.
        Scheduled = "scheduled",
        /// Its validity has ended.
        Expired = "expired",
        /// Every use was taken.
        UsedUp = "used_up",
    }
}

impl CodeStatus {
    fn of(code: &Code, batch: &Batch, used: u64, now: Timestamp) -> Self {
        if !code.terms.unlimited() && used >= code.terms.total_uses {
            return Self::UsedUp;
        }
        match code.must_be_redeemable(batch, now) {
            Ok(()) => Self::Active,
            Err(Refusal::CodeNotYetValid) => Self::Scheduled,
            Err(Refusal::CodeExpired) => Self::Expired,
            Err(_) => Self::Disabled,
        }
    }
}

/// Filter of a list of codes.
#[derive(Debug, Clone, Default)]
pub struct CodeFilter {
    pub batch: Option<BatchId>,
    /// Plan of the benefit.
    pub plan: Option<PlanId>,
    /// Unit of the benefit's plan time.
    pub unit: Option<Unit>,
    pub status: Option<CodeStatus>,
    /// The one code.
    pub code: Option<CodeName>,
    /// Start of the codes' texts; only with a batch.
    pub prefix: Option<String>,
}

impl CodeFilter {
    /// Adds a code, or the start of codes of the batch.
    ///
    /// # Rejects
    /// 422 for text that no code starts with, and for a start without a batch: what is stored are hashes.
    pub fn starting(mut self, pointer: &str, text: Option<&str>) -> Result<Self, Refusal> {
        let Some(text) = text else { return Ok(self) };
        self.code = CodeName::parse(text);
        if self.code.is_none() {
            let unknown = || Refusal::field(pointer, "unknown", "The beginning of a code.");
            self.prefix = Some(CodeText::start(text).ok_or_else(unknown)?);
            self.batch
                .ok_or_else(|| Refusal::field(pointer, "required", "A whole code, or a batch with the beginning."))?;
        }
        Ok(self)
    }
}

/// Code with its status, as a list shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct CodeRow {
    pub text: CodeText,
    /// The code, with the end of its batch if it has none of its own.
    pub code: Code,
    /// Uses taken; eventually consistent for an unlimited code.
    pub used: u64,
    pub status: CodeStatus,
    /// False while the batch is disabled.
    pub batch_enabled: bool,
}

impl CodeRow {
    fn new(text: CodeText, code: Code, batch: &Batch, used: u64, now: Timestamp) -> Self {
        let status = CodeStatus::of(&code, batch, used, now);
        let code = Code { terms: code.terms_in(batch), ..code };
        Self { text, code, used, status, batch_enabled: batch.enabled }
    }
}

/// Returns the hashes under which each of some named codes may be stored.
///
/// # Rejects
/// `code_not_found` for an unknown batch, and for a mistyped code, without reading anything.
pub async fn hashes(app: &App, names: impl IntoIterator<Item = &CodeName>) -> Result<Vec<Vec<CodeHash>>, Error> {
    let (mut all, mut numbers) = (Vec::new(), BTreeMap::<BatchId, BTreeSet<u32>>::new());
    for name in names {
        match name {
            CodeName::Text(text) => all.push(app.config.codes.look_up(text)?),
            CodeName::Ref(of) => drop(numbers.entry(of.batch).or_default().insert(of.ordinal)),
        }
    }
    if all.iter().any(Vec::is_empty) {
        return Err(Refusal::CodeNotFound.into());
    }
    let batches = app.store.named(numbers.keys().map(|id| (*id, Batch::key(*id))).collect()).await?;
    for (id, numbers) in numbers {
        let batch = batches.get(&id).ok_or(Refusal::CodeNotFound)?;
        let named = some(app, batch, &numbers).await?;
        if named.len() < numbers.len() {
            return Err(Refusal::CodeNotFound.into());
        }
        all.extend(named.into_iter().map(|named| vec![named.hash]));
    }
    Ok(all)
}

/// Reads a code, also a deleted one.
///
/// # Rejects
/// `code_not_found`.
pub async fn find(app: &App, name: &CodeName) -> Result<Versioned<Code>, Error> {
    let keys: Vec<Key<Code>> = hashes(app, [name]).await?.into_iter().flatten().map(Code::key).collect();
    Ok(app.store.read(keys).await?.into_iter().flatten().next().ok_or(Refusal::CodeNotFound)?)
}

/// Reads a code by its text or reference.
///
/// # Rejects
/// `code_not_found`, also for a deleted code.
pub async fn code(app: &App, name: &CodeName) -> Result<CodeRow, Error> {
    let code = find(app, name).await?.into_inner();
    let batch = batch(app, code.of.batch).await?;
    let text = match name {
        CodeName::Text(text) => Some(text.clone()),
        CodeName::Ref(of) => {
            let named = texts(app, &batch, of.ordinal, of.ordinal.saturating_add(1)).await?;
            named.into_iter().map(|named| named.text).next()
        }
    };
    let text = text.filter(|_| !code.deleted).ok_or(Refusal::CodeNotFound)?;
    let used = uses(app, &[&code]).await?.into_iter().sum();
    Ok(CodeRow::new(text, code, &batch, used, app.clock.now()))
}

/// Reads a batch.
///
/// # Rejects
/// [`Refusal::NotFound`].
pub async fn batch(app: &App, id: BatchId) -> Result<Batch, Error> {
    Ok(app.store.get::<Batch>(&Batch::key(id)).await?.ok_or(Refusal::NotFound)?.into_inner())
}

/// Reads the uses taken of each of some codes; of an unlimited one as its redemptions' messages counted them.
async fn uses(app: &App, codes: &[&Code]) -> Result<Vec<u64>, Fault> {
    let counters = codes.iter().enumerate().filter(|(_, code)| code.terms.unlimited()).flat_map(|(index, code)| {
        let name = code.of.to_string();
        (0..COUNTERS).map(move |shard| ((index, shard), CodeUses::key(&name, shard)))
    });
    let counters: BTreeMap<(usize, u8), Key> = counters.collect();
    let taken = codes.iter().map(|code| taken(app, code));
    let (counters, mut uses) = try_join!(app.store.read(counters), try_join_all(taken))?;
    for ((index, _), item) in counters {
        let counted = numbers(&item)?.get("uses").copied().unwrap_or_default();
        if let Some(uses) = uses.get_mut(index) {
            *uses = uses.saturating_add(u64::try_from(counted).unwrap_or(0));
        }
    }
    Ok(uses)
}

/// Lists one page of codes that match a filter, without deleted ones; a page may be short.
///
/// # Errors
/// A fault when the database cannot be reached or an item does not decode.
pub async fn codes(app: &App, filter: &CodeFilter, window: &Window) -> Result<Page<CodeRow>, Fault> {
    if let Some(name) = &filter.code {
        let one = match code(app, name).await {
            Ok(row) => Some(row).filter(|row| filter.fits(row)),
            Err(Error::Refused(_)) => None,
            Err(Error::Fault(fault)) => return Err(fault),
        };
        return Ok(Page { items: one.into_iter().collect(), next: None });
    }
    let mut place = Place::begin(filter, window);
    let limit = usize::try_from(window.limit).unwrap_or(1).max(1);
    let mut items = Vec::new();
    for _ in 0..READS {
        place.read_some(app, filter, window, limit, &mut items).await?;
        if items.len() >= limit || place.is_end() {
            break;
        }
    }
    let next = (!place.is_end()).then(|| place.position());
    Ok(Page { items, next })
}

impl CodeFilter {
    fn fits(&self, row: &CodeRow) -> bool {
        self.fits_code(&row.code) && self.status.is_none_or(|wanted| row.status == wanted)
    }

    fn fits_code(&self, code: &Code) -> bool {
        let plan = code.terms.benefit.plan_time();
        self.batch.is_none_or(|batch| code.of.batch == batch)
            && self.plan.is_none_or(|wanted| plan.is_some_and(|(plan, _)| plan == wanted))
            && self.unit.is_none_or(|wanted| plan.is_some_and(|(_, time)| time.unit == wanted))
    }

    /// True if not every code of a batch passes it.
    fn is_selective(&self) -> bool {
        self.plan.is_some() || self.unit.is_some() || self.status.is_some() || self.prefix.is_some()
    }
}

/// Position in a list of codes.
struct Place {
    /// Batch whose codes are listed, and the ordinal of the next one.
    current: Option<(BatchId, u32)>,
    /// Cursor behind it in the list of batches; none at either end of the list.
    after: Option<Cursor>,
    /// True if a batch of the list was reached.
    begun: bool,
    /// True if the list is of one batch only.
    only: bool,
}

/// Batch with codes still to be listed.
struct Part {
    batch: Batch,
    /// Ordinal of the first of them.
    from: u32,
    /// Cursor behind it in the list of batches; none at the end of the list.
    behind: Option<Cursor>,
}

impl Place {
    fn begin(filter: &CodeFilter, window: &Window) -> Self {
        let mut after = window.after.clone();
        let mut take = |name: &str| after.as_mut().and_then(|after| after.remove(name));
        let current = take("batch").and_then(|id| BatchId::parse(&id)).or(filter.batch);
        let ordinal = take("ordinal").and_then(|ordinal| ordinal.parse().ok()).unwrap_or(0);
        let after = after.filter(|after| !after.is_empty());
        let begun = current.is_some() || after.is_some();
        Self { current: current.map(|batch| (batch, ordinal)), after, begun, only: filter.batch.is_some() }
    }

    /// Reads the current batch, or else the next ones of the list.
    async fn parts(&mut self, app: &App, window: &Window) -> Result<Vec<Part>, Fault> {
        if let Some((id, from)) = self.current.take() {
            let batch = app.store.get::<Batch>(&Batch::key(id)).await?;
            let part = |batch: Versioned<Batch>| Part { batch: batch.into_inner(), from, behind: self.after.clone() };
            return Ok(batch.map(part).into_iter().collect());
        }
        let list = Walk {
            source: ListSource::Platform(BATCHES),
            filtered: false,
            from: window.from,
            to: window.to,
            limit: BATCHES_TOGETHER,
            after: self.after.take(),
        };
        let page = walk(app, &list, |batch: &Batch| vec![batch.clone()]).await?;
        let mut parts: Vec<Part> =
            page.items.into_iter().map(|batch| Part { behind: Some(list.behind(&batch)), from: 0, batch }).collect();
        if let Some(last) = parts.last_mut() {
            last.behind.clone_from(&page.next);
        }
        self.leave(page.next);
        Ok(parts)
    }

    /// Moves behind a batch in the list.
    fn leave(&mut self, behind: Option<Cursor>) {
        (self.current, self.after, self.begun) = (None, behind, true);
    }

    /// Moves to a code of a batch.
    fn go_to(&mut self, part: &Part, ordinal: u32) {
        self.leave(part.behind.clone());
        self.current = (ordinal < part.batch.created).then_some((part.batch.id, ordinal));
    }

    fn is_end(&self) -> bool {
        self.current.is_none() && (self.only || (self.begun && self.after.is_none()))
    }

    /// Reads some codes, of several batches at once, and adds those that pass the filter.
    async fn read_some(
        &mut self,
        app: &App,
        filter: &CodeFilter,
        window: &Window,
        limit: usize,
        items: &mut Vec<CodeRow>,
    ) -> Result<(), Fault> {
        let wanted = if filter.is_selective() { CHUNK } else { limit.saturating_sub(items.len()).min(CHUNK) };
        let parts = self.parts(app, window).await?;
        let mut some: Vec<(&Part, Named)> = Vec::new();
        for part in &parts {
            let missing = wanted.saturating_sub(some.len());
            if missing == 0 {
                break;
            }
            let (named, until) = part.texts(app, filter, missing).await?;
            some.extend(named.into_iter().map(|named| (part, named)));
            self.go_to(part, until);
        }
        let keys: Vec<Key<Code>> = some.iter().map(|(_, named)| Code::key(named.hash)).collect();
        let found = app.store.read(keys).await?;
        let codes = some.into_iter().zip(found).filter_map(|(named, code)| {
            let code = code.filter(|code| !code.deleted && filter.fits_code(code))?;
            Some((named, code.into_inner()))
        });
        let codes: Vec<((&Part, Named), Code)> = codes.collect();
        let uses = uses(app, &codes.iter().map(|(_, code)| code).collect::<Vec<_>>()).await?;
        for (((part, named), code), used) in codes.into_iter().zip(uses) {
            if items.len() == limit {
                self.go_to(part, named.ordinal);
                break;
            }
            let row = CodeRow::new(named.text, code, &part.batch, used, app.clock.now());
            items.extend(Some(row).filter(|row| filter.fits(row)));
        }
        Ok(())
    }

    fn position(self) -> Cursor {
        let mut position = self.after.unwrap_or_default();
        if let Some((batch, ordinal)) = self.current {
            position.insert("batch".to_owned(), batch.to_string());
            position.insert("ordinal".to_owned(), ordinal.to_string());
        }
        position
    }
}

impl Part {
    /// Returns the next codes, only those that begin as the filter wants, and the ordinal behind them.
    async fn texts(&self, app: &App, filter: &CodeFilter, most: usize) -> Result<(Vec<Named>, u32), Fault> {
        let created = self.batch.created;
        let Some(prefix) = &filter.prefix else {
            let until = self.from.saturating_add(u32::try_from(most).unwrap_or(u32::MAX)).min(created);
            return Ok((texts(app, &self.batch, self.from, until).await?, until));
        };
        let all = texts(app, &self.batch, self.from, created).await?.into_iter();
        let mut fitting = all.filter(|named| named.text.as_str().starts_with(prefix));
        let some: Vec<Named> = fitting.by_ref().take(most).collect();
        Ok((some, fitting.next().map_or(created, |next| next.ordinal)))
    }
}

/// Reads all codes of a batch by ordinal with their texts, without deleted ones.
///
/// # Errors
/// A fault when the database cannot be reached or an item does not decode.
pub async fn codes_of(app: &App, batch: &Batch) -> Result<Vec<(CodeText, Code)>, Fault> {
    let mut codes = Vec::new();
    let named = texts(app, batch, 0, batch.created).await?;
    for some in named.chunks(CHUNK) {
        let found = app.store.read(some.iter().map(|named| Code::key(named.hash)).collect::<Vec<_>>()).await?;
        for (named, code) in some.iter().zip(found) {
            let code = code.filter(|code| !code.deleted);
            let within = |code: Versioned<Code>| Code { terms: code.terms_in(batch), ..code.into_inner() };
            codes.extend(code.map(|code| (named.text.clone(), within(code))));
        }
    }
    Ok(codes)
}

/// Lists batches, newest first.
///
/// # Errors
/// A fault when the database cannot be reached.
pub async fn batches(app: &App, window: &Window) -> Result<Page<Batch>, Fault> {
    let list = window.walk(ListSource::Platform(BATCHES), false);
    walk(app, &list, |batch: &Batch| window.only(batch.created_at, batch)).await
}

/// Lists plans, newest first.
///
/// # Errors
/// A fault when the database cannot be reached.
pub async fn plans(app: &App, window: &Window) -> Result<Page<Plan>, Fault> {
    let list = window.walk(ListSource::Platform(PLANS), false);
    walk(app, &list, |plan: &Plan| window.only(plan.created_at, plan)).await
}

/// Filter of a list of redemptions.
#[derive(Debug, Clone, Default)]
pub struct RedemptionFilter {
    pub user: Option<UserId>,
    pub code: Option<CodeName>,
}

/// Lists redemptions, newest first (R7.8).
///
/// # Errors
/// A fault when the database cannot be reached.
pub async fn redemptions(app: &App, filter: &RedemptionFilter, window: &Window) -> Result<Page<Redemption>, Fault> {
    let source = match filter.user {
        Some(user) => ListSource::Owned(owned_by("REDEMPTIONS", user)),
        None => ListSource::Platform(REDEMPTIONS),
    };
    let list = window.walk(source, filter.code.is_some());
    let hashes = match &filter.code {
        Some(CodeName::Text(text)) => app.config.codes.look_up(text)?,
        _ => Vec::new(),
    };
    walk(app, &list, |redemption: &Redemption| {
        let is_of_it = match &filter.code {
            None => true,
            Some(CodeName::Text(_)) => hashes.contains(&redemption.code),
            Some(CodeName::Ref(of)) => redemption.of == *of,
        };
        if is_of_it { window.only(redemption.redeemed_at, redemption) } else { Vec::new() }
    })
    .await
}

/// Lists a user's subscriptions with their plans: by plan, the latest first.
///
/// # Errors
/// A fault when the database cannot be reached.
pub async fn subscriptions(app: &App, user: UserId, window: &Window) -> Result<Page<(Subscription, Plan)>, Fault> {
    let list = window.walk(ListSource::Own(User::key(user).pk, "SUBSCRIPTION#"), false);
    let page = walk(app, &list, |subscription: &Subscription| vec![subscription.clone()]).await?;
    let keys = page.items.iter().map(|subscription| (subscription.plan, Plan::key(subscription.plan))).collect();
    let plans = app.store.named(keys).await?;
    let with_plan =
        |subscription: Subscription| plans.get(&subscription.plan).cloned().map(|plan| (subscription, plan));
    Ok(Page { items: page.items.into_iter().filter_map(with_plan).collect(), next: page.next })
}
