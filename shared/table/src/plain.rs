//! Plain writes: the only writes outside a transaction, harmless if lost or repeated.
//!
//! Their permissions in the template are limited to their key prefixes.

#![allow(clippy::disallowed_methods, reason = "the one place where a write stands outside a transaction")]

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;

use crate::item::{Entity, Item, fresh, integer};
use crate::key::Key;
use crate::outbox::Outbox;
use crate::store::{Store, key_item};
use kernel::fault::Fault;
use kernel::key_part::KeyPart;
use kernel::refusal::Refusal;

impl Store {
    /// Deletes an outbox item after its messages were sent.
    ///
    /// If the deletion is lost, the sweeper sends them again.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn delete_sent(&self, outbox: &Key<Outbox>) -> Result<(), Fault> {
        let delete = self.client.delete_item().table_name(&self.table).set_key(Some(key_item(outbox)));
        delete.send().await.map_err(|error| Fault::unavailable("DeleteItem", error)).map(drop)
    }

    /// Stores an entity unless it exists; idempotent.
    ///
    /// For entities that no decision depends on, such as raw events.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn keep<T: Entity>(&self, noun: &T) -> Result<(), Fault> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(fresh(noun, "", 1)?))
            .condition_expression("attribute_not_exists(pk)");
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(()),
            Err(error) => Err(Fault::unavailable("PutItem", error)),
        }
    }

    /// Counts one attempt in a window of `seconds` from the first attempt and returns the window.
    ///
    /// Attempts are counted before they are checked. A lost count lets one more attempt through.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn record_attempt(
        &self,
        kind: &str,
        hash: &str,
        now: Timestamp,
        seconds: i64,
    ) -> Result<RateWindow, Fault> {
        let key = RateWindow::key(kind, hash);
        let ends = now.as_second().saturating_add(seconds);
        // First try the current window or a new one, then replace an expired one, then retry in the window of a concurrent
        // caller.
        for over in [false, true, false] {
            let (change, condition) = if over {
                ("SET #type = :type, v = :one, tries = :one, #ttl = :ends", "#ttl <= :now")
            } else {
                let change = "SET #type = :type, v = :one, #ttl = if_not_exists(#ttl, :ends) ADD tries :one";
                (change, "attribute_not_exists(pk) OR #ttl > :now")
            };
            let update = self
                .client
                .update_item()
                .table_name(&self.table)
                .set_key(Some(key_item(&key)))
                .update_expression(change)
                .condition_expression(condition)
                .expression_attribute_names("#type", "type")
                .expression_attribute_names("#ttl", "ttl")
                .expression_attribute_values(":type", AttributeValue::S("try".to_owned()))
                .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
                .expression_attribute_values(":ends", AttributeValue::N(ends.to_string()))
                .expression_attribute_values(":now", AttributeValue::N(now.as_second().to_string()))
                .return_values(ReturnValue::AllNew);
            match update.send().await {
                Ok(answer) => return Ok(RateWindow::of(&answer.attributes.unwrap_or_default())),
                Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {}
                Err(error) => return Err(Fault::unavailable("UpdateItem", error)),
            }
        }
        Err(Fault::unavailable("UpdateItem", "windows of tries kept ending"))
    }

    /// Takes back one attempt of the current window, as if it had not been made.
    ///
    /// If it is repeated after a lost reply, two attempts are taken back.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn take_back_attempt(&self, kind: &str, hash: &str, now: Timestamp) -> Result<(), Fault> {
        let number = |number: i64| AttributeValue::N(number.to_string());
        let change = self
            .client
            .update_item()
            .update_expression("SET tries = tries - :one")
            .condition_expression("tries > :none AND #ttl > :now")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":none", number(0))
            .expression_attribute_values(":now", number(now.as_second()));
        self.change_attempts(change, kind, hash).await
    }

    /// Clears the attempts of a window; a no-op without one.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn clear_attempts(&self, kind: &str, hash: &str) -> Result<(), Fault> {
        let change = self
            .client
            .update_item()
            .update_expression("SET tries = :none")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":none", AttributeValue::N("0".to_owned()));
        self.change_attempts(change, kind, hash).await
    }

    async fn change_attempts(&self, change: UpdateItemFluentBuilder, kind: &str, hash: &str) -> Result<(), Fault> {
        let key = key_item(&RateWindow::key(kind, hash));
        match change.table_name(&self.table).set_key(Some(key)).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(()),
            Err(error) => Err(Fault::unavailable("UpdateItem", error)),
        }
    }

    /// Reads the window of attempts that contains `now`.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn tries(&self, kind: &str, hash: &str, now: Timestamp) -> Result<RateWindow, Fault> {
        let item = self.get_item(&RateWindow::key(kind, hash)).await?;
        Ok(RateWindow::within(item.as_ref(), now))
    }
}

/// Number of attempts in a window and its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateWindow {
    pub count: i64,
    /// Unix time in seconds.
    pub ends: i64,
}

impl RateWindow {
    /// Key of the window for one kind of attempt and one subject, by its secret hash.
    pub fn key(kind: &str, hash: &str) -> Key {
        Key::of(format!("TRY#{}#{}", kind.part(), hash.part()), "TRY")
    }

    fn of(item: &Item) -> Self {
        Self { count: integer(item, "tries").unwrap_or(0), ends: integer(item, "ttl").unwrap_or(0) }
    }

    /// The window in `item` if it contains `now`, else an empty one.
    pub fn within(item: Option<&Item>, now: Timestamp) -> Self {
        item.map(Self::of).filter(|tries| tries.ends > now.as_second()).unwrap_or_default()
    }

    /// Refusal until the window ends.
    pub fn refused(self, now: Timestamp) -> Refusal {
        self.refused_by("", now)
    }

    /// Refusal until the window ends; `limit` names the limit, such as `20 wrong codes in an hour`.
    pub fn refused_by(self, limit: impl Into<String>, now: Timestamp) -> Refusal {
        let left = self.ends.saturating_sub(now.as_second()).max(1);
        Refusal::RateLimited { limit: limit.into(), retry_after: u32::try_from(left).unwrap_or(u32::MAX) }
    }
}
