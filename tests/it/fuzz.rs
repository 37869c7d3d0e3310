//! Fuzzing: each test states a property that holds for any input.
//!
//! `cargo test` first replays the stored inputs in `fuzz/__fuzz__/{target}/corpus`. Then it spends a second or two per target
//! (`GUERDON_FUZZ_SECONDS=60` for more) on mutations of them and of the test's own seeds: golden items, fixtures, examples of the
//! published document. A failing input is printed, with a seed for `BOLERO_RANDOM_SEED`.
//!
//! Coverage-guided runs use libFuzzer. It adds its finds to the corpus and failing inputs to `crashes`:
//!
//! ```sh
//! cargo install cargo-bolero --no-default-features --features libfuzzer
//! tests/it/fuzz/long 60            # seconds per target; more words are the targets
//! ```
//!
//! A corpus is text as far as its target reads text; each module's doc gives the format. Ids are replaced by names, as each world
//! has its own: see [`lasting`].

mod items;
mod lasting;
mod messages;
pub mod mutate;
mod pages;
mod requests;
mod settings;
mod values;
mod webhooks;

use std::panic::{RefUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bolero::{BorrowedInput, ByteSliceGenerator, DefaultEngine, EngineKind, TestTarget, current_context};
use serde_json::json;

use self::mutate::mutated;

/// Maximum number of bytes that a mutation is drawn from.
const DRAWN: usize = 256;

type Target = TestTarget<ByteSliceGenerator, DefaultEngine, BorrowedInput>;

/// Lets `test` take inputs of the target called `name`: `fuzz::any!("name", seeds, test)`.
macro_rules! any {
    ($name:literal, $seeds:expr, $test:expr) => {
        $crate::fuzz::run(bolero::check!(name = $name), $name, 1.0, $seeds, $test)
    };
}
/// The same in long-lived worlds: `fuzz::worlds!("name", seeds, async fn)`.
macro_rules! worlds {
    ($name:literal, $seeds:expr, $each:expr) => {
        let lasting = $crate::fuzz::lasting::Lasting::new($each);
        // A failure is not shrunk: each attempt would need another world.
        let target = bolero::check!(name = $name).with_shrink_time(std::time::Duration::ZERO);
        $crate::fuzz::run(target, $name, 2.0, $seeds, |input| lasting.take(input))
    };
}
use crate::env::wished;
use {any, worlds};

fn kept(name: &str, folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("it/fuzz/__fuzz__").join(name).join(folder);
    let files = std::fs::read_dir(folder).into_iter().flatten().map(|file| file.unwrap().path());
    let mut files: Vec<_> = files.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    files.sort();
    files
}

/// Replays a target's stored inputs, then runs mutations of them and of `seeds`, or libFuzzer's own.
fn run(
    target: Target,
    name: &'static str,
    seconds: f64,
    mut seeds: Vec<Vec<u8>>,
    test: impl Fn(&[u8]) + RefUnwindSafe,
) {
    let guided = cfg!(fuzzing);
    let (mut files, started) = (0_u64, Instant::now());
    for (path, input) in kept(name, "crashes").into_iter().chain(kept(name, "corpus")) {
        if !guided {
            if let Err(panic) = catch_unwind(|| test(&input)) {
                eprintln!("a kept input fails: {}", path.display());
                resume_unwind(panic);
            }
            files += 1;
        }
        seeds.push(input);
    }
    if guided {
        keep(name, &seeds);
    }
    let inputs = AtomicU64::new(0);
    let seconds = wished("GUERDON_FUZZ_SECONDS").unwrap_or(seconds);
    let target = target.with_test_time(Duration::from_secs_f64(seconds));
    let target = if guided { target } else { target.with_max_len(DRAWN) };
    target.for_each(|bytes: &[u8]| {
        let context = current_context();
        let random = context.as_ref().is_none_or(|context| context.engine == EngineKind::Test);
        if !random {
            return test(bytes);
        }
        // All files were replayed above, whatever the time limit.
        if context.is_none_or(|context| context.input.file.is_none()) && !bytes.is_empty() {
            inputs.fetch_add(1, Ordering::Relaxed);
            test(&mutated(&seeds, bytes));
        }
    });
    let drawn = inputs.load(Ordering::Relaxed);
    let facts = json!({"target": name, "kept": files, "drawn": drawn, "seconds": started.elapsed().as_secs_f64()});
    crate::facts::note(&format!("fuzz-{name}"), &facts);
}

/// Writes the seeds as libFuzzer's initial corpus.
fn keep(name: &str, seeds: &[Vec<u8>]) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("it/fuzz/__fuzz__").join(name).join("corpus");
    std::fs::create_dir_all(&folder).unwrap();
    for seed in seeds {
        use sha2::Digest;
        let digest = sha2::Sha256::digest(seed);
        let file = folder.join(data_encoding::HEXLOWER.encode(&digest[..10]));
        std::fs::write(file, seed).unwrap();
    }
}
