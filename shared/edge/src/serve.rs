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

use crate::application::Application;
use crate::openapi::Api;
use kernel::fault::Fault;

/// Serves routes.
///
/// # Errors
/// The function can't start, or the runtime ends.
pub async fn http<A: Application>(
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
    let logs = tracing_subscriber::fmt().json().with_max_level(level).with_target(false).with_current_span(false);
    // An error means that a subscriber is already set.
    logs.flatten_event(true).try_init().ok();
}
