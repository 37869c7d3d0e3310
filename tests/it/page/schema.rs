//! Forms against the API's description (C6.4).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::client::Browser;
use super::markup::Element;
use super::signing_in::signed_in;
use crate::affiliate::commission::{hundred, invited};
use crate::contract::document::{merged, operation};
use crate::page::journeys::BOTH;
use crate::world::{PASSWORD, World};

/// A schema behind references and choices with null.
pub fn plain(schema: &'static Value) -> &'static Value {
    if let Some(at) = schema["$ref"].as_str() {
        return plain(merged().pointer(at.trim_start_matches('#')).unwrap());
    }
    let choices = ["oneOf", "anyOf", "allOf"].iter().find_map(|name| schema[*name].as_array());
    match choices.and_then(|all| all.iter().find(|one| one["type"] != "null")) {
        Some(one) => plain(one),
        None => schema,
    }
}

fn has_type(schema: &Value, wanted: &str) -> bool {
    schema["type"] == wanted || schema["type"].as_array().is_some_and(|all| all.contains(&json!(wanted)))
}

/// Asserts that the form's fields are the route's, each of its type, and that none that it requires is missing.
pub fn compare(form: &Element, route: &str, schema: &'static Value) {
    // A document of settings has a test of its own: an untouched form saves what is there.
    if route.starts_with("/v1/admin/settings/") {
        return;
    }
    let mut given = BTreeSet::new();
    for field in form.all("*") {
        let Some(name) = field.of("name").filter(|name| !["form", "once", "version"].contains(name)) else { continue };
        let (path, kind) = name.split_once(':').unwrap_or((name, ""));
        let (path, is_list) = path.strip_suffix("[]").map_or((path, false), |path| (path, true));
        let kind = kind.split("unless=").next().unwrap();
        // One choice may decide several fields.
        for path in path.split('/') {
            let mut at = schema;
            for part in path.split('.') {
                let (part, is_row) = part.split_once('[').map_or((part, false), |(part, _)| (part, true));
                at = plain(at);
                assert!(at["properties"][part].is_object(), "{route} has no {name}: {at}");
                given.insert((std::ptr::from_ref(at).addr(), part.to_owned()));
                at = &at["properties"][part];
                if is_row {
                    at = plain(at);
                    at = &at["items"];
                }
            }
            let wanted = match kind {
                "bool" | "bool-" => "boolean",
                "int" | "int-" | "gb" => "integer",
                "rows" | "lines" => "array",
                _ => "string",
            };
            if is_list {
                at = plain(at);
                assert!(has_type(at, "array"), "{route}: {name} is no list: {at}");
                at = &at["items"];
            }
            assert!(has_type(plain(at), wanted), "{route}: {name} is no {wanted}: {at}");
        }
    }
    for needed in schema["required"].as_array().into_iter().flatten() {
        let needed = needed.as_str().unwrap().to_owned();
        assert!(given.contains(&(std::ptr::from_ref(schema).addr(), needed.clone())), "{route} needs {needed}");
    }
}

/// Compares each form of some pages with the request of its route, but those that `is_left` leaves to another test; answers the
/// operations that the forms call.
pub async fn compared(
    browser: &Browser<'_>,
    pages: &[String],
    is_left: impl Fn(&Element) -> bool,
) -> BTreeSet<&'static str> {
    let mut operations = BTreeSet::new();
    for path in pages {
        for form in browser.open(path).await.root.all("form") {
            let action = form.of("action").unwrap_or_default();
            let Some((_, route)) = action.split_once("/v1/").filter(|_| action.starts_with("/forms/")) else {
                continue;
            };
            let route = format!("/v1/{route}");
            let known = ["POST", "PUT", "DELETE"].iter().filter_map(|method| operation(method, &route));
            let known: Vec<_> = known.collect();
            assert!(!known.is_empty(), "{path} leads to {route}");
            operations.extend(known.iter().map(|one| one["operationId"].as_str().unwrap()));
            let mut body = known.iter().map(|one| &one["requestBody"]["content"]["application/json"]["schema"]);
            if let Some(schema) = body.find(|schema| schema.is_object() && !is_left(form)) {
                compare(form, &route, plain(schema));
            }
        }
    }
    operations
}

/// C6.4: every form of every page has the fields that its route takes, of their types.
#[test]
fn the_fields_of_every_form_are_those_of_its_route() {
    World::run(async |world| {
        invited(world).await;
        world.settings("affiliate", |settings| settings["min_cash_withdrawal"] = json!("0.5")).await;
        hundred(world).await;
        let made = world.user("ann").post("/v1/affiliate/codes", json!({"label": "x"})).await.is(201);
        let cash = json!({"amount": "0.5", "to": "cash", "payout": {"method": "bank", "account": "1234567890"}});
        world.user("ann").once().post("/v1/affiliate/withdrawals", cash).await.is(201);
        let browser = signed_in(world, &BOTH[0], "ann", PASSWORD).await;
        let off = format!("/affiliate/off?code={}", made["code"].as_str().unwrap());
        let more = [
            "/account?step=email",
            "/affiliate/withdrawals",
            "/reset?step=code",
            "/affiliate/withdraw/confirm?to=cash%3Abank&amount=0.5",
            "/affiliate/withdraw/confirm?to=balance&amount=0.5",
            &off,
        ];
        let mut routes = BTreeSet::new();
        for path in console::PAGES.iter().copied().filter(|path| !path.ends_with("{proxy+}")).chain(more) {
            for form in browser.open(path).await.root.all("form") {
                let action = form.of("action").unwrap();
                let Some((_, route)) = action.split_once("/v1/").filter(|_| action.starts_with("/forms/")) else {
                    continue;
                };
                let route = format!("/v1/{route}");
                let known = ["POST", "PUT", "DELETE", "GET"].iter().find_map(|method| operation(method, &route));
                let known = known.unwrap_or_else(|| panic!("{path} leads to {route}"));
                let body = &known["requestBody"]["content"]["application/json"]["schema"];
                let schema: &'static Value = if body.is_object() { plain(body) } else { &Value::Null };
                compare(form, &route, schema);
                routes.insert(known["operationId"].as_str().unwrap());
            }
        }
        let ours = [
            "cancelWithdrawal",
            "confirmEmail",
            "deactivateInviteCode",
            "makeInviteCode",
            "redeem",
            "resetPassword",
            "setEmail",
            "withdraw",
        ];
        let missing: Vec<&&str> = ours.iter().filter(|name| !routes.contains(**name)).collect();
        assert!(missing.is_empty(), "no page has {missing:?}, but {routes:?}");
    });
}
