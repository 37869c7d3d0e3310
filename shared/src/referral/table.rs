//! Storage of invite codes, rewards and their counts.

use kernel::id::{RewardId, UserId};
use kernel::key_part::KeyPart;
use table::key::{Key, at_time, owned};
use table::records;
use table::spread::{MonthlyList, SOME};

use crate::referral::model::counts::{InviteeLimit, Milestone, ReferralCounts};
use crate::referral::model::referral::{ActiveCodes, Invite, Reward, Trigger};

/// Rewards, of the whole platform.
pub const REWARDS: MonthlyList = MonthlyList::spread("REWARDS", SOME);

records! {
    /// An invite code: sign-up (R3.1), lists (R6.2).
    Invite = "invite" {
        fn key(code: &str) = "INVITE#{code}", "INVITE";
        at |it| Invite::key(it.code.as_str());
        owner |it| Some(owned("INVITES", it.owner, at_time(it.created_at, &it.code)));
    }

    /// A user's active codes beside the primary one, to limit their number (R6.2).
    ActiveCodes = "active_codes" {
        fn key(user: UserId) = "USER#{user}", "CODES";
        at |it| ActiveCodes::key(it.user);
    }

    /// A reward: lists (R3.9, R3.10).
    Reward = "reward" {
        fn key(id: RewardId) = "REWARD#{id}", "REWARD";
        at |it| Reward::key(it.id);
        owner |it| Some(owned("REWARDS", it.beneficiary, at_time(it.created_at, it.id)));
        platform |it| Some(REWARDS.entry(it.created_at, at_time(it.created_at, it.id)));
    }

    /// The counts of an inviter (R3.9).
    ReferralCounts = "referral_counts" {
        fn key(user: UserId) = "USER#{user}", "REFERRALS";
        at |it| ReferralCounts::key(it.user);
    }

    /// The guard that counts an invitee once for a milestone that made no reward.
    Milestone = "milestone" {
        fn key(invitee: UserId, trigger: Trigger) = "USER#{invitee}", "MILESTONE#{trigger}";
        at |it| Milestone::key(it.invitee, it.trigger);
    }

    /// The number of sign-ups with an inviter's codes under a limit (R3.4).
    InviteeLimit = "invitee_limit" {
        fn key(user: UserId) = "USER#{user}", "LIMIT";
        at |it| InviteeLimit::key(it.user);
    }
}

/// Key of a code's number of invitees, in shards (R6.2); written by the statistics.
#[derive(Debug, Clone, Copy)]
pub struct CodeInvitees;

impl CodeInvitees {
    /// The key `INVITED#{code}` / `{shard}`.
    pub fn key(code: &str, shard: u8) -> Key {
        Key::of(format!("INVITED#{}", code.part()), format!("{shard:02}"))
    }
}
