//! The daily three-way report job: provider, orders, ledger (R4.10).
//!
//! Each run continues every unfinished report of the last days, so a missed day is made up for and an extra run does nothing.
//! For each page the job first queries the provider. Then one transaction writes the report with its cursor, the page's
//! differences and a review item for each. If it stops in between, the page is read again.
//!
//! A payment whose webhook was lost is ingested on the way, like the webhook (R4.5). Stripe lists a day's charges, refunds and
//! disputes; the reports of the earlier days whose payments were refunded or disputed are made again. A gateway is queried order
//! by order and does not report refunds, so our own record of refunds stands in for its report.

mod stripe_book;

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use ulid::Ulid;

use crate::app::App;
use crate::message::Message;
use crate::operations::search::{OrderFilter, orders};
use crate::payment::expire::{TICK, due, due_keys};
use crate::payment::gateway::stripe::{AskFailure, Stripe};
use crate::payment::gateway::zpay::Zpay;
use crate::payment::model::order::{Order, OrderStatus};
use crate::payment::model::payment::Payment;
use crate::payment::model::reconciliation::{DifferenceKind, Differences, Looked, Reconciliation, Sides, Stage};
use crate::payment::model::review::{Review, ReviewReason, ReviewState};
use crate::payment::poll_provider::poll_provider;
use crate::payment::returns::unavailable;
use crate::payment::table::report_of;
use crate::payment::table::{CONFIRM, REOPENED, WAITING};
use kernel::fault::{Chain, Error, Fault};
use kernel::id::{JournalId, OrderId, ReviewId};
use kernel::ledger::{JournalEntry, JournalRef, PlatformAccount};
use kernel::money::PayMoney;
use kernel::provider::Provider;
use table::context::Ctx;
use table::ledger::POSTINGS;
use table::list::Window;
use table::list::in_list;
use table::store::Cursor;
use table::telemetry as metrics;
use table::tx::Tx;

/// Days back for which a missed report is made up.
const DAYS: i64 = 7;
/// Time from a day's end to the start of its report, for late webhooks to arrive.
const GRACE: SignedDuration = SignedDuration::from_hours(1);
/// Most orders per page; each may open a review item.
const PAGE: usize = 50;

/// Report of one run of the job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Reconciled {
    /// Pages compared.
    pub pages: u32,
    pub finished: u32,
    /// Reports that could not continue; the next run retries them.
    pub failed: u32,
}

/// Continues all due reports.
///
/// # Errors
/// A fault if a report can't be read.
pub async fn reconcile(app: &App, ctx: &Ctx) -> Result<Reconciled, Fault> {
    let started = Instant::now();
    let mut done = Reconciled::default();
    let waiting = i64::try_from(due_keys(app, WAITING).await?.len()).unwrap_or(i64::MAX);
    metrics::value("ReviewQueueDepth", waiting, "Count");
    let reopened = due_keys(app, REOPENED).await?;
    let reopened = reopened.iter().filter_map(|(pk, sk)| report_of(pk, sk));
    for (date, provider) in due_reports(app).into_iter().chain(reopened) {
        loop {
            if started.elapsed() > TICK {
                return Ok(done);
            }
            match step(app, ctx, date, provider).await {
                Ok(Step::Nothing) => break,
                Ok(Step::Page) => done.pages = done.pages.saturating_add(1),
                Ok(Step::Finished) => {
                    done.pages = done.pages.saturating_add(1);
                    done.finished = done.finished.saturating_add(1);
                    break;
                }
                Err(error) => {
                    tracing::warn!(error = %Chain(&error), %date, provider = provider.as_str(), "a report goes on at the next tick");
                    done.failed = done.failed.saturating_add(1);
                    break;
                }
            }
        }
    }
    Ok(done)
}

/// Days that need a report, oldest first, for each configured provider.
fn due_reports(app: &App) -> Vec<(Date, Provider)> {
    let latest = app.clock.now().checked_sub(GRACE).unwrap_or(Timestamp::MIN);
    let today = latest.to_zoned(TimeZone::UTC).date();
    let days = (1..=DAYS).rev().filter_map(|back| today.checked_sub(back.days()).ok());
    let providers = [Provider::Stripe, Provider::Zpay].into_iter().filter(|provider| app.providers.has(*provider));
    days.flat_map(|date| providers.clone().map(move |provider| (date, provider))).collect()
}

enum Step {
    Nothing,
    Page,
    Finished,
}

/// Compares the next page of a report and writes it.
async fn step(app: &App, ctx: &Ctx, date: Date, provider: Provider) -> Result<Step, Error> {
    let key = Reconciliation::key(date, provider);
    let stored = app.store.get::<Reconciliation>(&key).await?;
    let report = match &stored {
        Some(report) if report.stage == Stage::Done => return Ok(Step::Nothing),
        Some(report) => Reconciliation::clone(report),
        None => Reconciliation::begin(date, provider, app.clock.now()),
    };
    let looked = look(app, ctx, &report).await?;
    let changed = looked.changed.clone();
    let (after, differences) = report.after(looked, app.clock.now())?;
    let written = app.execute(&ctx.unkeyed(), || plan(app, &report, &after, &differences, &changed)).await?;
    if !written.answer || after.stage != Stage::Done {
        return Ok(Step::Page);
    }
    if !after.is_clean() {
        tracing::error!(%date, provider = provider.as_str(), differences = after.differences, "books differ");
    }
    let count = i64::try_from(after.differences).unwrap_or(i64::MAX);
    metrics::metric("ReconciliationDifferences", count, "Count", &[("Provider", provider.as_str())]);
    Ok(Step::Finished)
}

/// Plans the report with its next page; false if another run wrote that page before.
async fn plan(
    app: &App,
    before: &Reconciliation,
    after: &Reconciliation,
    differences: &Differences,
    changed: &BTreeSet<Date>,
) -> Result<(bool, Tx), Error> {
    let mut tx = app.tx();
    let stored = app.store.get::<Reconciliation>(&Reconciliation::key(before.date, before.provider)).await?;
    if stored.as_ref().is_some_and(|stored| stored.pages != before.pages) {
        return Ok((false, tx));
    }
    tx.upsert(stored.as_ref(), after);
    if !differences.lines.is_empty() {
        tx.insert(differences);
    }
    let earlier: Vec<_> = changed.iter().map(|date| Reconciliation::key(*date, before.provider)).collect();
    for report in app.store.read(earlier).await?.into_iter().flatten() {
        if let Some(again) = report.reopened(app.clock.now()) {
            tx.replace(&report, &again);
        }
    }
    let reviews = reviews(differences, app.clock.now());
    let keys: Vec<_> = reviews.iter().map(|review| Review::key(review.id)).collect();
    for (review, known) in reviews.iter().zip(app.store.read(keys).await?) {
        if known.is_none() {
            tx.insert(review);
            tx.send(Message::ReviewOpened { review: review.id });
            metrics::count("ReviewsOpened");
        }
    }
    Ok((true, tx))
}

/// Review items of the payments that differ.
///
/// Each id is derived from report and payment, so a repeated page opens no second item.
fn reviews(of: &Differences, now: Timestamp) -> Vec<Review> {
    let begin = day_of(of.date).0.as_millisecond();
    let differing = of.lines.iter().filter(|line| line.verdict != DifferenceKind::Unconfirmed);
    let review = |line: &crate::payment::model::reconciliation::PaymentDifference| {
        let payment_id = line.payment_id.clone().or_else(|| Some(line.order_id?.to_string()))?;
        let digest = Sha256::digest(format!("{}#{}#{payment_id}", of.date, of.provider.as_str()).as_bytes());
        let low: [u8; 16] = digest.get(..16)?.try_into().ok()?;
        let id = ReviewId::new(Ulid::from_parts(u64::try_from(begin).ok()?, u128::from_be_bytes(low)));
        Some(Review {
            id,
            provider: of.provider,
            payment_id,
            event_id: None,
            order_id: line.order_id,
            reason: if line.verdict == DifferenceKind::Unreadable {
                ReviewReason::Unreadable
            } else {
                ReviewReason::Difference
            },
            received: line.sides.provider,
            left: None,
            last: None,
            state: ReviewState::Open,
            resolution: None,
            created_at: now,
        })
    };
    differing.filter_map(review).collect()
}

async fn look(app: &App, ctx: &Ctx, report: &Reconciliation) -> Result<Looked, Error> {
    let unavailable = || Fault::unavailable("provider", "not configured");
    match (report.stage, report.provider) {
        (Stage::Book, _) => {
            stripe_book::book(app, ctx, app.providers.stripe.as_ref().ok_or_else(unavailable)?, report).await
        }
        (Stage::Refunds | Stage::Disputes, _) => {
            stripe_book::returned(app, ctx, app.providers.stripe.as_ref().ok_or_else(unavailable)?, report).await
        }
        (Stage::Orders, Provider::Stripe) => {
            let stripe = app.providers.stripe.as_ref().ok_or_else(unavailable)?;
            let (page, next) = of_day(app, report).await?;
            let mut looked = Looked { next, ..Looked::default() };
            for order in page {
                looked.compared.extend(known_at_stripe(app, stripe, &order).await?);
            }
            Ok(looked)
        }
        (Stage::Orders, Provider::Zpay) => {
            let zpay = app.providers.zpay.as_ref().ok_or_else(unavailable)?;
            let (page, next) = of_day(app, report).await?;
            let mut looked = Looked { next, ..Looked::default() };
            for order in page {
                looked.compared.extend(known_at_zpay(app, ctx, zpay, &order).await?);
            }
            Ok(looked)
        }
        (Stage::Unconfirmed, _) => unconfirmed(app, ctx, report).await,
        (Stage::Done, _) => Ok(Looked::default()),
    }
}

type Compared = Option<(Option<String>, Option<OrderId>, Sides)>;

/// Sides of an order paid here whose payment Stripe does not know.
///
/// `None` otherwise: payments that Stripe knows are compared by its own list.
async fn known_at_stripe(app: &App, stripe: &Stripe, order: &Order) -> Result<Compared, Error> {
    let Some(payment_id) = order.payment_id.as_deref().filter(|_| order.status.is_captured()) else { return Ok(None) };
    match stripe.payment_intent(payment_id).await {
        Ok(intent) if intent.succeeded => return Ok(None),
        Ok(_) | Err(AskFailure::Unknown) => {}
        Err(why) => return Err(unavailable(why).into()),
    }
    let nothing = PayMoney::zero(order.charge.currency());
    let (named, sides) = sides(app, Provider::Stripe, payment_id, nothing).await?;
    Ok(Some((Some(payment_id.to_owned()), named, sides)))
}

/// Sides of an order by the gateway's query; a payment with a lost webhook is ingested first.
async fn known_at_zpay(app: &App, ctx: &Ctx, zpay: &Zpay, order: &Order) -> Result<Compared, Error> {
    if order.status == OrderStatus::Failed {
        return Ok(None);
    }
    let asked = || async {
        let found = zpay.query(order.id).await;
        found.map_err(|why| Fault::unavailable("zpay query", why))
    };
    let found = asked().await?.filter(|found| found.paid && found.order() == Some(order.id));
    let Some((trade, money)) = found.and_then(|found| Some((found.trade_no, found.money?))) else {
        let Some(payment_id) = order.payment_id.as_deref().filter(|_| order.status.is_captured()) else {
            return Ok(None);
        };
        let nothing = PayMoney::zero(order.charge.currency());
        let (named, sides) = sides(app, Provider::Zpay, payment_id, nothing).await?;
        return Ok(Some((Some(payment_id.to_owned()), named, sides)));
    };
    let key = Payment::key(Provider::Zpay, &trade);
    let mut payment = app.store.get::<Payment>(&key).await?;
    if payment.as_ref().is_none_or(|payment| payment.captured.is_none()) {
        poll_provider(app, ctx, order).await?;
        payment = app.store.get::<Payment>(&key).await?;
    }
    // The gateway reports only the capture. Refunds are known from our own record alone.
    let back = match payment.as_deref().and_then(|payment| payment.captured) {
        Some(capture) => capture
            .amount
            .minus(payment.as_deref().map(Payment::net).transpose()?.flatten().unwrap_or(capture.amount))?,
        None => PayMoney::zero(money.currency()),
    };
    let (named, sides) = sides(app, Provider::Zpay, &trade, money.minus(back)?).await?;
    Ok(Some((Some(trade), named.or(Some(order.id)), sides)))
}

/// Orders completed by hand and not confirmed; each is polled once more.
async fn unconfirmed(app: &App, ctx: &Ctx, report: &Reconciliation) -> Result<Looked, Error> {
    let mut waiting: Vec<OrderId> = due(app, CONFIRM, OrderId::parse).await?;
    waiting.sort();
    let after = report.cursor.as_deref().and_then(OrderId::parse);
    waiting.retain(|id| after.is_none_or(|after| *id > after));
    let next = waiting.get(PAGE.saturating_sub(1)).filter(|_| waiting.len() > PAGE).map(ToString::to_string);
    let mut looked = Looked { next, ..Looked::default() };
    for id in waiting.into_iter().take(PAGE) {
        let Some(order) = app.store.get::<Order>(&Order::key(id)).await? else { continue };
        if order.provider != report.provider || order.completed.is_none() {
            continue;
        }
        poll_provider(app, ctx, &order).await?;
        let Some(order) = app.store.get::<Order>(&Order::key(id)).await? else { continue };
        let Some(journal) = order.completed else { continue };
        let ledger = posted(app, order.provider, Some(JournalRef { id: journal, step: 0 }), order.net()).await?;
        let nothing = PayMoney::zero(order.charge.currency());
        looked.unconfirmed.push((id, Sides { provider: nothing, orders: order.net(), ledger }));
    }
    Ok(looked)
}

/// All three sides of a payment, given the provider's net.
async fn sides(
    app: &App,
    provider: Provider,
    payment_id: &str,
    net: PayMoney,
) -> Result<(Option<OrderId>, Sides), Error> {
    let none = Sides { provider: net, ..Sides::none(net.currency()) };
    let Some(payment) = app.store.get::<Payment>(&Payment::key(provider, payment_id)).await? else {
        return Ok((None, none));
    };
    let order = match payment.order {
        Some(order) => app.store.get::<Order>(&Order::key(order)).await?,
        None => None,
    };
    let review = match payment.review {
        Some(review) => app.store.get::<Review>(&Review::key(review)).await?,
        None => None,
    };
    // Money that an event took out of review is on that review's journals and on the payment's (F6).
    let cleared = match payment.cleared {
        Some(cleared) => app.store.get::<Review>(&Review::key(cleared)).await?,
        None => None,
    };
    let held = review.as_deref().filter(|review| review.reason.holds_money() && review.state != ReviewState::Credited);
    let orders = match (order.as_deref(), held) {
        (Some(order), _) => order.net(),
        (None, Some(review)) => review.held(),
        (None, None) => none.orders,
    };
    // Sides are compared in the provider's currency: what an order has in another one is nothing of it (F7).
    let orders = if orders.currency() == net.currency() { orders } else { none.orders };
    let mut ledger = posted(app, provider, payment.last, net).await?;
    for last in [review, cleared].into_iter().flatten().filter_map(|review| review.last) {
        ledger = ledger.plus(posted(app, provider, Some(last), net).await?)?;
    }
    Ok((payment.order, Sides { orders, ledger, ..none }))
}

/// Net that a cause's journals, followed back from the last one, took from the provider's account.
///
/// In the currency of `like`.
async fn posted(app: &App, provider: Provider, last: Option<JournalRef>, like: PayMoney) -> Result<PayMoney, Error> {
    let mut sum = PayMoney::zero(like.currency());
    let mut next = last.map(|last| last.id);
    while let Some(journal) = next {
        let Some(posting) = journal_of(app, journal).await? else { break };
        for line in &posting.house {
            if line.account == PlatformAccount::Provider(provider) && line.amount.currency() == like.currency() {
                let amount = PayMoney::exact(line.amount.amount(), like.currency())?;
                sum = sum.minus(amount)?;
            }
        }
        next = posting.header.corrects;
    }
    Ok(sum)
}

/// A journal by its id, from the platform's list.
///
/// A list index is eventually consistent, which suffices for a report about journals written hours ago.
async fn journal_of(app: &App, journal: JournalId) -> Result<Option<JournalEntry>, Fault> {
    let at = journal.made_at().unwrap_or(Timestamp::MAX);
    in_list(app, POSTINGS, at, &journal.to_string()).await
}

/// A page of the provider's orders of the report's day.
async fn of_day(app: &App, report: &Reconciliation) -> Result<(Vec<Order>, Option<String>), Error> {
    let (from, to) = day_of(report.date);
    let filter = OrderFilter { provider: Some(report.provider), ..OrderFilter::default() };
    let bad = |_| Fault::bug("a report's place that can't be read");
    let after = report.cursor.as_deref().map(serde_json::from_str::<Cursor>).transpose().map_err(bad)?;
    let limit = i32::try_from(PAGE).unwrap_or(i32::MAX);
    let last = to.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(to);
    let page = orders(app, &filter, &Window { from: Some(from), to: Some(last), limit, after }).await?;
    let next = page.next.map(|next| serde_json::to_string(&next)).transpose();
    Ok((page.items, next.map_err(Fault::bug)?))
}

/// Start and end of a day in UTC; the end is exclusive.
pub(crate) fn day_of(date: Date) -> (Timestamp, Timestamp) {
    let begin = |date: Date| date.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |zoned| zoned.timestamp());
    (begin(date), date.tomorrow().map_or(Timestamp::MAX, begin))
}
