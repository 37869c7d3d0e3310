//! Metrics: CloudWatch's embedded format on standard output, so that a metric costs no call (R9.4).

use serde_json::json;

/// The namespace of all of them.
pub const NAMESPACE: &str = "Guerdon";

/// Counts one.
pub fn count(name: &'static str) {
    value(name, 1, "Count");
}

/// Records a value.
pub fn value(name: &'static str, value: i64, unit: &'static str) {
    let embedded = json!({
        "CloudWatchMetrics": [{
            "Namespace": NAMESPACE, "Dimensions": [[]], "Metrics": [{"Name": name, "Unit": unit}],
        }],
    });
    tracing::info!(target: "metric", metric = name, value, unit, _aws = %embedded, "metric");
}
