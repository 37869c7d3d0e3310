//! Payment entities and rules, free of I/O.

pub mod bonus;
pub mod coupon;
pub mod credited;
pub mod event;
pub mod order;
pub mod payment;
pub mod price;
pub mod promotion;
pub mod receipt;
pub mod reconciliation;
pub mod refund;
pub mod reversal;
pub mod review;
pub mod settings;
pub mod simulation;
