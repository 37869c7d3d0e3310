//! The second factor: its routes, and that whatever writes a journal asks for it.

use std::collections::BTreeSet;

use emulator::stack::functions::operations;
use serde_json::json;
use shared::table::item::text;

use super::asks::{Act, ask, prepare};
use super::{PLAYED, send};
use crate::account::second_factor::{begun, enrolled, second_admin};
use crate::contract::second_factor_asked;
use crate::world::{PASSWORD, World};

/// Sets up a route of the second factor and returns a request for it.
pub async fn of_second_factor(world: &World, route: &str) -> Act {
    let path = route.split(' ').nth(1).unwrap();
    match route {
        "POST /v1/me/second-factor" => ask("admin", path, json!({"password": PASSWORD})),
        "POST /v1/me/second-factor/confirm" => {
            let app = begun(world, "admin").await;
            ask("admin", path, json!({"totp": app.code_in(world, 1)}))
        }
        "POST /v1/me/second-factor/verify" => {
            let (app, _) = enrolled(world, "admin").await;
            ask("admin", path, json!({"totp": app.code_in(world, 1)}))
        }
        "POST /v1/me/second-factor/recovery-codes" | "DELETE /v1/me/second-factor" => {
            let (app, _) = enrolled(world, "admin").await;
            ask("admin", path, json!({"password": PASSWORD, "totp": app.code_in(world, 1)}))
        }
        "POST /v1/admin/users/{id}/second-factor/reset" => {
            let eve = second_admin(world, "eve").await;
            enrolled(world, "eve").await;
            ask("admin", format!("/v1/admin/users/{eve}/second-factor/reset"), json!({"reason": "lost the phone"}))
        }
        other => panic!("{other}"),
    }
}

/// Number of journal entries in the table.
fn journals(world: &World) -> usize {
    world.stack.items().unwrap().iter().filter(|item| text(item, "type") == Some("posting")).count()
}

/// Method and path of an operation's name.
fn route(operation: &str) -> String {
    operation.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// R2.12: each request of an admin that writes a journal is one to a route that asks for a second factor of the last fifteen minutes.
/// An admin who gave it longer ago is refused, and nothing is written.
#[test]
fn every_admin_route_that_writes_a_journal_asks_for_the_second_factor() {
    let asked = second_factor_asked();
    let mut writing = BTreeSet::new();
    for operation in PLAYED.iter().filter(|operation| {
        let path = operation.split(' ').nth(1).unwrap_or_default();
        ["/v1/admin/", "/v1/agency/", "/v1/shop", "/v1/series", "/v1/assets"]
            .iter()
            .any(|begin| path.starts_with(begin))
    }) {
        World::run(async |world| {
            let Act::Ask(request) = Box::pin(prepare(world, operation)).await else { return };
            world.settle().await;
            if request.by != "admin" {
                return;
            }
            let before = journals(world);
            let answer = send(world, operation.split(' ').next().unwrap(), &request).await;
            assert!((200..300).contains(&answer.status), "{operation} {}", answer.text);
            if journals(world) > before {
                writing.insert(route(operation));
            }
        });
    }
    assert!(writing.len() > 12, "{writing:#?}");
    let unasked: Vec<&String> = writing.iter().filter(|route| !asked.contains(*route)).collect();
    assert!(unasked.is_empty(), "they move money and ask for no second factor: {unasked:#?}");
}

/// R2.12: an admin whose second factor is older is refused by each of those routes, and by no other.
#[test]
fn a_second_factor_of_long_ago_moves_no_money() {
    let asked = second_factor_asked();
    World::run(async |world| {
        let (app, _) = enrolled(world, "admin").await;
        let body = json!({"email": "admin@localhost", "password": PASSWORD, "totp": app.code_in(world, 1)});
        let session = world.nobody().post("/v1/sessions", body).await.is(200);
        world.advance(14 * 60).await;
        let refresh = json!({"refresh_token": session["refresh_token"]});
        let session = world.nobody().post("/v1/sessions/refresh", refresh).await.is(200);
        world.advance(90).await;
        let mut met = BTreeSet::new();
        for function in &world.stack.template.functions {
            for (method, path) in operations(&function.binary) {
                let filled = path.split('/').map(|part| if part.starts_with('{') { "usr_x" } else { part });
                let filled = filled.collect::<Vec<_>>().join("/");
                let caller = world.holder(session["access_token"].as_str().unwrap()).key("k");
                let answer = caller.raw(&method, &filled, "{}").await;
                assert_ne!((answer.status, path.contains("/admin/")), (401, true), "{method} {path}");
                if answer.status == 403 && answer.is_problem() == "second_factor_required" {
                    met.insert(format!("{method} {path}"));
                }
            }
        }
        assert_eq!(met, asked);
    });
}
