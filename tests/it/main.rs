//! Integration tests: one binary, a folder per capability. [`world`] is their base.
#![recursion_limit = "512"]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::panic,
    missing_docs
)]

mod account;
mod affiliate;
mod agency;
mod authz;
mod binaries;
mod blackbox;
mod budget;
mod cli;
mod conservation;
mod contract;
mod costs;
mod documents;
mod env;
mod facts;
mod fault;
mod fixtures;
mod fuzz;
mod harness;
mod indeterminate_commits;
mod latency;
mod logs;
mod main_job;
mod operations;
mod page;
mod payment;
mod processes;
mod queues;
mod race;
mod reads;
mod redemption;
mod referral;
mod stored;
mod strict;
mod tidy;
mod webhooks;
mod world;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
