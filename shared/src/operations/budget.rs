//! Taking grants from the budgets of programmes (R10.4); `model::budget` explains the shares.
//!
//! A grant reads one share and writes it in its own transaction. Only a grant that does not fit there looks at the others.

use std::collections::BTreeMap;

use kernel::fault::{Error, Fault};
use kernel::money::LedgerMoney;
use kernel::settings::ProgrammeSettings;
use rust_decimal::Decimal;
use table::context::Ctx;
use table::item::Versioned;
use table::key::Key;
use table::spread::shard_of;
use table::telemetry as metrics;
use table::tx::Tx;

use crate::affiliate::model::settings::AffiliateSettings;
use crate::app::App;
use crate::operations::model::budget::{
    Allowance, Budget, BudgetShare, Budgeted, BudgetedProgramme, SHARES, deal, gather, month_of,
};
use crate::operations::model::settings::{Area, AreaSettings};
use crate::payment::model::settings::{PaymentSettings, PromotionSettings};
use crate::referral::model::settings::ReferralSettings;

/// Readings of all shares that have to be the same twice in a row; after so many the last one is taken as it is.
const READINGS: u32 = 10;

type Shares = BTreeMap<u8, Versioned<BudgetShare>>;

impl BudgetedProgramme {
    /// Returns the area of its settings.
    pub fn area(self) -> Area {
        match self {
            Self::Referral => Area::Referral,
            Self::Promotion => Area::Promotion,
            Self::Affiliate => Area::Affiliate,
        }
    }
}

/// Returns the budget of a programme for the current month; `None` if it has none.
///
/// # Errors
/// A fault when the settings cannot be read.
pub async fn budget_of(app: &App, programme: BudgetedProgramme) -> Result<Option<Budget>, Fault> {
    let (edition, amount) = match programme {
        BudgetedProgramme::Referral => limit::<ReferralSettings>(app).await?,
        BudgetedProgramme::Promotion => limit::<PromotionSettings>(app).await?,
        BudgetedProgramme::Affiliate => limit::<AffiliateSettings>(app).await?,
    };
    if amount.is_zero() {
        return Ok(None);
    }
    let currency = app.settings::<PaymentSettings>().await?.settings.ledger_currency;
    let amount = LedgerMoney::exact(amount, currency).map_err(Fault::bug)?;
    Ok(Some(Budget { programme, month: month_of(app.clock.now()), edition, amount }))
}

async fn limit<T: AreaSettings + ProgrammeSettings>(app: &App) -> Result<(u64, Decimal), Fault> {
    let held = app.settings::<T>().await?;
    Ok((held.version, held.settings.budget()))
}

/// Share of a budget as read, for its conditional write.
#[derive(Debug, Default)]
pub struct BudgetState {
    share: Option<Versioned<BudgetShare>>,
}

impl BudgetState {
    /// Reads the share for the grants of one transaction; `by` decides which, so grants to one beneficiary use one.
    ///
    /// # Errors
    /// A fault when the database cannot be reached. Without a budget nothing is read.
    pub async fn read(app: &App, programme: BudgetedProgramme, by: &str) -> Result<(Self, Allowance), Fault> {
        let Some(budget) = budget_of(app, programme).await? else { return Ok(<(Self, Allowance)>::default()) };
        let number = shard_of(by, SHARES);
        let share = app.store.get::<BudgetShare>(&BudgetShare::key(programme, budget.month, number)).await?;
        let known = share.as_deref().cloned().or_else(|| Some(BudgetShare::empty(&budget, number)));
        Ok((Self { share }, Allowance { budget: Some(budget), share: known, exceeding: Vec::new() }))
    }

    /// Adds the write of what was taken.
    pub fn write(&self, allowance: &Allowance, tx: &mut Tx) {
        if let Some((before, after)) = self.share.as_ref().zip(allowance.share.as_ref())
            && **before != *after
        {
            tx.replace(before, after);
        }
    }
}

/// Takes an amount from a programme's budget in `tx`.
///
/// # Errors
/// A fault when the database cannot be reached or amounts do not add up.
pub async fn spend(
    app: &App,
    programme: BudgetedProgramme,
    by: &str,
    amount: LedgerMoney,
    tx: &mut Tx,
) -> Result<Budgeted, Error> {
    loop {
        let (state, mut allowance) = BudgetState::read(app, programme, by).await?;
        let budgeted = allowance.take(amount)?;
        if budgeted != Budgeted::Exceeded || !make_room(app, &allowance).await? {
            state.write(&allowance, tx);
            return Ok(budgeted);
        }
    }
}

/// Makes room for amounts that exceeded a share; true if it has more now, so the grants should be planned again.
///
/// # Errors
/// A fault when the database cannot be reached or amounts do not add up.
pub async fn make_room(app: &App, allowance: &Allowance) -> Result<bool, Error> {
    let Some((budget, own)) = allowance.budget.as_ref().zip(allowance.share.as_ref()) else { return Ok(false) };
    if allowance.exceeding.is_empty() {
        return Ok(false);
    }
    let there = snapshot(app, budget).await?;
    if there.is_empty() || there.iter().any(|share| !share.is_current(budget)) {
        // On the heap: these are transactions within the plan of another one.
        Box::pin(deal_anew(app, budget)).await?;
        return Ok(true);
    }
    let Some(missing) = allowance.missing(&there)? else {
        // Counted once more when the transaction is planned once more: it says that something is held, not how much.
        let held = i64::try_from(allowance.exceeding.len()).unwrap_or(i64::MAX);
        metrics::value("BudgetExceeded", held, "Count");
        return Ok(false);
    };
    Box::pin(app.execute(&Ctx::system(), || plan_gather(app, budget, own.share, missing))).await?;
    Ok(true)
}

/// Use of a programme's budget in the current month.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BudgetUse {
    pub budget: Budget,
    /// Sum of the grants that were taken from it.
    pub spent: LedgerMoney,
    pub remaining: LedgerMoney,
}

/// Returns the use of a programme's budget; `None` if it has none.
///
/// # Errors
/// A fault when the database cannot be reached.
pub async fn use_of(app: &App, programme: BudgetedProgramme) -> Result<Option<BudgetUse>, Error> {
    let Some(budget) = budget_of(app, programme).await? else { return Ok(None) };
    let zero = LedgerMoney::zero(budget.amount.currency());
    let spent = read(app, &budget).await?.values().try_fold(zero, |sum, share| sum.plus(share.spent))?;
    let remaining = budget.amount.minus(spent)?.most(zero)?;
    Ok(Some(BudgetUse { budget, spent, remaining }))
}

async fn read(app: &App, budget: &Budget) -> Result<Shares, Fault> {
    let keys: BTreeMap<u8, Key<BudgetShare>> =
        (0..SHARES).map(|share| (share, BudgetShare::key(budget.programme, budget.month, share))).collect();
    app.store.read(keys).await
}

/// Reads all shares as they were at one moment, so that room on its way from one to another is not missed.
async fn snapshot(app: &App, budget: &Budget) -> Result<Vec<BudgetShare>, Fault> {
    let mut last = plain(&read(app, budget).await?);
    for _ in 1..READINGS {
        let now = plain(&read(app, budget).await?);
        if now == last {
            break;
        }
        last = now;
    }
    Ok(last)
}

fn plain(shares: &Shares) -> Vec<BudgetShare> {
    shares.values().map(|share| BudgetShare::clone(share)).collect()
}

async fn plan_gather(app: &App, budget: &Budget, into: u8, wanted: LedgerMoney) -> Result<((), Tx), Error> {
    let (shares, mut tx) = (read(app, budget).await?, app.tx());
    let there = plain(&shares);
    if there.iter().all(|share| share.is_current(budget)) {
        for share in gather(&there, into, wanted)? {
            tx.upsert(shares.get(&share.share), &share);
        }
    }
    Ok(((), tx))
}

/// Deals a budget that is new, or has changed since it was dealt; helps whoever began it.
async fn deal_anew(app: &App, budget: &Budget) -> Result<(), Error> {
    let there = read(app, budget).await?;
    let newest = there.values().map(|share| share.dealt()).max_by_key(|dealt| dealt.edition);
    let budget = newest.filter(|newest| newest.edition > budget.edition).unwrap_or(*budget);
    for share in there.into_keys() {
        app.execute(&Ctx::system(), || plan_freeze(app, &budget, share)).await?;
    }
    app.execute(&Ctx::system(), || plan_deal(app, &budget)).await?;
    Ok(())
}

async fn plan_freeze(app: &App, budget: &Budget, number: u8) -> Result<((), Tx), Error> {
    let mut tx = app.tx();
    let share = app.store.get::<BudgetShare>(&BudgetShare::key(budget.programme, budget.month, number)).await?;
    if let Some(share) = share.filter(|share| share.edition < budget.edition) {
        tx.replace(&share, &share.freeze(budget));
    }
    Ok(((), tx))
}

async fn plan_deal(app: &App, budget: &Budget) -> Result<((), Tx), Error> {
    let (shares, mut tx) = (read(app, budget).await?, app.tx());
    if shares.values().all(|share| share.frozen && share.edition == budget.edition) {
        for share in deal(budget, &plain(&shares))? {
            tx.upsert(shares.get(&share.share), &share);
        }
    }
    Ok(((), tx))
}
