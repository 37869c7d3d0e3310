//! Events of AWS services, which EventBridge rules of the template send: one row per service and kind.

use serde_json::{Value, json};
use shared::app::App;
use shared::edge;
use shared::kernel::fault::{Error, Fault};
use shared::operations::alarms::note_alarm;
use shared::operations::model::alarm::{AlarmChange, AlarmState};

use super::mail_feedback;

/// Takes an event; `None` for what is no event of a service.
///
/// # Errors
/// Fails if nothing takes events of that service and kind, the event can't be read, or the database can't be reached.
pub async fn take(app: &App, event: &Value) -> Option<Result<Value, Fault>> {
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    let source = event.get("source").and_then(Value::as_str)?;
    Some(match (source, text("detail-type")) {
        ("aws.cloudwatch", "CloudWatch Alarm State Change") => alarm(app, event).await,
        ("aws.ses", "Email Bounced" | "Email Complaint Received") => mail_feedback::follow(app, event).await,
        (source, kind) => Err(Fault::bug(format!("nothing takes {kind} of {source}"))),
    })
}

/// Keeps the state of an alarm of this stack.
async fn alarm(app: &App, event: &Value) -> Result<Value, Fault> {
    let stack = app.config.stack_name.as_deref().ok_or_else(|| Fault::bug("STACK_NAME is not set"))?;
    let text = |at: &str| {
        let found = event.pointer(at).and_then(Value::as_str);
        found.ok_or_else(|| Fault::bug(format!("an alarm's event without {at}")))
    };
    let Some(name) = own_name(stack, text("/detail/alarmName")?) else {
        return Ok(json!({"alarm": null, "news": "of another stack"}));
    };
    let state = match text("/detail/state/value")? {
        "ALARM" => AlarmState::Alarm,
        "OK" => AlarmState::Ok,
        // Missing data neither raises an alarm nor clears it.
        _ => return Ok(json!({"alarm": name, "news": null})),
    };
    let reason = event.pointer("/detail/state/reason").and_then(Value::as_str).unwrap_or_default();
    let change = AlarmChange::told(name, state, text("/detail/state/timestamp")?, reason).map_err(Fault::bug)?;
    let news = note_alarm(app, &edge::context(), &change).await.map_err(Error::into_fault)?;
    Ok(json!({"alarm": name, "news": news}))
}

/// Name in the template of an alarm of the stack; `None` for another stack's, whose name may begin alike.
///
/// CloudFormation names it `{stack}-{name}-{random}`, and neither of the latter has a hyphen.
fn own_name<'a>(stack: &str, alarm: &'a str) -> Option<&'a str> {
    let rest = alarm.strip_prefix(stack)?.strip_prefix('-')?;
    let (name, random) = rest.split_once('-').unwrap_or((rest, ""));
    (!name.is_empty() && !random.contains('-')).then_some(name)
}
