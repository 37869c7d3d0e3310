//! Hash chains: each journal entry of an account has a hash over its own attributes and the hash of the entry before (R11.1).
//!
//! The account's item carries the hash of its last entry. Both are written in one transaction under the revision of the account,
//! which numbers the entries, too; so a chain has no forks and no gaps. Entries of platform accounts alone have no account item,
//! and stand in no chain; the platform lines of all others are covered.
//!
//! The hash has two levels, so that an account's owner can recompute it: what only the operator sees (source, actor, request and
//! platform lines) enters as one hash. A remark enters as its hash, which stays when the remark is erased.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{JournalEntry, Line};
use crate::content_hash::{Attributes, ContentHash};
use crate::ledger::AccountOwner;

/// A journal entry as its hash covers it and its owner may see it: texts, as they are hashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProvenEntry {
    /// Number among the journal entries of its account, 1..n.
    pub number: u64,
    pub journal: String,
    pub created_at: String,
    /// Role that moved the money.
    pub operator: String,
    pub lines: Vec<ProvenLine>,
    /// Hash of what only the operator sees: source, actor, request and the lines of platform accounts.
    #[schema(value_type = String)]
    pub internal: ContentHash,
    /// Hash of this entry, over the hash before.
    #[schema(value_type = String)]
    pub hash: ContentHash,
}

/// A line of a journal entry as the entry's hash covers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProvenLine {
    pub account: String,
    /// Part of the commission account.
    pub part: Option<String>,
    /// Type on the statement.
    #[serde(rename = "type")]
    pub kind: String,
    pub currency: String,
    pub amount: String,
    /// Number of the line in its account.
    pub seq: u64,
    pub before: String,
    pub after: String,
    pub remark: Option<String>,
    /// Hash of a remark that was erased.
    #[schema(value_type = Option<String>)]
    pub remark_hash: Option<ContentHash>,
    pub related_id: Option<String>,
}

impl ProvenEntry {
    /// Hash of the entry in a chain after the hash `before`; what it says its hash is, is not looked at.
    pub fn hash_after(&self, chain: &str, before: ContentHash) -> ContentHash {
        let own = Attributes::of("guerdon entry")
            .with("before", before)
            .with("chain", chain)
            .with("number", self.number)
            .with("journal", &self.journal)
            .with("created_at", &self.created_at)
            .with("operator", &self.operator)
            .with("internal", self.internal);
        self.lines.iter().fold(own, |all, line| all.with("line", line.hash())).hash()
    }
}

impl ProvenLine {
    fn of(line: &Line) -> Self {
        Self {
            account: line.account.to_string(),
            part: line.part.map(|part| part.to_string()),
            kind: line.kind.to_string(),
            currency: line.amount.currency().to_string(),
            amount: line.amount.amount().normalize().to_string(),
            seq: line.seq,
            before: line.before.normalize().to_string(),
            after: line.after.normalize().to_string(),
            remark: line.remark.clone(),
            remark_hash: line.remark_hash,
            related_id: line.related_id.clone(),
        }
    }

    fn hash(&self) -> ContentHash {
        Attributes::of("guerdon line")
            .with("account", &self.account)
            .with_optional("part", self.part.as_ref())
            .with("type", &self.kind)
            .with("currency", &self.currency)
            .with("amount", &self.amount)
            .with("seq", self.seq)
            .with("before", &self.before)
            .with("after", &self.after)
            .with_optional("remark", self.remark.as_deref().map(ContentHash::of).or(self.remark_hash))
            .with_optional("related_id", self.related_id.as_ref())
            .hash()
    }
}

impl JournalEntry {
    /// Name of the chain that the entry stands in, `usr_….balance`; `None` for platform accounts alone.
    pub fn chain(&self) -> Option<String> {
        self.holder.map(|holder| chain_name(holder, self.is_of_commission()))
    }

    /// Hash that the entry has after the hash `before` in its chain; none before the first.
    pub fn hash_after(&self, before: Option<ContentHash>) -> ContentHash {
        let chain = self.chain().unwrap_or_default();
        self.unhashed().hash_after(&chain, before.unwrap_or(ContentHash::GENESIS))
    }

    /// The entry as its owner may prove it; `None` for an entry from before there were chains.
    pub fn proven(&self) -> Option<ProvenEntry> {
        self.hash.map(|hash| ProvenEntry { hash, ..self.unhashed() })
    }

    /// The entry with hashes in place of its remarks: the form in which personal texts can be erased. It keeps its own hash.
    #[must_use]
    pub fn without_remarks(&self) -> Self {
        let mut entry = self.clone();
        for line in &mut entry.entries {
            line.remark_hash = line.remark.take().as_deref().map(ContentHash::of).or(line.remark_hash);
        }
        entry
    }

    fn unhashed(&self) -> ProvenEntry {
        ProvenEntry {
            number: self.number,
            journal: self.header.journal.to_string(),
            created_at: self.header.at.to_string(),
            operator: self.header.operator.to_string(),
            lines: self.entries.iter().map(ProvenLine::of).collect(),
            internal: self.internal(),
            hash: ContentHash::GENESIS,
        }
    }

    fn internal(&self) -> ContentHash {
        let header = &self.header;
        let own = Attributes::of("guerdon internal")
            .with("cause", &header.cause)
            .with("step", header.step)
            .with_optional("corrects", header.corrects)
            .with("actor", &header.actor)
            .with("request_id", &header.request_id);
        let lines = self.house.iter().fold(own, |all, line| {
            let amount = line.amount.amount().normalize();
            all.with("account", line.account.as_str()).with("currency", line.amount.currency()).with("amount", amount)
        });
        lines.hash()
    }
}

/// Name of an owner's chain: a user has one for the balance with its debt, and one for the commission.
pub fn chain_name(holder: AccountOwner, of_commission: bool) -> String {
    match holder {
        AccountOwner::User(user) if of_commission => format!("{user}.commission"),
        AccountOwner::User(user) => format!("{user}.balance"),
        other => other.to_string(),
    }
}

/// Walks a chain from its first entry on: the last hash, and the numbers of entries that do not continue the chain.
///
/// Entries from before there were chains have no hash, and stand before all that have one (R11.1).
pub fn check_chain<'a>(entries: impl IntoIterator<Item = &'a JournalEntry>) -> (Option<ContentHash>, Vec<u64>) {
    let (mut head, mut broken) = (None, Vec::new());
    for entry in entries {
        match entry.hash {
            None if head.is_none() => {}
            Some(hash) if hash == entry.hash_after(head) => head = Some(hash),
            other => {
                broken.push(entry.number);
                head = other.or(head);
            }
        }
    }
    (head, broken)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use rust_decimal::Decimal;
    use ulid::Ulid;

    use super::*;
    use crate::id::{JournalId, UserId};
    use crate::ledger::{Accounts, Header, NewLine, Operator, PlatformAccount, PlatformLine, RecordType};
    use crate::money::{Currency, LedgerMoney};

    /// Three entries of one account, each of 1 USD.
    fn three() -> Vec<JournalEntry> {
        let one = LedgerMoney::exact(Decimal::ONE, Currency::USD).unwrap();
        let mut accounts = Accounts::new(Currency::USD);
        let entry = |number: u128| {
            let header = Header {
                journal: JournalId::new(Ulid::from_parts(1, number)),
                cause: format!("adjustment:{number}"),
                step: 0,
                corrects: None,
                operator: Operator::Admin,
                actor: "usr_1".into(),
                request_id: "r".into(),
                at: Timestamp::UNIX_EPOCH,
            };
            let line = NewLine { remark: Some("for Ann".into()), ..NewLine::new(RecordType::Admin, one, "x") };
            let house = vec![PlatformLine::new(PlatformAccount::Adjustment, one.negated())];
            let owner = UserId::new(Ulid::from_parts(1, 1));
            let (after, entry) = accounts.post(owner, header, &[line], house).unwrap();
            accounts = after;
            assert_eq!(accounts.head, entry.hash);
            entry
        };
        (1..=3).map(entry).collect()
    }

    fn broken(entries: &[JournalEntry]) -> Vec<u64> {
        check_chain(entries).1
    }

    /// R11.1: an entry changed in anything is named, and no other one.
    #[test]
    fn a_changed_entry_does_not_continue_its_chain() {
        let sound = three();
        assert_eq!(check_chain(&sound), (sound[2].hash, vec![]));
        let changes: [fn(&mut JournalEntry); 16] = [
            |entry| entry.header.at = Timestamp::from_second(1).unwrap(),
            |entry| entry.header.cause.push('x'),
            |entry| entry.header.step = 1,
            |entry| entry.header.corrects = Some(entry.header.journal),
            |entry| entry.header.actor.push('x'),
            |entry| entry.header.request_id.push('x'),
            |entry| entry.header.operator = Operator::System,
            |entry| entry.header.journal = JournalId::new(Ulid::from_parts(9, 9)),
            |entry| entry.house.clear(),
            |entry| entry.entries[0].amount = LedgerMoney::exact(Decimal::TWO, Currency::USD).unwrap(),
            |entry| entry.entries[0].amount = LedgerMoney::exact(Decimal::ONE, Currency::CNY).unwrap(),
            |entry| entry.entries[0].kind = RecordType::Payment,
            |entry| entry.entries[0].before = Decimal::TEN,
            |entry| entry.entries[0].remark = None,
            |entry| entry.entries[0].related_id = None,
            |entry| entry.entries.clear(),
        ];
        for (index, change) in changes.iter().enumerate() {
            let mut entries = three();
            change(&mut entries[1]);
            assert_eq!(broken(&entries), [2], "change {index}");
        }
        let [first, second, third] = three().try_into().unwrap();
        assert_eq!(broken(&[first.clone(), third.clone()]), [3], "an entry is missing");
        assert_eq!(broken(&[second, first, third]), [2, 1, 3], "entries in another order");
    }

    /// R11.1: entries of an earlier release have no hash; the first one that has follows a fixed value, and none lacks it then.
    #[test]
    fn a_chain_begins_after_entries_without_a_hash() {
        let chained = three();
        let old = JournalEntry { hash: None, ..chained[0].clone() };
        let first = JournalEntry { hash: Some(chained[1].hash_after(None)), ..chained[1].clone() };
        assert!(broken(&[old.clone(), old.clone(), first.clone()]).is_empty());
        assert_eq!(broken(&[old.clone(), chained[1].clone()]), [2]);
        assert_eq!(broken(&[first, old]), [1], "a hash that was taken away");
    }

    /// R11.1: an erased remark leaves its hash, and the chain holds.
    #[test]
    fn erasing_a_remark_keeps_the_chain() {
        let mut entries = three();
        entries[1] = entries[1].without_remarks();
        assert_eq!((entries[1].entries[0].remark.as_deref(), entries[1].without_remarks()), (None, entries[1].clone()));
        assert!(broken(&entries).is_empty());
        entries[1].entries[0].remark_hash = Some(ContentHash::of("for Bob"));
        assert_eq!(broken(&entries), [2]);
    }

    /// R11.1: one owner's entries do not continue another owner's chain, nor those of the other account.
    #[test]
    fn a_chain_has_one_account() {
        let mut entries = three();
        for entry in &mut entries {
            entry.holder = Some(UserId::new(Ulid::from_parts(2, 2)).into());
        }
        assert_eq!(broken(&entries), [1, 2, 3]);
        let user = UserId::new(Ulid::from_parts(1, 1));
        assert_ne!(chain_name(user.into(), true), chain_name(user.into(), false));
    }
}
