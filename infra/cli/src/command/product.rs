//! `plans`, `webhooks` and `keys`: what the operator's product uses.

use serde_json::{Value, json};

use super::{segment, settings};
use crate::Ended;
use crate::api::Api;
use crate::args::{Keys, Plans, Webhooks};
use crate::output::Out;
use crate::trouble::Trouble;

const PLANS: &str = "/v1/admin/plans";
const ENDPOINTS: &str = "/v1/admin/webhook-endpoints";
const KEYS: &str = "/v1/admin/service-keys";
/// Note beside a secret.
const ONCE: &str = "the secret is shown once";

/// Lists, shows, creates or changes plans.
///
/// # Errors
/// Any request that the API refuses.
pub async fn plans(asked: Plans, api: &Api, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    match asked {
        Plans::List(page) => {
            let columns = ["id", "created_at", "name", "quota", "traffic_bytes", "on_sale", "version"];
            out.list(&columns, &api.list(PLANS, &[], &page).await?)?;
        }
        Plans::Show { id } => out.thing(&api.get(&format!("{PLANS}/{}", segment(&id)?)).await?)?,
        Plans::Create { name, quota, traffic_bytes, off_sale } => {
            let body = json!({"name": name, "quota": quota, "traffic_bytes": traffic_bytes, "on_sale": !off_sale});
            out.thing(&api.post(PLANS, &body).await?)?;
        }
        Plans::Set { id, changes } => {
            let path = format!("{PLANS}/{}", segment(&id)?);
            let plan = api.get(&path).await?;
            let of = |field: &str| plan.get(field).cloned().unwrap_or_default();
            let fields = ["name", "quota", "traffic_bytes", "on_sale"].map(|field| (field.to_owned(), of(field)));
            let before = Value::Object(fields.into_iter().collect());
            let after = settings::changed(before.clone(), &changes)?;
            settings::told(&before, &after, out)?;
            let version = format!("\"{}\"", of("version").as_u64().unwrap_or_default());
            out.thing(&api.put(&path, &after, &version).await?)?;
        }
    }
    Ok(Ended::Fine)
}

/// Lists and changes endpoints of events, lists deliveries and sends them again.
///
/// # Errors
/// Any request that the API refuses.
pub async fn webhooks(asked: Webhooks, api: &Api, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    let path = |id: &str| Ok::<_, Trouble>(format!("{ENDPOINTS}/{}", segment(id)?));
    match asked {
        Webhooks::List(page) => {
            let columns = [
                "id",
                "created_at",
                "url",
                "format",
                "events",
                "enabled",
                "disabled_reason",
                "disabled_at",
                "failing_since",
            ];
            out.list(&columns, &api.list(ENDPOINTS, &[], &page).await?)?;
        }
        Webhooks::Create { address, events, format } => {
            let mut body = json!({"url": address, "events": events});
            if let (Some(fields), Some(format)) = (body.as_object_mut(), format) {
                fields.insert("format".to_owned(), json!(format));
            }
            let made = api.post_keyed(ENDPOINTS, &body, &api.fresh_key()).await?;
            if made.get("secret").is_some_and(Value::is_string) {
                out.note(ONCE)?;
            }
            out.thing(&made)?;
        }
        Webhooks::Enable { id } => out.thing(&api.replace(&path(&id)?, &json!({"enabled": true})).await?)?,
        Webhooks::Disable { id } => out.thing(&api.replace(&path(&id)?, &json!({"enabled": false})).await?)?,
        Webhooks::Rotate { id } => {
            let made = api.replace(&path(&id)?, &json!({"rotate_secret": true})).await?;
            out.note(&format!("{ONCE}; the old one also signs for a day"))?;
            out.thing(&made)?;
        }
        Webhooks::Delete { id } => {
            api.delete(&path(&id)?).await?;
            out.note(&format!("{id} is deleted"))?;
        }
        Webhooks::Deliveries { id, page } => {
            let columns = [
                "id",
                "created_at",
                "event",
                "state",
                "attempts",
                "last_status",
                "last_error",
                "next_attempt_at",
                "delivered_at",
            ];
            out.list(&columns, &api.list(&format!("{}/deliveries", path(&id)?), &[], &page).await?)?;
        }
        Webhooks::Replay { id, delivery } => {
            let path = format!("{}/deliveries/{}/replay", path(&id)?, segment(&delivery)?);
            out.thing(&api.post_keyed(&path, &Value::Null, &api.fresh_key()).await?)?;
        }
    }
    Ok(Ended::Fine)
}

/// Lists, creates or revokes service keys.
///
/// # Errors
/// Any request that the API refuses.
pub async fn keys(asked: Keys, api: &Api, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    match asked {
        Keys::List(page) => {
            let columns = ["id", "created_at", "name", "scopes", "state", "made_by", "revoked_at"];
            out.list(&columns, &api.list(KEYS, &[], &page).await?)?;
        }
        Keys::Create { name, scopes } => {
            let made = api.post_keyed(KEYS, &json!({"name": name, "scopes": scopes}), &api.fresh_key()).await?;
            out.note(ONCE)?;
            out.thing(&made)?;
        }
        Keys::Revoke { id } => {
            api.delete(&format!("{KEYS}/{}", segment(&id)?)).await?;
            out.note(&format!("{id} is revoked"))?;
        }
    }
    Ok(Ended::Fine)
}
