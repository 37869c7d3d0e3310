//! `import`: accounts, invite codes, opening balances and referrals from CSV files of another system (R13.1).
//!
//! Each line takes effect once, by what it is about; so a run can be stopped anywhere, and the same command goes on.

mod lines;
mod report;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value, json};

use self::lines::{Kind, Line, read};
use self::report::{Report, Told};
use super::text_of;
use crate::Ended;
use crate::api::Api;
use crate::args::{Import, ImportFile};
use crate::output::Out;
use crate::trouble::Trouble;

/// Most lines of one request; each is a transaction of its own.
const TOGETHER: usize = 50;
/// Most bytes of the lines of one request; a body has at most 64 KiB.
const BYTES: usize = 48 * 1024;

/// Imports a file, or tells what would become of its lines.
///
/// # Errors
/// A file that can't be read or has other columns; any request that the API refuses. What had taken effect stays, and is in the report.
pub async fn run(asked: Import, api: &Api, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    let (kind, asked, remark) = match asked {
        Import::Users(file) => (Kind::Users, file, None),
        Import::Codes(file) => (Kind::Codes, file, None),
        Import::Balances { file, remark } => (Kind::Balances, file, remark),
        Import::Referrals(file) => (Kind::Referrals, file, None),
    };
    let lines = read(kind, &asked.file.display().to_string(), &text_of(&asked.file).await?)?;
    let path = report_of(&asked)?;
    let mut report = Report::open(&path, &lines, asked.apply)?;
    if report.kept() > 0 {
        out.note(&format!("{} lines were done before: {} has them", report.kept(), path.display()))?;
    }
    let progress = progress(lines.len(), report.kept());
    let sent = send(kind, &asked, remark.as_deref(), &lines, api, &mut report, &progress).await;
    progress.finish_and_clear();
    sent?;
    let counts = report.finish()?;
    out.rows(&["outcome", "lines"], &rows(&counts))?;
    out.note(&format!("{} has the outcome of each line", path.display()))?;
    if !asked.apply {
        out.note("nothing was written; --apply imports")?;
    }
    let is_fine = counts.keys().all(|outcome| !["conflict", "refused"].contains(&outcome.as_str()));
    Ok(if is_fine { Ended::Fine } else { Ended::Found })
}

fn rows(counts: &BTreeMap<String, u64>) -> Vec<Value> {
    counts.iter().map(|(outcome, lines)| json!({"outcome": outcome, "lines": lines})).collect()
}

fn progress(lines: usize, done: usize) -> ProgressBar {
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let progress = ProgressBar::new(number(lines));
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} lines, {eta} left") {
        progress.set_style(style);
    }
    progress.set_position(number(done));
    progress
}

/// The report of a run: that of a dry run is another than that of a real one.
fn report_of(asked: &ImportFile) -> Result<PathBuf, Trouble> {
    match &asked.report {
        Some(report) => Ok(report.clone()),
        None if asked.file == Path::new("-") => {
            Err(Trouble::Usage("lines from standard input need a --report".to_owned()))
        }
        None => Ok(asked.file.with_extension(if asked.apply { "report.csv" } else { "dry-run.csv" })),
    }
}

/// Sends the lines that are not done, some at a time, and reports each answer before the next request.
async fn send(
    kind: Kind,
    asked: &ImportFile,
    remark: Option<&str>,
    lines: &[Line],
    api: &Api,
    report: &mut Report,
    progress: &ProgressBar,
) -> Result<(), Trouble> {
    let mut waiting: Vec<&Line> = Vec::new();
    let mut bytes = 0_usize;
    let left: Vec<&Line> = lines.iter().filter(|line| !report.has(line)).collect();
    for line in left {
        let body = match &line.body {
            Ok(body) => body,
            Err(refused) => {
                report.add(&[(line, refused.clone())])?;
                progress.inc(1);
                continue;
            }
        };
        let size = body.to_string().len();
        if waiting.len() >= TOGETHER || bytes.saturating_add(size) > BYTES {
            some(kind, asked, remark, &waiting, api, report).await?;
            progress.inc(u64::try_from(waiting.len()).unwrap_or_default());
            (waiting, bytes) = (Vec::new(), 0);
        }
        waiting.push(line);
        bytes = bytes.saturating_add(size);
    }
    if waiting.is_empty() { Ok(()) } else { some(kind, asked, remark, &waiting, api, report).await }
}

async fn some(
    kind: Kind,
    asked: &ImportFile,
    remark: Option<&str>,
    lines: &[&Line],
    api: &Api,
    report: &mut Report,
) -> Result<(), Trouble> {
    let bodies: Vec<&Value> = lines.iter().filter_map(|line| line.body.as_ref().ok()).collect();
    let mut body = Map::new();
    body.insert("source".to_owned(), json!(asked.source));
    body.insert("dry_run".to_owned(), json!(!asked.apply));
    body.insert("lines".to_owned(), json!(bodies));
    if let Some(remark) = remark {
        body.insert("remark".to_owned(), json!(remark));
    }
    let answer = api.post(&format!("/v1/admin/import/{}", kind.as_str()), &Value::from(body)).await?;
    let told: Vec<Told> = match answer.get("lines").cloned().map(serde_json::from_value) {
        Some(Ok(told)) => told,
        _ => return Err(Trouble::Failed("the API answered no outcomes; is --url right?".to_owned())),
    };
    if told.len() != lines.len() {
        return Err(Trouble::Failed(format!("{} lines were sent, and {} answered", lines.len(), told.len())));
    }
    report.add(&lines.iter().copied().zip(told).collect::<Vec<_>>())
}
