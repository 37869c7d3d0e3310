//! In-process SES: stores e-mails in a mailbox.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::connector::{Backend, BoxFuture, ConnectFault};
use crate::private;

/// A sent e-mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Recipient addresses.
    pub to: Vec<String>,
    /// Sender address.
    pub from: String,
    pub subject: String,
    /// Plain-text body.
    pub text: String,
    /// HTML body.
    #[serde(default)]
    pub html: String,
    /// Further headers, by name.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Tags, by name.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Time of sending.
    pub at: Timestamp,
}

/// The mailbox of all recipients.
#[derive(Debug)]
pub struct Mailbox {
    clock: Arc<dyn Clock>,
    mails: Mutex<Vec<Sent>>,
    file: Option<PathBuf>,
}

impl Mailbox {
    /// A mailbox in memory, or stored in a file with one e-mail per line.
    pub fn new(clock: Arc<dyn Clock>, file: Option<&Path>) -> Self {
        let read = file.and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
        let mails = read.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        Self { clock, mails: Mutex::new(mails), file: file.map(Path::to_path_buf) }
    }

    /// The sent e-mails, oldest first; only those to `to` if given.
    pub fn sent(&self, to: Option<&str>) -> Vec<Sent> {
        let mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = |mail: &&Sent| to.is_none_or(|to| mail.to.iter().any(|address| address.eq_ignore_ascii_case(to)));
        mails.iter().filter(wanted).cloned().collect()
    }

    fn take(&self, request: &Value) -> std::io::Result<()> {
        let text = |pointer: &str| request.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let to = request.pointer("/Destination/ToAddresses").and_then(Value::as_array);
        let mail = Sent {
            to: to.into_iter().flatten().filter_map(|to| to.as_str().map(str::to_owned)).collect(),
            from: text("/FromEmailAddress"),
            subject: text("/Content/Simple/Subject/Data"),
            text: text("/Content/Simple/Body/Text/Data"),
            html: text("/Content/Simple/Body/Html/Data"),
            headers: named(request, "/Content/Simple/Headers"),
            tags: named(request, "/EmailTags"),
            at: self.clock.now(),
        };
        if let Some(file) = &self.file {
            let line = serde_json::to_string(&mail)? + "\n";
            private::options().create(true).append(true).open(file)?.write_all(line.as_bytes())?;
        }
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).push(mail);
        Ok(())
    }
}

/// Values by their names, of a list in a request.
fn named(request: &Value, list: &str) -> BTreeMap<String, String> {
    let all = request.pointer(list).and_then(Value::as_array);
    let text = |one: &Value, name: &str| one.get(name).and_then(Value::as_str).map(str::to_owned);
    all.into_iter().flatten().filter_map(|one| Some((text(one, "Name")?, text(one, "Value")?))).collect()
}

impl Backend for Mailbox {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, ConnectFault>> {
        Box::pin(async move {
            let mail: Value = serde_json::from_slice(request.body()).unwrap_or_default();
            let (status, body) = if request.uri().path() != "/v2/email/outbound-emails" {
                (404, json!({"message": "not emulated"}))
            } else if self.take(&mail).is_err() {
                (500, json!({"message": "the mailbox can't be written"}))
            } else {
                (200, json!({"MessageId": self.sent(None).len().to_string()}))
            };
            let response = http::Response::builder().status(status).header("content-type", "application/json");
            response.body(Bytes::from(body.to_string())).map_err(|_| ConnectFault::Reset)
        })
    }
}
