//! Sends e-mails, and events to the operator's product. A message holds ids only: addresses are read and codes derived
//! here, so neither is ever in a queue. Delivery is at least once.

mod chat;
mod event;
mod letter;
mod notice;
mod style;
mod text;

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::config::BehaviorVersion;
use aws_sdk_sesv2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message as Mail, MessageHeader, MessageTag};
use shared::account::model::identity::Email;
use shared::app::App;
use shared::edge::batch;
use shared::kernel::fault::{Chain, Error, Fault};
use shared::kernel::id::UserId;
use shared::message::{Message, MessageEnvelope};
use shared::notices::cause::DueNotice;
use shared::notices::feedback::USER_TAG;
use shared::notices::send_once;
use shared::table::aws::{Aws, Environment, ProcessEnvironment, endpoint};
use shared::table::telemetry as metrics;
use shared::webhooks::deliver::{OutboundEvent, deliver};
use shared::webhooks::endpoints as endpoint;
use shared::webhooks::model::endpoint::Endpoint;
use tokio::task::JoinSet;

use self::chat::Speaker;
use self::event::Promised;
use self::letter::Letter;
use shared::edge;

/// Environment variables that this function needs, besides those that every function has.
pub const NEEDS: [&str; 1] = ["MAIL_FROM"];
/// Environment variable with the configuration set of SES that publishes bounces and complaints.
pub const FEEDBACK: &str = "MAIL_CONFIGURATION_SET";

/// Sender of e-mails through SES.
#[derive(Debug, Clone)]
pub struct Mailer {
    client: Client,
    from: String,
    /// Configuration set that publishes bounces and complaints.
    feedback: Option<String>,
}

impl Mailer {
    /// SES through `aws`, from an address that SES has verified.
    pub fn new(aws: &Aws, endpoint: Option<String>, from: String, feedback: Option<String>) -> Self {
        let mut config = aws_sdk_sesv2::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(aws_sdk_sesv2::config::Region::new(aws.region.clone()))
            .credentials_provider(aws.credentials.clone())
            .http_client(aws.http.clone())
            .timeout_config(Aws::timeouts());
        config.set_endpoint_url(endpoint);
        Self { client: Client::from_conf(config.build()), from, feedback }
    }

    /// SES as configured in the function's environment.
    ///
    /// # Errors
    /// Fails if the sender or the credentials are not set, or the sender is no address.
    pub fn from_environment() -> Result<Self, Fault> {
        let environment = ProcessEnvironment;
        let aws = Aws::from(&environment, shared::table::aws::https::aws_client()?)?;
        let from = environment.get("MAIL_FROM").ok_or_else(|| Fault::bug("MAIL_FROM is not set"))?;
        Email::parse(&from).ok_or_else(|| Fault::bug("MAIL_FROM is no e-mail address"))?;
        Ok(Self::new(&aws, endpoint(&environment, "SESV2"), from, environment.get(FEEDBACK)))
    }

    async fn send(&self, letter: &Letter) -> Result<(), Fault> {
        let text = &letter.text;
        let content = |data: &str| Content::builder().data(data).charset("UTF-8").build().map_err(Fault::bug);
        let mail = Mail::builder()
            .subject(content(&text.subject)?)
            .body(Body::builder().text(content(&text.plain)?).html(content(&text.html)?).build())
            .set_headers(letter.unsubscribe.as_deref().map(one_click).transpose()?)
            .build();
        let sent = self
            .client
            .send_email()
            .from_email_address(letter.style.sender(&self.from))
            .set_configuration_set_name(self.feedback.clone())
            .set_email_tags(letter.user.map(tagged).transpose()?)
            .destination(Destination::builder().to_addresses(letter.to.as_str()).build())
            .content(EmailContent::builder().simple(mail).build())
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(permanent) => {
                tracing::warn!(code = why(&error), "a mail that will never be delivered");
                Ok(())
            }
            Err(error) => Err(Fault::unavailable("SendEmail", why(&error))),
        }
    }
}

/// Tag that names the user of a mail in the events about it.
fn tagged(user: UserId) -> Result<Vec<MessageTag>, Fault> {
    let tag = MessageTag::builder().name(USER_TAG).value(user.to_string()).build();
    tag.map(|tag| vec![tag]).map_err(Fault::bug)
}

/// Headers that let mail programs offer to unsubscribe ([RFC 8058](https://www.rfc-editor.org/rfc/rfc8058)).
fn one_click(url: &str) -> Result<Vec<MessageHeader>, Fault> {
    let header = |name: &str, value: &str| MessageHeader::builder().name(name).value(value).build().map_err(Fault::bug);
    let post = header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")?;
    Ok(vec![header("List-Unsubscribe", &format!("<{url}>"))?, post])
}

/// True if a retry cannot succeed because of the recipient: SES takes no such address. The sender's was checked at start-up.
///
/// `MessageRejected` is about the account (an unverified sender, the sandbox) as likely as about the message, so it is a fault: the
/// message becomes a dead letter, which raises an alarm, and can be sent again.
fn permanent(error: &SendEmailError) -> bool {
    error.is_bad_request_exception()
}

/// Error code for the log. SES error messages contain addresses, so they are not logged.
fn why(error: &SdkError<SendEmailError>) -> String {
    let kind = match error {
        SdkError::TimeoutError(_) => "no answer in time",
        SdkError::DispatchFailure(_) => "not reached",
        SdkError::ResponseError(_) => "an answer that can't be read",
        _ => "refused",
    };
    error.code().unwrap_or(kind).to_owned()
}

/// Send a batch's mails, then its events. Messages with a failed or unrecorded sending are redelivered.
pub async fn batch(app: Arc<App>, mailer: Mailer, event: SqsEvent) -> SqsBatchResponse {
    let (records, mut failures) = batch::read(event);
    for record in &records {
        if let Err(error) = send(&app, &mailer, &record.envelope).await {
            tracing::error!(error = %Chain(&error), message_id = record.envelope.id, "a mail was not sent");
            failures.push(record.id.clone());
        }
    }
    for record in tell(&app, &event::promised(&records)).await {
        failures.extend(records.get(record).map(|record| record.id.clone()));
    }
    batch::answer(failures)
}

/// Send all events to their endpoints concurrently. Returns the positions of the messages to redeliver.
async fn tell(app: &Arc<App>, events: &[Promised]) -> BTreeSet<usize> {
    let begun = begin(app, events).await;
    let Ok(wanted) = begun.inspect_err(|fault| tracing::error!(fault = %Chain(fault), "no event was begun")) else {
        return events.iter().map(|event| event.record).collect();
    };
    let mut tasks = JoinSet::new();
    for (record, endpoint, event) in wanted {
        let app = Arc::clone(app);
        tasks.spawn(async move {
            let done = deliver(&app, &edge::context(), &endpoint, &event).await;
            done.inspect_err(
                |error| tracing::error!(error = %Chain(error), endpoint = %endpoint.id, event = %event.id, "not written down"),
            )
            .map_err(|_| record)
        });
    }
    tasks.join_all().await.into_iter().filter_map(Result::err).collect()
}

/// Deliveries to make: position of the message, endpoint, event in the endpoint's format.
type Wanted = Vec<(usize, Endpoint, OutboundEvent)>;

async fn begin(app: &App, events: &[Promised]) -> Result<Wanted, Fault> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let endpoints = endpoint::all(app).await?;
    let is_wanted = |event: &&Promised| endpoints.iter().any(|endpoint| endpoint.wants(event.kind));
    let some: Vec<Promised> = events.iter().filter(is_wanted).cloned().collect();
    if some.is_empty() {
        return Ok(Vec::new());
    }
    let has_chat = endpoints.iter().any(|endpoint| endpoint.format.is_chat());
    let speaker = if has_chat { Some(Speaker::of(app).await?) } else { None };
    let mut wanted = Vec::new();
    for (promised, (event, data)) in some.iter().zip(event::told(app, &some).await?) {
        for endpoint in endpoints.iter().filter(|endpoint| endpoint.wants(event.kind)) {
            let line = speaker.as_ref().map(|speaker| speaker.line(event.kind, &event.about, &data));
            let posted = line.and_then(|line| endpoint.format.body(&line));
            let body = posted.unwrap_or_else(|| event.body.clone());
            wanted.push((promised.record, endpoint.clone(), OutboundEvent { body, ..event.clone() }));
        }
    }
    Ok(wanted)
}

async fn send(app: &App, mailer: &Mailer, of: &MessageEnvelope) -> Result<(), Error> {
    if let Message::Mail { mail, email, nonce, subject } = &of.message {
        if let Some(letter) = letter::letter(app, *mail, email, nonce, subject.as_deref()).await? {
            mailer.send(&letter).await?;
        }
    } else if let Some(due) = DueNotice::of(&of.message)
        && let Some(letter) = notice::letter(app, &due, &of.id).await?
    {
        mailer.send(&letter).await?;
        send_once::record(app, &edge::context(), &due, &of.id).await?;
        metrics::count("NoticesSent");
    }
    Ok(())
}
