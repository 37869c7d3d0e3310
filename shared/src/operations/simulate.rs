//! Replay of a month under draft settings: what a programme would have granted, user by user (R12.5).
//!
//! It reads and never writes. Commissions are those of the month's paid orders. Rewards and bonuses are those of the month's sign-ups,
//! as far as these have paid since, because their terms are the ones of the sign-up (R3.5, R5.1). Each invitee is replayed whole, on
//! the page of the newest of their orders, or of their sign-up; so pages need no state and the month is the sum of its pages.

mod affiliate;
mod promotion;
mod referral;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::affiliate::model::settings::AffiliateSettings;
use crate::app::App;
use crate::operations::model::budget::BudgetedProgramme;
use crate::operations::model::settings::AreaSettings;
use crate::payment::model::order::Order;
use crate::payment::model::settings::{PaymentSettings, PromotionSettings};
use crate::payment::orders_of::orders_of;
use crate::referral::model::settings::ReferralSettings;
use kernel::fault::{Error, Fault};
use kernel::id::UserId;
use kernel::money::{LedgerMoney, MoneyError};
use kernel::month::Month;
use kernel::refusal::{FieldError, Refusal};
use table::list::Window;
use table::store::Cursor;

/// Orders or sign-ups of a page.
const PAGE: i32 = 25;
/// Orders of a user per query.
const TOGETHER: i32 = 100;

/// Request to replay a month.
#[derive(Debug, Clone)]
pub struct Simulate {
    pub month: Month,
    pub drafts: Drafts,
    pub after: Option<Cursor>,
}

/// Draft of a programme's settings.
#[derive(Debug, Clone)]
pub enum Drafts {
    Affiliate(Draft<AffiliateSettings>),
    Referral(Draft<ReferralSettings>),
    Promotion(Draft<PromotionSettings>),
}

/// Settings of now, and those with a draft's fields in place.
#[derive(Debug, Clone)]
pub struct Draft<T> {
    /// To tell terms that follow the settings from those that somebody gave, or that earlier settings made.
    current: Box<T>,
    draft: Box<T>,
}

/// Grants of a user: as they were, and under the draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SimulatedGrant {
    /// The user who gets them.
    pub user: UserId,
    /// The user whose sign-up or payments they are for, if that is another programme than the promotion.
    pub invitee: Option<UserId>,
    pub real: LedgerMoney,
    pub simulated: LedgerMoney,
}

impl Drafts {
    /// Reads a draft: some fields of the programme's settings, beside those that are `stored`.
    ///
    /// # Rejects
    /// 422 with the pointer, below `/settings`, of every field that a rule of the settings rejects.
    pub fn read(programme: BudgetedProgramme, stored: &Value, fields: &Value) -> Result<Self, Refusal> {
        let wrong =
            || Refusal::field("/settings", "malformed", "An object with some fields of the programme's settings.");
        let fields = fields.as_object().ok_or_else(wrong)?;
        Ok(match programme {
            BudgetedProgramme::Affiliate => Self::Affiliate(Draft::read(stored, fields)?),
            BudgetedProgramme::Referral => Self::Referral(Draft::read(stored, fields)?),
            BudgetedProgramme::Promotion => Self::Promotion(Draft::read(stored, fields)?),
        })
    }

    /// Facts of the past that its replay does not know, in words for people.
    pub fn limits(&self) -> &'static [&'static str] {
        match self {
            Self::Affiliate(_) => affiliate::LIMITS,
            Self::Referral(_) => referral::LIMITS,
            Self::Promotion(_) => promotion::LIMITS,
        }
    }
}

impl<T: AreaSettings> Draft<T> {
    fn read(stored: &Value, fields: &Map<String, Value>) -> Result<Self, Refusal> {
        let mut drafted = stored.clone();
        if let Some(document) = drafted.as_object_mut() {
            document.extend(fields.clone());
        }
        let below = |error: FieldError| FieldError { pointer: format!("/settings{}", error.pointer), ..error };
        let draft = T::parse(drafted).map_err(|refusal| match refusal {
            Refusal::Invalid(errors) => Refusal::Invalid(errors.into_iter().map(below).collect()),
            other => other,
        })?;
        Ok(Self { current: Box::new(T::parse(stored.clone())?), draft: Box::new(draft) })
    }

    /// Settings of now and of the draft, each as it holds at a time.
    fn at(&self, time: Timestamp) -> (T, T) {
        let held = |settings: &T| settings.as_of(time).unwrap_or_else(|| T::clone(settings));
        (held(&self.current), held(&self.draft))
    }
}

impl Simulate {
    fn window(&self) -> Window {
        let (from, to) = (Some(self.month.begins()), Some(self.month.ends()));
        Window { from, to, limit: PAGE, after: self.after.clone() }
    }
}

/// A page of a replayed month, with its sums in ledger currency.
#[derive(Debug, Clone)]
pub struct SimulatedPage {
    pub grants: Vec<SimulatedGrant>,
    pub real: LedgerMoney,
    pub simulated: LedgerMoney,
    /// Simulated less real.
    pub difference: LedgerMoney,
    pub next: Option<Cursor>,
}

/// Replays one page of a month.
///
/// # Errors
/// The database can't be reached, an item does not decode, or amounts overflow.
pub async fn simulate(app: &App, ask: &Simulate) -> Result<SimulatedPage, Error> {
    let page = match &ask.drafts {
        Drafts::Affiliate(draft) => affiliate::replay(app, draft, &ask.window()).await?,
        Drafts::Referral(draft) => referral::replay(app, draft, &ask.window()).await?,
        Drafts::Promotion(draft) => promotion::replay(app, draft, &ask.window()).await?,
    };
    let zero = LedgerMoney::zero(app.settings::<PaymentSettings>().await?.settings.ledger_currency);
    Ok(SimulatedPage::of(&page.items, zero, page.next).map_err(Fault::bug)?)
}

impl SimulatedPage {
    fn of(all: &[SimulatedGrant], zero: LedgerMoney, next: Option<Cursor>) -> Result<Self, MoneyError> {
        let grants = summed(all)?;
        let sum = |of: fn(&SimulatedGrant) -> LedgerMoney| grants.iter().try_fold(zero, |sum, row| sum.plus(of(row)));
        let (real, simulated) = (sum(|row| row.real)?, sum(|row| row.simulated)?);
        Ok(Self { real, simulated, difference: simulated.minus(real)?, grants, next })
    }
}

/// One row for each user and invitee.
fn summed(all: &[SimulatedGrant]) -> Result<Vec<SimulatedGrant>, MoneyError> {
    let mut rows: BTreeMap<(UserId, Option<UserId>), SimulatedGrant> = BTreeMap::new();
    for grant in all {
        let row = match rows.get(&(grant.user, grant.invitee)) {
            None => *grant,
            Some(row) => SimulatedGrant {
                real: row.real.plus(grant.real)?,
                simulated: row.simulated.plus(grant.simulated)?,
                ..*row
            },
        };
        rows.insert((grant.user, grant.invitee), row);
    }
    Ok(rows.into_values().collect())
}

/// Orders of a user since a time.
async fn orders_since(app: &App, user: UserId, since: Timestamp) -> Result<Vec<Order>, Fault> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = orders_of(app, user, TOGETHER, after).await?;
        let is_before = page.items.last().is_some_and(|order| order.created_at < since);
        all.extend(page.items.into_iter().filter(|order| order.created_at >= since));
        after = page.next.filter(|_| !is_before);
        if after.is_none() {
            return Ok(all);
        }
    }
}
