//! Texts in English and Chinese. They stand in `text/*.ftl`; a text or argument that a language lacks fails the build.

// What the macro writes is not ours.
#![allow(clippy::all, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::as_conversions)]

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use fluent_static::{Message, MessageBundle, message_bundle};
use shared::edge::cookies::Cookies;
use shared::edge::forms::Flash;
use shared::kernel::ledger::RecordType;

/// Texts of one language.
#[message_bundle(resources = [("text/en.ftl", "en"), ("text/zh-CN.ftl", "zh-CN")], default_language = "en")]
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

    /// The other language, and its name in itself.
    pub fn other(self) -> (Self, &'static str) {
        match self {
            Self::English => (Self::Chinese, "中文"),
            Self::Chinese => (Self::English, "English"),
        }
    }

    /// Reads a tag.
    pub fn of(tag: &str) -> Option<Self> {
        let tag = tag.trim().to_ascii_lowercase();
        if tag == "zh" || tag.starts_with("zh-") {
            return Some(Self::Chinese);
        }
        (tag == "en" || tag.starts_with("en-")).then_some(Self::English)
    }

    /// The language of a request (C7.3): its cookie, else the user's, else the best accepted one, else English.
    pub fn choose(headers: &HeaderMap, cookies: &Cookies, own: Option<&str>) -> Self {
        let chosen = cookies.get("lang").and_then(Self::of).or_else(|| own.and_then(Self::of));
        chosen.or_else(|| accepted(headers)).unwrap_or(Self::English)
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
        }
    }

    /// Refusal of a form, and what to do next.
    pub fn refused(&self, flash: &Flash) -> Message {
        match flash.code.as_str() {
            "bad_credentials" => self.refused_bad_credentials(),
            "account_blocked" => self.refused_account_blocked(),
            "email_taken" => self.refused_email_taken(),
            "rate_limited" if flash.wait.is_some_and(|wait| wait <= 90) => {
                self.refused_wait_seconds(flash.wait.unwrap_or(60).to_string())
            }
            "programme_off" => self.refused_programme_off(),
            "order_not_pending" => self.refused_order_not_pending(),
            "payment_under_way" => self.refused_payment_under_way(),
            "rate_limited" => self.refused_rate_limited(flash.wait.unwrap_or(60).div_ceil(60).to_string()),
            "idempotency_key_reused" => self.refused_idempotency_key_reused(),
            "outcome_unknown" => self.refused_outcome_unknown(),
            "unavailable" => self.refused_unavailable(),
            "invalid" => self.refused_invalid(),
            other => self.refused_other(other.to_owned()),
        }
    }

    /// Error of a field, by its pointer and code.
    pub fn field_error(&self, pointer: &str, code: &str) -> Message {
        match (pointer, code) {
            ("/email", _) => self.field_not_an_email(),
            ("/password", _) => self.field_password_length(),
            ("/code", _) => self.field_wrong_code(),
            ("/amount", "one_of") => self.field_one_of(),
            ("/amount" | "/offer_id", "not_payable") => self.field_amount_way(),
            ("/amount", "not_a_decimal") => self.field_amount_digits(),
            ("/amount", _) => self.field_amount(),
            ("/offer_id", _) => self.field_offer(),
            ("/provider" | "/method", _) => self.field_way(),
            _ => self.field_other(),
        }
    }

    /// Success of a form, for the page that comes after it; `None` for an unknown code.
    pub fn said(&self, flash: &Flash) -> Option<Message> {
        let fact = |name: &str| flash.facts.get(name).cloned();
        match flash.code.as_str() {
            "resent" => Some(self.resent()),
            "code_made" => Some(self.code_made()),
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
            _ => None,
        }
    }
}
