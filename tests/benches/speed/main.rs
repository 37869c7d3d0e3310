//! Speed as ratios within one run.
//! `cargo bench -p tests` measures rates, `-- flows` the same over HTTP, `-- heat` the load of each partition, `-- binaries` and
//! `-- instructions` the built binaries.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::float_arithmetic,
    clippy::panic,
    clippy::print_stdout,
    missing_docs
)]

mod binaries;
mod codes;
mod flows;
mod heat;
mod instructions;
mod rates;
mod shop;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    // Cargo itself adds `--bench`.
    let asked: Vec<String> = std::env::args().skip(1).filter(|asked| !asked.starts_with("--")).collect();
    let kept = match asked.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => runtime.block_on(async { rates::run().await && codes::run().await }),
        ["codes"] => runtime.block_on(codes::run()),
        ["flows"] => runtime.block_on(flows::run()),
        ["heat"] => runtime.block_on(heat::run()),
        ["instructions"] => runtime.block_on(instructions::run()),
        ["binaries"] => runtime.block_on(binaries::run()),
        _ => panic!("there is `codes`, `flows`, `heat`, `instructions` or `binaries`, or nothing for all rates"),
    };
    std::process::exit(i32::from(!kept));
}
