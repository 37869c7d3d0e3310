//! The page on which a visitor chooses the mails they get, and the page behind the link that stops one kind.

use axum::response::Response;
use fluent_static::Message;
use maud::{Markup, html};
use shared::account::browser::Visitor;
use shared::kernel::fault::Error;
use shared::notices::model::mail_preferences::{MailPreferences, StopReason};
use shared::notices::model::notice::Notice;
use shared::notices::preferences::MailChoices;
use shared::notices::unsubscribe::Unsubscription;

use crate::admin::acts::tick;
use crate::frame;
use crate::parts::time;
use crate::show::note;
use crate::visit::{Member, Visit, failed};

/// Path of the page.
pub const PAGE: &str = "/account/mails";
/// Route of the caller's choice.
const ROUTE: &str = "/v1/me/mails";

/// The card of the account page that leads to the choice.
pub fn card(visit: &Visit) -> Markup {
    let text = &visit.text;
    html! {
        section.card aria-labelledby="mails" {
            header { h2 #mails { (text.mails()) } p { (text.mails_note()) } }
            div.in { a.btn href=(PAGE) { (text.mails_choose()) } }
        }
    }
}

/// The page of the choice.
pub async fn page(Member(visit): Member) -> Response {
    let member = match visit.member() {
        Ok(member) => member,
        Err(fault) => return failed(&visit, &fault),
    };
    let choices = match choices(&visit, member).await {
        Ok(choices) => choices,
        Err(error) => return frame::error(&visit, error),
    };
    let text = &visit.text;
    let main = html! {
        div.narrow.stack {
            (stop(&visit, &choices))
            section.card aria-labelledby="choice" {
                header { h2 #choice { (text.mails_choice()) } p { (text.mails_note()) } }
                div.in {
                    form.stack method="post" action=(format!("/forms/registration{ROUTE}")) {
                        (visit.sealed("PUT", ROUTE, PAGE, PAGE, Some("mails_saved")))
                        @for notice in Notice::ALL { (kind(&visit, &choices, notice)) }
                        div.row { button.btn.go { (text.mails_save()) } a.btn.bare href="/account" { (text.back()) } }
                    }
                }
            }
        }
    };
    frame::page(&visit, member, &text.mails(), &text.mails_lead(), &main)
}

async fn choices(visit: &Visit, member: &Visitor) -> Result<MailChoices, Error> {
    let stored = visit.app.store.get::<MailPreferences>(&MailPreferences::key(member.user.id)).await?;
    MailChoices::of(&visit.app, &member.user, stored.as_deref()).await
}

fn stop(visit: &Visit, choices: &MailChoices) -> Markup {
    let Some(stopped) = &choices.stopped else { return html! {} };
    let why = match stopped.because {
        StopReason::Bounced => visit.text.mails_bounced(),
        StopReason::Complained => visit.text.mails_complained(),
    };
    note("wait", &html! { (why) " " (time(visit.language, stopped.at)) })
}

fn kind(visit: &Visit, choices: &MailChoices, notice: Notice) -> Markup {
    let name = format!("{notice}:bool");
    let label = html! {
        (named(visit, notice))
        @if choices.not_sent.contains(&notice) { " " span.muted { (visit.text.mails_not_sent()) } }
    };
    tick(visit, (notice.as_str(), &name), &label, !choices.off.contains(&notice))
}

fn named(visit: &Visit, notice: Notice) -> Message {
    let text = &visit.text;
    match notice {
        Notice::PaymentCredited => text.mails_payment_credited(),
        Notice::RewardGranted => text.mails_reward_granted(),
        Notice::WithdrawalSettled => text.mails_withdrawal_settled(),
        Notice::PromotionEnding => text.mails_promotion_ending(),
    }
}

/// The page behind the link in a mail, for whoever follows it: it changes nothing before the button is pressed.
pub async fn unsubscribe(visit: Visit) -> Response {
    let text = &visit.text;
    let token = visit.asked("token").unwrap_or_default().to_owned();
    let main = match Unsubscription::read(&visit.app, &token) {
        Ok(of) => {
            let path = format!("/v1/mails/unsubscribe?token={token}");
            html! {
                form.stack method="post" action="/forms/registration/v1/mails/unsubscribe" {
                    (visit.sealed("POST", &path, "/unsubscribe", &visit.with("", ""), Some("mails_stopped")))
                    p { (text.unsubscribe_from()) " " b { (named(&visit, of.notice)) } }
                    button.btn.go.big { (text.unsubscribe_do()) }
                }
            }
        }
        // After the press, the message says what was done.
        Err(_) if token.is_empty() => html! {},
        Err(_) => note("wait", &text.unsubscribe_wrong()),
    };
    let main = html! { (main) p.small { a href=(PAGE) { (text.mails_choose()) } } };
    frame::gate(&visit, &text.unsubscribe(), &html! { p.muted { (text.mails_note()) } }, &main)
}
