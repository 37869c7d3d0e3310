//! Affiliates: commissions and withdrawals (R6).

pub mod commission;
