//! A copy of the product that may be damaged. It keeps its build between defects, so that each is compiled incrementally.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::patch::Patch;
use crate::Trouble;

/// A damaged product may wait for something that never comes.
const PATIENCE: Duration = Duration::from_secs(900);

/// A test binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// The tests beside the code of `shared`.
    Shared,
    /// The tests of behaviour.
    Behaviour,
}

impl Build {
    /// The cheaper first.
    pub const ALL: [Self; 2] = [Self::Shared, Self::Behaviour];

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Shared => &["-p", "shared", "--lib"],
            Self::Behaviour => &["-p", "tests", "--test", "it"],
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Behaviour => "tests",
        }
    }
}

/// What a run of tests told.
#[derive(Debug, Default)]
pub struct Report {
    /// How many passed.
    pub passed: usize,
    /// Which failed, with the first line of why.
    pub failed: Vec<(String, String)>,
}

/// The copy.
#[derive(Debug)]
pub struct Scratch {
    root: PathBuf,
    copy: PathBuf,
    target: PathBuf,
}

/// What the files held that a patch damages.
#[derive(Debug)]
pub struct Undamaged(Vec<(PathBuf, Vec<u8>)>);

impl Scratch {
    /// Brings the copy up to date with the tracked files as they stand, committed or not. Files that are the same are
    /// left alone, as their times tell the compiler what it need not compile again.
    pub fn of(root: &Path) -> Result<Self, Trouble> {
        let own = root.join("target/proof");
        let scratch = Self { root: root.to_owned(), copy: own.join("scratch"), target: own.join("target") };
        fs::create_dir_all(&scratch.copy).map_err(at(&scratch.copy))?;
        let listed = output(Command::new("git").args(["ls-files", "-z"]).current_dir(root))?;
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        let tracked: BTreeSet<PathBuf> = listed
            .split('\0')
            .filter(|name| !name.is_empty() && root.join(name).is_file())
            .map(PathBuf::from)
            .collect();
        if tracked.is_empty() {
            return Err(Trouble::Wrong("git knows no files here".to_owned()));
        }
        for file in files_of(&scratch.copy)? {
            let known = file.strip_prefix(&scratch.copy).is_ok_and(|name| tracked.contains(name));
            if !known {
                fs::remove_file(&file).map_err(at(&file))?;
            }
        }
        for name in &tracked {
            scratch.bring(name)?;
        }
        Ok(scratch)
    }

    fn bring(&self, name: &Path) -> Result<(), Trouble> {
        let (from, to) = (self.root.join(name), self.copy.join(name));
        let wanted = fs::read(&from).map_err(at(&from))?;
        if fs::read(&to).is_ok_and(|there| there == wanted) {
            return Ok(());
        }
        let folder = to.parent().unwrap_or(&self.copy);
        fs::create_dir_all(folder).map_err(at(folder))?;
        fs::write(&to, wanted).map_err(at(&to))
    }

    /// Damages the copy and answers what the damaged files held; git's reason if it does not apply, and then nothing is changed.
    pub fn apply(&self, patch: &Patch) -> Result<Result<Undamaged, String>, Trouble> {
        let held = |name: &PathBuf| {
            let path = self.copy.join(name);
            fs::read(&path).map(|held| (path, held))
        };
        let undamaged: Result<Vec<_>, _> = patch.files.iter().map(held).collect();
        let Ok(undamaged) = undamaged else { return Ok(Err("it changes a file that is not there".to_owned())) };
        let mut git = Command::new("git");
        git.arg("apply").arg(&patch.path).current_dir(&self.copy);
        // The copy stands inside the repository but is none of its folders.
        let done = output(git.env("GIT_CEILING_DIRECTORIES", self.copy.parent().unwrap_or(&self.copy)))?;
        let applied = done.status.success();
        Ok(if applied { Ok(Undamaged(undamaged)) } else { Err(first_line(&String::from_utf8_lossy(&done.stderr))) })
    }

    /// Takes the damage back, exactly; the files are new to the compiler.
    pub fn restore(&self, undamaged: Undamaged) -> Result<(), Trouble> {
        undamaged.0.into_iter().try_for_each(|(path, held)| fs::write(&path, held).map_err(at(&path)))
    }

    /// Compiles a test binary; the compiler's first error if it can't.
    pub fn build(&self, build: Build) -> Result<Result<PathBuf, String>, Trouble> {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
        cargo.arg("test").args(build.arguments()).args([
            "--no-run",
            "--quiet",
            "--message-format=json-render-diagnostics",
        ]);
        cargo.current_dir(&self.copy).env("CARGO_TARGET_DIR", &self.target).env("CARGO_PROFILE_DEV_DEBUG", "0");
        // What this program's own cargo told it is about another package.
        for (name, _) in std::env::vars_os() {
            let own = name.to_string_lossy();
            if own.starts_with("CARGO_PKG_") || own.starts_with("CARGO_MANIFEST_") || own.starts_with("CARGO_BIN_") {
                cargo.env_remove(&name);
            }
        }
        let done = output(&mut cargo)?;
        if !done.status.success() {
            let told = String::from_utf8_lossy(&done.stderr).into_owned();
            let why = told.lines().find(|line| line.starts_with("error")).unwrap_or("cargo failed");
            return Ok(Err(why.to_owned()));
        }
        let told = String::from_utf8_lossy(&done.stdout).into_owned();
        let messages = told.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let mut binaries = messages.filter_map(|message| message.get("executable")?.as_str().map(PathBuf::from));
        Ok(Ok(binaries.next_back().ok_or_else(|| Trouble::Wrong("cargo names no test binary".to_owned()))?))
    }

    /// The names of all tests in a binary.
    pub fn list(&self, build: Build, binary: &Path) -> Result<Vec<String>, Trouble> {
        let listed = output(Command::new(binary).arg("--list").current_dir(self.copy.join(build.folder())))?;
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        Ok(listed.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
    }

    /// Runs the tests whose names contain any of the filters.
    pub fn test(&self, build: Build, binary: &Path, filters: &[String]) -> Result<Report, Trouble> {
        let mut tests = Command::new(binary);
        tests.args(filters).current_dir(self.copy.join(build.folder())).env("RUST_BACKTRACE", "0");
        if std::env::var_os("GUERDON_SEEDS").is_none() {
            tests.env("GUERDON_SEEDS", "4");
        }
        tests.env("CARGO_TARGET_DIR", &self.target).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = tests.spawn().map_err(at(binary))?;
        let told = read_all(&mut child);
        let Some(success) = wait(&mut child)? else {
            return Ok(Report { passed: 0, failed: vec![(filters.join(" "), "did not end".to_owned())] });
        };
        let told = told.join().unwrap_or_default();
        let mut report = report(&told);
        if !success && report.failed.is_empty() {
            report.failed.push((filters.join(" "), "ended without a report".to_owned()));
        }
        Ok(report)
    }
}

/// Reads what the tests print while they run, so that they are never held up by a full pipe.
fn read_all(child: &mut Child) -> thread::JoinHandle<String> {
    let stdout = child.stdout.take();
    thread::spawn(move || {
        let mut told = Vec::new();
        if let Some(mut stdout) = stdout {
            // Whatever came before it broke off is what there is to report.
            let _ = stdout.read_to_end(&mut told);
        }
        String::from_utf8_lossy(&told).into_owned()
    })
}

/// Whether the process ended well; `None` when it had to be ended.
fn wait(child: &mut Child) -> Result<Option<bool>, Trouble> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(|why| Trouble::Outside("tests".to_owned(), why))? {
            return Ok(Some(status.success()));
        }
        if began.elapsed() > PATIENCE {
            child.kill().and_then(|()| child.wait()).map_err(|why| Trouble::Outside("tests".to_owned(), why))?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// Reads what the test harness prints.
fn report(told: &str) -> Report {
    let mut report = Report::default();
    for line in told.lines() {
        if let Some(result) = line.strip_prefix("test ") {
            if result.ends_with(" ... ok") {
                report.passed = report.passed.saturating_add(1);
            } else if let Some(name) = result.strip_suffix(" ... FAILED") {
                report.failed.push((name.to_owned(), why(told, name)));
            }
        }
    }
    report
}

/// The first line of what a failed test said, and the two sides of a comparison.
fn why(told: &str, name: &str) -> String {
    let own = told.split_once(&format!("---- {name} stdout ----")).map_or("", |(_, after)| after);
    let own = own.split("\n---- ").next().unwrap_or_default();
    let said = own.split_once("panicked at ").and_then(|(_, after)| after.split_once('\n'));
    let said = said.map_or(own, |(_, said)| said);
    let mut why = first_line(said);
    // What is shown over several lines begins with a bracket alone.
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

fn first_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.chars().take(200).collect()
}

fn files_of(folder: &Path) -> Result<Vec<PathBuf>, Trouble> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(at(&folder))? {
            let path = entry.map_err(at(&folder))?.path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    Ok(found)
}

fn output(command: &mut Command) -> Result<Output, Trouble> {
    command.stdin(Stdio::null()).output().map_err(|why| Trouble::Outside(format!("{command:?}"), why))
}

fn at(path: &Path) -> impl Fn(std::io::Error) -> Trouble {
    move |why| Trouble::Outside(path.display().to_string(), why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_harness_is_read_with_the_first_line_of_why() {
        let told = "running 3 tests\ntest a::one ... ok\ntest a::two ... FAILED\ntest a::two_more ... FAILED\n\nfailures:\n\n\
                    ---- a::two_more stdout ----\nError: gone\n\n---- a::two stdout ----\nnoise\n\
                    thread 'a::two' (7) panicked at it/a.rs:3:5:\nassertion failed\n  left: 1\n right: 2\n\nfailures:\n    a::two\n";
        let report = report(told);
        assert_eq!(report.passed, 1);
        let expected = [("a::two", "assertion failed; left: 1; right: 2"), ("a::two_more", "Error: gone")];
        assert_eq!(report.failed, expected.map(|(name, why)| (name.to_owned(), why.to_owned())));
    }
}
