//! The nouns of Guerdon and their rules. Pure: no async, no AWS, no clock, no randomness.

pub mod access;
pub mod agency;
pub mod audit_record;
pub mod code;
pub mod commission;
pub mod contribution;
pub mod decimal;
pub mod event;
pub mod id;
pub mod identity;
pub mod ledger;
pub mod money;
pub mod order;
pub mod payment;
pub mod plan;
pub mod promotion;
pub mod redemption;
pub mod referral;
pub mod refusal;
pub mod reversal;
pub mod review;
pub mod settings;
pub mod settlement;
pub mod tally;
pub mod user;
pub mod withdrawal;
