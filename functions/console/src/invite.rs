//! Inviting: the user's code and link, the programme in words, friends and rewards (R3).

mod friends;
mod late;
pub mod terms;

use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use shared::kernel::fault::Fault;
use shared::referral::overview::{Programme, invitees, programme, programme_with};

pub use self::friends::rewards;
use crate::frame;
use crate::parts::{count, money};
use crate::show;
use crate::svg;
use crate::visit::{Arrival, Instead, Member, Visit, failed, not_found};

/// The page for inviting; friends may fail alone.
pub async fn page(arrival: Arrival) -> Result<Response, Instead> {
    let (arrival, part) = arrival.part("cursor", "").await?;
    let (app, user) = (arrival.app(), arrival.user());
    let inviting = async {
        let visit = arrival.member().await?;
        let member = visit.signed_in()?;
        let programme = programme(&app, &member.user).await.map_err(|error| frame::error(&visit, error))?;
        Ok::<_, Instead>((visit, programme))
    };
    let (inviting, friends) = tokio::join!(inviting, invitees(&app, user, &part.window));
    let (visit, programme) = inviting?;
    let visitor = visit.signed_in()?;
    let text = &visit.text;
    let promised = terms::Promised::of(&programme.terms);
    let promised = promised.map_err(|error| failed(&visit, &Fault::bug(error.to_string())))?;
    let lead = html! { @if programme.enabled { (promised.sentences(&visit, programme.max_invitees)) } };
    let head = frame::Head { title: text.invite().to_string(), lead, aside: html! {} };
    let main = html! {
        (tiles(&visit, &programme))
        (sharing(&visit, &programme))
        @if programme.enabled { (promised.steps(&visit)) }
        @if let Some(until) = programme.late_bind_until { (late::card(&visit, until)) }
        (friends::card(&visit, &programme, &part, friends))
        @if let Some(inviter) = &programme.invited_by { p.small.muted { (text.invited_by(inviter.clone())) } }
    };
    Ok(frame::headed(&visit, visitor, &head, &main))
}

fn tiles(visit: &Visit, programme: &Programme) -> Markup {
    let (text, counts) = (&visit.text, &programme.counts);
    html! {
        dl.tiles {
            div.tile { dt { (text.friends()) } dd { (count(counts.invitees)) } }
            div.tile {
                dt { (text.friends_reached(show::price_text(programme.terms.threshold))) }
                dd { (count(counts.qualified)) }
                dd { (text.friends_rewarded(count(counts.rewarded))) }
            }
            div.tile {
                dt { (text.earned()) }
                dd { (money(&counts.earned.into())) }
                dd { a href="/invite/rewards" { (text.all_rewards()) } }
            }
            div.tile {
                dt { (text.on_its_way()) }
                dd { (money(&counts.pending.into())) }
                @if counts.pending.is_positive() { dd { (text.on_its_way_note()) } }
            }
        }
    }
}

/// The sign-up link of a visitor who has a code that counts.
pub fn link(visit: &Visit, programme: &Programme) -> Option<(String, String)> {
    let user = &visit.member().ok()?.user;
    let code = user.invite_code.as_ref().filter(|_| programme.enabled && user.affiliate.can_invite)?;
    Some((code.to_string(), code.link(&programme.link_base)))
}

/// Code and link with their QR code; what to do first, or why there is none.
fn sharing(visit: &Visit, programme: &Programme) -> Markup {
    let text = &visit.text;
    let may_invite = visit.member().is_ok_and(|visitor| visitor.user.affiliate.can_invite);
    if !programme.enabled {
        return html! {
            section.card { div.in.stack-s { h2 { (text.invite_off()) } p.muted { (text.invite_off_todo()) } } }
        };
    }
    if !may_invite {
        return show::note("wait", &text.invite_barred());
    }
    match link(visit, programme) {
        Some((code, link)) => shared(visit, &code, &link),
        None => html! {
            section.card aria-labelledby="share" {
                header { h2 #share { (text.your_code()) } }
                div.in {
                    form.stack-s method="post" action="/forms/referral/v1/referral" {
                        (visit.sealed("GET", "/v1/referral", "/invite", "/invite", Some("code_made")))
                        p { (text.make_code_todo()) }
                        div { button.btn.go { (text.make_code()) } }
                    }
                }
            }
        },
    }
}

fn shared(visit: &Visit, code: &str, link: &str) -> Markup {
    let text = &visit.text;
    html! {
        div.cols.even {
            section.card aria-labelledby="share" {
                header { h2 #share { (text.your_code()) } }
                div.in.stack {
                    div.field {
                        label for="code" { (text.code_of_invite()) }
                        div.copy.code { input #code readonly value=(code); (copier(visit, "code")) }
                    }
                    div.field {
                        label for="link" { (text.invite_link()) }
                        div.copy.stackable {
                            input #link readonly value=(link);
                            (copier(visit, "link"))
                            button.btn type="button" data-share=(link) data-title=(&*text.share_title()) hidden { (text.share()) }
                        }
                        p.hint #copied aria-live="polite" { (text.link_for_good()) }
                    }
                }
            }
            aside.card aria-labelledby="qr" {
                header { h2 #qr { (text.qr_code()) } }
                div.in.row {
                    @if let Some(code) = svg::qr(link, Some(&text.qr_of_link())) { div.qr { (code) } }
                    a.btn.slim href="/invite/qr.svg" download="invite.svg" { (svg::save()) (text.qr_file()) }
                }
            }
        }
    }
}

/// The button that copies a field; there is none without script, since the field can be selected.
pub fn copier(visit: &Visit, field: &str) -> Markup {
    let text = &visit.text;
    html! {
        button.btn type="button" data-copy=(field) data-done=(&*text.copied()) data-else=(&*text.copy_by_hand()) hidden {
            (svg::copy()) (text.copy())
        }
    }
}

/// The QR code of the link as a file.
pub async fn qr(Member(visit): Member) -> Response {
    let programme = match visit.member() {
        Ok(visitor) => programme_with(&visit.app, &visitor.user, None, None).await,
        Err(fault) => return failed(&visit, &fault),
    };
    let link = match &programme {
        Ok(programme) => link(&visit, programme),
        Err(error) => return frame::error(&visit, error.clone()),
    };
    let Some(code) = link.and_then(|(_, link)| svg::qr(&link, None)) else { return not_found(&visit) };
    let headers = [
        (CONTENT_TYPE, "image/svg+xml"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_DISPOSITION, "attachment; filename=\"invite.svg\""),
    ];
    (StatusCode::OK, headers, code.into_string()).into_response()
}
