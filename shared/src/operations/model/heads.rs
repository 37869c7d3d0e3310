//! Heads: the last hash of each account's chain, each day, in a signed tree (R11.2).
//!
//! The leaves of a day's tree are the accounts with an entry that day, by their last one; the root also covers the root of the day
//! before. So the signature of one day holds all entries up to it. An entry belongs to the day in its journal's id, in UTC.
//!
//! Nodes are those of RFC 6962: pairs of hashes, where a last one without a neighbour goes up as it is. The root is the node of the
//! day before's leaf and the tree of accounts. Its leaves are stored in pages, so that a proof needs one of them.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use kernel::content_hash::{Attributes, ContentHash};
use kernel::id::JournalId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Leaves of a page: a power of two, so that a page is a whole part of the tree.
pub const PAGE: usize = 1_024;
/// Most leaves of a day: a page of pages.
pub const LEAVES_MAX: usize = PAGE * PAGE;

/// End of an account's chain, written `chain number hash`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Head {
    /// Name of the chain, `usr_….balance`.
    pub chain: String,
    /// Number of the entry.
    pub number: u64,
    /// Hash of the entry.
    pub hash: ContentHash,
}

impl Head {
    /// Hash of the head as a leaf.
    pub fn leaf(&self) -> ContentHash {
        let own = Attributes::of("guerdon head").with("chain", &self.chain).with("number", self.number);
        own.with("hash", self.hash).hash()
    }

    /// Parses its written form.
    pub fn parse(text: &str) -> Option<Self> {
        let (chain, rest) = text.split_once(' ')?;
        let (number, hash) = rest.split_once(' ')?;
        Some(Self { chain: chain.to_owned(), number: number.parse().ok()?, hash: ContentHash::parse(hash)? })
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.chain, self.number, self.hash)
    }
}

kernel::as_text!(Head, "not the head of a chain");

/// Page of the leaves of a day's tree, by the day and the tree's root: two trees of one day never share a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadsPage {
    pub date: Date,
    /// Root of the tree.
    pub root: ContentHash,
    /// Number of the page, from 0.
    pub number: u32,
    /// Heads in the order of their chains' names.
    pub heads: Vec<Head>,
}

/// Part of a tree that one page holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRoot {
    /// Chain of the page's first leaf.
    pub first: String,
    /// Root of the page's leaves.
    pub root: ContentHash,
}

/// Signed root of a day's tree. Written once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerHeads {
    pub date: Date,
    /// Number of accounts with an entry that day.
    pub accounts: u64,
    /// Root of the day before's tree; [`ContentHash::GENESIS`] for the first day.
    pub before: ContentHash,
    pub root: ContentHash,
    /// Pages of the leaves.
    pub pages: Vec<PageRoot>,
    /// Public key that verifies the signature, in base64url.
    pub key: String,
    /// Ed25519 signature of [`signed_text`], in base64url.
    pub signature: String,
    pub at: Timestamp,
}

/// The last day whose heads are signed; the next one follows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatestHeads {
    pub date: Date,
    pub root: ContentHash,
}

/// Text that is signed: day and root.
pub fn signed_text(date: Date, root: ContentHash) -> String {
    format!("guerdon heads {date} {root}")
}

/// Day that a journal's entries belong to.
pub fn day_of(journal: JournalId) -> Option<Date> {
    journal.made_at().map(|at| at.to_zoned(TimeZone::UTC).date())
}

kernel::text_enum! {
    /// The side of a neighbour in a tree.
    pub enum ProofSide {
        /// It goes before.
        Left = "left",
        /// It goes after.
        Right = "right",
    }
}

/// Step of a proof, from a leaf up: the hash beside, and its side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProofStep {
    pub side: ProofSide,
    #[schema(value_type = String)]
    pub hash: ContentHash,
}

/// Root of a tree over hashes; `None` over none.
pub fn root_of(hashes: &[ContentHash]) -> Option<ContentHash> {
    let mut level = hashes.to_vec();
    while level.len() > 1 {
        level = above(&level);
    }
    level.first().copied()
}

/// Proof of the hash at `index` up to the root.
pub fn path_of(hashes: &[ContentHash], mut index: usize) -> Vec<ProofStep> {
    let mut level = hashes.to_vec();
    let mut steps = Vec::new();
    while level.len() > 1 {
        let (beside, side) = if index.is_multiple_of(2) {
            (index.saturating_add(1), ProofSide::Right)
        } else {
            (index.saturating_sub(1), ProofSide::Left)
        };
        steps.extend(level.get(beside).map(|hash| ProofStep { side, hash: *hash }));
        level = above(&level);
        index /= 2;
    }
    steps
}

/// Root that a leaf's proof leads to.
pub fn climb(leaf: ContentHash, path: &[ProofStep]) -> ContentHash {
    path.iter().fold(leaf, |hash, step| match step.side {
        ProofSide::Left => ContentHash::of_node(step.hash, hash),
        ProofSide::Right => ContentHash::of_node(hash, step.hash),
    })
}

fn above(level: &[ContentHash]) -> Vec<ContentHash> {
    let node = |pair: &[ContentHash]| match pair {
        [left, right] => ContentHash::of_node(*left, *right),
        alone => alone.first().copied().unwrap_or(ContentHash::GENESIS),
    };
    level.chunks(2).map(node).collect()
}

/// Tree of a day before it is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayTree {
    pub date: Date,
    pub before: ContentHash,
    pub root: ContentHash,
    pub pages: Vec<PageRoot>,
    /// Heads by page, in the order of their chains' names.
    pub heads: Vec<Vec<Head>>,
}

impl DayTree {
    /// Tree of a day's heads, one of each chain, after the root of the day before.
    pub fn new(date: Date, before: ContentHash, mut heads: Vec<Head>) -> Self {
        heads.sort();
        let heads: Vec<Vec<Head>> = heads.chunks(PAGE).map(<[Head]>::to_vec).collect();
        let pages: Vec<PageRoot> = heads.iter().filter_map(|page| page_root(page)).collect();
        let root = root_after(before, &pages);
        Self { date, before, root, pages, heads }
    }
}

/// Root of a page of heads.
pub fn page_root(heads: &[Head]) -> Option<PageRoot> {
    let root = root_of(&leaves(heads))?;
    heads.first().map(|first| PageRoot { first: first.chain.clone(), root })
}

/// Root of a day: the leaf of the day before, and the pages of the day's heads.
pub fn root_after(before: ContentHash, pages: &[PageRoot]) -> ContentHash {
    let earlier = earlier_leaf(before);
    let roots: Vec<ContentHash> = pages.iter().map(|page| page.root).collect();
    root_of(&roots).map_or(earlier, |accounts| ContentHash::of_node(earlier, accounts))
}

fn earlier_leaf(before: ContentHash) -> ContentHash {
    Attributes::of("guerdon day before").with("root", before).hash()
}

fn leaves(heads: &[Head]) -> Vec<ContentHash> {
    heads.iter().map(Head::leaf).collect()
}

impl LedgerHeads {
    /// Number of the page that holds a chain's head, if there is one.
    pub fn page_of(&self, chain: &str) -> Option<u32> {
        let after = self.pages.partition_point(|page| page.first.as_str() <= chain);
        u32::try_from(after.checked_sub(1)?).ok()
    }

    /// The head of a chain, and its proof up to the root; `None` if the page has none.
    pub fn proof(&self, page: &HeadsPage, chain: &str) -> Option<(Head, Vec<ProofStep>)> {
        let index = page.heads.iter().position(|head| head.chain == chain)?;
        let roots: Vec<ContentHash> = self.pages.iter().map(|page| page.root).collect();
        let mut steps = path_of(&leaves(&page.heads), index);
        steps.extend(path_of(&roots, usize::try_from(page.number).ok()?));
        steps.push(ProofStep { side: ProofSide::Left, hash: earlier_leaf(self.before) });
        Some((page.heads.get(index)?.clone(), steps))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn heads(count: usize) -> Vec<Head> {
        let head = |index: usize| Head {
            chain: format!("usr_{index:05}.balance"),
            number: 1,
            hash: ContentHash::of(&index.to_string()),
        };
        (0..count).map(head).collect()
    }

    fn signed(tree: &DayTree) -> LedgerHeads {
        LedgerHeads {
            date: tree.date,
            accounts: 0,
            before: tree.before,
            root: tree.root,
            pages: tree.pages.clone(),
            key: String::new(),
            signature: String::new(),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    /// R11.2: each head of a day is proven to be under the root, whatever the number of heads; and no other one is.
    #[test]
    fn each_leaf_leads_to_the_root() {
        for count in [1, 2, 3, 5, 8, 1_023, 1_024, 1_025, 2_500] {
            let all = heads(count);
            let tree = DayTree::new(date(2026, 11, 20), ContentHash::of("before"), all.clone());
            let day = signed(&tree);
            for head in all.iter().step_by(1 + count / 50).chain(all.last()) {
                let number = day.page_of(&head.chain).unwrap();
                let (date, root) = (tree.date, tree.root);
                let heads = tree.heads[usize::try_from(number).unwrap()].clone();
                let page = HeadsPage { date, root, number, heads };
                let (found, path) = day.proof(&page, &head.chain).unwrap();
                assert_eq!((&found, climb(found.leaf(), &path)), (head, tree.root), "{count}");
                let other = Head { number: 2, ..found };
                assert_ne!(climb(other.leaf(), &path), tree.root);
                assert_eq!(day.proof(&page, "usr_00000.commission"), None);
            }
        }
    }

    /// R11.2: a root covers the day before's, also on a day without entries.
    #[test]
    fn a_root_covers_the_day_before() {
        for count in [0, 3] {
            let root = |before: &str| DayTree::new(date(2026, 11, 20), ContentHash::of(before), heads(count)).root;
            assert_ne!(root("a"), root("b"));
            assert_eq!(root("a"), root("a"));
        }
        assert_eq!(signed(&DayTree::new(date(2026, 11, 20), ContentHash::GENESIS, Vec::new())).page_of("usr_1"), None);
    }

    #[test]
    fn a_head_has_one_written_form() {
        let head = &heads(1)[0];
        let text = serde_json::to_value(head).unwrap();
        assert_eq!(serde_json::from_value::<Head>(text).unwrap(), *head);
        for wrong in ["", "usr_1 1", "usr_1 x LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIE", "usr_1 1 x"] {
            assert!(serde_json::from_value::<Head>(wrong.into()).is_err(), "{wrong}");
        }
    }
}
