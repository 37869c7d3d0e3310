//! A sheet of checks: a line each, OK, WARN or FAIL, and what to do.

use serde_json::{Value, json};

use crate::Ended;
use crate::output::Out;
use crate::trouble::Trouble;

/// Result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

/// The results so far.
#[derive(Default)]
pub struct Sheet {
    rows: Vec<Value>,
    /// True once a check has failed.
    pub failed: bool,
}

impl Sheet {
    fn say(&mut self, check: impl Into<String>, verdict: Verdict, finding: impl Into<String>, advice: &str) {
        self.failed |= verdict == Verdict::Fail;
        let verdict = match verdict {
            Verdict::Ok => "OK",
            Verdict::Warn => "WARN",
            Verdict::Fail => "FAIL",
        };
        self.rows.push(json!({"check": check.into(), "verdict": verdict, "finding": finding.into(), "advice": advice}));
    }

    /// A check that is as it should be.
    pub fn ok(&mut self, check: impl Into<String>, finding: impl Into<String>) {
        self.say(check, Verdict::Ok, finding, "");
    }

    /// A check that a person should know of.
    pub fn warn(&mut self, check: impl Into<String>, finding: impl Into<String>, advice: &str) {
        self.say(check, Verdict::Warn, finding, advice);
    }

    /// A check that failed.
    pub fn fail(&mut self, check: impl Into<String>, finding: impl Into<String>, advice: &str) {
        self.say(check, Verdict::Fail, finding, advice);
    }

    /// A check that could not be made.
    pub fn trouble(&mut self, check: impl Into<String>, trouble: &Trouble) {
        self.fail(check, trouble.to_string(), trouble.hint().unwrap_or_default());
    }

    /// Prints a row per check.
    ///
    /// # Errors
    /// Fails when the rows can't be written.
    pub fn print(&self, out: &mut Out<'_>) -> Result<Ended, Trouble> {
        out.rows(&["verdict", "check", "finding", "advice"], &self.rows)?;
        Ok(if self.failed { Ended::Found } else { Ended::Fine })
    }
}
