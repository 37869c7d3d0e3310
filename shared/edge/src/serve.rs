//! Entry points of functions: telemetry, start-up and the runtime's loop.

use std::future::Future;
use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use axum::Router;
use lambda_http::Adapter;
use lambda_http::request::LambdaRequest;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use tower::ServiceExt;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::application::FormHost;
use crate::openapi::Api;
use kernel::fault::Fault;

/// Serves routes.
///
/// # Errors
/// The function can't start, or the runtime ends.
pub async fn http<A: FormHost>(
    api: Api<Arc<A>>,
    start: impl Future<Output = Result<Arc<A>, Fault>>,
) -> Result<(), Error> {
    telemetry();
    let app = start.await?;
    run(crate::routes(api, app)).await
}

async fn run(router: Router) -> Result<(), Error> {
    let escaped = |event: LambdaEvent<LambdaRequest>| LambdaEvent::new(crate::escaped(event.payload), event.context);
    lambda_runtime::run(Adapter::from(router).map_request(escaped)).await
}

/// Consumes a queue.
///
/// # Errors
/// The function can't start, or the runtime ends.
pub async fn queue<A, F, P>(consume: F, start: impl Future<Output = Result<Arc<A>, Fault>>) -> Result<(), Error>
where
    F: Fn(Arc<A>, SqsEvent) -> P,
    P: Future<Output = SqsBatchResponse>,
{
    telemetry();
    let app = start.await?;
    let consume = &consume;
    lambda_runtime::run(service_fn(|event: LambdaEvent<SqsEvent>| {
        let app = Arc::clone(&app);
        async move { Ok::<_, Error>(consume(app, event.payload).await) }
    }))
    .await
}

/// Runs a scheduled job.
///
/// # Errors
/// The function can't start, or the runtime ends.
pub async fn schedule<A, F, P>(tick: F, start: impl Future<Output = Result<Arc<A>, Fault>>) -> Result<(), Error>
where
    F: Fn(Arc<A>, Value) -> P,
    P: Future<Output = Result<Value, Fault>>,
{
    telemetry();
    let app = start.await?;
    let tick = &tick;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        let app = Arc::clone(&app);
        async move { tick(app, event.payload).await.map_err(Error::from) }
    }))
    .await
}

/// Enables metrics and structured logs on standard output, one JSON object per line.
pub fn telemetry() {
    table::telemetry::print();
    let level = std::env::var("LOG_LEVEL").ok().and_then(|level| level.parse().ok()).unwrap_or(tracing::Level::INFO);
    // An error means that a subscriber is already set.
    logs(level, std::io::stdout).try_init().ok();
}

/// The log: a line per event, its fields beside `timestamp`, `level`, `message` and `spans`, which no field may be called.
fn logs<W>(level: tracing::Level, to: W) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let logs = tracing_subscriber::fmt().json().with_max_level(level).with_target(false).with_current_span(false);
    logs.flatten_event(true).with_writer(to).finish()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
    use serde::Deserialize;
    use serde::de::{MapAccess, Visitor};

    use super::*;

    /// Counts of the keys of a JSON object.
    #[derive(Debug)]
    struct Keys(BTreeMap<String, u32>);

    impl<'de> Deserialize<'de> for Keys {
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            struct Counting;
            impl<'de> Visitor<'de> for Counting {
                type Value = Keys;

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }

                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                    let mut keys = BTreeMap::new();
                    while let Some((key, _)) = map.next_entry::<String, Value>()? {
                        let count: &mut u32 = keys.entry(key).or_default();
                        *count += 1;
                    }
                    Ok(Keys(keys))
                }
            }
            from.deserialize_map(Counting)
        }
    }

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// R9.4: a program that reads a line sees the message's id and the event's text.
    #[test]
    fn a_log_line_has_each_key_once() {
        let written = Written::default();
        let to = written.clone();
        tracing::subscriber::with_default(logs(tracing::Level::INFO, move || to.clone()), || {
            let mut message = SqsMessage::default();
            (message.message_id, message.body) = (Some("m-1".to_owned()), Some("{".to_owned()));
            let mut event = SqsEvent::default();
            event.records = vec![message];
            assert_eq!(crate::batch::read::<Value>(event).1, ["m-1"]);
        });
        let line = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let keys: Keys = serde_json::from_str(&line).unwrap();
        assert!(keys.0.contains_key("message") && keys.0.contains_key("message_id"), "{line}");
        assert!(keys.0.values().all(|count| *count == 1), "{line}");
    }
}
