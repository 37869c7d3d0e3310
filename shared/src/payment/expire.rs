//! Expiry of unpaid orders (R4.4) and of promotion windows (R5.5).
//!
//! Each expiry is a conditional transition of its own. A run that is missed, doubled or cut short leaves the rest to the next
//! run.

use std::fmt::Display;
use std::time::Duration;

use futures_util::future::try_join_all;
use serde::Serialize;
use tokio::time::Instant;

use crate::account::model::identity::Status;
use crate::account::model::user::User;
use crate::account::table::PROMOTION;
use crate::app::App;
use crate::message::Message;
use crate::payment::keep_coupon::replace_order;
use crate::payment::model::order::{Order, OrderStatus, UnderWay};
use crate::payment::model::promotion::PromotionStep;
use crate::payment::poll_provider::poll_or_give_up;
use crate::payment::table::OPEN;
use kernel::fault::{Chain, Error, Fault};
use kernel::id::{OrderId, UserId};
use table::context::Ctx;
use table::item::text;
use table::key::due_until;
use table::spread::DueList;
use table::store::Query;
use table::telemetry as metrics;
use table::tx::Tx;

/// Most transitions per partition and run.
const PER_SHARD: usize = 250;
/// Time budget of a run; the rest is left to the next run.
pub(crate) const TICK: Duration = Duration::from_secs(20);

/// Report of one expiry run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ExpiryReport {
    /// Items expired now.
    pub expired: u32,
    /// Items that failed and wait for the next run.
    pub failed: u32,
    /// Items not reached within the time budget.
    pub left: u32,
}

/// Expires overdue orders that are not captured; their promotion stays unused (R5.6).
///
/// # Errors
/// A fault if the due orders can't be read.
pub async fn expire_orders(app: &App, ctx: &Ctx) -> Result<ExpiryReport, Fault> {
    let due = due(app, OPEN, OrderId::parse).await?;
    let done = ExpiryReport::from(each(due, |id| ask_and_expire(app, ctx, id)).await);
    if done.expired > 0 {
        metrics::metric("Orders", done.expired.into(), "Count", &[("State", OrderStatus::Expired.as_str())]);
    }
    Ok(done)
}

/// Polls an order's provider once more, then expires the order (R4.10).
async fn ask_and_expire(app: &App, ctx: &Ctx, id: OrderId) -> Result<bool, Error> {
    let Some(order) = app.store.get::<Order>(&Order::key(id)).await? else { return Ok(false) };
    if order.status != OrderStatus::Pending || order.expires_at > app.clock.now() {
        return Ok(false);
    }
    let under_way = poll_or_give_up(app, ctx, &order).await?;
    Ok(app.execute(&ctx.unkeyed(), || expire_order(app, id, under_way)).await?.answer)
}

async fn expire_order(app: &App, id: OrderId, under_way: Option<UnderWay>) -> Result<(bool, Tx), Error> {
    let mut tx = app.tx();
    let Some(order) = app.store.get::<Order>(&Order::key(id)).await? else { return Ok((false, tx)) };
    if order.status != OrderStatus::Pending || order.expires_at > app.clock.now() {
        return Ok((false, tx));
    }
    replace_order(app, &mut tx, &order, order.expired(under_way)).await?;
    tx.send(Message::OrderClosed { order: id });
    Ok((true, tx))
}

/// Marks ended promotion windows for statistics, and reminds users of those that are about to end unused.
///
/// The promotion's value depends on neither.
///
/// # Errors
/// A fault if the due users can't be read.
pub async fn expire_promotions(app: &App) -> Result<ExpiryReport, Fault> {
    let step = |id| async move { Ok(app.execute(&Ctx::system(), || advance_promotion(app, id)).await?.answer) };
    Ok(each(due(app, PROMOTION, UserId::parse).await?, step).await.into())
}

async fn advance_promotion(app: &App, id: UserId) -> Result<(bool, Tx), Error> {
    let mut tx = app.tx();
    let Some(user) = app.store.get::<User>(&User::key(id)).await? else { return Ok((false, tx)) };
    let step = user.promotion.as_ref().and_then(|promotion| promotion.step(app.clock.now()));
    let (promotion, message) = match step {
        Some(PromotionStep::Closed(promotion)) => (promotion, Some(Message::PromotionExpired { user: id })),
        Some(PromotionStep::Reminded(promotion)) => {
            let can_use = user.status == Status::Active && user.email.is_some();
            (promotion, can_use.then_some(Message::PromotionEnding { user: id }))
        }
        None => return Ok((false, tx)),
    };
    let is_over = promotion.closed;
    tx.replace(&user, &User { promotion: Some(promotion), ..User::clone(&user) });
    message.into_iter().for_each(|message| tx.send(message));
    Ok((is_over, tx))
}

/// Results of a job run.
pub(crate) struct JobReport<T> {
    /// Results of the items that succeeded.
    pub done: Vec<T>,
    /// Items that failed and wait for the next run.
    pub failed: u32,
    /// Items not reached within the time budget.
    pub left: u32,
}

impl From<JobReport<bool>> for ExpiryReport {
    fn from(of: JobReport<bool>) -> Self {
        Self { expired: counted(of.done.iter().filter(|ended| **ended)), failed: of.failed, left: of.left }
    }
}

/// Number of items, capped at `u32::MAX`.
pub(crate) fn counted<T>(of: impl Iterator<Item = T>) -> u32 {
    u32::try_from(of.count()).unwrap_or(u32::MAX)
}

/// Runs `work` for one item after another within the time budget.
///
/// A failing item does not stop the others.
pub(crate) async fn each<I: Copy + Display, T, W: Future<Output = Result<T, Error>>>(
    things: impl IntoIterator<Item = I>,
    work: impl Fn(I) -> W,
) -> JobReport<T> {
    let started = Instant::now();
    let mut of = JobReport { done: Vec::new(), failed: 0, left: 0 };
    for thing in things {
        if started.elapsed() > TICK {
            of.left = of.left.saturating_add(1);
            continue;
        }
        match work(thing).await {
            Ok(done) => of.done.push(done),
            Err(error) => {
                tracing::error!(error = %Chain(&error), of = %thing, "left to the next tick");
                of.failed = of.failed.saturating_add(1);
            }
        }
    }
    of
}

/// Ids of due items, read from index keys alone; the caller checks on the item that it is still due.
pub(crate) async fn due<I>(app: &App, list: DueList, parse: impl Fn(&str) -> Option<I>) -> Result<Vec<I>, Fault> {
    let keys = due_keys(app, list).await?;
    Ok(keys.iter().filter_map(|(pk, _)| parse(pk.split_once('#')?.1)).collect())
}

/// Keys of due items, from all partitions at once.
pub(crate) async fn due_keys(app: &App, list: DueList) -> Result<Vec<(String, String)>, Fault> {
    let before = due_until(app.clock.now());
    let parts = list.partitions().map(|partition| due_in(app, Query::due(partition, before.clone(), 100)));
    Ok(try_join_all(parts).await?.concat())
}

pub(crate) async fn due_in(app: &App, mut ask: Query) -> Result<Vec<(String, String)>, Fault> {
    let mut keys = Vec::new();
    loop {
        let page = app.store.list_items(&ask).await?;
        let found = page.items.iter().filter_map(|item| Some((text(item, "pk")?, text(item, "sk")?)));
        keys.extend(found.map(|(pk, sk)| (pk.to_owned(), sk.to_owned())));
        match page.next {
            Some(next) if keys.len() < PER_SHARD => ask.after = Some(next),
            _ => return Ok(keys),
        }
    }
}
