//! Reads of payout batches: the list, one with its withdrawals, and its files (R6.9).

use crate::affiliate::model::payout_batch::{PayoutBatch, PayoutLine};
use crate::affiliate::model::settings::AffiliateSettings;
use crate::affiliate::model::withdrawal::Withdrawal;
use crate::affiliate::payout_file::{Debtor, FiledLine, payout_xml};
use crate::affiliate::table::PAYOUT_BATCHES;
use crate::app::App;
use kernel::fault::{Error, Fault};
use kernel::id::PayoutBatchId;
use kernel::refusal::Refusal;
use table::list::{ListSource, Window, walk};
use table::store::Page;

/// A payout batch with its withdrawals, in the order of its lines.
#[derive(Debug, Clone)]
pub struct ReadBatch {
    pub batch: PayoutBatch,
    pub withdrawals: Vec<Withdrawal>,
}

impl ReadBatch {
    /// Lines with their withdrawals.
    pub fn lines(&self) -> impl Iterator<Item = (&PayoutLine, &Withdrawal)> {
        self.batch.lines.iter().zip(&self.withdrawals)
    }

    /// Lines that are in the batch, with their accounts.
    pub fn filed(&self) -> Vec<FiledLine<'_>> {
        let kept = self.lines().filter(|(_, withdrawal)| withdrawal.batch == Some(self.batch.id));
        kept.map(|(line, withdrawal)| (line, withdrawal.payout.as_ref())).collect()
    }
}

/// Lists batches, newest first.
///
/// # Errors
/// The database can't be reached, or an item does not decode.
pub async fn batches(app: &App, window: &Window) -> Result<Page<PayoutBatch>, Fault> {
    walk(app, &window.walk(ListSource::Platform(PAYOUT_BATCHES), false), |batch: &PayoutBatch| {
        window.only(batch.created_at, batch)
    })
    .await
}

/// Reads a batch without its withdrawals.
///
/// # Rejects
/// [`Refusal::NotFound`].
pub async fn alone(app: &App, id: PayoutBatchId) -> Result<PayoutBatch, Error> {
    Ok(app.store.get::<PayoutBatch>(&PayoutBatch::key(id)).await?.ok_or(Refusal::NotFound)?.into_inner())
}

/// Reads a batch with its withdrawals.
///
/// # Rejects
/// [`Refusal::NotFound`].
pub async fn batch(app: &App, id: PayoutBatchId) -> Result<ReadBatch, Error> {
    let batch = alone(app, id).await?;
    let keys: Vec<_> = batch.lines.iter().map(|line| Withdrawal::key(line.withdrawal)).collect();
    let lost = || Fault::bug("a payout batch of an unknown withdrawal");
    let found = app.store.read(keys).await?.into_iter();
    let withdrawals =
        found.map(|one| one.map(|one| one.into_inner()).ok_or_else(lost)).collect::<Result<_, Fault>>()?;
    Ok(ReadBatch { batch, withdrawals })
}

/// Returns the credit transfer of a batch, from the account that the settings name.
///
/// # Rejects
/// [`Refusal::PayoutFileUnavailable`], also when the settings name no account any more.
pub async fn credit_transfer(app: &App, of: &ReadBatch) -> Result<String, Error> {
    let settings = app.settings::<AffiliateSettings>().await?.settings;
    let debtor = Debtor::of(&settings).ok_or(Refusal::PayoutFileUnavailable)?;
    Ok(payout_xml(&of.batch, &of.filed(), &debtor)?)
}
