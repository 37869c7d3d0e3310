//! Alarms of the deployment: what CloudWatch tells of their states is kept, and told to the operator.
//!
//! EventBridge delivers at least once and in any order, so a change counts by its own time. The message that becomes an event goes
//! with the item's write, so a repeated change is no second event.

use crate::app::App;
use crate::message::Message;
use crate::operations::model::alarm::{Alarm, AlarmChange, AlarmNews, AlarmState};
use crate::operations::table::ALARMS;
use kernel::fault::{Error, Fault};
use table::context::Ctx;
use table::item::Versioned;
use table::store::{Index, Query};
use table::tx::Tx;

/// Most alarms that are read; a template has fewer.
const MOST: i32 = 100;

/// Keeps a change of an alarm's state; returns what is new of it.
///
/// # Errors
/// A fault; nothing is written then.
pub async fn note_alarm(app: &App, ctx: &Ctx, change: &AlarmChange) -> Result<Option<AlarmNews>, Error> {
    Ok(app.execute(&ctx.unkeyed(), || plan(app, change)).await?.answer)
}

async fn plan(app: &App, change: &AlarmChange) -> Result<(Option<AlarmNews>, Tx), Error> {
    let mut tx = app.tx();
    let before = app.store.get::<Alarm>(&Alarm::key(&change.name)).await?;
    let Some((after, news)) = Alarm::after(before.as_deref(), change) else { return Ok((None, tx)) };
    tx.upsert(before.as_ref(), &after);
    if let Some(news) = news {
        tx.send(Message::AlarmChanged { alarm: after.name, raised: news == AlarmNews::Raised });
    }
    Ok((news, tx))
}

/// Reads the alarms that stand, by name.
///
/// # Errors
/// The database can't be reached.
pub async fn standing(app: &App) -> Result<Vec<Alarm>, Fault> {
    let query = Query { descending: false, ..Query::newest(Index::Table, ALARMS, MOST) };
    let all = app.store.list::<Alarm>(&query).await?.items.into_iter().map(Versioned::into_inner);
    Ok(all.filter(|alarm| alarm.state == AlarmState::Alarm).collect())
}
