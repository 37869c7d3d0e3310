//! Report of an import: a row for each line, written as soon as its outcome is known, from which a run that was stopped goes on.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};
use shared::edge::export;

use super::lines::Line;
use crate::csv::{read, unescaped};
use crate::trouble::Trouble;

const COLUMNS: &[&str] = &["line", "identity", "outcome", "code", "detail", "user_id"];
/// Outcomes after which a line is done.
const DONE: &[&str] = &["imported", "exists"];

/// Outcome of a line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Told {
    pub outcome: String,
    pub code: Option<String>,
    pub detail: Option<String>,
    pub user_id: Option<String>,
}

impl Told {
    /// A line that is not sent.
    pub fn refused(code: &str, detail: impl Into<String>) -> Self {
        let (code, detail) = (Some(code.to_owned()), Some(detail.into()));
        Self { outcome: "refused".to_owned(), code, detail, user_id: None }
    }
}

/// Report of a run.
pub struct Report {
    path: PathBuf,
    file: File,
    /// Rows by line: of what was done before, and of this run.
    rows: BTreeMap<usize, Value>,
    kept: usize,
}

impl Report {
    /// Begins a report; one that takes effect goes on after the lines that an earlier one has as done.
    ///
    /// # Rejects
    /// An earlier report of another file.
    pub fn open(path: &Path, lines: &[Line], apply: bool) -> Result<Self, Trouble> {
        let rows = match fs::read_to_string(path) {
            Ok(text) if apply => done(path, &text, lines)?,
            _ => BTreeMap::new(),
        };
        write(path, rows.values())?;
        let file = File::options().append(true).open(path).map_err(|error| unwritten(path, &error))?;
        let kept = rows.len();
        Ok(Self { path: path.to_owned(), file, rows, kept })
    }

    /// Number of lines that were done before.
    pub fn kept(&self) -> usize {
        self.kept
    }

    /// True if the line was done before.
    pub fn has(&self, line: &Line) -> bool {
        self.rows.contains_key(&line.number)
    }

    /// Adds what became of some lines.
    ///
    /// # Errors
    /// Fails when the file can't be written.
    pub fn add(&mut self, told: &[(&Line, Told)]) -> Result<(), Trouble> {
        let rows: Vec<Value> = told.iter().map(|(line, told)| row(line, told)).collect();
        let whole = export::csv(COLUMNS, rows.iter().cloned());
        // The head stands already.
        let text = whole.split_once('\n').map(|(_, rows)| rows).unwrap_or_default();
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.flush());
        written.map_err(|error| unwritten(&self.path, &error))?;
        self.rows.extend(told.iter().map(|(line, _)| line.number).zip(rows));
        Ok(())
    }

    /// Puts the rows into the order of the file, and counts the outcomes.
    ///
    /// # Errors
    /// Fails when the file can't be written.
    pub fn finish(self) -> Result<BTreeMap<String, u64>, Trouble> {
        write(&self.path, self.rows.values())?;
        let mut counts = BTreeMap::new();
        for row in self.rows.values() {
            let count: &mut u64 = counts.entry(export::content(row, "outcome")).or_default();
            *count = count.saturating_add(1);
        }
        Ok(counts)
    }
}

fn row(line: &Line, told: &Told) -> Value {
    let Told { outcome, code, detail, user_id } = told;
    let (line, identity) = (line.number, &line.identity);
    json!({"line": line, "identity": identity, "outcome": outcome, "code": code, "detail": detail, "user_id": user_id})
}

/// Rows of an earlier run that are done; a last one that was cut is none.
fn done(path: &Path, text: &str, lines: &[Line]) -> Result<BTreeMap<usize, Value>, Trouble> {
    let other = || {
        let said = "is no report of this file: move it away, or name another one with --report";
        Trouble::Usage(format!("{} {said}", path.display()))
    };
    let whole = text.rfind('\n').and_then(|end| text.get(..=end)).unwrap_or_default();
    let mut records = read(whole).map_err(|_| other())?.into_iter();
    match records.next() {
        None => return Ok(BTreeMap::new()),
        Some(head) if head.cells == COLUMNS => {}
        Some(_) => return Err(other()),
    }
    let known: BTreeMap<usize, &str> = lines.iter().map(|line| (line.number, line.identity.as_str())).collect();
    let mut rows = BTreeMap::new();
    for record in records {
        let [line, identity, outcome, code, detail, user_id] = record.cells.as_slice() else { return Err(other()) };
        let line: usize = line.parse().map_err(|_| other())?;
        if DONE.contains(&outcome.as_str()) {
            let identity = unescaped(identity);
            if known.get(&line) != Some(&identity) {
                return Err(other());
            }
            let row = json!({
                "line": line, "identity": identity, "outcome": outcome, "code": code, "detail": detail, "user_id": user_id,
            });
            rows.insert(line, row);
        }
    }
    Ok(rows)
}

/// Replaces the report by these rows, at once.
fn write<'a>(path: &Path, rows: impl Iterator<Item = &'a Value>) -> Result<(), Trouble> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let text = export::csv(COLUMNS, rows.cloned());
    let written = fs::write(&beside, text).and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| unwritten(path, &error))
}

fn unwritten(path: &Path, error: &std::io::Error) -> Trouble {
    Trouble::Failed(format!("{} can't be written: {error}", path.display()))
}
