//! Accounts: sign-up, sign-in, service keys, erasure (R2).

pub mod erasure;
mod identity;
pub mod registration;
pub mod service;
