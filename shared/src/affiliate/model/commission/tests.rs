#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::*;
use crate::account::model::identity::Status;
use crate::payment::model::order::OrderStatus;
use crate::payment::model::order::tests::{cny, hundred, now, usd};
use kernel::id::JournalId;
use kernel::ledger::{AccountKind, JournalOrigin, LedgerError, Operator, Part, RecordType};
use kernel::money::PayMoney;
use proptest::prelude::*;
use std::collections::BTreeMap;
use ulid::Ulid;

fn ann() -> UserId {
    UserId::new(Ulid::from_parts(7, 7))
}

fn terms() -> AffiliateTerms {
    AffiliateTerms {
        rate: Decimal::new(1, 1),
        base: None,
        trigger_limit: 3,
        hold_hours: 0,
        cap: None,
        valid_until: None,
        second: None,
    }
}

/// Builds Bob's `number`-th order over ¥100 under these terms, paid.
fn paid(number: u64, terms: AffiliateTerms) -> Order {
    Order {
        id: OrderId::new(Ulid::from_parts(1_000, u128::from(number))),
        status: OrderStatus::Paid,
        inviter: Some(ann()),
        affiliate: Some(terms),
        paid_at: Some(now()),
        ..hundred()
    }
}

fn later(hours: i64) -> Timestamp {
    now() + SignedDuration::from_hours(hours)
}

/// Worker that processes orders.
struct Desk {
    earning: Accrual,
    journals: u128,
    at: Timestamp,
}

impl Desk {
    fn new() -> Self {
        let inviters = BTreeMap::from([(ann(), Status::Active)]);
        Self { earning: Accrual { inviters, ..Accrual::default() }, journals: 0, at: now() }
    }

    fn by(&self) -> JournalOrigin {
        JournalOrigin {
            operator: Operator::System,
            actor: "reward-worker".into(),
            request_id: "m.0".into(),
            at: self.at,
        }
    }

    fn journal(&mut self) -> JournalId {
        self.journals += 1;
        JournalId::new(Ulid::from_parts(9_000, self.journals))
    }

    fn look(&mut self, order: &Order) {
        let (by, mut journals) = (self.by(), self.journals);
        self.earning.orders.insert(order.id, CommissionSource::from(order));
        let mut fresh = || {
            journals += 1;
            JournalId::new(Ulid::from_parts(9_000, journals))
        };
        self.earning.settle(order.id, &by, &mut fresh).unwrap();
        self.journals = journals;
    }

    fn mature(&mut self, order: &Order) {
        let (by, journal) = (self.by(), self.journal());
        self.earning.mature(order.id, &by, journal).unwrap();
    }

    /// Returns the account's parts: pending, available, held, withdrawn, clawed back, owed.
    ///
    /// Without the last, they sum to the earned total (C3).
    fn parts(&self) -> [String; 6] {
        let of = self.account();
        let sum = of.earned().unwrap();
        let all: LedgerMoney =
            self.earning.commissions.values().fold(usd("0"), |sum, one| sum.plus(one.amount).unwrap());
        assert_eq!(sum, all, "C3");
        [of.pending, of.available, of.held, of.withdrawn, of.clawed_back, of.owed()]
            .map(|part| part.amount().to_string())
    }

    fn account(&self) -> CommissionAccount {
        let none = CommissionAccount::none(ann(), kernel::money::Currency::USD);
        self.earning.accounts.get(&ann()).copied().unwrap_or(none)
    }

    fn moves(&mut self, wanted: CommissionMove) -> Result<(), LedgerError> {
        let journal = self.journal();
        let header = kernel::ledger::Header {
            journal,
            cause: "withdrawal:wdr_1".into(),
            step: 0,
            corrects: None,
            operator: Operator::User,
            actor: "ann".into(),
            request_id: "r".into(),
            at: self.at,
        };
        let house = match wanted {
            CommissionMove::ToBalance(amount) | CommissionMove::PayOut(amount) => {
                vec![kernel::ledger::PlatformLine::new(kernel::ledger::PlatformAccount::Commission, amount)]
            }
            _ => vec![],
        };
        let (after, posting) = self.account().post(header, &[wanted], "wdr_1", house)?;
        self.earning.accounts.insert(ann(), after);
        self.earning.postings.push(posting);
        Ok(())
    }
}

fn refunded(order: &Order, left: &str) -> Order {
    let net = cny(left);
    Order { left: Some(net), status: OrderStatus::by_net(net, order.charge, false).unwrap(), ..order.clone() }
}

/// R6.3: the commission is ten per cent of the credit without bonus, rounded down.
#[test]
fn a_paid_order_earns_the_rate_of_its_credit_rounded_down() {
    let mut desk = Desk::new();
    let order = Order { bonus: Some(usd("4.16666666")), ..paid(1, terms()) };
    desk.look(&order);
    desk.look(&order);
    let commission = &desk.earning.commissions[&order.id];
    assert_eq!((commission.base, commission.amount), (usd("13.88888888"), usd("1.38888888")));
    assert_eq!(commission.state(now()), CommissionState::Available);
    assert_eq!(desk.parts(), ["0", "1.38888888", "0", "0", "0", "0"]);
    assert_eq!(desk.earning.postings.len(), 1, "once");
    let entry = &desk.earning.postings[0].entries[0];
    assert_eq!((entry.kind, entry.part, entry.seq), (RecordType::Commission, Some(Part::Available), 1));
}

/// R6.3, C5: the limit counts orders with a commission, refunded or not.
#[test]
fn three_orders_of_an_invitee_earn_and_the_fourth_does_not() {
    let mut desk = Desk::new();
    for number in 1..=5 {
        desk.look(&paid(number, terms()));
        desk.look(&refunded(&paid(number, terms()), "0"));
    }
    assert_eq!(desk.earning.commissions.len(), 3);
    assert_eq!(desk.earning.earnings[&hundred().user].orders, 3);
    let unlimited = AffiliateTerms { trigger_limit: 0, ..terms() };
    desk.look(&paid(6, unlimited));
    assert_eq!(desk.earning.commissions.len(), 4, "no limit is none");
}

/// R6.4: the commission that reaches the cap is cut to the rest, and later orders accrue none.
#[test]
fn the_commission_that_reaches_the_cap_is_cut_to_the_rest() {
    let mut desk = Desk::new();
    let capped = AffiliateTerms { cap: Some(usd("2")), trigger_limit: 0, ..terms() };
    for number in 1..=3 {
        desk.look(&paid(number, capped));
    }
    let amounts: Vec<LedgerMoney> = desk.earning.commissions.values().map(|commission| commission.amount).collect();
    assert_eq!(amounts, [usd("1.38888888"), usd("0.61111112")]);
    let before = Earnings { invitee: hundred().user, orders: 2, earned: usd("2") };
    assert_eq!(earned(&CommissionSource::from(&paid(3, capped)), &before), Ok(Err(NoCommission::CapReached)));
}

/// G17, R6.4: the cap counts what is left of commission; a slot of the limit stays used.
#[test]
fn the_cap_counts_what_is_left_of_commission() {
    let mut desk = Desk::new();
    let capped = AffiliateTerms { cap: Some(usd("1.5")), trigger_limit: 2, ..terms() };
    let (first, second, third) = (paid(1, capped), paid(2, capped), paid(3, capped));
    desk.look(&first);
    desk.look(&refunded(&first, "0"));
    desk.look(&second);
    assert_eq!(desk.earning.commissions[&second.id].amount, usd("1.38888888"), "the refunded order freed the cap");
    assert_eq!(
        desk.earning.earnings[&first.user],
        Earnings { invitee: first.user, orders: 2, earned: usd("1.38888888") }
    );
    desk.look(&third);
    assert!(!desk.earning.commissions.contains_key(&third.id), "the limit counts captures (R6.3)");
    desk.look(&first);
    assert_eq!(desk.earning.commissions[&first.id].left(), usd("0.11111112"), "reinstated up to the cap");
    desk.look(&refunded(&second, "0"));
    desk.look(&first);
    assert_eq!(desk.earning.commissions[&first.id].left(), usd("0.11111112"), "a repeat changes nothing");
    assert_eq!(desk.parts(), ["0", "0.11111112", "0", "0", "2.66666664", "0"]);
}

/// G6, R2.8: a blocked inviter's commission is held, an erased one's is none.
#[test]
fn a_blocked_inviters_commission_is_held_and_an_erased_ones_is_none() {
    let mut desk = Desk::new();
    desk.earning.inviters.insert(ann(), Status::Blocked);
    desk.look(&paid(1, terms()));
    let state = |desk: &Desk| desk.earning.commissions[&paid(1, terms()).id].state(later(1_000));
    assert_eq!(state(&desk), CommissionState::Held);
    assert_eq!(desk.parts(), ["1.38888888", "0", "0", "0", "0", "0"]);
    assert!(desk.earning.waiting[0].parked && desk.earning.blocked.contains(&ann()));
    desk.mature(&paid(1, terms()));
    assert_eq!(state(&desk), CommissionState::Available);
    desk.earning.inviters.insert(ann(), Status::Erased);
    desk.look(&paid(2, terms()));
    assert_eq!(desk.parts(), ["0", "1.38888888", "0", "0", "0", "0"]);
}

/// R6.3, R6.4: no commission without terms, unpaid, after expiry, or below the last digit.
#[test]
fn an_order_that_earns_nothing_says_why() {
    let none = Earnings::none(&CommissionSource::from(&hundred()));
    let late = AffiliateTerms { valid_until: Some(later(-1)), ..terms() };
    let tiny = AffiliateTerms { rate: Decimal::new(1, 10), ..terms() };
    let nothing = AffiliateTerms { rate: Decimal::ZERO, ..terms() };
    let cases = [
        (Order { affiliate: None, ..paid(1, terms()) }, NoCommission::NoTerms),
        (Order { paid_at: None, status: OrderStatus::Pending, ..paid(1, terms()) }, NoCommission::NotPaid),
        (paid(1, late), NoCommission::TooLate),
        (paid(1, tiny), NoCommission::Nothing),
        (paid(1, nothing), NoCommission::Nothing),
    ];
    for (order, why) in cases {
        assert_eq!(earned(&CommissionSource::from(&order), &none), Ok(Err(why)));
    }
    let just = AffiliateTerms { valid_until: Some(now()), ..terms() };
    assert_eq!(
        earned(&CommissionSource::from(&paid(1, just)), &none),
        Ok(Ok(usd("1.38888888"))),
        "until then, inclusive"
    );
}

/// R6.4: a commission is pending until its hold ends; then it is released, once.
#[test]
fn a_commission_waits_for_its_hold_time() {
    let mut desk = Desk::new();
    let order = paid(1, AffiliateTerms { hold_hours: 48, ..terms() });
    desk.look(&order);
    assert_eq!(
        desk.earning.waiting,
        [CommissionHold { beneficiary: ann(), order: order.id, at: later(48), parked: false }]
    );
    assert_eq!(desk.parts(), ["1.38888888", "0", "0", "0", "0", "0"]);
    let nothing = LedgerError::InsufficientAvailable { available: usd("0") };
    assert_eq!(desk.moves(CommissionMove::ToBalance(usd("0.00000001"))), Err(nothing));
    let state = |at| desk.earning.commissions[&order.id].state(at);
    assert_eq!((state(later(47)), state(later(48))), (CommissionState::Pending, CommissionState::Available));
    desk.at = later(48);
    desk.mature(&order);
    assert_eq!(desk.parts(), ["0", "1.38888888", "0", "0", "0", "0"]);
    let told_late = paid(2, AffiliateTerms { hold_hours: 48, ..terms() });
    desk.look(&told_late);
    assert_eq!(desk.parts(), ["0", "2.77777776", "0", "0", "0", "0"], "told after its hold time, it never waits");
}

/// R4.11, R6.4: a take-back uses the pending commission under hold, then the available part, then debt.
#[test]
fn a_take_back_comes_from_the_part_the_commission_stands_in() {
    let mut desk = Desk::new();
    let order = paid(1, AffiliateTerms { hold_hours: 1, ..terms() });
    desk.look(&order);
    desk.look(&refunded(&order, "70"));
    assert_eq!(desk.parts(), ["0.97222221", "0", "0", "0", "0.41666667", "0"]);
    desk.at = later(1);
    desk.mature(&order);
    desk.moves(CommissionMove::ToBalance(usd("0.9"))).unwrap();
    desk.look(&refunded(&order, "0"));
    assert_eq!(desk.parts(), ["0", "0", "0", "0.9", "0.48888888", "0.9"], "what was withdrawn is owed");
    let commission = &desk.earning.commissions[&order.id];
    assert_eq!((commission.state(desk.at), commission.last.step), (CommissionState::Reversed, 3));
    desk.look(&paid(2, terms()));
    assert_eq!(desk.parts(), ["0", "0.48888888", "0", "0.9", "1.38888888", "0"], "a later one pays what is owed");
    desk.look(&order);
    assert_eq!(desk.parts(), ["0", "1.87777776", "0", "0.9", "0", "0"], "reinstated");
}

/// R6.4: a take-back never uses the part held for cash withdrawals; once released, it repays debt.
#[test]
fn what_is_held_is_not_taken_back() {
    let mut desk = Desk::new();
    let order = paid(1, terms());
    desk.look(&order);
    desk.moves(CommissionMove::Hold(usd("1"))).unwrap();
    desk.look(&refunded(&order, "0"));
    assert_eq!(desk.parts(), ["0", "0", "1", "0", "0.38888888", "1"]);
    let mut paid_out = Desk { earning: desk.earning.clone(), ..Desk::new() };
    paid_out.moves(CommissionMove::PayOut(usd("1"))).unwrap();
    assert_eq!(paid_out.parts(), ["0", "0", "0", "1", "0.38888888", "1"]);
    desk.moves(CommissionMove::Release(usd("1"))).unwrap();
    assert_eq!(desk.parts(), ["0", "0", "0", "0", "1.38888888", "0"]);
    let entries = &desk.earning.postings.last().unwrap().entries;
    let shown: Vec<(AccountKind, Option<Part>, String)> =
        entries.iter().map(|entry| (entry.account, entry.part, entry.amount.amount().to_string())).collect();
    let part = |part, amount: &str| (AccountKind::Commission, Some(part), amount.to_owned());
    let owed = (AccountKind::CommissionReceivable, None, "1".to_owned());
    assert_eq!(shown, [part(Part::Held, "-1"), part(Part::Available, "1"), part(Part::Available, "-1"), owed]);
}

/// R4.11: a refund before its payment leaves a reduced commission; the capture determines the amount.
#[test]
fn a_refund_before_the_payment_leaves_the_rest_of_the_commission() {
    let mut desk = Desk::new();
    let order = refunded(&paid(1, terms()), "70");
    desk.look(&order);
    let commission = &desk.earning.commissions[&order.id];
    assert_eq!((commission.amount, commission.left()), (usd("1.38888888"), usd("0.97222221")));
    assert_eq!(desk.parts(), ["0", "0.97222221", "0", "0", "0.41666667", "0"]);
    let gone = refunded(&paid(2, terms()), "0");
    desk.look(&gone);
    assert_eq!(desk.earning.commissions[&gone.id].state(now()), CommissionState::Reversed);
    assert_eq!(desk.earning.earnings[&gone.user].orders, 2, "it used its slot");
}

/// R9.3: a commission that an admin reversed stays reversed, whatever happens to its order.
#[test]
fn a_denied_commission_does_not_come_again() {
    let mut desk = Desk::new();
    let order = paid(1, terms());
    desk.look(&order);
    let (by, journal) = (desk.by(), desk.journal());
    desk.earning.deny(&CommissionSource::from(&order), "fraud".into(), &by, journal).unwrap();
    desk.look(&refunded(&order, "70"));
    desk.look(&order);
    assert_eq!(desk.parts(), ["0", "0", "0", "0", "1.38888888", "0"]);
    assert_eq!(desk.earning.commissions[&order.id].denied.as_deref(), Some("fraud"));
}

proptest! {
    /// R4.11, R6.4: however often orders are processed, the account follows from their final nets.
    #[test]
    fn every_way_to_the_same_nets_ends_in_the_same_account(
        steps in prop::collection::vec((1_u64..4, 0_i64..=10_000), 0..20),
        ends in prop::collection::vec(0_i64..=10_000, 3),
        withdrawn in 0_i64..200_000_000,
    ) {
        let left = |order: u64, units: i64| {
            let net = PayMoney::from_minor_units(units, kernel::money::Currency::CNY).unwrap();
            let whole = paid(order, terms());
            Order { left: (net != whole.charge).then_some(net), ..whole }
        };
        let (mut straight, mut winding) = (Desk::new(), Desk::new());
        for number in 1..=3 {
            straight.look(&paid(number, terms()));
            winding.look(&paid(number, terms()));
        }
        let take = CommissionMove::ToBalance(LedgerMoney::exact(Decimal::new(withdrawn, 8), kernel::money::Currency::USD).unwrap());
        straight.moves(take).unwrap();
        winding.moves(take).unwrap();
        for (order, units) in steps {
            winding.look(&left(order, units));
        }
        for (number, units) in (1..).zip(ends) {
            straight.look(&left(number, units));
            winding.look(&left(number, units));
        }
        prop_assert_eq!(straight.parts(), winding.parts());
        let account = winding.account();
        prop_assert!(!account.available.is_negative() && !account.owed().is_negative());
        prop_assert!(account.available.is_zero() || account.owed().is_zero());
        for posting in &winding.earning.postings {
            prop_assert_eq!(posting.check(), Ok(()));
        }
    }
}
