//! The page of the visitor's own account: language, password, e-mail, devices, data (R2.11).

use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use shared::account::browser::Visitor;
use shared::account::records::{StatementFilter, records as statement};
use shared::account::view::Record;
use shared::edge::export::{CsvRow, csv};
use shared::kernel::fault::Error;
use shared::kernel::ledger::{AccountKind, AccountOwner};
use shared::table::list::Window;
use shared::table::store::Page;

use crate::export::{self, file};
use crate::factor;
use crate::frame;
use crate::gate::{password, username};
use crate::mails;
use crate::parts::{Field, field, time};
use crate::text::Language;
use crate::visit::{Member, Visit, failed};

/// Rows that are read at once for the file of records.
const AT_ONCE: i32 = 500;

/// The account page; `?step=email` asks for the code that was mailed to a new address.
pub async fn account(Member(visit): Member) -> Response {
    let member = match visit.member() {
        Ok(member) => member,
        Err(fault) => return failed(&visit, &fault),
    };
    let text = &visit.text;
    let email = member.user.email.as_ref().map(|email| email.as_str());
    let main = html! {
        div.two {
            (about(&visit, member))
            @if email.is_some() { (change_password(&visit, email)) (change_email(&visit)) }
            div.stack.top-aligned { (factor::card(&visit, member)) (mails::card(&visit)) (devices(&visit)) (data(&visit)) }
        }
    };
    frame::page(&visit, member, &text.account_title(), &text.account_lead(), &main)
}

fn about(visit: &Visit, member: &Visitor) -> Markup {
    let text = &visit.text;
    let shown = visit.language;
    html! {
        section.card aria-labelledby="about" {
            header { h2 #about { (text.account_about()) } }
            div.in.stack {
                dl.sum {
                    dt { (text.email()) }
                    dd.break {
                        @match &member.user.email {
                            Some(email) => { (email.as_str()) }
                            None => { (text.account_no_email()) }
                        }
                    }
                    dt { (text.account_id()) } dd { span.mono.break { (member.user.id) } }
                    dt { (text.account_since()) } dd { (time(shown, member.user.created_at)) }
                    dt { (text.account_session_since()) } dd { (time(shown, member.since)) }
                }
                form.stack-s method="post" action="/forms/registration/language" {
                    (visit.sealed("POST", "/language", "/account", "/account", Some("language_saved")))
                    div.field {
                        label for="locale" { (text.language()) }
                        select #locale name="locale" {
                            @for language in [Language::English, Language::Chinese] {
                                option value=(language.tag()) lang=(language.tag()) selected[language == shown] {
                                    (language.name())
                                }
                            }
                        }
                    }
                    div.row { button.btn { (text.save_it()) } }
                }
            }
        }
    }
}

fn change_password(visit: &Visit, email: Option<&str>) -> Markup {
    let text = &visit.text;
    let length = Some(text.password_length().to_string());
    let current = Field {
        id: "current",
        name: "current",
        label: html! { (text.current_password()) },
        ..password(visit, "current-password", None)
    };
    let new = Field {
        id: "new",
        name: "new",
        label: html! { (text.new_password()) },
        ..password(visit, "new-password", length)
    };
    html! {
        section.card aria-labelledby="change-password" {
            header { h2 #change-password { (text.change_password()) } p { (text.change_password_note()) } }
            div.in {
                form.stack method="post" action="/forms/registration/password" {
                    (visit.sealed("POST", "/password", "/account", "/account", Some("password_changed")))
                    (username(visit, email))
                    (field(visit, &current))
                    (field(visit, &new))
                    div.row { button.btn.go { (text.change_password_do()) } }
                }
            }
        }
    }
}

fn change_email(visit: &Visit) -> Markup {
    let text = &visit.text;
    html! {
        section.card aria-labelledby="change-email" {
            header { h2 #change-email { (text.change_email()) } p { (text.change_email_note()) } }
            div.in.stack {
                @if visit.asked("step") == Some("email") { (confirm_email(visit)) } @else { (ask_email(visit)) }
            }
        }
    }
}

fn ask_email(visit: &Visit) -> Markup {
    let text = &visit.text;
    let email = Field {
        id: "email",
        name: "email",
        label: html! { (text.new_email()) },
        kind: "email",
        autocomplete: "username",
        hint: None,
        value: None,
        required: true,
        mono: false,
        show: None,
    };
    html! {
        form.stack method="post" action="/forms/registration/v1/me/email" {
            (visit.sealed("PUT", "/v1/me/email", "/account?step=email", "/account", Some("email_asked")))
            (field(visit, &email))
            (field(visit, &Field { label: html! { (text.current_password()) }, ..password(visit, "current-password", None) }))
            div.row { button.btn { (text.change_email_do()) } }
        }
    }
}

fn confirm_email(visit: &Visit) -> Markup {
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
    html! {
        p { (text.email_code_intro()) }
        form.stack method="post" action="/forms/registration/v1/me/email/confirm" {
            (visit.sealed("POST", "/v1/me/email/confirm", "/account", "/account?step=email", Some("email_changed")))
            (field(visit, &code))
            div.row {
                button.btn.go { (text.email_confirm_do()) }
                a href="/account" { (text.email_other()) }
            }
        }
    }
}

fn devices(visit: &Visit) -> Markup {
    let text = &visit.text;
    html! {
        section.card aria-labelledby="devices" {
            header { h2 #devices { (text.devices()) } p { (text.devices_note()) } }
            div.in {
                form method="post" action="/forms/registration/sign-out-everywhere" {
                    (visit.sealed("POST", "/sign-out-everywhere", "/sign-in", "/account", None))
                    button.btn.risk { (text.sign_out_everywhere()) }
                }
            }
        }
    }
}

fn data(visit: &Visit) -> Markup {
    let text = &visit.text;
    html! {
        section.card aria-labelledby="data" {
            header { h2 #data { (text.own_data()) } p { (text.own_data_note()) } }
            div.in.row {
                a.btn href="/account/records.csv" download { (text.own_data_balance()) }
                a.btn href="/account/records.csv?account=commission" download { (text.own_data_commission()) }
            }
        }
    }
}

/// All records of an account of the visitor as a file.
pub async fn records(Member(visit): Member) -> Response {
    let (account, name) = match visit.asked("account") {
        Some("commission") => (AccountKind::Commission, "commission.csv"),
        _ => (AccountKind::Balance, "balance.csv"),
    };
    match rows(&visit, account).await {
        Ok(Some(rows)) => file(name, csv(Record::COLUMNS, rows.into_iter())),
        Ok(None) => {
            let main = html! { p { a.btn href="/account" { (visit.text.go_back()) } } };
            frame::message(&visit, StatusCode::UNPROCESSABLE_ENTITY, &visit.text.own_data_too_many(), main)
        }
        Err(error) => frame::error(&visit, error),
    }
}

/// The rows; `None` when they are more than a file may have.
async fn rows(visit: &Visit, account: AccountKind) -> Result<Option<Vec<serde_json::Value>>, Error> {
    let owner = AccountOwner::User(visit.member()?.user.id);
    let read = |window: Window| async move {
        let Window { from, to, limit, after } = window;
        let page =
            statement(&visit.app, owner, &StatementFilter { account, kind: None, from, to, limit, after }).await?;
        Ok(Page { items: page.items.into_iter().map(Record::from).collect(), next: page.next })
    };
    export::rows(Window { limit: AT_ONCE, ..Window::default() }, read).await
}
