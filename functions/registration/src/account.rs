//! The caller's account (R1.5, R1.6).

use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use serde::Deserialize;
use shared::account::model::user::User;
use shared::account::records::{self as verb, StatementFilter};
use shared::account::view::Caller;
use shared::account::view::Record;
use shared::app::App;
use shared::edge::page::{Listing, Paging};
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::ledger::{AccountKind, RecordType};
use shared::kernel::refusal::Refusal;

use shared::table::list::Window;
use utoipa::IntoParams;

use super::wire::Me;

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

/// Filters of the caller's statement lines.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filters {
    /// Account of the lines: `balance` (default) or `commission`.
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
    let page = verb::records(&app, list.by.id(), &filter).await?;
    Ok(list.page(&app, page, Record::from))
}

impl Filters {
    fn read(&self, window: &Window) -> Result<StatementFilter, Refusal> {
        let account = match self.account.as_deref() {
            None | Some("balance") => AccountKind::Balance,
            Some("commission") => AccountKind::Commission,
            Some(_) => return Err(Refusal::field("/account", "unknown", "`balance` or `commission`.")),
        };
        let kind = match self.kind.as_deref() {
            None => None,
            Some(text) => Some(
                RecordType::parse(text)
                    .ok_or_else(|| Refusal::field("/type", "unknown", RecordType::NAMES.join(", ")))?,
            ),
        };
        let (from, to) = (time("/from", self.from.as_deref())?, time("/to", self.to.as_deref())?);
        Ok(StatementFilter { account, kind, from, to, limit: window.limit, after: window.after.clone() })
    }
}

fn time(pointer: &str, text: Option<&str>) -> Result<Option<Timestamp>, Refusal> {
    let wrong = || Refusal::field(pointer, "not_a_time", "A time as RFC 3339 writes it.");
    text.map(|text| text.parse().map_err(|_| wrong())).transpose()
}
