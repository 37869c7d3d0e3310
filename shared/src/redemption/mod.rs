//! Redemption codes: plans, subscriptions, batches, codes and their uses (R7).

pub mod audit;
pub mod codes;
pub mod create_batch;
pub mod edit_code;
pub mod model;
pub mod outstanding;
pub mod redeem;
pub mod save_plan;
pub mod table;
pub mod texts;
pub mod undo_redemption;
pub mod view;
