//! Worked examples of section 8 of the rules.

use super::*;
use crate::agency::model::commission_split::{CommissionChain, differences, divide};
use crate::agency::model::grant::{EarlierCost, HISTORY_MAX, PackageChange, is_open, own_part};
use crate::agency::model::minimum_recharge::effective;
use crate::agency::model::series::{CommissionTrigger, Package, Progress, SeriesTerms, TriggerKind};
use crate::agency::model::subtree::moves;
use kernel::refusal::Refusal;

fn series(amount: &str) -> CommissionTerms {
    CommissionTerms { kind: CommissionKind::Fixed, amount: dec(amount), tiers: Vec::new() }
}

fn earned(chain: &CommissionChain) -> Vec<Decimal> {
    chain.shares.iter().map(|share| share.earned).collect()
}

fn check(commission: &CommissionTerms, levels: &[Level], expect: &[&str], pool: &str, platform: &str) {
    let chain = divide(commission, levels).unwrap();
    let expect: Vec<_> = expect.iter().map(|amount| dec(amount)).collect();
    assert_eq!((earned(&chain), chain.pool, chain.platform), (expect, dec(pool), dec(platform)), "{levels:?}");
}

/// R8.9: each level earns its own amount less the highest below.
#[test]
fn a_fixed_commission_is_divided_along_the_chain() {
    let chain = |a, b, c| [level(fixed(c), "0"), level(fixed(b), "0"), level(fixed(a), "0")];
    check(&series("100"), &chain("80", "50", "30"), &["30", "20", "30"], "100", "20");
    check(&series("100"), &chain("80", "0", "30"), &["30", "0", "50"], "100", "20");
    let without_tiers = CommissionTerms { kind: CommissionKind::Tiered, ..series("100") };
    check(&without_tiers, &chain("80", "50", "30"), &["30", "20", "30"], "100", "20");
    check(&CommissionTerms::none(), &chain("0", "0", "0"), &["0", "0", "0"], "0", "0");
}

/// R8.9: each level by its own statistic; the pool is the highest amount of the matching series tiers.
#[test]
fn a_tiered_commission_is_divided_by_each_levels_statistic() {
    let series = tiered(Comparison::AtLeast, &[("100", "100"), ("150", "150")]);
    let (a, b) = (tiers(&[("100", "80"), ("150", "120")]), tiers(&[("100", "50"), ("150", "100")]));
    let chain = |of_a| [level(b.clone(), "120"), level(a.clone(), of_a)];
    check(&series, &chain("160"), &["50", "70"], "150", "30");
    check(&series, &chain("90"), &["50", "0"], "100", "50");
    check(&series, &[level(b.clone(), "99"), level(a.clone(), "99")], &["0", "0"], "0", "0");
}

/// R8.9: `<` applies below the threshold only.
#[test]
fn a_tier_below_a_threshold_counts_below_it_only() {
    let series = tiered(Comparison::Below, &[("100", "30")]);
    for (statistic, expect) in [("80", "30"), ("100", "0"), ("120", "0")] {
        let chain = divide(&series, &[level(tiers(&[("100", "30")]), statistic)]).unwrap();
        assert_eq!(earned(&chain), [dec(expect)], "{statistic}");
    }
}

/// R8.9: of several matches, `>` and `>=` by falling threshold first, then `<` and `<=` by rising.
#[test]
fn the_first_matching_tier_counts() {
    let mut commission = tiered(Comparison::AtLeast, &[("100", "1"), ("150", "2"), ("200", "3"), ("50", "4")]);
    commission.tiers[1].operator = Comparison::Above;
    commission.tiers[2].operator = Comparison::AtMost;
    commission.tiers[3].operator = Comparison::Below;
    let table = [("160", "150"), ("150", "100"), ("100", "100"), ("99", "200"), ("49", "50")];
    for (statistic, threshold) in table {
        let tier = commission.tier_for(&sold(statistic)).unwrap();
        assert_eq!(tier.threshold, dec(threshold), "{statistic}");
    }
}

/// R8.2: a missing operator is `>=`; R8.8: count or sum, own or with the shops below.
#[test]
fn a_tier_measures_what_it_says() {
    let text = r#"{"dimension":"sales_count","scope":"self_and_sub","threshold":"3","amount":"10"}"#;
    let tier: CommissionTier = serde_json::from_str(text).unwrap();
    assert_eq!(tier.operator, Comparison::AtLeast);
    let own = SalesTally { count: 2, amount: dec("900") };
    let sales = Sales { own, self_and_sub: SalesTally { count: 3, amount: dec("1000") } };
    assert!(tier.matches(&sales));
    assert!(!CommissionTier { scope: SalesScope::Own, ..tier }.matches(&sales));
    assert!(
        CommissionTier { scope: SalesScope::Own, dimension: Dimension::SalesAmount, threshold: dec("900"), ..tier }
            .matches(&sales)
    );
}

/// R8.4: the amounts stay under all of the allocator's tiers.
#[test]
fn a_grant_stays_under_its_allocators_tiers() {
    let a = tiers(&[("100", "80"), ("150", "120")]);
    let part = |all: &[(&str, &str)]| own_part(&a, None, Some(&tiers(all).tiers));
    assert!(part(&[("100", "50"), ("150", "100")]).is_ok());
    assert!(part(&[("150", "0"), ("100", "0")]).is_ok());
    let above = Refusal::CeilingExceeded { threshold: Some(dec("100")) };
    assert_eq!(part(&[("100", "90"), ("150", "100")]), Err(above));
    assert_eq!(part(&[("100", "50")]), Err(Refusal::TiersMismatch));
    assert_eq!(part(&[("100", "50"), ("100", "50")]), Err(Refusal::TiersMismatch));
    assert_eq!(part(&[("100", "50"), ("140", "50")]), Err(Refusal::TiersMismatch));
    assert_eq!(own_part(&a, None, None), Err(Refusal::TiersMismatch));
    assert_eq!(own_part(&fixed("80"), Some(dec("80.01")), None), Err(Refusal::CeilingExceeded { threshold: None }));
    assert_eq!(own_part(&fixed("80"), None, None), Ok(fixed("0")));
}

/// R8.1
#[test]
fn a_path_ends_at_the_tenth_level_and_never_meets_itself() {
    let deep = path(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert!(matches!(deep.child(shop_id(11)), Err(Refusal::Invalid(_))));
    assert!(matches!(path(&[1, 2]).child(shop_id(1)), Err(Refusal::Invalid(_))));
    assert_eq!(ShopPath::parse(&deep.to_string()), Some(deep.clone()));
    let twice = format!("{0}/{0}", shop_id(1));
    assert_eq!((ShopPath::parse(&twice), ShopPath::parse(""), ShopPath::parse("shp_")), (None, None, None));
    let up: Vec<_> = path(&[1, 2, 3]).upward().collect();
    assert_eq!(up, [path(&[1, 2, 3]), path(&[1, 2]), path(&[1])]);
    assert!(path(&[1, 2, 3]).is_within(&path(&[1])) && !path(&[1]).is_within(&path(&[1, 2])));
    assert!(path(&[1, 2]).is_child_of(&path(&[1])) && !path(&[1, 2, 3]).is_child_of(&path(&[1])));
}

/// R8.1
#[test]
fn only_a_shop_on_which_nothing_rests_is_moved() {
    let (free, to) = (shop(&[1, 2]), shop(&[3]));
    assert_eq!(free.moved(Some(&to)).unwrap().path, path(&[3, 2]));
    assert_eq!(free.moved(None).unwrap().path, path(&[2]));
    for busy in [
        Shop { children: 1, ..free.clone() },
        Shop { grants: 1, ..free.clone() },
        Shop { stocked: true, ..free.clone() },
    ] {
        assert_eq!(busy.moved(Some(&to)), Err(Refusal::ShopInUse));
    }
    assert!(matches!(free.moved(Some(&free)), Err(Refusal::Invalid(_))));
}

fn forced(enabled: bool, amount: &str) -> ForcedRecharge {
    ForcedRecharge { enabled, amount: dec(amount) }
}

/// R8.7
#[test]
fn the_platform_forces_before_the_shop_does() {
    let trigger = |kind| CommissionTrigger { kind, threshold: dec("300") };
    let (first, accumulated) = (trigger(TriggerKind::FirstRecharge), trigger(TriggerKind::AccumulatedRecharge));
    let table = [
        (accumulated, forced(false, "0"), forced(true, "10000"), false, Some("10000")),
        (accumulated, forced(true, "20000"), forced(false, "0"), true, Some("20000")),
        (accumulated, forced(true, "20000"), forced(true, "5"), true, Some("20000")),
        (accumulated, forced(true, "0"), forced(true, "5"), true, Some("300")),
        (accumulated, forced(false, "0"), forced(false, "5"), false, None),
        (first, forced(false, "0"), forced(true, "5"), true, Some("300")),
        (first, forced(false, "500"), forced(false, "0"), true, Some("500")),
    ];
    for (trigger, platform, shop, locked, amount) in table {
        let found = effective(&trigger, &platform, &shop, false);
        assert_eq!((found.locked, found.amount), (locked, amount.map(dec)), "{trigger:?} {platform:?} {shop:?}");
        assert_eq!(effective(&trigger, &platform, &shop, true).amount, None);
    }
}

fn triggered_at(kind: TriggerKind, payments: &[(&str, bool)]) -> Option<usize> {
    let trigger = CommissionTrigger { kind, threshold: dec("300") };
    let (mut progress, mut at) = (Progress::default(), None);
    for (index, (amount, on_behalf)) in payments.iter().enumerate() {
        let (after, now) = trigger.after(progress, dec(amount), *on_behalf).unwrap();
        progress = after;
        if now {
            assert_eq!(at.replace(index), None, "twice");
        }
    }
    at
}

/// R8.8: once per asset, ever.
#[test]
fn the_one_time_commission_is_triggered_once() {
    let (first, accumulated) = (TriggerKind::FirstRecharge, TriggerKind::AccumulatedRecharge);
    assert_eq!(triggered_at(first, &[("500", false)]), Some(0));
    assert_eq!(triggered_at(first, &[("200", false)]), None);
    assert_eq!(triggered_at(first, &[("200", false), ("500", false), ("500", false)]), Some(1));
    assert_eq!(triggered_at(accumulated, &[("200", false), ("150", false), ("300", false)]), Some(1));
    assert_eq!(triggered_at(accumulated, &[("299.99", false)]), None);
    assert_eq!(triggered_at(first, &[("500", true), ("300", false)]), Some(1));
    assert_eq!(triggered_at(accumulated, &[("200", true), ("150", false)]), None);
}

/// R8.10
#[test]
fn each_level_earns_the_difference_of_costs() {
    let earned = differences(dec("100"), &[dec("80"), dec("70"), dec("55.5")]).unwrap();
    assert_eq!(earned, [dec("20"), dec("10"), dec("14.5")]);
    assert!(differences(dec("79"), &[dec("80")]).is_err());
    assert!(differences(dec("100"), &[dec("70"), dec("80")]).is_err());
}

fn priced(number: u64) -> Package {
    let (id, name, code) = (package_id(number), "P".to_owned(), number.to_string());
    Package { id, version: 1, name, code, price: dec("20"), cost_price: dec("10") }
}

/// R8.6: all or nothing; earlier costs are kept.
#[test]
fn packages_are_added_changed_and_removed_together() {
    let series = SeriesTerms { commission: CommissionTerms::none(), packages: (1..=3).map(priced).collect() };
    let (offer, now) = (series.offer(), Timestamp::UNIX_EPOCH);
    let before = grant(&[1], Own::default(), vec![held(1, "10"), held(2, "10")]).terms;
    let change = |changes: &[PackageChange]| before.with_packages(changes, &series, &offer, now);
    let (cost, remove) = (PackageChange::Cost, PackageChange::Remove);
    let after =
        change(&[cost(package_id(1), dec("12")), remove(package_id(2)), cost(package_id(3), dec("25"))]).unwrap();
    let ids: Vec<_> = after.packages.iter().map(|held| held.id).collect();
    assert_eq!(ids, [package_id(1), package_id(3)]);
    assert_eq!(after.packages[0].history, [EarlierCost { cost_price: dec("10"), until: now }]);
    assert_eq!((after.packages[1].retail_price, after.packages[1].on_shelf), (dec("25"), true));
    let [third, fourth] = [package_id(3), package_id(4)];
    assert_eq!(change(&[remove(third)]), Err(Refusal::PackageNotGranted { package: third }));
    assert_eq!(change(&[cost(fourth, dec("10"))]), Err(Refusal::PackageNotInSeries { package: fourth }));
    assert_eq!(change(&[cost(third, dec("9.99"))]), Err(Refusal::CostBelowParent { package: third }));
    let narrow = before.offer();
    let missing = before.with_packages(&[cost(third, dec("10"))], &series, &narrow, now);
    assert_eq!(missing, Err(Refusal::PackageNotGranted { package: third }));
}

/// R8.6: the history of costs is bounded.
#[test]
fn only_the_last_costs_are_kept() {
    let mut package = held(1, "1");
    for cost in 2..40 {
        package = package.at_cost(Decimal::from(cost), Timestamp::UNIX_EPOCH);
    }
    assert_eq!(package.history.len(), HISTORY_MAX);
    assert_eq!(package.history.last().unwrap().cost_price, dec("38"));
}

/// R8.5: a lowered bound changes the leaves first.
#[test]
fn lowering_a_parent_moves_its_children_leaves_first() {
    let (b, c) =
        (grant(&[1, 2], fixed("60"), vec![held(1, "10")]), grant(&[1, 2, 3], fixed("55"), vec![held(1, "11")]));
    let d = grant(&[1, 4], fixed("20"), vec![held(1, "30")]);
    let mut offer = grant(&[1], fixed("40"), vec![held(1, "25")]).offer();
    let moved = moves(&offer, &[&b, &c, &d], Timestamp::UNIX_EPOCH).0;
    assert_eq!(moved.iter().map(|of| of.at).collect::<Vec<_>>(), [1, 0]);
    for of in &moved {
        assert_eq!((of.terms.own.amount, of.terms.packages[0].cost_price), (dec("40"), dec("25")));
        assert_eq!(of.terms.packages[0].retail_price, dec("25"));
    }
    offer.costs.clear();
    let moved = moves(&offer, &[&b, &c, &d], Timestamp::UNIX_EPOCH).0;
    assert!(moved.len() == 3 && moved.iter().all(|of| of.terms.packages.is_empty()));
}

/// R8.6: a disabled grant closes its shop and those below; one with children is not deleted.
#[test]
fn a_disabled_grant_closes_what_is_below() {
    let (mut a, b) = (grant(&[1], fixed("1"), Vec::new()), grant(&[1, 2], fixed("1"), Vec::new()));
    assert!(is_open(&[b.clone(), a.clone()]));
    a.terms.status = GrantStatus::Disabled;
    assert!(!is_open(&[b.clone(), a.clone()]));
    let parent = a.with_child(true).unwrap();
    assert_eq!(parent.deleted(Timestamp::UNIX_EPOCH), Err(Refusal::GrantHasChildren));
    assert_eq!(b.deleted(Timestamp::UNIX_EPOCH).unwrap().terms.status, GrantStatus::Deleted);
}

/// R8.2: with grants, only amounts change.
#[test]
fn only_amounts_of_a_granted_series_change() {
    let before = tiered(Comparison::AtLeast, &[("100", "100"), ("150", "150")]);
    assert!(before.same_shape(&tiered(Comparison::AtLeast, &[("150", "1"), ("100", "2")])));
    assert!(!before.same_shape(&tiered(Comparison::Above, &[("100", "100"), ("150", "150")])));
    assert!(!before.same_shape(&tiered(Comparison::AtLeast, &[("100", "100")])));
    assert!(!before.same_shape(&series("100")));
}
