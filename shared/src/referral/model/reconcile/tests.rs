#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::*;
use crate::account::model::identity::Status;
use crate::affiliate::model::settings::AffiliateSettings;
use crate::operations::model::budget::{Allowance, Budget, BudgetShare, BudgetedProgramme, HoldReason};
use crate::referral::model::referral::{InviteCode, RewardAmounts, RewardTerms};
use kernel::ledger::{Accounts, JournalOrigin, Operator};
use kernel::money::PayMoney;
use proptest::prelude::*;
use rust_decimal::Decimal;
use ulid::Ulid;

const ANN: u64 = 1;

fn id(number: u64) -> UserId {
    UserId::new(Ulid::from_parts(number, u128::from(number) << 40))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn usd(text: &str) -> LedgerMoney {
    LedgerMoney::exact(Decimal::from_str_exact(text).unwrap(), Currency::parse("USD").unwrap()).unwrap()
}

fn cny(units: i64) -> PayMoney {
    PayMoney::from_minor_units(units, Currency::parse("CNY").unwrap()).unwrap()
}

fn user(number: u64) -> User {
    User::new(id(number), at(0), &AffiliateSettings::default(), Accounts::new(Currency::parse("USD").unwrap()))
}

fn terms(registration: [i64; 2], qualified: [i64; 2]) -> RewardTerms {
    let amounts = |[inviter, invitee]: [i64; 2]| RewardAmounts { inviter: inviter.into(), invitee: invitee.into() };
    RewardTerms {
        currency: Currency::parse("USD").unwrap(),
        registration: amounts(registration),
        qualified: amounts(qualified),
        threshold: cny(2000),
    }
}

/// Builds an invitee of Ann's under these terms.
fn invitee(number: u64, terms: RewardTerms) -> User {
    let attribution = Referral {
        inviter: id(ANN),
        code: InviteCode::parse("ANNSCODE").unwrap(),
        bound_at: at(1),
        late: false,
        imported: false,
        reparented: None,
        terms,
        online_total: cny(0),
        given_back: None,
        qualified_at: None,
    };
    User { attribution: Some(attribution), ..user(number) }
}

fn qualified(mut user: User) -> User {
    user.attribution.as_mut().unwrap().charge_added(cny(2000), cny(2000), true, at(2)).unwrap();
    user
}

fn world(users: impl IntoIterator<Item = User>) -> RewardLedger {
    let users = users.into_iter().map(|user| (user.id, user)).collect();
    RewardLedger { users, ..RewardLedger::default() }
}

fn origin() -> JournalOrigin {
    let (actor, request_id) = ("reward-worker".to_owned(), "obx_1.0".to_owned());
    JournalOrigin { operator: Operator::System, actor, request_id, at: at(10) }
}

fn settle_as(world: &mut RewardLedger, fact: RewardCause, aim: Target) -> Result<(), SettlementError> {
    let how = RewardContext { aim, origin: origin(), granted_until: None };
    let mut next = 100;
    let mut journal = || {
        next += 1;
        JournalId::new(Ulid::from_parts(next, 0))
    };
    world.settle(fact, &how, &mut journal)
}

fn settle(world: &mut RewardLedger, fact: RewardCause) {
    settle_as(world, fact, Target::Grant).unwrap();
}

fn registered(number: u64) -> RewardCause {
    RewardCause::Registered { invitee: id(number) }
}

fn paid(number: u64) -> RewardCause {
    RewardCause::ChargeChanged { invitee: id(number) }
}

fn balance(world: &RewardLedger, number: u64) -> LedgerMoney {
    world.users[&id(number)].accounts.balance()
}

fn state(world: &RewardLedger, number: u64, trigger: Trigger, side: Side) -> Option<RewardState> {
    world.rewards.get(&Reward::id_of(id(number), trigger, side)).map(|reward| reward.state)
}

/// R3.6
#[test]
fn both_triggers_reward_each_side_once() {
    let terms = terms([2, 1], [5, 3]);
    let mut world = world([user(ANN), qualified(invitee(2, terms))]);
    for fact in [registered(2), paid(2), paid(2), registered(2), paid(2)] {
        settle(&mut world, fact);
    }
    assert_eq!(balance(&world, ANN), usd("7"));
    // The invitee's own registration reward is part of sign-up (R2.2).
    assert_eq!(balance(&world, 2), usd("3"));
    assert_eq!(world.postings.len(), 3);
    let counts = &world.counts[&id(ANN)];
    assert_eq!((counts.invitees, counts.qualified, counts.rewarded), (1, 1, 1));
    assert_eq!((counts.earned, counts.pending), (usd("7"), usd("0")));
}

/// R3.6: a payment below the threshold, or of an invitee who is not qualified, makes no reward.
#[test]
fn a_payment_below_the_threshold_makes_nothing() {
    let mut world = world([user(ANN), invitee(2, terms([2, 1], [5, 3]))]);
    settle(&mut world, paid(2));
    assert_eq!(world.changed, Changed::default());
}

/// R3.6: an amount of 0 makes no reward, but the invitee is counted, once.
#[test]
fn an_amount_of_zero_makes_no_reward_and_is_counted_once() {
    let mut world = world([user(ANN), qualified(invitee(2, terms([0, 0], [0, 4])))]);
    for fact in [registered(2), paid(2), registered(2), paid(2)] {
        settle(&mut world, fact);
    }
    let counts = &world.counts[&id(ANN)];
    assert_eq!((counts.invitees, counts.qualified, counts.rewarded), (1, 1, 0));
    assert_eq!(world.changed.milestones.len(), 2);
    assert_eq!((balance(&world, ANN), balance(&world, 2)), (usd("0"), usd("4")));
}

/// R3.7: a reward is held while the beneficiary is not active, and granted by a retry.
#[test]
fn a_reward_is_held_while_its_beneficiary_is_blocked() {
    let blocked = User { status: Status::Blocked, ..user(ANN) };
    let mut world = world([blocked, invitee(2, terms([2, 0], [5, 3]))]);
    settle(&mut world, registered(2));
    assert_eq!(state(&world, 2, Trigger::Registration, Side::Inviter), Some(RewardState::Held));
    assert_eq!((balance(&world, ANN), world.postings.len()), (usd("0"), 0));
    assert!(world.changed.relied_on.contains(&id(ANN)));
    assert_eq!((world.counts[&id(ANN)].pending, world.counts[&id(ANN)].earned), (usd("2"), usd("0")));

    let retried = RewardCause::Retried { reward: Reward::id_of(id(2), Trigger::Registration, Side::Inviter) };
    settle(&mut world, retried);
    assert_eq!(balance(&world, ANN), usd("0"));
    world.users.get_mut(&id(ANN)).unwrap().status = Status::Active;
    settle(&mut world, retried);
    settle(&mut world, retried);
    assert_eq!(balance(&world, ANN), usd("2"));
    let counts = &world.counts[&id(ANN)];
    assert_eq!((counts.invitees, counts.rewarded, counts.pending, counts.earned), (1, 1, usd("0"), usd("2")));
}

/// R10.4: a reward above the budget is held for it until a retry finds room; taken back and granted again, it is counted once.
#[test]
fn a_reward_above_the_budget_is_held_and_counted_once() {
    let mut world = world([user(ANN), invitee(2, terms([2, 0], [5, 3]))]);
    let month = jiff::civil::date(2026, 11, 1);
    let budget = Budget { programme: BudgetedProgramme::Referral, month, edition: 1, amount: usd("1") };
    let dealt = |room: &str| BudgetShare { room: usd(room), ..BudgetShare::empty(&budget, 0) };
    world.allowance = Allowance { budget: Some(budget), share: Some(dealt("1")), exceeding: Vec::new() };
    settle(&mut world, registered(2));
    let id_of = Reward::id_of(id(2), Trigger::Registration, Side::Inviter);
    let shown = |world: &RewardLedger| (world.rewards[&id_of].held(), world.rewards[&id_of].budget_month);
    assert_eq!((shown(&world), balance(&world, ANN)), ((Some(HoldReason::Budget), None), usd("0")));
    assert_eq!((world.allowance.exceeding.as_slice(), world.counts[&id(ANN)].pending), (&[usd("2")][..], usd("2")));
    let retried = RewardCause::Retried { reward: id_of };
    settle(&mut world, retried);
    assert_eq!(shown(&world).0, Some(HoldReason::Budget));
    world.allowance.share = Some(dealt("3"));
    settle(&mut world, retried);
    assert_eq!((shown(&world), balance(&world, ANN)), ((None, Some(month)), usd("2")));
    let share = world.allowance.share.clone().unwrap();
    assert_eq!((share.room, share.spent), (usd("1"), usd("2")));
    let reversed = world.rewards[&id_of].clone().waiting(RewardState::Reversed, None);
    world.rewards.insert(id_of, reversed);
    settle(&mut world, registered(2));
    assert_eq!((world.rewards[&id_of].state, world.allowance.share), (RewardState::Granted, Some(share)));
}

/// R3.7: a dead letter makes a visible failed reward, without reading an account; a retry grants it.
#[test]
fn a_dead_letter_makes_a_failed_reward_that_a_retry_grants() {
    let mut world = world([invitee(2, terms([2, 0], [5, 3]))]);
    settle_as(&mut world, registered(2), Target::Fail).unwrap();
    settle_as(&mut world, registered(2), Target::Fail).unwrap();
    assert_eq!(state(&world, 2, Trigger::Registration, Side::Inviter), Some(RewardState::Failed));
    assert_eq!((world.counts[&id(ANN)].invitees, world.counts[&id(ANN)].pending), (1, usd("2")));

    world.users.insert(id(ANN), user(ANN));
    settle(&mut world, RewardCause::Retried { reward: Reward::id_of(id(2), Trigger::Registration, Side::Inviter) });
    assert_eq!(balance(&world, ANN), usd("2"));
    // A dead letter that arrives again after the grant changes nothing.
    settle_as(&mut world, registered(2), Target::Fail).unwrap();
    assert_eq!(state(&world, 2, Trigger::Registration, Side::Inviter), Some(RewardState::Granted));
    assert_eq!((world.counts[&id(ANN)].invitees, world.counts[&id(ANN)].earned), (1, usd("2")));
}

/// R1.5: the rewards of a batch are consecutive lines of one account.
#[test]
fn the_rewards_of_a_batch_chain_on_one_account() {
    let mut world = world((2..12).map(|number| invitee(number, terms([2, 0], [0, 0]))).chain([user(ANN)]));
    (2..12).for_each(|number| settle(&mut world, registered(number)));
    let numbers: Vec<u64> = world.postings.iter().map(|posting| posting.number).collect();
    assert_eq!(numbers, (1..=10).collect::<Vec<_>>());
    assert_eq!((balance(&world, ANN), world.changed.users.len()), (usd("20"), 1));
    assert!(world.postings.iter().all(|posting| posting.check().is_ok()));
}

/// A cause of an unknown user is an error; a user without an inviter makes no reward.
#[test]
fn a_fact_about_nobody_is_an_error_and_nobodys_invitee_makes_nothing() {
    let mut world = world([user(3)]);
    settle(&mut world, registered(3));
    assert_eq!(world.changed, Changed::default());
    let missing = settle_as(&mut world, registered(2), Target::Grant);
    assert_eq!(missing, Err(SettlementError::Missing(id(2).to_string())));
}

proptest! {
    /// R3.7: in any order and with repeats, each reward is granted once and the counts match the entities.
    #[test]
    fn any_order_of_facts_ends_the_same(order in prop::collection::vec((2_u64..6, any::<bool>(), any::<bool>()), 1..60)) {
        let promised = terms([2, 0], [5, 3]);
        let mut world = world((2..6).map(|number| qualified(invitee(number, promised))).chain([user(ANN)]));
        let all = (2..6).flat_map(|number| [(number, true, false), (number, false, false)]);
        for (number, first, fails) in order.into_iter().chain(all) {
            let fact = if first { registered(number) } else { paid(number) };
            settle_as(&mut world, fact, if fails { Target::Fail } else { Target::Grant }).unwrap();
        }
        prop_assert_eq!(balance(&world, ANN), usd("28"));
        prop_assert!((2..6).all(|number| balance(&world, number) == usd("3")));
        let counts = &world.counts[&id(ANN)];
        prop_assert_eq!((counts.invitees, counts.qualified, counts.rewarded), (4, 4, 4));
        prop_assert_eq!((counts.earned, counts.pending), (usd("28"), usd("0")));
        prop_assert_eq!(world.postings.len(), 12);
    }
}
