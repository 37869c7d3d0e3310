#![allow(clippy::unwrap_used)]

use kernel::ledger::{Operator, PlatformAccount};
use kernel::money::Currency;
use proptest::prelude::*;
use rust_decimal::Decimal;
use ulid::Ulid;

use super::*;

fn usd(text: &str) -> LedgerMoney {
    LedgerMoney::exact(Decimal::from_str_exact(text).unwrap(), Currency::USD).unwrap()
}

fn at(hour: i64) -> Timestamp {
    Timestamp::from_second(hour * 3_600).unwrap()
}

fn user() -> UserId {
    UserId::new(Ulid::from_parts(1, 1))
}

fn header(hour: i64) -> Header {
    Header {
        journal: JournalId::new(Ulid::from_parts(hour.unsigned_abs(), 1)),
        cause: "payment:zpay:1".to_owned(),
        step: 0,
        corrects: None,
        operator: Operator::System,
        actor: "provider:zpay".to_owned(),
        request_id: "r1".to_owned(),
        at: at(hour),
    }
}

fn source(expires_at: Option<Timestamp>) -> GrantSource {
    GrantSource { kind: LotKind::Bonus, id: "ord_1".to_owned(), expires_at }
}

fn post(accounts: &Accounts, lot: Option<&CreditLot>, hour: i64, lines: &[(RecordType, &str)]) -> Granted {
    let line = |(kind, amount): &(RecordType, &str)| NewLine::new(*kind, usd(amount), "ord_1").of_grant();
    let movements: Vec<NewLine> = lines.iter().map(line).collect();
    let house = movements.iter().map(|line| PlatformLine::new(PlatformAccount::Promotion, line.amount.negated()));
    let journal = &mut || JournalId::new(Ulid::from_parts(99, 9));
    let expires_at = Some(at(hour + 24));
    source(expires_at).post((user(), accounts), (header(hour), journal), (&movements, house.collect()), lot).unwrap()
}

/// R12.3, R4.11: what expired of a grant is not taken back a second time; what was spent of it is.
#[test]
fn a_take_back_after_the_expiry_takes_what_was_spent() {
    let granted = post(&Accounts::new(Currency::USD), None, 0, &[(RecordType::Promotion, "10")]);
    let lot = granted.lot.unwrap();
    assert_eq!((lot.held, lot.expires_at), (usd("10"), at(24)));
    let spent = NewLine::new(RecordType::Deduct, usd("-4"), "job");
    let house = vec![PlatformLine::new(PlatformAccount::Adjustment, usd("4"))];
    let (accounts, _) = granted.accounts.post(user(), header(1), &[spent], house).unwrap();
    let expired = lot.expire(&accounts, header(24)).unwrap();
    let lot = expired.lot.unwrap();
    assert_eq!((expired.accounts.balance(), lot.held, lot.expired), (usd("0"), usd("0"), usd("6")));
    let partly = post(&expired.accounts, Some(&lot), 30, &[(RecordType::Refund, "-5")]);
    assert_eq!((partly.accounts.balance(), partly.accounts.owed(), partly.entries.len()), (usd("0"), usd("0"), 2));
    assert_eq!(partly.entries[0].header.corrects, Some(expired.entries[0].header.journal));
    let whole = post(&partly.accounts, partly.lot.as_ref(), 31, &[(RecordType::Refund, "-5")]);
    assert_eq!((whole.accounts.balance(), whole.accounts.owed()), (usd("0"), usd("4")), "4 were spent");
    let lot = whole.lot.unwrap();
    assert_eq!((lot.held, lot.expired), (usd("0"), usd("0")));
    assert_eq!(whole.accounts.in_lots().unwrap(), usd("0"));
}

/// R12.3: what a source grants again joins its lot, and both expire with the later.
#[test]
fn a_source_has_one_lot() {
    let first =
        post(&Accounts::new(Currency::USD), None, 0, &[(RecordType::Promotion, "10"), (RecordType::Promotion, "1")]);
    let again = post(&first.accounts, first.lot.as_ref(), 5, &[(RecordType::Promotion, "2")]);
    let lot = again.lot.unwrap();
    assert_eq!((lot.held, lot.granted_at, lot.expires_at), (usd("13"), at(0), at(29)));
    let gone = post(&again.accounts, Some(&lot), 6, &[(RecordType::Refund, "-13")]);
    assert_eq!(gone.lot.unwrap().held, usd("0"), "nothing of it is there");
}

/// R12.3: what was spent is shown on the oldest lots.
#[test]
fn spending_takes_from_the_oldest_lots() {
    let lot = |source: &str, held: &str, hour| CreditLot {
        user: user(),
        source: source.to_owned(),
        kind: LotKind::Code,
        held: usd(held),
        expired: usd("0"),
        last: None,
        granted_at: at(0),
        expires_at: at(hour),
    };
    let lots = [lot("c", "3", 30), lot("a", "5", 10), lot("b", "4", 20)];
    let left = |spent: &str| {
        let left = CreditLot::unspent(lots.to_vec(), usd(spent)).unwrap();
        left.into_iter().map(|(lot, left)| (lot.source, left)).collect::<Vec<_>>()
    };
    let of = |source: &str, left: &str| (source.to_owned(), usd(left));
    assert_eq!(left("0"), [of("a", "5"), of("b", "4"), of("c", "3")]);
    assert_eq!(left("6"), [of("b", "3"), of("c", "3")]);
    assert_eq!(left("9"), [of("c", "3")]);
    assert_eq!(left("12"), []);
}

/// R12.3, R1.7: granted credit that expires pays debt before paid credit of the same journal; what never expires keeps its place.
#[test]
fn granted_credit_pays_debt_first() {
    let owing = NewLine::new(RecordType::Refund, usd("-6"), "ord_0");
    let house = vec![PlatformLine::new(PlatformAccount::Sales, usd("6"))];
    let (owing, _) = Accounts::new(Currency::USD).post(user(), header(0), &[owing], house).unwrap();
    let lines = [(RecordType::Payment, "10"), (RecordType::Promotion, "8")];
    let lines = lines.map(|(kind, amount)| NewLine::new(kind, usd(amount), "ord_1"));
    let post = |expires_at| {
        let house = vec![PlatformLine::new(PlatformAccount::Sales, usd("-18"))];
        let journal = &mut || JournalId::new(Ulid::from_parts(99, 9));
        let posted = source(expires_at).post((user(), &owing), (header(1), journal), (&lines, house), None).unwrap();
        let kinds: Vec<RecordType> = posted.entries[0].entries.iter().map(|line| line.kind).collect();
        (kinds[0], posted)
    };
    let (first, expiring) = post(Some(at(25)));
    assert_eq!(
        (first, expiring.accounts.paid(), expiring.accounts.granted()),
        (RecordType::Promotion, usd("10"), usd("2"))
    );
    assert_eq!(expiring.lot.unwrap().held, usd("2"));
    let (first, kept) = post(None);
    assert_eq!((first, kept.accounts.paid(), kept.lot), (RecordType::Payment, usd("12"), None));
}

/// Accounts and lot of one grant.
struct Purse {
    accounts: Accounts,
    lot: Option<CreditLot>,
}

impl Purse {
    fn line(&mut self, kind: RecordType, amount: i64) {
        let amount = LedgerMoney::exact(Decimal::from(amount), Currency::USD).unwrap();
        let house = vec![PlatformLine::new(PlatformAccount::Sales, amount.negated())];
        let line = [NewLine::new(kind, amount, "x")];
        self.accounts = self.accounts.post(user(), header(1), &line, house).unwrap().0;
    }

    fn grant(&mut self, kind: RecordType, amount: i64) {
        let posted = post(&self.accounts, self.lot.as_ref(), 1, &[(kind, &amount.to_string())]);
        (self.accounts, self.lot) = (posted.accounts, posted.lot);
    }

    fn expire(&mut self) {
        let expired = self.lot.as_ref().unwrap().expire(&self.accounts, header(25)).unwrap();
        (self.accounts, self.lot) = (expired.accounts, expired.lot);
        assert_eq!(self.accounts.in_lots().unwrap(), self.lot.as_ref().unwrap().held);
    }
}

proptest! {
    /// R12.3, R4.11: an expiry before, between or after the take-backs of a grant leaves the same balance and debt.
    #[test]
    fn an_expiry_among_take_backs_ends_the_same(
        paid in 1..20_i64,
        kept in 1..5_i64,
        spent in 1..40_i64,
        backs in prop::collection::vec(1..10_i64, 1..5),
    ) {
        let ended = (0..=backs.len()).map(|place| {
            let mut purse = Purse { accounts: Accounts::new(Currency::USD), lot: None };
            let granted = backs.iter().sum::<i64>() + kept;
            purse.line(RecordType::Payment, paid);
            purse.grant(RecordType::Promotion, granted);
            purse.line(RecordType::Deduct, -spent.min(paid + granted));
            for (number, back) in backs.iter().enumerate() {
                if number == place {
                    purse.expire();
                }
                purse.grant(RecordType::Refund, -back);
            }
            purse.expire();
            (purse.accounts.balance(), purse.accounts.granted(), purse.accounts.owed())
        });
        let ended: Vec<_> = ended.collect();
        prop_assert!(ended.iter().all(|end| *end == ended[0]), "{ended:?}");
    }
}
