//! Storage of accounts, sessions and keys.

use jiff::{Timestamp, ToSpan};
use kernel::id::{ServiceKeyId, SessionId, SignupId, UserId};
use table::key::{Key, owned};
use table::records;
use table::spread::{DueList, FEW, MonthlyList, SOME};

use crate::account::model::access::{EmailChange, EmailClaim, ExternalClaim, PendingSignup, Session};
use crate::account::model::credit_lot::CreditLot;
use crate::account::model::import::{ImportSource, ImportedEmail, OpeningBalance};
use crate::account::model::second_factor::SecondFactor;
use crate::account::model::service_key::ServiceKey;
use crate::account::model::user::User;
use crate::account::token::PublicKeys;

/// Accounts, of the whole platform.
pub const USERS: MonthlyList = MonthlyList::spread("USERS", SOME);
/// Service keys, of the whole platform.
pub const SERVICE_KEYS: MonthlyList = MonthlyList::new("SERVICE_KEYS");
/// Promotions of which somebody is reminded, or that end.
pub const PROMOTION: DueList = DueList::spread("promotion", SOME);
/// Prefix of the sort keys of a user's credit lots.
pub const LOTS: &str = "LOT#";
/// Credit lots that expire (R12.3).
pub const CREDIT_LOTS: DueList = DueList::spread("lot", FEW);
/// Erased accounts that are looked at again.
pub const TRACES: DueList = DueList::new("traces");

records! {
    /// A user's account: profile, ledger accounts and terms.
    User = "user" {
        fn key(id: UserId) = "USER#{id}", "USER";
        at |it| User::key(it.id);
        owner |it| it.attribution.as_ref().map(|attribution| owned("INVITEES", attribution.inviter, it.id));
        platform |it| Some(USERS.entry(it.created_at, it.id));
        due |it| it.due_at().map(|(list, at)| list.entry(it.id, at));
    }

    /// The claim of an e-mail with its password hash: one account per address (R2.1).
    EmailClaim = "email" {
        fn key(hash: &str) = "EMAIL#{hash}", "EMAIL";
        at |it| EmailClaim::key(&it.email_hash);
    }

    /// The claim of an external id: one account per id (R2.6).
    ExternalClaim = "external" {
        fn key(hash: &str) = "EXTERNAL#{hash}", "EXTERNAL";
        at |it| ExternalClaim::key(&it.external_hash);
    }

    /// An address with which an account moved in: it moves in once, ever (R13.1).
    ImportedEmail = "imported_email" {
        fn key(hash: &str) = "IMPORTED#{hash}", "EMAIL";
        at |it| ImportedEmail::key(&it.email_hash);
    }

    /// An opening balance: one per user and source, ever (R13.1).
    OpeningBalance = "opening_balance" {
        fn key(user: UserId, source: &ImportSource) = "USER#{user}", "OPENING#{source}";
        at |it| OpeningBalance::key(it.user, &it.source);
    }

    /// A lot: credit that one source granted and that expires together (R12.3).
    CreditLot = "credit_lot" {
        fn key(user: UserId, source: &str) = "USER#{user}", "LOT#{source}";
        at |it| CreditLot::key(it.user, &it.source);
        due |it| (!it.held.is_zero()).then(|| CREDIT_LOTS.entry(&it.source, it.expires_at));
    }

    /// A service key of the operator's backend, for `/v1/service` (R2.6).
    ServiceKey = "service_key" {
        fn key(id: ServiceKeyId) = "SERVICE_KEY#{id}", "SERVICE_KEY";
        at |it| ServiceKey::key(it.id);
        platform |it| Some(SERVICE_KEYS.entry(it.created_at, it.id));
    }

    /// A sign-up that awaits e-mail verification (R2.4).
    PendingSignup = "signup" {
        fn key(id: SignupId) = "SIGNUP#{id}", "SIGNUP";
        at |it| PendingSignup::key(it.id);
        expires |it| a_day_after(it.until);
    }

    /// A change of an e-mail that awaits its confirmation (R2.11).
    EmailChange = "email_change" {
        fn key(user: UserId) = "USER#{user}", "EMAIL_CHANGE";
        at |it| EmailChange::key(it.user);
        expires |it| a_day_after(it.until);
    }

    /// A chain of refresh tokens (R2.5).
    Session = "session" {
        fn key(user: UserId, id: SessionId) = "USER#{user}", "SESSION#{id}";
        at |it| Session::key(it.user, it.id);
        expires |it| Some(it.until);
    }

    /// The second factor of an account, or its enrolment (R2.12).
    SecondFactor = "second_factor" {
        fn key(user: UserId) = "USER#{user}", "SECOND_FACTOR";
        at |it| SecondFactor::key(it.user);
        expires |it| it.since.is_none().then_some(it.until).and_then(a_day_after);
    }

    /// The public keys that verify access tokens (R2.5).
    PublicKeys = "public_keys" {
        fn key() = "KEYS", "KEYS";
        at |_it| PublicKeys::key();
    }
}

fn a_day_after(at: Timestamp) -> Option<Timestamp> {
    at.checked_add(24.hours()).ok()
}

impl User {
    /// The user of a key.
    pub(crate) fn id_of(key: &Key<Self>) -> Option<UserId> {
        UserId::parse(key.pk.strip_prefix("USER#")?)
    }

    /// Returns the next due job of this account.
    ///
    /// It is the second scrub after an erasure, or the reminder or end of the promotion window.
    fn due_at(&self) -> Option<(DueList, Timestamp)> {
        let window = self.promotion.as_ref().and_then(|promotion| Some((PROMOTION, promotion.due_at()?)));
        // An item has one due entry; an erased user's promotion window can wait.
        self.traces_due.map(|at| (TRACES, at)).or(window)
    }
}
