//! Proof that the books were not changed: signed heads, and the caller's statement with its proof (R11.2).

use std::sync::Arc;

use axum::extract::State;
use jiff::civil::Date;
use serde::Serialize;
use shared::account::view::Caller;
use shared::app::App;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::month::Month;
use shared::kernel::refusal::code;
use shared::operations::model::heads::LedgerHeads;
use shared::operations::model::proof::ProvenStatement;
use shared::operations::prove_statement;
use utoipa::ToSchema;

/// Signed heads of a day: the root of a tree over the last entry of each account with an entry that day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LedgerHeads)]
pub struct Heads {
    /// The day, in UTC.
    #[schema(example = "2026-11-20")]
    date: String,
    /// Number of accounts with an entry that day.
    accounts: u64,
    /// Root of the day before, which this one covers; of zeros for the first day.
    before: String,
    /// Root of the tree: SHA-256, in base64url.
    root: String,
    /// Public key that verifies the signature, in base64url. Compare it with the one that you know.
    key: String,
    /// Ed25519 signature of the text `guerdon heads {date} {root}`, in base64url.
    signature: String,
}

impl From<LedgerHeads> for Heads {
    fn from(of: LedgerHeads) -> Self {
        let LedgerHeads { date, accounts, before, root, key, signature, .. } = of;
        let [before, root] = [before, root].map(|hash| hash.to_string());
        Self { date: date.to_string(), accounts, before, root, key, signature }
    }
}

/// The signed heads of the ledger of a day
///
/// They are signed an hour after the day's end, and never change. Whoever keeps them can prove later that no entry of that day or of
/// an earlier one was changed.
#[utoipa::path(
    get, path = "/v1/ledger/heads/{date}", operation_id = "getLedgerHeads", tag = "public",
    responses((status = 200, body = Heads)),
)]
pub async fn heads(State(app): State<Arc<App>>, Id(date): Id<Date>) -> Result<Reply<Heads>, Problem> {
    Ok(Reply::ok(prove_statement::heads(&app, date).await?.into()))
}

/// The caller's balance statement of a month, with its proof
///
/// All entries of the balance and the debt against it, as their hashes cover them, and the signed heads that hold them. `guerdon verify`
/// checks the file without a network.
#[utoipa::path(
    get, path = "/v1/balance/statements/{month}/proof", operation_id = "getBalanceProof", tag = "account",
    responses((status = 200, body = ProvenStatement), code::RangeTooLarge),
)]
pub async fn balance_proof(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(month): Id<Month>,
) -> Result<Reply<ProvenStatement>, Problem> {
    Ok(Reply::ok(prove_statement::balance_statement(&app, caller.id(), month).await?))
}
