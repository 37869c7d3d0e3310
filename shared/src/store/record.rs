//! Where each noun is stored: its type name, its key, the lists it stands in.

mod agency;

use jiff::{Timestamp, ToSpan};

use super::item::{Indexes, Record};
use super::key::{ENDPOINTS, Key, due_at, due_shard, month_of, shard_of};
use crate::domain::access::{EmailClaim, ExternalClaim, PasswordReset, PendingSignup, Session};
use crate::domain::audit_record::AuditRecord;
use crate::domain::code::{Batch, Code, CodeShard};
use crate::domain::commission::{Commission, CommissionAccount, Earnings, Maturing};
use crate::domain::delivery::{Delivery, KEPT_HOURS};
use crate::domain::endpoint::Endpoint;
use crate::domain::event::{Event, RAW_KEPT_HOURS, RawEvent};
use crate::domain::ledger::{Holder, Posting};
use crate::domain::order::Order;
use crate::domain::payment::Payment;
use crate::domain::plan::{Plan, Subscription};
use crate::domain::purchase::Purchase;
use crate::domain::reconciliation::{Differences, Reconciliation};
use crate::domain::redemption::Redemption;
use crate::domain::referral::{ActiveCodes, Invite, Reward};
use crate::domain::review::Review;
use crate::domain::service_key::ServiceKey;
use crate::domain::tally::{Counted, InviteeLimit, Milestone, OrderWindow, ReferralCounts};
use crate::domain::user::User;
use crate::domain::withdrawal::Withdrawal;
use crate::message::Outbox;
use crate::once::OnceRecord;
use crate::settings::{LedgerBegun, SettingsRecord};
use crate::token::PublicKeys;

/// Days that a marker with a time to live outlives its use: the database may drop it any time after.
fn after(at: Timestamp, hours: i64) -> Option<Timestamp> {
    at.checked_add(hours.hours()).ok()
}

impl Record for User {
    const TYPE: &'static str = "user";
    fn key(&self) -> Key {
        Key::user(self.id)
    }
    fn indexes(&self) -> Indexes {
        let id = self.id.to_string();
        let inviter = self.attribution.as_ref().map(|attribution| format!("INVITEES#{}", attribution.inviter));
        let window = self.promotion.as_ref().filter(|promotion| !promotion.closed);
        let window = window.map(|promotion| ("promotion", promotion.ends_at));
        // One thing is due at a time: the window of who was erased can wait.
        let due = self.traces_due.map(|at| ("traces", at)).or(window);
        Indexes {
            owner: inviter.map(|list| (list, id.clone())),
            platform: Some((month_of("USERS", self.created_at), id.clone())),
            due: due.map(|(what, at)| (due_shard(what, shard_of(&id)), due_at(at))),
        }
    }
}

impl Record for EmailClaim {
    const TYPE: &'static str = "email";
    fn key(&self) -> Key {
        Key::email(&self.email_hash)
    }
}

impl Record for ExternalClaim {
    const TYPE: &'static str = "external";
    fn key(&self) -> Key {
        Key::external(&self.external_hash)
    }
}

impl Record for ServiceKey {
    const TYPE: &'static str = "service_key";
    fn key(&self) -> Key {
        Key::service_key(self.id)
    }
    fn indexes(&self) -> Indexes {
        let list = (month_of("SERVICE_KEYS", self.created_at), self.id.to_string());
        Indexes { platform: Some(list), ..Indexes::default() }
    }
}

impl Record for Endpoint {
    const TYPE: &'static str = "endpoint";
    fn key(&self) -> Key {
        Key::endpoint(self.id)
    }
    fn indexes(&self) -> Indexes {
        let list = self.deleted_at.is_none().then(|| (ENDPOINTS.to_owned(), self.id.to_string()));
        Indexes { owner: list, ..Indexes::default() }
    }
}

impl Record for Delivery {
    const TYPE: &'static str = "delivery";
    fn key(&self) -> Key {
        Key::delivery(self.endpoint, self.id)
    }
    fn indexes(&self) -> Indexes {
        let shard = shard_of(&self.id.to_string());
        let due = self.next_attempt_at.map(|at| (due_shard("delivery", shard), due_at(at)));
        Indexes { due, ..Indexes::default() }
    }
    fn time_to_live(&self) -> Option<Timestamp> {
        after(self.begun_at, KEPT_HOURS)
    }
}

impl Record for Purchase {
    const TYPE: &'static str = "purchase";
    fn key(&self) -> Key {
        Key::purchase(self.id)
    }
}

impl Record for PendingSignup {
    const TYPE: &'static str = "signup";
    fn key(&self) -> Key {
        Key::signup(&self.email_hash)
    }
    fn time_to_live(&self) -> Option<Timestamp> {
        after(self.until, 24)
    }
}

impl Record for PasswordReset {
    const TYPE: &'static str = "reset";
    fn key(&self) -> Key {
        Key::reset(&self.email_hash)
    }
    fn time_to_live(&self) -> Option<Timestamp> {
        after(self.until, 24)
    }
}

impl Record for Session {
    const TYPE: &'static str = "session";
    fn key(&self) -> Key {
        Key::session(self.user, self.id)
    }
    fn time_to_live(&self) -> Option<Timestamp> {
        Some(self.until)
    }
}

impl Record for Posting {
    const TYPE: &'static str = "posting";
    fn key(&self) -> Key {
        match self.holder {
            Some(Holder::User(user)) if self.is_of_commission() => Key::commission_posting(user, self.number),
            Some(holder) => Key::posting(holder, self.number),
            None => Key::house_posting(self.header.journal),
        }
    }
    fn indexes(&self) -> Indexes {
        let list = (month_of("POSTINGS", self.header.at), self.header.journal.to_string());
        Indexes { platform: Some(list), ..Indexes::default() }
    }
}

impl Record for CommissionAccount {
    const TYPE: &'static str = "commission_account";
    fn key(&self) -> Key {
        Key::commission_account(self.user)
    }
}

impl Record for Commission {
    const TYPE: &'static str = "commission";
    fn key(&self) -> Key {
        Key::commission(self.id)
    }
    fn indexes(&self) -> Indexes {
        let at = format!("{}#{}", super::key::sortable(self.created_at), self.id);
        Indexes {
            owner: Some((format!("COMMISSIONS#{}", self.beneficiary), at.clone())),
            platform: Some((month_of("COMMISSIONS", self.created_at), at)),
            due: None,
        }
    }
}

impl Record for Maturing {
    const TYPE: &'static str = "maturing";
    fn key(&self) -> Key {
        Key::maturing(self.beneficiary, self.at, self.order)
    }
    fn indexes(&self) -> Indexes {
        let shard = shard_of(&self.beneficiary.to_string());
        Indexes { due: Some((due_shard("commission", shard), due_at(self.at))), ..Indexes::default() }
    }
}

impl Record for Earnings {
    const TYPE: &'static str = "earnings";
    fn key(&self) -> Key {
        Key::earnings(self.invitee)
    }
}

impl Record for Withdrawal {
    const TYPE: &'static str = "withdrawal";
    fn key(&self) -> Key {
        Key::withdrawal(self.id)
    }
    fn indexes(&self) -> Indexes {
        let id = self.id.to_string();
        Indexes {
            owner: Some((format!("WITHDRAWALS#{}", self.user), id.clone())),
            platform: Some((month_of("WITHDRAWALS", self.created_at), id)),
            due: None,
        }
    }
}

impl Record for ReferralCounts {
    const TYPE: &'static str = "referral_counts";
    fn key(&self) -> Key {
        Key::referral_counts(self.user)
    }
}

impl Record for Milestone {
    const TYPE: &'static str = "milestone";
    fn key(&self) -> Key {
        Key::milestone(self.invitee, self.trigger.as_str())
    }
}

impl Record for InviteeLimit {
    const TYPE: &'static str = "invitee_limit";
    fn key(&self) -> Key {
        Key::invitee_limit(self.user)
    }
}

impl Record for OrderWindow {
    const TYPE: &'static str = "order_window";
    fn key(&self) -> Key {
        Key::order_window(self.user)
    }
}

impl Record for Invite {
    const TYPE: &'static str = "invite";
    fn key(&self) -> Key {
        Key::invite(self.code.as_str())
    }
    fn indexes(&self) -> Indexes {
        let at = format!("{}#{}", super::key::sortable(self.created_at), self.code);
        Indexes { owner: Some((format!("INVITES#{}", self.owner), at)), ..Indexes::default() }
    }
}

impl Record for ActiveCodes {
    const TYPE: &'static str = "active_codes";
    fn key(&self) -> Key {
        Key::active_codes(self.user)
    }
}

impl Record for Reward {
    const TYPE: &'static str = "reward";
    fn key(&self) -> Key {
        Key::reward(self.id)
    }
    fn indexes(&self) -> Indexes {
        let at = format!("{}#{}", super::key::sortable(self.created_at), self.id);
        Indexes {
            owner: Some((format!("REWARDS#{}", self.beneficiary), at.clone())),
            platform: Some((month_of("REWARDS", self.created_at), at)),
            due: None,
        }
    }
}

impl Record for Order {
    const TYPE: &'static str = "order";
    fn key(&self) -> Key {
        Key::order(self.id)
    }
    fn indexes(&self) -> Indexes {
        let id = self.id.to_string();
        let look = self.next_look().map(|at| ("order", at));
        let confirm = self.completed.and(self.paid_at).map(|paid_at| ("confirm", paid_at));
        Indexes {
            owner: Some((format!("ORDERS#{}", self.user), id.clone())),
            platform: Some((month_of("ORDERS", self.created_at), id.clone())),
            due: look.or(confirm).map(|(what, at)| (due_shard(what, shard_of(&id)), due_at(at))),
        }
    }
}

impl Record for Payment {
    const TYPE: &'static str = "payment";
    fn key(&self) -> Key {
        Key::payment(self.provider.as_str(), &self.id)
    }
}

impl Record for Event {
    const TYPE: &'static str = "event";
    fn key(&self) -> Key {
        Key::event(self.provider.as_str(), &self.id)
    }
    fn indexes(&self) -> Indexes {
        let at = format!("{}#{}", super::key::sortable(self.received_at), self.id);
        Indexes { owner: self.order.map(|order| (format!("EVENTS#{order}"), at)), ..Indexes::default() }
    }
}

impl Record for RawEvent {
    const TYPE: &'static str = "raw_event";
    fn key(&self) -> Key {
        Key::raw_event(self.provider.as_str(), &self.id)
    }
    fn time_to_live(&self) -> Option<Timestamp> {
        after(self.received_at, RAW_KEPT_HOURS)
    }
}

impl Record for Reconciliation {
    const TYPE: &'static str = "reconciliation";
    fn key(&self) -> Key {
        Key::reconciliation(self.date, self.provider.as_str())
    }
    fn indexes(&self) -> Indexes {
        let list = (month_of("RECONCILIATIONS", self.day()), format!("{}#{}", self.date, self.provider.as_str()));
        Indexes { platform: Some(list), ..Indexes::default() }
    }
}

impl Record for Differences {
    const TYPE: &'static str = "differences";
    fn key(&self) -> Key {
        Key::differences(self.date, self.provider.as_str(), self.page)
    }
}

impl Record for Review {
    const TYPE: &'static str = "review";
    fn key(&self) -> Key {
        Key::review(self.id)
    }
    fn indexes(&self) -> Indexes {
        let list = (month_of("REVIEWS", self.created_at), self.id.to_string());
        Indexes { platform: Some(list), ..Indexes::default() }
    }
}

impl Record for Plan {
    const TYPE: &'static str = "plan";
    fn key(&self) -> Key {
        Key::plan(self.id)
    }
    fn indexes(&self) -> Indexes {
        let list = (month_of("PLANS", self.created_at), self.id.to_string());
        Indexes { platform: Some(list), ..Indexes::default() }
    }
}

impl Record for Subscription {
    const TYPE: &'static str = "subscription";
    fn key(&self) -> Key {
        Key::subscription(self.user, self.plan, self.number)
    }
}

impl Record for Batch {
    const TYPE: &'static str = "batch";
    fn key(&self) -> Key {
        Key::batch(self.id)
    }
    fn indexes(&self) -> Indexes {
        let list = (month_of("BATCHES", self.created_at), self.id.to_string());
        Indexes { platform: Some(list), ..Indexes::default() }
    }
}

impl Record for Code {
    const TYPE: &'static str = "code";
    fn key(&self) -> Key {
        Key::code(&self.text)
    }
}

impl Record for CodeShard {
    const TYPE: &'static str = "code_shard";
    fn key(&self) -> Key {
        Key::code_shard(&self.text, self.shard)
    }
}

impl Record for Redemption {
    const TYPE: &'static str = "redemption";
    fn key(&self) -> Key {
        Key::redemption(self.user, self.of, self.number)
    }
    fn indexes(&self) -> Indexes {
        let id = self.id.to_string();
        Indexes {
            owner: Some((format!("REDEMPTIONS#{}", self.user), id.clone())),
            platform: Some((month_of("REDEMPTIONS", self.redeemed_at), id)),
            due: None,
        }
    }
}

impl Record for SettingsRecord {
    const TYPE: &'static str = "settings";
    fn key(&self) -> Key {
        Key::settings(self.area.as_str())
    }
}

impl Record for LedgerBegun {
    const TYPE: &'static str = "ledger_begun";
    fn key(&self) -> Key {
        Key::ledger_begun()
    }
}

impl Record for OnceRecord {
    const TYPE: &'static str = "once";
    fn key(&self) -> Key {
        Key::once(&self.hash)
    }
    fn time_to_live(&self) -> Option<Timestamp> {
        Some(self.until())
    }
}

impl Record for Outbox {
    const TYPE: &'static str = "outbox";
    fn key(&self) -> Key {
        Key::outbox(self.id)
    }
}

impl Record for PublicKeys {
    const TYPE: &'static str = "public_keys";
    fn key(&self) -> Key {
        Key::public_keys()
    }
}

impl Record for Counted {
    const TYPE: &'static str = "counted";
    fn key(&self) -> Key {
        Key { pk: self.subject.clone(), sk: "COUNTED".into() }
    }
}

impl Record for AuditRecord {
    const TYPE: &'static str = "audit";
    fn key(&self) -> Key {
        Key::audit(self.id)
    }
    fn indexes(&self) -> Indexes {
        let list = (month_of("AUDITS", self.at), self.id.to_string());
        Indexes { platform: Some(list), ..Indexes::default() }
    }
}
