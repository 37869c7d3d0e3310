#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;
use rust_decimal::Decimal;
use ulid::Ulid;

use super::*;
use crate::id::{JournalId, UserId};
use crate::ledger::{Operator, PlatformLine};
use crate::money::Currency;

fn usd(units: i64) -> LedgerMoney {
    LedgerMoney::exact(Decimal::new(units, 0), Currency::USD).unwrap()
}

fn units(money: LedgerMoney) -> i64 {
    i64::try_from(money.amount().trunc().mantissa()).unwrap()
}

fn header() -> Header {
    Header {
        journal: JournalId::new(Ulid::from_parts(1, 1)),
        cause: "reward:rwd_1".to_owned(),
        step: 0,
        corrects: None,
        operator: Operator::System,
        actor: "reward-worker".to_owned(),
        request_id: "r1".to_owned(),
        at: Timestamp::UNIX_EPOCH,
    }
}

/// An account with its lots, oldest first, as their items would say.
#[derive(Debug, Clone)]
struct Purse {
    accounts: Accounts,
    lots: BTreeMap<usize, LedgerMoney>,
}

impl Purse {
    fn new() -> Self {
        Self { accounts: Accounts::new(Currency::USD), lots: BTreeMap::new() }
    }

    fn post(&mut self, line: NewLine, lot: Option<usize>) -> Result<(), LedgerError> {
        let house = vec![PlatformLine::new(PlatformAccount::Rewards, line.amount.negated())];
        let held = lot.and_then(|lot| self.lots.get(&lot).copied());
        let terms = LotTerms { expires_at: lot.map(|_| Timestamp::UNIX_EPOCH), held };
        let owner = UserId::new(Ulid::from_parts(1, 1));
        let (after, _) = self.accounts.post_grant(owner, header(), &[line], house, terms)?;
        let moved = after.in_lots()?.minus(self.accounts.in_lots()?)?;
        if let Some(lot) = lot.filter(|_| held.is_some() || !moved.is_zero()) {
            self.lots.insert(lot, held.unwrap_or(usd(0)).plus(moved)?);
        }
        self.accounts = after;
        self.sound();
        Ok(())
    }

    fn pay(&mut self, amount: i64) {
        self.post(NewLine::new(RecordType::Payment, usd(amount), "x"), None).unwrap();
    }

    fn grant(&mut self, lot: usize, amount: i64) {
        self.post(NewLine::new(RecordType::Referral, usd(amount), "x"), Some(lot)).unwrap();
    }

    fn spend(&mut self, amount: i64) -> bool {
        self.post(NewLine::new(RecordType::Deduct, usd(-amount), "x"), None).is_ok()
    }

    fn refund(&mut self, amount: i64) {
        self.post(NewLine::new(RecordType::Refund, usd(-amount), "x"), None).unwrap();
    }

    fn take_back(&mut self, lot: usize, amount: i64) {
        self.post(NewLine::new(RecordType::Refund, usd(-amount), "x").of_grant(), Some(lot)).unwrap();
    }

    /// Expires the oldest lot and returns what left the balance.
    fn expire(&mut self) -> i64 {
        let Some((lot, held)) = self.lots.pop_first() else { return 0 };
        let owner = UserId::new(Ulid::from_parts(1, 1));
        let before = self.accounts.balance();
        let (after, entry) = self.accounts.expire(owner, header(), (LotKind::Reward, held), &lot.to_string()).unwrap();
        let gone = units(before.minus(after.balance()).unwrap());
        assert_eq!(entry.is_some(), gone != 0, "an entry for what expired, and none for nothing");
        self.accounts = after;
        self.sound();
        gone
    }

    /// The balance is paid credit and what is left of the lots, and no part is below zero.
    fn sound(&self) {
        let sum = self.lots.values().fold(usd(0), |sum, lot| sum.plus(*lot).unwrap());
        assert_eq!(self.accounts.in_lots().unwrap(), sum, "{self:?}");
        let parts =
            [self.accounts.granted(), self.accounts.paid(), self.accounts.lots.map_or(usd(0), |lots| lots.spent)];
        assert!(parts.iter().all(|part| !part.is_negative()), "{self:?}");
        assert_eq!(self.accounts.granted().plus(self.accounts.paid()).unwrap(), self.accounts.balance());
    }

    /// Balance, granted part, debt.
    fn figures(&self) -> [i64; 3] {
        [self.accounts.balance(), self.accounts.granted(), self.accounts.owed()].map(units)
    }
}

/// R12.3: granted credit is spent first, the oldest first; what is left of a lot expires with an entry.
#[test]
fn granted_credit_is_spent_first_and_the_rest_expires() {
    let mut purse = Purse::new();
    purse.pay(100);
    purse.grant(1, 10);
    purse.grant(2, 20);
    assert!(purse.spend(4));
    assert_eq!(purse.figures(), [126, 26, 0]);
    assert_eq!(purse.expire(), 6, "4 of the older lot were spent");
    assert_eq!(purse.figures(), [120, 20, 0]);
    assert!(purse.spend(30));
    assert_eq!(purse.figures(), [90, 0, 0]);
    assert_eq!(purse.expire(), 0, "it was spent whole");
    assert_eq!(purse.figures(), [90, 0, 0]);
}

/// R12.3, R4.11: a take-back takes from its own lot; of paid credit it takes paid credit first.
#[test]
fn a_take_back_takes_from_its_own_lot_first() {
    let mut purse = Purse::new();
    purse.pay(100);
    purse.grant(1, 10);
    purse.grant(2, 20);
    purse.take_back(2, 20);
    assert_eq!((purse.figures(), units(purse.lots[&1])), ([110, 10, 0], 10));
    purse.refund(100);
    assert_eq!(purse.figures(), [10, 10, 0]);
    purse.refund(4);
    assert_eq!(purse.figures(), [6, 6, 0]);
    assert_eq!(purse.expire(), 6);
}

/// R12.3, R1.7: a grant that pays debt leaves a smaller lot.
#[test]
fn a_grant_that_pays_debt_leaves_a_smaller_lot() {
    let mut purse = Purse::new();
    purse.refund(6);
    purse.grant(1, 10);
    assert_eq!((purse.figures(), units(purse.lots[&1])), ([4, 4, 0], 4));
    purse.take_back(1, 10);
    assert_eq!((purse.figures(), units(purse.lots[&1])), ([0, 0, 6], 0));
}

/// R12.3: a grant that never expires is taken back from the paid part, leaves other lots, and is given back as it was.
#[test]
fn a_grant_that_never_expires_leaves_the_lots_alone() {
    let mut purse = Purse::new();
    purse.pay(10);
    purse.post(NewLine::new(RecordType::Promotion, usd(5), "x"), None).unwrap();
    purse.grant(1, 20);
    purse.take_back(2, 5);
    assert_eq!(purse.figures(), [30, 20, 0]);
    purse.post(NewLine::new(RecordType::Refund, usd(5), "x").of_grant(), Some(2)).unwrap();
    assert_eq!((purse.figures(), units(purse.lots[&1])), ([35, 20, 0], 20));
    assert_eq!(purse.expire(), 20);
}

/// R12.3: while nothing expires an account says nothing of lots.
#[test]
fn nothing_is_noted_while_nothing_expires() {
    let mut purse = Purse::new();
    purse.post(NewLine::new(RecordType::Promotion, usd(5), "x"), None).unwrap();
    assert!(purse.spend(2));
    assert_eq!((purse.accounts.lots, purse.figures()), (None, [3, 0, 0]));
    assert!(!serde_json::to_string(&purse.accounts).unwrap().contains("lots"));
}

#[derive(Debug, Clone)]
enum Step {
    Pay(i64),
    Grant(usize, i64),
    Spend(i64),
    Refund(i64),
    TakeBack(usize, i64),
    Expire,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (1..50_i64).prop_map(Step::Pay),
        (0..20_usize, 1..50_i64).prop_map(|(lot, amount)| Step::Grant(lot, amount)),
        (1..50_i64).prop_map(Step::Spend),
        (1..50_i64).prop_map(Step::Refund),
        (0..20_usize, 1..50_i64).prop_map(|(lot, amount)| Step::TakeBack(lot, amount)),
        Just(Step::Expire),
    ];
    prop::collection::vec(step, 1..60)
}

proptest! {
    /// R12.3: whatever happens, the balance is paid credit plus what is left of the lots, and nothing is below zero.
    #[test]
    fn the_parts_are_the_balance_after_every_step(steps in steps()) {
        let mut purse = Purse::new();
        for step in steps {
            match step {
                Step::Pay(amount) => purse.pay(amount),
                Step::Grant(lot, amount) => purse.grant(lot, amount),
                Step::Spend(amount) => { purse.spend(amount); }
                Step::Refund(amount) => purse.refund(amount),
                Step::TakeBack(lot, amount) => purse.take_back(lot, amount),
                Step::Expire => { purse.expire(); }
            }
        }
    }

    /// R12.3, R4.11: spending and take-backs in any order leave the same balance and the same lots.
    #[test]
    fn spending_and_take_backs_end_the_same_in_any_order(
        grants in prop::collection::vec(1..30_i64, 1..6),
        spends in prop::collection::vec(1..15_i64, 0..6),
        backs in prop::collection::vec((0..6_usize, 1..30_i64), 0..6),
        order in prop::collection::vec(any::<prop::sample::Index>(), 12),
    ) {
        let mut first = Purse::new();
        first.pay(500);
        for (lot, amount) in grants.iter().enumerate() {
            first.grant(lot, *amount);
        }
        let mut acts: Vec<Step> = spends.into_iter().map(Step::Spend).collect();
        let mut left = grants.clone();
        for (lot, amount) in backs {
            let Some(granted) = left.get_mut(lot) else { continue };
            let amount = amount.min(*granted);
            *granted -= amount;
            acts.push(Step::TakeBack(lot, amount));
        }
        acts.push(Step::Refund(100));
        let play = |acts: &[Step]| {
            let mut purse = first.clone();
            for act in acts {
                match act {
                    Step::Spend(amount) => assert!(purse.spend(*amount)),
                    Step::TakeBack(lot, amount) if *amount > 0 => purse.take_back(*lot, *amount),
                    Step::Refund(amount) => purse.refund(*amount),
                    _ => {}
                }
            }
            let expiries: Vec<i64> = (0..grants.len()).map(|_| purse.expire()).collect();
            (purse.figures(), expiries)
        };
        let ended = play(&acts);
        for (place, other) in order.iter().enumerate().take(acts.len()) {
            let other = other.index(acts.len());
            acts.swap(place, other);
        }
        prop_assert_eq!(play(&acts), ended);
    }
}
