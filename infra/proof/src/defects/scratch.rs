//! A copy of the product to damage.
//! It keeps its build between defects, so that each defect is compiled incrementally.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::patch::Patch;
use crate::Trouble;
use crate::harness::{self, Report, at, first_line, output};

/// Time limit of a test run: a damaged product may wait forever.
const PATIENCE: Duration = Duration::from_secs(900);

/// A test binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// The unit tests of the crate `kernel`.
    Kernel,
    /// The unit tests of the crate `table`.
    Table,
    /// The unit tests of the crate `edge`.
    Edge,
    /// The unit tests of the crate `shared`.
    Shared,
    /// The behaviour tests.
    Behaviour,
}

impl Build {
    /// All binaries, the cheaper ones first.
    pub const ALL: [Self; 5] = [Self::Kernel, Self::Table, Self::Edge, Self::Shared, Self::Behaviour];

    /// The unit tests of a cargo package.
    pub fn beside(package: &str) -> Option<Self> {
        match package {
            "kernel" => Some(Self::Kernel),
            "table" => Some(Self::Table),
            "edge" => Some(Self::Edge),
            "shared" => Some(Self::Shared),
            _ => None,
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            // Always build with `tests`: the dependencies get the same features and are compiled once.
            Self::Kernel => &["-p", "kernel", "-p", "tests", "--lib"],
            Self::Table => &["-p", "table", "-p", "tests", "--lib"],
            Self::Edge => &["-p", "edge", "-p", "tests", "--lib"],
            Self::Shared => &["-p", "shared", "-p", "tests", "--lib"],
            Self::Behaviour => &["-p", "shared", "-p", "tests", "--test", "it"],
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Kernel => "shared/kernel",
            Self::Table => "shared/table",
            Self::Edge => "shared/edge",
            Self::Shared => "shared",
            Self::Behaviour => "tests",
        }
    }
}

/// The copy's folders.
#[derive(Debug)]
pub struct Scratch {
    root: PathBuf,
    copy: PathBuf,
    target: PathBuf,
}

/// The original contents of the files that a patch changes.
#[derive(Debug)]
pub struct Undamaged(Vec<(PathBuf, Vec<u8>)>);

impl Scratch {
    /// Updates the copy to the tracked files of the working tree, committed or not.
    /// Unchanged files keep their modification times, so that the compiler does not rebuild them.
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

    /// Applies a patch and returns the original contents.
    /// Git's message if it does not apply, and then nothing is changed.
    pub fn apply(&self, patch: &Patch) -> Result<Result<Undamaged, String>, Trouble> {
        let held = |name: &PathBuf| {
            let path = self.copy.join(name);
            fs::read(&path).map(|held| (path, held))
        };
        let undamaged: Result<Vec<_>, _> = patch.files.iter().map(held).collect();
        let Ok(undamaged) = undamaged else { return Ok(Err("it changes a file that is not there".to_owned())) };
        let mut git = Command::new("git");
        git.arg("apply").arg(&patch.path).current_dir(&self.copy);
        // The copy is inside the repository but not part of it.
        let done = output(git.env("GIT_CEILING_DIRECTORIES", self.copy.parent().unwrap_or(&self.copy)))?;
        let applied = done.status.success();
        Ok(if applied { Ok(Undamaged(undamaged)) } else { Err(first_line(&String::from_utf8_lossy(&done.stderr))) })
    }

    /// Restores the original contents. The new modification times make the compiler rebuild the files.
    pub fn restore(&self, undamaged: Undamaged) -> Result<(), Trouble> {
        undamaged.0.into_iter().try_for_each(|(path, held)| fs::write(&path, held).map_err(at(&path)))
    }

    /// Compiles a test binary; returns the compiler's first error if it fails.
    pub fn build(&self, build: Build) -> Result<Result<PathBuf, String>, Trouble> {
        let mut cargo = harness::cargo();
        cargo.current_dir(&self.copy).env("CARGO_TARGET_DIR", &self.target).env("CARGO_PROFILE_DEV_DEBUG", "0");
        harness::built(&mut cargo, build.arguments())
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
        let mut report = Report::of(&told);
        if !success && report.failed.is_empty() {
            report.failed.push((filters.join(" "), "ended without a report".to_owned()));
        }
        Ok(report)
    }
}

/// Reads the tests' output while they run, so that a full pipe never blocks them.
fn read_all(child: &mut Child) -> thread::JoinHandle<String> {
    let stdout = child.stdout.take();
    thread::spawn(move || {
        let mut told = Vec::new();
        if let Some(mut stdout) = stdout {
            // After a read error, report the output so far.
            let _ = stdout.read_to_end(&mut told);
        }
        String::from_utf8_lossy(&told).into_owned()
    })
}

/// Waits for the process: `Some(true)` on success, `None` if it was killed at the time limit.
fn wait(child: &mut Child) -> Result<Option<bool>, Trouble> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(at("tests"))? {
            return Ok(Some(status.success()));
        }
        if began.elapsed() > PATIENCE {
            child.kill().and_then(|()| child.wait()).map_err(at("tests"))?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(100));
    }
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
