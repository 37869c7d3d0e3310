//! The nouns of Guerdon and their rules. Pure: no async, no AWS, no clock, no randomness.

pub mod decimal;
pub mod id;
pub mod identity;
pub mod ledger;
pub mod money;
pub mod order;
pub mod payment;
pub mod promotion;
pub mod referral;
pub mod refusal;
pub mod review;
pub mod settings;
pub mod user;
