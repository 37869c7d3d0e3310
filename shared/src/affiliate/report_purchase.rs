//! Reports of purchases and their refunds by the operator's backend (R2.6).
//!
//! They earn like online payments and credit nothing. The purchase, the invitee's charge total and the message to the reward
//! worker are one transaction. A refund may come before its purchase; it is kept and reduces the purchase's net (R4.11). A refund
//! that was reported wrongly is corrected with a reason. Only what was paid since the user has an inviter counts.

use jiff::{Timestamp, ToSpan};

use crate::account::model::external::ExternalId;
use crate::account::model::user::User;
use crate::affiliate::model::purchase::{Bought, Purchase, RefundCorrection};
use crate::affiliate::model::terms::CommissionedPayment;
use crate::app::App;
use crate::message::Message;
use crate::operations::audit_log::by_service;
use crate::payment::create_order::affiliate_terms;
use crate::payment::model::settings::PaymentSettings;
use crate::referral::model::settings::ReferralSettings;
use kernel::fault::{Error, Fault};
use kernel::id::{OrderId, ServiceKeyId, UserId};
use kernel::money::AMOUNT_MAX;
use kernel::money::{PayMoney, plain_decimal};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::item::Versioned;
use table::tx::Tx;

/// Maximum minutes that `paid_at` may be ahead of this system's clock.
const AHEAD_MINUTES: i64 = 10;

/// Report of a purchase.
#[derive(Debug, Clone)]
pub struct Report {
    /// Service key that reports it.
    pub key: ServiceKeyId,
    /// Id of the purchase in the operator's backend.
    pub external_order_id: ExternalId,
    /// Buyer.
    pub user: UserId,
    /// Amount in pay currency, as sent.
    pub amount: String,
    /// Currency code, as sent.
    pub currency: String,
    /// Time of the payment.
    pub paid_at: Timestamp,
}

/// Report of a refund.
#[derive(Debug, Clone)]
pub struct Refunded {
    /// Service key that reported the purchase.
    pub key: ServiceKeyId,
    /// Id of the purchase in the operator's backend.
    pub external_order_id: ExternalId,
    /// Amount in pay currency, as sent.
    pub amount: String,
    /// Id of the refund in the operator's backend.
    pub refund_id: ExternalId,
}

/// Records a purchase; the same report again returns it unchanged.
///
/// # Rejects
/// 422 for a bad amount, a currency other than pay currency, a future time, an unknown user, and for different data under an id
/// that this key has reported.
pub async fn report_purchase(app: &App, ctx: &Ctx, ask: &Report) -> Result<Answered<Purchase>, Error> {
    app.execute(ctx, || plan(app, ask)).await
}

/// Records a refund of a purchase, once per refund id.
///
/// Refunds that come before their purchase are kept as reported; the net stops at 0.
///
/// # Rejects
/// 422 for a bad amount and for one above what the purchase and its other refunds leave.
pub async fn refund_purchase(app: &App, ctx: &Ctx, ask: &Refunded) -> Result<Answered<Purchase>, Error> {
    app.execute(ctx, || plan_refund(app, ask)).await
}

/// Request to correct a refund.
#[derive(Debug, Clone)]
pub struct CorrectRefund {
    /// Service key that reported it.
    pub key: ServiceKeyId,
    /// Name of that key, for the audit record.
    pub by: String,
    /// Id of the purchase in the operator's backend.
    pub external_order_id: ExternalId,
    /// Id of the refund in the operator's backend.
    pub refund_id: ExternalId,
    /// Amount really refunded, in pay currency, as sent; 0 for none.
    pub amount: String,
    pub reason: String,
}

/// Corrects the amount of a refund; a later report of that refund does not change it.
///
/// # Rejects
/// [`Refusal::NotFound`] for a refund that was not reported; 422 for a bad amount and for one above what the other refunds leave.
pub async fn correct_refund(app: &App, ctx: &Ctx, ask: &CorrectRefund) -> Result<Answered<Purchase>, Error> {
    app.execute(ctx, || plan_correction(app, ctx, ask)).await
}

/// Id of the purchase that a key reports under an external id.
pub(crate) fn id_of(app: &App, key: ServiceKeyId, external: &ExternalId) -> OrderId {
    let parts: [&[u8]; 2] = [&key.ulid().to_bytes(), external.as_str().as_bytes()];
    Purchase::id_of(key, &app.config.secret.hash("purchase", &parts))
}

/// Parses a positive amount in pay currency.
fn amount_of(settings: &PaymentSettings, text: &str) -> Result<PayMoney, Refusal> {
    let amount = zero_or_more(settings, text)?;
    let limits = || Refusal::field("/amount", "out_of_range", format!("above 0 and at most {AMOUNT_MAX}"));
    if amount.is_zero() { Err(limits()) } else { Ok(amount) }
}

/// Parses an amount in pay currency.
fn zero_or_more(settings: &PaymentSettings, text: &str) -> Result<PayMoney, Refusal> {
    let digits = settings.pay_currency.digits();
    let detail = || format!("a plain decimal with at most {digits} fractional digits");
    let amount = plain_decimal(text, digits).ok_or_else(|| Refusal::field("/amount", "not_a_decimal", detail()))?;
    let limits = || Refusal::field("/amount", "out_of_range", format!("at most {AMOUNT_MAX}"));
    if amount > AMOUNT_MAX {
        return Err(limits());
    }
    PayMoney::exact(amount, settings.pay_currency).map_err(|_| limits())
}

/// Requires that a refund is not above what its purchase and the other refunds leave.
fn within(purchase: &Purchase, id: &ExternalId, amount: PayMoney) -> Result<(), Error> {
    let other = |_| Refusal::field("/amount", "out_of_range", "not in the currency of the purchase");
    let Some(left) = purchase.refundable(id).map_err(other)? else { return Ok(()) };
    if amount.compare(left).map_err(other)?.is_gt() {
        return Err(
            Refusal::field("/amount", "out_of_range", format!("at most {left}, what is left of the purchase")).into()
        );
    }
    Ok(())
}

async fn plan(app: &App, ask: &Report) -> Result<(Purchase, Tx), Error> {
    let settings = app.settings::<PaymentSettings>().await?.settings;
    let referral = app.settings::<ReferralSettings>().await?.settings;
    let now = app.clock.now();
    let amount = checked(&settings, ask, now)?;
    let id = id_of(app, ask.key, &ask.external_order_id);
    let (user, known) = app.store.read((User::key(ask.user), Purchase::key(id))).await?;
    if let Some(bought) = known.as_ref().and_then(|known| known.bought.as_ref()) {
        let same = (bought.user, bought.amount, bought.paid_at) == (ask.user, amount, ask.paid_at);
        let other = || Refusal::field("/external_order_id", "taken", "This id was reported for another purchase.");
        let same = known.as_deref().filter(|_| same).cloned().ok_or_else(other)?;
        return Ok((same, app.tx()));
    }
    let unknown = || Refusal::field("/user_id", "unknown", "There is no such user.");
    let user = user.ok_or_else(unknown)?;
    let new = Purchase::new(id, ask.key, ask.external_order_id.clone(), now);
    let before = known.as_deref().cloned().unwrap_or(new);
    // What was paid before the user had an inviter does not count (G7).
    let bond = user.attribution.as_ref().filter(|bond| bond.bound_at <= ask.paid_at);
    let (exchange_rate, ledger) = (settings.exchange_rate, settings.ledger_currency);
    let paid = CommissionedPayment { charge: amount, exchange_rate, ledger };
    let affiliate = if bond.is_some() { affiliate_terms(app, &user, paid, ask.paid_at).await? } else { None };
    let bought = Bought {
        user: user.id,
        amount,
        base: amount.bought_at(exchange_rate, ledger)?,
        exchange_rate,
        inviter: bond.map(|bond| bond.inviter),
        affiliate,
        paid_at: ask.paid_at,
        reported_at: now,
    };
    let after = Purchase { bought: Some(bought), ..before };
    let net = after.net_of(amount).map_err(|_| Refusal::field("/currency", "unknown", "not that of its refunds"))?;
    let mut tx = app.tx();
    tx.upsert(known.as_ref(), &after);
    let mut payer = User::clone(&user);
    if bond.is_some()
        && let Some(attribution) = payer.attribution.as_mut()
    {
        attribution.charge_added(amount, net, referral.enabled, now)?;
    }
    moved(&mut tx, &after, &user, &payer);
    Ok((after, tx))
}

/// Validates a report and returns its amount.
fn checked(settings: &PaymentSettings, ask: &Report, now: Timestamp) -> Result<PayMoney, Refusal> {
    let pay = settings.pay_currency.code();
    if ask.currency != pay {
        return Err(Refusal::field("/currency", "unknown", format!("{pay}, the currency that counts")));
    }
    if now.checked_add(AHEAD_MINUTES.minutes()).is_ok_and(|latest| ask.paid_at > latest) {
        return Err(Refusal::field("/paid_at", "out_of_range", "not in the future"));
    }
    amount_of(settings, &ask.amount)
}

async fn plan_refund(app: &App, ask: &Refunded) -> Result<(Purchase, Tx), Error> {
    let settings = app.settings::<PaymentSettings>().await?.settings;
    let amount = amount_of(&settings, &ask.amount)?;
    let id = id_of(app, ask.key, &ask.external_order_id);
    let known = app.store.get::<Purchase>(&Purchase::key(id)).await?;
    let new = Purchase::new(id, ask.key, ask.external_order_id.clone(), app.clock.now());
    let mut after = known.as_deref().cloned().unwrap_or(new);
    let before = after.net()?;
    let other = |_| Refusal::field("/amount", "out_of_range", "not in the currency of the purchase");
    let mut tx = app.tx();
    if after.corrections.contains_key(&ask.refund_id) {
        return Ok((after, tx));
    }
    within(&after, &ask.refund_id, amount)?;
    after.record_refund(&ask.refund_id, amount).map_err(other)?;
    if known.as_deref() == Some(&after) {
        return Ok((after, tx));
    }
    tx.upsert(known.as_ref(), &after);
    net_moved(app, &mut tx, &after, before).await?;
    Ok((after, tx))
}

async fn plan_correction(app: &App, ctx: &Ctx, ask: &CorrectRefund) -> Result<(Purchase, Tx), Error> {
    let settings = app.settings::<PaymentSettings>().await?.settings;
    let amount = zero_or_more(&settings, &ask.amount)?;
    let id = id_of(app, ask.key, &ask.external_order_id);
    let known = app.store.get::<Purchase>(&Purchase::key(id)).await?.ok_or(Refusal::NotFound)?;
    let is =
        known.refunded().find(|(id, _)| **id == ask.refund_id).map(|(_, amount)| amount).ok_or(Refusal::NotFound)?;
    within(&known, &ask.refund_id, amount)?;
    let mut after = Purchase::clone(&known);
    let correction = RefundCorrection { amount, reason: ask.reason.clone(), at: app.clock.now() };
    after.corrections.insert(ask.refund_id.clone(), correction);
    let mut tx = app.tx();
    tx.mark(|tx| {
        tx.replace(&known, &after);
    });
    let audit = by_service(app, ctx, &ask.by, "purchase.refund_corrected", id.to_string());
    tx.insert(&audit.change(is.to_string(), amount.to_string()).because(ask.reason.clone()));
    net_moved(app, &mut tx, &after, known.net()?).await?;
    Ok((after, tx))
}

/// Updates the invitee's charge total after a change of a purchase's net from `before`.
async fn net_moved(app: &App, tx: &mut Tx, after: &Purchase, before: Option<PayMoney>) -> Result<(), Error> {
    let other = |_| Refusal::field("/amount", "out_of_range", "not in the currency of the purchase");
    let net = after.net().map_err(other)?;
    if let (Some(bought), Some((before, net))) = (&after.bought, before.zip(net))
        && bought.inviter.is_some()
    {
        let user = app.store.get::<User>(&User::key(bought.user)).await?;
        let user = user.ok_or_else(|| Fault::bug("a purchase without its user"))?;
        let mut payer = User::clone(&user);
        if let Some(attribution) = payer.attribution.as_mut() {
            attribution.net_moved(before, net)?;
        }
        moved(tx, after, &user, &payer);
    }
    Ok(())
}

/// Updates the invitee's charge total and sends the message for rewards and commission.
///
/// A purchase without an inviter makes none.
fn moved(tx: &mut Tx, purchase: &Purchase, before: &Versioned<User>, after: &User) {
    if let Some(inviter) = purchase.bought.as_ref().and_then(|bought| bought.inviter) {
        tx.replace(before, after);
        tx.send(Message::PurchaseNetChanged { purchase: purchase.id, user: after.id, inviter });
        if let Some(inviter) = after.attribution.as_ref().and_then(|bond| bond.also_concerns(inviter)) {
            tx.send(Message::ChargeCounted { user: after.id, inviter });
        }
    }
}
