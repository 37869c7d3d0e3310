//! Other engines: the behaviour tests run over Amazon's DynamoDB Local, and those that use queues over ElasticMQ, in place of the
//! embedded engines. A test that passes there does not depend on a peculiarity of the embedded engines.
//!
//! `cargo run -q -p proof -- engines` downloads both with Maven, which needs `mvn` and Java 17 or later. It starts them on free
//! ports and runs the tests with `AWS_ENDPOINT_URL_DYNAMODB` or `AWS_ENDPOINT_URL_SQS` set. Each world has its own database or
//! queues there (`infra/emulator/src/remote.rs`). [`LEFT_OUT`] lists the tests that are not run, with the reason.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use crate::harness::{self, Report, at};
use crate::{Trouble, root, say};
use program::{Engine, fetch};

mod program;

/// Arguments of `proof engines`.
#[derive(Debug, Args)]
pub struct Line {
    /// Run only tests whose names contain one of these.
    filters: Vec<String>,
    /// Run only this engine: `dynamodb` or `elasticmq`.
    #[arg(long)]
    engine: Option<String>,
    /// Write the results as JSON.
    #[arg(long, value_name = "FILE")]
    facts: Option<PathBuf>,
}

impl Line {
    /// All tests over every engine, with the results in a file.
    pub fn all(facts: PathBuf) -> Self {
        Self { filters: Vec::new(), engine: None, facts: Some(facts) }
    }
}

/// An engine that replaces an embedded one.
struct Kind {
    name: &'static str,
    is: &'static str,
    variable: &'static str,
    /// Maven project of the program.
    project: &'static str,
    /// Lock file: the program's files with their digests.
    lock: &'static str,
    /// Filters of the tests that use the engine.
    tests: &'static [&'static str],
    /// Command-line options for a port.
    options: fn(u16) -> Vec<String>,
}

const KINDS: [Kind; 2] = [
    Kind {
        name: "dynamodb",
        is: "Amazon DynamoDB Local 2.6.1",
        variable: "AWS_ENDPOINT_URL_DYNAMODB",
        project: "infra/proof/engines/dynamodb.xml",
        lock: include_str!("../engines/dynamodb.lock"),
        tests: &[
            "admin::",
            "agency::",
            "authz::",
            "commission::",
            "disputes::",
            "erase::",
            "events::",
            "explain::",
            "heal::",
            "main_job::",
            "orders::",
            "payment::",
            "reconcile::",
            "redemption::",
            "referral::",
            "registration::",
            "returns::",
            "review::",
            "reward::",
            "scheduler::",
            "service::",
            "statistics::",
            "webhooks::",
        ],
        options: dynamodb,
    },
    Kind {
        name: "elasticmq",
        is: "ElasticMQ 1.7.1",
        variable: "AWS_ENDPOINT_URL_SQS",
        project: "infra/proof/engines/elasticmq.xml",
        lock: include_str!("../engines/elasticmq.lock"),
        tests: &[
            "queues::",
            "commission::",
            "disputes::",
            "erase::",
            "events::",
            "main_job::",
            "redemption::",
            "referral::",
            "registration::",
            "reward::",
            "scheduler::",
            "statistics::",
        ],
        options: elasticmq,
    },
];

/// Tests that are not run over an engine: engine, part of the test's name, reason.
const LEFT_OUT: &[(&str, &str, &str)] = &[
    ("dynamodb", "budget::", COSTS),
    ("dynamodb", "an_order_costs_what_its_budget_says", COSTS),
    ("dynamodb", "an_order_with_an_inviters_terms_costs_one_read_more", COSTS),
    ("dynamodb", "redeeming_costs_what_its_budget_says", COSTS),
    ("dynamodb", "registering_with_a_code_is_one_read_and_one_commit", COSTS),
    ("dynamodb", "ten_rewards_of_one_inviter_are_one_read_and_one_transaction", COSTS),
    (
        "elasticmq",
        "a_body_that_cannot_be_read_fails_alone",
        "a message comes again when its visibility ends, by real time",
    ),
];
const COSTS: &str = "DynamoDB Local counts a transaction's write units in its own way: 12 for a registration that we count 9 for, 24 for ten rewards that are 81";

fn dynamodb(port: u16) -> Vec<String> {
    let library = "-Dsqlite4java.library.path=native";
    let main = "com.amazonaws.services.dynamodbv2.local.main.ServerRunner";
    [library, main, "-inMemory", "-disableTelemetry", "-port", &port.to_string()].map(str::to_owned).into()
}

fn elasticmq(port: u16) -> Vec<String> {
    let port = port.to_string();
    let set = |name: &str, value: &str| format!("-D{name}={value}");
    vec![
        set("rest-sqs.bind-port", &port),
        set("rest-sqs.bind-hostname", "127.0.0.1"),
        set("node-address.port", &port),
        set("node-address.host", "127.0.0.1"),
        set("rest-stats.enabled", "false"),
        "org.elasticmq.server.Main".to_owned(),
    ]
}

/// Result of the tests over one engine.
#[derive(Debug, Serialize)]
struct Fact {
    engine: &'static str,
    version: &'static str,
    passed: usize,
    failed: usize,
    left_out: Vec<[&'static str; 2]>,
    seconds: u64,
}

/// Runs the command; returns true if all tests passed over all engines.
pub fn run(line: &Line, out: &mut dyn Write) -> Result<bool, Trouble> {
    let root = root()?;
    let wanted = |kind: &&Kind| line.engine.as_ref().is_none_or(|engine| engine == kind.name);
    let kinds: Vec<&Kind> = KINDS.iter().filter(wanted).collect();
    if kinds.is_empty() {
        return Err(Trouble::Wrong("the engines are dynamodb and elasticmq".to_owned()));
    }
    let tests = harness::built(harness::cargo().current_dir(&root), &["--workspace", "--test", "it"])?;
    let tests = tests.map_err(|why| Trouble::Wrong(format!("the tests do not compile: {why}")))?;
    let mut facts = Vec::new();
    for kind in kinds {
        let fact = over(kind, &root, &tests, &line.filters, out)?;
        say(out, &format!("{}: {} passed, {} failed", fact.version, fact.passed, fact.failed))?;
        facts.push(fact);
    }
    if let Some(file) = &line.facts {
        let text = serde_json::to_string_pretty(&facts).unwrap_or_default();
        std::fs::write(file, text).map_err(at(file))?;
    }
    Ok(facts.iter().all(|fact| fact.failed == 0 && fact.passed > 0))
}

/// Starts an engine, runs the tests over it, and stops it.
fn over(kind: &Kind, root: &Path, tests: &Path, filters: &[String], out: &mut dyn Write) -> Result<Fact, Trouble> {
    let folder = root.join("target/proof/engines").join(kind.name);
    fetch(&root.join(kind.project), kind.lock, &folder)?;
    native(kind, &folder)?;
    let engine = Engine::start(kind.lock, &folder, kind.options)?;
    say(out, &format!("{} answers at {}", kind.is, engine.url))?;
    let began = Instant::now();
    let left_out: Vec<[&str; 2]> =
        LEFT_OUT.iter().filter(|(engine, ..)| *engine == kind.name).map(|(_, test, why)| [*test, *why]).collect();
    let mut command = Command::new(tests);
    command.current_dir(root.join("tests")).env(kind.variable, &engine.url).stdin(Stdio::null());
    if filters.is_empty() {
        command.args(kind.tests);
    } else {
        command.args(filters);
    }
    for [test, _] in &left_out {
        command.args(["--skip", test]);
    }
    let log = folder.join("tests.log");
    command.stdout(std::fs::File::create(&log).map_err(at(&log))?).stderr(Stdio::null());
    let ended = command.status().map_err(at(tests))?;
    let said = std::fs::read_to_string(&log).map_err(at(&log))?;
    for line in said.lines().filter(|line| line.ends_with("... FAILED") || line.starts_with("test result:")) {
        say(out, line)?;
    }
    let Report { passed, failed } = Report::of(&said);
    if failed.is_empty() && !ended.success() {
        return Err(Trouble::Wrong(format!("ended without a result: see {}", log.display())));
    }
    let seconds = began.elapsed().as_secs();
    Ok(Fact { engine: kind.name, version: kind.is, passed, failed: failed.len(), left_out, seconds })
}

/// Copies the native library to a name without version, which DynamoDB Local expects.
fn native(kind: &Kind, folder: &Path) -> Result<(), Trouble> {
    let Some((_, path)) =
        kind.lock.lines().filter_map(|line| line.split_once(' ')).find(|(_, path)| path.ends_with(".so"))
    else {
        return Ok(());
    };
    let done = std::fs::create_dir_all(folder.join("native"))
        .and_then(|()| std::fs::copy(folder.join(path), folder.join("native/libsqlite4java-linux-amd64.so")));
    done.map(drop).map_err(at(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_locked_file_has_a_digest() {
        for kind in &KINDS {
            for line in kind.lock.lines() {
                assert!(
                    line.split_once(' ').is_some_and(|(digest, path)| digest.len() == 64 && path.contains('/')),
                    "{line}"
                );
            }
        }
    }
}
