//! Tests of section 8 of the rules: the examples to the digit, and properties of any tree and edits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod examples;
mod trees;

use jiff::Timestamp;
use rust_decimal::Decimal;
use ulid::Ulid;

use crate::agency::model::commission_split::{Level, Sales, SalesTally};
use crate::agency::model::grant::{Grant, GrantStatus, GrantTerms, GrantedPackage, Own, OwnTier};
use crate::agency::model::series::{
    CommissionKind, CommissionTerms, CommissionTier, Comparison, Dimension, ForcedRecharge, SalesScope,
};
use crate::agency::model::shop::{Shop, ShopPath};
use kernel::id::{GrantId, PackageId, SeriesId, ShopId};

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn shop_id(number: u64) -> ShopId {
    ShopId::new(Ulid::from_parts(number, 1))
}

fn package_id(number: u64) -> PackageId {
    PackageId::new(Ulid::from_parts(number, 2))
}

fn path(shops: &[u64]) -> ShopPath {
    let (first, rest) = shops.split_first().unwrap();
    rest.iter().fold(ShopPath::root(shop_id(*first)), |path, shop| path.child(shop_id(*shop)).unwrap())
}

fn shop(shops: &[u64]) -> Shop {
    let (id, user) = (shop_id(*shops.last().unwrap()), None);
    let (path, name, created_at) = (path(shops), "A".to_owned(), Timestamp::UNIX_EPOCH);
    Shop { id, version: 1, name, path, user, children: 0, grants: 0, stocked: false, created_at }
}

fn fixed(amount: &str) -> Own {
    Own { amount: dec(amount), tiers: Vec::new() }
}

fn tiers(all: &[(&str, &str)]) -> Own {
    let tier = |(threshold, amount): &(&str, &str)| OwnTier { threshold: dec(threshold), amount: dec(amount) };
    Own { amount: Decimal::ZERO, tiers: all.iter().map(tier).collect() }
}

fn tiered(operator: Comparison, all: &[(&str, &str)]) -> CommissionTerms {
    let tier = |(threshold, amount): &(&str, &str)| CommissionTier {
        dimension: Dimension::SalesAmount,
        scope: SalesScope::Own,
        operator,
        threshold: dec(threshold),
        amount: dec(amount),
    };
    CommissionTerms { kind: CommissionKind::Tiered, amount: Decimal::ZERO, tiers: all.iter().map(tier).collect() }
}

fn sold(amount: &str) -> Sales {
    let tally = SalesTally { count: 1, amount: dec(amount) };
    Sales { own: tally, self_and_sub: tally }
}

fn level(own: Own, statistic: &str) -> Level {
    Level { own, sales: sold(statistic) }
}

fn held(package: u64, cost: &str) -> GrantedPackage {
    let cost_price = dec(cost);
    GrantedPackage {
        id: package_id(package),
        cost_price,
        retail_price: cost_price,
        on_shelf: true,
        history: Vec::new(),
    }
}

fn grant(shops: &[u64], own: Own, packages: Vec<GrantedPackage>) -> Grant {
    let terms = GrantTerms { own, forced: ForcedRecharge::default(), status: GrantStatus::Active, packages };
    let (created_at, updated_at) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
    let (id, series) =
        (GrantId::new(Ulid::from_parts(*shops.last().unwrap(), 3)), SeriesId::new(Ulid::from_parts(1, 4)));
    Grant { id, version: 1, series, path: path(shops), terms, closing: None, children: 0, created_at, updated_at }
}
