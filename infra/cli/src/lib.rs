//! The operator's command line, `guerdon`.
//!
//! There are three kinds of commands. `admin create`, `audit`, `verify` and `dlq` access table and queues directly with AWS
//! credentials ([`direct`]). [`cloud`] sets a deployment up and looks after it, through the AWS and SAM command lines. All others
//! call the HTTP API as an admin ([`api`]). The first and the last work against a deployment and against the local stack, which
//! serves AWS requests under `/_local/aws`.
//!
//! Exit status: 0 success; 1 findings, or a refused request; 2 wrong usage; 3 a service is unreachable.

pub mod api;
pub mod args;
pub mod cloud;
pub mod command;
pub mod csv;
pub mod direct;
pub mod output;
pub mod sheet;
pub mod trouble;

use std::ffi::OsString;
use std::io::Write;

use clap::Parser;
use shared::table::aws::Environment;

use self::args::Line;
use self::output::Out;
use self::trouble::Trouble;

/// A command's process environment: variables and output streams.
pub struct Outside<'a> {
    pub environment: &'a dyn Environment,
    /// The writer of results.
    pub out: &'a mut dyn Write,
    /// The writer of errors and notes.
    pub err: &'a mut dyn Write,
}

/// Result of a command that completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// No findings.
    Fine,
    /// Findings: exit status 1.
    Found,
}

/// Runs one command line and returns its exit status; `arguments` begin with the program name.
pub async fn run(arguments: impl IntoIterator<Item = OsString>, outside: Outside<'_>) -> u8 {
    let line = match Line::try_parse_from(arguments) {
        Ok(line) => line,
        Err(wrong) => {
            // Help and version are not errors and go to standard output.
            let text = wrong.render();
            let fine = !wrong.use_stderr();
            let written = if fine { write!(outside.out, "{text}") } else { write!(outside.err, "{text}") };
            let read = |error: std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
            return if fine && written.err().is_none_or(read) { 0 } else { 2 };
        }
    };
    let mut out = Out::new(line.at.output, outside.out, outside.err);
    match command::run(line, outside.environment, &mut out).await {
        Ok(Ended::Fine) => 0,
        Ok(Ended::Found) => 1,
        // The reader closed the pipe, as `head` does.
        Err(Trouble::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => 0,
        Err(trouble) => {
            out.complain(&trouble);
            trouble.exit_status()
        }
    }
}
