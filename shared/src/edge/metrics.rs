//! Metrics: CloudWatch's embedded format, one JSON line on standard output, so that a metric costs no call (R9.4).

use std::sync::LazyLock;

use serde_json::{Value, json};

/// The namespace of all of them.
pub const NAMESPACE: &str = "Guerdon";

/// Whether somebody reads the lines: only Lambda's standard output goes to CloudWatch.
static READ: LazyLock<bool> = LazyLock::new(|| std::env::var_os("AWS_LAMBDA_FUNCTION_NAME").is_some());

/// Counts one.
pub fn count(name: &'static str) {
    value(name, 1, "Count");
}

/// Records a value.
#[allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "CloudWatch reads the line and wants the machine's time"
)]
pub fn value(name: &'static str, value: i64, unit: &'static str) {
    if *READ {
        println!("{}", embedded(name, value, unit, jiff::Timestamp::now().as_millisecond()));
    } else {
        tracing::debug!(metric = name, value, unit);
    }
}

fn embedded(name: &str, value: i64, unit: &str, at: i64) -> Value {
    let metrics = json!([{"Namespace": NAMESPACE, "Dimensions": [[]], "Metrics": [{"Name": name, "Unit": unit}]}]);
    let mut line = json!({"_aws": {"Timestamp": at, "CloudWatchMetrics": metrics}});
    if let Some(line) = line.as_object_mut() {
        line.insert(name.to_owned(), json!(value));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R9.4: the line is what CloudWatch takes a metric from: the value stands at the root under the metric's name.
    #[test]
    fn a_metric_is_a_line_that_cloudwatch_understands() {
        let line = embedded("OutboxAge", 3, "Seconds", 1_790_000_000_000);
        assert_eq!(line["OutboxAge"], 3);
        assert_eq!(line["_aws"]["Timestamp"], 1_790_000_000_000_i64);
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"], "OutboxAge");
    }
}
