//! Pages before sign-in: sign in, register, verify.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use form_urlencoded::Serializer;
use maud::{Markup, html};
use serde::Deserialize;
use shared::account::browser;
use shared::account::model::identity::Email;
use shared::affiliate::model::settings::AffiliateSettings;
use shared::app::App;
use shared::edge::cookies::{Cookies, SESSION, SIGNUP};
use shared::edge::sealed;
use shared::kernel::fault::Error;
use shared::payment::model::settings::PaymentSettings;
use shared::referral::model::referral::RewardTerms;
use shared::referral::model::settings::ReferralSettings;

use crate::factor;
use crate::frame;
use crate::invite::terms::Promised;
use crate::parts::{Field, HERE, around, field};
use crate::show::note;
use crate::svg;
use crate::text::CHALLENGE_CODE;
use crate::visit::{Member, Visit, failed, next_page, redirect};

/// Leads to where the visitor begins.
pub async fn begin(State(app): State<Arc<App>>, headers: HeaderMap, visit: Visit) -> Response {
    let visitor = match Cookies::of(&headers).get(SESSION) {
        Some(cookie) => browser::visitor(&app, cookie).await,
        None => Ok(None),
    };
    match visitor {
        Ok(Some(visitor)) if crate::shop::desk::runs_a_shop(&visitor.user) => redirect("/shop"),
        Ok(Some(visitor)) => redirect(crate::admin::menu::first(&visitor.user).unwrap_or("/home")),
        Ok(None) => redirect("/sign-in"),
        Err(fault) => failed(&visit, &fault),
    }
}

/// A field for a password.
pub fn password<'a>(visit: &Visit, autocomplete: &'a str, hint: Option<String>) -> Field<'a> {
    Field {
        id: "password",
        name: "password",
        label: html! { (visit.text.password()) },
        kind: "password",
        autocomplete,
        hint,
        value: None,
        required: true,
        mono: false,
        show: Some(visit.text.show().to_string()),
    }
}

/// The field for the visitor's e-mail.
pub fn email<'a>(visit: &Visit, value: Option<&'a str>) -> Field<'a> {
    Field {
        id: "email",
        name: "email",
        label: html! { (visit.text.email()) },
        kind: "email",
        autocomplete: "username",
        hint: None,
        value,
        required: true,
        mono: false,
        show: None,
    }
}

/// The hidden name that password managers keep a new password under; no part of the form.
pub fn username(visit: &Visit, email: Option<&str>) -> Markup {
    html! {
        label hidden for="username" { (visit.text.email()) }
        input #username hidden type="email" autocomplete="username" readonly value=[email];
    }
}

/// The address that the form before asked a code for.
pub fn mailed_to(visit: &Visit) -> Option<&str> {
    visit.flash.as_ref()?.facts.get("email").map(String::as_str)
}

/// The sign-in page; while the e-mail is challenged, with a field for the mailed code (R2.9).
pub async fn sign_in(visit: Visit) -> Response {
    let text = &visit.text;
    let next = next_page(visit.asked("next"));
    let was_kept = Cookies::of(&visit.headers).get(SESSION).is_some();
    if visit.asked(KEPT).is_some() && was_kept {
        return redirect(&next);
    }
    if visit.asked("step") == Some("totp") {
        return factor::sign_in_code(&visit, &next, &page_with(&next, Some((KEPT, "1"))));
    }
    let back = page_with(&next, visit.asked("code").map(|_| ("code", "1")));
    let done = page_with(&next, Some((KEPT, "1")));
    let lead = html! { p.muted { (text.sign_in_new()) " " a href="/register" { (text.create_account_link()) } } };
    let is_challenged = visit.refused().is_some_and(|flash| flash.code == "challenge_required")
        || visit.asked("code").is_some()
        || visit.entered(CHALLENGE_CODE).is_some();
    let main = html! {
        @if visit.asked(KEPT).is_some() { (note("bad", &text.no_cookies())) }
        @if visit.asked(LINK).is_some() { (note("bad", &text.link_over())) }
        form.stack method="post" action="/forms/registration/sign-in" {
            (visit.sealed("POST", "/sign-in", &done, &back, None))
            (field(&visit, &email(&visit, mailed_to(&visit))))
            (field(&visit, &password(&visit, "current-password", None)))
            @if is_challenged { (challenge_code(&visit)) }
            button.btn.go.big { (text.sign_in()) }
        }
        @if is_challenged { (challenge(&visit)) }
        p.small { a href="/reset" { (text.forgot_password()) } }
    };
    frame::gate(&visit, &text.sign_in(), &lead, &main)
}

/// Path of the sign-in page.
const SIGN_IN: &str = "/sign-in";
/// Parameter of the page after a sign-in, which finds out if the browser keeps cookies (C5.13).
const KEPT: &str = "kept";

/// Parameter of the page after a link that was no longer good (C8.2).
const LINK: &str = "link";

/// The sign-in page that leads on to `next`, with another parameter.
fn page_with(next: &str, more: Option<(&str, &str)>) -> String {
    let next = Some(("next", next)).filter(|(_, next)| *next != "/");
    let query = Serializer::new(String::new()).extend_pairs(next.into_iter().chain(more)).finish();
    let page = Some(query).filter(|query| !query.is_empty()).map(|query| format!("{SIGN_IN}?{query}"));
    page.unwrap_or_else(|| SIGN_IN.to_owned())
}

fn challenge_code(visit: &Visit) -> Markup {
    let code = Field {
        hint: Some(visit.text.challenge_intro().to_string()),
        mono: true,
        ..Field::text("challenge_code", CHALLENGE_CODE, html! { (visit.text.challenge_code()) })
    };
    field(visit, &code)
}

/// Asks for another code, for the address that was entered.
fn challenge(visit: &Visit) -> Markup {
    let page = visit.with("code", "1");
    let address = visit.entered("email").or(mailed_to(visit));
    html! {
        @if let Some(address) = address {
            form.row method="post" action="/forms/registration/challenge" {
                (visit.sealed("POST", "/challenge", &page, &page, None))
                input type="hidden" name="email" value=(address);
                span.muted { (visit.text.resend_none()) }
                button.btn.slim { (visit.text.challenge_resend()) }
            }
        }
    }
}

/// True while an invite code has an effect; and what the referral programme promises, while it is on.
async fn programmes(app: &App) -> Result<(bool, Option<Promised>), Error> {
    let referral = app.settings::<ReferralSettings>().await?.settings;
    let affiliate = app.settings::<AffiliateSettings>().await?.settings;
    if !referral.enabled {
        return Ok((affiliate.enabled, None));
    }
    let pay = app.settings::<PaymentSettings>().await?.settings;
    let terms = RewardTerms::of(&referral, pay.ledger_currency, pay.pay_currency)?;
    Ok((true, Some(Promised::of(&terms)?)))
}

/// The registration page; `?ref=` fills in the invite code.
pub async fn register(State(app): State<Arc<App>>, visit: Visit) -> Response {
    let (takes_codes, promised) = match programmes(&app).await {
        Ok(read) => read,
        Err(error) => return frame::error(&visit, error),
    };
    let text = &visit.text;
    let code = visit.asked("ref").map(|code| code.trim().chars().take(100).collect::<String>().to_uppercase());
    let code = code.filter(|code| !code.is_empty() && takes_codes);
    let back = visit.with("", "");
    let lead = html! { p.muted { (text.have_account()) " " a href="/sign-in" { (text.sign_in()) } } };
    let invite = Field {
        value: code.as_deref(),
        mono: true,
        ..Field::text(
            "referral_code",
            "referral_code",
            html! { (text.invite_code()) " " span.muted { (text.optional()) } },
        )
    };
    let main = html! {
        @if let Some(code) = &code {
            div.note.ok {
                (svg::info())
                span {
                    (around(&text.invited_with(HERE), &html! { strong.mono { (code) } }))
                    @if let Some(promised) = &promised { (promised.to_friend(&visit)) }
                }
            }
        }
        form.stack method="post" action="/forms/registration/register" {
            (visit.sealed("POST", "/register", "/home", &back, None))
            input type="hidden" name="locale" value=(visit.language.tag());
            (field(&visit, &email(&visit, None)))
            (field(&visit, &password(&visit, "new-password", Some(text.password_length().to_string()))))
            @if takes_codes {
                div.stack-s data-code="referral_code" data-fine=(&*text.code_fine()) data-not=(&*text.code_unknown()) {
                    (field(&visit, &invite))
                    p.hint aria-live="polite" hidden {}
                }
            }
            button.btn.go.big { (text.create_account_do()) }
        }
        @if let Some(terms) = &visit.brand.settings.terms_url {
            p.small { a href=(terms) rel="noreferrer" { (text.accept_terms()) } }
        }
    };
    frame::gate(&visit, &text.create_account(), &lead, &main)
}

/// The page that asks for the password once more, and for the second factor, before a dangerous form (C5.6, R2.12).
pub async fn confirm_password(Member(visit): Member) -> Response {
    let text = &visit.text;
    let next = next_page(visit.asked("next"));
    let back = visit.with("", "");
    let user = visit.visitor.as_ref().map(|visitor| &visitor.user);
    let email = user.and_then(|user| user.email.as_ref()).map(|email| email.as_str());
    let has_factor = user.is_some_and(|user| user.second_factor_since.is_some());
    let (title, why) = match has_factor {
        true => (text.confirm_both(), text.confirm_both_why()),
        false => (text.confirm_password(), text.confirm_password_why()),
    };
    let main = html! {
        form.stack method="post" action="/forms/registration/confirm-password" {
            (visit.sealed("POST", "/confirm-password", &next, &back, None))
            (username(&visit, email))
            (field(&visit, &password(&visit, "current-password", None)))
            @if has_factor { (field(&visit, &factor::code(&visit, "totp"))) }
            button.btn.go.big { (text.confirm_password_do()) }
        }
        p.small { a href="/" { (text.go_back()) } }
    };
    frame::gate(&visit, &title, &html! { p.muted { (why) } }, &main)
}

/// Sign-up that waits for its code, in the browser's sealed cookie.
#[derive(Debug, Deserialize)]
struct Waiting {
    email: String,
}

/// The masked address of the sign-up that waits for its code (R2.7).
fn waiting_address(visit: &Visit) -> Option<String> {
    let cookies = Cookies::of(&visit.headers);
    let text = sealed::open(&visit.app.config.secret, "sign-up", cookies.get(SIGNUP)?)?;
    let waiting: Waiting = serde_json::from_slice(&text).ok()?;
    Some(Email::parse(&waiting.email)?.masked())
}

/// The page for the mailed code; the address is in a sealed cookie, not in the URL.
pub async fn verify(visit: Visit) -> Response {
    let text = &visit.text;
    let code = Field {
        id: "code",
        name: "code",
        label: html! { (text.code()) },
        kind: "text",
        autocomplete: "one-time-code",
        hint: None,
        value: None,
        required: true,
        mono: true,
        show: None,
    };
    let main = html! {
        form.stack method="post" action="/forms/registration/verify" {
            (visit.sealed("POST", "/verify", "/home", "/verify", None))
            (field(&visit, &code))
            button.btn.go.big { (text.verify_do()) }
        }
        form.row method="post" action="/forms/registration/resend" {
            (visit.sealed("POST", "/resend", "/verify", "/verify", Some("resent")))
            span.muted { (text.resend_none()) }
            button.btn.slim { (text.resend()) }
        }
    };
    let intro = match waiting_address(&visit) {
        Some(address) => text.verify_intro_to(address),
        None => text.verify_intro(),
    };
    let lead = html! { p.muted { (intro) } };
    frame::gate(&visit, &text.verify(), &lead, &main)
}
