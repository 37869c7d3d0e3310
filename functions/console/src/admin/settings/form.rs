//! The form of an area, made of its declaration: label, effect, unit, default and limits at each field; lists as rows that can be
//! emptied, and an empty one to add.

use std::collections::BTreeSet;

use maud::{Markup, html};
use serde_json::Value;
use shared::edge::forms::VERSION;
use shared::kernel::money::Currency;
use shared::kernel::provider::Provider;
use shared::kernel::settings::FieldInfo;
use shared::kernel::typed;
use shared::operations::model::settings::{AnySettings, Area};

use super::super::vouchers::entry_of;
use super::simulation::simulation_of;
use super::{Reason, Shown, page_of, route};
use crate::list::{Column, table};
use crate::visit::Visit;

/// Languages of the pages, by their names in themselves.
const LANGUAGES: [(&str, &str); 2] = [("en", "English"), ("zh-CN", "中文")];

/// All that a field of the form is made of.
struct Field<'a> {
    visit: &'a Visit,
    area: Area,
    /// Path in the document, `qualified.threshold`.
    name: &'a str,
    schema: &'a Value,
    about: &'a FieldInfo,
    value: &'a Value,
    default: &'a Value,
    /// The document that the field is of.
    document: &'a Value,
}

/// The value of the button that saves the form.
pub fn seal(visit: &Visit, area: Area) -> Option<String> {
    visit.sealed_button_for("PUT", &route(area), &page_of(area), &page_of(area), Some("settings_saved"))
}

/// The form.
pub fn form(visit: &Visit, shown: &Shown) -> Markup {
    let (text, area) = (&visit.text, shown.area);
    let (schema, default) = (area.schema(), AnySettings::defaults(area).document());
    let save = if shown.reason == Reason::Meanwhile { text.settings_save_mine() } else { text.settings_save() };
    html! {
        form.stack #settings method="post" action=(format!("/forms/admin{}", route(area))) {
            input type="hidden" name=(VERSION) value=(shown.version);
            @for (group, fields) in groups(area) {
                section.card aria-labelledby=(format!("group-{}", id_of(&group))) {
                    header { h2 id=(format!("group-{}", id_of(&group))) { (heading(visit, area, &group)) } }
                    (secret(visit, &group))
                    div.in.stack {
                        @for about in fields {
                            (field(&Field {
                                visit, area, about, name: &about.name,
                                schema: schema_at(&schema, &about.name),
                                value: value_at(&shown.document, &about.name),
                                default: value_at(&default, &about.name),
                                document: &shown.document,
                            }))
                        }
                    }
                }
            }
            div.row {
                button.btn.go name="form" value=[seal(visit, area)] { (save) }
                button.btn formmethod="get" formaction=(page_of(area)) { (text.settings_preview()) }
                @if let Some(page) = simulation_of(area) { button.btn formmethod="get" formaction=(page) { (text.simulation()) } }
            }
        }
    }
}

/// Presence of a provider's secret, never the secret.
fn secret(visit: &Visit, group: &str) -> Markup {
    let text = &visit.text;
    let told = match group.strip_prefix("providers.").and_then(Provider::parse) {
        None => return html! {},
        Some(Provider::Zpay) if visit.app.providers.may_take(Provider::Zpay, Currency::CNY) => {
            text.setting_secret_present()
        }
        Some(Provider::Zpay) => text.setting_secret_missing(),
        // It has nothing else, and pages have no secrets.
        Some(Provider::Stripe) => text.setting_secret_elsewhere(),
    };
    html! { div.in { p.small.muted { (text.setting_secret()) ": " (told) } } }
}

/// The fields of an area by the group that they belong to; a list of rows is a group of its own.
fn groups(area: Area) -> Vec<(String, Vec<&'static FieldInfo>)> {
    let mut groups: Vec<(String, Vec<&FieldInfo>)> = Vec::new();
    for about in area.fields() {
        let group = match about.name.rsplit_once('.') {
            Some((group, _)) => group.to_owned(),
            None if is_rows(schema_at(&area.schema(), &about.name)) => about.name.clone(),
            None => String::new(),
        };
        match groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, fields)) => fields.push(about),
            None => groups.push((group, vec![about])),
        }
    }
    groups
}

fn heading(visit: &Visit, area: Area, group: &str) -> String {
    let of_field = || visit.text.setting(area, group).map(|(label, _)| label.to_string());
    visit.text.setting_group(group).map(|name| name.to_string()).or_else(of_field).unwrap_or_else(|| group.to_owned())
}

fn schema_at<'a>(schema: &'a Value, name: &str) -> &'a Value {
    name.split('.').fold(schema, |at, part| at.pointer(&format!("/properties/{part}")).unwrap_or(&Value::Null))
}

fn value_at<'a>(document: &'a Value, name: &str) -> &'a Value {
    document.pointer(&format!("/{}", name.replace('.', "/"))).unwrap_or(&Value::Null)
}

fn is_rows(schema: &Value) -> bool {
    schema.pointer("/items/properties").is_some()
}

/// True for a table of texts by key.
fn is_table(schema: &Value) -> bool {
    schema.get("additionalProperties").is_some_and(Value::is_object)
}

fn has_type(schema: &Value, wanted: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(kind)) => kind == wanted,
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == wanted),
        _ => false,
    }
}

/// Id of a field by its path, which is also what the summary of errors links to.
fn id_of(name: &str) -> String {
    name.replace(['.', '['], "-").replace(']', "")
}

/// A value as it stands in a field.
fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn field(of: &Field<'_>) -> Markup {
    if is_rows(of.schema) {
        rows(of)
    } else if has_type(of.schema, "array") {
        texts(of)
    } else if is_table(of.schema) {
        channels(of)
    } else if has_type(of.schema, "boolean") {
        switch(of)
    } else {
        single(of)
    }
}

fn label(of: &Field<'_>) -> Markup {
    let label = of.visit.text.setting(of.area, of.name).map(|(label, _)| label);
    html! { @match label { Some(label) => { (label) } None => { span.mono { (of.name) } } } }
}

/// Effect, unit, default, limits, and from when a change holds.
fn hint(of: &Field<'_>) -> Markup {
    let text = &of.visit.text;
    let effect = text.setting(of.area, of.name).map(|(_, effect)| effect);
    let limit = |name: &str| of.schema.get(name).and_then(Value::as_u64);
    let limits = limit("minimum").zip(limit("maximum")).filter(|(_, most)| *most < u64::from(u32::MAX));
    let limits = limits.map(|(least, most)| text.setting_limits(least.to_string(), most.to_string()).to_string());
    let facts = [
        text.setting_unit(of.about.unit).map(|unit| unit.to_string()),
        limits,
        Some(default(of)),
        text.setting_from(of.about.from_when).map(|when| when.to_string()),
    ];
    html! {
        p.hint id=(format!("{}-hint", id_of(of.name))) {
            @if let Some(effect) = effect { (effect) }
            small.facts { @for fact in facts.iter().flatten() { span { (fact) } } }
        }
    }
}

fn default(of: &Field<'_>) -> String {
    let text = &of.visit.text;
    let told = match of.default {
        Value::Bool(true) => text.setting_default(text.setting_on().to_string()),
        Value::Bool(false) => text.setting_default(text.setting_off().to_string()),
        Value::Array(all) if all.iter().all(Value::is_string) && !all.is_empty() => {
            text.setting_default(all.iter().map(text_of).collect::<Vec<_>>().join(", "))
        }
        Value::Array(all) if !all.is_empty() => text.setting_default_list(all.len().to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => text.setting_default_empty(),
        other => {
            let word = text.setting_word(of.name, &text_of(other)).map(|word| word.to_string());
            text.setting_default(word.unwrap_or_else(|| text_of(other)))
        }
    };
    told.to_string()
}

/// The error of a field, if the form was refused for it.
fn error(visit: &Visit, name: &str) -> Option<String> {
    let pointer = format!("/{}", name.replace('[', "/").replace(']', "").replace('.', "/"));
    visit.error_at(&pointer).map(|code| visit.text.setting_error(code).to_string())
}

fn error_part(visit: &Visit, name: &str, error: Option<&String>) -> Markup {
    html! {
        @if let Some(error) = error {
            p.err id=(format!("{}-error", id_of(name))) { span.hidden { (visit.text.error_mark()) " " } (error) }
        }
    }
}

/// Ids of what describes a field.
fn described(name: &str, has_hint: bool, has_error: bool) -> Option<String> {
    let id = id_of(name);
    let all = [has_hint.then(|| format!("{id}-hint")), has_error.then(|| format!("{id}-error"))];
    let all: Vec<String> = all.into_iter().flatten().collect();
    (!all.is_empty()).then(|| all.join(" "))
}

fn switch(of: &Field<'_>) -> Markup {
    let (id, name) = (id_of(of.name), format!("{}:bool", of.name));
    html! {
        div.check {
            input type="hidden" name=(name) value="false";
            input id=(id) type="checkbox" name=(name) value="true" checked[is_on(of.value)]
                aria-describedby=[described(of.name, true, false)];
            label for=(id) { (label(of)) }
            (hint(of))
        }
    }
}

/// A switch of a document, or of an entry.
fn is_on(value: &Value) -> bool {
    *value == Value::Bool(true)
}

fn single(of: &Field<'_>) -> Markup {
    let (id, error) = (id_of(of.name), error(of.visit, of.name));
    html! {
        div.field.narrow.wrong[error.is_some()] {
            label for=(id) { (label(of)) }
            (hint(of))
            (error_part(of.visit, of.name, error.as_ref()))
            (input(of.visit, of.area, of.name, of.schema, of.value, true))
        }
    }
}

/// The words that a field can have, by value and name.
fn words(visit: &Visit, area: Area, name: &str, schema: &Value) -> Option<Vec<(String, String)>> {
    if (area, name) == (Area::Console, "default_language") {
        return Some(LANGUAGES.map(|(tag, name)| (tag.to_owned(), name.to_owned())).to_vec());
    }
    let words = schema.get("enum")?.as_array()?.iter().filter_map(Value::as_str);
    let named =
        |word: &str| visit.text.setting_word(name, word).map_or_else(|| word.to_owned(), |name| name.to_string());
    Some(words.map(|word| (word.to_owned(), named(word))).collect())
}

/// The field itself, with the type in its name (C6.4).
fn input(visit: &Visit, area: Area, name: &str, schema: &Value, value: &Value, has_hint: bool) -> Markup {
    let (id, value, has_error) = (id_of(name), text_of(value), error(visit, name).is_some());
    let described = described(name, has_hint, has_error);
    let invalid = has_error.then_some("true");
    if let Some(words) = words(visit, area, name, schema) {
        return html! {
            select id=(id) name=(name) aria-describedby=[described] aria-invalid=[invalid] {
                @for (word, shown) in &words { option value=(word) selected[*word == value] { (shown) } }
            }
        };
    }
    if schema.get("format").and_then(Value::as_str) == Some("date-time") {
        let value = typed::time(&value).map(entry_of).unwrap_or(value);
        return html! {
            input.in-text id=(id) name=(format!("{name}:utc")) type="datetime-local" value=(value)
                aria-describedby=[described] aria-invalid=[invalid];
        };
    }
    let (kind, mode) = match (has_type(schema, "integer"), has_type(schema, "null")) {
        (true, _) => (":int", Some("numeric")),
        (_, true) => (":null", Some("url")),
        _ if schema.get("pattern").and_then(Value::as_str).is_some_and(|form| form.contains("0-9]*")) => {
            ("", Some("decimal"))
        }
        _ => ("", None),
    };
    html! {
        input.in-text id=(id) name=(format!("{name}{kind}")) inputmode=[mode] autocomplete="off" value=(value)
            aria-describedby=[described] aria-invalid=[invalid];
    }
}

/// A list of texts: a row each, and an empty one.
fn texts(of: &Field<'_>) -> Markup {
    let item = of.schema.get("items").unwrap_or(&Value::Null);
    let values = of.value.as_array().map(Vec::as_slice).unwrap_or_default();
    let error = error(of.visit, of.name);
    html! {
        fieldset id=(id_of(of.name)) aria-describedby=[described(of.name, true, error.is_some())] {
            legend.label { (label(of)) }
            (hint(of))
            (error_part(of.visit, of.name, error.as_ref()))
            input type="hidden" name=(format!("{}:rows", of.name)) value="";
            div.rows {
                @for (place, value) in values.iter().chain([&Value::Null]).enumerate() {
                    @let name = format!("{}[{place}]", of.name);
                    (cell(of, &name, &label(of), (place, place == values.len()), item, value))
                }
            }
            p.hint { (of.visit.text.setting_rows_hint()) }
        }
    }
}

/// A field in a row, with a label that is only read aloud.
fn cell(of: &Field<'_>, name: &str, label: &Markup, row: (usize, bool), schema: &Value, value: &Value) -> Markup {
    let (visit, id) = (of.visit, id_of(name));
    let error = error(visit, name);
    let (place, is_new) = row;
    let row =
        if is_new { visit.text.setting_new_row() } else { visit.text.setting_row(place.saturating_add(1).to_string()) };
    html! {
        div.field.wrong[error.is_some()] {
            label.hidden for=(id) { (label) ", " (row) }
            (error_part(visit, name, error.as_ref()))
            @if has_type(schema, "boolean") {
                input type="hidden" name=(format!("{name}:bool")) value="false";
                input id=(id) type="checkbox" name=(format!("{name}:bool")) value="true" checked[is_on(value)];
            } @else { (input(visit, of.area, name, schema, value, false)) }
        }
    }
}

/// A list of groups as a table: a row each, and an empty one.
fn rows(of: &Field<'_>) -> Markup {
    let text = &of.visit.text;
    let columns: Vec<&str> = of
        .schema
        .pointer("/items/required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let heading = |column: &&str| {
        let label = text.setting(of.area, &format!("{}.{column}", of.name)).map(|(label, _)| label);
        Column::Text(label.unwrap_or_else(|| text.field_name()))
    };
    let headings: Vec<Column> = columns.iter().map(heading).collect();
    let values = of.value.as_array().map(Vec::as_slice).unwrap_or_default();
    let row = |(place, value): (usize, &Value)| -> Vec<Markup> {
        let one = |column: &&str| {
            let schema = of.schema.pointer(&format!("/items/properties/{column}")).unwrap_or(&Value::Null);
            let label = text.setting(of.area, &format!("{}.{column}", of.name)).map(|(label, _)| label);
            let label = html! { @if let Some(label) = label { (label) } };
            let name = format!("{}[{place}].{column}", of.name);
            let value = value.get(*column).unwrap_or(&Value::Null);
            cell(of, &name, &label, (place, place == values.len()), schema, value)
        };
        columns.iter().map(one).collect()
    };
    let all: Vec<Vec<Markup>> = values.iter().chain([&Value::Null]).enumerate().map(row).collect();
    let error = error(of.visit, of.name);
    html! {
        fieldset id=(id_of(of.name)) aria-describedby=[described(of.name, true, error.is_some())] {
            legend.hidden { (label(of)) }
            (hint(of))
            (error_part(of.visit, of.name, error.as_ref()))
            input type="hidden" name=(format!("{}:rows", of.name)) value="";
            div.scroll { (table(&headings, &all)) }
            p.hint { (text.setting_rows_hint()) }
        }
    }
}

/// A table of texts by key: one for each method of the gateway, and for keys that have one.
fn channels(of: &Field<'_>) -> Markup {
    let methods = value_at(of.document, &of.name.replace("channel_ids", "methods")).as_array().into_iter().flatten();
    let known = of.value.as_object().into_iter().flat_map(|all| all.keys().cloned());
    let keys: BTreeSet<String> = methods.map(text_of).chain(known).collect();
    html! {
        fieldset id=(id_of(of.name)) aria-describedby=[described(of.name, true, false)] {
            legend.label { (label(of)) }
            (hint(of))
            input type="hidden" name=(format!("{}:table", of.name)) value="";
            div.rows {
                @for key in &keys {
                    @let (name, error) = (format!("{}.{key}", of.name), error(of.visit, &format!("{}.{key}", of.name)));
                    div.field.wrong[error.is_some()] {
                        label for=(id_of(&name)) { (of.visit.text.way(key)) }
                        (error_part(of.visit, &name, error.as_ref()))
                        input.in-text id=(id_of(&name)) name=(format!("{name}:?")) autocomplete="off"
                            value=(text_of(of.value.get(key).unwrap_or(&Value::Null)))
                            aria-describedby=[described(&name, false, error.is_some())];
                    }
                }
            }
        }
    }
}
