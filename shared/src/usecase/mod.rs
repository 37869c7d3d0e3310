//! The verbs of Guerdon, one file each: read, decide, and say in one transaction what follows.

pub mod complete_order;
pub mod count;
pub mod credit;
pub mod first_code;
pub mod grant_rewards;
pub mod mark_failed;
pub mod referral;
pub mod settle;
pub mod statistics;
