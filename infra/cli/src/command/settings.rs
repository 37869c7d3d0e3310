//! `settings`: an area's document, read and replaced as a whole under its version.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};
use shared::operations::model::settings::Area;

use super::{segment, text_of};
use crate::Ended;
use crate::api::Api;
use crate::args::Settings;
use crate::output::{Format, Out};
use crate::trouble::Trouble;

/// Shows or changes settings.
///
/// # Errors
/// Any request that the API refuses; an unknown field.
pub async fn run(asked: Settings, api: &Api, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    match asked {
        Settings::Get { area: None } => overview(api, out).await,
        Settings::Get { area: Some(area) } => {
            let document = read(api, area).await?;
            show(&document, out)
        }
        Settings::Set { area, changes, file } => {
            let document = read(api, area).await?;
            let before = document.get("settings").cloned().unwrap_or_default();
            let version = format!("\"{}\"", document.get("version").and_then(Value::as_u64).unwrap_or_default());
            let settings = match &file {
                Some(file) => written(file).await?,
                None => changed(before.clone(), &changes)?,
            };
            let after = api.put(&path(area)?, &settings, &version).await?;
            told(&before, after.get("settings").unwrap_or(&settings), out)?;
            show(&after, out)
        }
        Settings::Import { file } => {
            let written = json_of(&file).await?;
            let areas = written.as_array().ok_or_else(|| {
                Trouble::Usage(format!("{} has no list of areas: settings get -o json writes one", file.display()))
            })?;
            for wanted in areas {
                import(api, wanted, out).await?;
            }
            overview(api, out).await
        }
    }
}

/// Brings one area to what a document of it says.
async fn import(api: &Api, wanted: &Value, out: &mut Out<'_>) -> Result<(), Trouble> {
    let name = wanted.get("area").and_then(Value::as_str).unwrap_or_default();
    let area = Area::parse(name).ok_or_else(|| Trouble::Usage(format!("{name:?} is no area of settings")))?;
    let settings = wanted.get("settings").cloned().unwrap_or_default();
    let document = read(api, area).await?;
    let before = document.get("settings").cloned().unwrap_or_default();
    out.note(&format!("{name}:"))?;
    if before != settings {
        let version = format!("\"{}\"", document.get("version").and_then(Value::as_u64).unwrap_or_default());
        api.put(&path(area)?, &settings, &version).await?;
    }
    told(&before, &settings, out)
}

fn path(area: Area) -> Result<String, Trouble> {
    Ok(format!("/v1/admin/settings/{}", segment(area.as_str())?))
}

async fn read(api: &Api, area: Area) -> Result<Value, Trouble> {
    api.get(&path(area)?).await
}

/// Notes what differs between two documents, a line for each field.
pub(super) fn told(before: &Value, after: &Value, out: &mut Out<'_>) -> Result<(), Trouble> {
    let (mut left, mut right) = (BTreeMap::new(), BTreeMap::new());
    leaves("", before, &mut left);
    leaves("", after, &mut right);
    let fields: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let mut same = true;
    for field in fields {
        let text = |side: &BTreeMap<String, Value>| side.get(field).map_or_else(|| "null".to_owned(), Value::to_string);
        let (from, to) = (text(&left), text(&right));
        if from != to {
            same = false;
            out.note(&format!("{field}: {from} → {to}"))?;
        }
    }
    if same { out.note("nothing differs from before") } else { Ok(()) }
}

/// The fields of a document by path; a list is one field.
fn leaves(path: &str, value: &Value, fields: &mut BTreeMap<String, Value>) {
    match value.as_object().filter(|object| !object.is_empty()) {
        Some(object) => {
            for (name, value) in object {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(&path, value, fields);
            }
        }
        None => drop(fields.insert(path.to_owned(), value.clone())),
    }
}

async fn overview(api: &Api, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    let mut rows = Vec::new();
    for area in Area::ALL {
        let mut row = api.get(&path(area)?).await?;
        if out.format() != Format::Json
            && let Some(row) = row.as_object_mut()
        {
            let enabled = row.get("settings").and_then(|settings| settings.get("enabled")).cloned();
            row.insert("enabled".to_owned(), enabled.unwrap_or_default());
        }
        rows.push(row);
    }
    out.rows(&["area", "version", "enabled"], &rows)?;
    Ok(Ended::Fine)
}

fn show(document: &Value, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    match out.format() {
        Format::Json => out.json(document)?,
        _ => out.thing(document.get("settings").unwrap_or(document))?,
    }
    Ok(Ended::Fine)
}

/// Reads a whole document from a file: the JSON that `settings get` prints, or only its `settings`.
async fn written(file: &Path) -> Result<Value, Trouble> {
    let mut document = json_of(file).await?;
    Ok(document.get_mut("settings").map(Value::take).unwrap_or(document))
}

/// The JSON in a file, or on standard input.
async fn json_of(file: &Path) -> Result<Value, Trouble> {
    let text = text_of(file).await?;
    let no_json = |error| Trouble::Usage(format!("{} is no JSON: {error}", file.display()));
    serde_json::from_str(&text).map_err(no_json)
}

/// Applies `FIELD=VALUE` changes to the document.
/// A text field stays text, so that amounts keep their digits.
pub(super) fn changed(mut document: Value, changes: &[String]) -> Result<Value, Trouble> {
    for change in changes {
        let (field, text) = change
            .split_once('=')
            .ok_or_else(|| Trouble::Usage(format!("{change:?} is no change: write FIELD=VALUE, as in enabled=true")))?;
        let pointer = format!("/{}", field.replace('.', "/"));
        let known = document.pointer(&pointer).is_some();
        if !known {
            let fields = fields_beside(&document, field);
            return Err(Trouble::Usage(format!("{field:?} is no field; there are {fields}")));
        }
        if let Some(place) = document.pointer_mut(&pointer) {
            *place = match place {
                Value::String(_) if text != "null" => json!(text),
                _ => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
            };
        }
    }
    Ok(document)
}

/// The valid field names at the place of an unknown field.
fn fields_beside(document: &Value, field: &str) -> String {
    let mut place = document;
    let mut parts: Vec<&str> = field.split('.').collect();
    parts.pop();
    for part in parts {
        place = place.get(part).filter(|inner| inner.is_object()).unwrap_or(place);
    }
    let names: Vec<&str> = place.as_object().into_iter().flat_map(|object| object.keys().map(String::as_str)).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// R9.1
    #[test]
    fn a_change_keeps_the_kind_of_its_field() {
        let document = json!({"enabled": false, "qualified": {"inviter_reward": "0"}, "offers": [], "url": null});
        let changes = ["enabled=true", "qualified.inviter_reward=3", "offers=[1]", "url=https://x.test/a=b"];
        let after = changed(document, &changes.map(str::to_owned)).unwrap();
        let expected =
            json!({"enabled": true, "qualified": {"inviter_reward": "3"}, "offers": [1], "url": "https://x.test/a=b"});
        assert_eq!(after, expected);
    }

    #[test]
    fn an_unknown_field_is_told_what_there_is() {
        let error = changed(json!({"enabled": false}), &["enabeld=true".to_owned()]).unwrap_err();
        assert_eq!((error.exit_status(), error.to_string().contains("enabled")), (2, true));
    }
}
