//! Metrics in CloudWatch's embedded format: one JSON line on standard output, no API call (R9.4).
//!
//! CloudWatch needs the whole line, so metrics bypass the log, which would wrap the fields, and its level. Nothing is printed
//! outside a function, since nothing reads it there.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::aws::{Environment, ProcessEnvironment};
use crate::system::Clock;

/// Namespace of all metrics, unless the deployment sets its own: two in one account share none (deploy.md D5).
const NAMESPACE: &str = "Guerdon";
/// Variable that holds the deployment's namespace.
const NAMESPACE_VARIABLE: &str = "METRICS_NAMESPACE";

static PRINTED: AtomicBool = AtomicBool::new(false);
static OWN: OnceLock<String> = OnceLock::new();

/// Enables printing; called at the start of a function.
pub fn print() {
    if let Some(namespace) = ProcessEnvironment.get(NAMESPACE_VARIABLE) {
        OWN.get_or_init(|| namespace);
    }
    PRINTED.store(true, Ordering::Relaxed);
}

/// Adds one to a counter.
pub fn count(name: &'static str) {
    metric(name, 1, "Count", &[]);
}

/// Records a value.
pub fn value(name: &'static str, value: i64, unit: &'static str) {
    metric(name, value, unit, &[]);
}

/// Records a value with dimensions.
///
/// Each dimension has few values, since every combination is a separate metric.
pub fn metric(name: &'static str, value: i64, unit: &'static str, dimensions: &[(&'static str, &str)]) {
    if PRINTED.load(Ordering::Relaxed) {
        let line = embedded(Clock::system().now(), name, value, unit, dimensions);
        #[allow(clippy::print_stdout, reason = "the one place that speaks to CloudWatch")]
        {
            println!("{line}");
        }
    } else {
        tracing::debug!(metric = name, value, ?dimensions, "metric");
    }
}

fn embedded(at: Timestamp, name: &str, value: i64, unit: &str, dimensions: &[(&'static str, &str)]) -> Value {
    let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": at.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": OWN.get().map_or(NAMESPACE, String::as_str), "Dimensions": [names], "Metrics": [{"Name": name, "Unit": unit}],
            }],
        }),
    );
    line.extend(dimensions.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    line.insert(name.to_owned(), json!(value));
    Value::Object(line)
}

/// Deliberate dropping of an error, with the reason in the log.
pub trait OrLog<T> {
    /// Logs the error and drops it; `why` is the reason why that is harmless.
    fn or_log(self, why: &'static str) -> Option<T>;
}

impl<T, E: std::error::Error + 'static> OrLog<T> for Result<T, E> {
    fn or_log(self, why: &'static str) -> Option<T> {
        self.inspect_err(|error| tracing::warn!(error = %kernel::fault::Chain(error), why, "went on without")).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R9.4: CloudWatch reads name, value and dimensions from the root of the line and needs a time.
    #[test]
    fn a_metric_is_a_line_of_the_embedded_format() {
        let at = Timestamp::from_millisecond(1_790_000_000_123).unwrap_or_default();
        let expected = json!({
            "_aws": {
                "Timestamp": 1_790_000_000_123_i64,
                "CloudWatchMetrics": [{
                    "Namespace": "Guerdon", "Dimensions": [["State"]], "Metrics": [{"Name": "Orders", "Unit": "Count"}],
                }],
            },
            "State": "failed",
            "Orders": 1,
        });
        assert_eq!(embedded(at, "Orders", 1, "Count", &[("State", "failed")]), expected);
        let plain = embedded(at, "OutboxAge", 75, "Seconds", &[]);
        assert_eq!(plain.pointer("/_aws/CloudWatchMetrics/0/Dimensions"), Some(&json!([[]])));
        assert_eq!(plain.get("OutboxAge"), Some(&json!(75)));
    }
}
