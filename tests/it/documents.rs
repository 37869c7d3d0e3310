//! Checks of the documents: references exist, lists are complete, and the tours run.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use emulator::deployed::{build, own_profile};
use serde_json::Value;
use shared::account::model::{scope, service_key};
use shared::operations::model::settings::{AnySettings, Area, settings_reference};
use shared::webhooks::model::outbound_event::EventKind;

use crate::env::wished;

/// Folders that have a README.
const FOLDERS: [&str; 5] = ["", "shared", "functions", "infra", "tests"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn document(folder: &str) -> String {
    fs::read_to_string(root().join(folder).join("README.md")).unwrap()
}

/// A document without its fenced blocks.
fn prose(text: &str) -> String {
    let mut inside = false;
    let kept = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    });
    kept.collect::<Vec<_>>().join("\n")
}

/// Inline code spans of a text.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Part of a text between two markers.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(begin).unwrap_or_else(|| panic!("{begin} is missing"));
    rest.split_once(end).unwrap_or_else(|| panic!("{end} is missing")).0
}

/// Asserts that a document's block of this name is what was made from the code, or counted.
#[track_caller]
pub fn assert_block(folder: &str, name: &str, expected: &str) {
    let text = document(folder);
    let said = between(&text, &format!("<!-- {name} -->\n"), &format!("<!-- /{name} -->"));
    assert!(said == expected, "replace {name} in {folder}/README.md by:\n{expected}");
}

#[test]
fn the_first_document_is_read_in_minutes() {
    let lines = document("").lines().count();
    assert!(lines <= 200, "README.md has {lines} lines");
}

/// Every path in a document exists, relative to the root or to the document's folder.
#[test]
fn every_path_in_a_document_exists() {
    let tops = ["shared/", "functions/", "infra/", "tests/"];
    let own = ["src/", "it/", "benches/", "defects/", "fixtures/"];
    let mut missing = Vec::new();
    for folder in FOLDERS {
        let text = prose(&document(folder));
        for word in code(&text).filter_map(|words| words.split_whitespace().next()) {
            let place = match word {
                _ if word.contains(['*', '…', '{', ':']) => continue,
                _ if tops.iter().any(|top| word.starts_with(top)) => root().join(word),
                _ if own.iter().any(|top| word.starts_with(top)) => root().join(folder).join(word),
                _ => continue,
            };
            if !place.exists() {
                missing.push(format!("{folder}/README.md: {word}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// The table of the tests has each module of them once, and no other; of a folder's parts, those that are there.
#[test]
fn the_table_of_tests_has_each_of_them() {
    let text = document("tests");
    let table = between(&text, "| in `it/` | what |\n| --- | --- |\n", "\n\n");
    let cells = table.lines().filter_map(|line| line.split('|').nth(1));
    let (parts, named): (Vec<_>, Vec<_>) = cells.flat_map(code).partition(|name| name.contains('/'));
    let it = root().join("tests/it");
    let main = fs::read_to_string(it.join("main.rs")).unwrap();
    let modules = main.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    assert_eq!(
        sorted(named.into_iter().map(str::to_owned).collect()),
        sorted(modules.map(str::to_owned).collect()),
        "tests/README.md, and tests/it/main.rs"
    );
    assert!(parts.iter().all(|part| it.join(part).exists()), "{parts:?}");
}

/// Every link leads to an existing file and heading.
#[test]
fn every_link_in_a_document_leads_somewhere() {
    let mut broken = Vec::new();
    for folder in FOLDERS {
        let text = prose(&document(folder));
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("http") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let place = match file {
                "" => root().join(folder).join("README.md"),
                file => root().join(folder).join(file),
            };
            // A picture is no text.
            let there = match fs::read(&place) {
                Ok(target) => anchor.is_empty() || headings(&String::from_utf8_lossy(&target)).contains(anchor),
                Err(_) => false,
            };
            if !there {
                broken.push(format!("{folder}/README.md: {link}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Anchors of a document's headings.
fn headings(text: &str) -> BTreeSet<String> {
    let lines = prose(text);
    let titles = lines.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let anchor = |title: &str| {
        let kept = title.chars().filter(|letter| letter.is_alphanumeric() || [' ', '-', '_'].contains(letter));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    };
    titles.map(anchor).collect()
}

/// The code walks name existing functions of the files they cover, and none is long.
#[test]
fn the_walks_lead_through_functions_that_exist() {
    let text = document("shared");
    let walks = between(&text, "## Three walks through the code", "\n## ");
    let mut missing = Vec::new();
    for walk in walks.split("\n### ").skip(1) {
        let rows: Vec<&str> = walk.lines().filter(|line| line.starts_with("| `")).collect();
        assert!((5..=15).contains(&rows.len()), "{} files: {walk}", rows.len());
        for row in rows {
            let cells: Vec<&str> = row.split('|').collect();
            let file = code(cells[1]).next().unwrap();
            let source = fs::read_to_string(root().join(file)).unwrap_or_default();
            let declared = |name: &str| ["(", "<"].iter().any(|next| source.contains(&format!("fn {name}{next}")));
            missing.extend(code(cells[2]).filter(|name| !declared(name)).map(|name| format!("{file}: {name}")));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// The glossary at the head of the domain crate names types that exist.
#[test]
fn every_noun_of_the_glossary_exists() {
    let head = fs::read_to_string(root().join("shared/src/lib.rs")).unwrap();
    let rows = between(&head, "# Glossary", "# Who uses whom");
    let sources: String = crate::tidy::rust_files("shared").into_iter().map(|(_, text)| text).collect();
    let mut nouns = 0;
    for row in rows.lines().filter(|line| line.starts_with("//! | ")).skip(2) {
        for name in code(row.split('|').nth(2).unwrap()) {
            let is = |kind: &str| {
                sources.contains(&format!("{kind} {name} ")) || sources.contains(&format!("{kind} {name}("))
            };
            assert!(is("struct") || is("enum"), "the glossary names {name}");
        }
        nouns += 1;
    }
    assert!(nouns >= 25, "only {nouns} nouns");
}

/// Every type of item has a row in the storage reference, as its `records!` row declares it.
#[test]
fn the_storage_reference_lists_every_type_of_item() {
    let row = |record: &shared::table::records::RecordSchema| {
        let keys: Vec<String> = record.keys.iter().map(|(pk, sk)| format!("`{pk}` / `{sk}`")).collect();
        let lists: Vec<&str> = record.indexes.iter().copied().chain(record.expires.then_some("expires")).collect();
        format!("| `{}` | {} | {} | {} |\n", record.kind, keys.join("<br>"), lists.join(", "), record.about.trim())
    };
    let rows: String = shared::records().map(row).collect();
    let expected = format!("| type | key | lists | what it is |\n| --- | --- | --- | --- |\n{rows}");
    assert_block("shared", "storage-reference", &expected);
}

/// R9.1: every field of every settings document has a row in the reference.
#[test]
fn the_settings_reference_lists_every_field() {
    let text = document("functions");
    assert!(between(&text, "## Settings reference", "\n## ").contains("<!-- settings-reference -->"));
    let reference = settings_reference();
    assert_block("functions", "settings-reference", &reference);
    let mut missing = Vec::new();
    for area in Area::ALL {
        let start = format!("| **{}** |", area.as_str());
        let (_, rows) = reference.split_once(&start).unwrap_or_else(|| panic!("no rows of {}", area.as_str()));
        let rows: BTreeSet<&str> = code(rows.split("| **").next().unwrap()).collect();
        let fields = fields(&AnySettings::defaults(area).document(), "");
        missing.extend(fields.into_iter().filter(|field| !rows.contains(field.as_str())));
    }
    assert!(missing.is_empty(), "{missing:?}");
}

/// Paths of a document's values; lists and empty objects are values.
fn fields(document: &Value, path: &str) -> Vec<String> {
    match document {
        Value::Object(fields_of) if !fields_of.is_empty() => {
            let below = |(name, value): (&String, &Value)| match path {
                "" => fields(value, name),
                path => fields(value, &format!("{path}.{name}")),
            };
            fields_of.iter().flat_map(below).collect()
        }
        _ => vec![path.to_owned()],
    }
}

/// The API document lists every event and scope.
#[test]
fn the_api_document_lists_every_event_and_scope() {
    let text = prose(&document("functions"));
    let shown: BTreeSet<&str> = code(&text).collect();
    let events = EventKind::ALL.map(EventKind::as_str);
    let scopes = scope::AdminScope::ALL.map(scope::AdminScope::as_str);
    let of_keys = service_key::ServiceScope::ALL.map(service_key::ServiceScope::as_str);
    let all = events.iter().chain(&scopes).chain(&of_keys);
    let missing: Vec<_> = all.filter(|name| !shown.contains(**name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Shell commands of a document between `<!-- name -->` and `<!-- /name -->`.
fn script(folder: &str, name: &str) -> String {
    let text = document(folder);
    let part = between(&text, &format!("<!-- {name} -->"), &format!("<!-- /{name} -->"));
    let blocks = part.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let script: String = blocks.collect();
    assert!(script.lines().count() >= 10, "{script}");
    script
}

/// Running local stack; dropping it ends it and deletes its data.
struct LocalStack {
    process: Child,
    /// Kept open because the process prints to it.
    _output: Lines<BufReader<ChildStdout>>,
    folder: PathBuf,
    base: String,
}

impl LocalStack {
    /// Starts the built program on a free port and waits until it reports that it runs.
    fn start() -> Self {
        let binaries = || build(&own_profile().unwrap(), &["--workspace", "--bins"]).unwrap();
        let binaries: PathBuf = wished("GUERDON_BINARIES").unwrap_or_else(binaries);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = std::env::temp_dir().join(format!("guerdon-tour-{}-{port}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut command = Command::new(binaries.join("guerdon-local"));
        command.args(["--port", &port.to_string(), "--data"]).arg(folder.join("data"));
        // Run as documented: drop this test run's own admin, database and queue settings.
        for name in
            ["GUERDON_ADMIN_EMAIL", "GUERDON_ADMIN_PASSWORD", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_SQS"]
        {
            command.env_remove(name);
        }
        let log = fs::File::create(folder.join("log")).unwrap();
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
        let runs = output.by_ref().map_while(Result::ok).any(|line| line.contains("auditor"));
        let stack = Self { process, _output: output, folder, base: format!("http://127.0.0.1:{port}") };
        assert!(runs, "the local stack does not start: {}", stack.log());
        stack
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Runs a script as a person would paste it; any failing command fails the test.
    fn run(&self, shell: &str, script: &str) -> String {
        let mut command = Command::new(shell);
        if shell == "zsh" {
            command.arg("-f");
        }
        command.args(["-eu", "-o", "pipefail", "-c", script]).stdin(Stdio::null());
        command.env("BASE", &self.base).env("DATA", self.folder.join("data")).env("RUN", shell);
        let Output { status, stdout, stderr } = command.output().unwrap();
        let (output, errors) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert!(status.success(), "{shell}: {status}\n{output}\n{errors}\n{}", self.log());
        output.into_owned()
    }
}

/// Files below a folder that others than their owner can read.
fn readable_by_others(folder: &Path) -> Vec<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let below = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let inside = below.flat_map(|path| if path.is_dir() { readable_by_others(&path) } else { vec![path] });
    let all = inside.chain([folder.to_path_buf()]);
    all.filter(|path| fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0)).collect()
}

impl Drop for LocalStack {
    fn drop(&mut self) {
        let ended = self.process.kill().and_then(|()| self.process.wait());
        let removed = fs::remove_dir_all(&self.folder);
        if !std::thread::panicking() {
            ended.unwrap();
            removed.unwrap();
        }
    }
}

/// Problem codes in an output, in order.
fn problems(output: &str) -> Vec<&str> {
    output.split("urn:guerdon:problem:").skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

/// Number of audits in an output; each must find nothing.
fn audits(output: &str) -> usize {
    let all = output.matches("\"findings\":").count();
    assert_eq!(output.matches("\"findings\":[]").count(), all, "{output}");
    all
}

/// The tours run in bash and zsh and end as the documents promise.
#[test]
fn the_tours_run_in_bash_and_zsh() {
    let (tour, long_tour) = (script("", "tour"), script("functions", "long-tour"));
    let integration = script("functions", "integration");
    // Pasted into a shell, `#` and `!` can mean something else than in a script.
    assert!(!tour.contains(['#', '!']), "{tour}");
    let stack = LocalStack::start();
    let has_zsh = Command::new("zsh").arg("--version").output().is_ok();
    for shell in ["bash", "zsh"].into_iter().filter(|shell| *shell == "bash" || has_zsh) {
        let output = stack.run(shell, &tour);
        assert_eq!(problems(&output), [""; 0], "{shell}: {output}");
        assert_eq!(audits(&output), 1, "{shell}: {output}");
        assert_eq!(readable_by_others(&stack.folder.join("data")), Vec::<PathBuf>::new());
        for end in ["\"balance\":{\"amount\":\"18.05555554\"", "\"state\":\"granted\""] {
            assert_eq!(output.matches(end).count(), 1, "{shell}: {end} in {output}");
        }
        let output = stack.run(shell, &integration);
        assert_eq!((problems(&output), audits(&output)), (Vec::new(), 1), "{shell}: {output}");
        let event = |kind: &str| format!("\"event\":\"{kind}\"");
        for end in ["\"balance_after\":{\"amount\":\"", "\"net\":{\"amount\":\"20.00\"", "\"name\":\"Pro\""] {
            assert!(output.contains(end), "{shell}: {end} is not in {output}");
        }
        for kind in ["order.paid", "redemption.completed"] {
            assert!(output.contains(&event(kind)), "{shell}: {kind} was not delivered: {output}");
        }
    }
    // This tour moves the clock, so it comes last.
    let output = stack.run("bash", &long_tour);
    assert_eq!(problems(&output), ["already_redeemed", "already_redeemed"], "{output}");
    assert!(audits(&output) >= 4, "{output}");
    for end in [
        "\"amount\":\"18.05555554\"",
        "\"state\":\"reversed\"",
        "\"withdrawn\":{\"amount\":\"1.3\"",
        "\"last_status\":204",
    ] {
        assert!(output.contains(end), "{end} is not in {output}");
    }
    // The stack tells each request with its path, and why it was refused, and no redemption code.
    let log = stack.log();
    let is_told = |line: &str| line.contains("/v1/redemptions") && line.contains("already_redeemed");
    assert!(log.lines().any(is_told), "{log}");
    assert!(!log.lines().any(|line| line.contains("/redemption/codes/") && !line.contains("{code}")), "{log}");
}
