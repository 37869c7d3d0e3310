//! Fuzzed values: amounts, ids, addresses, cursors. An input has one value per line.

use rust_decimal::Decimal;
use shared::account::model::identity::{EMAIL_MAX, Email};
use shared::agency::model::commission_split::{Level, differences, divide};
use shared::agency::model::series::CommissionTerms;
use shared::edge::page::{open, seal};
use shared::kernel::id::{
    AgencyOrderId, AssetId, AuditId, BatchId, CommissionId, EndpointId, EventId, GrantId, JournalId, OrderId, OutboxId,
    PackageId, PayoutBatchId, PlanId, RedemptionId, RefundId, ReviewId, RewardId, SeriesId, ServiceKeyId, SessionId,
    ShopId, SubscriptionId, UserId, WithdrawalId,
};
use shared::kernel::money::{Currency, LedgerMoney, PayMoney, Rounding, exact_difference, plain_decimal, proportion};
use shared::kernel::secret::Secret;
use shared::table::store::Cursor;

use super::any;

fn lines(all: &[&str]) -> Vec<Vec<u8>> {
    all.iter().map(|lines| lines.as_bytes().to_vec()).collect()
}

fn decimals(text: &str) -> Vec<Decimal> {
    text.lines().filter_map(|line| Decimal::from_str_exact(line).ok()).collect()
}

/// R1.1, R1.2: an accepted amount prints as it was read, and survives storage.
#[test]
fn any_text_is_an_amount_that_is_written_the_same_or_none() {
    let seeds = [
        "100\nCNY",
        "0.00000001\nUSD",
        "13.88888888\nUSD",
        "1.5\nJPY",
        "0.123\nKWD",
        "79228162514264337593543950335\nUSD",
    ];
    any!("amounts", lines(&seeds), |input| {
        let text = String::from_utf8_lossy(input);
        let (amount, currency) = text.split_once('\n').unwrap_or((&text, "USD"));
        let currency = Currency::parse(currency).unwrap_or(Currency::parse("USD").unwrap());
        let Some(decimal) = plain_decimal(amount, 8) else { return };
        // White space and characters without a width may stand around it (G5).
        assert_eq!(decimal.to_string(), amount.trim_matches(|symbol: char| !symbol.is_ascii_graphic()));
        if let Ok(money) = LedgerMoney::exact(decimal, currency) {
            let stored = serde_json::to_string(&money).unwrap();
            assert_eq!(serde_json::from_str::<LedgerMoney>(&stored).unwrap(), money, "{stored}");
            assert_eq!(money.negated().negated(), money);
            assert!(money.minus(money).unwrap().is_zero());
        }
        if let Ok(pay) = PayMoney::exact(decimal, currency)
            && let Ok(units) = pay.minor_units()
        {
            assert_eq!(PayMoney::from_minor_units(units, currency).unwrap(), pay, "{amount} {currency}");
        }
    });
}

/// R1.3, R4.11: rounding changes an amount by less than one unit, in the requested direction.
/// The parts of an amount never exceed it.
#[test]
fn any_amount_is_rounded_to_the_named_side_and_its_parts_are_no_more_than_it() {
    let seeds =
        ["100\n1\n7.2", "13.88888888\n30\n100", "0.00000001\n1\n3", "9999999999\n9999999999\n0.00000001", "-5\n1\n3"];
    any!("rounding", lines(&seeds), |input| {
        let text = String::from_utf8_lossy(input);
        let [amount, part, whole, ..] = decimals(&text)[..] else { return };
        let unit = Decimal::new(1, 8);
        let (down, up) =
            (proportion(amount, part, whole, 8, Rounding::Down), proportion(amount, part, whole, 8, Rounding::Up));
        if let (Ok(down), Ok(up)) = (down, up) {
            assert!(down.abs() <= up.abs() && (up - down).abs() <= unit, "{amount} {part} {whole}: {down} {up}");
            // The library rounds a product that has more digits than it can hold.
            let short = |number: Decimal| number.mantissa().unsigned_abs() < 100_000_000_000_000;
            if [amount, part, whole, down].into_iter().all(short)
                && let (Some(back), Some(said)) = (down.checked_mul(whole), amount.checked_mul(part))
            {
                assert!(back.abs() <= said.abs(), "{amount} × {part} ÷ {whole} is not above {down}");
            }
        }
        let usd = Currency::parse("USD").unwrap();
        let Ok(money) = LedgerMoney::exact(amount, usd) else { return };
        let rest = exact_difference(whole, part)
            .ok()
            .filter(|rest| *rest >= Decimal::ZERO && part >= Decimal::ZERO && amount >= Decimal::ZERO);
        if let (Some(rest), Ok(first)) = (rest, money.share(part, whole))
            && let Ok(second) = money.share(rest, whole)
            && let Ok(sum) = first.plus(second)
        {
            let sum = sum.amount();
            assert!(sum <= amount && amount - sum <= unit, "{amount} in {part} and {rest} of {whole}: {sum}");
        }
    });
}

/// R8.9, R8.10: the shares of the levels and the platform sum to the pool and to the price.
#[test]
fn any_division_over_a_chain_adds_up_to_what_was_divided() {
    let fixed = r#"{"kind":"fixed","amount":"100"}"#;
    let tiered = r#"{"kind":"tiered","amount":"0","tiers":[{"dimension":"sales_amount","scope":"self_and_sub","threshold":"5","amount":"3"}]}"#;
    let levels = ["25\n15\n10", "100\n80\n30", "0\n0\n0", "5\n30"];
    let seeds: Vec<String> =
        levels.iter().flat_map(|levels| [fixed, tiered].map(|commission| format!("{levels}\n{commission}"))).collect();
    any!("chains", lines(&seeds.iter().map(String::as_str).collect::<Vec<_>>()), |input| {
        let text = String::from_utf8_lossy(input);
        let amounts = decimals(&text);
        if let Some((retail, costs)) = amounts.split_first()
            && let Ok(earned) = differences(*retail, costs)
        {
            let sum = earned
                .iter()
                .rev()
                .try_fold(costs.last().copied().unwrap_or(*retail), |sum, one| sum.checked_add(*one));
            assert_eq!(sum, Some(*retail), "{text}");
        }
        let Some(commission) = text.lines().find_map(|line| serde_json::from_str::<CommissionTerms>(line).ok()) else {
            return;
        };
        let own = commission.own();
        let levels: Vec<Level> = amounts
            .iter()
            .map(|amount| {
                let mut own = own.clone();
                own.amount = *amount;
                own.tiers.iter_mut().for_each(|tier| tier.amount = tier.amount.min(*amount));
                let mut sales = shared::agency::model::commission_split::Sales::default();
                sales.self_and_sub.amount = *amount;
                Level { own, sales }
            })
            .collect();
        if let Ok(chain) = divide(&commission, &levels) {
            // From the seller up, each partial sum is a level's own amount. Others may have more digits than the library holds.
            let shares = chain.shares.iter().try_fold(Decimal::ZERO, |sum, share| sum.checked_add(share.earned));
            assert_eq!(shares.and_then(|shares| shares.checked_add(chain.platform)), Some(chain.pool), "{text}");
            assert!(chain.shares.iter().all(|share| share.earned >= Decimal::ZERO), "{text}");
        }
    });
}

/// An id of any kind has one written form.
#[test]
fn any_text_is_an_id_that_is_written_the_same_or_none() {
    macro_rules! each {
        ($text:expr, $($id:ident)*) => {
            $(if let Some(id) = $id::parse($text) {
                assert_eq!(id.to_string(), $text);
                assert!($text.starts_with($id::PREFIX) && !$text.contains('#') && $text.len() == 30);
                id.made_at();
            })*
        };
    }
    any!(
        "ids",
        lines(&["ord_01k9zq4r7x8m2v5b3n6c1d0fgh", "usr_7zzzzzzzzzzzzzzzzzzzzzzzzz", "usr_00000000000000000000000000"]),
        |input| {
            let text = String::from_utf8_lossy(input);
            each!(&*text, AgencyOrderId AssetId AuditId BatchId CommissionId EndpointId GrantId JournalId OrderId OutboxId PackageId
            PayoutBatchId PlanId RedemptionId RefundId ReviewId RewardId SeriesId ServiceKeyId SessionId ShopId SubscriptionId EventId UserId WithdrawalId);
        }
    );
}

/// R2.1, R2.7: an address has one normal form, and its mask does not reveal it.
#[test]
fn any_text_is_an_address_in_one_normal_form_or_none() {
    let seeds =
        ["ann@example.com", " ANN@Example.COM ", "e\u{301}.x+y@bücher.example", "İ@ß.de", "a@xn--bcher-kva.example"];
    any!("addresses", lines(&seeds), |input| {
        let text = String::from_utf8_lossy(input);
        let Some(email) = Email::parse(&text) else { return };
        assert_eq!(Email::parse(email.as_str()).as_ref(), Some(&email), "{text:?}");
        assert_eq!(Email::parse(&format!("\t{text} ")).as_ref(), Some(&email), "{text:?}");
        assert!(email.as_str().len() <= EMAIL_MAX && !email.as_str().contains(char::is_whitespace));
        let (local, domain) = email.as_str().split_once('@').unwrap();
        let other = Email::parse(&format!("{}zz@{domain}", local.chars().next().unwrap()));
        assert!(other.is_none_or(|other| other.masked() == email.masked()), "{text:?} {}", email.masked());
        assert!(!format!("{email:?}").replace(&email.masked(), "").contains(email.as_str()), "{text:?}");
    });
}

/// faults.md, people: a cursor opens only if it was sealed for this list.
#[test]
fn any_cursor_that_opens_is_one_that_we_sealed_for_this_list() {
    let secret = || Secret::new(*b"secret");
    let at = |key: &str| Cursor::from([("pk".to_owned(), key.to_owned()), ("sk".to_owned(), "#".to_owned())]);
    let sealed = |list: &str, key: &str| format!("{list}\n{}", seal(&secret(), list, &at(key)));
    let seeds = [sealed("orders:ann", "ORDER#1"), sealed("orders:bob", "ORDER#2"), sealed("invitees:ann", "")];
    any!("cursors", lines(&seeds.each_ref().map(String::as_str)), |input| {
        let text = String::from_utf8_lossy(input);
        let Some((list, cursor)) = text.split_once('\n') else { return };
        if let Some(position) = open(&secret(), list, cursor) {
            assert_eq!(seal(&secret(), list, &position), cursor);
            assert!(seeds.contains(&text.clone().into_owned()), "a forged cursor opens: {text}");
        }
    });
}
