//! Redemption of a code (R7.3–R7.7): one transaction counts the use and grants the benefit.
//!
//! There are three round trips: user, code and earlier guesses; the entities that the code needs; the commit. The first attempt
//! takes a use of a random shard. Later attempts read all shards consistently and take one with uses left. Only when none has
//! any, the code is used up. The transaction has no write or condition on an item that all redeemers share.

use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::credit_lots::SourceLot;
use crate::account::model::access::Bearer;
use crate::account::model::user::User;
use crate::app::App;
use crate::message::Message;
use crate::payment::credit_order::header;
use crate::payment::model::settings::PaymentSettings;
use crate::redemption::model::code::{Batch, Benefit, Code, CodeShard};
use crate::redemption::model::code_text::{CodeHash, CodeText};
use crate::redemption::model::plan::{Plan, PlanTime, Subscriber, Subscription};
use crate::redemption::model::redemption::{CountedOn, Extension, Redemption, cause};
use crate::redemption::model::settings::RedemptionSettings;
use crate::redemption::table::{CODE_SHARDS, subscriptions_of};
use kernel::fault::{Error, Fault};
use kernel::id::{PlanId, RedemptionId, SubscriptionId, UserId};
use kernel::ledger::{LotKind, NewLine, Operator, PlatformAccount, PlatformLine, RecordType};
use kernel::money::LedgerMoney;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::item::Versioned;
use table::key::Key;
use table::plain::RateWindow;
use table::store::{Index, Query};
use table::telemetry as metrics;
use table::tx::Tx;

/// Name and window in seconds of the guess limit (R7.7).
const GUESSES: (&str, i64) = ("redeem", 3_600);
/// Maximum redemptions of a user and code fetched by one read.
const CLAIMS: u32 = 90;

/// Request to redeem a code.
#[derive(Debug, Clone)]
pub struct Redeem {
    pub by: Bearer,
    pub code: CodeText,
    /// True to start a new subscription even if there is one to extend.
    pub new_subscription: bool,
}

/// Redemption as returned, and as stored for replays; the code is masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Redeemed {
    pub id: RedemptionId,
    /// Masked code.
    pub code: String,
    /// Benefit at the time of the redemption.
    pub benefit: Benefit,
    /// Effect on the subscription, for plan time.
    pub extension: Option<Extension>,
    /// Credit, for balance.
    pub credit: Option<LedgerMoney>,
    pub redeemed_at: Timestamp,
    /// Time of the reversal by an admin, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone_at: Option<Timestamp>,
}

impl From<&Redemption> for Redeemed {
    fn from(of: &Redemption) -> Self {
        Self {
            id: of.id,
            code: of.masked.clone(),
            benefit: of.benefit,
            extension: of.extension.clone(),
            credit: of.credit,
            redeemed_at: of.redeemed_at,
            undone_at: of.undone.as_ref().map(|undone| undone.at),
        }
    }
}

/// Redeems a code for plan time or balance.
///
/// An unknown code counts toward the guess limit. A mistyped one does not: its check fails before anything is read (R7.9).
///
/// # Rejects
/// `programme_off`; `account_blocked`; `rate_limited` after too many unknown codes; `code_not_found`, `already_redeemed`,
/// `code_disabled`, `code_not_yet_valid`, `code_expired`, `code_used_up`, `plan_off_sale`, `plan_quota` (R7.7).
pub async fn redeem(app: &App, ctx: &Ctx, ask: &Redeem) -> Result<Answered<Redeemed>, Error> {
    let settings = app.settings::<RedemptionSettings>().await?.settings;
    if !settings.enabled {
        return Err(Refusal::ProgrammeOff.into());
    }
    let hashes = app.config.codes.look_up(&ask.code)?;
    if hashes.is_empty() {
        metrics::metric("Redemptions", 1, "Count", &[("Outcome", "mistyped")]);
        return Err(Refusal::CodeNotFound.into());
    }
    let attempts = AtomicU32::new(0);
    let entered = Entered { ask, hashes };
    let done = app.execute(ctx, || plan(app, ctx, &entered, &settings, attempts.fetch_add(1, Ordering::Relaxed))).await;
    let outcome = match &done {
        Ok(done) if done.replayed => return Ok(done.clone()),
        Ok(_) => "redeemed",
        Err(Error::Refused(refusal)) => refusal.code(),
        Err(Error::Fault(_)) => "fault",
    };
    metrics::metric("Redemptions", 1, "Count", &[("Outcome", outcome)]);
    if matches!(done, Err(Error::Refused(Refusal::CodeNotFound))) {
        let guesser = guesser(app, ask.by.user);
        app.store.record_attempt(GUESSES.0, &guesser, app.clock.now(), GUESSES.1).await?;
    }
    done
}

/// Request with the hashes under which its code may be stored.
struct Entered<'a> {
    ask: &'a Redeem,
    hashes: Vec<CodeHash>,
}

fn guesser(app: &App, user: UserId) -> String {
    app.config.secret.hex("redeemer", &[user.to_string().as_bytes()])
}

async fn plan(
    app: &App,
    ctx: &Ctx,
    entered: &Entered<'_>,
    settings: &RedemptionSettings,
    attempt: u32,
) -> Result<(Redeemed, Tx), Error> {
    let (now, ask) = (app.clock.now(), entered.ask);
    let (user, code) = who_and_what(app, entered, settings, now).await?;
    let needs = Needs::read(app, ask, &code, attempt > 0).await?;
    let batch = needs.batch.as_ref().ok_or(Refusal::CodeNotFound)?;
    if code.deleted {
        return Err(Refusal::CodeNotFound.into());
    }
    let number = needs.free.ok_or(Refusal::AlreadyRedeemed)?;
    code.must_be_redeemable(batch, now)?;
    let count = Count::choose(app, &code, needs.shards.as_deref())?;
    let mut redemption = Redemption {
        id: RedemptionId::new(app.ulid()),
        user: ask.by.user,
        of: code.of,
        code: code.hash,
        masked: ask.code.masked(),
        number,
        per_user_limit: code.terms.per_user_limit,
        edition: code.edition,
        counted: count.place(),
        benefit: code.terms.benefit,
        extension: None,
        credit: None,
        journal: None,
        redeemed_at: now,
        undone: None,
    };
    let mut effect = app.tx();
    match code.terms.benefit.plan_time() {
        Some((plan, time)) => needs.extend(app, ask, (plan, time), &mut redemption, &mut effect)?,
        None => credit(app, ctx, &user, &mut redemption, &mut effect).await?,
    }
    effect.mark(|tx| {
        let guard = tx.insert(&redemption);
        if code.terms.per_user_limit == 1 {
            guard.or(Refusal::AlreadyRedeemed);
        }
    });
    count.write(&code, &mut effect);
    effect.send(Message::RedemptionCompleted { user: ask.by.user, code: code.of, number });
    Ok((Redeemed::from(&redemption), effect))
}

/// Reads user, code and guess limit in one batch.
async fn who_and_what(
    app: &App,
    entered: &Entered<'_>,
    settings: &RedemptionSettings,
    now: Timestamp,
) -> Result<(Versioned<User>, Versioned<Code>), Error> {
    let ask = entered.ask;
    let guesses = RateWindow::key(GUESSES.0, &guesser(app, ask.by.user));
    let codes: Vec<Key<Code>> = entered.hashes.iter().copied().map(Code::key).collect();
    let (user, codes, guesses) = app.store.read((User::key(ask.by.user), codes, guesses)).await?;
    let user = user.ok_or(Refusal::Unauthenticated)?;
    user.must_admit(&ask.by)?;
    let tries = RateWindow::within(guesses.as_ref(), now);
    if tries.count >= i64::from(settings.max_failed_attempts_per_hour) {
        let limit = format!("{} wrong codes in an hour", settings.max_failed_attempts_per_hour);
        return Err(tries.refused_by(limit, now).into());
    }
    Ok((user, codes.into_iter().flatten().next().ok_or(Refusal::CodeNotFound)?))
}

/// Entities that a code needs, from the second read.
struct Needs {
    batch: Option<Batch>,
    plan: Option<Plan>,
    /// First free number among the caller's uses of the code; `None` when all are taken.
    free: Option<u32>,
    /// The caller's subscriptions of the plan.
    subscriptions: Vec<Versioned<Subscription>>,
    /// All existing shards, if they were read.
    shards: Option<Vec<Versioned<CodeShard>>>,
}

impl Needs {
    async fn read(app: &App, ask: &Redeem, code: &Code, look_at_shards: bool) -> Result<Self, Fault> {
        let plan = code.terms.benefit.plan_time().map(|(plan, _)| plan);
        let first = claims(ask.by.user, code, 1, code.terms.per_user_limit);
        let (found, subscriptions, shards) = tokio::join!(
            app.store.read((Batch::key(code.of.batch), plan.map(Plan::key), first)),
            async {
                match plan {
                    Some(plan) => subscriptions(app, ask.by.user, plan).await,
                    None => Ok(Vec::new()),
                }
            },
            shards(app, code, look_at_shards && code.shards > 0),
        );
        let (batch, plan, first) = found?;
        Ok(Self {
            batch: batch.map(Versioned::into_inner),
            plan: plan.map(Versioned::into_inner),
            free: free_claim(app, ask.by.user, code, first).await?,
            subscriptions: subscriptions?,
            shards: shards?,
        })
    }

    /// Extends the subscription that ends last, or starts one (R7.4, R7.5).
    fn extend(
        &self,
        app: &App,
        ask: &Redeem,
        (id, time): (PlanId, PlanTime),
        redemption: &mut Redemption,
        tx: &mut Tx,
    ) -> Result<(), Error> {
        let now = redemption.redeemed_at;
        let plan = self.plan.as_ref().ok_or_else(|| Fault::bug(format!("a code of {id}, which is not there")))?;
        if !plan.on_sale {
            return Err(Refusal::PlanOffSale.into());
        }
        let last = self.subscriptions.iter().max_by_key(|subscription| (subscription.expires_at, subscription.number));
        let too_far = || Refusal::field("/code", "out_of_range", "The subscription would end beyond the calendar.");
        if let Some(before) = last.filter(|_| !ask.new_subscription) {
            let after = before.extended(plan, time, now).ok_or_else(too_far)?;
            tx.replace(before, &after);
            redemption.extension = Some(Extension::of(Some(before), &after, plan));
            return Ok(());
        }
        self.guard_quota(plan, last, now, tx)?;
        // Concurrent first subscriptions want the same number, so one of them conflicts, re-plans and extends the other's.
        let highest = self.subscriptions.iter().map(|subscription| subscription.number).max().unwrap_or(0);
        let number = highest.checked_add(1).ok_or_else(|| Fault::bug("subscriptions without end"))?;
        let by = Subscriber { id: SubscriptionId::new(app.ulid()), user: ask.by.user, number };
        let after = Subscription::begin(by, plan, time, now).ok_or_else(too_far)?;
        tx.insert(&after);
        redemption.extension = Some(Extension::of(None, &after, plan));
        Ok(())
    }

    /// Requires that a new subscription is within the plan's quota.
    ///
    /// Only the one that ends last can become live meanwhile, because no other is ever extended.
    fn guard_quota(
        &self,
        plan: &Plan,
        last: Option<&Versioned<Subscription>>,
        now: Timestamp,
        tx: &mut Tx,
    ) -> Result<(), Refusal> {
        if plan.quota == 0 {
            return Ok(());
        }
        let live = self.subscriptions.iter().filter(|subscription| subscription.is_live(now)).count();
        if u32::try_from(live).unwrap_or(u32::MAX) >= plan.quota {
            return Err(Refusal::PlanQuota);
        }
        if let Some(last) = last.filter(|last| !last.is_live(now)) {
            tx.unchanged(last);
        }
        Ok(())
    }
}

/// Credits the balance (R1.6, type `redeem`) against the platform account `codes`.
async fn credit(
    app: &App,
    ctx: &Ctx,
    user: &Versioned<User>,
    redemption: &mut Redemption,
    tx: &mut Tx,
) -> Result<(), Error> {
    let Benefit::Balance { credit } = redemption.benefit else { return Err(Fault::bug("no balance to credit").into()) };
    let settings = app.settings::<PaymentSettings>().await?.settings;
    let currency = match user.accounts.balance.seq {
        0 => settings.ledger_currency,
        _ => user.accounts.balance().currency(),
    };
    let amount = LedgerMoney::exact(credit, currency)?;
    let expires_at = settings.granted_until(redemption.redeemed_at);
    let lot = SourceLot::first(LotKind::Code, redemption.id.to_string(), expires_at);
    let header = header(app, ctx, cause(redemption.id), Operator::User, user.id.to_string(), redemption.redeemed_at);
    let journal = header.journal;
    let movement = NewLine::new(RecordType::Redeem, amount, redemption.id.to_string());
    let house = vec![PlatformLine::new(PlatformAccount::Codes, amount.negated())];
    let posted = lot.post(app, user, header, (&[movement], house), tx);
    let (accounts, posting) = posted.map_err(Fault::bug)?;
    tx.insert(&posting);
    tx.replace(user, &User { accounts, ..User::clone(user) });
    (redemption.credit, redemption.journal) = (Some(amount), Some(journal));
    Ok(())
}

/// Returns the keys of a user's redemptions of a code from number `first` on, at most [`CLAIMS`].
fn claims(user: UserId, code: &Code, first: u32, last: u32) -> Vec<Key<Redemption>> {
    let last = first.saturating_add(CLAIMS).saturating_sub(1).min(last);
    (first..=last).map(|number| Redemption::key(user, code.of, number)).collect()
}

/// Finds the first free number of a user's uses; `None` when all are taken.
///
/// A redemption that was taken back allows one more.
async fn free_claim(
    app: &App,
    user: UserId,
    code: &Code,
    mut claimed: Vec<Option<Versioned<Redemption>>>,
) -> Result<Option<u32>, Fault> {
    let (mut number, mut last) = (1_u32, code.terms.per_user_limit);
    loop {
        for claim in claimed {
            let Some(claim) = claim else { return Ok(Some(number)) };
            number = number.saturating_add(1);
            last = last.saturating_add(u32::from(claim.undone.is_some()));
        }
        if number > last {
            return Ok(None);
        }
        claimed = app.store.read(claims(user, code, number, last)).await?;
    }
}

/// Reads a user's subscriptions of a plan.
///
/// # Errors
/// A fault when the database cannot be reached or an item does not decode.
pub(crate) async fn subscriptions(
    app: &App,
    user: UserId,
    plan: PlanId,
) -> Result<Vec<Versioned<Subscription>>, Fault> {
    let mut ask = Query::newest(Index::Table, User::key(user).pk, 100);
    ask.prefix = Some(subscriptions_of(plan));
    app.store.all(ask).await
}

/// Reads all shards of a code consistently, if `wanted`.
async fn shards(app: &App, code: &Code, wanted: bool) -> Result<Option<Vec<Versioned<CodeShard>>>, Fault> {
    if !wanted {
        return Ok(None);
    }
    shards_of(app, code.hash).await.map(Some)
}

/// Reads all existing shards of a code.
///
/// # Errors
/// A fault when the database cannot be reached or an item does not decode.
pub async fn shards_of(app: &App, code: CodeHash) -> Result<Vec<Versioned<CodeShard>>, Fault> {
    let mut ask = Query::newest(Index::Table, Code::key(code).pk, 200);
    ask.prefix = Some(CODE_SHARDS.to_owned());
    app.store.all(ask).await
}

/// Count that takes this use.
enum Count<'a> {
    /// None, because the code is unlimited.
    Nowhere,
    /// The code's item.
    Code,
    /// A shard that is up to date, or a new one.
    Shard(CodeShard),
    /// A shard that an edit has not reached yet; the write updates it.
    Late(&'a Versioned<CodeShard>),
}

impl<'a> Count<'a> {
    fn choose(app: &App, code: &Code, shards: Option<&'a [Versioned<CodeShard>]>) -> Result<Self, Refusal> {
        if code.terms.unlimited() {
            return Ok(Self::Nowhere);
        }
        let own = (code.used < code.own_uses).then_some(Self::Code);
        if code.shards == 0 {
            return own.ok_or(Refusal::CodeUsedUp);
        }
        let mut with_uses: Vec<Self> = match shards {
            None => (0..code.shards).map(|shard| Self::Shard(code.fresh_shard(shard))).collect(),
            Some(known) => (0..code.shards).filter_map(|shard| Self::of(code, shard, known)).collect(),
        };
        match u32::try_from(with_uses.len()).ok().filter(|choices| *choices > 0) {
            Some(choices) => {
                let choice = u32::from_be_bytes(app.entropy.bytes()).checked_rem(choices).unwrap_or(0);
                Ok(with_uses.swap_remove(usize::try_from(choice).unwrap_or(0)))
            }
            None => own.ok_or(Refusal::CodeUsedUp),
        }
    }

    /// Returns a shard if it has uses left.
    fn of(code: &Code, shard: u8, known: &'a [Versioned<CodeShard>]) -> Option<Self> {
        let Some(there) = known.iter().find(|known| known.shard == shard) else {
            return Some(Self::Shard(code.fresh_shard(shard)));
        };
        if there.used >= there.own_uses {
            return None;
        }
        Some(if there.edition < code.edition { Self::Late(there) } else { Self::Shard(CodeShard::clone(there)) })
    }

    fn place(&self) -> CountedOn {
        match self {
            Self::Nowhere => CountedOn::Nowhere,
            Self::Code => CountedOn::Code,
            Self::Shard(shard) => CountedOn::Shard(shard.shard),
            Self::Late(shard) => CountedOn::Shard(shard.shard),
        }
    }

    fn write(&self, code: &Code, tx: &mut Tx) {
        match self {
            Self::Nowhere => {}
            Self::Code => tx.take_use(code).or_retry(),
            Self::Shard(shard) => tx.take_use_or_begin(shard).or_retry(),
            Self::Late(shard) => {
                let used = shard.used.saturating_add(1);
                tx.replace(shard, &CodeShard { used, edition: code.edition, ..CodeShard::clone(shard) });
            }
        }
    }
}
