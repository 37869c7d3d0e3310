//! Takes what the payment providers tell us: verifies it, puts it in terms of both providers, and has it settled.
//!
//! Answers are what the providers understand: Stripe repeats anything but 2xx, a Zpay gateway anything but `success`.

mod stripe;
mod zpay;

use std::sync::Arc;

use shared::app::App;
use shared::edge::api;
use shared::edge::openapi::Api;
use shared::kernel::provider::Provider;
use shared::payment::ingest::Ingested;
use shared::table::telemetry as metrics;

/// The variables that it can't do without, besides those that every function has.
pub const NEEDS: [&str; 3] = ["REWARD_QUEUE_URL", "MAIL_QUEUE_URL", "STATISTICS_QUEUE_URL"];

/// The routes of this function.
pub fn api() -> Api<Arc<App>> {
    api![stripe::stripe_webhook, zpay::zpay_notify, zpay::zpay_notify_form,]
}

/// Counts a callback by what came of it (R9.4); nothing came of a forged one.
fn callback(provider: Provider, settled: Option<Ingested>) {
    let outcome = match settled {
        None => "forged",
        Some(Ingested::Unconfirmed) => "unconfirmed",
        Some(Ingested::Stored(outcome)) => outcome.as_str(),
    };
    metrics::metric("Callbacks", 1, "Count", &[("Provider", provider.as_str()), ("Outcome", outcome)]);
}
