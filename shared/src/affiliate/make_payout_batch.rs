//! Payout batch of requested cash withdrawals, made in one transaction with them (R6.9).
//!
//! The list of withdrawals finds candidates; it may lag behind, so each is read again, and the write of each is conditional on what was
//! read. Of two batches that want the same withdrawal, or a batch and its user's cancellation, one comes first and the other is planned
//! anew.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::affiliate::model::payout_batch::{GatherTerms, LeftOutReason, PayoutBatch, PayoutFormat, PayoutLine};
use crate::affiliate::model::settings::AffiliateSettings;
use crate::affiliate::model::withdrawal::Withdrawal;
use crate::affiliate::payout_file::Debtor;
use crate::affiliate::table::WITHDRAWALS;
use crate::app::App;
use crate::operations::audit_log::by_admin;
use crate::payment::model::settings::PaymentSettings;
use kernel::fault::{Error, Fault};
use kernel::id::{PayoutBatchId, UserId, WithdrawalId};
use kernel::money::Currency;
use kernel::month::Month;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::item::Versioned;
use table::list::{ListSource, Rows, Window, only, walk};
use table::tx::Tx;

/// Most candidates of one request; above that a month or an earlier end has to be named.
const CANDIDATES_MAX: usize = 5_000;
/// Time before the end whose withdrawals are gathered, when no month is named.
const BACK: SignedDuration = SignedDuration::from_hours(366 * 24);
/// Most withdrawals that stay out and are named.
const LEFT_OUT_MAX: usize = 50;

/// Request for a payout batch.
#[derive(Debug, Clone)]
pub struct MakePayoutBatch {
    /// Payout method of the withdrawals.
    pub method: String,
    pub format: PayoutFormat,
    /// Currency of the withdrawals; `None` is the ledger currency.
    pub currency: Option<Currency>,
    /// Time of the requests.
    pub asked: Asked,
    /// Most lines, 1 to [`LINES_MAX`](crate::affiliate::model::payout_batch::LINES_MAX).
    pub limit: usize,
    pub admin: UserId,
}

/// Time in which withdrawals of a batch were requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// A calendar month, in UTC.
    In(Month),
    /// Up to this time, and not a year before it; `None` is now.
    Until(Option<Timestamp>),
}

impl Asked {
    /// Range of the list.
    fn window(self, now: Timestamp) -> Window {
        let (from, to) = match self {
            Self::In(month) => (Some(month.begins()), Some(month.ends())),
            Self::Until(until) => {
                let to = until.unwrap_or(now);
                (to.checked_sub(BACK).ok(), Some(to))
            }
        };
        Window { from, to, ..Window::default() }
    }
}

/// Payout batch as made, and withdrawals that stayed out of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MadePayoutBatch {
    pub batch: PayoutBatch,
    /// The oldest of those that were looked at before the batch was full.
    pub left_out: Vec<LeftOut>,
}

/// Requested withdrawal that stayed out of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    pub withdrawal: WithdrawalId,
    pub reason: LeftOutReason,
}

/// Makes a batch of the oldest requested cash withdrawals that fit.
///
/// # Rejects
/// [`Refusal::NothingToGather`]; [`Refusal::RangeTooLarge`] for too many candidates; 422 at `/format` for a credit transfer without an
/// account in the settings, and at `/currency` for one whose amounts have other than two decimals.
pub async fn make_payout_batch(
    app: &App,
    ctx: &Ctx,
    ask: &MakePayoutBatch,
) -> Result<Answered<MadePayoutBatch>, Error> {
    app.execute(ctx, || plan(app, ctx, ask)).await
}

async fn plan(app: &App, ctx: &Ctx, ask: &MakePayoutBatch) -> Result<(MadePayoutBatch, Tx), Error> {
    let settings = app.settings::<AffiliateSettings>().await?.settings;
    let currency = match ask.currency {
        Some(currency) => currency,
        None => app.settings::<PaymentSettings>().await?.settings.ledger_currency,
    };
    must_have_a_file(ask.format, currency, &settings)?;
    let terms = GatherTerms {
        method: &ask.method,
        format: ask.format,
        currency,
        second_approval_above: settings.second_approval_above,
        maker: ask.admin,
    };
    let (id, now) = (PayoutBatchId::new(app.ulid()), app.clock.now());
    let mut left_out = Vec::new();
    let mut chosen = Vec::new();
    for candidate in candidates(app, ask, &terms, id).await? {
        match terms.judge(&candidate, id) {
            Some(Ok(_)) if chosen.len() < ask.limit => chosen.push(Withdrawal::key(candidate.id)),
            Some(Ok(_)) => break,
            Some(Err(reason)) if left_out.len() < LEFT_OUT_MAX => {
                left_out.push(LeftOut { withdrawal: candidate.id, reason });
            }
            Some(Err(_)) | None => {}
        }
    }
    let mut tx = app.tx();
    let mut lines = Vec::new();
    let found: Vec<Versioned<Withdrawal>> = app.store.read(chosen).await?.into_iter().flatten().collect();
    for withdrawal in &found {
        // What has changed since the list was read stays out.
        let Some(Ok(taken)) = terms.judge(withdrawal, id) else { continue };
        lines.push(PayoutLine { withdrawal: taken.id, amount: taken.amount, end: None });
        tx.replace(withdrawal, &taken);
    }
    if lines.is_empty() {
        return Err(Refusal::NothingToGather.into());
    }
    let batch = PayoutBatch {
        id,
        method: ask.method.clone(),
        format: ask.format,
        currency,
        lines,
        made_by: ask.admin,
        created_at: now,
    };
    tx.insert(&batch);
    let total = batch.total().map_err(Fault::bug)?;
    let audit = by_admin(app, ctx, ask.admin, "payout_batch.made", id.to_string());
    tx.insert(&audit.because(format!("{}: {} × {total}", batch.method, batch.lines.len())));
    Ok((MadePayoutBatch { batch, left_out }, tx))
}

/// Requires that the file can be made at all.
fn must_have_a_file(format: PayoutFormat, currency: Currency, settings: &AffiliateSettings) -> Result<(), Refusal> {
    if format == PayoutFormat::Csv {
        return Ok(());
    }
    if Debtor::of(settings).is_none() {
        return Err(Refusal::field("/format", "not_set_up", "The settings name no account that it pays from."));
    }
    if currency.digits() != 2 {
        return Err(Refusal::field("/currency", "unsupported", "A currency with two decimals."));
    }
    Ok(())
}

/// Withdrawals that the batch is meant for, oldest first.
async fn candidates(
    app: &App,
    ask: &MakePayoutBatch,
    terms: &GatherTerms<'_>,
    id: PayoutBatchId,
) -> Result<Vec<Withdrawal>, Error> {
    let range = ask.asked.window(app.clock.now());
    let read = |window: Window| async move {
        let all = window.walk(ListSource::Platform(WITHDRAWALS), true);
        walk(app, &all, |of: &Withdrawal| only(terms.judge(of, id).is_some() && window.holds(of.created_at), of)).await
    };
    let found = Rows::of(&range, CANDIDATES_MAX).all(read).await?;
    // Each once, whatever an index repeats.
    let sorted: BTreeMap<_, _> = found.into_iter().map(|of| ((of.created_at, of.id), of)).collect();
    Ok(sorted.into_values().collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// R6.9: a month is whole, in UTC; up to a time is a year before it and no later.
    #[test]
    fn a_batch_is_of_a_month_or_up_to_a_time() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let month = Asked::In(Month::new(2026, 2)).window(at("2026-11-30T00:00:00Z"));
        let inside = ["2026-02-01T00:00:00Z", "2026-02-28T23:59:59.999999999Z"];
        let outside = ["2026-01-31T23:59:59.999Z", "2026-03-01T00:00:00Z"];
        assert!(inside.iter().all(|time| month.holds(at(time))) && !outside.iter().any(|time| month.holds(at(time))));
        let now = Asked::Until(None).window(at("2026-11-30T00:00:00Z"));
        assert!(now.holds(at("2026-11-30T00:00:00Z")) && now.holds(at("2025-12-01T00:00:00Z")));
        assert!(!now.holds(at("2026-11-30T00:00:01Z")) && !now.holds(at("2025-11-01T00:00:00Z")));
    }
}
