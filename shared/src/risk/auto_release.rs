//! Release of cases that nobody looked at in time (R10.2), by the scheduler.

use futures_util::future::try_join_all;
use jiff::ToSpan;

use crate::app::App;
use crate::payment::expire::{ExpiryReport, due_in, each};
use crate::risk::decide::{DecideCase, decide_case};
use crate::risk::model::settings::RiskSettings;
use crate::risk::table::HELD;
use kernel::fault::{Error, Fault};
use kernel::id::UserId;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::key::due_until;
use table::store::Query;

/// Reason in the audit record.
const REASON: &str = "risk.auto_release_days";

/// Releases the cases that have been held for `risk.auto_release_days`; nothing is read while that is 0.
///
/// Each release is a transaction of its own. If a run is missed or cut short, the next one continues.
///
/// # Errors
/// A fault when the due list or the settings cannot be read.
pub async fn release_overdue_cases(app: &App, ctx: &Ctx) -> Result<ExpiryReport, Fault> {
    let days = app.settings::<RiskSettings>().await?.settings.auto_release_days;
    let since = app.clock.now().checked_sub(i64::from(days).saturating_mul(24).hours());
    let Some(since) = since.ok().filter(|_| days > 0) else { return Ok(ExpiryReport::default()) };
    let parts = HELD.partitions().map(|partition| due_in(app, Query::due(partition, due_until(since), 100)));
    let keys = try_join_all(parts).await?.concat();
    let invitees = keys.iter().filter_map(|(pk, _)| UserId::parse(pk.split_once('#')?.1));
    let release = |invitee| async move {
        let ask = DecideCase { invitee, release: true, reason: REASON.to_owned(), admin: None };
        match decide_case(app, &ctx.unkeyed(), &ask).await {
            Ok(_) => Ok(true),
            // Somebody decided meanwhile.
            Err(Error::Refused(Refusal::NotHeld)) => Ok(false),
            Err(error) => Err(error),
        }
    };
    Ok(each(invitees.collect::<Vec<_>>(), release).await.into())
}
