//! `users`, `rewards`, `affiliates` and `shops`: people, what they earned and their wallets.

use serde_json::{Value, json};

use super::segment;
use crate::Ended;
use crate::api::{Api, key_of};
use crate::args::{Affiliates, Rewards, Shops, Users};
use crate::output::Out;
use crate::trouble::Trouble;

/// Path of the users.
pub(super) const USERS: &str = "/v1/admin/users";
const REWARDS: &str = "/v1/admin/rewards";
const SHOPS: &str = "/v1/shops";
const YEARS: &str = "/v1/admin/affiliate/years";
/// Columns of a list of users.
pub(super) const COLUMNS: &[&str] =
    &["id", "created_at", "email", "status", "role", "scopes", "balance.amount", "balance.currency", "debt.amount"];

/// Lists or shows users, adjusts a balance, blocks, unblocks or erases one.
///
/// # Errors
/// Any request that the API refuses.
pub async fn users(asked: Users, api: &Api, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    let path = |id: &str| Ok::<_, Trouble>(format!("{USERS}/{}", segment(id)?));
    match asked {
        Users::List { email, page } => {
            out.list(COLUMNS, &api.list(USERS, &[("email", email.as_deref())], &page).await?)?;
        }
        Users::Show { id } => out.thing(&api.get(&path(&id)?).await?)?,
        Users::Adjust { id, amount, remark, key } => adjust(&path(&id)?, &amount, &remark, key, api, out).await?,
        Users::Block { id, reason } => status(&path(&id)?, "blocked", &reason, api, out).await?,
        Users::Unblock { id, reason } => status(&path(&id)?, "active", &reason, api, out).await?,
        Users::Erase { id, reason, acknowledge_balance } => {
            let body = json!({"reason": reason, "acknowledge_balance": acknowledge_balance});
            out.thing(&api.post(&format!("{}/erase", path(&id)?), &body).await?)?;
        }
    }
    Ok(Ended::Fine)
}

async fn status(path: &str, status: &str, reason: &str, api: &Api, out: &mut Out<'_>) -> Result<(), Trouble> {
    let body = json!({"status": status, "reason": reason});
    out.thing(&api.replace(&format!("{path}/status"), &body).await?)
}

async fn adjust(
    path: &str,
    amount: &str,
    remark: &str,
    key: Option<String>,
    api: &Api,
    out: &mut Out<'_>,
) -> Result<(), Trouble> {
    let (path, body) = (format!("{path}/adjustments"), json!({"amount": amount, "remark": remark}));
    let key = key.unwrap_or_else(|| key_of(&path, &body));
    out.thing(&api.post_keyed(&path, &body, &key).await?)
}

/// Lists rewards, or tries a failed one again.
///
/// # Errors
/// Any request that the API refuses.
pub async fn rewards(asked: Rewards, api: &Api, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    match asked {
        Rewards::List { state, inviter, page } => {
            let filters = [("state", state.as_deref()), ("inviter", inviter.as_deref())];
            let columns = [
                "id",
                "created_at",
                "trigger",
                "side",
                "beneficiary",
                "invitee",
                "amount.amount",
                "amount.currency",
                "state",
                "granted_at",
            ];
            out.list(&columns, &api.list(REWARDS, &filters, &page).await?)?;
        }
        Rewards::Retry { id } => {
            // No derived key: a reward that failed again is to be tried again.
            let path = format!("{REWARDS}/{}/retry", segment(&id)?);
            out.thing(&api.post_keyed(&path, &Value::Null, &api.fresh_key()).await?)?;
        }
    }
    Ok(Ended::Fine)
}

/// Lists the affiliates of a calendar year with their totals (R6.12).
///
/// # Errors
/// Any request that the API refuses.
pub async fn affiliates(asked: Affiliates, api: &Api, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    let Affiliates::Year { year, page } = asked;
    let columns = [
        "affiliate.id",
        "affiliate.email",
        "totals.earned.amount",
        "totals.taken_back.amount",
        "totals.paid_out.amount",
        "totals.payouts",
        "totals.to_balance.amount",
        "totals.earned.currency",
    ];
    out.list(&columns, &api.list(&format!("{YEARS}/{}", segment(&year)?), &[], &page).await?)?;
    Ok(Ended::Fine)
}

/// Lists or shows shops, or corrects a wallet.
///
/// # Errors
/// Any request that the API refuses.
pub async fn shops(asked: Shops, api: &Api, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    match asked {
        Shops::List(page) => {
            let columns = ["id", "name", "level", "parent_id", "user_id", "children", "grants"];
            out.list(&columns, &api.list(SHOPS, &[], &page).await?)?;
        }
        Shops::Show { id } => out.thing(&api.get(&format!("{SHOPS}/{}", segment(&id)?)).await?)?,
        Shops::Adjust { id, amount, remark, key } => {
            adjust(&format!("/v1/admin/shops/{}", segment(&id)?), &amount, &remark, key, api, out).await?;
        }
    }
    Ok(Ended::Fine)
}
