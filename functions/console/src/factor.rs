//! Pages of the second factor (R2.12): its code at sign-in, and the page where an admin sets it up, renews its recovery codes, removes it.

use axum::response::Response;
use maud::{Markup, html};
use shared::account::browser::Visitor;
use shared::account::model::identity::Role;
use shared::account::model::settings::{AdminTotp, IdentitySettings};
use shared::account::second_factor::{self, Enrolment, FactorStatus};
use shared::edge::cookies::{Cookies, FACTOR};
use shared::kernel::fault::Error;

use crate::frame;
use crate::gate::{password, username};
use crate::parts::{Field, field, time};
use crate::show::note;
use crate::svg;
use crate::visit::{Member, Visit, failed, not_found, redirect, sign_in};

/// Path of the page.
pub const PAGE: &str = "/account/second-factor";
/// Route of the second factor.
const ROUTE: &str = "/v1/me/second-factor";

/// The field of a code, of the app or for recovery.
pub fn code<'a>(visit: &Visit, id: &'a str) -> Field<'a> {
    Field {
        id,
        name: "totp",
        label: html! { (visit.text.totp()) },
        kind: "text",
        autocomplete: "one-time-code",
        hint: Some(visit.text.totp_hint().to_string()),
        value: None,
        required: true,
        mono: true,
        show: None,
    }
}

/// The step of a sign-in that asks for the code, after the password; a browser that gave none begins again.
pub fn sign_in_code(visit: &Visit, next: &str, done: &str) -> Response {
    if Cookies::of(&visit.headers).get(FACTOR).is_none() {
        return redirect(&sign_in(next));
    }
    let text = &visit.text;
    let back = visit.with("", "");
    let main = html! {
        form.stack method="post" action="/forms/registration/sign-in-code" {
            (visit.sealed("POST", "/sign-in-code", done, &back, None))
            (field(visit, &code(visit, "totp")))
            button.btn.go.big { (text.sign_in()) }
        }
        p.small { a href=(sign_in(next)) { (text.totp_other_account()) } }
    };
    frame::gate(visit, &text.totp_title(), &html! { p.muted { (text.totp_lead()) } }, &main)
}

/// The card of the account page that leads to the second factor; for admins, and whoever has one.
pub fn card(visit: &Visit, member: &Visitor) -> Markup {
    let text = &visit.text;
    let since = member.user.second_factor_since;
    html! {
        @if since.is_some() || member.user.role == Role::Admin {
            section.card aria-labelledby="second-factor" {
                header { h2 #second-factor { (text.second_factor()) } p { (text.second_factor_note()) } }
                div.in.row {
                    @match since {
                        Some(at) => { span { (text.second_factor_since()) " " (time(visit.language, at)) } }
                        None => { span { (text.second_factor_off()) } }
                    }
                    a.btn href=(PAGE) { @if since.is_some() { (text.second_factor_change()) } @else { (text.second_factor_begin()) } }
                }
            }
        }
    }
}

/// The page of the second factor.
pub async fn page(Member(visit): Member) -> Response {
    let member = match visit.member() {
        Ok(member) => member,
        Err(fault) => return failed(&visit, &fault),
    };
    if member.user.second_factor_since.is_none() && member.user.role != Role::Admin {
        return not_found(&visit);
    }
    let text = &visit.text;
    let main = match content(&visit, member).await {
        Ok(main) => main,
        Err(error) => return frame::error(&visit, error),
    };
    frame::page(
        &visit,
        member,
        &text.second_factor(),
        &text.second_factor_lead(),
        &html! { div.narrow.stack { (main) } },
    )
}

async fn content(visit: &Visit, member: &Visitor) -> Result<Markup, Error> {
    let (app, claims) = (&*visit.app, &member.session.claims);
    let status = second_factor::status(app, claims).await?;
    if status.since.is_some() {
        return Ok(html! { (codes(visit)) (on(visit, member, &status)) });
    }
    if let Some(enrolment) = second_factor::awaited(app, claims, &member.user).await? {
        return Ok(confirm(visit, &enrolment));
    }
    let needed = app.settings::<IdentitySettings>().await?.settings.admin_totp == AdminTotp::Required;
    Ok(html! { @if needed { (note("wait", &visit.text.second_factor_needed())) } (begin(visit, member)) })
}

fn begin(visit: &Visit, member: &Visitor) -> Markup {
    let text = &visit.text;
    html! {
        section.card aria-labelledby="begin" {
            header { h2 #begin { (text.second_factor_begin()) } p { (text.second_factor_begin_note()) } }
            div.in {
                form.stack method="post" action=(format!("/forms/registration{ROUTE}")) {
                    (visit.sealed("POST", ROUTE, PAGE, PAGE, None))
                    (username(visit, email(member)))
                    (field(visit, &password(visit, "current-password", None)))
                    div.row { button.btn.go { (text.second_factor_begin_do()) } a.btn.bare href="/account" { (text.back()) } }
                }
            }
        }
    }
}

/// The key as a QR code and as text, and the field for the app's first code.
fn confirm(visit: &Visit, of: &Enrolment) -> Markup {
    let text = &visit.text;
    let route = format!("{ROUTE}/confirm");
    let key = of.key.base32();
    html! {
        section.card aria-labelledby="confirm" {
            header { h2 #confirm { (text.second_factor_scan()) } p { (text.second_factor_scan_note()) } }
            div.in.stack {
                @if let Some(code) = svg::qr(&of.uri, Some(&text.second_factor_qr())) { div.qr { (code) } }
                div.field {
                    label for="secret" { (text.second_factor_key()) }
                    div.copy.stackable {
                        input.mono #secret readonly value=(key) autocomplete="off";
                        (crate::invite::copier(visit, "secret"))
                    }
                    p.hint #copied aria-live="polite" {}
                }
                p.small.muted { (text.second_factor_until()) " " (time(visit.language, of.until)) }
                form.stack method="post" action=(format!("/forms/registration{route}")) {
                    (visit.sealed("POST", &route, PAGE, PAGE, Some("second_factor_on")))
                    (field(visit, &Field { hint: None, label: html! { (text.totp_of_app()) }, ..code(visit, "totp") }))
                    div.row { button.btn.go { (text.second_factor_confirm_do()) } }
                }
            }
        }
    }
}

/// The recovery codes that the form before brought; they are shown once.
fn codes(visit: &Visit) -> Markup {
    let text = &visit.text;
    let flash = visit.flash.as_ref().filter(|flash| !flash.refused);
    let Some(codes) = flash.and_then(|flash| flash.facts.get("recovery_codes")) else { return html! {} };
    html! {
        section.card aria-labelledby="codes" {
            header { h2 #codes { (text.recovery_codes()) } p { (text.recovery_codes_note()) } }
            div.in.stack-s {
                ul.mono { @for code in codes.lines() { li { (code) } } }
                p { strong { (text.recovery_codes_once()) } }
                p.row { a.btn.go href="/" { (text.recovery_codes_kept()) } }
            }
        }
    }
}

fn on(visit: &Visit, member: &Visitor, status: &FactorStatus) -> Markup {
    let text = &visit.text;
    let renew = format!("{ROUTE}/recovery-codes");
    let left = u32::try_from(status.recovery_codes_left).unwrap_or(u32::MAX);
    let both = |prefix: &str| {
        let (password_id, code_id) = (format!("{prefix}password"), format!("{prefix}totp"));
        html! {
            (username_of(visit, member, prefix))
            (field(visit, &Field { id: &password_id, ..password(visit, "current-password", None) }))
            (field(visit, &code(visit, &code_id)))
        }
    };
    html! {
        section.card aria-labelledby="on" {
            header { h2 #on { (text.second_factor_on()) } }
            div.in.stack-s {
                @if let Some(at) = status.since { p { (text.second_factor_since()) " " (time(visit.language, at)) } }
                p { (text.recovery_codes_left(left)) }
            }
        }
        section.card aria-labelledby="renew" {
            header { h2 #renew { (text.recovery_codes_renew()) } p { (text.recovery_codes_renew_note()) } }
            div.in {
                form.stack method="post" action=(format!("/forms/registration{renew}")) {
                    (visit.sealed("POST", &renew, PAGE, PAGE, Some("recovery_codes_made")))
                    (both(""))
                    div.row { button.btn { (text.recovery_codes_renew_do()) } }
                }
            }
        }
        section.card aria-labelledby="remove" {
            header { h2 #remove { (text.second_factor_remove()) } p { (text.second_factor_remove_note()) } }
            div.in {
                form.stack method="post" action=(format!("/forms/registration{ROUTE}")) {
                    (visit.sealed("DELETE", ROUTE, PAGE, PAGE, Some("second_factor_removed")))
                    (both("remove-"))
                    div.row { button.btn.risk { (text.second_factor_remove_do()) } }
                }
            }
        }
    }
}

/// The hidden name of the account for password managers, in each of several forms.
fn username_of(visit: &Visit, member: &Visitor, prefix: &str) -> Markup {
    let id = format!("{prefix}username");
    html! {
        label hidden for=(id) { (visit.text.email()) }
        input id=(id) hidden type="email" autocomplete="username" readonly value=[email(member)];
    }
}

fn email(member: &Visitor) -> Option<&str> {
    member.user.email.as_ref().map(|email| email.as_str())
}
