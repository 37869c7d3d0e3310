//! Evidence for the quality of the tests: seeded defects, other engines, and a report.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod defects;
mod engines;
mod harness;
mod report;

/// Measure the quality of the tests.
#[derive(Debug, Parser)]
#[command(name = "proof", version)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Seed each defect of tests/defects into a copy of the product and check that the tests catch it.
    Defects(defects::Line),
    /// Run the behaviour tests over Amazon's DynamoDB Local, and those that use queues over ElasticMQ.
    Engines(engines::Line),
    /// Run the whole suite and write the results as a page: target/proof/report.html.
    Report(report::Line),
}

/// An error of this program, as opposed to a finding.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    /// A file or process error.
    #[error("{0}: {1}")]
    Outside(String, io::Error),
    /// An invalid input or state.
    #[error("{0}")]
    Wrong(String),
}

fn main() -> ExitCode {
    let out = &mut io::stdout();
    let done = match Line::parse().command {
        Command::Defects(line) => defects::run(&line, out),
        Command::Engines(line) => engines::run(&line, out),
        Command::Report(line) => report::run(&line, out),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(trouble) => {
            eprintln!("{trouble}");
            ExitCode::from(3)
        }
    }
}

/// The repository's root folder.
fn root() -> Result<PathBuf, Trouble> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().map_err(harness::at(&root))
}

/// Prints a line and flushes it, as the next step may take minutes.
fn say(out: &mut dyn Write, line: &str) -> Result<(), Trouble> {
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(harness::at("output"))
}
