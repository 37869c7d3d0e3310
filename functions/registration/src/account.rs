//! The caller's account (R1.5, R1.6).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use shared::account::balance_at::balance_at;
use shared::account::balance_at::view::{PastBalance, PastTime};
use shared::account::model::identity::Password;
use shared::account::model::user::User;
use shared::account::profile;
use shared::account::records::{self as verb, StatementFilter};
use shared::account::view::Caller;
use shared::account::view::{Record, network};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::page::{Listing, Paging, Parameters};
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::search::{named, time};
use shared::kernel::ledger::{AccountKind, AccountOwner, RecordType};
use shared::kernel::refusal::{Refusal, code};

use shared::table::list::Window;
use utoipa::IntoParams;

use super::signup::address;
use super::wire::{MailedCode, Me, NewEmail, PasswordChange, Profile, SignedIn, locale};

/// The caller's account
#[utoipa::path(
    get, path = "/v1/me", operation_id = "getMe", tag = "account",
    responses((status = 200, body = Me)),
)]
pub async fn me(State(app): State<Arc<App>>, caller: Caller) -> Result<Reply<Me>, Problem> {
    let user = app.store.get::<User>(&User::key(caller.id())).await?.ok_or(Refusal::Unauthenticated)?;
    user.must_honour(&caller.bearer())?;
    Ok(Reply::ok(Me::with_debt(&user)))
}

/// Set the caller's language
#[utoipa::path(
    put, path = "/v1/me", operation_id = "setProfile", tag = "account",
    responses((status = 200, body = Me), code::AccountBlocked),
)]
pub async fn set_profile(
    State(app): State<Arc<App>>,
    caller: Caller,
    body: Body<Profile>,
) -> Result<Reply<Me>, Problem> {
    locale(body.value.locale.as_deref()).map_err(Refusal::from)?;
    let user = profile::set_locale(&app, &caller.bearer(), body.value.locale.as_deref()).await?;
    Ok(Reply::ok(Me::with_debt(&user)))
}

/// Set the caller's password
///
/// Ends all sessions of the caller; the response is a new one.
#[utoipa::path(
    put, path = "/v1/me/password", operation_id = "setPassword", tag = "account",
    responses((status = 200, body = SignedIn), code::AccountBlocked, code::RateLimited),
)]
pub async fn set_password(
    State(app): State<Arc<App>>,
    caller: Caller,
    body: Body<PasswordChange>,
) -> Result<Reply<SignedIn>, Problem> {
    let current = password("/current", &body.value.current)?;
    let new = Password::at("/new", &body.value.new).map_err(Refusal::from)?;
    let (user, tokens) = profile::change_password(&app, &caller.bearer(), (&current, &new), &network()).await?;
    Ok(Reply::ok(SignedIn::new(&user, tokens)))
}

/// Ask for another e-mail address of the caller
///
/// A code is mailed to the new address, and the old one is told.
#[utoipa::path(
    put, path = "/v1/me/email", operation_id = "setEmail", tag = "account",
    responses((status = 202, description = "Mailed."), code::AccountBlocked, code::RateLimited),
)]
pub async fn set_email(
    State(app): State<Arc<App>>,
    caller: Caller,
    body: Body<NewEmail>,
) -> Result<StatusCode, Problem> {
    let email = address(&body.value.email)?;
    let password = password("/password", &body.value.password)?;
    profile::ask_email(&app, &caller.bearer(), &email, &password, &network()).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Confirm the caller's new e-mail address with the mailed code
#[utoipa::path(
    post, path = "/v1/me/email/confirm", operation_id = "confirmEmail", tag = "account",
    responses((status = 200, body = Me), code::AccountBlocked, code::EmailTaken),
)]
pub async fn confirm_email(
    State(app): State<Arc<App>>,
    caller: Caller,
    body: Body<MailedCode>,
) -> Result<Reply<Me>, Problem> {
    let user = profile::confirm_email(&app, &caller.bearer(), &body.value.code).await?;
    Ok(Reply::ok(Me::with_debt(&user)))
}

/// Reads the caller's password; a text that can be no password is a wrong one.
///
/// # Rejects
/// 422 at `pointer`.
pub fn password(pointer: &str, text: &str) -> Result<Password, Refusal> {
    Password::shown(text).ok_or_else(|| Refusal::field(pointer, "wrong_password", "The password is not right."))
}

shared::kernel::text_enum! {
    /// Account of statement lines.
    pub enum AccountChoice {
        /// The balance and its debt.
        Balance = "balance",
        /// The commission account.
        Commission = "commission",
    }
}

/// Filters of the caller's statement lines.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filters {
    /// Account of the lines: `balance` (default) or `commission`.
    #[param(inline, value_type = Option<AccountChoice>)]
    account: Option<String>,
    /// Type of the lines.
    #[serde(rename = "type")]
    #[param(inline, value_type = Option<RecordType>)]
    kind: Option<String>,
    /// Earliest time, inclusive, RFC 3339.
    from: Option<String>,
    /// Latest time, inclusive, RFC 3339.
    to: Option<String>,
}

/// The caller's balance at a past time
///
/// It is read from the journal entries. Without a time it is that of now.
#[utoipa::path(
    get, path = "/v1/balance", operation_id = "getBalance", tag = "account",
    responses((status = 200, body = PastBalance)),
)]
pub async fn balance(
    State(app): State<Arc<App>>,
    caller: Caller,
    Parameters(time): Parameters<PastTime>,
) -> Result<Reply<PastBalance>, Problem> {
    let at = time.read(app.clock.now())?;
    Ok(Reply::ok(balance_at(&app, caller.id(), at).await?.into()))
}

/// The caller's statement lines, newest first
#[utoipa::path(
    get, path = "/v1/balance/records", operation_id = "listRecords", tag = "account",
    responses((status = 200, body = Listing<Record>)),
)]
pub async fn records(
    State(app): State<Arc<App>>,
    list: Paging<Caller, Filters>,
) -> Result<Reply<Listing<Record>>, Problem> {
    let filter = list.filters.read(&list.window)?;
    let page = verb::records(&app, AccountOwner::User(list.by.id()), &filter).await?;
    Ok(list.page(&app, page, Record::from))
}

impl Filters {
    fn read(&self, window: &Window) -> Result<StatementFilter, Refusal> {
        let account = match named("/account", self.account.as_deref())? {
            None | Some(AccountChoice::Balance) => AccountKind::Balance,
            Some(AccountChoice::Commission) => AccountKind::Commission,
        };
        let kind = named("/type", self.kind.as_deref())?;
        let (from, to) = (time("/from", self.from.as_deref())?, time("/to", self.to.as_deref())?);
        Ok(StatementFilter { account, kind, from, to, limit: window.limit, after: window.after.clone() })
    }
}
