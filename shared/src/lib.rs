//! Guerdon's domain crate: the capabilities that every function shares.
//!
//! Each capability is a folder with the same rooms: `model` (nouns and rules, pure), one file per verb, `table` (where it is
//! stored), `audit` (its invariants), `view` (its extractors and wire types). Below them stand the crates [`kernel`], [`table`] and
//! [`edge`].
//!
//! # Who uses whom
//!
//! | capability | uses | because |
//! | --- | --- | --- |
//! | `account` | `affiliate`, `agency`, `operations`, `payment`, `redemption`, `referral` | an account carries its referral, promotion window and shop; erasing a person and signing one up touch all of them |
//! | `affiliate` | `account`, `operations`, `payment`, `referral`, `webhooks` | commission follows paid orders and their referral |
//! | `agency` | `account`, `affiliate`, `operations`, `payment` | a sale is paid like any order; a shop belongs to an account |
//! | `operations` | `account`, `affiliate`, `agency`, `payment`, `redemption`, `referral`, `webhooks` | statistics, search, explanations and the auditor look at everything; settings and the audit log are used by all |
//! | `payment` | `account`, `operations`, `referral` | an order belongs to an account and snapshots the inviter's terms |
//! | `redemption` | `account`, `operations`, `payment`, `referral` | a code credits a balance; its text is read like an invite code |
//! | `referral` | `account`, `affiliate`, `operations` | a reward is settled in the batch that accrues commission |
//! | `webhooks` | `operations`, `payment`, `redemption` | an event names its order or redemption |

pub use {edge, kernel, table};

use table::records::RecordSchema;

pub mod account;
pub mod affiliate;
pub mod agency;
pub mod app;
pub mod boot;
pub mod message;
pub mod operations;
pub mod payment;
pub mod redemption;
pub mod referral;
pub mod webhooks;

/// How every entity is stored, by capability.
pub fn records() -> impl Iterator<Item = &'static RecordSchema> {
    let of_capabilities = [
        table::records::RECORDS,
        account::table::RECORDS,
        affiliate::table::RECORDS,
        agency::table::RECORDS,
        operations::table::RECORDS,
        operations::table::COUNTED,
        payment::table::RECORDS,
        redemption::table::RECORDS,
        referral::table::RECORDS,
        webhooks::table::RECORDS,
    ];
    of_capabilities.into_iter().flatten()
}
