//! Guerdon's domain crate: the capabilities that every function shares.
//!
//! Each capability is a folder with the same parts: `model` (entities and rules, pure), one file per use case, `table` (storage),
//! `audit` (invariants) and `view` (extractors and wire types). They build on the crates [`kernel`], [`table`] and [`edge`].
//!
//! # Glossary
//!
//! One word per thing, everywhere: code, JSON, stored attribute, log field, document.
//!
//! | noun | type | meaning |
//! | --- | --- | --- |
//! | user | `User` | an account holder |
//! | inviter, invitee | | the two ends of a referral |
//! | invite code | `Invite` | shared by an inviter; each user has one primary code and may create more |
//! | credit lot | `CreditLot` | credit that one source granted (a bonus, reward or redemption code) and that expires together |
//! | opening balance | `OpeningBalance` | the balance with which a user moves in from another system, once for each source |
//! | referral | `Referral` | binds an invitee to its inviter, at the sign-up or once later: one per invitee, for ever |
//! | reward | `Reward` | money granted for a referral |
//! | signal, case | `Signal`, `RiskCase` | what sign-ups of one inviter's tree have in common; what it means for a referral, and what was decided |
//! | order | `Order` | a top-up payment order |
//! | offer | `Offer` | a configured top-up amount |
//! | provider | `Provider` | Stripe or Zpay |
//! | payment | `Payment` | the provider's side of an order |
//! | credit, bonus | | the ledger currency that an order buys; the promotion's credit on top of it |
//! | net | | the part of an order's charge that is left after refunds and disputes |
//! | promotion | `Promotion` | a new user's bonus, which falls with time and is used at most once |
//! | review | `Review` | provider money that fits no order, or not exactly, and waits for a person |
//! | ledger, journal, line | | all journals; one cause and its lines; one amount on one account. A journal's lines sum to zero |
//! | chain, head | `Head` | an account's journal entries, each hashed with the hash before; the last one of a day, which is signed |
//! | account | `Accounts` | a ledger account of one owner: balance, commission, debt. A payout account is where a withdrawal goes |
//! | commission | `Commission` | money earned on a paid order, as an affiliate or an agent |
//! | withdrawal | `Withdrawal` | commission of a user or a shop on its way to the balance or to cash |
//! | payout batch | `PayoutBatch` | cash withdrawals that are paid together, with one file |
//! | purchase | `Purchase` | a sale elsewhere that the operator's backend reports |
//! | second factor | `SecondFactor` | an admin's authenticator app and recovery codes, whose codes count once each |
//! | plan, subscription | `Plan`, `Subscription` | time that can be granted; one user's time on a plan |
//! | redemption code, batch | `Code`, `Batch` | grants plan time or balance; codes that were made together |
//! | redemption | `Redemption` | one use of a code by one user |
//! | shop | `Shop` | an agent's place in the tree |
//! | series, package | `Series`, `Package` | products that are granted together; one of them |
//! | grant | `Grant` | a shop's right to sell a series: costs, commission, packages |
//! | ceiling, tier | | the most that a grant may promise, its allocator's own; a commission step by sales |
//! | forced recharge | | a recharge that an asset needs before anything else can be bought for it |
//! | asset | `Asset` | a card or device that packages are sold for |
//! | wallet | `Wallet` | a shop's accounts |
//! | guard | | the item that makes an effect happen once |
//! | outbox | `Outbox` | messages that a transaction has promised to send |
//! | notice | `Notice` | a mail that tells a user of their money |
//! | endpoint, delivery | `Endpoint`, `Delivery` | where outbound events go; one event on its way to one endpoint |
//! | refusal, fault | `Refusal`, `Fault` | the business says no; we failed. They never mix |
//!
//! # Who uses whom
//!
//! | capability | uses | because |
//! | --- | --- | --- |
//! | `account` | `affiliate`, `agency`, `notices`, `operations`, `payment`, `redemption`, `referral`, `risk` | an account carries its referral, promotion window and shop; erasing a person and signing one up touch all of them |
//! | `affiliate` | `account`, `agency`, `operations`, `payment`, `referral`, `risk`, `webhooks` | commission follows paid orders and their referral; a withdrawal of a shop takes from its wallet |
//! | `agency` | `account`, `affiliate`, `operations`, `payment` | a sale is paid like any order; a shop belongs to an account; its commission is withdrawn like an affiliate's |
//! | `notices` | `account`, `affiliate`, `operations` | a notice goes to an account's address, and tells of a withdrawal's state |
//! | `operations` | `account`, `affiliate`, `agency`, `notices`, `payment`, `redemption`, `referral`, `risk`, `webhooks` | statistics, search, explanations and the auditor look at everything; settings and the audit log are used by all |
//! | `payment` | `account`, `affiliate`, `operations`, `referral` | an order belongs to an account and snapshots the inviter's terms under the affiliate programme's settings |
//! | `redemption` | `account`, `operations`, `payment`, `referral` | a code credits a balance; its text is read like an invite code |
//! | `referral` | `account`, `affiliate`, `operations`, `payment`, `risk` | a reward is settled in the batch that accrues commission; its threshold is in pay currency |
//! | `risk` | `account`, `affiliate`, `operations`, `payment`, `referral` | signals are of e-mails, networks, devices, payout accounts and cards; a case holds rewards and commissions |
//! | `webhooks` | `operations`, `payment`, `redemption`, `risk` | an event names its order, redemption, case or alarm |

pub use {edge, kernel, table};

use table::records::RecordSchema;

pub mod account;
pub mod affiliate;
pub mod agency;
pub mod app;
pub mod boot;
pub mod message;
pub mod notices;
pub mod operations;
pub mod payment;
pub mod redemption;
pub mod referral;
pub mod risk;
pub mod webhooks;

/// Storage of every entity, by capability.
pub fn records() -> impl Iterator<Item = &'static RecordSchema> {
    let of_capabilities = [
        table::records::RECORDS,
        account::table::RECORDS,
        affiliate::table::RECORDS,
        agency::table::RECORDS,
        notices::table::RECORDS,
        operations::table::RECORDS,
        operations::table::COUNTED,
        payment::table::RECORDS,
        redemption::table::RECORDS,
        referral::table::RECORDS,
        risk::table::RECORDS,
        webhooks::table::RECORDS,
    ];
    of_capabilities.into_iter().flatten()
}
