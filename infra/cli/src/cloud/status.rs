//! `status`: how a deployment is.

use serde_json::Value;

use super::Cloud;
use crate::Ended;
use crate::api::{Api, Ask};
use crate::command::doctor::queues;
use crate::direct::Surroundings;
use crate::output::Out;
use crate::sheet::Sheet;
use crate::trouble::Trouble;

/// Prints stack, version, alarms, dead letters and open reviews.
///
/// # Rejects
/// A stack that is not deployed.
pub async fn run(api: &Api, at: &Surroundings<'_>, cloud: &Cloud, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    let mut sheet = Sheet::default();
    let stack = cloud.described()?.unwrap_or_default();
    let text = |name: &str| stack.get(name).and_then(Value::as_str).unwrap_or("?");
    let state = text("StackStatus");
    let changed =
        stack.get("LastUpdatedTime").or_else(|| stack.get("CreationTime")).and_then(Value::as_str).unwrap_or("?");
    let finding = format!("{state} since {changed}");
    match state {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" => sheet.ok("stack", finding),
        _ => sheet.warn("stack", finding, "aws cloudformation describe-stack-events tells why"),
    }
    let ask = Ask { method: "GET", path: "/v1/health", body: None, headers: &[], repeatable: true };
    match api.anonymous(ask).await.and_then(crate::api::Answer::json) {
        Ok(health) => sheet.ok("version", health.get("version").and_then(Value::as_str).unwrap_or("?").to_owned()),
        Err(trouble) => sheet.trouble("version", &trouble),
    }
    alarms(cloud, &mut sheet);
    queues(at, &mut sheet).await;
    match api.get("/v1/admin/payment/reviews?state=open&limit=1").await {
        Ok(page) if page.get("items").and_then(Value::as_array).is_some_and(Vec::is_empty) => {
            sheet.ok("reviews", "none is open")
        }
        Ok(_) => sheet.warn("reviews", "some are open", "guerdon reviews list --state open"),
        Err(trouble) => sheet.warn("reviews", format!("not looked at: {trouble}"), trouble.hint().unwrap_or_default()),
    }
    sheet.print(out)
}

fn alarms(cloud: &Cloud, sheet: &mut Sheet) {
    let prefix = format!("{}-", cloud.stack);
    let words = ["cloudwatch", "describe-alarms", "--alarm-name-prefix", &prefix, "--state-value", "ALARM"];
    match cloud.ask(&words) {
        Ok(answer) => {
            let ringing = answer.get("MetricAlarms").and_then(Value::as_array).cloned().unwrap_or_default();
            for alarm in &ringing {
                let text = |name: &str| alarm.get(name).and_then(Value::as_str).unwrap_or("?").to_owned();
                let advice = "infra/README.md has a line about each alarm";
                sheet.warn("alarm", format!("{}: {}", text("AlarmName"), text("AlarmDescription")), advice);
            }
            if ringing.is_empty() {
                sheet.ok("alarms", "none");
            }
        }
        Err(trouble) => sheet.warn("alarms", trouble.to_string(), "CloudWatch could not be asked"),
    }
}
