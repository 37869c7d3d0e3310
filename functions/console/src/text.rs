//! Texts in English and Chinese. They stand in `text/*.ftl`; a text or argument that a language lacks fails the build.

// What the macro writes is not ours.
#![allow(clippy::all, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::as_conversions)]

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use fluent_static::{Message, MessageBundle, message_bundle};
use shared::affiliate::model::commission::CommissionState;
use shared::affiliate::model::withdrawal::WithdrawalState;
use shared::edge::cookies::Cookies;
use shared::edge::forms::Flash;
use shared::kernel::ledger::RecordType;
use shared::redemption::model::plan::{SubscriptionState, Unit};

/// Field of the code that is mailed for a challenge; left out when empty.
pub const CHALLENGE_CODE: &str = "challenge_code:?";

/// Texts of one language.
#[message_bundle(
    resources = [
        ("text/en.ftl", "en"),
        ("text/zh-CN.ftl", "zh-CN"),
        ("text/staff.en.ftl", "en"),
        ("text/staff.zh-CN.ftl", "zh-CN"),
        ("text/settings.en.ftl", "en"),
        ("text/settings.zh-CN.ftl", "zh-CN"),
        ("text/people.en.ftl", "en"),
        ("text/people.zh-CN.ftl", "zh-CN"),
        ("text/audit.en.ftl", "en"),
        ("text/audit.zh-CN.ftl", "zh-CN"),
        ("text/vouchers.en.ftl", "en"),
        ("text/vouchers.zh-CN.ftl", "zh-CN"),
        ("text/shop.en.ftl", "en"),
        ("text/shop.zh-CN.ftl", "zh-CN"),
        ("text/system.en.ftl", "en"),
        ("text/agency.en.ftl", "en"),
        ("text/system.zh-CN.ftl", "zh-CN"),
        ("text/agency.zh-CN.ftl", "zh-CN"),
    ],
    default_language = "en"
)]
pub struct Texts;

/// Language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    English,
    Chinese,
}

impl Language {
    /// Its tag.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    /// Its name in itself.
    pub fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "中文",
        }
    }

    /// The other language, and its name in itself.
    pub fn other(self) -> (Self, &'static str) {
        let other = match self {
            Self::English => Self::Chinese,
            Self::Chinese => Self::English,
        };
        (other, other.name())
    }

    /// Reads a tag.
    pub fn of(tag: &str) -> Option<Self> {
        let tag = tag.trim().to_ascii_lowercase();
        if tag == "zh" || tag.starts_with("zh-") {
            return Some(Self::Chinese);
        }
        (tag == "en" || tag.starts_with("en-")).then_some(Self::English)
    }

    /// The language of a request (C7.3): its cookie, else the user's, else the best accepted one, else
    /// the deployment's.
    pub fn choose(headers: &HeaderMap, cookies: &Cookies, own: Option<&str>, default: &str) -> Self {
        let chosen = cookies.get("lang").and_then(Self::of).or_else(|| own.and_then(Self::of));
        chosen.or_else(|| accepted(headers)).or_else(|| Self::of(default)).unwrap_or(Self::English)
    }

    /// Its texts.
    pub fn texts(self) -> Texts {
        let mut texts = Texts::get(self.tag()).unwrap_or_default();
        // Numbers and names stand in their own elements; invisible marks would be copied along.
        texts.set_use_isolating(false);
        texts
    }
}

fn accepted(headers: &HeaderMap) -> Option<Language> {
    let line = headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?;
    let weighed = line.split(',').filter_map(|part| {
        let (tag, rest) = part.split_once(';').unwrap_or((part, "q=1"));
        let quality = rest.trim().strip_prefix("q=").unwrap_or("1");
        // As text: `1`, `0.8` and `0.75` compare as the numbers do.
        Some((quality.to_owned(), Language::of(tag)?)).filter(|(quality, _)| quality != "0")
    });
    // The first of equals.
    let best = weighed.fold(None, |best: Option<(String, Language)>, next| match best {
        Some(best) if best.0 >= next.0 => Some(best),
        _ => Some(next),
    });
    best.map(|(_, language)| language)
}

impl Texts {
    /// Type of a record.
    pub fn kind_of(&self, kind: RecordType) -> Message {
        match kind {
            RecordType::Payment => self.kind_payment(),
            RecordType::Promotion => self.kind_promotion(),
            RecordType::Referral => self.kind_referral(),
            RecordType::Commission => self.kind_commission(),
            RecordType::Redeem => self.kind_redeem(),
            RecordType::Admin => self.kind_admin(),
            RecordType::Deduct => self.kind_deduct(),
            RecordType::Refund => self.kind_refund(),
            RecordType::Withdrawal => self.kind_withdrawal(),
            RecordType::Debt => self.kind_debt(),
            RecordType::Expiry => self.kind_expiry(),
        }
    }

    /// Refusal of a form, and what to do next.
    pub fn refused(&self, flash: &Flash) -> Message {
        match flash.code.as_str() {
            "bad_credentials" => self.refused_bad_credentials(),
            "account_blocked" => self.refused_account_blocked(),
            "email_taken" => self.refused_email_taken(),
            "rate_limited" if flash.wait.is_some_and(|wait| wait <= 90) => {
                self.refused_wait_seconds(flash.wait.unwrap_or(60))
            }
            "programme_off" => self.refused_programme_off(),
            "order_not_pending" => self.refused_order_not_pending(),
            "payment_under_way" => self.refused_payment_under_way(),
            "rate_limited" => self.refused_rate_limited(flash.wait.unwrap_or(60).div_ceil(60)),
            "idempotency_key_reused" => self.refused_idempotency_key_reused(),
            "outcome_unknown" => self.refused_outcome_unknown(),
            "unavailable" => self.refused_unavailable(),
            "invalid" => self.refused_invalid(),
            other => self.refused_account(flash).unwrap_or_else(|| self.refused_other(other.to_owned())),
        }
    }

    /// Refusals of the pages about sign-in, redemption codes and the affiliate programme.
    fn refused_account(&self, flash: &Flash) -> Option<Message> {
        Some(match flash.code.as_str() {
            "code_not_found" => self.refused_code_not_found(),
            "challenge_required" if flash.values.contains_key(CHALLENGE_CODE) => self.refused_challenge_wrong(),
            "challenge_required" => self.refused_challenge_required(),
            "already_redeemed" => self.refused_already_redeemed(),
            "code_disabled" => self.refused_code_disabled(),
            "code_expired" => self.refused_code_expired(),
            "code_not_yet_valid" => self.refused_code_not_yet_valid(),
            "code_used_up" => self.refused_code_used_up(),
            "plan_off_sale" => self.refused_plan_off_sale(),
            "plan_quota" => self.refused_plan_quota(),
            "may_not_invite" => self.refused_may_not_invite(),
            "invite_code_limit" => self.refused_invite_code_limit(),
            "already_bound" => self.refused_already_bound(),
            "late_bind_over" => self.refused_late_bind_over(),
            "insufficient_available" => self.refused_insufficient_available(),
            "second_admin_required" => self.refused_second_admin_required(),
            "too_few_paying_invitees" => self.refused_too_few_paying_invitees(),
            "withdrawal_closed" => self.refused_withdrawal_closed(),
            "withdrawal_in_batch" => self.refused_withdrawal_in_batch(),
            "forbidden" => self.refused_forbidden(),
            "nothing_to_refund" => self.refused_nothing_to_refund(),
            "order_already_paid" => self.refused_order_already_paid(),
            "refund_closed" => self.refused_refund_closed(),
            "review_closed" => self.refused_review_closed(),
            "refund_not_due" => self.refused_refund_not_due(),
            "not_completed_by_hand" => self.refused_not_completed_by_hand(),
            "payment_differs" => self.refused_payment_differs(),
            "range_too_large" => self.refused_range_too_large(),
            "fresh_password_required" => self.refused_fresh_password_required(),
            "password_confirmed" => self.refused_password_confirmed(),
            "totp_invalid" => self.field_wrong_totp(),
            "second_factor_required" => self.refused_second_factor_required(),
            "second_factor_enrolment_required" => self.second_factor_needed(),
            "second_factor_on" => self.refused_second_factor_on(),
            "not_found" => self.refused_not_found(),
            code => return self.refused_staff(code).or_else(|| self.refused_shop(code)),
        })
    }

    /// Error of a coupon.
    fn field_coupon(&self, code: &str) -> Message {
        match code {
            "not_valid_now" => self.field_coupon_now(),
            "expired" => self.field_coupon_expired(),
            "other_offer" => self.field_coupon_offer(),
            "below_minimum" => self.field_coupon_minimum(),
            "nothing_to_pay" => self.field_coupon_nothing(),
            "used_up" => self.field_coupon_used_up(),
            "user_limit" => self.field_coupon_user(),
            "first_order_only" => self.field_coupon_first(),
            _ => self.field_coupon_unknown(),
        }
    }

    /// Error of a field, by its pointer and code.
    pub fn field_error(&self, pointer: &str, code: &str) -> Message {
        if let Some(said) = self.field_shop(pointer, code) {
            return said;
        }
        match (pointer, code) {
            ("/current" | "/password", "wrong_password") => self.field_wrong_password(),
            ("/totp", _) => self.field_wrong_totp(),
            ("/current" | "/password", "no_password") => self.field_no_password(),
            ("/referral_code" | "/inviter_id", code) => self.field_inviter(code),
            ("/from" | "/to", _) => self.field_not_a_day(),
            ("/reason", _) => self.field_reason(),
            ("/reference", _) => self.field_reference(),
            ("/order_id", "currency") => self.field_other_currency(),
            ("/action", "no_money") => self.field_no_money(),
            ("/order_id" | "/user" | "/inviter" | "/asset" | "/provider_payment_id", _) | ("/code", "unknown") => {
                self.field_unknown_here()
            }
            (codes, code) if codes.starts_with("/codes/") => self.field_brought(codes, code),
            ("/email", _) => self.field_not_an_email(),
            ("/password" | "/new", _) => self.field_password_length(),
            ("/code", "length") => self.field_text_500(),
            ("/code", "out_of_range") => self.field_out_of_range(),
            ("/code", _) => self.field_wrong_code(),
            ("/token", _) => self.field_wrong_token(),
            ("/amount", "one_of") => self.field_one_of(),
            ("/amount" | "/offer_id", "not_payable") => self.field_amount_way(),
            ("/amount", "not_a_decimal") => self.field_amount_digits(),
            ("/amount", "too_much") => self.field_amount_too_much(),
            ("/amount", "too_little") => self.field_amount_too_little(),
            ("/amount", _) => self.field_amount(),
            ("/offer_id", _) => self.field_offer(),
            ("/coupon", code) => self.field_coupon(code),
            ("/provider" | "/method", _) => self.field_way(),
            ("/payout/method", _) => self.field_not_offered(),
            ("/payout/account" | "/payout/name", _) => self.field_too_long(200),
            ("/label", _) => self.field_too_long(100),
            (pointer, code) => self.field_staff(pointer, code),
        }
    }

    /// Success of a form, for the page that comes after it; `None` for an unknown code.
    pub fn said(&self, flash: &Flash) -> Option<Message> {
        let fact = |name: &str| flash.facts.get(name).cloned();
        match flash.code.as_str() {
            "resent" => Some(self.resent()),
            "code_made" => Some(self.code_made()),
            "acted_on_several" => Some(self.acted_on_several(flash)),
            "welcome" => Some(match (fact("reason").as_deref(), fact("reward"), fact("applied")) {
                (Some("unknown"), _, _) => self.not_applied_unknown(),
                (Some("inactive"), _, _) => self.not_applied_inactive(),
                (Some("own"), _, _) => self.not_applied_own(),
                (Some("limit"), _, _) => self.not_applied_limit(),
                (Some("inviter_blocked"), _, _) => self.not_applied_inviter_blocked(),
                (Some("programme_off"), _, _) => self.not_applied_programme_off(),
                (_, Some(reward), _) => self.welcome_reward(reward, fact("currency").unwrap_or_default()),
                (_, None, Some(_)) => self.welcome_invited(),
                _ => self.welcome(),
            }),
            _ => self.said_account(flash),
        }
    }

    /// Successes on the pages about sign-in, redemption codes and the affiliate programme.
    fn said_account(&self, flash: &Flash) -> Option<Message> {
        Some(match flash.code.as_str() {
            "challenge_mailed" => self.challenge_mailed(),
            "reset_mailed" => self.reset_mailed(),
            "reset_done" => self.reset_done(),
            "language_saved" => self.language_saved(),
            "mails_saved" => self.mails_saved(),
            "mails_stopped" => self.mails_stopped(),
            "password_changed" => self.password_changed(),
            "email_asked" => self.email_asked(),
            "email_changed" => self.email_changed(),
            "sign_in_again" => self.sign_in_again(),
            "second_factor_on" => self.second_factor_is_on(),
            "second_factor_removed" => self.second_factor_removed(),
            "recovery_codes_made" => self.recovery_codes_made(),
            "redeemed" => self.redeemed(),
            "invite_code_made" => self.invite_code_made(),
            "inviter_named" => self.inviter_named(),
            "code_off" => self.code_off(),
            "withdrawn_balance" => self.withdrawn_balance(),
            "withdrawn_cash" => self.withdrawn_cash(),
            "withdrawal_cancelled" => self.withdrawal_was_cancelled(),
            "refund_asked" => self.refund_asked(),
            "refund_confirmed" => self.refund_confirmed(),
            "order_completed" => self.order_completed(),
            "completion_undone" => self.completion_undone(),
            "review_resolved" => self.review_resolved(),
            "review_confirmed" => self.review_confirmed(),
            "withdrawal_approved" => self.withdrawal_was_approved(),
            "withdrawal_paid" => self.withdrawal_was_paid(),
            "withdrawal_rejected" => self.withdrawal_was_rejected(),
            code => return self.said_staff(code).or_else(|| self.said_shop(code)),
        })
    }

    /// Units of plan time.
    pub fn units(&self, unit: Unit, n: u32) -> Message {
        match unit {
            Unit::Day => self.units_day(n),
            Unit::Month => self.units_month(n),
            Unit::Quarter => self.units_month(n.saturating_mul(3)),
            Unit::HalfYear => self.units_month(n.saturating_mul(6)),
            Unit::Year => self.units_year(n),
        }
    }

    /// State of a subscription, with its tone.
    pub fn subscription(&self, state: SubscriptionState) -> (&'static str, Message) {
        match state {
            SubscriptionState::Active => ("ok", self.subscription_active()),
            SubscriptionState::Expired => ("", self.subscription_expired()),
        }
    }

    /// State of a commission, with its tone.
    pub fn commission_state(&self, state: CommissionState) -> (&'static str, Message) {
        match state {
            CommissionState::Pending => ("wait", self.commission_pending()),
            CommissionState::Available => ("ok", self.commission_available()),
            CommissionState::PartiallyReversed => ("odd", self.commission_partially_reversed()),
            CommissionState::Reversed => ("bad", self.commission_reversed()),
            CommissionState::Held => ("wait", self.commission_held()),
        }
    }

    /// State of a withdrawal, with its tone.
    pub fn withdrawal_state(&self, state: WithdrawalState) -> (&'static str, Message) {
        match state {
            WithdrawalState::Done => ("ok", self.withdrawal_done()),
            WithdrawalState::Requested => ("wait", self.withdrawal_requested()),
            WithdrawalState::Paid => ("ok", self.withdrawal_paid()),
            WithdrawalState::Rejected => ("bad", self.withdrawal_rejected()),
            WithdrawalState::Cancelled => ("", self.withdrawal_cancelled()),
        }
    }
}
