//! Request of a shop's agent to have commission paid out in cash (R6.6, R8.12).
//!
//! It is one read and one commit. The write is conditional on the wallet as read, so concurrent requests never exceed the
//! commission. [`close_withdrawal`](crate::affiliate::close_withdrawal) ends it, as it ends an affiliate's.

use rust_decimal::Decimal;

use crate::affiliate::model::withdrawal::{CashStep, CashTerms, Destination, Payout, Withdrawal, WithdrawalState};
use crate::affiliate::payout_account;
use crate::affiliate::withdraw::{Withdrawn, measure, refused, told};
use crate::agency::model::settings::AgencySettings;
use crate::agency::model::wallet::Wallet;
use crate::app::App;
use crate::payment::credit_order::header;
use kernel::fault::Error;
use kernel::id::{ShopId, UserId, WithdrawalId};
use kernel::ledger::Operator;
use kernel::money::LedgerMoney;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::tx::Tx;

/// Request for cash.
#[derive(Debug, Clone)]
pub struct RequestCash {
    pub shop: ShopId,
    /// The shop's agent.
    pub agent: UserId,
    /// Positive amount in agency currency.
    pub amount: Decimal,
    pub payout: Payout,
}

/// Sets a shop's commission aside until an admin pays or rejects the withdrawal, or the shop cancels it.
///
/// # Rejects
/// `insufficient_available`; 422 for a method that is not offered and for an amount below the minimum.
pub async fn request_cash(app: &App, ctx: &Ctx, ask: &RequestCash) -> Result<Answered<Withdrawn>, Error> {
    let id = WithdrawalId::new(app.id_of(ctx));
    let done = app.execute_making(ctx, Withdrawal::key(id), || plan(app, ctx, ask, id)).await;
    measure(&done);
    done
}

async fn plan(app: &App, ctx: &Ctx, ask: &RequestCash, id: WithdrawalId) -> Result<(Withdrawn, Tx), Error> {
    let settings = app.settings::<AgencySettings>().await?.settings;
    let terms = CashTerms { methods: &settings.withdrawal_methods, minimum: settings.min_cash_withdrawal };
    terms.admit(ask.amount, &ask.payout)?;
    let keys = (Wallet::key(ask.shop), payout_account::key_of(app, &ask.payout));
    let (wallet, payout_account) = app.store.read(keys).await?;
    let wallet = wallet.ok_or(Refusal::InsufficientAvailable { available: None })?;
    let amount = LedgerMoney::exact(ask.amount, wallet.commission.balance().currency())?;
    let now = app.clock.now();
    let header = header(app, ctx, Withdrawal::cause(id), Operator::User, ask.agent.to_string(), now);
    let withdrawal = Withdrawal {
        id,
        user: ask.agent,
        shop: Some(ask.shop),
        amount,
        to: Destination::Cash,
        state: WithdrawalState::Requested,
        payout: Some(ask.payout.clone()),
        first_approval: None,
        batch: None,
        reference: None,
        reason: None,
        created_at: now,
        settled_at: None,
        last: header.as_last(),
        fingerprint: ctx.fingerprint(),
    };
    let taken = wallet.withdraw(&header, CashStep::Hold(amount), &id.to_string());
    let (after, postings) = taken.map_err(|error| refused(&error))?;
    let mut tx = app.tx();
    tx.mark(|tx| tx.insert(&withdrawal).or_retry());
    tx.replace(&wallet, &after);
    for posting in &postings {
        tx.insert(posting);
    }
    tx.send(told(&withdrawal));
    payout_account::keep(&mut tx, app, payout_account.as_ref(), &ask.payout, ask.agent);
    Ok(((&withdrawal).into(), tx))
}
