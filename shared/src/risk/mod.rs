//! Risk: signals of sign-ups, compared within one inviter's tree, and the cases that hold what rests on them (R10.1, R10.2).
//!
//! The message about a sign-up carries keyed hashes. The reward worker compares them with those of the inviter and of the
//! inviter's other invitees, in the transaction that settles the sign-up. A match makes a [`RiskCase`](model::case::RiskCase):
//! it flags, or it holds the rewards and commissions of that referral until somebody decides. A signal never refuses a request,
//! and nothing granted is taken back.

pub mod audit;
pub mod auto_release;
pub mod cases;
pub mod compare;
pub mod decide;
pub mod follow;
pub mod later;
pub mod model;
pub mod sign_up;
pub mod table;
