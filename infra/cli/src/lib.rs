//! The operator's command line, `guerdon`.
//!
//! Two kinds of commands. Those about settings, codes, orders, withdrawals, reviews and reports go through the HTTP API as an admin
//! ([`api`]); `admin create`, `audit`, `rebuild` and `dlq` go straight to the table and the queues with AWS credentials ([`direct`]).
//! Both look alike against the local stack, which answers AWS requests under `/_local/aws`, and against a deployment.
//!
//! Exit status: 0 fine; 1 something was found, or the request was refused; 2 wrong usage; 3 somebody can't be reached.

pub mod api;
pub mod args;
pub mod command;
pub mod direct;
pub mod output;
pub mod trouble;

use std::ffi::OsString;
use std::io::Write;

use clap::Parser;
use shared::table::aws::Environment;

use self::args::Line;
use self::output::Out;
use self::trouble::Trouble;

/// What a command sees of the world besides its arguments.
pub struct Outside<'a> {
    /// Where variables are looked up.
    pub environment: &'a dyn Environment,
    /// Where results go.
    pub out: &'a mut dyn Write,
    /// Where errors and notes go.
    pub err: &'a mut dyn Write,
}

/// How a command ended that did what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Nothing is wrong.
    Fine,
    /// It found what it looks for: exit status 1.
    Found,
}

/// Runs one command line, `arguments` with the program's name first, and answers its exit status.
pub async fn run(arguments: impl IntoIterator<Item = OsString>, outside: Outside<'_>) -> u8 {
    let line = match Line::try_parse_from(arguments) {
        Ok(line) => line,
        Err(wrong) => {
            // Help and version are no errors and go to standard output.
            let text = wrong.render();
            let fine = !wrong.use_stderr();
            let written = if fine { write!(outside.out, "{text}") } else { write!(outside.err, "{text}") };
            return if fine && written.is_ok() { 0 } else { 2 };
        }
    };
    let mut out = Out::new(line.at.output, outside.out, outside.err);
    match command::run(line, outside.environment, &mut out).await {
        Ok(Ended::Fine) => 0,
        Ok(Ended::Found) => 1,
        // Whoever reads stopped reading, as `head` does.
        Err(Trouble::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => 0,
        Err(trouble) => {
            out.complain(&trouble);
            trouble.exit_status()
        }
    }
}
