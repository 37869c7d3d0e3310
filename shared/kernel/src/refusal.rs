//! Refusals: the business says no. Closed: every one has a stable code, a status, and a test that produces it.
//!
//! A refusal is not a fault: nothing failed, nothing changed, and the same request may succeed later (R1.8).

use rust_decimal::Decimal;
use serde::Serialize;

use crate::id::{GrantId, PackageId};

/// One thing that is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// JSON pointer of the field (RFC 6901), `/amount`.
    pub pointer: String,
    /// Stable code, `out_of_range`.
    pub code: &'static str,
    /// What would be right, for a person.
    pub detail: String,
}

impl FieldError {
    /// A finding at `pointer`.
    pub fn new(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code, detail: detail.into() }
    }
}

impl From<FieldError> for Refusal {
    /// The one thing that is wrong.
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
        /// Why a request was refused.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Refusal {
            /// One or more fields are out of range or refused by a rule.
            Invalid(Vec<FieldError>),
            /// Too many requests; how long to wait.
            RateLimited {
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

            /// The HTTP status it is answered with.
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
    /// The body is not the JSON this route takes.
    MalformedRequest = 400 "malformed_request", "The request could not be read.";
    /// A list cursor that was not issued for this list.
    ForgedCursor = 400 "forged_cursor", "The cursor was not issued for this list.";
    /// A route that moves money needs an `Idempotency-Key`.
    IdempotencyKeyRequired = 400 "idempotency_key_required", "This route needs an Idempotency-Key header.";
    /// A webhook whose signature does not verify.
    BadSignature = 400 "bad_signature", "The signature does not verify.";
    /// No identity, or one that is not valid any more.
    Unauthenticated = 401 "unauthenticated", "Sign in first.";
    /// E-mail and password, or a refresh token, that do not match.
    BadCredentials = 401 "bad_credentials", "The credentials are not right.";
    /// The caller is known but may not do this.
    Forbidden = 403 "forbidden", "You may not do this.";
    /// The account is blocked (R2.8).
    AccountBlocked = 403 "account_blocked", "This account is blocked.";
    /// No such thing, or somebody else's.
    NotFound = 404 "not_found", "There is no such thing.";
    /// No such redemption code: unknown, deleted or malformed alike (R7.7).
    CodeNotFound = 404 "code_not_found", "There is no such code.";
    /// The path exists with other methods.
    MethodNotAllowed = 405 "method_not_allowed", "This path does not take that method.";
    /// The e-mail has an account (R2.1).
    EmailTaken = 409 "email_taken", "This e-mail already has an account.";
    /// The programme is switched off.
    ProgrammeOff = 409 "programme_off", "This programme is switched off.";
    /// The order has left `pending`.
    OrderNotPending = 409 "order_not_pending", "The order is not pending any more.";
    /// The order's payment was already captured.
    OrderAlreadyPaid = 409 "order_already_paid", "The order is paid already.";
    /// There is no payment to give back, or nothing left of it (R4.11).
    NothingToRefund = 409 "nothing_to_refund", "Nothing is left of this order's payment to give back.";
    /// The provider or a person has said how the refund ended.
    RefundClosed = 409 "refund_closed", "It is known already how this refund ended.";
    /// Somebody or a later event has decided about the review item (R4.12).
    ReviewClosed = 409 "review_closed", "This review item is closed.";
    /// An available amount never goes below zero (R1.7).
    InsufficientBalance = 409 "insufficient_balance", "The balance is too low.";
    /// A withdrawal above the available commission (R6.5).
    InsufficientAvailable = 409 "insufficient_available", "Less commission is available.";
    /// The withdrawal was paid, rejected or cancelled (R6.6).
    WithdrawalClosed = 409 "withdrawal_closed", "The withdrawal is not open any more.";
    /// Somebody waits for cash: erasing them would lose where it goes.
    WithdrawalOpen = 409 "withdrawal_open", "A cash withdrawal of theirs is still open.";
    /// The account's person was erased; it stays so.
    AccountErased = 409 "account_erased", "The account was erased.";
    /// The currency is fixed after the first journal (R9.1).
    CurrencyInUse = 409 "currency_in_use", "The currency can't change after the first entry of the ledger.";
    /// A vanity code that belongs to somebody.
    InviteCodeTaken = 409 "invite_code_taken", "This invite code is taken.";
    /// As many codes beside the primary one as a user may have (R6.2).
    InviteCodeLimit = 409 "invite_code_limit", "You have as many invite codes as you may.";
    /// The user's policy does not let them invite (R6.1).
    MayNotInvite = 409 "may_not_invite", "You may not invite.";
    /// A reward that is not in a state to be retried.
    RewardNotFailed = 409 "reward_not_failed", "Only a failed reward can be retried.";
    /// Every use of the code was taken (R7.3).
    CodeUsedUp = 409 "code_used_up", "The code is used up.";
    /// The caller has used the code as often as one person may (R7.2).
    AlreadyRedeemed = 409 "already_redeemed", "You have redeemed this code already.";
    /// The code's time is over.
    CodeExpired = 409 "code_expired", "The code has expired.";
    /// The code or its batch was switched off.
    CodeDisabled = 409 "code_disabled", "The code is switched off.";
    /// The code's time has not come.
    CodeNotYetValid = 409 "code_not_yet_valid", "The code is not valid yet.";
    /// As many live subscriptions of the plan as one user may have (R7.5).
    PlanQuota = 409 "plan_quota", "You have as many subscriptions of this plan as you may.";
    /// The plan is off sale (R7.5).
    PlanOffSale = 409 "plan_off_sale", "This plan is not on sale.";
    /// A shop with children, grants or sales can't be moved (R8.1).
    ShopInUse = 409 "shop_in_use", "A shop with children, grants or sales can't be moved.";
    /// Type, thresholds, dimensions, scopes and operators of a series with grants are fixed (R8.2).
    SeriesInUse = 409 "series_in_use", "With grants, only the amounts of a commission can change.";
    /// The shop has the series (R8.3).
    AlreadyGranted = 409 "already_granted", "The shop has a grant of this series.";
    /// The shop's parent has no grant of the series (R8.3).
    AllocatorNotGranted = 409 "allocator_not_granted", "The shop's parent has no grant of this series.";
    /// More commission than the allocator has itself (R8.4).
    CeilingExceeded {
        /// The tier's threshold; none is the amount without tiers.
        threshold: Option<Decimal>
    } = 409 "ceiling_exceeded", "The commission is above the allocator's own.";
    /// Tiers that are not those of the series (R8.3).
    TiersMismatch = 409 "tiers_mismatch", "The tiers must have the thresholds of the series, each once.";
    /// A package of another series (R8.3).
    PackageNotInSeries {
        /// Which.
        package: PackageId
    } = 409 "package_not_in_series", "The package is not in this series.";
    /// A package that the allocator, or the grant, does not hold (R8.3, R8.6).
    PackageNotGranted {
        /// Which.
        package: PackageId
    } = 409 "package_not_granted", "The package is not granted.";
    /// A cost price below the allocator's own (R8.3).
    CostBelowParent {
        /// Which package's.
        package: PackageId
    } = 409 "cost_below_parent", "The cost price is below the allocator's own.";
    /// A grant that others rest on (R8.6).
    GrantHasChildren = 409 "grant_has_children", "Shops below have grants from this one.";
    /// Grants below are above the new bound (R8.5).
    ChildrenAbove {
        /// Which.
        affected: Vec<GrantId>
    } = 409 "children_above", "Grants are above the new bound; adjust_children moves them.";
    /// Grants are being moved under a stricter offer (R8.5); what is asked has to wait for it.
    ChangeUnderWay = 409 "change_under_way", "An earlier change is still being carried out; try again later.";
    /// No order is accepted from a shop without a working grant, or below one (R8.6).
    GrantDisabled = 409 "grant_disabled", "The shop, or one above it, has no working grant of this series.";
    /// More has to be paid at once (R8.7).
    ForcedRechargeRequired {
        /// How much at least.
        amount: Decimal
    } = 409 "forced_recharge_required", "This asset has to be paid at least the amount first.";
    /// The identifier is another asset's.
    IdentifierTaken = 409 "identifier_taken", "An asset of this kind has the identifier.";
    /// A user runs one shop.
    UserHasShop = 409 "user_has_shop", "The user runs another shop, or can't run one.";
    /// `If-Match` names another version.
    VersionMismatch = 412 "version_mismatch", "The document was changed meanwhile; read it again.";
    /// The body is larger than the route takes.
    BodyTooLarge = 413 "body_too_large", "The body is too large.";
    /// The body is of another type than the route takes.
    UnsupportedMediaType = 415 "unsupported_media_type", "The content type is not one this route takes.";
    /// The key was used with another body.
    IdempotencyKeyReused = 422 "idempotency_key_reused", "The Idempotency-Key was used with another request.";
    /// A settings document is only replaced by one who names its version.
    PreconditionRequired = 428 "precondition_required", "This route needs an If-Match header.";
}

impl Refusal {
    /// A single wrong field.
    pub fn field(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(pointer, code, detail)])
    }

    /// All findings, if there are any.
    ///
    /// # Refuses
    /// [`Refusal::Invalid`] with every finding.
    pub fn unless_empty(errors: Vec<FieldError>) -> Result<(), Self> {
        if errors.is_empty() { Ok(()) } else { Err(Self::Invalid(errors)) }
    }
}
