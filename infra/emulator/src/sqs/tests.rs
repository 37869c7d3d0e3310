//! Tests of the queues, one per behaviour.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod kept;
mod lambda;
mod sdk;

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::clock::MovableClock;

const Q: &str = "work";
const F: &str = "work.fifo";

/// The queues `work` and `work.fifo`, each with a dead-letter queue after two receives, and a stopped clock.
pub(super) fn world() -> (Queues, MovableClock) {
    let clock = MovableClock::standing("2026-03-01T12:00:00Z".parse().unwrap());
    let queues = Queues::in_memory(Arc::new(clock.clone()));
    create(&queues);
    (queues, clock)
}

fn create(queues: &Queues) {
    queues.create(QueueSpec::new("dead")).unwrap();
    queues.create(QueueSpec::new("dead.fifo")).unwrap();
    queues.create(QueueSpec::new(Q).redrive("dead", 2)).unwrap();
    queues.create(QueueSpec::new(F).redrive("dead.fifo", 2)).unwrap();
}

async fn receive(queues: &Queues, queue: &str) -> Vec<Message> {
    queues.receive(queue, &Receive::default()).await.unwrap()
}

async fn bodies(queues: &Queues, queue: &str) -> Vec<String> {
    receive(queues, queue).await.into_iter().map(|message| message.body).collect()
}

fn fifo(queues: &Queues, body: &str, group: &str) -> Sent {
    queues.send(F, Outgoing::fifo(body, group, body)).unwrap()
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[tokio::test]
async fn a_sent_message_is_received_once_and_gone_when_deleted() {
    let (queues, clock) = world();
    let sent = queues.send(Q, Outgoing::new("a")).unwrap();
    let received = receive(&queues, Q).await;
    assert_eq!(received.len(), 1);
    assert_eq!((&received[0].message_id, received[0].body.as_str()), (&sent.message_id, "a"));
    assert!(receive(&queues, Q).await.is_empty());
    queues.delete(Q, &received[0].receipt_handle).unwrap();
    clock.advance(seconds(3600));
    assert!(receive(&queues, Q).await.is_empty());
}

#[tokio::test]
async fn a_batch_takes_each_entry_by_itself() {
    let (queues, _) = world();
    let results = queues.send_batch(Q, vec![Outgoing::new("a"), Outgoing::new(""), Outgoing::new("b")]).unwrap();
    assert_eq!(results.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    let handles: Vec<String> = receive(&queues, Q).await.into_iter().map(|message| message.receipt_handle).collect();
    let deleted = queues.delete_batch(Q, &[handles[0].clone(), "nonsense".to_owned(), handles[1].clone()]).unwrap();
    assert_eq!(deleted.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(queues.depth(Q).unwrap(), Depth::default());
}

#[test]
fn a_batch_has_one_to_ten_entries_and_one_mebibyte() {
    let (queues, _) = world();
    assert!(matches!(queues.send_batch(Q, vec![]), Err(Refused::EmptyBatch)));
    assert!(matches!(queues.send_batch(Q, vec![Outgoing::new("a"); 11]), Err(Refused::TooManyEntries(11))));
    let half = Outgoing::new("x".repeat(MAX_BYTES / 2));
    assert!(matches!(
        queues.send_batch(Q, vec![half.clone(), half, Outgoing::new("x")]),
        Err(Refused::BatchTooLong(_))
    ));
    assert_eq!(queues.depth(Q).unwrap(), Depth::default());
    queues.send(Q, Outgoing::new("x".repeat(MAX_BYTES))).unwrap();
}

#[tokio::test]
async fn an_undeleted_message_comes_back_at_its_visibility_timeout() {
    let (queues, clock) = world();
    queues.send(Q, Outgoing::new("a")).unwrap();
    assert_eq!(receive(&queues, Q).await[0].receive_count, 1);
    clock.advance(seconds(29));
    assert!(receive(&queues, Q).await.is_empty());
    clock.advance(seconds(1));
    assert_eq!(receive(&queues, Q).await[0].receive_count, 2);
}

#[tokio::test]
async fn visibility_can_be_prolonged_and_given_up() {
    let (queues, clock) = world();
    queues.send(Q, Outgoing::new("a")).unwrap();
    let handle = receive(&queues, Q).await.remove(0).receipt_handle;
    queues.change_visibility(Q, &handle, 600).unwrap();
    clock.advance(seconds(599));
    assert!(receive(&queues, Q).await.is_empty());
    queues.change_visibility(Q, &handle, 0).unwrap();
    assert!(matches!(queues.change_visibility(Q, &handle, 5), Err(Refused::NotInFlight)));
    assert_eq!(bodies(&queues, Q).await, ["a"]);
    assert!(queues.change_visibility(Q, &handle, 43_201).is_err());
}

#[tokio::test]
async fn a_delayed_message_is_not_seen_before_its_time() {
    let (queues, clock) = world();
    queues.send(Q, Outgoing { delay_seconds: Some(60), ..Outgoing::new("late") }).unwrap();
    assert_eq!(queues.depth(Q).unwrap(), Depth { delayed: 1, ..Depth::default() });
    assert!(receive(&queues, Q).await.is_empty());
    clock.advance(seconds(60));
    assert_eq!(bodies(&queues, Q).await, ["late"]);
    assert_eq!(queues.depth(Q).unwrap(), Depth { in_flight: 1, ..Depth::default() });
}

#[tokio::test]
async fn a_clock_that_steps_back_hides_nothing() {
    let (queues, clock) = world();
    queues.send(Q, Outgoing::new("a")).unwrap();
    clock.set("2026-03-01T11:00:00Z".parse().unwrap());
    assert_eq!(bodies(&queues, Q).await, ["a"]);
}

#[tokio::test]
async fn a_stale_receipt_handle_deletes_nothing() {
    let (queues, clock) = world();
    queues.send(Q, Outgoing::new("a")).unwrap();
    let first = receive(&queues, Q).await.remove(0).receipt_handle;
    clock.advance(seconds(30));
    let second = receive(&queues, Q).await.remove(0).receipt_handle;
    queues.delete(Q, &first).unwrap();
    assert_eq!(queues.depth(Q).unwrap().in_flight, 1);
    assert!(matches!(queues.delete(Q, "nonsense"), Err(Refused::ReceiptHandle)));
    queues.delete(Q, &second).unwrap();
    assert_eq!(queues.depth(Q).unwrap(), Depth::default());
}

#[tokio::test]
async fn in_a_fifo_queue_an_expired_receipt_handle_is_refused() {
    let (queues, clock) = world();
    fifo(&queues, "a", "g");
    let handle = receive(&queues, F).await.remove(0).receipt_handle;
    clock.advance(seconds(30));
    assert!(matches!(queues.delete(F, &handle), Err(Refused::Invalid { parameter: "ReceiptHandle", .. })));
    assert_eq!(bodies(&queues, F).await, ["a"]);
}

#[tokio::test]
async fn a_group_keeps_its_order_and_is_locked_while_one_of_it_is_held() {
    let (queues, clock) = world();
    for (body, group) in [("a1", "a"), ("b1", "b"), ("a2", "a"), ("a3", "a")] {
        fifo(&queues, body, group);
    }
    let one = Receive { max: 1, ..Receive::default() };
    let a1 = queues.receive(F, &one).await.unwrap().remove(0);
    assert_eq!(a1.body, "a1");
    // The other group is not blocked.
    assert_eq!(bodies(&queues, F).await, ["b1"]);
    queues.delete(F, &a1.receipt_handle).unwrap();
    let rest = receive(&queues, F).await;
    assert_eq!(rest.iter().map(|message| message.body.as_str()).collect::<Vec<_>>(), ["a2", "a3"]);
    // a2 is released, a3 is in flight: the group stays locked.
    queues.change_visibility(F, &rest[0].receipt_handle, 0).unwrap();
    assert!(receive(&queues, F).await.is_empty());
    clock.advance(seconds(30));
    assert_eq!(bodies(&queues, F).await, ["b1", "a2", "a3"]);
}

#[tokio::test]
async fn a_deduplication_id_is_remembered_for_five_minutes() {
    let (queues, clock) = world();
    let first = queues.send(F, Outgoing::fifo("a", "g", "once")).unwrap();
    let handle = receive(&queues, F).await.remove(0).receipt_handle;
    queues.delete(F, &handle).unwrap();
    clock.advance(seconds(299));
    // The deduplication id still applies after the first message is deleted.
    let second = queues.send(F, Outgoing::fifo("a", "g", "once")).unwrap();
    assert_eq!((&second.message_id, &second.sequence_number), (&first.message_id, &first.sequence_number));
    assert!(receive(&queues, F).await.is_empty());
    clock.advance(seconds(1));
    let third = queues.send(F, Outgoing::fifo("a", "g", "once")).unwrap();
    assert!(third.sequence_number > first.sequence_number);
    assert_eq!(bodies(&queues, F).await, ["a"]);
}

#[tokio::test]
async fn a_fifo_queue_wants_a_group_and_a_deduplication_id_or_takes_the_bodys() {
    let (queues, _) = world();
    assert!(matches!(queues.send(F, Outgoing::new("a")), Err(Refused::Missing("MessageGroupId"))));
    let no_id = Outgoing { group: Some("g".to_owned()), ..Outgoing::new("a") };
    assert!(matches!(queues.send(F, no_id.clone()), Err(Refused::Invalid { .. })));
    let late = Outgoing { delay_seconds: Some(5), ..Outgoing::fifo("a", "g", "1") };
    assert!(matches!(queues.send(F, late), Err(Refused::Invalid { parameter: "DelaySeconds", .. })));
    assert!(queues.send(Q, Outgoing::fifo("a", "g", "1")).is_err());
    queues.change(QueueSpec { content_based_dedup: true, ..QueueSpec::new(F) }).unwrap();
    queues.send(F, no_id.clone()).unwrap();
    queues.send(F, no_id).unwrap();
    assert_eq!(bodies(&queues, F).await, ["a"]);
}

#[tokio::test]
async fn what_was_received_too_often_goes_to_the_dead_letter_queue_at_the_next_receive() {
    let (queues, clock) = world();
    let sent = queues.send(Q, Outgoing::new("poison")).unwrap();
    for _ in 0..2 {
        assert_eq!(bodies(&queues, Q).await, ["poison"]);
        clock.advance(seconds(30));
        assert_eq!(queues.depth("dead").unwrap().visible, 0);
    }
    assert!(receive(&queues, Q).await.is_empty());
    let dead = receive(&queues, "dead").await.remove(0);
    assert_eq!((dead.message_id, dead.body.as_str()), (sent.message_id, "poison"));
    assert_eq!(dead.system["DeadLetterQueueSourceArn"], arn(Q));
}

#[tokio::test]
async fn a_dead_letter_frees_its_group_and_can_be_redriven() {
    let (queues, clock) = world();
    fifo(&queues, "poison", "g");
    fifo(&queues, "next", "g");
    let one = Receive { max: 1, ..Receive::default() };
    for _ in 0..2 {
        assert_eq!(queues.receive(F, &one).await.unwrap()[0].body, "poison");
        clock.advance(seconds(30));
    }
    assert_eq!(bodies(&queues, F).await, ["next"]);
    clock.advance(seconds(14 * 86_400 / 7));
    assert_eq!(queues.redrive("dead.fifo").unwrap(), 1);
    let again = receive(&queues, F).await;
    assert_eq!(again.iter().map(|message| message.receive_count).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(again[1].body, "poison");
    assert_eq!(queues.depth("dead.fifo").unwrap(), Depth::default());
}

#[tokio::test]
async fn a_message_is_dropped_when_its_retention_ends() {
    let (queues, clock) = world();
    queues.send(Q, Outgoing::new("old")).unwrap();
    clock.advance(seconds(4 * 86_400));
    assert_eq!(queues.depth(Q).unwrap(), Depth::default());
    assert!(receive(&queues, Q).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_wakes_for_a_message_and_ends_after_its_wait() {
    let (queues, _) = world();
    let long = Receive { wait: seconds(20), ..Receive::default() };
    let before = tokio::time::Instant::now();
    assert!(queues.receive(Q, &long).await.unwrap().is_empty());
    assert_eq!(before.elapsed().as_secs(), 20);
    let poll = queues.receive(Q, &long);
    let (received, sent) = tokio::join!(poll, async { queues.send(Q, Outgoing::new("a")) });
    assert_eq!((received.unwrap().len(), sent.is_ok()), (1, true));
    assert_eq!(before.elapsed().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_wakes_at_the_next_visible_time() {
    let clock = MovableClock::with_tokio("2026-03-01T12:00:00Z".parse().unwrap());
    let queues = Queues::in_memory(Arc::new(clock));
    queues.create(QueueSpec { delay_seconds: 7, ..QueueSpec::new(Q) }).unwrap();
    queues.send(Q, Outgoing::new("a")).unwrap();
    let before = tokio::time::Instant::now();
    let received = queues.receive(Q, &Receive { wait: seconds(20), ..Receive::default() }).await.unwrap();
    assert_eq!((received.len(), before.elapsed().as_secs()), (1, 7));
}

#[tokio::test(start_paused = true)]
async fn who_waits_sees_a_jump_of_the_clock_and_an_unlocked_group() {
    let (queues, clock) = world();
    queues.send(Q, Outgoing { delay_seconds: Some(900), ..Outgoing::new("late") }).unwrap();
    let (waited, ()) = tokio::join!(queues.wait_visible(Q), async { clock.advance(seconds(900)) });
    waited.unwrap();
    fifo(&queues, "a", "g");
    let held = receive(&queues, F).await.remove(0);
    fifo(&queues, "b", "g");
    let (waited, deleted) = tokio::join!(queues.wait_visible(F), async { queues.delete(F, &held.receipt_handle) });
    assert!(waited.is_ok() && deleted.is_ok());
    assert_eq!(bodies(&queues, F).await, ["b"]);
}

#[tokio::test]
async fn purging_empties_a_queue_and_creating_twice_changes_nothing() {
    let (queues, _) = world();
    queues.send(Q, Outgoing::new("a")).unwrap();
    queues.create(QueueSpec::new(Q).redrive("dead", 2)).unwrap();
    assert!(matches!(queues.create(QueueSpec::new(Q)), Err(Refused::QueueNameExists("RedrivePolicy"))));
    assert_eq!(queues.depth(Q).unwrap().visible, 1);
    queues.purge(Q).unwrap();
    assert!(receive(&queues, Q).await.is_empty());
    assert_eq!(queues.list(), ["dead", "dead.fifo", "work", "work.fifo"]);
    assert!(matches!(queues.send("none", Outgoing::new("a")), Err(Refused::NoSuchQueue)));
}
