//! Nouns and rules, pure.

pub mod counts;
pub mod reconcile;
pub mod referral;
pub mod settings;
