//! Metrics: CloudWatch's embedded format, one JSON line on standard output each, so that a metric costs no call (R9.4).
//!
//! A line is only a metric when it is the whole line: it does not pass through the log, whose fields would wrap it, nor
//! through its level. Outside a function nobody reads metrics, and nothing is printed.

use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::system::Clock;

/// The namespace of all of them.
pub const NAMESPACE: &str = "Guerdon";

static PRINTED: AtomicBool = AtomicBool::new(false);

/// Prints metrics from now on; called where a function starts.
pub fn print() {
    PRINTED.store(true, Ordering::Relaxed);
}

/// Counts one.
pub fn count(name: &'static str) {
    metric(name, 1, "Count", &[]);
}

/// Records a value.
pub fn value(name: &'static str, value: i64, unit: &'static str) {
    metric(name, value, unit, &[]);
}

/// Records a value by dimensions, each a name and one of few values: every combination is a metric of its own.
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
                "Namespace": NAMESPACE, "Dimensions": [names], "Metrics": [{"Name": name, "Unit": unit}],
            }],
        }),
    );
    line.extend(dimensions.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    line.insert(name.to_owned(), json!(value));
    Value::Object(line)
}

/// Drops an error on purpose, with the reason in the log.
pub trait OrLog<T> {
    /// Goes on without the value; `why` says why that is harmless.
    fn or_log(self, why: &'static str) -> Option<T>;
}

impl<T, E: std::fmt::Display> OrLog<T> for Result<T, E> {
    fn or_log(self, why: &'static str) -> Option<T> {
        self.inspect_err(|error| tracing::warn!(%error, why, "went on without")).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R9.4: CloudWatch reads name, value and dimensions from the root of the line, and demands a time.
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
