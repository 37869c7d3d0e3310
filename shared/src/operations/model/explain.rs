//! Explanation of an order: every decision about it and its reason, from stored data (R9.3).
//!
//! Nothing is decided here. Each [`Explained`] gives the outcome of one decision and the reason, also why something was not
//! granted, with the numbers of the snapshots that the decision used.

use jiff::Timestamp;

use crate::account::model::user::User;
use crate::affiliate::model::commission::{Commission, CommissionSource, Earnings, NoCommission, earned};
use crate::affiliate::model::purchase::Purchase;
use crate::operations::model::budget::HoldReason;
use crate::payment::model::bonus::OfferedBonus;
use crate::payment::model::coupon::{CouponState, OrderCoupon};
use crate::payment::model::order::{Order, OrderStatus};
use crate::payment::model::payment::target;
use crate::payment::model::promotion::Promotion;
use crate::referral::model::referral::{Referral, Reward, RewardState, Side, Trigger};
use kernel::money::{LedgerMoney, MoneyError};
use kernel::text_enum;

text_enum! {
    /// Subject of a decision.
    pub enum Subject as DecisionSubject {
        /// The charge of the order.
        Price = "price",
        /// The payment of the order.
        Payment = "payment",
        /// The credit of its user.
        Credit = "credit",
        /// The promotion's tier.
        Tier = "tier",
        /// The promotion's bonus.
        Bonus = "bonus",
        /// The bonus of the offer or amount.
        AmountBonus = "amount_bonus",
        /// The coupon of the order.
        Coupon = "coupon",
        /// The reward of its user's inviter.
        InviterReward = "inviter_reward",
        /// Its user's own reward.
        InviteeReward = "invitee_reward",
        /// The inviter's commission.
        Commission = "commission",
    }
}

/// Outcome of one decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    pub subject: Subject,
    /// Stable code of the outcome, for programs: `granted`, `below_threshold` …
    pub outcome: &'static str,
    /// Resulting amount, if the outcome is one.
    pub amount: Option<LedgerMoney>,
    /// Reason, for a person.
    pub because: String,
    /// Time of the decision, if known.
    pub at: Option<Timestamp>,
}

impl Explained {
    fn new(subject: Subject, outcome: &'static str, because: impl Into<String>) -> Self {
        Self { subject, outcome, amount: None, because: because.into(), at: None }
    }

    fn of(self, amount: LedgerMoney) -> Self {
        Self { amount: Some(amount), ..self }
    }

    fn at(self, at: Option<Timestamp>) -> Self {
        Self { at, ..self }
    }
}

/// All stored data that decisions about a reported purchase use.
#[derive(Debug, Clone)]
pub struct PurchaseFacts {
    pub purchase: Purchase,
    /// Buyer, once the purchase itself is reported.
    pub user: Option<User>,
    /// Existing rewards for reaching the threshold.
    pub rewards: Vec<Reward>,
    pub commission: Option<Commission>,
    /// Earlier commissions on the buyer's orders.
    pub earnings: Option<Earnings>,
}

impl PurchaseFacts {
    /// Explains every decision; a purchase credits nothing, so there are fewer than about an order.
    ///
    /// # Rejects
    /// Overflow.
    pub fn explain(&self) -> Result<Vec<Explained>, MoneyError> {
        let source = CommissionSource::of_purchase(&self.purchase)?;
        let (Some(bought), Some(user), Some(source)) = (&self.purchase.bought, &self.user, source) else {
            let because = "Refunds are reported, and the purchase itself is not.";
            return Ok(vec![Explained::new(Subject::Payment, "not_reported", because)]);
        };
        let priced = format!(
            "{} ÷ exchange rate {} = {}, rounded down: what it would have bought here, on which commission is paid.",
            bought.amount,
            bought.exchange_rate.normalize(),
            bought.base
        );
        let mut paid = format!("Reported at {}, paid elsewhere at {}.", bought.reported_at, bought.paid_at);
        if source.net != source.charge {
            paid.push_str(&format!(" {} of {} is left after refunds.", source.net, source.charge));
        }
        let bond = user.attribution.as_ref().filter(|_| bought.inviter.is_some());
        Ok(vec![
            Explained::new(Subject::Price, "priced", priced).of(bought.base).at(Some(bought.reported_at)),
            Explained::new(Subject::Payment, "reported", paid).at(Some(bought.paid_at)),
            reward(bond, &self.rewards, Side::Inviter)?,
            reward(bond, &self.rewards, Side::Invitee)?,
            commission(&source, self.commission.as_ref(), self.earnings.as_ref())?,
        ])
    }
}

/// All stored data that decisions about an order use.
#[derive(Debug, Clone)]
pub struct Facts {
    pub order: Order,
    /// User of the order.
    pub user: User,
    /// Existing rewards for reaching the threshold.
    pub rewards: Vec<Reward>,
    pub commission: Option<Commission>,
    /// Earlier commissions on this user's orders.
    pub earnings: Option<Earnings>,
}

impl Facts {
    /// Explains every decision, in the order they are made.
    ///
    /// # Rejects
    /// Overflow.
    pub fn explain(&self) -> Result<Vec<Explained>, MoneyError> {
        if self.order.agency.is_some() {
            return Ok(vec![self.price(), self.payment(), self.agency()]);
        }
        let bond = self.user.attribution.as_ref().filter(|bond| bond.has(&self.order));
        let mut all = vec![self.price(), self.payment(), self.credit()?, self.tier(), self.bonus()?];
        all.extend(self.order.offered_bonus.map(|offered| self.amount_bonus(offered)).transpose()?);
        all.extend(self.order.coupon.as_ref().map(|coupon| self.coupon(coupon)).transpose()?);
        all.extend([
            reward(bond, &self.rewards, Side::Inviter)?,
            reward(bond, &self.rewards, Side::Invitee)?,
            commission(&CommissionSource::from(&self.order), self.commission.as_ref(), self.earnings.as_ref())?,
        ]);
        Ok(all)
    }

    fn price(&self) -> Explained {
        let order = &self.order;
        let off = order.coupon.as_ref().filter(|coupon| coupon.discount.is_positive());
        let off = off.map(|coupon| format!(" − {} by coupon {}", coupon.discount, coupon.code)).unwrap_or_default();
        let credit = order.credit_as_made();
        let because = format!(
            "{} × discount rate {}, rounded up,{off} = {}; {} ÷ exchange rate {} = {credit}, rounded down. Both rates are those of {}.",
            order.amount,
            order.discount_rate.normalize(),
            order.charge,
            order.amount,
            order.exchange_rate.normalize(),
            order.created_at
        );
        Explained::new(Subject::Price, "priced", because).of(credit).at(Some(order.created_at))
    }

    fn payment(&self) -> Explained {
        let order = &self.order;
        let provider = order.provider.as_str();
        let told = |outcome, because: String| Explained::new(Subject::Payment, outcome, because);
        if order.is_processing() {
            let because =
                format!("{provider} is processing a payment; the order, now {}, is paid if it comes.", order.status);
            return told("processing", because);
        }
        match order.status {
            OrderStatus::Pending => told(
                "pending",
                format!("{provider} has not said that it took the money; it expires at {}.", order.expires_at),
            ),
            OrderStatus::Failed => {
                let why = order.failure.as_ref().map_or("", |failure| failure.detail.as_str());
                told("failed", format!("{provider} made no payment: {why}"))
            }
            OrderStatus::Expired => told("expired", format!("{provider} took nothing until {}.", order.expires_at)),
            OrderStatus::Cancelled => told("cancelled", "Its user cancelled it before any money came.".to_owned()),
            captured => {
                let how = match (&order.payment_id, order.completed, order.late) {
                    (None, Some(journal), _) => format!("An admin completed it by hand (journal {journal})."),
                    (Some(payment), _, true) => format!(
                        "{provider} took {} as {payment}, after the order was over; it credits all the same.",
                        order.charge
                    ),
                    (None, None, _) => "An admin completed it by hand, and undid that.".to_owned(),
                    (payment, _, _) => format!(
                        "{provider} took {} as {}.",
                        order.charge,
                        payment.as_deref().unwrap_or("an unnamed payment")
                    ),
                };
                let left = match order.left {
                    Some(left) => format!(" {left} of it is left after refunds and disputes."),
                    None => String::new(),
                };
                told(captured.as_str(), how + &left).at(order.paid_at)
            }
        }
    }

    fn agency(&self) -> Explained {
        let because = "It pays for a sale of the agency: it credits nobody's balance and earns no reward and no commission of the affiliate programme.";
        Explained::new(Subject::Credit, "for_a_sale", because)
    }

    fn credit(&self) -> Result<Explained, MoneyError> {
        let order = &self.order;
        if !order.status.is_captured() {
            return Ok(Explained::new(Subject::Credit, "not_paid", "No money came, so nothing was credited."));
        }
        let due = target(order.credit, order.net(), order.charge)?;
        Ok(match order.left {
            Some(net) => {
                let because = format!(
                    "{} × {net} ÷ {} = {due}, rounded down: the part that the net leaves.",
                    order.credit, order.charge
                );
                Explained::new(Subject::Credit, "reduced", because).of(due)
            }
            None => {
                let because = format!("The whole of {} was paid.", order.charge);
                Explained::new(Subject::Credit, "credited", because).of(due)
            }
        }
        .at(order.paid_at))
    }

    fn tier(&self) -> Explained {
        let order = &self.order;
        let told =
            |outcome, because: String| Explained::new(Subject::Tier, outcome, because).at(Some(order.created_at));
        match (&order.promotion, &self.user.promotion) {
            (Some(tier), _) => told(
                "on_the_order",
                format!("Tier {} with {} % when the order was made.", tier.index, tier.percent.normalize()),
            ),
            (None, None) => told("not_enrolled", "Its user signed up while no promotion ran.".to_owned()),
            (None, Some(promotion)) => {
                let (outcome, because) = self.no_tier(promotion, order.created_at);
                told(outcome, because)
            }
        }
    }

    /// Reason why a promotion gave the order no tier at `at`.
    fn no_tier(&self, promotion: &Promotion, at: Timestamp) -> (&'static str, String) {
        let order = &self.order;
        let below = order.amount.compare(promotion.min_amount).is_ok_and(std::cmp::Ordering::is_lt);
        match &promotion.used {
            Some(used) if used.order_id != order.id && used.at <= at => {
                ("already_used", format!("{} used it at {}; it is used once.", used.order_id, used.at))
            }
            _ if below => {
                ("below_minimum", format!("{} is less than the promotion's {}.", order.amount, promotion.min_amount))
            }
            _ if promotion.tier_at(at).is_none() => {
                ("window_over", format!("Its window ended at {}.", promotion.ends_at))
            }
            _ => ("none", "No tier held then.".to_owned()),
        }
    }

    fn bonus(&self) -> Result<Explained, MoneyError> {
        let order = &self.order;
        let told = |outcome, because: String| Explained::new(Subject::Bonus, outcome, because);
        if !order.status.is_captured() {
            return Ok(told("not_paid", "No money came, so no bonus was credited.".to_owned()));
        }
        let Some(promotion) = &self.user.promotion else {
            return Ok(told("not_enrolled", "Its user signed up while no promotion ran.".to_owned()));
        };
        if let (Some(bonus), Some(used)) = (order.bonus, promotion.used.filter(|used| used.order_id == order.id)) {
            let due = target(bonus, order.net(), order.charge)?;
            let mut because = format!(
                "Tier {} on {} came to {bonus}, rounded down; that used the promotion.",
                used.tier, order.credit
            );
            if order.bonus_held {
                because.push_str(" It exceeds the budget of the promotion: it is held until an admin releases it.");
                return Ok(told("over_budget", because).of(due).at(Some(used.at)));
            }
            if due != bonus {
                because.push_str(&format!(" The net leaves {due} of it."));
            }
            return Ok(told(if due == bonus { "credited" } else { "reduced" }, because).of(due).at(Some(used.at)));
        }
        let paid_at = order.paid_at.unwrap_or(order.created_at);
        // If paid in time, the tier at the order's creation counts, else the one at the time of payment.
        let at = if paid_at < order.expires_at { order.created_at } else { paid_at };
        let used_before = promotion.used.filter(|used| used.order_id != order.id && order.promotion.is_some());
        let (outcome, because) = match (used_before, order.amount_bonus) {
            (Some(used), _) => {
                ("already_used", format!("{} was credited first and used the promotion.", used.order_id))
            }
            (None, Some(instead)) if promotion.tier_for(order.amount, at).is_some() => (
                "less_than_amount_bonus",
                format!("The order's amount brought {instead}, which is not less; the promotion can still be used."),
            ),
            (None, _) => self.no_tier(promotion, at),
        };
        Ok(told(outcome, because).at(Some(paid_at)))
    }

    /// The bonus of the offer or amount (R12.1).
    fn amount_bonus(&self, offered: OfferedBonus) -> Result<Explained, MoneyError> {
        let order = &self.order;
        let told = |outcome, because: String| Explained::new(Subject::AmountBonus, outcome, because).at(order.paid_at);
        if !order.status.is_captured() {
            return Ok(told("not_paid", "No money came, so no bonus was credited.".to_owned()));
        }
        let Some(bonus) = order.amount_bonus else {
            let because = format!("{} was offered; the promotion's bonus is more.", offered.amount);
            return Ok(told("less_than_promotion", because));
        };
        let due = target(bonus, order.net(), order.charge)?;
        let mut because = format!("{} was offered with {} when the order was made.", offered.amount, order.amount);
        if due != bonus {
            because.push_str(&format!(" The net leaves {due} of it."));
        }
        Ok(told(if due == bonus { "credited" } else { "reduced" }, because).of(due))
    }

    /// The coupon (R12.2).
    fn coupon(&self, coupon: &OrderCoupon) -> Result<Explained, MoneyError> {
        let order = &self.order;
        let effect = format!("{} takes {} off and brings {}.", coupon.code, coupon.discount, coupon.bonus);
        let because = match coupon.state {
            CouponState::Reserved => format!("{effect} The order holds one of its uses while it is open."),
            CouponState::Used => format!("{effect} The order was paid with it."),
            CouponState::Released => format!("{effect} The order ended unpaid and gave its use back."),
            CouponState::Lapsed => format!(
                "{effect} The order was paid after it had given its use back, so {} was credited with what it buys without the coupon.",
                order.charge
            ),
        };
        let told = Explained::new(Subject::Coupon, coupon.state.as_str(), because).at(order.paid_at);
        Ok(told.of(target(order.coupon_bonus(), order.net(), order.charge)?))
    }
}

fn reward(bond: Option<&Referral>, rewards: &[Reward], side: Side) -> Result<Explained, MoneyError> {
    let subject = match side {
        Side::Inviter => Subject::InviterReward,
        Side::Invitee => Subject::InviteeReward,
    };
    let told = |outcome, because: String| Explained::new(subject, outcome, because);
    let Some(bond) = bond else {
        return Ok(told("no_inviter", "Nobody had invited its user when it was made.".to_owned()));
    };
    let promised = bond.terms.amount(Trigger::Qualified, side)?;
    if !promised.is_positive() {
        return Ok(told(
            "nothing_promised",
            format!("No such reward was promised when the invitation was bound at {}.", bond.bound_at),
        ));
    }
    let threshold = bond.terms.threshold;
    let found = rewards.iter().find(|reward| reward.side == side);
    if let Some(reward) = found.filter(|reward| reward.state == RewardState::Reversed) {
        let left = bond.online_total;
        let because =
            format!("It was granted; refunds and disputes left {left}, below {threshold}, and it was taken back.");
        return Ok(told("reversed", because).of(reward.amount).at(reward.granted_at));
    }
    let Some(reached) = bond.qualified_at else {
        let because = format!("Online payments less refunds come to {} of {threshold}.", bond.online_total);
        return Ok(told("below_threshold", because));
    };
    let Some(reward) = found else {
        return Ok(told(
            "under_way",
            format!("The threshold of {threshold} was reached at {reached}; the worker makes the reward."),
        )
        .of(promised));
    };
    if reward.held() == Some(HoldReason::Budget) {
        let because =
            "It exceeds the budget of the referral programme: it is held until it is retried and there is room.";
        return Ok(told("over_budget", because.to_owned()).of(reward.amount).at(Some(reward.created_at)));
    }
    if reward.held() == Some(HoldReason::Risk) {
        let because = "Signals of abuse were found for the invitee: it is held until their case is decided.";
        return Ok(told("under_review", because.to_owned()).of(reward.amount).at(Some(reward.created_at)));
    }
    let because = match reward.state {
        RewardState::Rejected => "The invitee's case was rejected: it is never granted.".to_owned(),
        RewardState::Granted => format!("Online payments reached {threshold} at {reached}."),
        RewardState::Reversed => "It was taken back.".to_owned(),
        RewardState::Held => {
            "Whoever gets it is blocked: it is held until they are active and it is retried.".to_owned()
        }
        RewardState::Failed => "The worker gave it up; it can be retried.".to_owned(),
        RewardState::Pending => "It is about to be granted.".to_owned(),
    };
    Ok(told(reward.state.as_str(), because).of(reward.amount).at(Some(reward.granted_at.unwrap_or(reward.created_at))))
}

fn commission(
    source: &CommissionSource,
    made: Option<&Commission>,
    earnings: Option<&Earnings>,
) -> Result<Explained, MoneyError> {
    let told = |outcome, because: String| Explained::new(Subject::Commission, outcome, because);
    if let Some(made) = made {
        let base = format!(
            "{} × {} of commission number {} came to {}",
            made.base,
            made.rate.normalize(),
            made.number,
            made.amount
        );
        let decision = match (&made.denied, made.left) {
            (Some(reason), _) => told("reversed", format!("{base}; an admin took it back: {reason}")),
            (None, left) if made.over_budget && left.is_none_or(|left| left.is_positive()) => told(
                "over_budget",
                format!(
                    "{base}. It exceeds the budget of the affiliate programme: it is held until an admin releases it."
                ),
            ),
            (None, _) if made.under_review => told(
                "under_review",
                format!("{base}. Signals of abuse were found for the invitee: it is held until their case is decided."),
            ),
            (None, _) if made.withheld => {
                told("held", format!("{base}. Whoever gets it is blocked: it is held until they are active."))
            }
            (None, Some(left)) if left.is_positive() => {
                told("partially_reversed", format!("{base}; the net leaves {left} of it."))
            }
            (None, Some(left)) => told("reversed", format!("{base}; the net leaves {left} of it.")),
            (None, None) => told("earned", format!("{base}. It can be withdrawn from {} on.", made.available_at)),
        };
        return Ok(decision.of(made.left()).at(Some(made.created_at)));
    }
    let Some(inviter) = source.inviter else {
        return Ok(told("no_inviter", "Nobody had invited its user when it was made.".to_owned()));
    };
    let before = earnings.cloned().unwrap_or_else(|| Earnings::none(source));
    let why = match earned(source, &before)? {
        Ok(amount) => {
            return Ok(told("under_way", format!("The worker makes it for {inviter}.")).of(amount));
        }
        Err(why) => why,
    };
    let limit = source.affiliate.map_or(0, |terms| terms.trigger_limit);
    let (outcome, because) = match why {
        NoCommission::NoTerms => (
            "no_terms",
            "The affiliate programme was off, or the days in which its user's orders earn were over, when it was made."
                .to_owned(),
        ),
        NoCommission::NotPaid => ("not_paid", "No money came.".to_owned()),
        NoCommission::TooLate => ("too_late", "It was paid after the days in which its user's orders earn.".to_owned()),
        NoCommission::LimitReached => {
            ("limit_reached", format!("{limit} of its user's orders earned before; more do not."))
        }
        NoCommission::CapReached => (
            "cap_reached",
            format!("{} is left of what its user's orders earned before; more they may not.", before.earned),
        ),
        NoCommission::Nothing => ("nothing", "The part of its credit is less than the ledger's last digit.".to_owned()),
    };
    Ok(told(outcome, because))
}
