//! x
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::as_conversions, missing_docs)]

mod referral;
mod reward;
mod stand;
mod statistics;
