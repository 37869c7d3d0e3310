//! The project's own rules as tests: allowed imports, size limits, forbidden words.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use shared::kernel::refusal::Refusal;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

pub fn rust_files(under: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(under)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().display().to_string();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty(), "no files under {under}");
    found
}

/// Code without its tests and comments.
fn product(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Capabilities of the domain crate: its folders.
fn capabilities() -> BTreeSet<String> {
    let entries = fs::read_dir(root().join("shared/src")).unwrap().map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.path().join("model").is_dir());
    folders.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

/// architecture: models are pure, in every capability.
#[test]
fn models_know_no_storage_no_edge_and_no_time() {
    let impure = ["async ", "table::", "edge::", "crate::app", "tokio", "aws_", "Clock", "Entropy"];
    for (name, text) in rust_files("shared/src").into_iter().filter(|(name, _)| name.contains("/model/")) {
        for word in impure {
            assert!(!product(&text).contains(word), "{name} must not use {word}");
        }
    }
}

/// Gateways speak the providers' protocols: they store nothing and decide nothing about orders.
#[test]
fn gateways_store_nothing() {
    for (name, text) in rust_files("shared/src/payment/gateway") {
        for word in ["table::", "edge::", "crate::app"] {
            assert!(!product(&text).contains(word), "{name} must not use {word}");
        }
    }
}

/// Only `view.rs` of a capability uses requests. Cargo enforces the layers, but can't see this.
#[test]
fn only_views_know_the_edge() {
    let owners = ["aws_sdk", "lambda_http::", "lambda_runtime::"];
    for (name, text) in rust_files("shared/src") {
        let view = name.ends_with("/view.rs") || name.contains("/page/");
        for word in ["edge::", "axum::", "utoipa_axum::"].into_iter().filter(|_| !view).chain(owners) {
            assert!(!names(&product(&text), word), "{name} must not use {word}");
        }
    }
}

/// True if code has a name that begins with `word`.
fn names(code: &str, word: &str) -> bool {
    let inside = |letter: char| letter.is_alphanumeric() || letter == '_';
    code.match_indices(word).any(|(at, _)| !code[..at].ends_with(inside))
}

/// Capabilities use each other exactly as the table at the head of `shared/src/lib.rs` says.
#[test]
fn capabilities_use_each_other_as_the_table_says() {
    let capabilities = capabilities();
    let head = fs::read_to_string(root().join("shared/src/lib.rs")).unwrap();
    let rows = head.lines().filter_map(|line| line.strip_prefix("//! | `")?.split_once("` |"));
    let mut allowed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (capability, rest) in rows.filter(|(name, _)| capabilities.contains(*name)) {
        let uses = rest.split('|').next().unwrap().split('`').skip(1).step_by(2).map(str::to_owned);
        allowed.insert(capability.to_owned(), uses.collect());
    }
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for capability in &capabilities {
        let uses = used.entry(capability.clone()).or_default();
        for (_, text) in rust_files(&format!("shared/src/{capability}")) {
            let code = product(&text);
            let others = code.split("crate::").skip(1).filter_map(|rest| rest.split("::").next());
            uses.extend(others.filter(|other| capabilities.contains(*other) && other != capability).map(str::to_owned));
        }
    }
    assert_eq!(used, allowed, "the table at the head of shared/src/lib.rs");
}

/// Functions use lower crates of the workspace only through the domain crate.
#[test]
fn functions_name_no_crate_of_the_house_but_shared() {
    for function in functions_of_the_product() {
        let manifest = root().join("functions").join(function).join("Cargo.toml");
        let text = fs::read_to_string(&manifest).unwrap();
        for below in ["kernel", "table", "edge"] {
            let depends = text
                .lines()
                .any(|line| line.starts_with(&format!("{below}.")) || line.starts_with(&format!("{below} ")));
            assert!(!depends, "{} depends on {below}", manifest.display());
        }
    }
}

/// Folders of the functions.
fn functions_of_the_product() -> Vec<String> {
    let entries = fs::read_dir(root().join("functions")).unwrap().map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.path().is_dir());
    folders.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

#[test]
fn no_function_links_another() {
    let functions = functions_of_the_product();
    for function in &functions {
        let manifest = fs::read_to_string(root().join("functions").join(function).join("Cargo.toml")).unwrap();
        // The pages are one library, of which two functions serve a part each.
        let is_other =
            |other: &&String| *other != function && (function.as_str(), other.as_str()) != ("back-office", "console");
        for other in functions.iter().filter(is_other) {
            let depends = manifest
                .lines()
                .any(|line| line.starts_with(&format!("{other}.")) || line.starts_with(&format!("{other} =")));
            assert!(!depends, "{function} links {other}");
        }
    }
}

/// Manifests of the workspace by package folder.
fn manifests() -> Vec<(String, String)> {
    let mut folders: Vec<PathBuf> = ["shared", "tests"].map(|name| root().join(name)).into();
    for parent in ["functions", "infra", "shared"] {
        folders.extend(fs::read_dir(root().join(parent)).unwrap().map(|entry| entry.unwrap().path()));
    }
    folders.retain(|folder| folder.join("Cargo.toml").exists());
    let read = |folder: &PathBuf| {
        let name = folder.strip_prefix(root()).unwrap().display().to_string();
        (name, fs::read_to_string(folder.join("Cargo.toml")).unwrap())
    };
    folders.iter().map(read).collect()
}

/// Dependencies of a manifest.
fn depended_on(manifest: &str) -> Vec<String> {
    let sections = manifest.split("\n[").filter(|section| section.split(']').next().unwrap().ends_with("dependencies"));
    let lines = sections.flat_map(|section| section.lines().skip(1)).filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Every dependency of a package appears in its sources.
#[test]
fn no_dependency_is_unused() {
    // Crates whose name differs from their package's.
    let called = [("md-5", "md5"), ("dynoxide-rs", "dynoxide")];
    let (manifests, mut seen) = (manifests(), 0);
    assert!(manifests.len() >= 19, "{} manifests", manifests.len());
    for (folder, manifest) in manifests {
        let code: String = rust_files(&folder).into_iter().map(|(_, text)| text).collect();
        let words: std::collections::BTreeSet<&str> =
            code.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
        for dependency in depended_on(&manifest) {
            let name = called.iter().find(|(package, _)| *package == dependency).map(|(_, name)| (*name).to_owned());
            let name = name.unwrap_or_else(|| dependency.replace('-', "_"));
            assert!(words.contains(name.as_str()), "{folder} does not use {dependency}");
            seen += 1;
        }
    }
    assert!(seen > 150, "{seen} dependencies");
}

/// CI scripts are valid shell and name existing files.
/// Steps shared between push and nightly runs are written once.
#[test]
fn the_scripts_of_ci_can_be_read_and_name_files_that_are_there() {
    for script in [".ci/steps", ".ci/run", ".ci/night", ".ci/release", "tests/it/fuzz/long"] {
        let read = std::process::Command::new("bash").arg("-n").arg(root().join(script)).output().unwrap();
        assert!(read.status.success(), "{script}: {}", String::from_utf8_lossy(&read.stderr));
        let text = fs::read_to_string(root().join(script)).unwrap();
        for word in text.split(|letter: char| letter.is_whitespace() || "\"'`(),;:".contains(letter)) {
            let word = word.trim_end_matches('.');
            let file =
                [".ci/", "tests/", "infra/", "functions/", "shared/"].iter().any(|start| word.starts_with(start));
            let file = file || ["template.yaml", "README.md", "deny.toml", "Cargo.lock"].contains(&word);
            assert!(!file || word.contains('*') || root().join(word).exists(), "{script} names {word}");
        }
    }
    for script in [".ci/run", ".ci/night", ".ci/release"] {
        let text = fs::read_to_string(root().join(script)).unwrap();
        assert!(text.contains("source \"$(dirname \"$0\")/steps\""), "{script} shares no steps");
    }
    let steps = fs::read_to_string(root().join(".ci/steps")).unwrap();
    for line in steps.lines().map(str::trim).filter(|line| line.starts_with("cargo ")) {
        assert!(line.contains("--locked") || line.starts_with("cargo fmt"), "{line} may change the lock file");
    }
}

/// A package that the manifest marks as untested has no tests.
#[test]
fn no_test_stands_where_none_is_run() {
    for folder in ["functions", "infra"] {
        for (name, text) in rust_files(folder) {
            let Some((package, _)) = name.split_once("/src/") else { continue };
            let package = root().join(package);
            let manifest = fs::read_to_string(package.join("Cargo.toml")).unwrap();
            let untested = |section: &str| {
                let section = manifest.split(section).nth(1).and_then(|rest| rest.split("\n[").next());
                section.is_some_and(|section| section.contains("test = false"))
            };
            let of_binary = name.ends_with("/main.rs") || !package.join("src/lib.rs").exists();
            let none = untested(if of_binary { "[[bin]]" } else { "[lib]" });
            assert!(!none || !text.contains("test]"), "{name} has tests that are not run");
        }
    }
}

/// Every seeded defect names existing tests of behaviour.
#[test]
fn every_seeded_defect_names_tests_that_there_are() {
    let program = std::env::current_exe().unwrap();
    let listed = std::process::Command::new(program).arg("--list").output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let tests: Vec<&str> = listed.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    let mut patches = 0;
    for entry in fs::read_dir(root().join("tests/defects")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for wanted in text.lines().filter_map(|line| line.strip_prefix("Tests: ")).filter(|line| !line.contains("-p "))
        {
            for filter in wanted.split_whitespace() {
                assert!(tests.iter().any(|name| name.contains(filter)), "{}: {filter}", path.display());
            }
        }
        patches += usize::from(path.extension().is_some_and(|kind| kind == "patch"));
    }
    assert!(patches >= 40, "only {patches} defects");
}

#[test]
fn files_and_functions_stay_short() {
    for folder in ["shared", "functions", "infra"] {
        for (name, text) in rust_files(folder) {
            let lines = text.split("#[cfg(test)]\nmod tests").next().unwrap().lines().count();
            assert!(lines <= 500, "{name} has {lines} lines");
            for (function, length) in functions(&product(&text)) {
                assert!(length <= 70, "{function} in {name} has {length} lines");
            }
        }
    }
}

#[test]
fn main_is_ten_lines_at_most() {
    for (name, text) in rust_files("functions").into_iter().filter(|(name, _)| name.ends_with("main.rs")) {
        assert!(text.lines().count() <= 10, "{name} has {} lines", text.lines().count());
    }
}

/// Functions with their number of lines, found by the formatter's indentation.
fn functions(code: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let lines: Vec<&str> = code.lines().collect();
    for (start, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let text = line.trim_start().trim_start_matches("pub ").trim_start_matches("pub(super) ");
        let text = text.trim_start_matches("pub(crate) ").trim_start_matches("const ").trim_start_matches("async ");
        if let Some(rest) = text.strip_prefix("fn ") {
            let close = format!("{}}}", " ".repeat(indent));
            if let Some(end) = lines.iter().skip(start).position(|line| *line == close) {
                found.push((rest.split(['(', '<']).next().unwrap().to_owned(), end + 1));
            }
        }
    }
    found
}

/// No file names a registry's host or a machine's path.
#[test]
fn no_file_speaks_of_anything_but_the_project() {
    let words = [
        concat!("crates", ".io"),
        concat!("pypi", ".org"),
        concat!("maven", ".org"),
        concat!("/work", "/"),
        concat!("/ro", "ot/"),
        concat!("/tmp", "/wt"),
    ];
    for folder in ["shared", "functions", "infra", "tests"] {
        for (name, text) in rust_files(folder) {
            for word in words {
                assert!(!text.contains(word), "{name} says {word}");
            }
        }
    }
}

/// The table of problems in the API's README matches the code.
#[test]
fn the_readme_lists_every_refusal() {
    let mut expected = String::from("| status | code | meaning |\n| --- | --- | --- |\n");
    let mut rows: Vec<_> = Refusal::ALL.to_vec();
    rows.sort();
    for (status, code, title) in rows {
        expected.push_str(&format!("| {status} | `{code}` | {title} |\n"));
    }
    crate::documents::assert_block("functions", "problem-table", &expected);
}

/// R9.4: every alarm watches a metric that some code writes.
#[test]
fn every_alarm_watches_a_metric_that_is_written() {
    let template = include_str!("../../template.yaml");
    let code: String =
        rust_files("shared").into_iter().chain(rust_files("functions")).map(|(_, text)| product(&text)).collect();
    let own = template
        .split("Namespace: !Sub \"Guerdon/${AWS::StackName}\"\n")
        .skip(1)
        .map(|rest| rest.split("MetricName: ").nth(1).unwrap());
    let names: Vec<&str> = own.map(|rest| rest.lines().next().unwrap().trim()).collect();
    assert!(names.len() >= 8, "{names:?}");
    for name in names {
        assert!(code.contains(&format!("\"{name}\"")), "nobody writes {name}");
    }
}

/// A field of a log event is not called as what stands on every line: a line would have the key twice.
#[test]
fn no_field_of_an_event_is_called_as_a_key_of_every_line() {
    let taken = ["timestamp", "level", "message", "target", "span", "spans", "fields", "threadName", "threadId"];
    for (name, text) in rust_files("shared").into_iter().chain(rust_files("functions")) {
        let code = product(&text);
        let events = ["error!(", "warn!(", "info!(", "debug!(", "trace!("].map(|word| format!("tracing::{word}"));
        for event in events.iter().flat_map(|word| code.split(word.as_str()).skip(1)) {
            let fields = event.split('"').next().unwrap();
            let is_taken = |field: &str| {
                let name = field.split('=').next().unwrap().trim().trim_start_matches(['%', '?']);
                taken.contains(&name)
            };
            assert!(!fields.split(',').any(is_taken), "{name}: {fields}");
        }
    }
}

/// Types of one function have distinct names, because the published document identifies types by name.
#[test]
fn types_of_the_api_have_names_of_their_own() {
    let mut known: std::collections::BTreeMap<(String, String), String> = std::collections::BTreeMap::new();
    for (file, text) in rust_files("functions") {
        let function = file.split('/').nth(1).unwrap().to_owned();
        for after in
            text.split("ToSchema").skip(1).filter(|after| after.trim_start_matches([',', ' ']).starts_with(")]"))
        {
            let lines = after.lines().skip(1);
            let attributes: Vec<&str> = lines.clone().take_while(|line| line.trim_start().starts_with("#[")).collect();
            let renamed = attributes.iter().find_map(|line| line.split("as = ").nth(1)?.split([')', ',']).next());
            let item = lines.clone().find(|line| line.starts_with("pub struct ") || line.starts_with("pub enum "));
            let Some(name) = renamed.or_else(|| item?.split([' ', '<', '(']).nth(2)) else { continue };
            let other = known.insert((function.clone(), name.trim().to_owned()), file.clone());
            assert!(other.is_none(), "{name} is described in {file} and in {}", other.unwrap_or_default());
        }
    }
    assert!(known.len() > 100, "{}", known.len());
}

/// R4.7, R4.8: signatures and secrets are compared in constant time.
/// The time of `==` would tell a forger how much is right; no test of behaviour can see that.
#[test]
fn proofs_are_compared_in_constant_time() {
    let files = [
        "shared/src/payment/gateway/stripe/signature.rs",
        "shared/src/payment/gateway/zpay/notify.rs",
        "shared/kernel/src/secret.rs",
        "shared/src/account/token.rs",
        "shared/src/account/mailed_code.rs",
        "shared/src/account/service_keys.rs",
    ];
    let named = ["signature", "expected", "claimed", "candidate", "proof", "right", "shown", "typed", "hash"];
    for file in files {
        let code = product(&fs::read_to_string(root().join(file)).unwrap());
        assert!(code.contains(".ct_eq("), "{file} compares nothing in constant time");
        for line in code.lines().filter(|line| line.contains(" == ") || line.contains(" != ")) {
            let words: Vec<&str> = line.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
            let proof = named.iter().find(|name| words.contains(name));
            assert!(proof.is_none(), "{file} compares {proof:?} by what tells how far it is right: {line}");
        }
    }
}

/// Public items of the domain crates: file, line, kind and name.
fn public_items() -> Vec<(String, usize, String, String)> {
    let mut found = Vec::new();
    for (file, text) in rust_files("shared").into_iter().filter(|(file, _)| !file.contains("tests")) {
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned();
        for (number, line) in code.lines().enumerate() {
            let words: Vec<&str> = line.split([' ', '(', '<', ':', ';']).filter(|word| !word.is_empty()).collect();
            let kind = words.iter().position(|word| ["struct", "enum", "trait", "type", "fn"].contains(word));
            if let (true, Some(kind)) = (line.trim_start().starts_with("pub "), kind)
                && let Some(name) = words.get(kind + 1).filter(|name| !name.starts_with('$'))
            {
                found.push((file.clone(), number, words[kind].to_owned(), (*name).to_owned()));
            }
        }
    }
    assert!(found.len() > 800, "only {} public items", found.len());
    found
}

/// One word per thing: no two public types of the domain crates share a name.
#[test]
fn public_types_have_names_of_their_own() {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for (file, _, kind, name) in public_items().into_iter().filter(|(.., kind, _)| kind != "fn") {
        if let Some(other) = known.insert(name.clone(), file.clone()) {
            panic!("{kind} {name} is declared in {other} and in {file}");
        }
    }
}

/// Public types and functions have a doc comment.
/// A field with a clear name needs none, so the compiler's lint is off.
#[test]
fn public_items_are_documented() {
    let files: BTreeMap<String, String> = rust_files("shared").into_iter().collect();
    for (file, number, kind, name) in public_items() {
        let lines: Vec<&str> = files[&file].lines().collect();
        let mut above = lines[..number].iter().rev().map(|line| line.trim());
        let first = above.find(|line| !(line.ends_with(']') || line.starts_with("#[") || *line == ")]"));
        let hidden = lines[..number].iter().rev().take(3).any(|line| line.trim() == "#[doc(hidden)]");
        let documented = hidden || first.is_some_and(|line| line.starts_with("///"));
        assert!(documented, "{kind} {name} in {file} has no doc comment");
    }
}

/// A doc comment begins with its subject or an imperative.
#[test]
fn doc_comments_do_not_begin_with_a_question() {
    let questions = ["What ", "Who ", "Which ", "Whose ", "Whether ", "When ", "Where "];
    let mut found = Vec::new();
    for folder in ["shared", "functions", "infra", "tests"] {
        for (file, text) in rust_files(folder) {
            let mut before = "";
            for line in text.lines().map(str::trim) {
                let doc = |line: &'_ str| line.starts_with("///") || line.starts_with("//!");
                let begins = doc(line) && (!doc(before) || before.len() == 3);
                let said = line.trim_start_matches(['/', '!', ' ']);
                if begins && questions.iter().any(|question| said.starts_with(question)) {
                    found.push(format!("{file}: {line}"));
                }
                before = line;
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}
