//! Receives payment webhooks: verifies them, maps them to provider events and applies these.
//!
//! Responses follow the providers' protocols: Stripe repeats unless it gets 2xx, a Zpay gateway unless it gets `success`.

mod stripe;
mod zpay;

use std::sync::Arc;

use shared::app::App;
use shared::edge::api;
use shared::edge::openapi::{Api, Operation, Routes};
use shared::kernel::provider::Provider;
use shared::payment::ingest::Ingested;
use shared::table::telemetry as metrics;

/// Environment variables that this function needs, besides those that every function has.
pub const NEEDS: [&str; 3] = ["REWARD_QUEUE_URL", "MAIL_QUEUE_URL", "STATISTICS_QUEUE_URL"];

/// The routes of this function.
pub fn api() -> Api<Arc<App>> {
    add(Api::new())
}

/// Their documentation.
pub fn operations() -> Vec<Operation> {
    add(Vec::new())
}

fn add<R: Routes<Arc<App>>>(routes: R) -> R {
    api![routes; stripe::stripe_webhook, zpay::zpay_notify, zpay::zpay_notify_form,]
}

/// Count a callback by its outcome (R9.4); a forged one has none.
fn callback(provider: Provider, settled: Option<Ingested>) {
    let outcome = match settled {
        None => "forged",
        Some(Ingested::Unconfirmed) => "unconfirmed",
        Some(Ingested::Stored(outcome)) => outcome.as_str(),
    };
    metrics::metric("Callbacks", 1, "Count", &[("Provider", provider.as_str()), ("Outcome", outcome)]);
}
