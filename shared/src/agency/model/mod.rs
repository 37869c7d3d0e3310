//! Agency: a tree of shops that sell an operator's packages under their parents' grants (R8.1–R8.11).
//!
//! A [`shop::Shop`] has its place in the tree by its path. A [`series::Series`] holds packages, the one-time commission and the
//! rules of forced recharges. A [`grant::Grant`] gives a series to a shop: its own part of the commission and its cost prices,
//! under the ceiling of its allocator. [`subtree`] plans the changes below a lowered ceiling, [`commission_split`] computes the
//! earnings of each level from a sale, and [`minimum_recharge`] the smallest recharge.
//!
//! Amounts are plain decimals in the currency of the setting `agency.currency`.

pub mod asset;
pub mod commission_split;
pub mod grant;
pub mod minimum_recharge;
pub mod order;
pub mod series;
pub mod settings;
pub mod shop;
pub mod subtree;
#[cfg(test)]
mod tests;
pub mod wallet;

/// Deepest level of a shop (R8.1).
pub const DEPTH_MAX: usize = 10;
/// Most packages in a series (R8.3).
pub const PACKAGES_MAX: usize = 200;
/// Most package changes of a grant in one request (R8.6).
pub const CHANGES_MAX: usize = 90;
/// Most tiers of a commission.
pub const TIERS_MAX: usize = 20;
/// Most grants changed in one transaction (R8.5).
pub const TOGETHER: usize = 90;
