//! `smoke`: tries a deployment as its users and its operator would, and leaves nothing behind.

use serde_json::{Value, json};
use shared::kernel::id::UserId;
use shared::table::system::{Clock, Entropy};

use super::Cloud;
use crate::Ended;
use crate::api::{Api, Ask};
use crate::command::doctor::{self, Sheet};
use crate::direct::Surroundings;
use crate::output::Out;
use crate::trouble::Trouble;

/// Tries everything; a line each.
///
/// # Errors
/// Fails when the result can't be written. What does not work is part of the result.
pub async fn run(
    url: &str,
    api: &Api,
    at: &Surroundings<'_>,
    cloud: Option<&Cloud>,
    out: &mut Out<'_>,
) -> Result<Ended, Trouble> {
    let mut sheet = Sheet::default();
    if url.starts_with("https://") {
        sheet.ok("tls", "the address is https");
    } else {
        sheet.warn("tls", "the address is not https", "fine on this machine only");
    }
    doctor::look(api, at, &mut sheet).await;
    if !sheet.failed {
        account(api, &mut sheet).await;
    }
    if let Some(cloud) = cloud {
        ticks(cloud, &mut sheet);
    }
    sheet.print(out)
}

/// Signs up with an address of SES's mailbox simulator, and erases the account again.
async fn account(api: &Api, sheet: &mut Sheet) {
    let name = data_encoding::HEXLOWER.encode(&Entropy::system().bytes::<8>());
    let body = json!({"email": format!("success+{name}@simulator.amazonses.com"), "password": format!("smoke {name}")});
    let ask = Ask { method: "POST", path: "/v1/registrations", body: Some(&body), headers: &[], repeatable: false };
    let answer = match api.anonymous(ask).await {
        Ok(answer) => answer.json(),
        Err(trouble) => Err(trouble),
    };
    let id = answer.map(|made| made.pointer("/user/id").and_then(Value::as_str).and_then(UserId::parse));
    let id = match id {
        Ok(Some(id)) => id,
        Ok(None) => return sheet.fail("sign-up", "the answer has no user", "look into the log of registration"),
        Err(trouble) => return sheet.trouble("sign-up", &trouble),
    };
    match api.post(&format!("/v1/admin/users/{id}/erase"), &json!({"reason": "guerdon smoke"})).await {
        Ok(_) => sheet.ok("sign-up", "an account was made and erased"),
        Err(trouble) => {
            sheet.warn("sign-up", format!("an account was made; {id} stays: {trouble}"), "erase it as an admin")
        }
    }
}

/// Checks that the sweeper ticked in the last quarter of an hour.
fn ticks(cloud: &Cloud, sheet: &mut Sheet) {
    let now = Clock::system().now();
    let begin = now.checked_sub(jiff::SignedDuration::from_mins(15)).unwrap_or(now);
    let (begin, end, namespace) = (begin.to_string(), now.to_string(), format!("Guerdon/{}", cloud.stack));
    let words = [
        "cloudwatch",
        "get-metric-statistics",
        "--namespace",
        &namespace,
        "--metric-name",
        "OutboxAge",
        "--start-time",
        &begin,
        "--end-time",
        &end,
        "--period",
        "900",
        "--statistics",
        "Maximum",
    ];
    let advice = "a new deployment needs some minutes; else look into the log of scheduler";
    match cloud.ask(&words) {
        Ok(answer) => match answer.get("Datapoints").and_then(Value::as_array).and_then(|points| points.first()) {
            Some(point) => {
                let age = point.get("Maximum").map(Value::to_string).unwrap_or_default();
                sheet.ok("ticks", format!("the sweeper runs; the oldest promise was {age} s old"));
            }
            None => sheet.warn("ticks", "the sweeper told nothing for a quarter of an hour", advice),
        },
        Err(trouble) => sheet.warn("ticks", trouble.to_string(), advice),
    }
}
