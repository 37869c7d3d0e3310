//! `risk`, `simulate` and `liabilities`: what is held, what other settings would have granted, and what is owed.

use serde_json::{Map, Value, json};

use super::segment;
use super::settings::changed;
use crate::Ended;
use crate::api::Api;
use crate::args::{Risk, Simulated};
use crate::output::Out;
use crate::trouble::Trouble;

const CASES: &str = "/v1/admin/risk/cases";

/// Lists cases of risk, or decides one (R10.2).
///
/// # Errors
/// Any request that the API refuses.
pub async fn risk(asked: Risk, api: &Api, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    match asked {
        Risk::List { state, inviter, page } => {
            let filters = [("state", state.as_deref()), ("inviter", inviter.as_deref())];
            let columns = [
                "invitee.id",
                "invitee.email",
                "inviter.id",
                "inviter.email",
                "state",
                "opened_at",
                "evidence",
                "decided_at",
                "decided_by",
                "reason",
            ];
            out.list(&columns, &api.list(CASES, &filters, &page).await?)?;
        }
        Risk::Release { id, reason } => decide(&id, "release", &reason, api, out).await?,
        Risk::Reject { id, reason } => decide(&id, "reject", &reason, api, out).await?,
    }
    Ok(Ended::Fine)
}

async fn decide(id: &str, verb: &str, reason: &str, api: &Api, out: &mut Out<'_>) -> Result<(), Trouble> {
    let path = format!("{CASES}/{}/{verb}", segment(id)?);
    out.thing(&api.post(&path, &json!({"reason": reason})).await?)
}

/// Lists what the platform owes, by kind and month of expiry (R12.4).
///
/// # Errors
/// Any request that the API refuses.
pub async fn liabilities(api: &Api, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    let report = api.get("/v1/admin/liabilities").await?;
    let columns = ["expires_in", "kind", "amount.amount", "amount.currency", "uses"];
    out.rows(&columns, &items(&report, "lines"))?;
    if report.get("codes_complete") == Some(&json!(false)) {
        out.note("there are more batches of codes than were read: the older ones are in no line")?;
    }
    Ok(Ended::Fine)
}

/// Replays a month of a programme under draft settings, user by user; writes nothing (R12.5).
///
/// # Errors
/// A change of a field that is none; any request that the API refuses.
pub async fn simulate(asked: Simulated, api: &Api, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    let Simulated { programme, month, changes } = asked;
    let stored = api.get(&format!("/v1/admin/settings/{}", segment(&programme)?)).await?;
    let draft = changed(stored.get("settings").cloned().unwrap_or_default(), &changes)?;
    let names = changes.iter().map(|change| change.split(['=', '.']).next().unwrap_or_default());
    let field = |name: &str| Some((name.to_owned(), draft.get(name)?.clone()));
    let settings: Map<String, Value> = names.filter_map(field).collect();
    let (mut users, mut cursor) = (Vec::new(), Value::Null);
    let limits = loop {
        let body = json!({"programme": programme, "month": month, "settings": settings, "cursor": cursor});
        let page = api.post("/v1/admin/simulations", &body).await?;
        users.extend(items(&page, "users"));
        match page.get("next_cursor") {
            Some(next) if !next.is_null() => cursor = next.clone(),
            _ => break items(&page, "limits"),
        }
    };
    let columns = ["user_id", "invitee_id", "real.amount", "simulated.amount", "difference.amount", "real.currency"];
    out.rows(&columns, &users)?;
    for limit in limits.iter().filter_map(Value::as_str) {
        out.note(limit)?;
    }
    Ok(Ended::Fine)
}

/// Items of a list in an answer.
fn items(of: &Value, name: &str) -> Vec<Value> {
    of.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
}
