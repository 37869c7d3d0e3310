//! R1.4–R1.7: worked figures and properties.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;
use ulid::Ulid;

use super::*;
use crate::provider::Provider;

fn usd(text: &str) -> LedgerMoney {
    LedgerMoney::exact(Decimal::from_str_exact(text).unwrap(), Currency::parse("USD").unwrap()).unwrap()
}
fn cny(text: &str) -> LedgerMoney {
    LedgerMoney::exact(Decimal::from_str_exact(text).unwrap(), Currency::parse("CNY").unwrap()).unwrap()
}
fn ann() -> UserId {
    UserId::new(Ulid::from_parts(1, 1))
}
fn header() -> Header {
    Header {
        journal: JournalId::new(Ulid::from_parts(1, 2)),
        cause: "payment:stripe:pi_1".into(),
        step: 0,
        corrects: None,
        operator: Operator::System,
        actor: "provider:stripe".into(),
        request_id: "req-1".into(),
        at: Timestamp::UNIX_EPOCH,
    }
}
fn empty() -> Accounts {
    Accounts::new(Currency::parse("USD").unwrap())
}
fn post(accounts: &Accounts, kind: RecordType, amount: &str) -> Result<(Accounts, JournalEntry), LedgerError> {
    let amount = usd(amount);
    let house = vec![PlatformLine::new(PlatformAccount::Adjustment, amount.negated())];
    accounts.post(ann(), header(), &[NewLine::new(kind, amount, "x")], house)
}
fn shown(posting: &JournalEntry) -> Vec<String> {
    let line = |entry: &Line| {
        let (account, kind) = (entry.account, entry.kind.as_str());
        format!("{account:?} {} {kind} {} {}→{}", entry.seq, entry.amount.amount(), entry.before, entry.after)
    };
    posting.entries.iter().map(line).collect()
}

/// R1.7: what is told before is what is posted: a take-back makes debt, the next credit pays it.
#[test]
fn accounts_told_before_are_those_that_a_journal_leaves() {
    let mut accounts = empty();
    for (amount, left) in [("5", ("5", "0")), ("-8", ("0", "3")), ("4", ("1", "0"))] {
        let told = accounts.after(&[NewLine::new(RecordType::Refund, usd(amount), "x")]).unwrap();
        accounts = post(&accounts, RecordType::Refund, amount).unwrap().0;
        assert_eq!((told.balance(), told.owed()), (accounts.balance(), accounts.owed()));
        assert_eq!((told.balance(), told.owed()), (usd(left.0), usd(left.1)));
    }
    assert!(accounts.after(&[NewLine::new(RecordType::Deduct, usd("-2"), "x")]).is_err(), "a debit above the balance");
}

/// R1.4, R4.6: ¥100 at 7.2 with a bonus of 30 %.
#[test]
fn a_hundred_yuan_with_its_bonus_is_one_journal_of_zero_sum() {
    let movements = [
        NewLine::new(RecordType::Payment, usd("13.88888888"), "ord_1"),
        NewLine::new(RecordType::Promotion, usd("4.16666666"), "ord_1"),
    ];
    let house = vec![
        PlatformLine::new(PlatformAccount::Provider(Provider::Stripe), cny("-100")),
        PlatformLine::new(PlatformAccount::Sales, cny("100")),
        PlatformLine::new(PlatformAccount::Sales, usd("-13.88888888")),
        PlatformLine::new(PlatformAccount::Promotion, usd("-4.16666666")),
    ];
    let (after, posting) = empty().post(ann(), header(), &movements, house).unwrap();
    assert_eq!(after.balance(), usd("18.05555554"));
    assert_eq!(
        shown(&posting),
        ["Balance 1 payment 13.88888888 0→13.88888888", "Balance 2 promotion 4.16666666 13.88888888→18.05555554",]
    );
    let records = posting.records();
    assert_eq!(records[1].balance_before, usd("13.88888888"));
    assert_eq!(records[1].related_id.as_deref(), Some("ord_1"));
}

/// R1.7: a take-back above the balance becomes debt.
#[test]
fn taking_back_more_than_the_balance_becomes_debt_that_a_later_credit_pays() {
    let (accounts, _) = post(&empty(), RecordType::Payment, "4").unwrap();
    let (accounts, posting) = post(&accounts, RecordType::Refund, "-10").unwrap();
    assert_eq!(shown(&posting), ["Balance 2 refund -4 4→0", "Receivable 1 debt -6 0→-6"]);
    assert_eq!(accounts.owed(), usd("6"));
    let (accounts, posting) = post(&accounts, RecordType::Payment, "8").unwrap();
    assert_eq!(shown(&posting), ["Balance 3 payment 8 0→8", "Balance 4 debt -6 8→2", "Receivable 2 debt 6 -6→0"]);
    assert_eq!((accounts.balance(), accounts.owed()), (usd("2"), usd("0")));
}

/// R1.7: only a take-back makes debt.
#[test]
fn a_debit_above_the_balance_is_refused() {
    let (accounts, _) = post(&empty(), RecordType::Payment, "4").unwrap();
    for kind in [RecordType::Admin, RecordType::Deduct, RecordType::Withdrawal] {
        let refused = post(&accounts, kind, "-4.00000001").unwrap_err();
        assert_eq!(refused.refusal(), Some(Refusal::InsufficientBalance));
        assert_eq!(post(&accounts, kind, "-4").unwrap().0.balance(), usd("0"));
    }
}

/// R1.4: lines that do not sum to zero are not a journal.
#[test]
fn an_unbalanced_journal_is_a_typed_error() {
    let movement = [NewLine::new(RecordType::Payment, usd("1"), "x")];
    let short = vec![PlatformLine::new(PlatformAccount::Sales, usd("-0.99999999"))];
    assert_eq!(empty().post(ann(), header(), &movement, short), Err(LedgerError::Unbalanced(usd("0.00000001"))));
    let other = vec![PlatformLine::new(PlatformAccount::Sales, cny("-1"))];
    assert!(matches!(empty().post(ann(), header(), &movement, other), Err(LedgerError::Unbalanced(_))));
    assert_eq!(empty().post(ann(), header(), &[], vec![]), Err(LedgerError::Empty));
    assert_eq!(post(&empty(), RecordType::Debt, "1"), Err(LedgerError::DebtByHand));
    assert!(post(&empty(), RecordType::Payment, "1").unwrap().1.check().is_ok());
}

/// R9.1: the ledger currency can change until an account has a line, not after.
#[test]
fn empty_accounts_follow_the_ledger_currency_and_used_ones_do_not() {
    let in_cny = |accounts: &Accounts| {
        let house = vec![PlatformLine::new(PlatformAccount::Rewards, cny("-1"))];
        accounts.post(ann(), header(), &[NewLine::new(RecordType::Referral, cny("1"), "x")], house)
    };
    assert_eq!(in_cny(&empty()).unwrap().0.balance(), cny("1"));
    let (used, _) = post(&empty(), RecordType::Payment, "1").unwrap();
    assert_eq!(in_cny(&used), Err(LedgerError::Money(MoneyError::CurrencyMismatch)));
}

/// R4.5: money that is credited to no user stands on suspense.
#[test]
fn house_lines_alone_can_be_a_journal() {
    let lines = |out: &str| {
        vec![
            PlatformLine::new(PlatformAccount::Provider(Provider::Zpay), cny("-9.99")),
            PlatformLine::new(PlatformAccount::Suspense, cny(out)),
        ]
    };
    let posting = JournalEntry::of_house(header(), lines("9.99")).unwrap();
    assert_eq!((posting.number, posting.user()), (0, None));
    assert!(JournalEntry::of_house(header(), lines("9.98")).is_err());
}

/// R1.4, R1.6: journal entries and their names survive storage.
#[test]
fn a_posting_survives_storage() {
    let (_, posting) = post(&empty(), RecordType::Payment, "4").unwrap();
    let value = serde_json::to_value(&posting).unwrap();
    assert_eq!(value["house"][0]["account"], "adjustment");
    assert_eq!(value["entries"][0]["before"], "0");
    assert_eq!(value["operator"], "system");
    assert_eq!(serde_json::from_value::<JournalEntry>(value.clone()).unwrap(), posting);
    for house in PlatformAccount::ALL {
        assert_eq!(serde_json::from_value::<PlatformAccount>(serde_json::to_value(house).unwrap()).unwrap(), house);
    }
    for field in ["journal", "cause", "step", "operator", "actor", "request_id", "at", "number", "entries", "house"] {
        let mut less = value.clone();
        less.as_object_mut().unwrap().remove(field);
        assert!(serde_json::from_value::<JournalEntry>(less).is_err(), "{field}");
    }
    let service = Operator::Service("billing".into());
    assert_eq!(serde_json::to_value(&service).unwrap(), "service:billing");
    assert_eq!(serde_json::from_value::<Operator>("service:billing".into()).unwrap(), service);
}

fn movements() -> impl Strategy<Value = Vec<Vec<i64>>> {
    prop::collection::vec(prop::collection::vec(-1_000_000_000_i64..1_000_000_000, 1..4), 1..30)
}

proptest! {
    /// R1.4, R1.5, R1.7: random credits and take-backs net to their plain sum.
    ///
    /// Every journal sums to zero, numbers have no gap, before and after chain, and no account crosses zero.
    #[test]
    fn credits_and_take_backs_net_to_their_plain_sum(journals in movements()) {
        let mut accounts = empty();
        let mut sum = Decimal::ZERO;
        let mut last = [(0_u64, Decimal::ZERO); 2];
        for (count, amounts) in journals.iter().enumerate() {
            let kind = |units: i64| if units < 0 { RecordType::Refund } else { RecordType::Payment };
            let money = |units: i64| LedgerMoney::exact(Decimal::new(units, 8), usd("0").currency()).unwrap();
            let wanted: Vec<_> = amounts.iter().map(|units| NewLine::new(kind(*units), money(*units), "x")).collect();
            let house = amounts.iter().map(|units| PlatformLine::new(PlatformAccount::Sales, money(-*units))).collect();
            if amounts.iter().all(|units| *units == 0) { continue }
            let before = accounts.postings;
            let (after, posting) = accounts.post(ann(), header(), &wanted, house).unwrap();
            prop_assert!(posting.check().is_ok());
            prop_assert_eq!(posting.number, before + 1);
            prop_assert!(usize::try_from(after.postings).unwrap() <= count + 1);
            for entry in &posting.entries {
                let slot = usize::from(entry.account == AccountKind::Receivable);
                prop_assert_eq!((entry.seq, entry.before), (last[slot].0 + 1, last[slot].1));
                prop_assert_eq!(entry.after, entry.before + entry.amount.amount());
                let crossed = if slot == 0 { entry.after < Decimal::ZERO } else { entry.after > Decimal::ZERO };
                prop_assert!(!crossed);
                last[slot] = (entry.seq, entry.after);
            }
            sum += amounts.iter().map(|units| Decimal::new(*units, 8)).sum::<Decimal>();
            accounts = after;
            prop_assert_eq!((accounts.balance.seq, accounts.balance().amount()), last[0]);
            prop_assert_eq!((accounts.debt.seq, accounts.debt.amount.amount()), last[1]);
            prop_assert_eq!(accounts.balance().amount(), sum.max(Decimal::ZERO));
            prop_assert_eq!(accounts.owed().amount(), (-sum).max(Decimal::ZERO));
        }
    }
}
