//! `codes`: batches of redemption codes, created and topped up idempotently, extended and exported.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value, json};

use super::segment;
use crate::Ended;
use crate::api::{Api, key_of};
use crate::args::{Codes, NewBatch};
use crate::output::Out;
use crate::trouble::Trouble;

const PATH: &str = "/v1/admin/redemption/batches";
/// Interval between polls while a batch's codes are created.
const LOOK: Duration = Duration::from_millis(400);
/// Polls in a row without progress before giving up: two minutes.
const PATIENCE: u32 = 300;
const COLUMNS: &[&str] = &[
    "id",
    "created_at",
    "label",
    "state",
    "created",
    "count",
    "enabled",
    "benefit.kind",
    "benefit.credit",
    "benefit.plan_id",
    "benefit.unit",
    "benefit.quantity",
    "total_uses",
    "per_user_limit",
    "expires_at",
];

/// Lists, creates or exports batches.
///
/// # Errors
/// Any request that the API refuses; a file that can't be written.
pub async fn run(asked: Codes, api: &Api, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    match asked {
        Codes::List(page) => out.list(COLUMNS, &api.list(PATH, &[], &page).await?)?,
        Codes::Create(wanted) => create(&wanted, api, out).await?,
        Codes::TopUp { batch, count, key } => top_up(&batch, count, key, api, out).await?,
        Codes::Extend { batch, to } => {
            let route = format!("{PATH}/{}/expiry", segment(&batch)?);
            out.thing(&api.replace(&route, &json!({"expires_at": to})).await?)?;
        }
        Codes::Export { batch, to: None } => {
            api.download(&export(&batch)?, out.raw()).await?;
        }
        Codes::Export { batch, to: Some(file) } => save(api, &batch, &file, out).await?,
    }
    Ok(Ended::Fine)
}

async fn create(wanted: &NewBatch, api: &Api, out: &mut Out<'_>) -> Result<(), Trouble> {
    let body = body(wanted)?;
    let key = wanted.key.clone().unwrap_or_else(|| key_of(PATH, &body));
    let mut batch = api.post_keyed(PATH, &body, &key).await?;
    let id = batch.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    if !wanted.no_wait {
        batch = ready(api, &id, batch).await?;
    }
    if let Some(batch) = batch.as_object_mut() {
        batch.remove("codes");
    }
    out.thing(&batch)?;
    match &wanted.export {
        Some(file) => save(api, &id, file, out).await,
        None => Ok(()),
    }
}

async fn top_up(batch: &str, count: u32, key: Option<String>, api: &Api, out: &mut Out<'_>) -> Result<(), Trouble> {
    let (route, body) = (format!("{PATH}/{}/codes", segment(batch)?), json!({"count": count}));
    let key = key.unwrap_or_else(|| key_of(&route, &body));
    let more = api.post_keyed(&route, &body, &key).await?;
    let mut topped_up = ready(api, batch, more).await?;
    if let Some(batch) = topped_up.as_object_mut() {
        batch.remove("codes");
    }
    out.thing(&topped_up)
}

fn body(wanted: &NewBatch) -> Result<Value, Trouble> {
    let brought = wanted.bring.as_ref().map(fs::read_to_string).transpose()?;
    let lines = |text: String| text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    let codes: Option<Vec<String>> = brought.map(lines);
    let given = [
        ("label", Some(json!(wanted.label))),
        ("count", wanted.count.map(|count| json!(count))),
        ("prefix", wanted.prefix.as_ref().map(|prefix| json!(prefix))),
        ("codes", codes.map(|codes| json!(codes))),
        ("credit", wanted.credit.as_ref().map(|credit| json!(credit))),
        ("plan_id", wanted.plan.as_ref().map(|plan| json!(plan))),
        ("unit", wanted.unit.as_ref().map(|unit| json!(unit))),
        ("quantity", wanted.quantity.map(|quantity| json!(quantity))),
        ("total_uses", Some(json!(wanted.total_uses))),
        ("per_user_limit", Some(json!(wanted.per_user))),
        ("starts_at", wanted.starts_at.as_ref().map(|at| json!(at))),
        ("expires_at", wanted.expires_at.as_ref().map(|at| json!(at))),
    ];
    let given = given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Ok(given.collect::<Map<_, _>>().into())
}

/// Waits until all codes of a batch exist, showing progress.
async fn ready(api: &Api, id: &str, mut batch: Value) -> Result<Value, Trouble> {
    let number = |batch: &Value, name: &str| batch.get(name).and_then(Value::as_u64).unwrap_or_default();
    let progress = ProgressBar::new(number(&batch, "count")).with_message(id.to_owned());
    if let Ok(style) = ProgressStyle::with_template("{msg} {bar:40} {pos}/{len} codes, {eta} left") {
        progress.set_style(style);
    }
    let mut idle = 0_u32;
    while batch.get("state").and_then(Value::as_str) != Some("ready") {
        if batch.get("state").and_then(Value::as_str) == Some("failed") {
            progress.abandon();
            return Err(Trouble::Failed(format!("{id}: another batch brought one of the codes first, so it has none")));
        }
        if idle >= PATIENCE {
            progress.abandon();
            let said = "no more codes came for two minutes; `guerdon dlq list` shows whether a message was given up, and the same command \
                        goes on";
            return Err(Trouble::Failed(format!("{id}: {said}")));
        }
        tokio::time::sleep(LOOK).await;
        let before = number(&batch, "created");
        batch = api.get(&format!("{PATH}/{}", segment(id)?)).await?;
        let created = number(&batch, "created");
        idle = if created == before { idle.saturating_add(1) } else { 0 };
        progress.set_position(created);
    }
    progress.finish_and_clear();
    Ok(batch)
}

fn export(batch: &str) -> Result<String, Trouble> {
    Ok(format!("{PATH}/{}/export.csv", segment(batch)?))
}

/// Writes a batch's codes to a temporary file and renames it once all are written.
async fn save(api: &Api, batch: &str, file: &Path, out: &mut Out<'_>) -> Result<(), Trouble> {
    let unwritten = |error: std::io::Error| Trouble::Failed(format!("{} can't be written: {error}", file.display()));
    let mut beside = file.as_os_str().to_owned();
    beside.push(".part");
    let mut part = BufWriter::new(File::create(&beside).map_err(unwritten)?);
    let written = api.download(&export(batch)?, &mut part).await;
    let written = written.and_then(|bytes| part.flush().map(|()| bytes).map_err(unwritten));
    match written {
        Ok(bytes) => {
            part.get_ref().sync_all().map_err(unwritten)?;
            fs::rename(&beside, file).map_err(unwritten)?;
            out.note(&format!("{} has the codes of {batch}, {bytes} bytes", file.display()))
        }
        Err(trouble) => {
            // Codes are worth money: leave no partial file behind.
            let _gone = fs::remove_file(&beside);
            Err(trouble)
        }
    }
}
