//! Bounces and complaints as SES publishes them to EventBridge
//! (<https://docs.aws.amazon.com/ses/latest/dg/monitoring-eventbridge.html>).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use shared::account::model::identity::Email;
use shared::app::App;
use shared::edge;
use shared::kernel::fault::{Error, Fault};
use shared::kernel::id::UserId;
use shared::notices::feedback::{USER_TAG, stop_mails};
use shared::notices::model::mail_preferences::StopReason;

/// Type of a bounce after which the address never accepts a mail.
const PERMANENT: &str = "Permanent";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
    mail: Mail,
}

#[derive(Debug, Deserialize)]
struct Mail {
    /// Tags of the mail and of SES itself, each with its values.
    #[serde(default)]
    tags: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    bounce_type: String,
    bounced_recipients: Vec<Recipient>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    complained_recipients: Vec<Recipient>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    email_address: String,
}

impl Feedback {
    /// The user whom the mail was for; none of a mail to somebody without an account.
    fn user(&self) -> Option<UserId> {
        self.mail.tags.get(USER_TAG)?.first().and_then(|user| UserId::parse(user))
    }

    /// The recipients who get no more notices, and the reason.
    fn stops(self) -> Vec<(Recipient, StopReason)> {
        let bounced = self.bounce.filter(|bounce| bounce.bounce_type == PERMANENT);
        let bounced = bounced.map(|bounce| bounce.bounced_recipients).unwrap_or_default();
        let complained = self.complaint.map(|complaint| complaint.complained_recipients).unwrap_or_default();
        let bounced = bounced.into_iter().map(|one| (one, StopReason::Bounced));
        bounced.chain(complained.into_iter().map(|one| (one, StopReason::Complained))).collect()
    }
}

/// Stop notices to the addresses of an event; a passing bounce stops nothing. Returns a report without addresses.
///
/// # Errors
/// Fails if the event can't be read, or the database can't be reached.
pub async fn follow(app: &App, event: &Value) -> Result<Value, Fault> {
    let detail = event.get("detail").cloned().unwrap_or_default();
    // The error would quote the event, which has addresses.
    let feedback: Feedback = serde_json::from_value(detail).map_err(|_| Fault::bug("feedback that can't be read"))?;
    let (mut stopped, mut unknown) = (0_u32, 0_u32);
    let user = feedback.user();
    for (recipient, because) in feedback.stops() {
        let did = match user.zip(Email::parse(&recipient.email_address)) {
            Some((user, email)) => {
                stop_mails(app, &edge::context(), user, &email, because).await.map_err(Error::into_fault)?
            }
            None => false,
        };
        let counted = if did { &mut stopped } else { &mut unknown };
        *counted = counted.saturating_add(1);
    }
    Ok(json!({"stopped": stopped, "unknown": unknown}))
}
