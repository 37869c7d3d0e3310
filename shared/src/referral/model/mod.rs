//! Entities and their rules, without I/O.

pub mod counts;
pub mod late_bind;
pub mod reconcile;
pub mod referral;
pub mod reparent;
pub mod settings;
pub mod simulation;
