//! Naming of an inviter after the sign-up (R3.12).

use fluent_static::Message;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use crate::parts::{Field, day, field};
use crate::text::Texts;
use crate::visit::Visit;

/// Route that binds the user.
const ROUTE: &str = "/v1/referral/inviter";

/// The form of a user who may still name an inviter.
pub fn card(visit: &Visit, until: Timestamp) -> Markup {
    let text = &visit.text;
    let code = Field {
        hint: Some(text.name_inviter_until(day(visit.language, until.to_zoned(TimeZone::UTC).date())).to_string()),
        required: true,
        mono: true,
        ..Field::text("referral_code", "referral_code", html! { (text.inviters_code()) })
    };
    html! {
        section.card aria-labelledby="inviter" {
            header { h2 #inviter { (text.name_inviter()) } p { (text.name_inviter_note()) } }
            div.in {
                form.stack.narrow method="post" action="/forms/referral/v1/referral/inviter" {
                    (visit.sealed("POST", ROUTE, "/invite", "/invite", Some("inviter_named")))
                    (field(visit, &code))
                    div.row { button.btn.go { (text.name_inviter_do()) } }
                }
            }
        }
    }
}

impl Texts {
    /// Why a code names no inviter.
    pub fn field_inviter(&self, code: &str) -> Message {
        match code {
            "inactive" => self.field_inviter_inactive(),
            "own" => self.field_inviter_own(),
            "limit" => self.field_inviter_limit(),
            "inviter_blocked" => self.field_inviter_blocked(),
            "programme_off" => self.field_inviter_off(),
            "circle" => self.field_inviter_circle(),
            "too_deep" => self.field_inviter_too_deep(),
            _ => self.field_inviter_unknown(),
        }
    }
}
