//! Instructions of the release binaries, counted by callgrind: to the first request for an event, of the first event, of one more.
//!
//! They are the same in every run, whatever else the machine does. A count is the difference of two whole runs.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use emulator::deployed::{Deployment, build};
use emulator::stack::Setup;
use emulator::template::Function;
use rustix::process::{Pid, Signal, kill_process};

use crate::binaries::first;
use crate::shop::Shop;

/// Events after the first, over which a warm one is the mean.
const MORE: u64 = 8;
/// A process under callgrind is some fifty times slower.
const PATIENCE: Duration = Duration::from_secs(120);
/// Most instructions, in millions, to the first request for an event, of the first event, and of one more.
const MOST: [f64; 3] = [5.0, 8.0, 1.4];

/// Builds, counts and prints; returns true if every budget is met, or nothing can count here.
pub async fn run() -> bool {
    let found = std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path).map(|folder| folder.join("valgrind")).find(|valgrind| valgrind.is_file())
    });
    let Some(valgrind) = found else {
        println!("valgrind is absent: no instructions are counted");
        return true;
    };
    let release = std::env::var_os("GUERDON_BINARIES").map_or_else(built, PathBuf::from);
    let scripts = std::env::temp_dir().join(format!("guerdon-instructions-{}", std::process::id()));
    std::fs::create_dir_all(&scripts).unwrap();
    let deployment = Deployment::new(&scripts, Setup::in_memory()).await.unwrap();
    let shop = Shop::over(Arc::clone(&deployment.stack)).await;
    println!(
        "\nMillions of instructions of the release binaries of {}, over plain HTTP and without TLS.\n",
        std::env::consts::ARCH
    );
    println!("{:<16} {:>12} {:>14} {:>12}", "", "to its start", "first event", "one more");
    println!("{:<16} {:>12} {:>14} {:>12}", "at most", MOST[0], MOST[1], MOST[2]);
    let mut kept = true;
    for function in &shop.stack.template.functions {
        let script = scripts.join(&function.binary);
        let counts = scripts.join(format!("{}.counts", function.binary));
        let text = format!(
            "#!/bin/sh\nexec {} --tool=callgrind --callgrind-out-file={} {} \"$@\"\n",
            valgrind.display(),
            counts.display(),
            release.join(&function.binary).display()
        );
        std::fs::write(&script, text).unwrap();
        std::fs::set_permissions(&script, Permissions::from_mode(0o755)).unwrap();
        let mut runs = [0; 3];
        for (run, events) in [0, 1, 1 + MORE].into_iter().enumerate() {
            runs[run] = counted(&deployment, &shop, function, events, &counts).await;
        }
        let millions = |count: u64| count as f64 / 1e6;
        let each = [millions(runs[0]), millions(runs[1] - runs[0]), millions(runs[2] - runs[1]) / MORE as f64];
        let broken = each.iter().zip(MOST).any(|(count, most)| *count > most);
        kept &= !broken;
        let verdict = if broken { "  over budget" } else { "" };
        println!("{:<16} {:>12.2} {:>14.2} {:>12.2}{verdict}", function.binary, each[0], each[1], each[2]);
    }
    std::fs::remove_dir_all(&scripts).unwrap();
    kept
}

fn built() -> PathBuf {
    build("release", &["--workspace", "--exclude", "local", "--bins"]).unwrap()
}

/// Instructions of a process that handles so many events and is then ended.
async fn counted(deployment: &Deployment, shop: &Shop, function: &Function, events: u64, counts: &Path) -> u64 {
    let mut deployed = deployment.start(&function.binary).await.unwrap();
    let process = &mut deployed.process;
    let started = tokio::time::timeout(PATIENCE, process.started_in()).await;
    assert!(matches!(started, Ok(Some(_))), "{} did not start: {}", function.binary, process.output());
    for _ in 0..events {
        let event = first(deployment, shop, function).await;
        let answer = process.invoke(&event, PATIENCE).await;
        answer.unwrap_or_else(|error| panic!("{}: {error}: {}", function.binary, process.output()));
    }
    let pid = i32::try_from(process.id().unwrap()).ok().and_then(Pid::from_raw).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    let output = process.output_at_end().await;
    let report = std::fs::read_to_string(counts).unwrap_or_else(|error| panic!("{error}: {output}"));
    let total = report.lines().find_map(|line| line.strip_prefix("totals: ")).unwrap();
    total.split(' ').next().unwrap().parse().unwrap()
}
