//! The transaction: the only way to change anything (R1.8).
//!
//! A use case lists conditional writes and the meaning of each failure. [`Store::commit`] is the only code that interprets
//! DynamoDB's response. Write 0 is the **guard**: it makes the effect happen once. Every written item carries the transaction's
//! id, so a transaction recognises its own commit after a lost response.

use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError as CommitError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update,
};
use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::attempts::{AmbiguousAttempts, definitely_not_applied};
use crate::item::{Entity, Item, Versioned, fresh, text};
use crate::key::Key;
use crate::outbox::{Promise, Publish};
use crate::store::{Store, key_item};
use kernel::fault::Fault;
use kernel::ledger::JournalEntry;
use kernel::refusal::Refusal;

/// Write limit of one transaction, set by DynamoDB.
pub const MAX_WRITES: usize = 100;

/// Entity whose uses the database counts: `used` up to `own_uses`, within an `edition`.
pub trait Metered: Entity {
    /// Number of the current use limit; each change of the limit increases it.
    fn edition(&self) -> u64;
}

#[derive(Debug)]
enum Change {
    Put(Item),
    Delete,
    Check,
    Count {
        kind: &'static str,
        counts: Vec<(String, Decimal)>,
    },
    /// One more use; `fresh` is the initial item if none may exist yet.
    Use {
        edition: u64,
        fresh: Option<Item>,
    },
}

#[derive(Debug, Clone, Copy)]
enum Condition {
    Absent,
    AbsentOrExpired(Timestamp),
    Revision(i64),
    /// `used` is below `own_uses`, in the edition that was read.
    UseLeft {
        may_be_absent: bool,
    },
    None,
}

#[derive(Debug)]
struct Write {
    key: Key,
    change: Change,
    condition: Condition,
    /// Refusal if the condition fails; `None` means a conflict.
    refusal: Option<Refusal>,
}

/// All-or-nothing list of conditional writes, with the messages to send after the commit.
#[derive(Debug)]
pub struct Tx {
    id: String,
    writes: Vec<Write>,
    messages: Vec<Promise>,
    journals: bool,
    broken: Option<Fault>,
}

impl Tx {
    /// An empty transaction with this id.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), writes: Vec::new(), messages: Vec::new(), journals: false, broken: None }
    }

    /// The id, which every written item carries.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// True if it has neither writes nor messages.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.messages.is_empty()
    }

    /// Number of writes.
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// Messages to send after the commit.
    pub fn messages(&self) -> &[Promise] {
        &self.messages
    }

    /// True if it writes a journal.
    pub(crate) fn writes_journal(&self) -> bool {
        self.journals
    }

    /// Inserts an entity; fails if an item with its key exists.
    pub fn insert<T: Entity>(&mut self, noun: &T) -> Written<'_> {
        self.journals |= T::TYPE == JournalEntry::TYPE;
        let change = fresh(noun, &self.id, 1).map(Change::Put);
        self.push(noun.own_key(), change, Condition::Absent)
    }

    /// Inserts an entity; also replaces an expired item that the database has not deleted yet.
    pub fn insert_or_expired<T: Entity>(&mut self, noun: &T, now: Timestamp) -> Written<'_> {
        let change = fresh(noun, &self.id, 1).map(Change::Put);
        self.push(noun.own_key(), change, Condition::AbsentOrExpired(now))
    }

    /// Replaces an entity; fails if it changed since it was read.
    pub fn replace<T: Entity>(&mut self, before: &Versioned<T>, after: &T) -> Written<'_> {
        let change = before.rewritten(after, &self.id).map(Change::Put);
        self.push(after.own_key(), change, Condition::Revision(before.rev()))
    }

    /// Inserts the entity, or replaces the one that was read.
    pub fn upsert<T: Entity>(&mut self, before: Option<&Versioned<T>>, after: &T) -> Written<'_> {
        match before {
            Some(before) => self.replace(before, after),
            None => self.insert(after),
        }
    }

    /// Deletes an entity; fails if it changed since it was read.
    pub fn remove<T: Entity>(&mut self, before: &Versioned<T>) -> Written<'_> {
        self.push(before.own_key(), Ok(Change::Delete), Condition::Revision(before.rev()))
    }

    /// Requires that an entity has not changed since it was read.
    pub fn unchanged<T: Entity>(&mut self, before: &Versioned<T>) -> Written<'_> {
        self.push(before.own_key(), Ok(Change::Check), Condition::Revision(before.rev()))
    }

    /// Requires that no item exists at `key`.
    pub fn absent(&mut self, key: impl Into<Key>) -> Written<'_> {
        self.push(key, Ok(Change::Check), Condition::Absent)
    }

    /// Adds to named counters of the item at `key`; the first count creates it. It has no condition.
    pub fn count(&mut self, key: Key, kind: &'static str, counts: Vec<(String, Decimal)>) {
        self.push(key, Ok(Change::Count { kind, counts }), Condition::None);
    }

    /// Takes one of a code's own uses; fails if none is left or the code was edited since it was read.
    ///
    /// Concurrent uses do not conflict as replacements would.
    pub fn take_use<T: Metered>(&mut self, code: &T) -> Written<'_> {
        let change = Ok(Change::Use { edition: code.edition(), fresh: None });
        self.push(code.own_key(), change, Condition::UseLeft { may_be_absent: false })
    }

    /// As [`take_use`](Self::take_use), and creates the entity from `begun` at its first use.
    pub fn take_use_or_begin<T: Metered>(&mut self, begun: &T) -> Written<'_> {
        let edition = begun.edition();
        let change = fresh(begun, &self.id, 0).map(|item| Change::Use { edition, fresh: Some(item) });
        self.push(begun.own_key(), change, Condition::UseLeft { may_be_absent: true })
    }

    /// Key of the guard.
    pub(crate) fn marker(&self) -> Option<&Key> {
        self.writes.first().map(|write| &write.key)
    }

    /// Queues a message; it is sent at least once if, and only if, the transaction commits.
    pub fn send(&mut self, message: impl Publish) {
        match message.promise() {
            Ok(promise) => self.messages.push(promise),
            Err(fault) => self.broken = Some(fault),
        }
    }

    /// Puts the write added by `mark` first, as the guard.
    pub fn mark(&mut self, mark: impl FnOnce(&mut Self)) {
        mark(self);
        self.writes.rotate_right(1);
    }

    fn push(&mut self, key: impl Into<Key>, change: Result<Change, Fault>, condition: Condition) -> Written<'_> {
        let key = key.into();
        if self.writes.iter().any(|write| write.key == key) {
            self.broken.get_or_insert(Fault::bug(format!("two writes on {}/{}", key.pk, key.sk)));
        }
        match change {
            Ok(change) => {
                self.writes.push(Write { key, change, condition, refusal: None });
                Written(self.writes.last_mut())
            }
            Err(fault) => {
                self.broken = Some(fault);
                Written(None)
            }
        }
    }
}

/// A write of a transaction.
///
/// If its condition fails, that is a conflict and the use case is planned again, unless [`or`](Self::or) names a refusal.
#[derive(Debug)]
pub struct Written<'a>(Option<&'a mut Write>);

impl Written<'_> {
    /// Says that a failed condition means to plan again, which it does by itself.
    pub fn or_retry(self) {}

    /// Rejects with `refusal` if the condition fails.
    pub fn or(self, refusal: Refusal) {
        if let Some(write) = self.0 {
            write.refusal = Some(refusal);
        }
    }
}

impl Write {
    fn request(&self, table: &str, tx: &str) -> Result<TransactWriteItem, BuildError> {
        let all_old = ReturnValuesOnConditionCheckFailure::AllOld;
        let condition = self.condition.expression().map(str::to_owned);
        let (names, values) = (self.condition.names(), self.condition.values());
        let item = TransactWriteItem::builder();
        Ok(match &self.change {
            Change::Put(new) => item.put(
                Put::builder()
                    .table_name(table)
                    .set_item(Some(new.clone()))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .return_values_on_condition_check_failure(all_old)
                    .build()?,
            ),
            Change::Delete => item.delete(
                Delete::builder()
                    .table_name(table)
                    .set_key(Some(key_item(&self.key)))
                    .set_condition_expression(condition)
                    .set_expression_attribute_values(values)
                    .return_values_on_condition_check_failure(all_old)
                    .build()?,
            ),
            Change::Check => item.condition_check(
                ConditionCheck::builder()
                    .table_name(table)
                    .set_key(Some(key_item(&self.key)))
                    .set_condition_expression(condition)
                    .set_expression_attribute_values(values)
                    .return_values_on_condition_check_failure(all_old)
                    .build()?,
            ),
            Change::Count { kind, counts } => item.update(counting(table, &self.key, kind, counts).build()?),
            Change::Use { edition, fresh } => item.update(
                using(table, &self.key, *edition, fresh.as_ref(), tx)
                    .set_condition_expression(condition)
                    .return_values_on_condition_check_failure(all_old)
                    .build()?,
            ),
        }
        .build())
    }
}

fn counting(
    table: &str,
    key: &Key,
    kind: &str,
    counts: &[(String, Decimal)],
) -> aws_sdk_dynamodb::types::builders::UpdateBuilder {
    let mut update = Update::builder()
        .table_name(table)
        .set_key(Some(key_item(key)))
        .expression_attribute_names("#type", "type")
        .expression_attribute_values(":type", AttributeValue::S(kind.to_owned()))
        .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
    let mut adds = Vec::new();
    for (index, (name, amount)) in counts.iter().enumerate() {
        adds.push(format!("#c{index} :c{index}"));
        update = update
            .expression_attribute_names(format!("#c{index}"), name)
            .expression_attribute_values(format!(":c{index}"), AttributeValue::N(amount.normalize().to_string()));
    }
    update.update_expression(format!("SET #type = :type, v = :one ADD {}", adds.join(", ")))
}

/// Adds one use to the existing item, or creates the fresh one with it.
fn using(
    table: &str,
    key: &Key,
    edition: u64,
    fresh: Option<&Item>,
    tx: &str,
) -> aws_sdk_dynamodb::types::builders::UpdateBuilder {
    let number = |number: u64| AttributeValue::N(number.to_string());
    let mut update = Update::builder()
        .table_name(table)
        .set_key(Some(key_item(key)))
        .expression_attribute_values(":edition", number(edition))
        .expression_attribute_values(":one", number(1))
        .expression_attribute_values(":tx", AttributeValue::S(tx.to_owned()));
    let mut sets = vec!["tx = :tx".to_owned()];
    let begun = fresh.into_iter().flatten();
    for (index, (name, value)) in begun.filter(|(name, _)| !COUNTED.contains(&name.as_str())).enumerate() {
        sets.push(format!("#b{index} = if_not_exists(#b{index}, :b{index})"));
        update = update
            .expression_attribute_names(format!("#b{index}"), name)
            .expression_attribute_values(format!(":b{index}"), value.clone());
    }
    update.update_expression(format!("SET {} ADD used :one, rev :one", sets.join(", ")))
}

/// Attributes not copied from the fresh item: the key, and those the update itself sets.
const COUNTED: [&str; 5] = ["pk", "sk", "used", "rev", "tx"];

impl Condition {
    fn expression(self) -> Option<&'static str> {
        match self {
            Self::Absent => Some("attribute_not_exists(pk)"),
            Self::AbsentOrExpired(_) => Some("attribute_not_exists(pk) OR #ttl <= :now"),
            Self::Revision(_) => Some("rev = :rev"),
            Self::UseLeft { may_be_absent: false } => Some("edition = :edition AND used < own_uses"),
            Self::UseLeft { may_be_absent: true } => {
                Some("attribute_not_exists(pk) OR (edition = :edition AND used < own_uses)")
            }
            Self::None => None,
        }
    }

    fn names(self) -> Option<std::collections::HashMap<String, String>> {
        matches!(self, Self::AbsentOrExpired(_)).then(|| [("#ttl".to_owned(), "ttl".to_owned())].into())
    }

    fn values(self) -> Option<Item> {
        match self {
            Self::AbsentOrExpired(now) => {
                Some([(":now".to_owned(), AttributeValue::N(now.as_second().to_string()))].into())
            }
            Self::Revision(rev) => Some([(":rev".to_owned(), AttributeValue::N(rev.to_string()))].into()),
            Self::Absent | Self::UseLeft { .. } | Self::None => None,
        }
    }
}

/// Result of a commit attempt.
#[derive(Debug)]
pub enum CommitResult {
    /// All writes are stored.
    Committed,
    /// The guard already exists; this is its item. Nothing was written now.
    AlreadyApplied(Item),
    /// A condition failed that means a refusal. Nothing was written.
    Rejected(Refusal),
    /// A transient failure; plan again. Nothing was written.
    Conflict(String),
    /// The response was lost. Read the guard to learn the outcome.
    Indeterminate(String),
}

impl Store {
    /// Commits a transaction, all or nothing.
    ///
    /// # Errors
    /// [`Fault`] when it can never commit: too many writes, an item that can't be built, a request that the database rejects as
    /// invalid.
    pub async fn commit(&self, tx: &Tx) -> Result<CommitResult, Fault> {
        if let Some(broken) = &tx.broken {
            return Err(broken.clone());
        }
        if tx.writes.is_empty() || tx.writes.len() > MAX_WRITES {
            return Err(Fault::bug(format!("a transaction of {} writes", tx.writes.len())));
        }
        let items: Result<Vec<_>, _> = tx.writes.iter().map(|write| write.request(&self.table, &tx.id)).collect();
        let items = items.map_err(Fault::bug)?;
        let doubt = AmbiguousAttempts::default();
        let request = self.client.transact_write_items().set_transact_items(Some(items)).client_request_token(&tx.id);
        match request.customize().interceptor(doubt.clone()).send().await {
            Ok(_) => Ok(CommitResult::Committed),
            Err(error) => Ok(match judge(tx, error)? {
                CommitResult::Conflict(why) if doubt.any() => CommitResult::Indeterminate(why),
                outcome => outcome,
            }),
        }
    }
}

fn judge(tx: &Tx, error: SdkError<CommitError>) -> Result<CommitResult, Fault> {
    let why = crate::store::explain(&error);
    let Some(service) = error.as_service_error() else {
        // Only a construction failure was certainly not sent. Anything else may have reached the database.
        return match error {
            SdkError::ConstructionFailure(_) => Err(Fault::bug(error)),
            _ => Ok(CommitResult::Indeterminate(why)),
        };
    };
    if let CommitError::TransactionCanceledException(cancelled) = service {
        return cancelled_because(tx, cancelled.cancellation_reasons());
    }
    if definitely_not_applied(service) {
        return Ok(CommitResult::Conflict(why));
    }
    match service.code().unwrap_or_default() {
        "ValidationException"
        | "IdempotentParameterMismatchException"
        | "ResourceNotFoundException"
        | "AccessDeniedException"
        | "UnrecognizedClientException"
        | "SerializationException" => Err(Fault::unavailable("TransactWriteItems", error)),
        _ => Ok(CommitResult::Indeterminate(why)),
    }
}

/// Interprets a cancellation; the reasons are in the order of the writes.
///
/// A mix of failed conditions and conflicts is inconclusive, so plan again. Only an existing guard, or failed conditions alone,
/// are conclusive.
fn cancelled_because(tx: &Tx, reasons: &[CancellationReason]) -> Result<CommitResult, Fault> {
    let mut refused: Option<&Refusal> = None;
    let mut passing: Option<String> = None;
    for (index, (write, reason)) in tx.writes.iter().zip(reasons).enumerate() {
        match reason.code().unwrap_or_default() {
            "" | "None" => {}
            "ConditionalCheckFailed" => {
                let old = reason.item();
                if let Some(old) = old.filter(|old| text(old, "tx") == Some(tx.id.as_str())) {
                    tracing::debug!(item = crate::item::describe(old), "recognised an own write");
                    return Ok(CommitResult::Committed);
                }
                match (index, old) {
                    (0, Some(old)) if matches!(write.condition, Condition::Absent | Condition::AbsentOrExpired(_)) => {
                        return Ok(CommitResult::AlreadyApplied(old.clone()));
                    }
                    _ => match &write.refusal {
                        Some(refusal) => refused = refused.or(Some(refusal)),
                        None => passing = passing.or_else(|| Some(format!("write {index} on {} moved", write.key.pk))),
                    },
                }
            }
            "ValidationError" | "ItemCollectionSizeLimitExceeded" => {
                let why = format!("write {index}: {}", reason.message().unwrap_or_default());
                return Err(Fault::unavailable("TransactWriteItems", why));
            }
            other => {
                passing.get_or_insert(format!("write {index} on {}: {other}", write.key.pk));
            }
        }
    }
    Ok(match (passing, refused) {
        (Some(why), _) => CommitResult::Conflict(why),
        (None, Some(refusal)) => CommitResult::Rejected(refusal.clone()),
        (None, _) => CommitResult::Conflict("cancelled without a reason".to_owned()),
    })
}
