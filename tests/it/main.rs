//! The integration tests: one binary, one file per capability. [`world`] is what they stand on.
#![recursion_limit = "512"]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::panic,
    missing_docs
)]

mod admin;
mod agency;
mod audit;
mod authz;
mod binaries;
mod blackbox;
mod budget;
mod cli;
mod commission;
mod conservation;
mod contract;
mod disputes;
mod documents;
mod erase;
mod events;
mod explain;
mod facts;
mod fault;
mod fuzz;
mod heal;
mod logs;
mod main_job;
mod orders;
mod outcome;
mod payment;
mod processes;
mod queues;
mod race;
mod reconcile;
mod redemption;
mod referral;
mod registration;
mod returns;
mod review;
mod reward;
mod scene;
mod scheduler;
mod service;
mod stand;
mod statistics;
mod stored;
mod strict;
mod tidy;
mod webhooks;
mod wish;
mod world;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
