//! Affiliates: policies, commission on paid orders and purchases, holds, withdrawals, payout batches (R6).

pub mod accrual;
pub mod audit;
pub mod close_withdrawal;
pub mod drop_payout_batch;
pub mod in_bulk;
pub mod make_payout_batch;
pub mod model;
pub mod overview;
pub mod paying_invitees;
pub mod payout_account;
pub mod payout_batches;
pub mod payout_file;
pub mod post_commission;
pub mod purchases;
pub mod release_commission;
pub mod release_holds;
pub mod report_purchase;
pub mod reverse_commission;
pub mod set_policy;
pub mod statement;
pub mod table;
pub mod view;
pub mod withdraw;
pub mod years;
