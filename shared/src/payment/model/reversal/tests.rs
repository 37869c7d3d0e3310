//! Tests of R4.11, by table and by property: the ledger follows the net for every order of facts.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use ulid::Ulid;

use super::*;
use crate::account::model::user::User;
use crate::affiliate::model::settings::AffiliateSettings;
use crate::payment::model::order::tests::{cny, hundred, now, usd};
use crate::payment::model::payment::{CaptureOutcome as Decision, Dispute, DisputeState, Refund, decide};
use crate::referral::model::reconcile::{RewardCause as Told, RewardContext, RewardLedger, Target};
use crate::referral::model::referral::{InviteCode, Referral, Reward, RewardAmounts, RewardState, RewardTerms};
use kernel::id::{JournalId, OrderId, UserId};
use kernel::ledger::{Accounts, Header, JournalOrigin, Operator};
use kernel::money::Currency;

const ANN: u64 = 1;
const BOB: u64 = 2;

fn after(minutes: i64) -> Timestamp {
    now().checked_add(SignedDuration::from_mins(minutes)).unwrap()
}

fn person(number: u64) -> User {
    let id = UserId::new(Ulid::from_parts(number, u128::from(number) << 40));
    User::new(id, now(), &AffiliateSettings::default(), Accounts::new(Currency::USD))
}

/// Bob, invited by Ann; both are promised a reward when his net total reaches 150 yuan.
fn bob() -> User {
    let amounts = |inviter: i64, invitee: i64| RewardAmounts { inviter: inviter.into(), invitee: invitee.into() };
    let attribution = Referral {
        inviter: person(ANN).id,
        code: InviteCode::parse("ANNSCODE").unwrap(),
        bound_at: now(),
        late: false,
        imported: false,
        reparented: None,
        terms: RewardTerms {
            currency: Currency::USD,
            registration: amounts(0, 0),
            qualified: amounts(5, 3),
            threshold: cny("150"),
        },
        online_total: cny("0"),
        given_back: None,
        qualified_at: None,
    };
    User { attribution: Some(attribution), ..person(BOB) }
}

/// In-memory model of both transactions and the reward worker.
struct Shop {
    orders: [Order; 2],
    payments: [Payment; 2],
    people: RewardLedger,
    journals: u64,
}

impl Shop {
    fn new() -> Self {
        let order = |number: u64| Order {
            id: OrderId::new(Ulid::from_parts(number, 1)),
            user: bob().id,
            promotion: None,
            bonus: None,
            ..hundred()
        };
        let users = BTreeMap::from([(person(ANN).id, person(ANN)), (bob().id, bob())]);
        Self {
            orders: [order(1), order(2)],
            payments: ["pi_1", "pi_2"].map(|id| Payment::new(kernel::provider::Provider::Stripe, id)),
            people: RewardLedger { users, ..RewardLedger::default() },
            journals: 0,
        }
    }

    fn header(&mut self) -> Header {
        self.journals += 1;
        Header {
            journal: JournalId::new(Ulid::from_parts(self.journals, 0)),
            cause: "payment:stripe:pi".into(),
            step: 0,
            corrects: None,
            operator: Operator::System,
            actor: "provider:stripe".into(),
            request_id: "req".into(),
            at: now(),
        }
    }

    fn tell(&mut self, which: usize, fact: &Fact) {
        record(&mut self.payments[which], fact);
        let (order, payment) = (self.orders[which].clone(), self.payments[which].clone());
        let header = self.header();
        let bob = self.people.users.get_mut(&order.user).unwrap();
        let attribution = bob.attribution.as_mut().unwrap();
        match decide(Some(&order), &payment, None, after(1)).unwrap() {
            Decision::Credit(by) => {
                let (movements, house) = (by.movements(&order), by.house(&order).unwrap());
                attribution.charge_added(order.charge, by.net, true, now()).unwrap();
                bob.accounts = bob.accounts.post(order.user, header, &movements, house).unwrap().0;
                self.orders[which] = order.credited(&by, Some(&payment.id)).unwrap();
                self.payments[which].order = Some(order.id);
            }
            Decision::NetMayHaveChanged => {
                let Some(by) = Reversal::of(&order, &payment).unwrap() else { return };
                attribution.net_moved(by.before, by.net).unwrap();
                if by.moves_money() {
                    let (movements, house) = (by.movements(&order), by.house(&order).unwrap());
                    bob.accounts = bob.accounts.post(order.user, header, &movements, house).unwrap().0;
                }
                self.orders[which] = order.reversed(&by);
            }
            Decision::NotCaptured => {}
            other => panic!("{other:?}"),
        }
    }

    fn reward(&mut self) {
        let (actor, request_id) = ("reward-worker".to_owned(), "obx".to_owned());
        let origin = JournalOrigin { operator: Operator::System, actor, request_id, at: now() };
        let how = RewardContext { aim: Target::Grant, origin, granted_until: None };
        let mut number = self.journals;
        let mut journal = || {
            number += 1;
            JournalId::new(Ulid::from_parts(number, 1))
        };
        self.people.settle(Told::ChargeChanged { invitee: bob().id }, &how, &mut journal).unwrap();
        self.journals = number;
    }

    fn end(&self) -> impl std::fmt::Debug + use<> {
        let accounts = |id| {
            let accounts = self.people.users[&id].accounts;
            (accounts.balance(), accounts.owed())
        };
        let orders = self.orders.each_ref().map(|order| (order.status, order.net(), order.left));
        let states: BTreeMap<_, RewardState> =
            self.people.rewards.values().map(|reward| (reward.id, reward.state)).collect();
        let counts = self.people.counts.values().map(|c| (c.qualified, c.rewarded, c.earned, c.pending)).next();
        let bond = self.people.users[&bob().id].attribution.clone().unwrap();
        let total = (bond.online_total, bond.given_back, bond.qualified_at, bond.qualifies());
        (accounts(person(ANN).id), accounts(bob().id), orders, states, counts, total)
    }
}

#[derive(Debug, Clone)]
enum Fact {
    Capture,
    Refund(u8, bool),
    Cumulative(i64),
    Dispute(u8, DisputeState, i64, i64),
}

fn record(payment: &mut Payment, fact: &Fact) {
    let money = |units| PayMoney::from_minor_units(units, Currency::CNY).unwrap();
    match *fact {
        Fact::Capture => payment.record_capture(money(10_000), Some(after(1))),
        Fact::Refund(id, failed) => {
            let refund = Refund {
                amount: money(1000 + i64::from(id)),
                failed,
                pending: false,
                at: Some(after(2)),
                request: None,
            };
            payment.record_refund(&format!("re_{id}"), refund).unwrap();
        }
        Fact::Cumulative(units) => payment.record_cumulative(money(units)).unwrap(),
        Fact::Dispute(id, state, minute, units) => {
            payment.record_dispute(&format!("dp_{id}"), Dispute { amount: money(units), state, at: after(minute) });
        }
    }
}

fn paid(fact: &Fact, refunds: &[Fact]) -> Shop {
    let mut shop = Shop::new();
    shop.tell(0, fact);
    refunds.iter().for_each(|fact| shop.tell(0, fact));
    shop
}

/// R4.11: 100 yuan on tier 0, 30 refunded, to the digit; then a dispute of the rest opens and is won.
#[test]
fn the_worked_example_is_posted_to_the_digit() {
    let bonus = usd("4.16666666");
    let order = Order { status: OrderStatus::Paid, bonus: Some(bonus), ..hundred() };
    let mut payment = Payment::new(order.provider, "pi_1");
    payment.record_capture(cny("100"), None);
    payment.record_cumulative(cny("30")).unwrap();
    let by = Reversal::of(&order, &payment).unwrap().unwrap();
    assert_eq!((by.credit, by.bonus), (usd("-4.16666667"), usd("-1.25")));
    assert_eq!(order.credit.plus(by.credit), Ok(usd("9.72222221")));
    assert_eq!(bonus.plus(by.bonus), Ok(usd("2.91666666")));
    let rest = order.reversed(&by);
    assert_eq!((rest.status, rest.net(), rest.bonus), (OrderStatus::PartiallyRefunded, cny("70"), Some(bonus)));
    assert_eq!(Reversal::of(&rest, &payment), Ok(None), "once");
    let open = Dispute { amount: cny("70"), state: DisputeState::Open, at: after(3) };
    payment.record_dispute("dp_1", open);
    let by = Reversal::of(&rest, &payment).unwrap().unwrap();
    let disputed = rest.reversed(&by);
    assert_eq!((disputed.status, by.credit, by.bonus), (OrderStatus::Disputed, usd("-9.72222221"), usd("-2.91666666")));
    payment.record_dispute("dp_1", Dispute { state: DisputeState::Won, ..open });
    let by = Reversal::of(&disputed, &payment).unwrap().unwrap();
    assert_eq!((disputed.reversed(&by), by.credit), (rest, usd("9.72222221")));
}

/// R1.4: the journal of a reversal sums to zero in both directions.
#[test]
fn the_reversing_journal_moves_provider_sales_and_promotion() {
    let order = Order { status: OrderStatus::Paid, bonus: Some(usd("4.16666666")), ..hundred() };
    let mut payment = Payment::new(order.provider, "pi_1");
    payment.record_capture(cny("100"), None);
    payment.record_cumulative(cny("30")).unwrap();
    let by = Reversal::of(&order, &payment).unwrap().unwrap();
    let lines: Vec<String> =
        by.house(&order).unwrap().iter().map(|line| format!("{:?} {}", line.account, line.amount)).collect();
    assert_eq!(lines, ["Provider(Stripe) 30 CNY", "Sales -30 CNY", "Sales 4.16666667 USD", "Promotion 1.25 USD"]);
    let header = Shop::new().header();
    let (accounts, posting) = Accounts::new(Currency::USD)
        .post(order.user, header, &by.movements(&order), by.house(&order).unwrap())
        .unwrap();
    assert_eq!((accounts.balance(), accounts.owed()), (usd("0"), usd("5.41666667")), "what was spent is owed");
    assert_eq!(posting.check(), Ok(()));
}

/// R4.4: a dispute about refunded money changes the state and moves no money.
#[test]
fn a_dispute_of_nothing_left_only_moves_the_state() {
    let order = paid(&Fact::Capture, &[Fact::Cumulative(10_000)]);
    let (mut payment, order) = (order.payments[0].clone(), order.orders[0].clone());
    record(&mut payment, &Fact::Dispute(1, DisputeState::Open, 1, 5_000));
    let by = Reversal::of(&order, &payment).unwrap().unwrap();
    assert_eq!((by.moves_money(), by.status), (false, OrderStatus::Disputed));
}

/// R4.11, R3.7: the reward is reversed below the threshold and granted again above it.
#[test]
fn a_qualified_reward_is_reversed_below_the_threshold_and_granted_again() {
    let mut shop = Shop::new();
    let (ann, inviter) = (person(ANN).id, crate::referral::model::referral::Side::Inviter);
    let id = Reward::id_of(bob().id, crate::referral::model::referral::Trigger::Qualified, inviter);
    let story = [
        (0, Fact::Capture, None, "0"),
        (1, Fact::Capture, Some(RewardState::Granted), "5"),
        (1, Fact::Dispute(1, DisputeState::Open, 2, 10_000), Some(RewardState::Reversed), "0"),
        (1, Fact::Dispute(1, DisputeState::Won, 3, 10_000), Some(RewardState::Granted), "5"),
        (0, Fact::Cumulative(5_000), Some(RewardState::Granted), "5"),
        (0, Fact::Cumulative(5_001), Some(RewardState::Reversed), "0"),
    ];
    for (which, fact, state, balance) in story {
        shop.tell(which, &fact);
        shop.reward();
        shop.reward();
        assert_eq!(shop.people.rewards.get(&id).map(|reward| reward.state), state, "{fact:?}");
        assert_eq!(shop.people.users[&ann].accounts.balance(), usd(balance), "{fact:?}");
        let there = u64::from(state == Some(RewardState::Granted));
        let counted = shop.people.counts.get(&ann).map(|of| (of.qualified, of.rewarded, of.earned));
        assert_eq!(counted, state.map(|_| (there, there, usd(balance))));
    }
    let steps: Vec<(u32, bool)> = shop
        .people
        .postings
        .iter()
        .filter(|p| p.user() == Some(ann))
        .map(|posting| (posting.header.step, posting.header.corrects.is_some()))
        .collect();
    assert_eq!(steps, [(0, false), (1, true), (2, true), (3, true)]);
}

fn fact() -> impl Strategy<Value = Fact> {
    use DisputeState::{Inquiry, Lost, Open, Won};
    let state = prop::sample::select(vec![Inquiry, Open, Won, Lost]);
    prop_oneof![
        Just(Fact::Capture),
        (0_u8..4, any::<bool>()).prop_map(|(id, failed)| Fact::Refund(id, failed)),
        (0_i64..12_000).prop_map(Fact::Cumulative),
        (0_u8..3, state, 2_i64..6, 1_i64..9_000).prop_map(|(id, state, at, units)| Fact::Dispute(id, state, at, units)),
    ]
}

type Events = Vec<(usize, Fact, bool)>;

/// Events about two captured orders, and the same events duplicated and shuffled.
///
/// The flag states if the reward worker runs before the next event.
fn twice_told() -> impl Strategy<Value = (Events, Events)> {
    prop::collection::vec((0_usize..2, fact(), any::<bool>()), 1..14).prop_flat_map(|mut events| {
        events.extend([(0, Fact::Capture, true), (1, Fact::Capture, true)]);
        let doubled: Events = events.iter().chain(&events).cloned().collect();
        (Just(events), Just(doubled).prop_shuffle())
    })
}

proptest! {
    /// R4.11: every order of delivery, with duplicates, ends in the same balances, debts and states.
    #[test]
    fn the_order_of_events_does_not_matter((events, shuffled) in twice_told()) {
        let mut ends = [events, shuffled].into_iter().map(|events| {
            let mut shop = Shop::new();
            for (which, fact, worked) in &events {
                shop.tell(*which, fact);
                if *worked {
                    shop.reward();
                }
            }
            shop.reward();
            shop
        });
        let (one, other) = (ends.next().unwrap(), ends.next().unwrap());
        prop_assert_eq!(format!("{:?}", one.end()), format!("{:?}", other.end()));
        for shop in [one, other] {
            for (order, payment) in shop.orders.iter().zip(&shop.payments) {
                prop_assert_eq!(Some(order.net()), payment.net().unwrap());
            }
            let targets = shop.orders.iter().map(|order| target(order.credit, order.net(), order.charge).unwrap());
            let credit = targets.fold(usd("0"), |sum, share| sum.plus(share).unwrap());
            let accounts = shop.people.users[&bob().id].accounts;
            let rewarded = if bond(&shop).qualifies() { usd("3") } else { usd("0") };
            prop_assert_eq!(accounts.balance().minus(accounts.owed()).unwrap(), credit.plus(rewarded).unwrap());
        }
    }
}

fn bond(shop: &Shop) -> Referral {
    shop.people.users[&bob().id].attribution.clone().unwrap()
}
