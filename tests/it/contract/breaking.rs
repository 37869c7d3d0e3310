//! Changes of the document that break clients: a request may no longer say something, or an answer no longer has it.
//!
//! Names of schemas do not count, only what they resolve to. What is added for clients to use breaks nobody.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// A document, which references point into.
type Document = Value;

/// Direction in which a value goes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Asked,
    Answered,
}

/// The values that a schema allows, with references, parts and `null` resolved.
#[derive(Debug, Default)]
struct Shape {
    kinds: BTreeSet<String>,
    /// Properties, and whether each is required.
    fields: BTreeMap<String, (bool, Value)>,
    items: Option<Value>,
    values: Option<BTreeSet<String>>,
    either: Vec<Value>,
    names: BTreeSet<String>,
}

/// The changes from one document to another that break clients, one sentence each.
pub fn breaking(old: &Document, new: &Document) -> Vec<String> {
    let mut found = Vec::new();
    for (path, methods) in old["paths"].as_object().unwrap() {
        for (method, was) in methods.as_object().unwrap() {
            let route = format!("{} {path}", method.to_uppercase());
            match new["paths"][path].get(method) {
                None => found.push(format!("{route}: is gone")),
                Some(is) => operation(&route, (old, was), (new, is), &mut found),
            }
        }
    }
    found
}

fn operation(route: &str, (old, was): (&Document, &Value), (new, is): (&Document, &Value), found: &mut Vec<String>) {
    let parameters = |of: &Value| -> BTreeMap<String, Value> {
        let all = of["parameters"].as_array().into_iter().flatten();
        all.map(|one| (format!("{} {}", one["in"], one["name"]).replace('"', ""), one.clone())).collect()
    };
    let (before, after) = (parameters(was), parameters(is));
    for (name, parameter) in &after {
        let is_new = before.get(name).is_none_or(|before| before["required"] != true);
        if parameter["required"] == true && is_new {
            found.push(format!("{route}: {name} is required now"));
        }
    }
    for (name, parameter) in &before {
        match after.get(name) {
            None => found.push(format!("{route}: {name} is gone")),
            Some(after) => {
                let at = format!("{route}: {name}");
                compare(&at, Way::Asked, (old, &parameter["schema"]), (new, &after["schema"]), found);
            }
        }
    }
    let body = |of: &Value| content(&of["requestBody"]);
    match (body(was), body(is)) {
        (Some(was), Some(is)) => compare(&format!("{route}: body"), Way::Asked, (old, &was), (new, &is), found),
        (None, Some(_)) if is["requestBody"]["required"] == true => {
            found.push(format!("{route}: body is required now"))
        }
        _ => {}
    }
    for (status, was) in was["responses"].as_object().unwrap().iter().filter(|(status, _)| status.starts_with('2')) {
        let at = format!("{route}: {status}");
        match (is["responses"].get(status), content(was)) {
            (None, _) => found.push(format!("{at} is gone")),
            (Some(is), Some(was)) => match content(is) {
                Some(is) => compare(&at, Way::Answered, (old, &was), (new, &is), found),
                None => found.push(format!("{at} has no body any more")),
            },
            _ => {}
        }
    }
}

/// The schema of a body: that of JSON, or else of its only content.
fn content(of: &Value) -> Option<Value> {
    let all = of["content"].as_object()?;
    Some(all.get("application/json").or_else(|| all.values().next())?["schema"].clone())
}

fn compare(
    at: &str,
    way: Way,
    (old, was): (&Document, &Value),
    (new, is): (&Document, &Value),
    found: &mut Vec<String>,
) {
    let (was, is) = (Shape::of(old, was), Shape::of(new, is));
    if !was.either.is_empty() || !is.either.is_empty() {
        return alternatives(at, way, (old, &was), (new, &is), found);
    }
    let (narrow, wide) = if way == Way::Asked { (&was, &is) } else { (&is, &was) };
    let odd: Vec<&str> = narrow.kinds.difference(&wide.kinds).map(String::as_str).collect();
    if !odd.is_empty() && !wide.kinds.is_empty() {
        let says = if way == Way::Asked { "may not be" } else { "may be" };
        found.push(format!("{at} {says} {} now", odd.join(" or ")));
    }
    if let Some(values) = &was.values {
        let gone = is.values.as_ref().map(|is| values.difference(is).cloned().collect::<Vec<_>>()).unwrap_or_default();
        found.extend(gone.iter().map(|value| format!("{at}: the value {value} is gone")));
    } else if let (Some(values), Way::Asked) = (&is.values, way) {
        found.push(format!("{at} takes only {} now", Vec::from_iter(values.iter().map(String::as_str)).join(", ")));
    }
    for (name, (required, field)) in &was.fields {
        let at = format!("{at}/{name}");
        match is.fields.get(name) {
            None => found.push(format!("{at} is gone")),
            Some((still, _)) if way == Way::Answered && *required && !still => {
                found.push(format!("{at} may be absent now"));
            }
            // A schema within itself is compared once.
            Some((_, now)) if was.names.is_disjoint(&reached(field)) => {
                compare(&at, way, (old, field), (new, now), found);
            }
            Some(_) => {}
        }
    }
    for (name, (required, _)) in &is.fields {
        let was_required = was.fields.get(name).is_some_and(|(required, _)| *required);
        if way == Way::Asked && *required && !was_required {
            found.push(format!("{at}/{name} is required now"));
        }
    }
    if let (Some(was), Some(is)) = (&was.items, &is.items) {
        compare(&format!("{at}/*"), way, (old, was), (new, is), found);
    }
}

/// Each alternative of before has to fit one of now.
fn alternatives(
    at: &str,
    way: Way,
    (old, was): (&Document, &Shape),
    (new, is): (&Document, &Shape),
    found: &mut Vec<String>,
) {
    let fits = |one: &Value, other: &Value| {
        let mut found = Vec::new();
        compare(at, way, (old, one), (new, other), &mut found);
        found
    };
    for one in &was.either {
        let best = is.either.iter().map(|other| fits(one, other)).min_by_key(Vec::len);
        found.extend(best.unwrap_or_else(|| vec![format!("{at} is of another form")]));
    }
    if was.either.is_empty() {
        found.push(format!("{at} is one of several forms now"));
    }
}

fn reached(schema: &Value) -> BTreeSet<String> {
    let text = schema.to_string();
    text.split("\"$ref\":\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

impl Shape {
    fn of(document: &Document, schema: &Value) -> Self {
        let mut shape = Self::default();
        shape.add(document, schema);
        shape
    }

    fn add(&mut self, document: &Document, schema: &Value) {
        if let Some(name) = schema["$ref"].as_str() {
            self.names.insert(name.to_owned());
            self.add(document, document.pointer(name.trim_start_matches('#')).unwrap());
        }
        let named = schema["type"].as_str().into_iter();
        let kinds = named.chain(schema["type"].as_array().into_iter().flatten().filter_map(Value::as_str));
        self.kinds.extend(kinds.map(str::to_owned));
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            self.fields.insert(name.clone(), (required.contains(&name.as_str()), field.clone()));
        }
        if let Some(items) = schema.get("items") {
            self.items = Some(items.clone());
        }
        if let Some(values) = schema["enum"].as_array() {
            self.values = Some(values.iter().map(Value::to_string).collect());
        }
        schema["allOf"].as_array().into_iter().flatten().for_each(|part| self.add(document, part));
        let either: Vec<&Value> = schema["oneOf"].as_array().into_iter().flatten().collect();
        let (null, others): (Vec<&Value>, Vec<&Value>) = either.into_iter().partition(|one| one["type"] == "null");
        if !null.is_empty() {
            self.kinds.insert("null".to_owned());
        }
        match &others[..] {
            [only] => self.add(document, only),
            several => self.either.extend(several.iter().map(|one| (*one).clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::document::merged;
    use super::*;

    /// The document with a change, and what is found between the two.
    fn found(change: impl Fn(&mut Value)) -> Vec<String> {
        let mut changed = merged().clone();
        change(&mut changed);
        breaking(merged(), &changed)
    }

    fn remove(of: &mut Value, name: &str) {
        of.as_object_mut().unwrap().remove(name).unwrap();
    }

    fn schema<'a>(document: &'a mut Value, name: &str) -> &'a mut Value {
        &mut document["components"]["schemas"][name]
    }

    #[test]
    fn a_document_that_only_grows_breaks_nobody() {
        assert_eq!(found(|_| {}), Vec::<String>::new());
        let grown = found(|document| {
            document["paths"]["/v1/more"] = document["paths"]["/v1/me"].clone();
            schema(document, "Order")["properties"]["note"] = json!({"type": "string"});
            schema(document, "NewOrder")["properties"]["note"] = json!({"type": "string"});
            schema(document, "OrderStatus")["enum"].as_array_mut().unwrap().push(json!("lost"));
        });
        assert_eq!(grown, Vec::<String>::new());
    }

    /// Issue 17: each change that breaks a client is named.
    #[test]
    fn every_kind_of_change_that_breaks_a_client_is_found() {
        type Change = fn(&mut Value);
        let seeded: [(&str, Change); 12] = [
            ("GET /v1/me: is gone", |document| remove(&mut document["paths"]["/v1/me"], "get")),
            ("GET /v1/promotion: is gone", |document| remove(&mut document["paths"], "/v1/promotion")),
            ("GET /v1/payment/orders/{id}: 200/charge is gone", |document| {
                remove(&mut schema(document, "Order")["properties"], "charge");
            }),
            ("GET /v1/payment/orders: 200/items/*/charge/amount is gone", |document| {
                let money = &mut schema(document, "Money")["properties"];
                money["sum"] = money["amount"].clone();
                remove(money, "amount");
            }),
            ("GET /v1/payment/orders/{id}: 200/charge may be absent now", |document| {
                schema(document, "Order")["required"].as_array_mut().unwrap().retain(|name| name != "charge");
            }),
            ("GET /v1/payment/orders/{id}: 200/method may be null now", |document| {
                schema(document, "Order")["properties"]["method"]["type"] = json!(["string", "null"]);
            }),
            ("POST /v1/payment/orders: body/note is required now", |document| {
                let order = schema(document, "NewOrder");
                order["properties"]["note"] = json!({"type": "string"});
                order["required"].as_array_mut().unwrap().push(json!("note"));
            }),
            ("POST /v1/payment/orders: body/method is gone", |document| {
                remove(&mut schema(document, "NewOrder")["properties"], "method");
            }),
            ("POST /v1/payment/orders: body/provider: the value \"zpay\" is gone", |document| {
                schema(document, "Provider")["enum"].as_array_mut().unwrap().retain(|value| value != "zpay");
            }),
            ("GET /v1/payment/orders: 200/items/*/status: the value \"expired\" is gone", |document| {
                schema(document, "OrderStatus")["enum"].as_array_mut().unwrap().retain(|value| value != "expired");
            }),
            ("GET /v1/payment/orders: query status is gone", |document| {
                let parameters = &mut document["paths"]["/v1/payment/orders"]["get"]["parameters"];
                parameters.as_array_mut().unwrap().retain(|parameter| parameter["name"] != "status");
            }),
            ("PUT /v1/me: 200 is gone", |document| {
                remove(&mut document["paths"]["/v1/me"]["put"]["responses"], "200");
            }),
        ];
        for (wanted, change) in seeded {
            let found = found(change);
            assert!(found.iter().any(|one| one == wanted), "{wanted}: {found:#?}");
        }
    }
}
