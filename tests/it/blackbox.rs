//! Black box: the built function binaries under the Lambda Runtime API, killed and frozen by a seed.
//! Database, queues and providers are reached over HTTP, and their calls fail at random. Clients retry with the same key, queues
//! redeliver, and schedules tick. The end must equal that of an undisturbed run.
//!
//! `GUERDON_KILLS=1000` runs until that many processes were killed. `GUERDON_KILL=17` runs the journey of that seed and prints
//! its trail.

mod frozen;
mod gate;
mod journey;
mod past;
mod story;
mod worker;

use std::time::Instant;

use serde_json::json;
use tokio::task::JoinSet;

use self::journey::{Calls, Journey, Tally};
use self::story::Ended;
use crate::env::wished;
use crate::facts;

/// Default number of processes to kill.
const KILLS: u64 = 48;

/// Minimum number of kills per journey, as a rule.
const KILLS_EACH: u64 = 10;
/// Journeys that run in parallel.
const AT_ONCE: usize = 4;

/// R1.8, R4.6, R5.3, R6.5, R7.3: from registration to withdrawal everything happens once.
/// Processes are killed and frozen before, between and after any of their calls.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_killed_and_frozen_at_any_moment_change_nothing_of_the_end() {
    let mut calm = Journey::new(None).await;
    let expected = story::play(&mut calm).await;
    let balances = ["ann", "bob", "cid"].map(|name| expected.0[name][0].as_str().unwrap().to_owned());
    assert_eq!(balances, ["8.4", "23.83333331", "4.1111111"]);
    assert_eq!(expected.0["ivy"], json!(["700", "60", "0"]));
    assert_eq!(given_up().await, expected, "after a reward's message was given up");
    let one = wished("GUERDON_KILL");
    let wanted = wished("GUERDON_KILLS").unwrap_or(KILLS);
    let (mut all, mut journeys, began) = (Tally::default(), 0_u64, Instant::now());
    // A killed process's client waits a while, so other journeys run meanwhile.
    let mut playing = JoinSet::new();
    loop {
        let enough = |playing: usize| all.kills + KILLS_EACH * playing as u64 >= wanted;
        while playing.len() < AT_ONCE && !enough(playing.len()) && (one.is_none() || journeys == 0) {
            journeys += 1;
            playing.spawn(troubled(one.unwrap_or(journeys), calm.calls.clone(), expected.clone(), one.is_some()));
        }
        match playing.join_next().await {
            Some(Ok(tally)) => all.add(&tally),
            Some(Err(failed)) => std::panic::resume_unwind(failed.into_panic()),
            None => break,
        }
    }
    eprintln!("{journeys} journeys, {all:?}, {:?}", began.elapsed());
    facts::note(
        "blackbox",
        &json!({
            "journeys": journeys, "invocations": all.invocations, "kills": all.kills, "freezes": all.freezes,
            "faults": all.faults, "failed_rewards": all.failed_rewards, "seconds": began.elapsed().as_secs(),
        }),
    );
}

/// Runs the journey with the worker killed at every delivery of the first reward's message, which an admin then retries (R3.7).
async fn given_up() -> Ended {
    let mut journey = Journey::new(None).await;
    let queues = &journey.stack().template.queues;
    let deliveries =
        queues.iter().filter_map(|queue| queue.spec.redrive.as_ref()).map(|redrive| redrive.max_receive_count);
    journey.hopeless = deliveries.max().unwrap();
    let ended = story::play(&mut journey).await;
    assert!(journey.tally.failed_rewards > 0, "a reward failed");
    ended
}

/// Runs a seed's journey and asserts its expected end; prints its trail if asked.
async fn troubled(seed: u64, calls: Calls, expected: Ended, told: bool) -> Tally {
    let mut journey = Journey::new(Some((seed, &calls))).await;
    let ended = story::play(&mut journey).await;
    assert_eq!(ended.0, expected.0, "what each has, of seed {seed}");
    assert_eq!(ended.1, expected.1, "how many items there are, of seed {seed}");
    if told {
        eprintln!("{}", journey.told());
    }
    journey.tally
}
