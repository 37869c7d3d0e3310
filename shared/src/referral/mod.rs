//! Referrals: invite codes, the one inviter of an invitee, rewards for both (R3).

pub mod ancestry;
pub mod audit;
pub mod first_code;
pub mod found_code;
pub mod grant_rewards;
pub mod invite_code;
pub mod model;
pub mod name_inviter;
pub mod overview;
pub mod own_reward;
pub mod reparent;
pub mod retry_reward;
pub mod set_invite_code;
pub mod table;
