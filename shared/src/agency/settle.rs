//! Settlement of agency sales (R8.8–R8.10), run by the reward worker.
//!
//! Sales of one tree are settled one after another, in the message group of its level-1 shop. Each is one transaction: the
//! order with its outcome, the asset, and for every level its sales, its wallet and its journal entry. A refund of the payment
//! takes the same way and posts the difference.

use crate::agency::model::asset::Asset;
use crate::agency::model::commission_split::{Sales, ShopSales};
use crate::agency::model::order::{AgencyOrder, Paid, Scene, cause, settle};
use crate::agency::model::wallet::Wallet;
use crate::app::App;
use crate::message::Message;
use crate::message::MessageEnvelope;
use crate::message::ReceivedMessage;
use crate::payment::credit_order::header;
use crate::payment::model::order::Order;
use kernel::fault::{Chain, Error, Fault};
use kernel::id::{AgencyOrderId, ShopId};
use kernel::ledger::{Header, Operator};
use table::item::Versioned;
use table::telemetry as metrics;
use table::tx::Tx;

use crate::agency::tighten::lower;
use table::context::Ctx;

/// Settles the agency messages of a batch in order, and returns the ids of the failed records.
///
/// After a failure the later records of the same group fail too, so that the queue redelivers them in order.
pub async fn settle_sales(app: &App, ctx: &Ctx, records: &[ReceivedMessage]) -> Vec<String> {
    let (mut failed, mut stopped) = (Vec::new(), Vec::new());
    for record in records {
        let group = record.group.clone().unwrap_or_else(|| record.envelope.message.group());
        if stopped.contains(&group) {
            failed.push(record.id.clone());
            continue;
        }
        if let Err(error) = follow(app, ctx, &record.envelope).await {
            tracing::error!(error = %Chain(&error), message_id = record.envelope.id, "not settled");
            failed.push(record.id.clone());
            stopped.push(group);
        }
    }
    failed
}

/// Handles one message for the agency; other messages are ignored.
///
/// # Errors
/// A fault; the message is then redelivered.
pub async fn follow(app: &App, ctx: &Ctx, told: &MessageEnvelope) -> Result<(), Error> {
    match told.message {
        Message::AgencyOrderNetChanged { order, .. } => settle_sale(app, ctx, order, told).await,
        Message::GrantTermsTightened { series, grant } => lower(app, series, grant).await,
        _ => Ok(()),
    }
}

/// Brings everything that depends on an order to its payment's net, then notifies statistics.
///
/// Repeating it changes nothing.
///
/// # Errors
/// A fault; either nothing was written, or the write is not announced yet. The message is redelivered.
async fn settle_sale(app: &App, ctx: &Ctx, order: AgencyOrderId, cause: &MessageEnvelope) -> Result<(), Error> {
    let (shops, moved) = app.execute(&ctx.unkeyed(), || plan(app, ctx, order, &cause.id)).await?.answer;
    if moved {
        metrics::count("AgencySalesSettled");
    }
    Ok(app.queues.follow(&cause.id, &Message::AgencyOrderSettled { order, shops }).await?)
}

/// Items as read, with their versions for the conditional writes.
struct Read {
    asset: Versioned<Asset>,
    payment: Option<Order>,
    wallets: Vec<Option<Versioned<Wallet>>>,
    sales: Vec<Option<Versioned<ShopSales>>>,
}

async fn plan(app: &App, ctx: &Ctx, id: AgencyOrderId, message: &str) -> Result<((Vec<ShopId>, bool), Tx), Error> {
    let mut tx = app.tx();
    let missing = || Fault::item(id.to_string(), "a message names it, but it is not there");
    let order = app.store.get::<AgencyOrder>(&AgencyOrder::key(id)).await?.ok_or_else(missing)?;
    let shops: Vec<ShopId> = order.shops().collect();
    let read = Read::of(app, &order, &shops).await?;
    let paid = match (&read.payment, order.paid_at) {
        (Some(payment), _) if !payment.status.is_captured() => return Ok(((shops, false), tx)),
        (Some(payment), _) => Paid { at: payment.paid_at.unwrap_or(payment.created_at), net: payment.net().amount() },
        (None, Some(at)) => Paid { at, net: order.amount.amount() },
        (None, None) => return Ok(((shops, false), tx)),
    };
    if order.outcome.as_ref().is_some_and(|outcome| outcome.net == paid.net) {
        return Ok(((shops, false), tx));
    }
    let currency = order.amount.currency();
    let none = |shop: &ShopId| Wallet::new(*shop, currency);
    let before = Scene {
        order: AgencyOrder::clone(&order),
        asset: Asset::clone(&read.asset),
        sales: read.sales.iter().map(|sales| sales.as_ref().map_or_else(Sales::default, |of| of.sales)).collect(),
        wallets: shops
            .iter()
            .zip(&read.wallets)
            .map(|(shop, wallet)| wallet.as_deref().copied().unwrap_or_else(|| none(shop)))
            .collect(),
        postings: Vec::new(),
    };
    let by = header(app, ctx, cause(id), Operator::System, "reward-worker".to_owned(), app.clock.now());
    let by = Header { request_id: message.to_owned(), ..by };
    let after = settle(before.clone(), paid, by).map_err(Fault::bug)?;
    tx.replace(&order, &after.order);
    if before.asset != after.asset {
        tx.replace(&read.asset, &after.asset);
    }
    let series = order.series;
    for (index, shop) in shops.iter().enumerate() {
        let moved = |of: &Scene| of.sales.get(index).copied();
        if let (Some(sales), true) = (moved(&after), moved(&before) != moved(&after)) {
            let known = read.sales.get(index).and_then(Option::as_ref);
            tx.upsert(known, &ShopSales { shop: *shop, series, sales });
        }
        let moved = |of: &Scene| of.wallets.get(index).copied();
        if let (Some(wallet), true) = (moved(&after), moved(&before) != moved(&after)) {
            tx.upsert(read.wallets.get(index).and_then(Option::as_ref), &wallet);
        }
    }
    for posting in &after.postings {
        tx.insert(posting);
    }
    Ok(((shops, true), tx))
}

impl Read {
    /// Reads everything in one call: all keys follow from the order.
    async fn of(app: &App, order: &AgencyOrder, shops: &[ShopId]) -> Result<Self, Fault> {
        let wallets: Vec<_> = shops.iter().map(|shop| Wallet::key(*shop)).collect();
        let sales: Vec<_> = shops.iter().map(|shop| ShopSales::key(*shop, order.series)).collect();
        let keys = (Asset::key(order.asset), order.payment.map(Order::key), wallets, sales);
        let (asset, payment, wallets, sales) = app.store.read(keys).await?;
        let missing = || Fault::item(order.asset.to_string(), "an order of no asset");
        Ok(Self { asset: asset.ok_or_else(missing)?, payment: payment.map(Versioned::into_inner), wallets, sales })
    }
}
