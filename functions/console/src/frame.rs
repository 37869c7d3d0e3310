//! Frame of every page: head, bars, headers, compression.

use std::io::Write;

use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName,
    REFERRER_POLICY, SET_COOKIE, STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, html};
use shared::account::browser::Visitor;
use shared::edge::cookies::{FLASH, SameSite, set};
use shared::edge::view::Amount;
use shared::kernel::fault::{Error, Fault};
use shared::kernel::refusal::Refusal;

use crate::brand::{links as own_links, mark};
use crate::files;
use crate::parts::{alert, money};
use crate::visit::{Visit, failed, not_found};

/// Content security policy, in front of and behind the images' source of the operator's own (C5.7).
const POLICY: [&str; 2] = [
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'",
    "; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'",
];

/// Headers of every page (C5.7).
const HEADERS: [(HeaderName, &str); 8] = [
    (CONTENT_TYPE, "text/html; charset=utf-8"),
    (CACHE_CONTROL, "no-store"),
    (VARY, "Cookie, Accept-Language, Accept-Encoding"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "same-origin"),
    (STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];
const PERMISSIONS: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";

/// Head of a page: its title, what stands below it and what beside it.
pub struct Head {
    pub title: String,
    pub lead: Markup,
    pub aside: Markup,
}

/// The page of a signed-in user.
pub fn page(visit: &Visit, visitor: &Visitor, title: &str, lead: &str, main: &Markup) -> Response {
    let head = Head { title: title.to_owned(), lead: html! { (lead) }, aside: html! {} };
    headed(visit, visitor, &head, main)
}

/// The page of a signed-in user, with more in its head.
pub fn headed(visit: &Visit, visitor: &Visitor, head: &Head, main: &Markup) -> Response {
    let body = html! {
        (top(visit, visitor))
        main #main .page tabindex="-1" {
            div.head { div { h1 { (head.title) } p { (head.lead) } } (head.aside) }
            (told(visit, main))
            (main)
        }
        footer.foot { (choices(visit)) }
    };
    answer(visit, status(visit), &head.title, &body)
}

/// The page of somebody who is not signed in: one card.
pub fn gate(visit: &Visit, title: &str, lead: &Markup, main: &Markup) -> Response {
    answer(visit, status(visit), title, &card(visit, title, lead, &html! { (told(visit, main)) (main) }))
}

/// A page that only says something.
pub fn message(visit: &Visit, status: StatusCode, title: &str, main: Markup) -> Response {
    answer(visit, status, title, &card(visit, title, &html! {}, &main))
}

/// Logs a fault, at this one place.
pub fn log(fault: &Fault) {
    // The problem document is where a fault is logged; a page says the same in other words.
    drop(shared::edge::problem::Problem::from(shared::kernel::fault::Error::Fault(fault.clone())));
}

fn card(visit: &Visit, title: &str, lead: &Markup, main: &Markup) -> Markup {
    html! {
        @if visit.app.config.test_mode { header { (ribbon(visit)) } }
        main #main tabindex="-1" {
            div.gate {
                p.row { (mark(visit)) }
                section.card { div.in.stack { div { h1 { (title) } (lead) } (main) } }
                footer.row.small { (choices(visit)) }
            }
        }
    }
}

/// The page of staff, in their own frame.
pub fn desk(visit: &Visit, title: &str, body: &Markup) -> Response {
    answer(visit, status(visit), title, body)
}

/// A form that was refused is answered 422 when its page comes again (C4.7).
fn status(visit: &Visit) -> StatusCode {
    if visit.refused().is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }
}

/// The message of the form before.
pub fn told(visit: &Visit, main: &Markup) -> Markup {
    let said = visit.flash.as_ref().filter(|flash| !flash.refused).and_then(|flash| visit.text.said(flash));
    html! {
        @if let Some(flash) = visit.refused() { (alert(visit, flash, main)) }
        @if let Some(said) = said { div.note.ok role="status" { span { (said) } } }
    }
}

fn top(visit: &Visit, visitor: &Visitor) -> Markup {
    let text = &visit.text;
    let entries: Vec<_> = [
        ("/shop", text.nav_shop()),
        ("/home", text.nav_home()),
        ("/top-up", text.nav_top_up()),
        ("/orders", text.nav_orders()),
        ("/invite", text.nav_invite()),
        ("/affiliate", text.nav_affiliate()),
        ("/redeem", text.nav_redeem()),
        ("/records", text.nav_records()),
    ]
    .into_iter()
    .filter(|(path, _)| visit.has_affiliate || *path != "/affiliate")
    .filter(|(path, _)| crate::shop::desk::runs_a_shop(&visitor.user) || *path != "/shop")
    .collect();
    // A page below an entry's belongs to it.
    let is_below =
        |path: &str| visit.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let links = |path: &str| is_below(path).then_some("page");
    let email = visitor.user.email.as_ref().map(|email| email.as_str().to_owned()).unwrap_or_default();
    let initial: String = email.chars().next().into_iter().flat_map(char::to_uppercase).collect();
    html! {
        header.top {
            (ribbon(visit))
            div {
                (mark(visit))
                nav aria-label=(&*text.main_menu()) {
                    ul { @for (path, name) in &entries { li { a href=(path) aria-current=[links(path)] { (name) } } } }
                }
                a.purse href="/records" {
                    span.small { (text.balance()) }
                    (money(&Amount::from(visitor.user.accounts.balance())))
                }
                details.menu.burger.only-narrow {
                    summary aria-label=(&*text.menu()) { (crate::parts::burger()) }
                    div {
                        @for (path, name) in &entries { a href=(path) aria-current=[links(path)] { (name) } }
                        (account(visit))
                    }
                }
                details.menu.hide-narrow {
                    summary aria-label=(&*text.account_of(email.as_str())) { (initial) }
                    div { (account(visit)) }
                }
            }
        }
    }
}

/// Names a deployment that moves no real money (C4.11).
pub fn ribbon(visit: &Visit) -> Markup {
    html! { @if visit.app.config.test_mode { p.ribbon { (visit.text.test_mode()) } } }
}

/// The year of the footer, in UTC.
fn year(visit: &Visit) -> String {
    visit.app.clock.now().to_zoned(TimeZone::UTC).year().to_string()
}

/// The visitor's own entries of a menu.
pub fn account(visit: &Visit) -> Markup {
    html! {
        a href="/account" aria-current=[(visit.path == "/account").then_some("page")] { (visit.text.nav_account()) }
        form method="post" action="/forms/registration/sign-out" {
            (visit.sealed("POST", "/sign-out", "/sign-in", &visit.path, None))
            button.btn.bare { (visit.text.sign_out()) }
        }
    }
}

/// Language and theme.
pub fn choices(visit: &Visit) -> Markup {
    let (other, name) = visit.language.other();
    let text = &visit.text;
    let themes = [("system", text.theme_system()), ("light", text.theme_light()), ("dark", text.theme_dark())];
    html! {
        span { (visit.text.foot_owner(year(visit), visit.brand.settings.name.as_str())) }
        (own_links(visit))
        a href=(visit.with("lang", other.tag())) lang=(other.tag()) hreflang=(other.tag()) { (name) }
        @for (theme, name) in &themes {
            @if visit.theme.unwrap_or("system") != *theme { a href=(visit.with("theme", theme)) { (text.theme_choice(name.to_string())) } }
        }
    }
}

fn answer(visit: &Visit, status: StatusCode, title: &str, body: &Markup) -> Response {
    let title = if visit.refused().is_some() { visit.text.error_title(title).to_string() } else { title.to_owned() };
    let page = html! {
        (DOCTYPE)
        html lang=(visit.language.tag()) data-theme=[visit.theme] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) " · " (visit.brand.settings.name) }
                link rel="stylesheet" href=(files::path("app.css"));
                @if let Some(sheet) = visit.brand.sheet() { link rel="stylesheet" href=(sheet); }
                link rel="icon" href=(files::path("icon.svg"));
                script type="module" src=(files::path("app.js")) {}
            }
            body {
                a.skip href="#main" { (visit.text.skip()) }
                (body)
            }
        }
    };
    let html = page.into_string();
    let mut response = (status, html.clone()).into_response();
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response.headers_mut().extend(policy(visit).map(|policy| (CONTENT_SECURITY_POLICY, policy)));
    response.headers_mut().insert("permissions-policy", HeaderValue::from_static(PERMISSIONS));
    for cookie in &visit.set {
        response.headers_mut().append(SET_COOKIE, cookie.clone());
    }
    // Shown once; another page's message stays where it is.
    if visit.flash.is_some()
        && let Some(cleared) = set(FLASH, "", SameSite::Strict, 0)
    {
        response.headers_mut().append(SET_COOKIE, cleared);
    }
    packed(&visit.headers, response, &html)
}

/// The content security policy of a page.
fn policy(visit: &Visit) -> Option<HeaderValue> {
    let [before, after] = POLICY;
    let images = visit.brand.image_source().map(|source| format!(" {source}")).unwrap_or_default();
    HeaderValue::from_str(&format!("{before}{images}{after}")).ok()
}

/// The response with its body compressed, if the browser takes that: the HTTP API does not compress (C2.6).
pub fn packed(headers: &HeaderMap, response: Response, content: &str) -> Response {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|line| line.to_str().ok()).unwrap_or_default();
    let takes_gzip = accepted.split(',').any(|one| one.split(';').next().map(str::trim) == Some("gzip"));
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    let packed = packer.write_all(content.as_bytes()).and_then(|()| packer.finish());
    match packed {
        Ok(packed) if takes_gzip => {
            let (mut parts, _) = response.into_parts();
            parts.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            parts.headers.remove("content-length");
            Response::from_parts(parts, packed.into())
        }
        _ => response,
    }
}

/// The page of a read that did not come about.
pub fn error(visit: &Visit, error: Error) -> Response {
    match error {
        Error::Refused(refusal) => refused(visit, &refusal),
        Error::Fault(fault) => failed(visit, &fault),
    }
}

/// The page of a refused read: somebody else's thing is no page.
pub fn refused(visit: &Visit, refusal: &Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::NOT_FOUND);
    if matches!(refusal, Refusal::NotFound) {
        return not_found(visit);
    }
    if matches!(refusal, Refusal::Forbidden | Refusal::RateLimited { .. }) {
        return crate::sorry::page(visit, status);
    }
    let main = html! { p { a.btn href="/" { (visit.text.nav_home()) } } };
    message(visit, status, &visit.text.refused_other(refusal.code()), main)
}
