//! Accounts: sign-up, sign-in, claims, sessions, limits, service keys, balance adjustments, erasure (R2), moving in (R13.1), credit
//! lots (R12.3).

pub mod adjust_balance;
pub mod audit;
pub mod balance_at;
pub mod browser;
pub mod browser_link;
pub mod create_admin;
pub mod credit_lots;
pub mod device;
pub mod erase;
pub mod import;
mod limits;
pub mod mailed_code;
pub mod model;
pub mod own_sessions;
pub mod password;
pub mod profile;
pub mod records;
pub mod register;
pub mod register_external;
pub mod reset_password;
pub mod reset_second_factor;
pub mod second_factor;
pub mod service_keys;
pub mod session;
pub mod set_role;
pub mod set_status;
pub mod staff;
pub mod table;
pub mod token;
pub mod verify_signup;
pub mod view;
