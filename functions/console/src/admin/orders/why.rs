//! The decisions about an order in sentences of the visitor's language, with the numbers that they used (R9.3).

use fluent_static::Message;
use maud::{Markup, html};
use shared::operations::model::explain::{Explained, Facts, Subject};
use shared::payment::model::coupon::CouponState;
use shared::payment::model::event::EventOutcome;

use super::super::parts::{date_text, time_line};
use crate::show::{credit_text, price_text};
use crate::text::Texts;
use crate::visit::Visit;

impl Texts {
    /// Subject of a decision.
    pub fn why_subject(&self, subject: Subject) -> Message {
        match subject {
            Subject::Price => self.why_subject_price(),
            Subject::Payment => self.why_subject_payment(),
            Subject::Credit => self.why_subject_credit(),
            Subject::Tier => self.why_subject_tier(),
            Subject::Bonus => self.why_subject_bonus(),
            Subject::AmountBonus => self.order_amount_bonus(),
            Subject::Coupon => self.coupon(),
            Subject::InviterReward => self.why_subject_inviter_reward(),
            Subject::InviteeReward => self.why_subject_invitee_reward(),
            Subject::Commission => self.why_subject_commission(),
        }
    }

    /// Outcome of a provider's event.
    pub fn event_outcome(&self, outcome: EventOutcome) -> Message {
        match outcome {
            EventOutcome::Credited => self.outcome_credited(),
            EventOutcome::AlreadyCredited => self.outcome_already_credited(),
            EventOutcome::Reversed => self.outcome_reversed(),
            EventOutcome::Review => self.outcome_review(),
            EventOutcome::Noted => self.outcome_noted(),
            EventOutcome::Closed => self.outcome_closed(),
            EventOutcome::Foreign => self.outcome_foreign(),
            EventOutcome::Ignored => self.outcome_ignored(),
        }
    }
}

/// A decision in a sentence.
pub fn sentence(visit: &Visit, facts: &Facts, of: &Explained) -> Markup {
    let said = match of.subject {
        Subject::Price => price(visit, facts),
        Subject::Payment => return payment(visit, facts, of.outcome),
        Subject::Credit => credit(visit, facts, of.outcome),
        Subject::Tier | Subject::Bonus => bonus(visit, facts, of),
        Subject::AmountBonus => amount_bonus(visit, facts, of.outcome),
        Subject::Coupon => coupon(visit, facts),
        Subject::InviterReward | Subject::InviteeReward => reward(visit, facts, of.outcome),
        Subject::Commission => commission(visit, facts, of.outcome),
    };
    html! { (said) }
}

fn price(visit: &Visit, facts: &Facts) -> Message {
    let order = &facts.order;
    let coupon = order.coupon.as_ref();
    // The coupon has a sentence of its own.
    let charge = coupon.and_then(|of| order.charge.plus(of.discount).ok()).unwrap_or(order.charge);
    visit.text.why_priced(
        price_text(order.amount),
        order.discount_rate.normalize().to_string(),
        price_text(charge),
        order.exchange_rate.normalize().to_string(),
        credit_text(order.credit_as_made()),
    )
}

fn payment(visit: &Visit, facts: &Facts, outcome: &str) -> Markup {
    let (text, order) = (&visit.text, &facts.order);
    let provider = text.provider_of(order.provider).to_string();
    let charge = price_text(order.charge);
    let said = match outcome {
        "processing" => text.why_processing(provider),
        "pending" => text.why_pending(provider),
        "failed" => text.why_failed(provider),
        "expired" => text.why_expired(provider),
        "cancelled" => text.why_cancelled(),
        _ => match (&order.payment_id, order.completed.is_some(), order.late) {
            (None, true, _) => text.why_by_hand(),
            (None, false, _) => text.why_by_hand_undone(),
            (Some(_), _, true) => text.why_paid_late(provider, charge),
            (Some(_), _, false) => text.why_paid(provider, charge),
        },
    };
    html! {
        (said)
        @if outcome == "pending" { " " (text.event_ends()) ": " (time_line(visit.language, order.expires_at)) "." }
        @if let Some(left) = order.left { " " (text.why_left(price_text(left))) }
    }
}

fn credit(visit: &Visit, facts: &Facts, outcome: &str) -> Message {
    let text = &visit.text;
    match outcome {
        "for_a_sale" => text.why_for_a_sale(),
        "not_paid" => text.why_not_paid(),
        "reduced" => text.why_credit_reduced(price_text(facts.order.net()), price_text(facts.order.charge)),
        _ => text.why_credited(price_text(facts.order.charge)),
    }
}

fn bonus(visit: &Visit, facts: &Facts, of: &Explained) -> Message {
    let (text, order) = (&visit.text, &facts.order);
    let percent = order.promotion.map(|tier| tier.percent.normalize().to_string()).unwrap_or_default();
    let promotion = facts.user.promotion.as_ref();
    match of.outcome {
        "on_the_order" => text.why_tier(percent),
        "not_enrolled" => text.why_not_enrolled(),
        "not_paid" => text.why_not_paid(),
        "already_used" => text.why_bonus_used(),
        "below_minimum" => text.why_below_minimum(
            price_text(order.amount),
            promotion.map_or_else(String::new, |of| price_text(of.min_amount)),
        ),
        "window_over" => {
            let day = promotion.map(|of| date_text(visit.language, super::super::filters::day(of.ends_at)));
            text.why_window_over(day.unwrap_or_default())
        }
        "credited" => text.why_bonus_credited(credit_text(order.credit)),
        "reduced" => text.why_bonus_reduced(),
        "over_budget" => text.why_bonus_held(),
        "less_than_amount_bonus" => text.why_less_than_amount_bonus(),
        _ => text.why_no_tier(),
    }
}

fn amount_bonus(visit: &Visit, facts: &Facts, outcome: &str) -> Message {
    let text = &visit.text;
    match outcome {
        "not_paid" => text.why_not_paid(),
        "less_than_promotion" => text.why_less_than_promotion(),
        "reduced" => text.why_bonus_reduced(),
        _ => text.why_amount_bonus(price_text(facts.order.amount)),
    }
}

fn coupon(visit: &Visit, facts: &Facts) -> Message {
    let text = &visit.text;
    let Some(of) = &facts.order.coupon else { return text.coupon() };
    let charge = price_text(facts.order.charge);
    let said = (of.code.to_string(), price_text(of.discount), credit_text(of.bonus));
    match of.state {
        CouponState::Reserved => text.why_coupon_reserved(said.0, said.1, said.2),
        CouponState::Used => text.why_coupon_used(said.0, said.1, said.2),
        CouponState::Released => text.why_coupon_released(said.0),
        CouponState::Lapsed => text.why_coupon_lapsed(said.0, charge),
    }
}

fn reward(visit: &Visit, facts: &Facts, outcome: &str) -> Message {
    let text = &visit.text;
    let bond = facts.user.attribution.as_ref().filter(|bond| bond.has(&facts.order));
    let Some(bond) = bond else { return text.why_no_inviter() };
    let (total, threshold) = (price_text(bond.online_total), price_text(bond.terms.threshold));
    match outcome {
        "no_inviter" => text.why_no_inviter(),
        "nothing_promised" => text.why_nothing_promised(),
        "reversed" => text.why_reward_reversed(total, threshold),
        "below_threshold" => text.why_below_threshold(total, threshold),
        "granted" => text.why_reward_granted(threshold),
        "held" => text.why_held(),
        "over_budget" => text.why_held_budget(),
        "under_review" => text.why_held_risk(),
        "rejected" => text.why_rejected_risk(),
        "failed" => text.why_reward_failed(),
        _ => text.why_under_way(),
    }
}

fn commission(visit: &Visit, facts: &Facts, outcome: &str) -> Message {
    let text = &visit.text;
    let made = facts.commission.as_ref().map(|made| {
        text.why_commission(
            credit_text(made.base),
            made.rate.normalize().to_string(),
            made.number.to_string(),
            credit_text(made.amount),
        )
    });
    match (outcome, made) {
        ("held", _) => text.why_held(),
        ("over_budget", _) => text.why_held_budget(),
        ("under_review", _) => text.why_held_risk(),
        ("reversed", Some(_)) => text.why_commission_reversed(),
        ("partially_reversed", Some(_)) => text.why_commission_reduced(),
        (_, Some(made)) => made,
        ("no_inviter", None) => text.why_no_inviter(),
        ("no_terms", None) => text.why_no_terms(),
        ("not_paid", None) => text.why_not_paid(),
        ("too_late", None) => text.why_too_late(),
        ("limit_reached", None) => text.why_limit_reached(),
        ("cap_reached", None) => text.why_cap_reached(),
        ("nothing", None) => text.why_too_little(),
        (_, None) => text.why_under_way(),
    }
}
