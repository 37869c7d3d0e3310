//! Patches of defects.
//! The header before the first `diff` gives the defect, its kind and the tests that must catch it.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::scratch::Build;
use crate::Trouble;

/// A defect as written in its file.
#[derive(Debug)]
pub struct Patch {
    /// The file's name without extension.
    pub name: String,
    /// The defect in one sentence.
    pub defect: String,
    /// The affected area: money, message or security.
    pub kind: String,
    /// The tests that must catch it: name filters per test binary.
    pub tests: Vec<(Build, Vec<String>)>,
    /// The product files that it changes, relative to the root.
    pub files: Vec<PathBuf>,
    /// The patch file.
    pub path: PathBuf,
}

impl Patch {
    /// All patches of a folder, by name.
    ///
    /// # Rejects
    ///
    /// A patch that lacks a header line, or changes files outside the product.
    pub fn all(folder: &Path) -> Result<Vec<Self>, Trouble> {
        let outside = |why| Trouble::Outside(folder.display().to_string(), why);
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(outside)? {
            let path = entry.map_err(outside)?.path();
            if path.extension().is_some_and(|extension| extension == "patch") {
                let text = std::fs::read_to_string(&path).map_err(outside)?;
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                found.push(Self::read(&name, path, &text).map_err(|why| Trouble::Wrong(format!("{name}: {why}")))?);
            }
        }
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }

    fn read(name: &str, path: PathBuf, text: &str) -> Result<Self, String> {
        let (head, diff) = text.split_once("diff --git ").ok_or("changes nothing")?;
        let line = |word: &str| {
            let found = head.lines().find_map(|line| line.strip_prefix(word)).map(str::trim);
            found.filter(|said| !said.is_empty()).map(str::to_owned).ok_or(format!("has no line {word}"))
        };
        let named = head.lines().filter_map(|line| line.strip_prefix("Tests:")).map(tests);
        let tests: Vec<_> = named.collect::<Option<_>>().ok_or("names tests of a crate that has none")?;
        if tests.is_empty() || tests.iter().any(|(_, filters)| filters.is_empty()) {
            return Err("names no tests".to_owned());
        }
        let changed = diff.lines().filter_map(|line| line.strip_prefix("+++ b/"));
        let files: Vec<PathBuf> = changed.map(PathBuf::from).collect();
        let product = |file: &PathBuf| {
            let tested = file.components().any(|part| part.as_os_str().to_string_lossy().starts_with("tests"));
            let of_product = ["shared", "functions", "template.yaml"].iter().any(|part| file.starts_with(part));
            of_product && !tested
        };
        if files.is_empty() || !files.iter().all(product) {
            return Err("changes something else than the product".to_owned());
        }
        Ok(Self { name: name.to_owned(), defect: line("Defect:")?, kind: line("Kind:")?, tests, files, path })
    }

    /// Checks that the patch applies to the product in a folder; returns git's message if it does not.
    pub fn applies(&self, root: &Path) -> Result<(), String> {
        let git = Command::new("git").args(["apply", "--check"]).arg(&self.path).current_dir(root).output();
        let output = git.map_err(|why| why.to_string())?;
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()) }
    }
}

/// Parses `filter filter`, or `-p shared filter` for a crate's unit tests.
/// `None` if there is no such crate.
fn tests(said: &str) -> Option<(Build, Vec<String>)> {
    let words: Vec<&str> = said.split_whitespace().collect();
    let (build, filters) = match words.as_slice() {
        ["-p", package, rest @ ..] => (Build::beside(package)?, rest),
        all => (Build::Behaviour, all),
    };
    Some((build, filters.iter().map(|&word| word.to_owned()).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Patch, String> {
        Patch::read("name", PathBuf::from("name.patch"), text)
    }

    #[test]
    fn a_patch_says_what_it_is_and_changes_the_product_only() {
        let head = "Defect: money is lost.\nKind: money\nTests: a b\nTests: -p shared c\nTests: -p kernel d\n\n";
        let diff = "diff --git a/shared/src/x.rs b/shared/src/x.rs\n--- a/shared/src/x.rs\n+++ b/shared/src/x.rs\n";
        let patch = read(&format!("{head}{diff}")).unwrap();
        assert_eq!((patch.defect.as_str(), patch.kind.as_str()), ("money is lost.", "money"));
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let expected = [(Build::Behaviour, ["a", "b"].as_slice()), (Build::Shared, &["c"]), (Build::Kernel, &["d"])];
        assert_eq!(patch.tests, expected.map(|(build, filters)| (build, names(filters))));
        assert_eq!(patch.files, [PathBuf::from("shared/src/x.rs")]);
        for line in ["Defect: money is lost.\n", "Kind: money\n"] {
            assert!(read(&format!("{}{diff}", head.replace(line, ""))).is_err(), "{line}");
        }
        for file in ["tests/it/x.rs", "shared/kernel/src/money/tests.rs", "infra/proof/src/x.rs"] {
            assert!(read(&format!("{head}{}", diff.replace("shared/src/x.rs", file))).is_err(), "{file}");
        }
        assert!(read(&format!("{}{diff}", head.replace("-p kernel", "-p nothing"))).is_err());
        assert!(read(head).is_err() && read(&format!("Defect: x\nKind: y\nTests:\n{diff}")).is_err());
    }
}
