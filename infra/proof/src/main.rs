//! Proof that the tests are worth something: what they were tried on, and what they found.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod defects;
mod engines;
mod harness;
mod report;

/// Shows what the tests are worth.
#[derive(Debug, Parser)]
#[command(name = "proof", version)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Seeds each defect of tests/defects into a copy of the product and sees whether the tests catch it.
    Defects(defects::Line),
    /// Runs the tests of behaviour over Amazon's DynamoDB Local, and those that queues carry over ElasticMQ.
    Engines(engines::Line),
    /// Runs the whole suite and writes what was run and found as a page: target/proof/report.html.
    Report(report::Line),
}

/// What went wrong with the proof itself.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    /// A file or a process.
    #[error("{0}: {1}")]
    Outside(String, io::Error),
    /// Something that is not as it has to be.
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

/// The repository.
fn root() -> Result<PathBuf, Trouble> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().map_err(harness::at(&root))
}

/// Says a line at once, as what follows may take minutes.
fn say(out: &mut dyn Write, line: &str) -> Result<(), Trouble> {
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(harness::at("output"))
}
