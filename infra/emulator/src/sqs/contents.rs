//! The queues' contents and their changes.
//! Every change is journaled before it is applied, so replaying the journal restores the contents.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::message::Stored;

/// Duration of the deduplication window.
const DEDUP_WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// A change of the contents.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Change {
    /// A message was added to a queue.
    Put { queue: String, message: Box<Stored> },
    /// A deduplication id was used.
    Seen { queue: String, dedup: String, seen: Seen },
    /// A message was received.
    Received { queue: String, sequence: u64, at: Timestamp, hidden_until: Option<Timestamp> },
    /// A message's visibility was changed.
    Hidden { queue: String, sequence: u64, hidden_until: Option<Timestamp> },
    /// A message left a queue.
    Gone { queue: String, sequence: u64 },
    /// The next free sequence number.
    Numbered { next: u64 },
}

/// The first use of a deduplication id.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Seen {
    pub at: Timestamp,
    pub sequence: u64,
    pub id: String,
}

/// Contents of all queues.
#[derive(Debug, Default)]
pub(super) struct Contents {
    queues: BTreeMap<String, Shelf>,
    next: u64,
}

/// Contents of one queue.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    pub messages: BTreeMap<u64, Stored>,
    seen: HashMap<String, Seen>,
    seen_order: VecDeque<(Timestamp, String)>,
}

/// Message counts by availability.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Available to receive.
    pub visible: usize,
    /// Received and not yet deleted.
    pub in_flight: usize,
    /// Not yet visible.
    pub delayed: usize,
}

impl Contents {
    /// The next free sequence number.
    /// It stays free until a [`Change::Put`] or [`Change::Numbered`] takes it.
    pub fn next(&self) -> u64 {
        self.next
    }

    pub fn shelf(&self, queue: &str) -> Option<&Shelf> {
        self.queues.get(queue)
    }

    pub fn forget(&mut self, queue: &str) {
        self.queues.remove(queue);
    }

    /// Applies a journaled change. A change of a missing message or queue has no effect.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Put { queue, message } => {
                self.next = self.next.max(message.sequence.saturating_add(1));
                self.open(queue).messages.insert(message.sequence, *message);
            }
            Change::Seen { queue, dedup, seen } => self.open(queue).remember(dedup, seen),
            Change::Received { queue, sequence, at, hidden_until } => {
                if let Some(message) = self.open(queue).messages.get_mut(&sequence) {
                    message.receives = message.receives.saturating_add(1);
                    message.first_received_at.get_or_insert(at);
                    message.hidden_until = hidden_until;
                }
            }
            Change::Hidden { queue, sequence, hidden_until } => {
                if let Some(message) = self.open(queue).messages.get_mut(&sequence) {
                    message.hidden_until = hidden_until;
                }
            }
            Change::Gone { queue, sequence } => {
                self.open(queue).messages.remove(&sequence);
            }
            Change::Numbered { next } => self.next = self.next.max(next),
        }
    }

    /// The shortest list of changes that produces these contents.
    pub fn changes(&self) -> Vec<Change> {
        let mut changes = vec![Change::Numbered { next: self.next }];
        for (queue, shelf) in &self.queues {
            changes.extend(shelf.seen_order.iter().filter_map(|(_, dedup)| {
                let seen = shelf.seen.get(dedup)?.clone();
                Some(Change::Seen { queue: queue.clone(), dedup: dedup.clone(), seen })
            }));
            changes.extend(
                shelf
                    .messages
                    .values()
                    .map(|message| Change::Put { queue: queue.clone(), message: Box::new(message.clone()) }),
            );
        }
        changes
    }

    fn open(&mut self, queue: String) -> &mut Shelf {
        self.queues.entry(queue).or_default()
    }
}

impl Shelf {
    /// The available messages, oldest first.
    /// In a FIFO queue, a message in flight blocks its whole group, and a delayed message blocks the later ones of its group.
    pub fn ready(&self, fifo: bool, now: Timestamp) -> impl Iterator<Item = &Stored> {
        let held = self.messages.values().filter(|message| fifo && message.in_flight(now));
        let mut locked: HashSet<&str> = held.filter_map(|message| message.group.as_deref()).collect();
        self.messages.values().filter(move |message| {
            let group = message.group.as_deref().filter(|_| fifo);
            if group.is_some_and(|group| locked.contains(group)) {
                return false;
            }
            if !message.visible(now) {
                locked.extend(group);
                return false;
            }
            true
        })
    }

    /// Time at which the next hidden message becomes visible.
    pub fn next_visible(&self, now: Timestamp) -> Option<Timestamp> {
        self.messages.values().filter_map(|message| message.hidden_until).filter(|until| *until > now).min()
    }

    /// The first use of a deduplication id, if within the deduplication window.
    pub fn seen(&self, dedup: &str, now: Timestamp) -> Option<&Seen> {
        self.seen.get(dedup).filter(|seen| now.duration_since(seen.at) < DEDUP_WINDOW)
    }

    pub fn depth(&self, retention_seconds: u32, now: Timestamp) -> Depth {
        let mut depth = Depth::default();
        for message in self.messages.values().filter(|message| !message.expired(retention_seconds, now)) {
            let count = match (message.visible(now), message.in_flight(now)) {
                (true, _) => &mut depth.visible,
                (false, true) => &mut depth.in_flight,
                (false, false) => &mut depth.delayed,
            };
            *count = count.saturating_add(1);
        }
        depth
    }

    fn remember(&mut self, dedup: String, seen: Seen) {
        let now = seen.at;
        while let Some((at, _)) = self.seen_order.front()
            && now.duration_since(*at) >= DEDUP_WINDOW
        {
            let Some((at, dedup)) = self.seen_order.pop_front() else {
                break;
            };
            // A later use of the same id has its own place in the order.
            if self.seen.get(&dedup).is_some_and(|seen| seen.at == at) {
                self.seen.remove(&dedup);
            }
        }
        self.seen_order.push_back((now, dedup.clone()));
        self.seen.insert(dedup, seen);
    }
}
