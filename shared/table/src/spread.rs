//! Lists that everybody writes to, spread over partitions.
//!
//! A partition takes 1,000 write units a second, and an index that is throttled holds up its table. So what every order, sign-up or
//! redemption writes goes to one of several partitions, by a hash. Readers ask all of them at once and merge.
//!
//! A count is written at its list and can be raised at any time: an entry stays where it was until its item is written again, and that
//! partition is still read. It must never be lowered. `cargo bench -p tests -- heat` prints the rate at which each list is at its limit.

use std::fmt::Display;

use jiff::Timestamp;
use kernel::key_part::sortable;
use kernel::month::Month;
use sha2::{Digest, Sha256};

use crate::key::IndexEntry;

/// Partitions of a list with several entries for each paid order.
pub const MANY: u8 = 64;
/// Partitions of a list with an entry or two for each sign-up, order or redemption.
pub const SOME: u8 = 32;
/// Partitions of a list with an entry for each paid order.
pub const FEW: u8 = 16;
/// Partitions of the outbox.
pub const OUTBOX: u8 = MANY;
/// Counters of one thing that many count at once: a code's invitees, a day's totals.
pub const COUNTERS: u8 = 8;

/// A list of the whole platform, newest first, by month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthlyList {
    name: &'static str,
    shards: u8,
}

impl MonthlyList {
    /// A list to which few things are added in a second.
    pub const fn new(name: &'static str) -> Self {
        Self { name, shards: 1 }
    }

    /// A list over so many partitions a month.
    pub const fn spread(name: &'static str, shards: u8) -> Self {
        Self { name, shards }
    }

    /// Its name, `ORDERS`.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Number of partitions of a month.
    pub const fn shards(self) -> u8 {
        self.shards
    }

    /// Entry of a thing that was made at a time.
    pub fn entry(self, at: Timestamp, sort: impl Display) -> IndexEntry {
        let sort = sort.to_string();
        (self.partition(at, &sort), sort)
    }

    /// Partition of an entry.
    pub fn partition(self, at: Timestamp, sort: &str) -> String {
        self.shard(Month::of(at), shard_of(sort, self.shards))
    }

    /// Partitions of a month.
    pub fn month(self, month: Month) -> impl Iterator<Item = String> {
        (0..self.shards).map(move |shard| self.shard(month, shard))
    }

    fn shard(self, month: Month, shard: u8) -> String {
        numbered(&format!("{}#{month}", self.name), shard)
    }
}

/// One of the partitions of something that had a single one before: the first is called as that was.
pub fn numbered(partition: &str, shard: u8) -> String {
    if shard == 0 { partition.to_owned() } else { format!("{partition}#{shard}") }
}

/// Month of a partition of a monthly list, `2026-11`.
pub fn month_of(partition: &str) -> Option<&str> {
    partition.split('#').nth(1)
}

/// A list of what is due, the most overdue first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueList {
    name: &'static str,
    shards: u8,
}

impl DueList {
    /// A list to which few things are added in a second.
    pub const fn new(name: &'static str) -> Self {
        Self { name, shards: 1 }
    }

    /// A list over so many partitions.
    pub const fn spread(name: &'static str, shards: u8) -> Self {
        Self { name, shards }
    }

    /// Its name, `order`.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Entry of a thing with this id. The sort key is the time alone, since index keys need not be unique.
    pub fn entry(self, id: impl Display, at: Timestamp) -> IndexEntry {
        (self.shard(shard_of(&id.to_string(), self.shards)), sortable(at))
    }

    /// All its partitions.
    pub fn partitions(self) -> impl Iterator<Item = String> {
        (0..self.shards).map(move |shard| self.shard(shard))
    }

    fn shard(self, shard: u8) -> String {
        format!("DUE#{}#{shard}", self.name)
    }
}

/// One of `count` shards, by hash, so that ids made at the same instant spread.
pub fn shard_of(id: &str, count: u8) -> u8 {
    Sha256::digest(id.as_bytes()).first().map_or(0, |byte| byte.checked_rem(count).unwrap_or(0))
}

/// True if something may stand in a partition although it belongs in another: it was written when its list had fewer.
pub fn stood_there(is: &str, belongs: &str) -> bool {
    let split = |partition: &str| -> (String, u8) {
        let number = |(list, shard): (&str, &str)| Some((list.to_owned(), shard.parse().ok()?));
        partition.rsplit_once('#').and_then(number).unwrap_or((partition.to_owned(), 0))
    };
    let ((list, shard), (its_list, its_shard)) = (split(is), split(belongs));
    let counts = [1_u8, 2, 4, 8, 16, 32, 64, 128];
    list == its_list && (shard == its_shard || counts.iter().any(|count| its_shard % count == shard))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const WIDE: MonthlyList = MonthlyList::spread("ORDERS", MANY);

    fn noon() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn every_entry_of_a_month_is_in_a_partition_that_its_readers_ask() {
        let read: BTreeSet<String> = WIDE.month(Month::of(noon())).collect();
        let written: BTreeSet<String> = (0..2_000).map(|id| WIDE.entry(noon(), format!("ord_{id}")).0).collect();
        assert_eq!(read, written);
        assert_eq!(read.len(), 64);
    }

    #[test]
    fn a_raised_count_reads_what_was_written_before() {
        let month = Month::of(noon());
        let before: BTreeSet<String> = MonthlyList::new("ORDERS").month(month).collect();
        let after: BTreeSet<String> = WIDE.month(month).collect();
        assert!(before.is_subset(&after));
        let before: BTreeSet<String> = DueList::new("order").partitions().collect();
        assert!(before.is_subset(&DueList::spread("order", SOME).partitions().collect()));
    }

    #[test]
    fn what_was_written_to_fewer_partitions_stands_where_it_did() {
        let sort = "ord_01m7zdc0004f0das5vbgw8ccvw";
        let now = WIDE.entry(noon(), sort).0;
        for count in [1, 2, 4, 8, 16, 32, 64] {
            let then = MonthlyList::spread("ORDERS", count).entry(noon(), sort).0;
            assert!(stood_there(&then, &now), "{then} {now}");
        }
        let others = WIDE.month(Month::of(noon())).filter(|other| stood_there(other, &now)).count();
        assert!(others <= 7, "{others}");
        assert!(!stood_there("ORDERS#2026-10", &now) && !stood_there("REWARDS#2026-11", "ORDERS#2026-11"));
        assert!(stood_there("OUTBOX#5", "OUTBOX#13") && !stood_there("OUTBOX#13", "OUTBOX#5"));
    }

    #[test]
    fn each_count_divides_the_hashes_evenly() {
        for count in [MANY, SOME, FEW, OUTBOX, COUNTERS] {
            assert_eq!(256 % u16::from(count), 0, "{count}");
        }
    }
}
