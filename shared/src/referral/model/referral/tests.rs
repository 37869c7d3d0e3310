//! Table and property tests of R3.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use crate::operations::model::budget::HoldReason;

use proptest::prelude::*;
use ulid::Ulid;

use super::*;

const EVERY: [(Trigger, Side); 4] = [
    (Trigger::Registration, Side::Inviter),
    (Trigger::Registration, Side::Invitee),
    (Trigger::Qualified, Side::Inviter),
    (Trigger::Qualified, Side::Invitee),
];

fn user(random: u128) -> UserId {
    UserId::new(Ulid::from_parts(1_790_000_000_000, random))
}
fn cny(units: i64) -> PayMoney {
    PayMoney::from_minor_units(units, Currency::CNY).unwrap()
}
fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}
fn settings() -> ReferralSettings {
    let mut settings = ReferralSettings { enabled: true, ..ReferralSettings::default() };
    settings.qualified.inviter_reward = Decimal::new(5, 0);
    settings.registration.invitee_reward = Decimal::new(15, 1);
    settings
}
fn owner() -> CodeOwner {
    CodeOwner { inviter: user(1), status: Status::Active, can_invite: true, active: true, invitees: 2 }
}
fn bind(settings: &ReferralSettings, owner: Option<&CodeOwner>, affiliate_on: bool) -> Result<Referral, NotApplied> {
    let terms = RewardTerms::of(settings, Currency::USD, Currency::CNY).unwrap();
    attribute(&InviteCode::parse("ABCD2345").unwrap(), owner, user(2), settings, affiliate_on, terms, now())
}
fn bound() -> Referral {
    bind(&settings(), Some(&owner()), false).unwrap()
}

/// R3.1
#[test]
fn codes_are_eight_symbols_that_cannot_be_mistaken() {
    let mut seen = BTreeSet::new();
    for byte in 0..=255 {
        let code = InviteCode::from_entropy([byte; 8]);
        assert_eq!(code.as_str().len(), 8);
        assert!(!code.as_str().contains(['I', 'O', '0', '1']));
        assert_eq!(InviteCode::parse(code.as_str()), Some(code.clone()));
        seen.insert(code);
    }
    assert_eq!(seen.len(), 32);
}

/// R3.1
#[test]
fn a_code_is_trimmed_and_upper_cased() {
    assert_eq!(InviteCode::parse(" abcd2345\n").unwrap().as_str(), "ABCD2345");
    assert_eq!(InviteCode::parse("summer01").unwrap().as_str(), "SUMMER01");
    assert_eq!(InviteCode::parse("ａｂ cd–2345").unwrap().as_str(), "ABCD2345", "G5: however it was pasted");
    for bad in ["", "abc", &"A".repeat(33), "ABCD#345", "ÄBCD"] {
        assert_eq!(InviteCode::parse(bad), None, "{bad}");
    }
}

/// R3.3
#[test]
fn the_link_carries_the_code() {
    let code = InviteCode::parse("ABCD2345").unwrap();
    assert_eq!(code.link("https://x.example/register"), "https://x.example/register?ref=ABCD2345");
}

/// R3.4, R3.8, R2.8
#[test]
fn a_code_binds_or_says_why_not() {
    let off = ReferralSettings { enabled: false, ..settings() };
    let limit = |max_invitees_per_user| ReferralSettings { max_invitees_per_user, ..settings() };
    let reason = |settings: &ReferralSettings, owner: Option<CodeOwner>| bind(settings, owner.as_ref(), false).err();
    assert_eq!(reason(&settings(), Some(owner())), None);
    assert_eq!(reason(&off, Some(owner())), Some(NotApplied::ProgrammeOff));
    assert_eq!(bind(&off, Some(&owner()), true).err(), None);
    assert_eq!(reason(&settings(), None), Some(NotApplied::Unknown));
    assert_eq!(reason(&settings(), Some(CodeOwner { inviter: user(2), ..owner() })), Some(NotApplied::Own));
    assert_eq!(reason(&settings(), Some(CodeOwner { active: false, ..owner() })), Some(NotApplied::Inactive));
    assert_eq!(reason(&settings(), Some(CodeOwner { can_invite: false, ..owner() })), Some(NotApplied::Inactive));
    let blocked = CodeOwner { status: Status::Blocked, ..owner() };
    assert_eq!(reason(&settings(), Some(blocked)), Some(NotApplied::InviterBlocked));
    assert_eq!(reason(&limit(3), Some(owner())), None);
    assert_eq!(reason(&limit(2), Some(owner())), Some(NotApplied::Limit));
    assert_eq!(serde_json::to_value(NotApplied::InviterBlocked).unwrap(), NotApplied::InviterBlocked.as_str());
}

/// R3.6
#[test]
fn five_and_fifteen_yuan_reach_twenty() {
    let mut referral = bound();
    assert!(!referral.charge_added(cny(500), cny(500), true, now()).unwrap());
    assert!(referral.charge_added(cny(1500), cny(1500), true, now()).unwrap());
    assert_eq!(referral.qualified_at, Some(now()));
    assert!(!referral.charge_added(cny(1500), cny(1500), true, now()).unwrap(), "at most once");
    assert_eq!(referral.online_total, cny(3500));
}

/// R3.6
#[test]
fn a_cent_below_the_threshold_does_not_qualify() {
    let mut referral = bound();
    assert!(!referral.charge_added(cny(1999), cny(1999), true, now()).unwrap());
    let dollars = PayMoney::from_minor_units(100_000, Currency::USD).unwrap();
    assert!(!referral.charge_added(dollars, dollars, true, now()).unwrap(), "another currency does not count");
    assert!(referral.charge_added(cny(1), cny(1), true, now()).unwrap());
}

/// R3.8
#[test]
fn what_was_paid_while_the_programme_was_off_is_looked_at_at_the_next_payment() {
    let mut referral = bound();
    assert!(!referral.charge_added(cny(5000), cny(5000), false, now()).unwrap());
    assert_eq!(referral.qualified_at, None);
    assert!(referral.charge_added(cny(1), cny(1), true, now()).unwrap());
}

/// R3.6, R3.5
#[test]
fn only_amounts_above_zero_make_rewards_and_they_are_those_of_the_binding() {
    let due = |trigger| bound().rewards_due(user(2), trigger, now()).unwrap();
    let shown = |rewards: Vec<Reward>| {
        rewards.iter().map(|reward| (reward.side, reward.beneficiary, reward.amount.to_string())).collect::<Vec<_>>()
    };
    assert_eq!(shown(due(Trigger::Registration)), [(Side::Invitee, user(2), "1.5 USD".to_owned())]);
    assert_eq!(shown(due(Trigger::Qualified)), [(Side::Inviter, user(1), "5 USD".to_owned())]);
    let off = ReferralSettings { enabled: false, ..settings() };
    let affiliate_only = bind(&off, Some(&owner()), true).unwrap();
    assert_eq!(affiliate_only.rewards_due(user(2), Trigger::Qualified, now()), Ok(vec![]));
}

/// R3.7, R10.4: a reward may be held for either reason, and granting it ends the hold.
#[test]
fn a_reward_is_held_for_a_reason_until_it_is_granted() {
    let reward = bound().rewards_due(user(2), Trigger::Qualified, now()).unwrap().remove(0);
    assert_eq!(reward.held(), None);
    for reason in [HoldReason::Blocked, HoldReason::Budget] {
        let held = reward.clone().waiting(RewardState::Held, Some(reason));
        assert_eq!(held.held(), Some(reason));
        assert_eq!(held.granted(now()).held(), None);
    }
    assert_eq!(
        reward.clone().waiting(RewardState::Held, None).held(),
        Some(HoldReason::Blocked),
        "as older ones are stored"
    );
    assert!(reward.state.may_become(RewardState::Held));
    let granted = reward.granted(now());
    assert_eq!((granted.state, granted.granted_at), (RewardState::Granted, Some(now())));
    assert!(!RewardState::Granted.may_become(RewardState::Pending));
    assert!(RewardState::Failed.may_become(RewardState::Pending));
    assert!(RewardState::Reversed.may_become(RewardState::Granted));
}

/// R3.5: stored terms are read back whole or rejected.
#[test]
fn an_attribution_survives_storage() {
    let value = serde_json::to_value(bound()).unwrap();
    assert_eq!(serde_json::from_value::<Referral>(value.clone()).unwrap(), bound());
    for field in ["inviter", "code", "bound_at", "terms", "online_total"] {
        let mut less = value.clone();
        less.as_object_mut().unwrap().remove(field);
        assert!(serde_json::from_value::<Referral>(less).is_err(), "{field}");
    }
    let text = String::from(bound().terms);
    assert!(text.ends_with(" USD from 20.00 CNY"), "{text}");
    for bad in ["", &text[1..], &text.replace("USD", "usd"), &text.replace("20", "20.001"), &format!("{text} ")] {
        assert!(RewardTerms::try_from(bad.to_owned()).is_err(), "{bad}");
    }
    let reward = bound().rewards_due(user(2), Trigger::Qualified, now()).unwrap().remove(0);
    assert_eq!(serde_json::from_value::<Reward>(serde_json::to_value(&reward).unwrap()).unwrap(), reward);
}

proptest! {
    /// R3.6: one id per invitee, trigger and side; consecutive invitees do not collide.
    #[test]
    fn reward_ids_are_unique(random in 0_u128..(1 << 80) - 1000, ms in 0_u64..(1 << 48)) {
        let mut seen = BTreeSet::new();
        for step in 0..100 {
            let invitee = UserId::new(Ulid::from_parts(ms, random + step));
            for (trigger, side) in EVERY {
                prop_assert!(seen.insert(Reward::id_of(invitee, trigger, side)));
                prop_assert_eq!(Reward::id_of(invitee, trigger, side).ulid().timestamp_ms(), ms);
            }
        }
    }

    /// R3.9: an inviter's two rewards for one invitee lead to each other; an invitee's leads to none.
    #[test]
    fn the_inviters_two_rewards_lead_to_each_other(random in 0_u128..(1 << 80)) {
        let id = |trigger, side| Reward::id_of(user(random), trigger, side);
        let (first, second) = (id(Trigger::Registration, Side::Inviter), id(Trigger::Qualified, Side::Inviter));
        prop_assert_eq!((Reward::sibling(first), Reward::sibling(second)), (second, first));
        let all: BTreeSet<_> = EVERY.into_iter().map(|(trigger, side)| id(trigger, side)).collect();
        for trigger in [Trigger::Registration, Trigger::Qualified] {
            prop_assert!(!all.contains(&Reward::sibling(id(trigger, Side::Invitee))));
        }
    }
}
