//! Every key of the one table. Nobody else builds a key.
//!
//! | item | pk | sk | index entries | written by | read for |
//! | --- | --- | --- | --- | --- | --- |
//! | user | `USER#{usr}` | `USER` | gsi1 `INVITEES#{inviter}` by id · gsi2 `USERS#{month}` by id · gsi3 `DUE#promotion#{shard}` by end of window | registration, every money transaction | everything about a person, balance included |
//! | e-mail claim | `EMAIL#{hash}` | `EMAIL` | – | registration | one account per e-mail (R2.1), its password hash |
//! | external claim | `EXTERNAL#{hash}` | `EXTERNAL` | – | service | one account per id of the operator's backend (R2.6) |
//! | service key | `SERVICE_KEY#{svk}` | `SERVICE_KEY` | gsi2 `SERVICE_KEYS#{month}` by id | admin | who calls `/v1/service` (R2.6) |
//! | endpoint | `ENDPOINT#{whe}` | `ENDPOINT` | gsi1 `ENDPOINTS` by id, while it is there | admin, notifier, scheduler | where events go |
//! | delivery | `ENDPOINT#{whe}` | `DELIVERY#{evt}` | gsi3 `DUE#delivery#{shard}` by its next attempt while pending | notifier, scheduler, admin | an event on its way to an endpoint, the log; TTL |
//! | purchase | `PURCHASE#{ord}` | `PURCHASE` | – | service | one per key and id of the backend's (R2.6), what a commission is a part of |
//! | pending sign-up | `EMAIL#{hash}` | `SIGNUP` | – | registration | verification (R2.4); TTL |
//! | password reset | `EMAIL#{hash}` | `RESET` | – | registration | resets (R2.8); TTL |
//! | session | `USER#{usr}` | `SESSION#{ses}` | – | registration | refresh (R2.5); TTL |
//! | posting | `USER#{usr}` | `POSTING#{number}` | gsi2 `POSTINGS#{month}` by journal | every money transaction | records, one query per page (R1.5) |
//! | commission account | `AFFILIATE#{usr}` | `ACCOUNT` | – | reward-worker, affiliate, admin, scheduler | an affiliate's parts (R6.4) |
//! | commission posting | `AFFILIATE#{usr}` | `POSTING#{number}` | gsi2 `POSTINGS#{month}` by journal | the same | records of the commission account, one query per page |
//! | maturing | `MATURING#{usr}` | `{at}#{ord}` | gsi3 `DUE#commission#{shard}` by time | reward-worker | commissions whose hold time is not over, read consistently by whoever withdraws (R6.4) |
//! | earnings | `USER#{invitee}` | `EARNINGS` | – | reward-worker | trigger limit and cap per invitee (R6.3) |
//! | commission | `COMMISSION#{cms}` | `COMMISSION` | gsi1 `COMMISSIONS#{beneficiary}` · gsi2 `COMMISSIONS#{month}` by time | reward-worker | one per order, lists (R6.7) |
//! | withdrawal | `WITHDRAWAL#{wdr}` | `WITHDRAWAL` | gsi1 `WITHDRAWALS#{usr}` · gsi2 `WITHDRAWALS#{month}` by id | affiliate, admin | lists (R6.5, R6.6) |
//! | referral counts | `USER#{usr}` | `REFERRALS` | – | reward-worker | the inviter's page (R3.9) |
//! | milestone | `USER#{invitee}` | `MILESTONE#{trigger}` | – | reward-worker | counting an invitee once without a reward |
//! | invitee limit | `USER#{usr}` | `LIMIT` | – | registration, only under a limit | the limit of sign-ups per inviter (R3.4) |
//! | order window | `USER#{usr}` | `WINDOW` | – | payment | orders per minute (R4.2) |
//! | invite code | `INVITE#{code}` | `INVITE` | gsi1 `INVITES#{owner}` by time | referral, affiliate, admin | sign-up (R3.1), lists (R6.2) |
//! | active codes | `USER#{usr}` | `CODES` | – | affiliate, admin | how many codes beside the primary one (R6.2) |
//! | invitees of a code | `INVITED#{code}` | `{shard}` | – | statistics | how many a code brought (R6.2) |
//! | reward | `REWARD#{rwd}` | `REWARD` | gsi1 `REWARDS#{beneficiary}` · gsi2 `REWARDS#{month}` by id | registration, reward-worker | lists (R3.9, R3.10) |
//! | order | `ORDER#{ord}` | `ORDER` | gsi1 `ORDERS#{user}` · gsi2 `ORDERS#{month}` by id · gsi3 `DUE#order#{shard}` by its next look while a payment is looked for, `DUE#confirm#{shard}` while completed by hand and not confirmed | payment, payment-webhook, scheduler | lists, expiry (R4.12) |
//! | payment | `PAYMENT#{provider}#{id}` | `PAYMENT` | – | payment-webhook | one provider payment's net state (R4.5) |
//! | event | `EVENT#{provider}#{id}` | `EVENT` | gsi1 `EVENTS#{order}` | payment-webhook | marker and outcome (R4.9) |
//! | raw event | `EVENT#{provider}#{id}` | `RAW` | – | payment-webhook, plain write | evidence; TTL |
//! | review | `REVIEW#{rvw}` | `REVIEW` | gsi2 `REVIEWS#{month}` by id | payment-webhook | review queue (R4.5) |
//! | reconciliation | `RECONCILIATION#{date}` | `{provider}` | gsi2 `RECONCILIATIONS#{month}` by date and provider | scheduler | the daily report (R4.10) |
//! | its differences | `RECONCILIATION#{date}` | `DIFFERENCES#{provider}#{page}` | – | scheduler | payments that differ, a page of them |
//! | house posting | `JOURNAL#{jrn}` | `POSTING` | gsi2 `POSTINGS#{month}` by journal | payment-webhook | movements without a user (suspense) |
//! | ledger begun | `LEDGER` | `LEDGER` | – | the first transaction of all with a journal | whether the ledger currency may change (R9.1) |
//! | plan | `PLAN#{pln}` | `PLAN` | gsi2 `PLANS#{month}` by id | admin | what time is sold of (R7.2) |
//! | subscription | `USER#{usr}` | `SUBSCRIPTION#{pln}#{number}` | – | redemption | a user's time on a plan (R7.4) |
//! | batch | `BATCH#{bat}` | `BATCH` | gsi2 `BATCHES#{month}` by id | admin, reward-worker | batches; their codes' texts follow from it (R7.1) |
//! | code | `CODE#{code}` | `CODE` | – | admin, reward-worker, redemption | terms and, up to 100 uses, their count (R7.2) |
//! | code shard | `CODE#{code}` | `SHARD#{shard}` | – | redemption | a share of a larger total and its count (R7.3) |
//! | redemption | `REDEMPTION#{usr}#{bat}.{ordinal}#{number}` | `REDEMPTION` | gsi1 `REDEMPTIONS#{usr}` · gsi2 `REDEMPTIONS#{month}` by id | redemption | one use per user, code and number (R7.3) |
//! | uses of an unlimited code | `USES#{bat}.{ordinal}` | `{shard}` | – | statistics | how often it was redeemed |
//! | agency begun | `AGENCY` | `AGENCY` | – | the first movement of the agency's money | whether its currency may change (R9.1) |
//! | shop | `SHOP#{shp}` | `SHOP` | gsi1 `SHOPS#{level-1 shop}` by id · gsi2 `SHOPS#{month}` by id | agency | the tree, what rests on a shop (R8.1) |
//! | wallet | `SHOP#{shp}` | `WALLET` | – | agency, admin, reward-worker | what a shop can spend and what it earned (R8.12) |
//! | wallet posting | `WALLET#{shp}.main`, `WALLET#{shp}.commission` | `POSTING#{number}` | gsi2 `POSTINGS#{month}` by journal | the same | its entries |
//! | sales of a shop | `SHOP#{shp}` | `SALES#{ser}` | – | reward-worker | what tiers are matched by (R8.8) |
//! | series | `SERIES#{ser}` | `SERIES` | gsi2 `SERIES#{month}` by id | agency | packages, commission; the bound of level 1 (R8.2) |
//! | grant | `SERIES#{ser}` | `GRANT#{path}` | gsi1 `GRANTS#{level-1 shop}` by id · gsi2 `GRANTS#{month}` by id | agency, reward-worker | one per shop and series, with its packages (R8.3) |
//! | deleted grant | `SERIES#{ser}` | `DELETED#{grt}` | as a grant | agency | who looks back (R8.6) |
//! | grant place | `GRANT#{grt}` | `PLACE` | – | agency | finding a grant by its id |
//! | asset | `ASSET#{ast}` | `ASSET` | gsi1 `ASSETS#{level-1 shop}` by id · gsi2 `ASSETS#{month}` by id | agency, reward-worker | its shop, balance, and whether its commission was triggered (R8.8) |
//! | asset claim | `IDENTIFIER#{kind}#{identifier}` | `ASSET` | – | agency | one asset per identifier |
//! | asset posting | `ASSET#{ast}` | `POSTING#{number}` | gsi2 `POSTINGS#{month}` by journal | agency, reward-worker | its entries |
//! | agency order | `AGENCYORDER#{ago}` | `ORDER` | gsi1 `AGENCYORDERS#{level-1 shop}` by id · gsi2 `AGENCYORDERS#{month}` by id | agency, reward-worker | the snapshot of a sale and what it paid the chain (R8.9–R8.11) |
//! | settings | `SETTINGS#{area}` | `SETTINGS` | – | admin | every function, cached (R9.1) |
//! | once-record | `ONCE#{hash}` | `ONCE` | – | `App::run` | a repeated request's first answer (R1.8); TTL |
//! | outbox | `OUTBOX#{shard}` | `{obx}` | – | every transaction that sends | sweeper |
//! | tries | `TRY#{kind}#{hash}` | `TRY` | – | plain write | sign-in and guess limits (R2.8); TTL |
//! | public keys | `KEYS` | `KEYS` | – | registration | verifying access tokens (R2.5) |
//! | counted | the subject's pk | `COUNTED` | – | statistics | what statistics hold of one thing (R9.2) |
//! | statistics | `STATISTICS` | `{shard}` | – | statistics | totals (R9.2) |
//! | statistics of a day | `STATISTICS#{month}` | `{day}#{shard}` | – | statistics | daily series (R9.2) |
//! | audit record | `AUDIT#{aud}` | `AUDIT` | gsi2 `AUDITS#{month}` by id | admin | who did what (R9.3) |
//!
//! No key holds an e-mail or anything else personal: e-mails are hashed with a secret. Typed parts exclude the
//! separator `#`; a foreign part (a provider's id) that could contain it is replaced by its hash.

mod outbound;
mod reconciliation;

use data_encoding::HEXLOWER;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use sha2::{Digest, Sha256};

pub use self::outbound::{DELIVERIES, ENDPOINTS, endpoint_of};
pub use self::reconciliation::{DIFFERENCES, reconciliations_of};
use crate::domain::agency::shop::ShopPath;
use crate::domain::code::{CodeRef, CodeText};
use crate::domain::id::{
    AgencyOrderId, AssetId, AuditId, BatchId, CommissionId, GrantId, JournalId, OrderId, OutboxId, PlanId, ReviewId,
    RewardId, SeriesId, ServiceKeyId, SessionId, ShopId, UserId, WithdrawalId,
};
use crate::domain::ledger::Holder;

/// Over how many partitions the outbox and the due-time index are spread.
pub const SHARDS: u8 = 8;

/// Where an item is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

impl Key {
    fn of(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    /// A person's account.
    pub fn user(user: UserId) -> Self {
        Self::of(format!("USER#{user}"), "USER")
    }

    /// The claim of an e-mail, by the secret hash of it.
    pub fn email(hash: &str) -> Self {
        Self::of(format!("EMAIL#{}", foreign(hash)), "EMAIL")
    }

    /// The claim of an id of the operator's backend, by the secret hash of it.
    pub fn external(hash: &str) -> Self {
        Self::of(format!("EXTERNAL#{}", foreign(hash)), "EXTERNAL")
    }

    /// A service key.
    pub fn service_key(key: ServiceKeyId) -> Self {
        Self::of(format!("SERVICE_KEY#{key}"), "SERVICE_KEY")
    }

    /// A purchase; its id follows from the key that reports it and the backend's own id.
    pub fn purchase(purchase: OrderId) -> Self {
        Self::of(format!("PURCHASE#{purchase}"), "PURCHASE")
    }

    /// A sign-up that waits for its e-mail to be verified.
    pub fn signup(hash: &str) -> Self {
        Self::of(format!("EMAIL#{}", foreign(hash)), "SIGNUP")
    }

    /// A password reset that was asked for.
    pub fn reset(hash: &str) -> Self {
        Self::of(format!("EMAIL#{}", foreign(hash)), "RESET")
    }

    /// A chain of refresh tokens.
    pub fn session(user: UserId, session: SessionId) -> Self {
        Self::of(format!("USER#{user}"), format!("SESSION#{session}"))
    }

    /// A holder's `number`-th posting.
    pub fn posting(holder: impl Into<Holder>, number: u64) -> Self {
        let partition = match holder.into() {
            Holder::User(user) => format!("USER#{user}"),
            Holder::Asset(asset) => format!("ASSET#{asset}"),
            shop => format!("WALLET#{shop}"),
        };
        Self::of(partition, format!("{POSTINGS}{number:012}"))
    }

    /// The `number`-th posting of a user's commission account.
    pub fn commission_posting(user: UserId, number: u64) -> Self {
        Self::of(affiliate(user), format!("{POSTINGS}{number:012}"))
    }

    /// A user's commission account.
    pub fn commission_account(user: UserId) -> Self {
        Self::of(affiliate(user), "ACCOUNT")
    }

    /// A commission of `user` whose hold time is over at `at`.
    pub fn maturing(user: UserId, at: Timestamp, order: OrderId) -> Self {
        Self::of(maturing(user), format!("{}#{order}", sortable(at)))
    }

    /// What an invitee's orders earned their inviter.
    pub fn earnings(invitee: UserId) -> Self {
        Self::of(format!("USER#{invitee}"), "EARNINGS")
    }

    /// A commission.
    pub fn commission(commission: CommissionId) -> Self {
        Self::of(format!("COMMISSION#{commission}"), "COMMISSION")
    }

    /// A withdrawal.
    pub fn withdrawal(withdrawal: WithdrawalId) -> Self {
        Self::of(format!("WITHDRAWAL#{withdrawal}"), "WITHDRAWAL")
    }

    /// A posting that touches house accounts only.
    pub fn house_posting(journal: JournalId) -> Self {
        Self::of(format!("JOURNAL#{journal}"), "POSTING")
    }

    /// An inviter's counts.
    pub fn referral_counts(user: UserId) -> Self {
        Self::of(format!("USER#{user}"), "REFERRALS")
    }

    /// That an invitee was counted for a milestone (`registration`, `qualified`) without a reward.
    pub fn milestone(invitee: UserId, trigger: &str) -> Self {
        Self::of(format!("USER#{invitee}"), format!("MILESTONE#{}", foreign(trigger)))
    }

    /// How many sign-ups an inviter's codes bound under a limit.
    pub fn invitee_limit(inviter: UserId) -> Self {
        Self::of(format!("USER#{inviter}"), "LIMIT")
    }

    /// The window in which a user's orders are counted.
    pub fn order_window(user: UserId) -> Self {
        Self::of(format!("USER#{user}"), "WINDOW")
    }

    /// An invite code.
    pub fn invite(code: &str) -> Self {
        Self::of(format!("INVITE#{}", foreign(code)), "INVITE")
    }

    /// A user's active codes beside the primary one.
    pub fn active_codes(user: UserId) -> Self {
        Self::of(format!("USER#{user}"), "CODES")
    }

    /// One shard of how many people a code brought.
    pub fn invited(code: &str, shard: u8) -> Self {
        Self::of(format!("INVITED#{}", foreign(code)), format!("{shard:02}"))
    }

    /// A reward.
    pub fn reward(reward: RewardId) -> Self {
        Self::of(format!("REWARD#{reward}"), "REWARD")
    }

    /// An order.
    pub fn order(order: OrderId) -> Self {
        Self::of(format!("ORDER#{order}"), "ORDER")
    }

    /// A provider's payment.
    pub fn payment(provider: &str, payment: &str) -> Self {
        Self::of(format!("PAYMENT#{}#{}", foreign(provider), foreign(payment)), "PAYMENT")
    }

    /// A provider's event: marker and outcome.
    pub fn event(provider: &str, event: &str) -> Self {
        Self::of(format!("EVENT#{}#{}", foreign(provider), foreign(event)), "EVENT")
    }

    /// A provider's event as it came.
    pub fn raw_event(provider: &str, event: &str) -> Self {
        Self { sk: "RAW".into(), ..Self::event(provider, event) }
    }

    /// An item of the review queue.
    pub fn review(review: ReviewId) -> Self {
        Self::of(format!("REVIEW#{review}"), "REVIEW")
    }

    /// That money of the agency moved.
    pub fn agency_begun() -> Self {
        Self::of("AGENCY", "AGENCY")
    }

    /// A shop of the agency tree.
    pub fn shop(shop: ShopId) -> Self {
        Self::of(format!("SHOP#{shop}"), "SHOP")
    }

    /// A shop's accounts.
    pub fn wallet(shop: ShopId) -> Self {
        Self::of(format!("SHOP#{shop}"), "WALLET")
    }

    /// What a shop and those below it sold of a series.
    pub fn shop_sales(shop: ShopId, series: SeriesId) -> Self {
        Self::of(format!("SHOP#{shop}"), format!("SALES#{series}"))
    }

    /// A series, with its packages.
    pub fn series(series: SeriesId) -> Self {
        Self::of(series_of(series), "SERIES")
    }

    /// A shop's grant of a series.
    pub fn grant(series: SeriesId, shop: &ShopPath) -> Self {
        Self::of(series_of(series), format!("{GRANTS}{shop}"))
    }

    /// A grant that was deleted: it stands aside, so that another may take its place.
    pub fn deleted_grant(series: SeriesId, grant: GrantId) -> Self {
        Self::of(series_of(series), format!("DELETED#{grant}"))
    }

    /// Where a grant is found.
    pub fn grant_place(grant: GrantId) -> Self {
        Self::of(format!("GRANT#{grant}"), "PLACE")
    }

    /// An asset.
    pub fn asset(asset: AssetId) -> Self {
        Self::of(format!("ASSET#{asset}"), "ASSET")
    }

    /// That an identifier is an asset's: one of its kind.
    pub fn asset_claim(kind: &str, identifier: &str) -> Self {
        Self::of(format!("IDENTIFIER#{}#{}", foreign(kind), foreign(identifier)), "ASSET")
    }

    /// An agency order.
    pub fn agency_order(order: AgencyOrderId) -> Self {
        Self::of(format!("AGENCYORDER#{order}"), "ORDER")
    }

    /// That the first journal was written.
    pub fn ledger_begun() -> Self {
        Self::of("LEDGER", "LEDGER")
    }

    /// A plan.
    pub fn plan(plan: PlanId) -> Self {
        Self::of(format!("PLAN#{plan}"), "PLAN")
    }

    /// A user's `number`-th subscription of a plan.
    pub fn subscription(user: UserId, plan: PlanId, number: u32) -> Self {
        Self::of(format!("USER#{user}"), format!("{}{number:06}", subscriptions_of(plan)))
    }

    /// A batch of redemption codes.
    pub fn batch(batch: BatchId) -> Self {
        Self::of(format!("BATCH#{batch}"), "BATCH")
    }

    /// A redemption code.
    pub fn code(code: &CodeText) -> Self {
        Self::of(format!("CODE#{}", code.as_str()), "CODE")
    }

    /// A share of a code's uses.
    pub fn code_shard(code: &CodeText, shard: u8) -> Self {
        Self::of(format!("CODE#{}", code.as_str()), format!("{CODE_SHARDS}{shard:03}"))
    }

    /// A user's `number`-th use of a code.
    pub fn redemption(user: UserId, code: CodeRef, number: u32) -> Self {
        Self::of(format!("REDEMPTION#{user}#{code}#{number}"), "REDEMPTION")
    }

    /// One shard of how often an unlimited code was redeemed.
    pub fn uses(code: &str, shard: u8) -> Self {
        Self::of(format!("USES#{}", foreign(code)), format!("{shard:02}"))
    }

    /// The settings document of an area.
    pub fn settings(area: &str) -> Self {
        Self::of(format!("SETTINGS#{}", foreign(area)), "SETTINGS")
    }

    /// The once-record of a request, by the secret hash of caller, route and key.
    pub fn once(hash: &str) -> Self {
        Self::of(format!("ONCE#{}", foreign(hash)), "ONCE")
    }

    /// The messages that one transaction promised.
    pub fn outbox(outbox: OutboxId) -> Self {
        Self::of(outbox_shard(shard_of(&outbox.to_string())), outbox.to_string())
    }

    /// Failed attempts of one kind by one subject, by its secret hash.
    pub fn tries(kind: &str, hash: &str) -> Self {
        Self::of(format!("TRY#{}#{}", foreign(kind), foreign(hash)), "TRY")
    }

    /// The public keys that access tokens are verified with.
    pub fn public_keys() -> Self {
        Self::of("KEYS", "KEYS")
    }

    /// What statistics hold of the thing at `subject`.
    pub fn counted(subject: &Self) -> Self {
        Self { pk: subject.pk.clone(), sk: "COUNTED".into() }
    }

    /// One shard of the totals.
    pub fn statistics(shard: u8) -> Self {
        Self::of("STATISTICS", format!("{shard:02}"))
    }

    /// One shard of a day's totals; `day` is `YYYY-MM-DD`.
    pub fn statistics_of_day(day: &str, shard: u8) -> Self {
        let month = day.get(..7).unwrap_or(day);
        Self::of(format!("STATISTICS#{}", foreign(month)), format!("{}#{shard:02}", foreign(day)))
    }

    /// An audit record.
    pub fn audit(audit: AuditId) -> Self {
        Self::of(format!("AUDIT#{audit}"), "AUDIT")
    }
}

/// The partition of a list of one agency tree, by the level-1 shop of a path.
pub fn tree(list: &str, path: &ShopPath) -> String {
    let top = path.level_one().map(|shop| shop.to_string());
    format!("{}#{}", foreign(list), top.unwrap_or_default())
}

/// The partition of a series, its grants included.
pub fn series_of(series: SeriesId) -> String {
    format!("SERIES#{series}")
}

/// What the sort keys of a series' grants begin with; the shop's path follows.
pub const GRANTS: &str = "GRANT#";

/// The partition that holds the totals of a month's days.
pub fn statistics_of_month(month: Date) -> String {
    format!("STATISTICS#{}", month.strftime("%Y-%m"))
}

/// The partition of a list that belongs to a user, `INVITEES#usr_…`.
pub fn owned_by(list: &str, user: UserId) -> String {
    format!("{list}#{user}")
}

/// What the sort keys of a user's subscriptions of a plan begin with.
pub fn subscriptions_of(plan: PlanId) -> String {
    format!("SUBSCRIPTION#{plan}#")
}

/// The partition of a user's commission account.
pub fn affiliate(user: UserId) -> String {
    format!("AFFILIATE#{user}")
}

/// What the sort keys of an account's postings begin with.
pub const POSTINGS: &str = "POSTING#";

/// The partition of a user's commissions whose hold time is not over, by the time when it is.
pub fn maturing(user: UserId) -> String {
    format!("MATURING#{user}")
}

/// What the sort keys of a code's shards begin with.
pub const CODE_SHARDS: &str = "SHARD#";

/// The partition of one outbox shard.
pub fn outbox_shard(shard: u8) -> String {
    format!("OUTBOX#{shard}")
}

/// The partition of one shard of a due-time index (`order`, `promotion`).
pub fn due_shard(what: &str, shard: u8) -> String {
    format!("DUE#{what}#{shard}")
}

/// Where a due thing stands in its shard: by time alone, as an index takes any number of items at one place.
pub fn due_at(at: Timestamp) -> String {
    sortable(at)
}

/// What stands right after everything that is due by `at`.
pub fn due_until(at: Timestamp) -> String {
    format!("{}~", sortable(at))
}

/// A time whose text sorts as the time does.
pub fn sortable(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// The month partition of an admin list, `ORDERS#2026-11`.
pub fn month_of(list: &str, at: Timestamp) -> String {
    format!("{list}#{}", at.to_zoned(TimeZone::UTC).strftime("%Y-%m"))
}

/// The shard of an id: its hash, so that ids made in one instant spread.
pub fn shard_of(id: &str) -> u8 {
    Sha256::digest(id.as_bytes()).first().map_or(0, |byte| byte % SHARDS)
}

/// A foreign part of a key, as it is when its alphabet is harmless, else its hash.
fn foreign(part: &str) -> String {
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':');
    if (1..=200).contains(&part.len()) && part.bytes().all(harmless) {
        part.to_owned()
    } else {
        format!("~{}", HEXLOWER.encode(&Sha256::digest(part.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_id_cannot_reach_another_key() {
        let plain = Key::payment("zpay", "2026112022001");
        assert_eq!(plain.pk, "PAYMENT#zpay#2026112022001");
        let sly = Key::payment("zpay", "1#PAYMENT");
        assert!(!sly.pk.contains("1#PAYMENT") && sly.pk.starts_with("PAYMENT#zpay#~"), "{sly:?}");
        assert_ne!(Key::payment("zpay", "").pk, "PAYMENT#zpay#");
    }
}
