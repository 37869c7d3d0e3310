//! WaitingQueues that wait for staff: a glance at each reads one page of at most a hundred.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::try_join_all;
use jiff::{Timestamp, ToSpan};

use crate::affiliate::model::withdrawal::WithdrawalState;
use crate::app::App;
use crate::operations::alarms;
use crate::operations::model::alarm::Alarm;
use crate::operations::search::{ReferralFilter, rewards};
use crate::operations::totals::view::Reading;
use crate::payment::model::reconciliation::Reconciliation;
use crate::payment::table::WAITING;
use crate::referral::model::referral::RewardState;
use crate::risk::table::HELD;
use crate::webhooks::endpoints;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use kernel::fault::{Error, Fault};
use kernel::provider::Provider;
use table::item::text;
use table::list::Window;
use table::spread::DueList;
use table::store::{Index, Query};

/// Most that is counted of a queue.
pub const MOST: usize = 100;
/// Days within which failed rewards are looked for.
const REWARD_DAYS: i64 = 31;

/// Length of a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Number of what waits, at most [`MOST`].
    pub count: usize,
    /// True if there is more than was counted.
    pub more: bool,
    /// Time since which the oldest waits, if known.
    pub since: Option<Timestamp>,
}

/// Lengths of the queues as a process saw them last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitingQueues {
    pub reviews: Waiting,
    pub rewards: Waiting,
    /// Held cases of risk.
    pub cases: Waiting,
    /// Number of withdrawals to pay.
    pub withdrawals: u64,
}

/// All that waits for staff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingForStaff {
    pub queues: WaitingQueues,
    /// Differences in the reports of the day before.
    pub differences: u64,
    /// Webhook endpoints that were switched off for their failures.
    pub endpoints: usize,
    /// Alarms that stand.
    pub alarms: Vec<Alarm>,
}

/// Reads all that waits for staff, each queue at most one page.
///
/// # Errors
/// The database can't be reached.
pub async fn now(app: &App) -> Result<WaitingForStaff, Error> {
    let at = app.clock.now();
    let yesterday = at.to_zoned(TimeZone::UTC).date().yesterday().map_err(Fault::bug)?;
    let (reviews, rewards, cases, withdrawals, reports, endpoints, alarms) = tokio::join!(
        reviews(app),
        failed_rewards(app),
        held_cases(app),
        withdrawals(app),
        reports(app, yesterday),
        disabled_endpoints(app),
        alarms::standing(app),
    );
    let queues = WaitingQueues { reviews: reviews?, rewards: rewards?, cases: cases?, withdrawals: withdrawals? };
    let differences = reports?.iter().fold(0_u64, |sum, report| sum.saturating_add(report.differences));
    app.glance.note(at, queues);
    Ok(WaitingForStaff { queues, differences, endpoints: endpoints?, alarms: alarms? })
}

/// Seconds for which the lengths are shown again without reading them.
const SHOWN: i64 = 60;

/// Memory of a process for [`WaitingQueues`], so that a menu costs no read.
#[derive(Debug, Clone, Default)]
pub struct Glance(Arc<Mutex<Option<(Timestamp, WaitingQueues)>>>);

impl Glance {
    /// Remembers what was read.
    pub fn note(&self, at: Timestamp, queues: WaitingQueues) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((at, queues));
    }

    /// Returns what was read within the last minute.
    pub fn recall(&self, now: Timestamp) -> Option<WaitingQueues> {
        let noted = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.filter(|(at, _)| now.duration_since(*at).abs().as_secs() <= SHOWN).map(|(_, queues)| queues)
    }
}

/// Counts the review items that wait for a person: to decide, or to give the money back.
///
/// # Errors
/// The database can't be reached.
pub async fn reviews(app: &App) -> Result<Waiting, Fault> {
    due(app, WAITING).await
}

/// Counts the cases of risk that hold something, and wait for a decision (R10.2).
///
/// # Errors
/// The database can't be reached.
pub async fn held_cases(app: &App) -> Result<Waiting, Fault> {
    due(app, HELD).await
}

/// Counts the entries of a due list, whenever they are due.
async fn due(app: &App, list: DueList) -> Result<Waiting, Fault> {
    let limit = i32::try_from(MOST).unwrap_or(i32::MAX).saturating_add(1);
    let ask = |partition| Query { descending: false, ..Query::newest(Index::Due, partition, limit) };
    let pages =
        try_join_all(list.partitions().map(async |partition| app.store.list_items(&ask(partition)).await)).await?;
    let oldest = pages.iter().filter_map(|page| text(page.items.first()?, "gsi3sk")?.parse::<Timestamp>().ok()).min();
    let count: usize = pages.iter().map(|page| page.items.len()).sum();
    Ok(Waiting { count: count.min(MOST), more: count > MOST, since: oldest })
}

/// Counts the failed rewards of the last month.
///
/// # Errors
/// The database can't be reached.
pub async fn failed_rewards(app: &App) -> Result<Waiting, Fault> {
    let from = app.clock.now().checked_sub(REWARD_DAYS.saturating_mul(24).hours()).ok();
    let limit = i32::try_from(MOST).unwrap_or(i32::MAX);
    let window = Window { from, to: None, limit, after: None };
    let filter = ReferralFilter { state: Some(RewardState::Failed), ..ReferralFilter::default() };
    let page = rewards(app, &filter, &window).await?;
    let since = page.items.last().map(|reward| reward.created_at);
    Ok(Waiting { count: page.items.len(), more: page.next.is_some() && !page.items.is_empty(), since })
}

/// Number of withdrawals to pay, from the totals.
///
/// # Errors
/// The database can't be reached.
pub async fn withdrawals(app: &App) -> Result<u64, Error> {
    let totals = Reading::now(app).await?.totals()?;
    Ok(totals.withdrawals.get(WithdrawalState::Requested.as_str()).map_or(0, |found| found.count))
}

/// Reads the providers' reports on a day.
///
/// # Errors
/// The database can't be reached.
pub async fn reports(app: &App, day: Date) -> Result<Vec<Reconciliation>, Fault> {
    let keys = Provider::ALL.map(|provider| Reconciliation::key(day, provider)).to_vec();
    Ok(app.store.read(keys).await?.into_iter().flatten().map(|report| report.into_inner()).collect())
}

/// Counts the webhook endpoints that were switched off for their failures.
///
/// # Errors
/// The database can't be reached.
pub async fn disabled_endpoints(app: &App) -> Result<usize, Fault> {
    Ok(endpoints::all(app).await?.iter().filter(|endpoint| endpoint.disabled.is_some()).count())
}
