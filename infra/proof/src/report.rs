//! The report: the extent and results of a run of the suite, as a page for people.
//!
//! The tests write facts to a directory (`tests/it/facts.rs`), and the other commands of this program add theirs. The page shows
//! the facts and names the parts that did not run. Nothing here decides if a test passes.

mod page;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use clap::Args;
use serde_json::{Value, json};

use crate::harness::{self, Report, at};
use crate::{Trouble, defects, engines, root, say};

/// Arguments of `proof report`.
#[derive(Debug, Args)]
pub struct Line {
    /// Only write the page, from the facts of the last run.
    #[arg(long)]
    page_only: bool,
    /// Seeds of the random workload.
    #[arg(long, default_value_t = 2_000, value_name = "N")]
    seeds: u64,
    /// Rounds of each race; those of an ordinary test run if absent.
    #[arg(long, value_name = "N")]
    rounds: Option<u64>,
    /// Seconds of random inputs per fuzz target.
    #[arg(long, default_value_t = 5, value_name = "N")]
    fuzz_seconds: u64,
    /// Also seed every defect of tests/defects, which takes about an hour.
    #[arg(long)]
    defects: bool,
    /// Also run the tests over DynamoDB Local and ElasticMQ, which needs Java, Maven and internet access.
    #[arg(long)]
    engines: bool,
}

/// Facts by the name of their part.
pub type Facts = BTreeMap<String, Value>;

/// Runs the command; returns true if everything passed.
pub fn run(line: &Line, out: &mut dyn Write) -> Result<bool, Trouble> {
    let root = root()?;
    let (kept, page) = (root.join("target/proof/facts"), root.join("target/proof/report.html"));
    let mut passed = true;
    if !line.page_only {
        // The page must not show facts of an earlier run.
        if kept.exists() {
            std::fs::remove_dir_all(&kept).map_err(at(&kept))?;
        }
        std::fs::create_dir_all(&kept).map_err(at(&kept))?;
        passed &= tests(line, &root, &kept, out)?;
        if line.defects {
            passed &= defects::run(&defects::Line::all(kept.join("defects.json")), out)?;
        }
        if line.engines {
            passed &= engines::run(&engines::Line::all(kept.join("engines.json")), out)?;
        }
    }
    let facts = read(&kept)?;
    std::fs::write(&page, page::of(&facts).into_string()).map_err(at(&page))?;
    say(out, &format!("the report is {}", page.display()))?;
    Ok(passed)
}

/// Runs the tests with all faults and seeds, and stores their facts.
fn tests(line: &Line, root: &Path, kept: &Path, out: &mut dyn Write) -> Result<bool, Trouble> {
    let began = Instant::now();
    let mut command = harness::cargo();
    command.args(["test", "--locked", "--workspace", "--profile", "suite", "--no-fail-fast"]).current_dir(root);
    command.env("GUERDON_FACTS", kept).env("GUERDON_FAULTS", "all").env("GUERDON_SEEDS", line.seeds.to_string());
    command.env("GUERDON_FUZZ_SECONDS", line.fuzz_seconds.to_string());
    if let Some(rounds) = line.rounds {
        command.env("GUERDON_ROUNDS", rounds.to_string());
    }
    let mut running = command.stdout(Stdio::piped()).spawn().map_err(at("cargo"))?;
    let mut report = Report::default();
    for said in running.stdout.take().into_iter().flat_map(|pipe| BufReader::new(pipe).lines()) {
        let said = said.map_err(at("cargo"))?;
        report.hear(&said);
        if said.starts_with("test result") || said.ends_with("FAILED") {
            say(out, &said)?;
        }
    }
    let failed: Vec<&String> = report.failed.iter().map(|(name, _)| name).collect();
    let ended = running.wait().map_err(at("cargo"))?;
    let facts = json!({
        "passed": report.passed, "failed": failed, "ended_well": ended.success(), "seconds": began.elapsed().as_secs(),
        "commit": said_by(root, "git", &["describe", "--always", "--dirty"]),
        "compiler": said_by(root, "rustc", &["--version"]),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
    });
    let file = kept.join("tests.json");
    std::fs::write(&file, facts.to_string()).map_err(at(&file))?;
    Ok(ended.success())
}

/// The first line of a program's output; `None` if the program is missing.
fn said_by(root: &Path, program: &str, arguments: &[&str]) -> Option<String> {
    let said = Command::new(program).args(arguments).current_dir(root).stderr(Stdio::null()).output().ok()?;
    let said = String::from_utf8(said.stdout).ok()?;
    said.lines().next().map(str::to_owned)
}

fn read(kept: &Path) -> Result<Facts, Trouble> {
    let mut facts = Facts::new();
    for file in std::fs::read_dir(kept).map_err(at(kept))? {
        let path: PathBuf = file.map_err(at(kept))?.path();
        let Some(part) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
        let text = std::fs::read_to_string(&path).map_err(at(&path))?;
        let said = serde_json::from_str(&text).map_err(|why| Trouble::Wrong(format!("{}: {why}", path.display())))?;
        facts.insert(part.to_owned(), said);
    }
    Ok(facts)
}
