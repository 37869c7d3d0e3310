//! What time ends: unpaid orders (R4.4) and promotion windows (R5.5). Each end is one conditional transition of its own; a tick
//! that is missed, doubled or cut short leaves the rest to the next.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::ask_provider::{UNASKED, ask_provider};
use crate::app::App;
use crate::domain::id::{OrderId, UserId};
use crate::domain::order::{Order, OrderStatus};
use crate::domain::user::User;
use crate::edge::metrics;
use crate::fault::{Error, Fault};
use crate::message::Message;
use crate::once::Once;
use crate::store::Ask;
use crate::store::item::text;
use crate::store::key::{Key, SHARDS, due_shard, due_until};
use crate::store::tx::{Otherwise, Tx};

/// Most transitions of one shard in one tick.
const PER_SHARD: usize = 250;
/// How long a tick goes on; what is left is the next one's.
pub(super) const TICK: Duration = Duration::from_secs(20);

/// What a tick did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Expired {
    /// What ended now.
    pub expired: u32,
    /// What could not be ended and waits for the next tick.
    pub failed: u32,
    /// What there was no time for.
    pub left: u32,
}

/// Expires the orders whose time is over and whose payment was not captured; their promotion stays unused (R5.6).
///
/// # Errors
/// When what is due can't be read.
pub async fn expire_orders(app: &App) -> Result<Expired, Fault> {
    let done = each_due(app, "order", OrderId::parse, |id| ask_and_expire(app, id)).await?;
    if done.expired > 0 {
        metrics::metric("Orders", done.expired.into(), "Count", &[("State", OrderStatus::Expired.as_str())]);
    }
    Ok(done)
}

/// An order's provider is always asked before it expires (R4.10); one that can't be asked keeps its order waiting, though not for
/// ever: later, whatever it says is a late payment.
async fn ask_and_expire(app: &App, id: OrderId) -> Result<bool, Error> {
    let Some(order) = app.store.get::<Order>(&Key::order(id)).await? else { return Ok(false) };
    let now = app.clock.now();
    if order.status != OrderStatus::Pending || order.expires_at > now {
        return Ok(false);
    }
    match ask_provider(app, &order).await {
        Ok(_) => {}
        Err(error) if now.duration_since(order.expires_at) < UNASKED => return Err(error),
        Err(error) => tracing::error!(%error, order = %id, "expires unasked"),
    }
    Ok(app.run(&Once::Natural, || expire_order(app, id)).await?.answer)
}

async fn expire_order(app: &App, id: OrderId) -> Result<(bool, Tx), Error> {
    let mut tx = app.tx();
    let Some(order) = app.store.get::<Order>(&Key::order(id)).await? else { return Ok((false, tx)) };
    if order.status != OrderStatus::Pending || order.expires_at > app.clock.now() {
        return Ok((false, tx));
    }
    tx.replace(&order, &Order { status: OrderStatus::Expired, ..(*order).clone() }, Otherwise::Again);
    tx.send(Message::OrderClosed { order: id });
    Ok((true, tx))
}

/// Makes the ends of promotion windows visible to statistics; what a promotion is worth never depends on it.
///
/// # Errors
/// When what is due can't be read.
pub async fn expire_promotions(app: &App) -> Result<Expired, Fault> {
    let end = |id| async move { Ok(app.run(&Once::Natural, || expire_promotion(app, id)).await?.answer) };
    each_due(app, "promotion", UserId::parse, end).await
}

async fn expire_promotion(app: &App, id: UserId) -> Result<(bool, Tx), Error> {
    let mut tx = app.tx();
    let Some(user) = app.store.get::<User>(&Key::user(id)).await? else { return Ok((false, tx)) };
    let mut after = (*user).clone();
    match after.promotion.as_mut() {
        Some(promotion) if !promotion.closed && promotion.ends_at < app.clock.now() => promotion.closed = true,
        _ => return Ok((false, tx)),
    }
    tx.replace(&user, &after, Otherwise::Again);
    tx.send(Message::PromotionExpired { user: id });
    Ok((true, tx))
}

impl Expired {
    pub(super) fn count(&mut self, ended: Result<bool, Error>) {
        match ended {
            Ok(true) => self.expired = self.expired.saturating_add(1),
            Ok(false) => {}
            Err(error) => {
                tracing::error!(%error, "left to the next tick");
                self.failed = self.failed.saturating_add(1);
            }
        }
    }
}

/// Ends each thing that is due, for as long as a tick goes on.
pub(super) async fn each_due<I, E: Future<Output = Result<bool, Error>>>(
    app: &App,
    what: &str,
    parse: impl Fn(&str) -> Option<I>,
    end: impl Fn(I) -> E,
) -> Result<Expired, Fault> {
    let started = Instant::now();
    let mut done = Expired::default();
    for id in due(app, what).await?.iter().filter_map(|id| parse(id)) {
        if started.elapsed() > TICK {
            done.left = done.left.saturating_add(1);
        } else {
            done.count(end(id).await);
        }
    }
    Ok(done)
}

/// The ids of what is due, read from keys alone: whether it really is, its item says.
pub(super) async fn due(app: &App, what: &str) -> Result<Vec<String>, Fault> {
    let keys = due_keys(app, what).await?;
    Ok(keys.iter().filter_map(|(pk, _)| Some(pk.split_once('#')?.1.to_owned())).collect())
}

/// The keys of what is due.
pub(super) async fn due_keys(app: &App, what: &str) -> Result<Vec<(String, String)>, Fault> {
    let before = due_until(app.clock.now());
    let mut keys = Vec::new();
    for shard in 0..SHARDS {
        let mut ask = Ask::due(due_shard(what, shard), before.clone(), 100);
        let mut of_shard = 0_usize;
        loop {
            let page = app.store.list_items(&ask).await?;
            let found = page.items.iter().filter_map(|item| Some((text(item, "pk")?, text(item, "sk")?)));
            let before = keys.len();
            keys.extend(found.map(|(pk, sk)| (pk.to_owned(), sk.to_owned())));
            of_shard = of_shard.saturating_add(keys.len().saturating_sub(before));
            match page.next {
                Some(next) if of_shard < PER_SHARD => ask.after = Some(next),
                _ => break,
            }
        }
    }
    Ok(keys)
}
