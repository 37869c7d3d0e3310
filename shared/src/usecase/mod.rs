//! The verbs of Guerdon, one file each: read, decide, and say in one transaction what follows.

pub mod cancel_order;
pub mod complete_order;
pub mod count;
pub mod create_admin;
pub mod create_order;
pub mod credit;
pub mod expire;
pub mod first_code;
pub mod grant_rewards;
pub mod mailed_code;
pub mod mark_failed;
pub mod records;
pub mod referral;
pub mod register;
pub mod reset_password;
pub mod session;
pub mod settle;
pub mod statistics;
pub mod sweep_outbox;
pub mod verify_signup;
