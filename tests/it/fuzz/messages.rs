//! Fuzzed queue messages. An input is the queue's name on the first line, then a message body per line.

use std::sync::atomic::{AtomicU64, Ordering};

use emulator::sqs::{Outgoing, Receive};
use emulator::stack::TABLE;
use serde_json::Value;
use shared::message::MessageEnvelope;

use super::lasting::{Things, nameless};
use super::{any, worlds};
use crate::stored::golden;
use crate::world::World;

/// Counter that gives each message of a FIFO queue its own deduplication id.
static NUMBER: AtomicU64 = AtomicU64::new(0);
/// Queue, its dead-letter queue, and whether it has groups.
const QUEUES: [(&str, &str, bool); 3] = [
    ("RewardQueue.fifo", "RewardDeadLetterQueue.fifo", true),
    ("MailQueue", "MailDeadLetterQueue", false),
    ("StatisticsQueue", "StatisticsDeadLetterQueue", false),
];

fn seeds() -> Vec<Vec<u8>> {
    let messages: Vec<String> =
        golden("messages").into_values().map(|message| nameless(&message.to_string())).collect();
    let of = |queue: &str| {
        messages.chunks(3).map(|some| format!("{queue}\n{}", some.join("\n")).into_bytes()).collect::<Vec<_>>()
    };
    QUEUES.iter().flat_map(|(queue, ..)| of(queue)).collect()
}

/// Sends unreadable messages and a readable one, and checks where each ends.
async fn delivered(world: &World, things: &Things, input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let (queue, dead, fifo) = QUEUES.into_iter().find(|(queue, ..)| *queue == first).unwrap_or(QUEUES[0]);
    let poison = |body: &String| serde_json::from_str::<MessageEnvelope>(body).is_err() && !body.is_empty();
    let bodies: Vec<String> = lines.map(|line| things.put(line)).filter(poison).take(9).collect();
    let (queues, good) =
        (&world.stack.queues, things.put(r#"{"id":"obx_0.0","message":{"kind":"balance_changed","user":"usr_0"}}"#));
    let before = world.stack.dynamo.scan(TABLE).unwrap();
    let mut sent = 0;
    for (nth, body) in bodies.iter().chain([&good]).chain(bodies.iter().take(2)).enumerate() {
        let mut outgoing = Outgoing::new(body);
        if fifo {
            outgoing.group = Some(format!("group {}", nth % 3));
            outgoing.dedup = Some(format!("{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
        }
        sent += usize::from(queues.send(queue, outgoing).is_ok() && *body != good);
    }
    world.settle().await;
    let depth = queues.depth(dead).unwrap();
    assert_eq!(depth.visible, sent, "what can't be read ends in {dead}: {bodies:?}");
    let held = queues.receive(dead, &Receive::default()).await.unwrap();
    assert!(held.iter().all(|message| message.body != good), "{bodies:?}");
    queues.purge(dead).unwrap();
    let after = world.stack.dynamo.scan(TABLE).unwrap();
    let counted = |items: &[Value]| {
        items.iter().filter(|item| item["type"]["S"] != "statistics" && item["type"]["S"] != "counted").count()
    };
    assert_eq!(counted(&before), counted(&after), "poison leaves nothing: {bodies:?}");
}

/// V2; faults.md, messages: poison in a batch of ten fails alone.
#[test]
fn any_message_that_cannot_be_read_fails_alone() {
    worlds!("messages", seeds(), delivered);
}

/// faults.md, messages: a readable message encodes as it was decoded.
#[test]
fn any_message_that_can_be_read_writes_the_same() {
    any!(
        "envelopes",
        golden("messages").into_values().map(|message| message.to_string().into_bytes()).collect(),
        |input| {
            let Ok(envelope) = serde_json::from_slice::<MessageEnvelope>(input) else { return };
            let written = serde_json::to_string(&envelope).unwrap();
            let again: MessageEnvelope = serde_json::from_str(&written).unwrap();
            assert_eq!(again.message, envelope.message, "{written}");
        }
    );
}
