//! Pages of staff (C3.4), below `/admin`.
//!
//! A page is a function that takes [`pages::Staff`]: its visit, by somebody who may see it. One line in the table of [`pages`]
//! gives it its path and its rule, and so its gate; the matrix in `tests/it/page/admin.rs` says the same once more. If the menu leads to it, one line in
//! [`menu`] names the entry, which shows to those whom the rule admits. Its texts stand in `text/staff.en.ftl` and
//! `text/staff.zh-CN.ftl`, or in a pair of files of their own, named in `text.rs`. There is nothing else to do.
//!
//! A page is made of [`parts`], [`filters`] and [`chart`](crate::chart), inside [`menu::page`]. A form goes through `visit.sealed(…)` to the
//! API's own route. If `account::staff::DANGEROUS` has that route, the form adapter wants a password that was entered a moment
//! ago, so the page with the form says `.fresh()` in the table and leads through `/confirm-password` first; the form stands on a
//! page of its own, [`parts::confirm`], which says in numbers what will change.

pub mod acts;
mod agency;
mod audit;
mod coupons;
pub mod filters;
pub mod find;
mod growth;
mod keys;
mod ledger;
mod liabilities;
pub mod menu;
pub mod orders;
mod overview;
pub mod pages;
pub mod parts;
mod payouts;
mod reconciliations;
mod reviews;
mod risk;
mod said;
mod settings;
mod stats;
mod together;
mod users;
mod vouchers;
mod webhooks;
mod withdrawals;
mod words;
mod years;
