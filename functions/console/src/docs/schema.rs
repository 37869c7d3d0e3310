//! Schemas for people: what a value is, and what its fields are.

use maud::{Markup, html};
use serde_json::Value;

use super::{line, list, properties, text};

/// The anchor of a named schema.
pub fn anchor(name: &str) -> String {
    format!("schema-{name}")
}

/// The kind of a value: a link to a named schema, or its type in words.
pub fn kind(schema: &Value) -> Markup {
    if let Some(name) = text(schema, "$ref").strip_prefix("#/components/schemas/") {
        return html! { a href=(format!("#{}", anchor(name))) { (name) } };
    }
    let either: Vec<&Value> = ["oneOf", "anyOf"].iter().flat_map(|of| list(schema, of)).collect();
    if !either.is_empty() {
        return joined(either.iter().map(|one| kind(one)), " or ");
    }
    let parts: Vec<&Value> = list(schema, "allOf").collect();
    if !parts.is_empty() {
        return joined(parts.iter().map(|one| kind(one)), " with ");
    }
    if list(schema, "enum").next().is_some() {
        let words = list(schema, "enum").map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned));
        return joined(words.map(|word| html! { code { (word) } }), ", ");
    }
    if let Some(items) = schema.get("items") {
        return html! { "list of " (kind(items)) };
    }
    let own = text(schema, "type");
    let types = [own].into_iter().filter(|own| !own.is_empty()).chain(list(schema, "type").filter_map(Value::as_str));
    let format = text(schema, "format");
    html! {
        (types.collect::<Vec<_>>().join(" or "))
        @if !format.is_empty() && !format.starts_with("int") { " (" (format) ")" }
    }
}

fn joined(parts: impl Iterator<Item = Markup>, by: &str) -> Markup {
    html! { @for (index, part) in parts.enumerate() { @if index > 0 { (by) } (part) } }
}

/// Default, range and pattern.
pub fn constraints(schema: &Value) -> Markup {
    let known = [
        ("default", "default"),
        ("minimum", "from"),
        ("maximum", "to"),
        ("minLength", "at least characters"),
        ("maxLength", "at most characters"),
        ("minItems", "at least entries"),
        ("maxItems", "at most entries"),
        ("pattern", "pattern"),
    ];
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let found = known.iter().filter_map(|(name, says)| Some((says, schema.get(*name)?)));
    html! { @for (says, value) in found { span.limit { (says) " " code { (shown(value)) } } } }
}

/// The fields of an object as a table; those of a named schema are shown where it is.
pub fn fields(schema: &Value) -> Markup {
    let required = |name: &str| list(schema, "required").any(|one| one == name);
    html! {
        @if let Some(all) = properties(schema).filter(|all| !all.is_empty()) {
            table {
                thead { tr { th { "field" } th { "value" } th { "meaning" } } }
                tbody { @for (name, of) in all {
                    tr {
                        td { code { (name) } @if required(name) { span.must title="always there" { "*" } } }
                        td { (kind(of)) }
                        td { (line(meaning(of))) (constraints(of)) @if properties(of).is_some() { (fields(of)) } @if let Some(each) = of.get("items") { @if properties(each).is_some() { (fields(each)) } } }
                    }
                } }
            }
        }
        @for part in ["allOf", "oneOf"].iter().flat_map(|of| list(schema, of)) {
            @if text(part, "$ref").is_empty() { (fields(part)) } @else { p { (kind(part)) " " (line(text(part, "description"))) } }
        }
        @if properties(schema).is_none() && text(schema, "$ref").is_empty() && schema.get("oneOf").is_none() && schema.get("allOf").is_none() {
            p { (kind(schema)) (constraints(schema)) }
        }
    }
}

/// The description of a field, which one that may be null has inside.
fn meaning(of: &Value) -> &str {
    let inside = list(of, "oneOf").map(|one| text(one, "description")).find(|text| !text.is_empty());
    Some(text(of, "description")).filter(|text| !text.is_empty()).or(inside).unwrap_or_default()
}
