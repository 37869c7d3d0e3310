//! The `main` of every function: telemetry, start-up, and the runtime's loop.

use std::future::Future;
use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use axum::Router;
use lambda_http::Adapter;
use lambda_http::request::LambdaRequest;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use tower::ServiceExt;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::fault::Fault;

/// Runs a set of routes, of a function that `needs` these variables.
///
/// # Errors
/// When the function can't start or the runtime ends.
pub async fn http(api: OpenApiRouter<Arc<App>>, needs: &[&'static str]) -> Result<(), Error> {
    telemetry();
    let app = super::boot::app(needs).await?;
    run(super::routes(api, app)).await
}

/// Runs the routes of the function that makes tokens: publishes its public key first.
///
/// # Errors
/// When the function can't start or the runtime ends.
pub async fn http_with_key(api: OpenApiRouter<Arc<App>>, needs: &[&'static str]) -> Result<(), Error> {
    telemetry();
    let app = super::boot::app(needs).await?;
    crate::usecase::create_admin::publish_key(&app).await?;
    run(super::routes(api, app)).await
}

async fn run(router: Router) -> Result<(), Error> {
    let escaped = |event: LambdaEvent<LambdaRequest>| LambdaEvent::new(super::escaped(event.payload), event.context);
    lambda_runtime::run(Adapter::from(router).map_request(escaped)).await
}

/// Runs a queue's consumer.
///
/// # Errors
/// When the function can't start or the runtime ends.
pub async fn queue<F, P>(consume: F, needs: &[&'static str]) -> Result<(), Error>
where
    F: Fn(Arc<App>, SqsEvent) -> P,
    P: Future<Output = SqsBatchResponse>,
{
    telemetry();
    let app = super::boot::app(needs).await?;
    let consume = &consume;
    lambda_runtime::run(service_fn(|event: LambdaEvent<SqsEvent>| {
        let app = Arc::clone(&app);
        async move { Ok::<_, Error>(consume(app, event.payload).await) }
    }))
    .await
}

/// Runs a schedule's target.
///
/// # Errors
/// When the function can't start or the runtime ends.
pub async fn schedule<F, P>(tick: F, needs: &[&'static str]) -> Result<(), Error>
where
    F: Fn(Arc<App>, Value) -> P,
    P: Future<Output = Result<Value, Fault>>,
{
    telemetry();
    let app = super::boot::app(needs).await?;
    let tick = &tick;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        let app = Arc::clone(&app);
        async move { tick(app, event.payload).await.map_err(Error::from) }
    }))
    .await
}

/// Metrics, and structured logs, on standard output: one JSON object per line, no colour, no time zone but UTC.
pub fn telemetry() {
    super::metrics::print();
    let level = std::env::var("LOG_LEVEL").ok().and_then(|level| level.parse().ok()).unwrap_or(tracing::Level::INFO);
    let logs = tracing_subscriber::fmt().json().with_max_level(level).with_target(false).with_current_span(false);
    // An error says that a subscriber is set already.
    logs.flatten_event(true).try_init().ok();
}
