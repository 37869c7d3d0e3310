//! State transitions of the queues: each computes changes, journals them, then applies them.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::contents::{Change, Contents, Seen};
use super::journal::Journal;
use super::message::{self, Message, Outgoing, Receipt, Sent, Stored};
use super::refused::Refused;
use super::spec::QueueSpec;

/// Settings, contents and journal of all queues.
#[derive(Debug, Default)]
pub(super) struct State {
    pub queues: BTreeMap<String, Queue>,
    pub contents: Contents,
    pub journal: Option<Journal>,
}

/// A queue without its contents.
#[derive(Debug)]
pub(super) struct Queue {
    pub spec: QueueSpec,
    pub created_at: Timestamp,
    /// Counter of events that may make a message visible.
    pub news: watch::Sender<u64>,
}

impl Queue {
    pub fn tell(&self) {
        self.news.send_modify(|count| *count = count.wrapping_add(1));
    }
}

impl State {
    pub fn queue(&self, name: &str) -> Result<&Queue, Refused> {
        self.queues.get(name).ok_or(Refused::NoSuchQueue)
    }

    /// Journals the changes, applies them, then wakes waiting receivers.
    pub fn commit(&mut self, changes: Vec<Change>) -> Result<(), Refused> {
        if changes.is_empty() {
            return Ok(());
        }
        if let Some(journal) = &mut self.journal {
            journal.write(&changes)?;
        }
        for change in changes {
            if let Change::Put { queue, .. } | Change::Hidden { queue, .. } | Change::Gone { queue, .. } = &change
                && let Some(queue) = self.queues.get(queue)
            {
                queue.tell();
            }
            self.contents.apply(change);
        }
        if let Some(journal) = &mut self.journal {
            journal.tidy(&self.contents);
        }
        Ok(())
    }

    pub fn send(&mut self, queue: &str, outgoing: Outgoing, now: Timestamp) -> Result<Sent, Refused> {
        let spec = &self.queue(queue)?.spec;
        outgoing.check()?;
        let dedup = addressed(spec, &outgoing)?;
        let seen = dedup.as_ref().and_then(|dedup| self.contents.shelf(queue)?.seen(dedup, now));
        let sequence = seen.map_or(self.contents.next(), |seen| seen.sequence);
        let id = seen.map_or_else(|| message::message_id(sequence), |seen| seen.id.clone());
        let sent = Sent {
            message_id: id.clone(),
            md5_of_body: message::md5_of_body(&outgoing.body),
            md5_of_attributes: message::md5_of_attributes(&outgoing.attributes),
            sequence_number: spec.fifo.then(|| message::sequence_number(sequence)),
        };
        if seen.is_some() {
            return Ok(sent);
        }
        let delay = outgoing.delay_seconds.unwrap_or(spec.delay_seconds);
        let message = Stored {
            sequence,
            id: id.clone(),
            body: outgoing.body,
            attributes: outgoing.attributes,
            group: outgoing.group,
            dedup: dedup.clone(),
            sent_at: now,
            hidden_until: hidden(now, delay),
            receives: 0,
            first_received_at: None,
            source: None,
        };
        let queue = queue.to_owned();
        let mut changes = vec![Change::Put { queue: queue.clone(), message: Box::new(message) }];
        changes.extend(dedup.map(|dedup| Change::Seen { queue, dedup, seen: Seen { at: now, sequence, id } }));
        self.commit(changes)?;
        Ok(sent)
    }

    pub fn take(
        &mut self,
        queue: &str,
        max: usize,
        timeout: Option<u32>,
        now: Timestamp,
    ) -> Result<Vec<Message>, Refused> {
        let spec = self.queue(queue)?.spec.clone();
        let timeout = timeout.unwrap_or(spec.visibility_timeout_seconds);
        let dead = spec.redrive.as_ref().filter(|redrive| self.queues.contains_key(&redrive.dead_letter_queue));
        let mut next = self.contents.next();
        let mut changes = Vec::new();
        let mut taken = Vec::new();
        for message in self.contents.shelf(queue).into_iter().flat_map(|shelf| shelf.ready(spec.fifo, now)) {
            if taken.len() >= max {
                break;
            }
            let (queue, sequence) = (queue.to_owned(), message.sequence);
            if message.expired(spec.retention_seconds, now) {
                changes.push(Change::Gone { queue, sequence });
            } else if let Some(redrive) = dead.filter(|redrive| message.receives >= redrive.max_receive_count) {
                let moved = Stored {
                    sequence: next,
                    source: Some(queue.clone()),
                    // Retention restarts only in a FIFO dead-letter queue.
                    sent_at: if spec.fifo { now } else { message.sent_at },
                    ..message.clone()
                };
                next = next.saturating_add(1);
                changes.push(Change::Gone { queue, sequence });
                changes.push(Change::Put { queue: redrive.dead_letter_queue.clone(), message: Box::new(moved) });
            } else {
                changes.push(Change::Received { queue, sequence, at: now, hidden_until: hidden(now, timeout) });
                taken.push(sequence);
            }
        }
        self.commit(changes)?;
        let shelf = self.contents.shelf(queue);
        let found = taken.iter().filter_map(|sequence| shelf?.messages.get(sequence));
        Ok(found.map(|message| message.message(spec.fifo)).collect())
    }

    pub fn delete(&mut self, queue: &str, handle: &str, now: Timestamp) -> Result<(), Refused> {
        let fifo = self.queue(queue)?.spec.fifo;
        let receipt: Receipt = handle.parse()?;
        let Some(message) = self.held(queue, receipt.sequence) else {
            return Ok(());
        };
        let current = message.receipt() == receipt;
        if fifo && !(current && message.in_flight(now)) {
            return Err(Refused::invalid("ReceiptHandle", "The receipt handle has expired."));
        }
        if !current {
            return Ok(());
        }
        self.commit(vec![Change::Gone { queue: queue.to_owned(), sequence: receipt.sequence }])
    }

    pub fn hide(&mut self, queue: &str, handle: &str, seconds: u32, now: Timestamp) -> Result<(), Refused> {
        self.queue(queue)?;
        let receipt: Receipt = handle.parse()?;
        match self.held(queue, receipt.sequence) {
            Some(message) if message.receipt() != receipt => {
                Err(Refused::invalid("ReceiptHandle", "The receipt handle has expired."))
            }
            Some(message) if message.in_flight(now) => self.commit(vec![Change::Hidden {
                queue: queue.to_owned(),
                sequence: receipt.sequence,
                hidden_until: hidden(now, seconds),
            }]),
            Some(_) => Err(Refused::NotInFlight),
            None => Err(Refused::invalid("ReceiptHandle", "Message does not exist or is not available.")),
        }
    }

    pub fn redrive(&mut self, queue: &str, now: Timestamp) -> Result<usize, Refused> {
        let fifo = self.queue(queue)?.spec.fifo;
        let mut next = self.contents.next();
        let mut changes = Vec::new();
        for message in self.contents.shelf(queue).into_iter().flat_map(|shelf| shelf.ready(fifo, now)) {
            let Some(source) = message.source.clone().filter(|source| self.queues.contains_key(source)) else {
                continue;
            };
            let sequence = next;
            next = next.saturating_add(1);
            let fresh = Stored {
                sequence,
                id: message::message_id(sequence),
                sent_at: now,
                hidden_until: None,
                ..message.clone()
            };
            let fresh = Stored { receives: 0, first_received_at: None, source: None, ..fresh };
            changes.push(Change::Gone { queue: queue.to_owned(), sequence: message.sequence });
            changes.push(Change::Put { queue: source, message: Box::new(fresh) });
        }
        let moved = changes.len() / 2;
        self.commit(changes)?;
        Ok(moved)
    }

    fn held(&self, queue: &str, sequence: u64) -> Option<&Stored> {
        self.contents.shelf(queue).and_then(|shelf| shelf.messages.get(&sequence))
    }
}

/// The effective deduplication id, if the message fits the queue's type.
fn addressed(spec: &QueueSpec, outgoing: &Outgoing) -> Result<Option<String>, Refused> {
    if !spec.fifo {
        return match outgoing.dedup {
            Some(_) => Err(Refused::invalid("MessageDeduplicationId", "This parameter is for FIFO queues only.")),
            None => Ok(None),
        };
    }
    if outgoing.delay_seconds.is_some_and(|seconds| seconds != 0) {
        return Err(Refused::invalid(
            "DelaySeconds",
            "The request include parameter that is not valid for this queue type.",
        ));
    }
    let wrong = |id: &String| !(1..=128).contains(&id.len()) || !id.chars().all(|c| c.is_ascii_graphic());
    let group = outgoing.group.as_ref().ok_or(Refused::Missing("MessageGroupId"))?;
    if wrong(group) {
        return Err(Refused::invalid("MessageGroupId", "1 to 128 alphanumeric characters or punctuation."));
    }
    match &outgoing.dedup {
        Some(dedup) if wrong(dedup) => {
            Err(Refused::invalid("MessageDeduplicationId", "1 to 128 alphanumeric characters or punctuation."))
        }
        Some(dedup) => Ok(Some(dedup.clone())),
        None if spec.content_based_dedup => Ok(Some(HEXLOWER.encode(&Sha256::digest(outgoing.body.as_bytes())))),
        None => Err(Refused::invalid(
            "MessageDeduplicationId",
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
        )),
    }
}

/// End of a hiding period of `seconds`; `None` for zero.
fn hidden(now: Timestamp, seconds: u32) -> Option<Timestamp> {
    let until = || now.saturating_add(SignedDuration::from_secs(i64::from(seconds))).unwrap_or(Timestamp::MAX);
    (seconds > 0).then(until)
}
