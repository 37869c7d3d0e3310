//! The own account (R1.5, R1.6).

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use jiff::Timestamp;
use serde::Deserialize;
use shared::account::model::user::User;
use shared::account::records::{self as verb, StatementFilter};
use shared::account::view::Caller;
use shared::account::view::Record;
use shared::app::App;
use shared::edge::page::{Listing, Paging, seal};
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::ledger::{AccountKind, RecordType};
use shared::kernel::refusal::Refusal;

use super::wire::Me;

/// The caller's account
#[utoipa::path(
    get, path = "/v1/me", operation_id = "getMe", tag = "account", security(("bearer" = [])),
    responses((status = 200, body = Me), (status = 401, body = Problem), (status = 503, body = Problem)),
)]
pub async fn me(State(app): State<Arc<App>>, caller: Caller) -> Result<Reply<Me>, Problem> {
    let user = app.store.get::<User>(&User::key(caller.id())).await?.ok_or(Refusal::Unauthenticated)?;
    Ok(Reply::ok(Me::with_debt(&user)))
}

#[derive(Deserialize)]
pub struct Filters {
    account: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

/// The caller's records, newest first
#[utoipa::path(
    get, path = "/v1/balance/records", operation_id = "listRecords", tag = "account", security(("bearer" = [])),
    params(
        ("account" = Option<String>, Query, description = "`balance` (default) or `commission`"),
        ("type" = Option<String>, Query), ("from" = Option<String>, Query), ("to" = Option<String>, Query),
        ("limit" = Option<i32>, Query, minimum = 1, maximum = 100), ("cursor" = Option<String>, Query),
    ),
    responses(
        (status = 200, body = Listing<Record>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem),
    ),
)]
pub async fn records(
    State(app): State<Arc<App>>,
    caller: Caller,
    paging: Paging,
    filters: Result<Query<Filters>, QueryRejection>,
) -> Result<Reply<Listing<Record>>, Problem> {
    let Query(filters) = filters.map_err(|_| Refusal::MalformedRequest)?;
    let list = format!("records:{}:{}", caller.id(), filters.account.as_deref().unwrap_or("balance"));
    let wanted = filters.wanted(paging.limit, paging.position(&app.config.secret, &list)?)?;
    let page = verb::records(&app, caller.id(), &wanted).await?;
    let next_cursor = page.next.map(|next| seal(&app.config.secret, &list, &next));
    Ok(Reply::ok(Listing { items: page.items.into_iter().map(Record::from).collect(), next_cursor }))
}

impl Filters {
    fn wanted(self, limit: i32, after: Option<shared::table::store::Cursor>) -> Result<StatementFilter, Refusal> {
        let account = match self.account.as_deref() {
            None | Some("balance") => AccountKind::Balance,
            Some("commission") => AccountKind::Commission,
            Some(_) => return Err(Refusal::field("/account", "unknown", "`balance` or `commission`.")),
        };
        let kind = match self.kind.as_deref() {
            None => None,
            Some(text) => {
                Some(RecordType::parse(text).ok_or_else(|| Refusal::field("/type", "unknown", "A type of record."))?)
            }
        };
        let (from, to) = (time("/from", self.from)?, time("/to", self.to)?);
        Ok(StatementFilter { account, kind, from, to, limit, after })
    }
}

fn time(pointer: &str, text: Option<String>) -> Result<Option<Timestamp>, Refusal> {
    let wrong = || Refusal::field(pointer, "not_a_time", "A time as RFC 3339 writes it.");
    text.map(|text| text.parse().map_err(|_| wrong())).transpose()
}
