//! IAM permissions.
//! A function is identified by the access key that signs its requests, and may do what the policies of its entry in the template
//! allow. An unknown key is rejected; the operator may do everything.

pub mod call;
pub mod policy;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

use self::call::{Keys, Service, access_key, calls, operation};
use self::policy::{Call, Denial, Grant, decide};
use crate::connector::{Backend, BoxFuture, ConnectFault};
use crate::sqs::{ACCOUNT, name_in_url};
use crate::template::Template;

/// The access key of the operator, who may do everything.
pub const OPERATOR: &str = "operator";

/// Authorises every request, and records what the functions did.
#[derive(Debug, Clone)]
pub struct Guard(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    template: Arc<Template>,
    keys: Keys,
    seen: Mutex<Seen>,
}

/// The functions' recorded actions.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The grants that were used, by function.
    pub used: BTreeSet<(String, Grant)>,
    /// Messages of denied calls.
    pub denied: Vec<String>,
    /// Message kinds by function and queue.
    pub sent: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Guard {
    /// Authorises by the policies of a template.
    pub fn new(template: &Arc<Template>) -> Self {
        let indexes = template.table.indexes.iter().map(|index| (index.name.clone(), index.pk.clone()));
        let keys = Keys { table: template.table.pk.clone(), indexes: indexes.collect() };
        Self(Arc::new(Inner { template: Arc::clone(template), keys, seen: Mutex::default() }))
    }

    /// The recorded actions since the start.
    pub fn seen(&self) -> Seen {
        self.state().clone()
    }

    fn state(&self) -> MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Authorises a call of the function with this access key.
    ///
    /// # Errors
    /// AWS's message to a caller without permission.
    pub fn judge(&self, access_key: &str, call: &Call) -> Result<(), String> {
        let function = self.0.template.functions.iter().find(|function| function.logical_id == access_key);
        let Some(function) = function else {
            return Err("The security token included in the request is invalid.".to_owned());
        };
        let denial = match decide(&function.statements, call) {
            Ok(grant) => {
                let mut seen = self.state();
                if !seen.used.iter().any(|(binary, used)| *binary == function.binary && *used == grant) {
                    seen.used.insert((function.binary.clone(), grant));
                }
                return Ok(());
            }
            Err(Denial::Explicit) => "with an explicit deny in an identity-based policy".to_owned(),
            Err(Denial::Implicit) => format!("because no identity-based policy allows the {} action", call.action),
        };
        let role = format!("arn:aws:sts::{ACCOUNT}:assumed-role/{access_key}Role/{access_key}");
        let Call { action, resource, .. } = call;
        let said = format!("User: {role} is not authorized to perform: {action} on resource: {resource} {denial}");
        self.state().denied.push(said.clone());
        Err(said)
    }

    fn refused(&self, service: Service, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let key = access_key(request).unwrap_or_default();
        if key == OPERATOR {
            return None;
        }
        let denied = calls(service, request, &self.0.keys).iter().find_map(|call| self.judge(key, call).err());
        if denied.is_none() && service == Service::Sqs {
            self.note_messages(key, request);
        }
        denied.map(|said| refusal(service, &said))
    }

    /// Records the kinds of the sent messages.
    fn note_messages(&self, key: &str, request: &Request<Bytes>) {
        if !operation(request).starts_with("SendMessage") {
            return;
        }
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let queue = body.get("QueueUrl").and_then(Value::as_str).map(name_in_url).unwrap_or_default();
        let binary = self.0.template.functions.iter().find(|function| function.logical_id == key);
        let binary = binary.map(|function| function.binary.clone()).unwrap_or_default();
        let entries = body.get("Entries").and_then(Value::as_array).map_or(std::slice::from_ref(&body), Vec::as_slice);
        let bodies = entries.iter().filter_map(|entry| entry.get("MessageBody").and_then(Value::as_str));
        let messages = bodies.filter_map(|body| serde_json::from_str::<Value>(body).ok());
        let kinds: Vec<String> = messages
            .filter_map(|message| message.pointer("/message/kind").and_then(Value::as_str).map(str::to_owned))
            .collect();
        self.state().sent.entry((binary, queue.to_owned())).or_default().extend(kinds);
    }
}

/// The response to an unauthorised call, in the format of each service.
fn refusal(service: Service, said: &str) -> Response<Bytes> {
    let (status, kind, header, error) = match service {
        Service::Dynamo => {
            (400, "com.amazon.coral.service#AccessDeniedException", "x-amzn-errortype", "AccessDeniedException")
        }
        Service::Sqs => {
            (403, "com.amazon.coral.service#AccessDeniedException", "x-amzn-query-error", "AccessDenied;Sender")
        }
        Service::Ses => (403, "AccessDeniedException", "x-amzn-errortype", "AccessDeniedException"),
        Service::Ssm => (400, "AccessDeniedException", "x-amzn-errortype", "AccessDeniedException"),
    };
    let body = json!({"__type": kind, "message": said, "Message": said});
    let response =
        Response::builder().status(status).header("content-type", "application/x-amz-json-1.0").header(header, error);
    response.body(Bytes::from(body.to_string())).unwrap_or_default()
}

/// A backend with permission checks.
#[derive(Debug)]
pub struct Guarded<B> {
    /// The wrapped backend.
    pub backend: B,
    /// The service that it emulates.
    pub service: Service,
    pub guard: Guard,
}

impl<B: Backend> Backend for Guarded<B> {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, ConnectFault>> {
        match self.guard.refused(self.service, &request) {
            Some(refusal) => Box::pin(std::future::ready(Ok(refusal))),
            None => self.backend.call(request),
        }
    }
}
