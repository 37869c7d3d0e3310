#![allow(clippy::unwrap_used)]
use super::*;
use crate::payment::model::order::OrderStatus;
use crate::payment::model::order::tests::{cny, enrolled, hundred, now, usd};
use crate::referral::model::referral::Trigger;
use kernel::id::UserId;
use kernel::money::{Currency, LedgerMoney};
use ulid::Ulid;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn reward(state: RewardState, side: Side) -> Reward {
    let invitee = UserId::new(Ulid::from_parts(2, 2));
    let trigger = Trigger::Qualified;
    let created_at = at("2026-11-20T10:00:00Z");
    Reward {
        id: Reward::id_of(invitee, trigger, side),
        trigger,
        side,
        invitee,
        beneficiary: invitee,
        amount: LedgerMoney::exact(Decimal::from(5), Currency::parse("USD").unwrap()).unwrap(),
        state,
        hold: None,
        budget_month: None,
        created_at,
        last: None,
        granted_at: (state == RewardState::Granted).then(|| at("2026-11-21T00:00:00Z")),
    }
}

fn names(tallies: &Tallies) -> Vec<(&str, u32)> {
    tallies.iter().map(|(name, amount)| (name.as_str(), u32::try_from(*amount).unwrap())).collect()
}

/// R3.10: a reward is pending until it is granted, and counts on the day of the grant.
#[test]
fn a_reward_counts_as_pending_until_it_is_granted() {
    for state in [RewardState::Pending, RewardState::Held, RewardState::Failed] {
        let tallies = of_reward(&reward(state, Side::Inviter));
        let count = format!("rewards.{}.count", state.as_str());
        let mut expected = vec![(count.as_str(), 1), ("rewards.pending", 5)];
        expected.sort_unstable();
        assert_eq!(names(&tallies), expected);
    }
    assert_eq!(
        names(&of_reward(&reward(RewardState::Granted, Side::Invitee))),
        [
            ("day.2026-11-21.rewards.granted_to_invitees", 5),
            ("rewards.granted.count", 1),
            ("rewards.granted_to_invitees", 5)
        ]
    );
    assert_eq!(names(&of_reward(&reward(RewardState::Reversed, Side::Inviter))), [("rewards.reversed.count", 1)]);
}

/// R9.2: an order counts by state; its amounts count from the capture on, by day and provider.
#[test]
fn an_orders_amounts_count_once_the_money_was_taken() {
    let pending = hundred();
    assert_eq!(names(&of_order(&pending)), [("orders.pending.count", 1)]);
    let bonus = usd("4.16666666");
    let paid =
        Order { status: OrderStatus::Paid, paid_at: Some(at("2026-11-21T00:00:00Z")), bonus: Some(bonus), ..pending };
    let text: Vec<String> = of_order(&paid).iter().map(|(name, amount)| format!("{name} {amount}")).collect();
    assert_eq!(
        text,
        [
            "day.2026-11-21.stripe.bonus 4.16666666",
            "day.2026-11-21.stripe.charge.CNY 100.00",
            "day.2026-11-21.stripe.credit 13.88888888",
            "day.2026-11-21.stripe.orders 1",
            "orders.bonus 4.16666666",
            "orders.charge.CNY 100.00",
            "orders.credit 13.88888888",
            "orders.paid.count 1",
        ]
    );
}

/// R4.11: refunds count beside the original amounts, on the day of the payment.
///
/// They follow the net up and down.
#[test]
fn what_went_back_of_an_order_counts_by_its_net() {
    let bonus = Some(usd("4.16666666"));
    let paid = Order { status: OrderStatus::Paid, paid_at: Some(at("2026-11-21T00:00:00Z")), bonus, ..hundred() };
    let left = Some(cny("70"));
    let partly = of_order(&Order { status: OrderStatus::PartiallyRefunded, left, ..paid.clone() });
    for lead in ["orders", "day.2026-11-21.stripe"] {
        let of = |name: &str| partly.get(&format!("{lead}.{name}")).unwrap().to_string();
        let shown = ["charge.CNY", "returned.CNY", "credit", "bonus", "reversed"].map(of);
        assert_eq!(shown, ["100.00", "30.00", "13.88888888", "4.16666666", "5.41666667"]);
    }
    assert!(!of_order(&paid).contains_key("orders.reversed"));
}

/// R5.5: a promotion ends by time.
#[test]
fn a_promotion_is_counted_as_it_stands_by_time() {
    let counted = |promotion: &Promotion, at: Timestamp| {
        let mut tallies = Tallies::new();
        of_promotion(&mut tallies, promotion, at);
        tallies.into_keys().collect::<Vec<_>>()
    };
    let promotion = enrolled();
    assert_eq!(counted(&promotion, now()), ["promotions.active"]);
    assert_eq!(counted(&promotion, at("2100-01-01T00:00:00Z")), ["promotions.expired"]);
}
