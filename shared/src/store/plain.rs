//! The plain writes: harmless when they are lost or happen twice, and the only writes outside a transaction.
//!
//! Their permissions name the key prefix in the template.

#![allow(clippy::disallowed_methods, reason = "the one place where a write stands outside a transaction")]

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::{Timestamp, ToSpan};

use super::item::{Record, fresh, integer};
use super::key::Key;
use super::{Store, key_item, unavailable};
use crate::domain::id::OutboxId;
use crate::fault::Fault;

impl Store {
    /// Deletes an outbox item whose messages were sent. Lost: the sweeper sends them again.
    ///
    /// # Errors
    /// When the database can't be reached.
    pub async fn delete_sent(&self, outbox: OutboxId) -> Result<(), Fault> {
        let delete = self.client.delete_item().table_name(&self.table).set_key(Some(key_item(&Key::outbox(outbox))));
        delete.send().await.map_err(|error| unavailable("DeleteItem", &error)).map(drop)
    }

    /// Keeps a noun that nothing decides on, such as a raw event, unless it is there. Twice is once.
    ///
    /// # Errors
    /// When the database can't be reached.
    pub async fn keep<T: Record>(&self, noun: &T) -> Result<(), Fault> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(fresh(noun, "", 1)?))
            .condition_expression("attribute_not_exists(pk)");
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(()),
            Err(error) => Err(unavailable("PutItem", &error)),
        }
    }

    /// Counts one attempt in the window of `seconds` that contains `now`, and answers how many it holds. Attempts are
    /// counted before they are judged; a lost count lets one more attempt through.
    ///
    /// # Errors
    /// When the database can't be reached.
    pub async fn count_try(&self, kind: &str, hash: &str, now: Timestamp, seconds: i64) -> Result<i64, Fault> {
        let window = now.as_second().div_euclid(seconds.max(1));
        let ends = window.saturating_add(1).saturating_mul(seconds);
        let key = Key::tries(kind, &format!("{hash}.{window}"));
        let gone = now.checked_add(seconds.seconds()).map_or(ends, |at| at.as_second().max(ends));
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key_item(&key)))
            .update_expression("SET #type = :type, v = :one, #ttl = :ttl ADD tries :one")
            .expression_attribute_names("#type", "type")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":type", AttributeValue::S("try".to_owned()))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .expression_attribute_values(":ttl", AttributeValue::N(gone.to_string()))
            .return_values(ReturnValue::UpdatedNew);
        let answer = update.send().await.map_err(|error| unavailable("UpdateItem", &error))?;
        let item = answer.attributes.unwrap_or_default();
        integer(&item, "tries").ok_or_else(|| Fault::bug("a count without a number"))
    }

    /// How many attempts the window of `seconds` that contains `now` holds.
    ///
    /// # Errors
    /// When the database can't be reached.
    pub async fn tries(&self, kind: &str, hash: &str, now: Timestamp, seconds: i64) -> Result<i64, Fault> {
        let window = now.as_second().div_euclid(seconds.max(1));
        let item = self.get_item(&Key::tries(kind, &format!("{hash}.{window}"))).await?;
        Ok(item.as_ref().and_then(|item| integer(item, "tries")).unwrap_or(0))
    }
}
