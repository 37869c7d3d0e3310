//! Effects that a refund or a completion by hand would have, by the same rules that carry it out, and without writing (R4.11, R4.12).

use kernel::fault::{Error, Fault};
use kernel::id::{OrderId, ReviewId, UserId};
use kernel::money::{LedgerMoney, MoneyError, PayMoney};
use kernel::refusal::Refusal;
use table::item::Versioned;

use crate::account::credit_lots::accounts_after_take_back;
use crate::account::model::user::User;
use crate::affiliate::model::commission::{Commission, CommissionSource};
use crate::app::App;
use crate::payment::model::order::Order;
use crate::payment::model::payment::{CaptureOutcome, Payment, Refund, decide, target};
use crate::payment::model::reversal::Reversal;
use crate::payment::model::review::{Review, ReviewState};
use crate::payment::refund_order::part;
use crate::payment::resolve_review::{credited, made};
use crate::referral::model::referral::{Reward, RewardState, Side, Trigger};

/// An amount before and after.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BeforeAfter {
    pub now: LedgerMoney,
    pub then: LedgerMoney,
}

/// A reward that depends on the order's payment.
#[derive(Debug, Clone, PartialEq)]
pub struct RewardEffect {
    pub beneficiary: UserId,
    pub side: Side,
    pub amount: LedgerMoney,
    /// True if it stays.
    pub stays: bool,
}

/// Effects of a refund.
#[derive(Debug, Clone, PartialEq)]
pub struct RefundEffects {
    pub order: Order,
    pub user: User,
    /// Amount of the refund.
    pub amount: PayMoney,
    /// Amount given back so far.
    pub before: PayMoney,
    /// Rest of the charge afterwards.
    pub left: PayMoney,
    /// Most that can be refunded now.
    pub most: PayMoney,
    pub balance: BeforeAfter,
    pub debt: BeforeAfter,
    pub credit: BeforeAfter,
    /// None if the order has no bonus.
    pub bonus: Option<BeforeAfter>,
    /// None if the order has no bonus of its offer or amount.
    pub amount_bonus: Option<BeforeAfter>,
    /// None if the order has no bonus of a coupon.
    pub coupon_bonus: Option<BeforeAfter>,
    /// Beneficiaries of the commissions, and how each changes.
    pub commissions: Vec<(UserId, BeforeAfter)>,
    pub rewards: Vec<RewardEffect>,
}

/// Effects of a completion by hand.
#[derive(Debug, Clone, PartialEq)]
pub struct CompletionEffects {
    pub order: Order,
    pub user: User,
    pub balance: BeforeAfter,
    pub debt: BeforeAfter,
    pub credit: LedgerMoney,
    pub bonus: LedgerMoney,
    pub amount_bonus: LedgerMoney,
    pub coupon_bonus: LedgerMoney,
}

/// Computes what a refund of this amount would change; of all that is left without one.
///
/// # Rejects
/// `not_found`; `nothing_to_refund`; 422 at `/amount` for an amount that is not positive or too much.
pub async fn of_refund(app: &App, id: OrderId, amount: Option<&str>) -> Result<RefundEffects, Error> {
    let order = app.store.get::<Order>(&Order::key(id)).await?.ok_or(Refusal::NotFound)?.into_inner();
    let payment = order.payment_id.as_deref().filter(|_| order.status.is_captured());
    let payment = Payment::key(order.provider, payment.ok_or(Refusal::NothingToRefund)?);
    let reward = |side| Reward::key(Reward::id_of(order.user, Trigger::Qualified, side));
    let rewards = vec![reward(Side::Inviter), reward(Side::Invitee)];
    let levels = [id, Commission::second_level(id)].map(|id| Commission::key(Commission::id_of(id))).to_vec();
    let keys = (User::key(order.user), payment, levels, rewards);
    let (user, payment, levels, rewards) = app.store.read(keys).await?;
    let mut payment = payment.ok_or(Refusal::NothingToRefund)?.into_inner();
    let most = payment.refundable()?.filter(|left| left.is_positive()).ok_or(Refusal::NothingToRefund)?;
    let amount = amount.map_or(Ok(most), |text| part("/amount", text, most))?;
    let user = user.ok_or_else(|| Fault::bug("an order without its user"))?.into_inner();
    let before = order.charge.minus(order.net())?;
    let refund = Refund { amount, failed: false, pending: false, at: None, request: None };
    payment.record_refund("to come", refund)?;
    let reversal = Reversal::of(&order, &payment)?;
    let (net, after) = match &reversal {
        Some(reversal) => (reversal.net, order.reversed(reversal)),
        None => (order.net(), order.clone()),
    };
    let movements = reversal.as_ref().map(|reversal| reversal.movements(&order)).unwrap_or_default();
    let accounts = accounts_after_take_back(app, &user, &order.id.to_string(), &movements).await?;
    let of = |whole: LedgerMoney| -> Result<BeforeAfter, Error> {
        Ok(BeforeAfter { now: target(whole, order.net(), order.charge)?, then: target(whole, net, order.charge)? })
    };
    let source = CommissionSource::from(&after);
    let moves =
        |of: Versioned<Commission>| Ok((of.beneficiary, BeforeAfter { now: of.left(), then: of.target(&source)? }));
    let commissions = levels.into_iter().flatten().map(moves).collect::<Result<_, MoneyError>>()?;
    let (credit, bonus) = (of(order.credit)?, order.bonus.filter(|_| !order.bonus_held).map(of).transpose()?);
    let rewards = rewards.into_iter().flatten().map(Versioned::into_inner).collect();
    Ok(RefundEffects {
        amount,
        before,
        left: net,
        most,
        balance: BeforeAfter { now: user.accounts.balance(), then: accounts.balance() },
        debt: BeforeAfter { now: user.accounts.owed(), then: accounts.owed() },
        credit,
        bonus,
        amount_bonus: order.amount_bonus.map(of).transpose()?,
        coupon_bonus: Some(order.coupon_bonus()).filter(|bonus| bonus.is_positive()).map(of).transpose()?,
        commissions,
        rewards: rewards_after(&order, &user, net, rewards)?,
        order,
        user,
    })
}

/// Rewards for the user's payments, as they are once the order's net is `net`.
fn rewards_after(order: &Order, user: &User, net: PayMoney, rewards: Vec<Reward>) -> Result<Vec<RewardEffect>, Error> {
    let Some(mut bond) = user.attribution.clone().filter(|bond| bond.counts(order)) else { return Ok(Vec::new()) };
    bond.net_moved(order.net(), net)?;
    let stays = bond.qualifies();
    let given = rewards.into_iter().filter(|reward| reward.state != RewardState::Reversed);
    let effect = |reward: Reward| RewardEffect {
        beneficiary: reward.beneficiary,
        side: reward.side,
        amount: reward.amount,
        stays,
    };
    Ok(given.map(effect).collect())
}

/// Computes what completing the order by hand would credit.
///
/// # Rejects
/// `not_found`; `order_already_paid`.
pub async fn of_completion(app: &App, id: OrderId) -> Result<CompletionEffects, Error> {
    let order = app.store.get::<Order>(&Order::key(id)).await?.ok_or(Refusal::NotFound)?.into_inner();
    if order.status.is_captured() {
        return Err(Refusal::OrderAlreadyPaid.into());
    }
    let user = app.store.get::<User>(&User::key(order.user)).await?;
    let user = user.ok_or_else(|| Fault::bug("an order without its user"))?.into_inner();
    let now = app.clock.now();
    let mut payment = Payment::new(order.provider, "");
    payment.record_capture(order.charge, Some(now));
    let CaptureOutcome::Credit(due) = decide(Some(&order), &payment, user.promotion.as_ref(), now)? else {
        return Err(Refusal::OrderAlreadyPaid.into());
    };
    let accounts = user.accounts.after(&due.movements(&order)).map_err(Fault::bug)?;
    Ok(CompletionEffects {
        balance: BeforeAfter { now: user.accounts.balance(), then: accounts.balance() },
        debt: BeforeAfter { now: user.accounts.owed(), then: accounts.owed() },
        credit: due.post_credit,
        bonus: due.post_bonus,
        amount_bonus: due.post_amount_bonus,
        coupon_bonus: due.post_coupon_bonus,
        order,
        user,
    })
}

/// Computes what crediting a review's money to the user of this order would book.
///
/// # Rejects
/// `not_found`; `review_closed`; 422 at `/order_id` for an order that is unknown or in another currency, at `/action` for an item
/// that holds no money.
pub async fn of_review(app: &App, id: ReviewId, like: Option<OrderId>) -> Result<CompletionEffects, Error> {
    let unknown = || Refusal::field("/order_id", "unknown", "An order of the user who is to be credited.");
    let (review, like) = app.store.read((Review::key(id), like.map(Order::key))).await?;
    let review = review.ok_or(Refusal::NotFound)?;
    if review.state != ReviewState::Open {
        return Err(Refusal::ReviewClosed.into());
    }
    if !review.reason.holds_money() {
        return Err(Refusal::field("/action", "no_money", "This item stands for no money of its own.").into());
    }
    let like = like.ok_or_else(unknown)?;
    if like.charge.currency() != review.received.currency() {
        return Err(Refusal::field("/order_id", "currency", "An order in the currency of the money.").into());
    }
    let keys = (User::key(like.user), Payment::key(review.provider, &review.payment_id));
    let (user, payment) = app.store.read(keys).await?;
    let user = user.ok_or_else(|| Fault::bug("an order without its user"))?.into_inner();
    let payment = payment.ok_or_else(|| Fault::bug("a review of no payment"))?;
    let order = made(app, &like, &review, OrderId::new(app.ulid()))?;
    let credited = credited(app, &order, &payment)?;
    let accounts = user.accounts.after(&credited.movements(&order)).map_err(Fault::bug)?;
    Ok(CompletionEffects {
        balance: BeforeAfter { now: user.accounts.balance(), then: accounts.balance() },
        debt: BeforeAfter { now: user.accounts.owed(), then: accounts.owed() },
        credit: credited.post_credit,
        bonus: credited.post_bonus,
        amount_bonus: credited.post_amount_bonus,
        coupon_bonus: credited.post_coupon_bonus,
        order,
        user,
    })
}
