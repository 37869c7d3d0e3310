//! Refusals: business reasons to reject a request.
//!
//! The set is closed: each refusal has a stable code, a status and a test that produces it. A refusal is not a fault. Nothing
//! failed and nothing changed, and the same request may succeed later (R1.8).

use rust_decimal::Decimal;
use serde::Serialize;

use crate::id::{GrantId, PackageId};
use crate::money::LedgerMoney;

/// One error in one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// JSON pointer of the field (RFC 6901), for example `/amount`.
    pub pointer: String,
    /// Stable error code, for example `out_of_range`.
    pub code: &'static str,
    /// Sentence for a person that names an acceptable value.
    pub detail: String,
}

impl FieldError {
    /// An error in the field at `pointer`.
    pub fn new(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code, detail: detail.into() }
    }
}

impl From<FieldError> for Refusal {
    /// A refusal with this one error.
    fn from(found: FieldError) -> Self {
        Self::Invalid(vec![found])
    }
}

macro_rules! code {
    ($name:ident = $status:literal $code:literal) => {
        #[doc = concat!("`", $code, "`")]
        #[derive(Debug)]
        pub struct $name;

        impl utoipa::IntoResponses for $name {
            fn responses() -> std::collections::BTreeMap<String, utoipa::openapi::RefOr<utoipa::openapi::Response>> {
                [(concat!($status, " ", $code).to_owned(), utoipa::openapi::Response::new("").into())].into()
            }
        }
    };
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident $({ $($(#[$about:meta])* $field:ident: $type:ty),* })? = $status:literal $code:literal, $title:literal;)*) => {
        /// Business reason to reject a request.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Refusal {
            /// One or more fields are out of range or break a rule.
            Invalid(Vec<FieldError>),
            /// The rate limit is reached.
            RateLimited {
                /// The limit in words, such as `3 orders in a minute`; empty if it has none.
                limit: String,
                /// Seconds until the next attempt can succeed.
                retry_after: u32,
            },
            $($(#[$doc])* $name $({ $($(#[$about])* $field: $type),* })?,)*
        }

        impl Refusal {
            /// The stable code of the problem document.
            pub fn code(&self) -> &'static str {
                match self {
                    Self::Invalid(_) => "invalid",
                    Self::RateLimited { .. } => "rate_limited",
                    $(Self::$name { .. } => $code,)*
                }
            }

            /// The HTTP status of the response.
            pub fn status(&self) -> u16 {
                match self {
                    Self::Invalid(_) => 422,
                    Self::RateLimited { .. } => 429,
                    $(Self::$name { .. } => $status,)*
                }
            }

            /// One sentence for a person.
            pub fn title(&self) -> &'static str {
                match self {
                    Self::Invalid(_) => "One or more fields are not acceptable.",
                    Self::RateLimited { .. } => "Too many requests; try again later.",
                    $(Self::$name { .. } => $title,)*
                }
            }

            /// Status, code and title of every refusal, for the problem table and its test.
            pub const ALL: &'static [(u16, &'static str, &'static str)] = &[
                (422, "invalid", "One or more fields are not acceptable."),
                (429, "rate_limited", "Too many requests; try again later."),
                $(($status, $code, $title),)*
            ];
        }

        /// Refusals in the `responses(…)` of a handler: the codes that its use case can answer.
        ///
        /// Each adds the key `status code` to the responses of the operation; `edge` makes one response per status of them.
        pub mod code {
            code!(Invalid = 422 "invalid");
            code!(RateLimited = 429 "rate_limited");
            $(code!($name = $status $code);)*
        }
    };
}

refusals! {
    /// The body is not the JSON that this route takes.
    MalformedRequest = 400 "malformed_request", "The request could not be read.";
    /// The list cursor was not issued for this list.
    ForgedCursor = 400 "forged_cursor", "The cursor was not issued for this list; begin at its first page.";
    /// The route requires an `Idempotency-Key`, since it moves money.
    IdempotencyKeyRequired = 400 "idempotency_key_required", "This route needs an Idempotency-Key header.";
    /// The signature of the webhook does not verify.
    BadSignature = 400 "bad_signature", "The signature does not verify.";
    /// The request has no identity, or an revoked one.
    Unauthenticated = 401 "unauthenticated", "Sign in first.";
    /// The access token is genuine, but its time is over (R2.5).
    TokenExpired = 401 "token_expired", "The access token has expired; refresh the session.";
    /// E-mail and password, or the refresh token, do not match.
    BadCredentials = 401 "bad_credentials", "The credentials are not right.";
    /// The e-mail failed to sign in too often: a device token or a mailed code is needed, too (R2.9).
    ChallengeRequired = 401 "challenge_required", "Sign in with a mailed code, or on a device that signed in before.";
    /// The password is right, and the account has a second factor (R2.12).
    TotpRequired = 401 "totp_required", "Give the code of your authenticator app, too.";
    /// The code of the second factor is wrong, was used, or is no longer good (R2.12).
    TotpInvalid = 401 "totp_invalid", "That code is not right, or was used already.";
    /// The caller is known but lacks the right.
    Forbidden = 403 "forbidden", "You may not do this.";
    /// A dangerous form of staff needs the password entered a moment ago (C5.6).
    FreshPasswordRequired = 403 "fresh_password_required", "Enter your password again, then repeat this.";
    /// The admin's session has not given the second factor, or not in the last quarter of an hour (R2.12).
    SecondFactorRequired = 403 "second_factor_required", "Give your second factor again, then repeat this.";
    /// Every admin needs a second factor, and this one has none (R2.12).
    SecondFactorEnrolmentRequired = 403 "second_factor_enrolment_required", "Set up your second factor first.";
    /// The account is blocked (R2.8).
    AccountBlocked = 403 "account_blocked", "This account is blocked.";
    /// The object does not exist or belongs to another user.
    NotFound = 404 "not_found", "There is no such thing.";
    /// No route has the path.
    NoSuchRoute = 404 "no_such_route", "There is no such route.";
    /// The redemption code is unknown, deleted or malformed; the three look alike (R7.7).
    CodeNotFound = 404 "code_not_found", "There is no such code.";
    /// The path exists with other methods.
    MethodNotAllowed = 405 "method_not_allowed", "This path does not take that method.";
    /// The e-mail already has an account (R2.1).
    EmailTaken = 409 "email_taken", "This e-mail already has an account.";
    /// The account has a second factor already (R2.12).
    SecondFactorOn = 409 "second_factor_on", "You have a second factor; remove it first.";
    /// The programme is switched off.
    ProgrammeOff = 409 "programme_off", "This programme is switched off.";
    /// The order is no longer `pending`.
    OrderNotPending = 409 "order_not_pending", "The order is not pending any more.";
    /// The order's payment was not captured (R4.12).
    OrderNotPaid = 409 "order_not_paid", "The order is not paid.";
    /// The provider is processing a payment of the order, which nobody can call back (R4.10).
    PaymentUnderWay = 409 "payment_under_way", "A payment of this order is under way; wait for its end.";
    /// The order was not completed by hand, or the provider has confirmed it since (R4.12).
    NotCompletedByHand = 409 "not_completed_by_hand", "No completion by hand is there to undo.";
    /// The review item awaits no refund (R4.12).
    RefundNotDue = 409 "refund_not_due", "Resolve the item as refund_due first.";
    /// A summary or a CSV would read more than it may; a narrower range or filter answers (R4.12).
    RangeTooLarge = 422 "range_too_large", "Too much is in this range: a summary reads 5,000 orders, a CSV has 10,000 rows. Narrow the filters.";
    /// The order's payment was already captured.
    OrderAlreadyPaid = 409 "order_already_paid", "The order is paid already.";
    /// The named payment took another amount or currency than the order's charge (F7).
    PaymentDiffers = 422 "payment_differs", "That payment took another amount.";
    /// The order has no payment, or nothing of it is left to refund (R4.11).
    NothingToRefund = 409 "nothing_to_refund", "Nothing is left of this order's payment to give back.";
    /// The refund already has its final state, from the provider or an admin.
    RefundClosed = 409 "refund_closed", "It is known already how this refund ended.";
    /// A person or a later event has already closed the review item (R4.12).
    ReviewClosed = 409 "review_closed", "This review item is closed.";
    /// The debit exceeds the balance; an available amount never goes below zero (R1.7).
    InsufficientBalance = 409 "insufficient_balance", "The balance is too low.";
    /// The withdrawal exceeds the available commission (R6.5).
    InsufficientAvailable {
        /// Commission that can be withdrawn; `None` before the first.
        available: Option<LedgerMoney>
    } = 409 "insufficient_available", "Less commission is available.";
    /// Fewer invitees have paid than the first cash withdrawal needs (R6.9).
    TooFewPayingInvitees {
        /// Invitees who have paid.
        paying: u32,
        needed: u32
    } = 409 "too_few_paying_invitees", "Too few invitees have paid for a first cash withdrawal.";
    /// The withdrawal was paid, rejected or cancelled (R6.6).
    WithdrawalClosed = 409 "withdrawal_closed", "The withdrawal is not open any more.";
    /// The amount needs the approval of a second admin, and this one gave the first (R6.9).
    SecondAdminRequired = 409 "second_admin_required", "Another admin has to approve it, too.";
    /// The withdrawal is open in a payout batch, and ends or leaves only with it (R6.9).
    WithdrawalInBatch = 409 "withdrawal_in_batch", "The withdrawal is in a payout batch, and is settled with it.";
    /// The withdrawal is not in this payout batch, or in none (R6.9).
    WithdrawalNotInBatch = 409 "withdrawal_not_in_batch", "The withdrawal is not in the payout batch.";
    /// No requested withdrawal fits a new payout batch (R6.9).
    NothingToGather = 409 "nothing_to_gather", "No requested withdrawal fits the batch.";
    /// Every line of the payout batch has ended (R6.9).
    PayoutBatchClosed = 409 "payout_batch_closed", "No line of the payout batch is open any more.";
    /// The payout batch was not made for this file, or its accounts were erased (R6.9).
    PayoutFileUnavailable = 409 "payout_file_unavailable", "The payout batch has no such file.";
    /// The user has an open cash withdrawal; erasing them would lose its payout account.
    WithdrawalOpen = 409 "withdrawal_open", "A cash withdrawal of theirs is still open.";
    /// The user owes money or is owed some; erasing them needs `acknowledge_balance`.
    BalanceLeft {
        /// Balance, debt, commission and its debt that are left.
        figures: Vec<(&'static str, LedgerMoney)>
    } = 409 "balance_left", "The account owes money or is owed some; acknowledge_balance erases it all the same.";
    /// The account was erased, which is permanent.
    AccountErased = 409 "account_erased", "The account was erased.";
    /// The currency is fixed by the first journal (R9.1).
    CurrencyInUse = 409 "currency_in_use", "The currency can't change after the first entry of the ledger.";
    /// The vanity code belongs to another user.
    InviteCodeTaken = 409 "invite_code_taken", "This invite code is taken.";
    /// The user has the maximum of invite codes besides the primary one (R6.2).
    InviteCodeLimit = 409 "invite_code_limit", "You have as many invite codes as you may.";
    /// The user's policy does not allow invitations (R6.1).
    MayNotInvite = 409 "may_not_invite", "You may not invite.";
    /// The account has an inviter already (R3.12).
    AlreadyBound = 409 "already_bound", "The account has an inviter.";
    /// The time after sign-up in which an inviter can be named is over, or there is none (R3.12).
    LateBindOver = 409 "late_bind_over", "An inviter can't be named any more.";
    /// The reward is not in a state that can be retried.
    RewardNotFailed = 409 "reward_not_failed", "Only a failed reward can be retried.";
    /// It is not held for its programme's budget (R10.4).
    NotHeld = 409 "not_held", "It is not held.";
    /// The month's budget has no room for it (R10.4).
    BudgetExceeded = 409 "budget_exceeded", "It would exceed the month's budget of its programme.";
    /// No uses of the code are left (R7.3).
    CodeUsedUp = 409 "code_used_up", "The code is used up.";
    /// The caller has reached the code's limit per user (R7.2).
    AlreadyRedeemed = 409 "already_redeemed", "You have redeemed this code already.";
    CodeExpired = 409 "code_expired", "The code has expired.";
    /// The code or its batch is disabled.
    CodeDisabled = 409 "code_disabled", "The code is switched off.";
    CodeNotYetValid = 409 "code_not_yet_valid", "The code is not valid yet.";
    /// The user has the maximum of live subscriptions of the plan (R7.5).
    PlanQuota = 409 "plan_quota", "You have as many subscriptions of this plan as you may.";
    /// The plan is off sale (R7.5).
    PlanOffSale = 409 "plan_off_sale", "This plan is not on sale.";
    /// A shop with children, grants or sales keeps its place in the tree (R8.1).
    ShopInUse = 409 "shop_in_use", "A shop with children, grants or sales can't be moved.";
    /// A series with grants keeps its type, thresholds, dimensions, scopes and operators (R8.2).
    SeriesInUse = 409 "series_in_use", "With grants, only the amounts of a commission can change.";
    /// The shop already has a grant of the series (R8.3).
    AlreadyGranted = 409 "already_granted", "The shop has a grant of this series.";
    /// The shop's parent has no grant of the series (R8.3).
    AllocatorNotGranted = 409 "allocator_not_granted", "The shop's parent has no grant of this series.";
    /// The commission exceeds the allocator's own (R8.4).
    CeilingExceeded {
        /// Threshold of the tier; `None` for the amount without tiers.
        threshold: Option<Decimal>
    } = 409 "ceiling_exceeded", "The commission is above the allocator's own.";
    /// The tiers differ from those of the series (R8.3).
    TiersMismatch = 409 "tiers_mismatch", "The tiers must have the thresholds of the series, each once.";
    /// The package belongs to another series (R8.3).
    PackageNotInSeries {
        package: PackageId
    } = 409 "package_not_in_series", "The package is not in this series.";
    /// The allocator or the grant does not have the package (R8.3, R8.6).
    PackageNotGranted {
        package: PackageId
    } = 409 "package_not_granted", "The package is not granted.";
    /// The cost price is below the allocator's own (R8.3).
    CostBelowParent {
        /// Package with the price.
        package: PackageId
    } = 409 "cost_below_parent", "The cost price is below the allocator's own.";
    /// Other grants were made from this one (R8.6).
    GrantHasChildren = 409 "grant_has_children", "Shops below have grants from this one.";
    /// Child grants exceed the new bound (R8.5).
    ChildrenAbove {
        /// Child grants above the bound.
        affected: Vec<GrantId>
    } = 409 "children_above", "Grants are above the new bound; adjust_children moves them.";
    /// A job is still lowering grants under stricter terms; the request has to wait for it (R8.5).
    ChangeUnderWay = 409 "change_under_way", "An earlier change is still being carried out; try again later.";
    /// The shop, or one above it, has no working grant, so it takes no orders (R8.6).
    GrantDisabled = 409 "grant_disabled", "The shop, or one above it, has no working grant of this series.";
    /// The asset first needs a recharge of at least this amount (R8.7).
    ForcedRechargeRequired {
        /// Least amount in the agency currency.
        amount: Decimal
    } = 409 "forced_recharge_required", "This asset has to be paid at least the amount first.";
    /// Another asset has the identifier.
    IdentifierTaken = 409 "identifier_taken", "An asset of this kind has the identifier.";
    /// Another series has the code.
    SeriesCodeTaken = 409 "series_code_taken", "Another series has this code.";
    /// The user already runs a shop.
    UserHasShop = 409 "user_has_shop", "The user runs another shop, or can't run one.";
    /// `If-Match` does not name the current version.
    VersionMismatch = 412 "version_mismatch", "The document was changed meanwhile; read it again.";
    /// The body exceeds the route's limit.
    BodyTooLarge = 413 "body_too_large", "The body is too large.";
    /// The route does not take this content type.
    UnsupportedMediaType = 415 "unsupported_media_type", "The content type is not one this route takes.";
    /// The idempotency key was used with another body.
    IdempotencyKeyReused = 422 "idempotency_key_reused", "The Idempotency-Key was used with another request.";
    /// Replacing a settings document requires its version in `If-Match`.
    PreconditionRequired = 428 "precondition_required", "This route needs an If-Match header.";
}

impl Refusal {
    /// A refusal with one error in one field.
    pub fn field(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(pointer, code, detail)])
    }

    /// Rejects if there are errors.
    ///
    /// # Rejects
    /// [`Refusal::Invalid`] with all errors.
    pub fn unless_empty(errors: Vec<FieldError>) -> Result<(), Self> {
        if errors.is_empty() { Ok(()) } else { Err(Self::Invalid(errors)) }
    }
}
