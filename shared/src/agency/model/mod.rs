//! Agency: a tree of shops that sell an operator's packages, each under what its parent granted it (R8.1–R8.11).
//!
//! A [`shop::Shop`] stands in the tree by its path. A [`series::Series`] holds packages, the one-time commission and the rules of
//! forced recharges. A [`grant::Grant`] gives one shop one series: its own part of the commission and its cost prices, under the
//! ceiling of whoever granted it. What a lowered ceiling does below is planned in [`subtree`]; what a sale earns at each level is
//! computed in [`commission_split`]; what a recharge must be at least in [`minimum_recharge`].
//!
//! Amounts are plain decimals of the settings' `agency.currency`.

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
/// Most packages of a series (R8.3).
pub const PACKAGES_MAX: usize = 200;
/// Most changes of a grant's packages in one request (R8.6).
pub const CHANGES_MAX: usize = 90;
/// Most tiers of a commission.
pub const TIERS_MAX: usize = 20;
/// Most grants that are moved in one transaction (R8.5).
pub const TOGETHER: usize = 90;
