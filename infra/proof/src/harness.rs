//! Runs cargo and test binaries, and parses their output.

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::Trouble;

/// A cargo command as run from a shell.
/// It removes the variables that an outer cargo sets for this package, since those would rerun build scripts.
pub fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let of_a_package = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"];
        if of_a_package.iter().any(|start| name.as_encoded_bytes().starts_with(start.as_bytes())) {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// Compiles the test binary that `wanted` selects; returns the compiler's first error if it fails.
pub fn built(cargo: &mut Command, wanted: &[&str]) -> Result<Result<PathBuf, String>, Trouble> {
    cargo.arg("test").args(wanted).args(["--no-run", "--quiet", "--message-format=json-render-diagnostics"]);
    let done = output(cargo)?;
    if !done.status.success() {
        let told = String::from_utf8_lossy(&done.stderr).into_owned();
        let why = told.lines().find(|line| line.starts_with("error")).unwrap_or("cargo failed");
        return Ok(Err(why.to_owned()));
    }
    let told = String::from_utf8_lossy(&done.stdout).into_owned();
    let messages = told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut binaries = messages.filter_map(|message| message.get("executable")?.as_str().map(PathBuf::from));
    Ok(Ok(binaries.next_back().ok_or_else(|| Trouble::Wrong("cargo names no test binary".to_owned()))?))
}

/// The result of a test run.
#[derive(Debug, Default)]
pub struct Report {
    /// Number of passed tests.
    pub passed: usize,
    /// Failed tests, each with the first line of its failure message.
    pub failed: Vec<(String, String)>,
}

impl Report {
    /// Parses the output of a test binary.
    pub fn of(told: &str) -> Self {
        let mut report = Self::default();
        told.lines().for_each(|line| report.hear(line));
        for (name, reason) in &mut report.failed {
            *reason = why(told, name);
        }
        report
    }

    /// Parses one line. The reason of a failure comes later in the output and is not set here.
    pub fn hear(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test ") else { return };
        if result.ends_with(" ... ok") {
            self.passed = self.passed.saturating_add(1);
        } else if let Some(name) = result.strip_suffix(" ... FAILED") {
            self.failed.push((name.to_owned(), String::new()));
        }
    }
}

/// The first line of a failed test's message, and both sides of a failed comparison.
fn why(told: &str, name: &str) -> String {
    let own = told.split_once(&format!("---- {name} stdout ----")).map_or("", |(_, after)| after);
    let own = own.split("\n---- ").next().unwrap_or_default();
    let said = own.split_once("panicked at ").and_then(|(_, after)| after.split_once('\n'));
    let said = said.map_or(own, |(_, said)| said);
    let mut why = first_line(said);
    // A value printed over several lines begins with a bracket alone.
    if why.ends_with(['[', '{', '(']) {
        let shown: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        why = shown.join(" ").chars().take(200).collect();
    }
    for side in ["left: ", "right: "] {
        if let Some(line) = said.lines().find_map(|line| line.trim_start().strip_prefix(side)) {
            why = format!("{why}; {side}{}", first_line(line));
        }
    }
    why
}

/// The first non-blank line of a text, cut to 200 characters.
pub fn first_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.chars().take(200).collect()
}

/// Runs a program until it ends.
pub fn output(command: &mut Command) -> Result<Output, Trouble> {
    command.stdin(Stdio::null()).output().map_err(|why| Trouble::Outside(format!("{command:?}"), why))
}

/// Adds the path or command to an I/O error.
pub fn at(path: impl AsRef<Path> + Debug) -> impl Fn(std::io::Error) -> Trouble {
    move |why| Trouble::Outside(path.as_ref().display().to_string(), why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_harness_is_read_with_the_first_line_of_why() {
        let told = "running 3 tests\ntest a::one ... ok\ntest a::two ... FAILED\ntest a::two_more ... FAILED\n\nfailures:\n\n\
                    ---- a::two_more stdout ----\nError: gone\n\n---- a::two stdout ----\nnoise\n\
                    thread 'a::two' (7) panicked at it/a.rs:3:5:\nassertion failed\n  left: 1\n right: 2\n\nfailures:\n    a::two\n";
        let report = Report::of(told);
        assert_eq!(report.passed, 1);
        let expected = [("a::two", "assertion failed; left: 1; right: 2"), ("a::two_more", "Error: gone")];
        assert_eq!(report.failed, expected.map(|(name, why)| (name.to_owned(), why.to_owned())));
    }
}
