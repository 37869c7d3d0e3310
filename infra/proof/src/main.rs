//! Proof that the tests are worth something: what they were tried on, and what they found.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod engines;

/// Shows what the tests are worth.
#[derive(Debug, Parser)]
#[command(name = "proof", version)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the tests of behaviour over Amazon's DynamoDB Local, and those that queues carry over ElasticMQ.
    Engines(engines::Line),
}

fn main() -> ExitCode {
    let done = match Line::parse().command {
        Command::Engines(line) => engines::run(&line, &mut std::io::stdout()),
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
