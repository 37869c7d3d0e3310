//! The page on which a forgotten password is replaced (R2.10): ask for the code, then enter it with the new password.

use axum::response::Response;
use maud::{Markup, html};

use crate::frame;
use crate::gate::{email, mailed_to, password, username};
use crate::parts::{Field, field};
use crate::visit::Visit;

/// Route that sets the new password.
const CONFIRM: &str = "/v1/password-resets/confirm";

/// The reset page; `?step=code` has the fields of the mailed code.
///
/// The mailed link ends in `#token=…`, which no server sees. The script puts it into the form that is hidden without.
pub async fn reset(visit: Visit) -> Response {
    let text = &visit.text;
    // A link whose new password was refused is still there.
    let token = visit.entered("token").filter(|_| visit.asked("step") == Some("link")).map(str::to_owned);
    let by_hand = match visit.asked("step") {
        Some("code") => by_code(&visit),
        _ => ask(&visit),
    };
    let main = html! {
        div.stack data-without-token hidden[token.is_some()] { (by_hand) }
        @if visit.asked("step") != Some("code") { (by_link(&visit, token.as_deref())) }
        p.small { a href="/sign-in" { (text.reset_back()) } }
    };
    frame::gate(&visit, &text.reset_password(), &html! { p.muted { (text.reset_intro()) } }, &main)
}

fn ask(visit: &Visit) -> Markup {
    html! {
        form.stack method="post" action="/forms/registration/reset" {
            (visit.sealed("POST", "/reset", "/reset?step=code", "/reset", None))
            (field(visit, &email(visit, None)))
            button.btn.go.big { (visit.text.reset_ask()) }
        }
        p { a href="/reset?step=code" { (visit.text.reset_have_code()) } }
    }
}

fn by_code(visit: &Visit) -> Markup {
    let text = &visit.text;
    let code = Field {
        hint: Some(text.reset_code_hint().to_string()),
        required: true,
        mono: true,
        ..Field::text("code", "code", html! { (text.reset_code()) })
    };
    html! {
        form.stack method="post" action="/forms/registration/v1/password-resets/confirm" {
            (visit.sealed("POST", CONFIRM, "/sign-in", "/reset?step=code", Some("reset_done")))
            (field(visit, &email(visit, mailed_to(visit))))
            (field(visit, &code))
            (field(visit, &new_password(visit)))
            p.small.muted { (text.reset_ends_all()) }
            button.btn.go.big { (text.reset_set()) }
        }
        p { a href="/reset" { (text.reset_again()) } }
    }
}

fn by_link(visit: &Visit, token: Option<&str>) -> Markup {
    html! {
        form.stack method="post" action="/forms/registration/v1/password-resets/confirm" data-token hidden[token.is_none()] {
            (visit.sealed("POST", CONFIRM, "/sign-in", "/reset?step=link", Some("reset_done")))
            input type="hidden" name="token" value=[token];
            (username(visit, None))
            (field(visit, &new_password(visit)))
            p.small.muted { (visit.text.reset_ends_all()) }
            button.btn.go.big { (visit.text.reset_set()) }
        }
    }
}

fn new_password(visit: &Visit) -> Field<'static> {
    Field {
        label: html! { (visit.text.new_password()) },
        ..password(visit, "new-password", Some(visit.text.password_length().to_string()))
    }
}
