//! Seeded defects: plausible mistakes, each in a patch that the tests must catch.
//! A suite that passes on a damaged product proves nothing, so this tests the tests.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use crate::{Trouble, root, say};
use patch::Patch;
use scratch::{Build, Scratch};

mod patch;
mod scratch;

/// Minimum number of patches.
const ENOUGH: usize = 40;

/// Arguments of `proof defects`.
#[derive(Debug, Args)]
pub struct Line {
    /// Names of the defects; all if absent.
    names: Vec<String>,
    /// Only check that each patch has a valid header and applies, and that there are enough patches.
    #[arg(long)]
    check: bool,
    /// Write the results as JSON.
    #[arg(long, value_name = "FILE")]
    facts: Option<PathBuf>,
}

impl Line {
    /// All defects, with the results in a file.
    pub fn all(facts: PathBuf) -> Self {
        Self { names: Vec::new(), check: false, facts: Some(facts) }
    }
}

/// Result of a defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// A test failed.
    Caught,
    /// The tests passed on the damaged product.
    Missed,
    /// The patch does not apply or does not compile, so no test ran.
    Broken,
}

/// A defect with its result.
#[derive(Debug, Serialize)]
struct Fact<'a> {
    name: &'a str,
    defect: &'a str,
    kind: &'a str,
    outcome: Outcome,
    caught_by: Vec<String>,
    why: String,
}

/// Runs the command; returns true if every defect was caught or, with `--check`, every patch is valid.
pub fn run(line: &Line, out: &mut dyn Write) -> Result<bool, Trouble> {
    let root = root()?;
    let all = Patch::all(&root.join("tests/defects"))?;
    let named = |name: &String| {
        let found = all.iter().find(|patch| patch.name == *name);
        found.ok_or_else(|| Trouble::Wrong(format!("there is no tests/defects/{name}.patch")))
    };
    let chosen: Vec<&Patch> = match line.names.is_empty() {
        true => all.iter().collect(),
        false => line.names.iter().map(named).collect::<Result<_, _>>()?,
    };
    if line.check { check(&root, &chosen, all.len(), out) } else { prove(&root, &chosen, line.facts.as_deref(), out) }
}

/// Checks that the patches apply to the current product.
fn check(root: &Path, chosen: &[&Patch], all: usize, out: &mut dyn Write) -> Result<bool, Trouble> {
    let mut wrong = 0_usize;
    for patch in chosen {
        if let Err(why) = patch.applies(root) {
            say(out, &format!("{}: {why}", patch.name))?;
            wrong = wrong.saturating_add(1);
        }
    }
    if all < ENOUGH {
        say(out, &format!("{all} defects are too few: {ENOUGH} are wanted"))?;
    }
    say(out, &format!("{} of {} patches apply", chosen.len().saturating_sub(wrong), chosen.len()))?;
    Ok(wrong == 0 && all >= ENOUGH)
}

/// Seeds each defect into the copy and runs its tests, the cheap ones first.
/// Before each kind, its tests must pass without a defect.
fn prove(root: &Path, chosen: &[&Patch], facts: Option<&Path>, out: &mut dyn Write) -> Result<bool, Trouble> {
    let scratch = Scratch::of(root)?;
    let mut found = Vec::new();
    let (dear, cheap): (Vec<&Patch>, Vec<&Patch>) =
        chosen.iter().copied().partition(|patch| patch.tests.iter().any(|(build, _)| *build == Build::Behaviour));
    for some in [cheap, dear] {
        undamaged(&scratch, &some, out)?;
        for patch in some {
            let began = Instant::now();
            let fact = try_out(&scratch, patch)?;
            say(out, &format!("{} ({} s)", fact.line(), began.elapsed().as_secs()))?;
            found.push(fact);
            if let Some(file) = facts {
                let text = serde_json::to_string_pretty(&found).map_err(|why| Trouble::Wrong(why.to_string()))?;
                std::fs::write(file, text).map_err(crate::harness::at(file))?;
            }
        }
    }
    let count = |outcome| found.iter().filter(|fact| fact.outcome == outcome).count();
    let (caught, missed, broken) = (count(Outcome::Caught), count(Outcome::Missed), count(Outcome::Broken));
    say(out, &format!("{caught} of {} defects caught, {missed} missed, {broken} broken", found.len()))?;
    Ok(caught == found.len())
}

impl Fact<'_> {
    fn line(&self) -> String {
        match self.outcome {
            Outcome::Caught => format!("caught  {} by {}: {}", self.name, self.caught_by.join(", "), self.why),
            Outcome::Missed => format!("MISSED  {}: {}", self.name, self.defect),
            Outcome::Broken => format!("BROKEN  {}: {}", self.name, self.why),
        }
    }
}

/// Runs all selected tests on the undamaged copy.
/// Tests that fail here can't prove that they catch a defect.
fn undamaged(scratch: &Scratch, chosen: &[&Patch], out: &mut dyn Write) -> Result<(), Trouble> {
    for build in Build::ALL {
        let wanted = chosen.iter().flat_map(|patch| &patch.tests).filter(|(of, _)| *of == build);
        let filters: BTreeSet<&String> = wanted.flat_map(|(_, filters)| filters).collect();
        let filters: Vec<String> = filters.into_iter().cloned().collect();
        if filters.is_empty() {
            continue;
        }
        let began = Instant::now();
        let binary = match scratch.build(build)? {
            Ok(binary) => binary,
            Err(why) => return Err(Trouble::Wrong(format!("the undamaged product does not compile: {why}"))),
        };
        let names = scratch.list(build, &binary)?;
        if let Some(nothing) = filters.iter().find(|filter| !names.iter().any(|name| name.contains(filter.as_str()))) {
            return Err(Trouble::Wrong(format!("no test is called {nothing}")));
        }
        let report = scratch.test(build, &binary, &filters)?;
        if let Some((name, why)) = report.failed.first() {
            return Err(Trouble::Wrong(format!("the undamaged product fails {name}, so this proves nothing: {why}")));
        }
        say(out, &format!("undamaged: {} tests pass ({} s)", report.passed, began.elapsed().as_secs()))?;
    }
    Ok(())
}

/// Applies one defect, builds, tests and restores.
fn try_out<'a>(scratch: &Scratch, patch: &'a Patch) -> Result<Fact<'a>, Trouble> {
    let fact = |outcome, caught_by, why| Fact {
        name: &patch.name,
        defect: &patch.defect,
        kind: &patch.kind,
        outcome,
        caught_by,
        why,
    };
    let undamaged = match scratch.apply(patch)? {
        Ok(undamaged) => undamaged,
        Err(why) => return Ok(fact(Outcome::Broken, Vec::new(), why)),
    };
    let mut failed = Vec::new();
    let mut broken = None;
    for (build, filters) in &patch.tests {
        match scratch.build(*build)? {
            Ok(binary) => failed.extend(scratch.test(*build, &binary, filters)?.failed),
            Err(why) => broken = Some(why),
        }
    }
    scratch.restore(undamaged)?;
    if let Some(why) = broken {
        return Ok(fact(Outcome::Broken, Vec::new(), why));
    }
    let why = failed.first().map(|(_, why)| why.clone()).unwrap_or_default();
    let outcome = if failed.is_empty() { Outcome::Missed } else { Outcome::Caught };
    Ok(fact(outcome, failed.into_iter().map(|(name, _)| name).collect(), why))
}
