//! Accounts: sign-up, sign-in, service keys, erasure (R2).

mod balance_at;
pub mod erasure;
mod identity;
pub mod notices;
mod own;
pub mod registration;
pub mod second_factor;
pub mod service;
