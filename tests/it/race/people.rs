//! Concurrent registrations and invite codes.

use serde_json::{Value, json};
use shared::table::item::text;

use super::{Asked, CLIENTS, Weight, race};
use crate::operations::import::{BCRYPT, LETTERS};
use crate::world::{PASSWORD, World};

fn count(world: &World, kind: &str) -> usize {
    world.stack.items().unwrap().iter().filter(|item| text(item, "type") == Some(kind)).count()
}

/// R2.1: one address in three spellings under eight passwords makes one account.
/// Every client with the winner's password gets it.
#[test]
fn one_address_makes_one_account() {
    race("people::one_address_makes_one_account", Weight::Light, async |round| {
        let world = round.world;
        let spellings = ["josé@example.com", "jose\u{301}@example.com", " JOSÉ@Example.COM "];
        let ask = |client: usize| {
            let body = json!({"email": spellings[client % 3], "password": format!("password number {}", client % 8)});
            world.nobody().post("/v1/registrations", body)
        };
        let told = round.at_once(CLIENTS, ask).await;
        assert!((1..=8).contains(&told.made_or("email_taken")));
        told.one("/user/id");
        let passwords: Vec<usize> = told.made.keys().map(|client| client % 8).collect();
        assert!(passwords.iter().all(|password| *password == passwords[0]), "{passwords:?}");
        assert_eq!((count(world, "user"), count(world, "session") >= 1), (2, true), "the account and the admin's");
    });
}

/// R3.4, R6.1: a code created while its owner is being blocked is inactive, and binds nobody.
#[test]
fn a_code_that_is_made_while_its_owner_is_blocked_binds_nobody() {
    race("people::a_code_that_is_made_while_its_owner_is_blocked_binds_nobody", Weight::Light, async |round| {
        let world = round.world;
        world.open().await;
        world.settings("affiliate", |settings| settings["enabled"] = json!(true)).await;
        let ann = world.register("ann", None).await;
        let status = format!("/v1/admin/users/{}/status", ann["user"]["id"].as_str().unwrap());
        let blocks = |client: usize| client.is_multiple_of(4);
        let ask = |client: usize| -> Asked<'_> {
            if blocks(client) {
                let caller = world.admin();
                return Box::pin(caller.put(&status, json!({"status": "blocked", "reason": "fraud"})));
            }
            let caller = world.user("ann").key(&format!("code-{client}"));
            Box::pin(caller.post("/v1/affiliate/codes", json!({"label": format!("page {client}")})))
        };
        let told = round.at_once(CLIENTS, ask).await;
        assert_eq!(told.made.keys().filter(|client| blocks(**client)).count(), CLIENTS / 4);
        for (client, made) in told.made.iter().filter(|(client, _)| !blocks(**client)) {
            let bob = world.register(&format!("bob{client}"), made["code"].as_str()).await;
            assert_eq!(bob["referral"]["reason"], "inviter_blocked", "{bob}");
        }
    });
}

/// R3.4: an inviter's limit is exact; every client gets an account.
#[test]
fn a_limit_of_invitees_is_exact() {
    race("people::a_limit_of_invitees_is_exact", Weight::Heavy, async |round| {
        let world = round.world;
        world.open().await;
        let limit = 1 + round.below(9) as usize;
        world
            .settings("referral", |referral| {
                referral["max_invitees_per_user"] = json!(limit);
                referral["registration"]["inviter_reward"] = json!("1");
            })
            .await;
        world.register("ann", None).await;
        let code = world.code("ann").await;
        let ask = |client: usize| {
            let email = format!("user{client}@example.com");
            let body = json!({"email": email, "password": crate::world::PASSWORD, "referral_code": code});
            world.nobody().post("/v1/registrations", body)
        };
        let told = round.at_once(CLIENTS, ask).await;
        assert_eq!(told.made_or("none is refused"), CLIENTS);
        let applied = told.made.values().filter(|body| body["referral"]["applied"] == true).count();
        let limited = told.made.values().filter(|body| body["referral"]["reason"] == "limit").count();
        assert_eq!((applied, limited, count(world, "user")), (limit, CLIENTS - limit, CLIENTS + 2));
        world.swept().await;
        assert_eq!(world.balance("ann").await, limit.to_string(), "a reward for each who was bound");
    });
}

/// R3.12: in rings of four users who each name the next one at the same moment, one of each ring is refused, and nobody is invited
/// by themselves along some chain.
#[test]
fn a_ring_of_users_who_name_each_other_stays_open() {
    race("people::a_ring_of_users_who_name_each_other_stays_open", Weight::Heavy, async |round| {
        let world = round.world;
        world.open().await;
        world.settings("referral", |referral| referral["late_bind_days"] = json!(7)).await;
        let mut codes = Vec::new();
        for client in 0..CLIENTS {
            world.register(&format!("user{client}"), None).await;
            codes.push(world.code(&format!("user{client}")).await);
        }
        let next = |client: usize| client - client % 4 + (client + 1) % 4;
        let ask = |client: usize| {
            let caller = world.user(&format!("user{client}")).key("name");
            caller.post("/v1/referral/inviter", json!({"referral_code": codes[next(client)]}))
        };
        let told = round.at_once(CLIENTS, ask).await;
        assert_eq!(told.made_or("invalid"), CLIENTS / 4 * 3);
        let refused: Vec<usize> = told.refused.keys().map(|client| client / 4).collect();
        assert_eq!(refused, Vec::from_iter(0..CLIENTS / 4), "one of each ring");
        round.again(&told, ask).await;
    });
}

/// R3.12: in rings of four users whom admins move under the next one at the same moment, one of each ring is refused.
#[test]
fn a_ring_of_users_whom_admins_move_stays_open() {
    race("people::a_ring_of_users_whom_admins_move_stays_open", Weight::Heavy, async |round| {
        let world = round.world;
        world.open().await;
        let mut ids = Vec::new();
        world.register("root", None).await;
        let root = world.code("root").await;
        for client in 0..CLIENTS {
            let told = world.register(&format!("user{client}"), Some(&root)).await;
            ids.push(told["user"]["id"].as_str().unwrap().to_owned());
        }
        let next = |client: usize| client - client % 4 + (client + 1) % 4;
        let ask = |client: usize| {
            let path = format!("/v1/admin/users/{}/inviter", ids[client]);
            world.admin().put(&path, json!({"inviter_id": ids[next(client)], "reason": "a test"}))
        };
        let told = round.at_once(CLIENTS, ask).await;
        assert_eq!(told.made_or("invalid"), CLIENTS / 4 * 3);
        let refused: Vec<usize> = told.refused.keys().map(|client| client / 4).collect();
        assert_eq!(refused, Vec::from_iter(0..CLIENTS / 4), "one of each ring");
    });
}

/// R10.4: the rewards of 64 simultaneous registrations never exceed the budget, as many as fit are granted, and the others are held.
#[test]
fn a_budget_is_exact() {
    race("people::a_budget_is_exact", Weight::Heavy, async |round| {
        let world = round.world;
        world.open().await;
        let fit = 1 + round.below(40) as usize;
        world
            .settings("referral", |referral| {
                referral["budget"] = json!(format!("{fit}.5"));
                referral["registration"]["invitee_reward"] = json!("1");
            })
            .await;
        world.register("ann", None).await;
        let code = world.code("ann").await;
        let ask = |client: usize| {
            let email = format!("user{client}@example.com");
            let body = json!({"email": email, "password": crate::world::PASSWORD, "referral_code": code});
            world.nobody().post("/v1/registrations", body)
        };
        let told = round.at_once(CLIENTS, ask).await;
        assert_eq!(told.made_or("none is refused"), CLIENTS);
        world.swept().await;
        let held = world.admin().get("/v1/admin/rewards?state=held&limit=100").await.is(200);
        let held = held["items"].as_array().unwrap().len();
        assert!(CLIENTS - held <= fit, "{held} of {CLIENTS} are held; {fit} fit");
        assert_eq!(CLIENTS - held, fit, "as many as fit are granted");
    });
}

/// R3.2: 64 simultaneous first reads of a user's code create one code.
#[test]
fn the_first_code_is_made_once() {
    race("people::the_first_code_is_made_once", Weight::Light, async |round| {
        let world = round.world;
        world.open().await;
        world.register("ann", None).await;
        let told = round.at_once(CLIENTS, |_| world.user("ann").get("/v1/referral")).await;
        assert_eq!(told.made_or("none is refused"), CLIENTS);
        told.one("/code");
        assert_eq!(count(world, "invite"), 1);
    });
}

/// R2.6: a vanity code given to many users belongs to one of them.
#[test]
fn a_wished_code_is_had_by_one() {
    race("people::a_wished_code_is_had_by_one", Weight::Light, async |round| {
        let world = round.world;
        world.open().await;
        let mut users = Vec::new();
        for client in 0..CLIENTS {
            let told = world.register(&format!("user{client}"), None).await;
            users.push(told["user"]["id"].as_str().unwrap().to_owned());
        }
        let ask = |client: usize| {
            let path = format!("/v1/admin/users/{}/invite-code", users[client]);
            world.admin().put(&path, json!({"code": "WELCOME10"}))
        };
        let told = round.at_once(CLIENTS, ask).await;
        assert_eq!(told.made_or("invite_code_taken"), 1);
        let winner = *told.made.keys().next().unwrap();
        assert_eq!(world.code(&format!("user{winner}")).await, "WELCOME10");
        let bob = world.register("bob", Some("WELCOME10")).await;
        assert_eq!(bob["referral"]["applied"], true);
    });
}

/// R13.1: whoever moved in signs in on many devices at once: all of them are let in, and the password is hashed anew once.
#[test]
fn sign_ins_of_somebody_who_moved_in_all_work() {
    race("people::sign_ins_of_somebody_who_moved_in_all_work", Weight::Light, async |round| {
        let world = round.world;
        let lines = json!([{"email": "ann@example.com", "password_hash": BCRYPT}]);
        let body = json!({"source": "old-site", "dry_run": false, "lines": lines});
        world.admin().once().post("/v1/admin/import/users", body).await.is(200);
        let ask = |client: usize| {
            let caller = world.nobody().from(&format!("10.0.{client}.1"));
            caller.post("/v1/sessions", json!({"email": "ann@example.com", "password": LETTERS}))
        };
        let told = round.at_once(8, ask).await;
        assert_eq!(told.made.len(), 8, "{:?}", told.refused);
        for made in told.made.values() {
            world.holder(made["access_token"].as_str().unwrap()).get("/v1/me").await.is(200);
        }
        let items = world.stack.items().unwrap();
        let hashes: Vec<&str> = items.iter().filter_map(|item| text(item, "password_hash")).collect();
        assert!(hashes.iter().all(|hash| hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$")), "{hashes:?}");
    });
}

/// R13.1: the same lines in many requests at once make one account and one opening balance each, and no ring of inviters.
#[test]
fn the_same_lines_at_once_take_effect_once() {
    race("people::the_same_lines_at_once_take_effect_once", Weight::Light, async |round| {
        let world = round.world;
        let post = |kind: &str, client: usize, lines: Value| {
            let body = json!({"source": "old-site", "dry_run": false, "lines": lines});
            world.admin().key(&format!("{kind}-{client}")).post(&format!("/v1/admin/import/{kind}"), body)
        };
        let users = json!(["1", "2", "3"].map(|n| json!({"email": format!("user{n}@example.com"), "external_id": n})));
        let balances = json!(["1", "2"].map(|n| json!({"external_id": n, "amount": "2.5"})));
        for (kind, lines) in [("users", &users), ("balances", &balances)] {
            let told = round.at_once(8, |client| post(kind, client, lines.clone())).await;
            let lines = told.made.values().flat_map(|made| made["lines"].as_array().unwrap());
            let imported = lines.filter(|line| line["outcome"] == "imported").count();
            assert_eq!(imported, if kind == "users" { 3 } else { 2 }, "{:?}", told.made);
        }
        let next = |client: usize| (client % 3 + 1, (client + 1) % 3 + 1);
        let told = round
            .at_once(9, |client| {
                let (user, inviter) = next(client);
                let line = json!({"external_id": user.to_string(), "inviter_external_id": inviter.to_string()});
                post("referrals", client, json!([line]))
            })
            .await;
        let imported = told.made.values().filter(|made| made["lines"][0]["outcome"] == "imported").count();
        assert_eq!(imported, 2, "the third would close the ring: {:?}", told.made);
        assert_eq!((count(world, "opening_balance"), count(world, "user")), (2, 4), "with the admin");
    });
}

/// R13.1: a new password stays, whoever signs in with the one from before in the same moment.
#[test]
fn a_new_password_is_not_replaced_by_the_one_from_before() {
    race("people::a_new_password_is_not_replaced_by_the_one_from_before", Weight::Light, async |round| {
        let world = round.world;
        let users = json!(["ann", "bob"].map(|name| {
            json!({"email": format!("{name}@example.com"), "password_hash": BCRYPT, "external_id": name})
        }));
        let body = json!({"source": "old-site", "dry_run": false, "lines": users});
        let made = world.admin().once().post("/v1/admin/import/users", body).await.is(200);
        let key = world.service_key("front", &["sessions:create"]).await;
        let path = format!("/v1/service/users/{}/sessions", made["lines"][0]["user_id"].as_str().unwrap());
        let token =
            world.holder(&key).post(&path, json!({})).await.is(200)["access_token"].as_str().unwrap().to_owned();
        let ask = |client: usize| -> Asked<'_> {
            if client == 0 {
                let body = json!({"current": LETTERS, "new": PASSWORD});
                return Box::pin(world.holder(&token).put("/v1/me/password", body));
            }
            let caller = world.nobody().from(&format!("10.0.{client}.1"));
            Box::pin(caller.post("/v1/sessions", json!({"email": "ann@example.com", "password": LETTERS})))
        };
        let told = round.at_once(8, ask).await;
        assert!(told.made.contains_key(&0), "{:?}", told.refused);
        let again = json!({"email": "ann@example.com", "password": PASSWORD});
        world.nobody().post("/v1/sessions", again).await.is(200);
        let before = json!({"email": "ann@example.com", "password": LETTERS});
        world.nobody().post("/v1/sessions", before).await.refused(401, "bad_credentials");
    });
}

/// R10.1: of 64 invitees who sign up at once with one mailbox, all but one are found, whatever the order of their messages.
#[test]
fn all_but_the_first_of_one_mailbox_are_found() {
    race("people::all_but_the_first_of_one_mailbox_are_found", Weight::Heavy, async |round| {
        let world = round.world;
        world.open().await;
        world.register("ann", None).await;
        let code = world.code("ann").await;
        let ask = |client: usize| {
            let email = format!("one+{client}@example.com");
            let body = json!({"email": email, "password": PASSWORD, "referral_code": code});
            world.nobody().post("/v1/registrations", body)
        };
        let told = round.at_once(CLIENTS, ask).await;
        assert_eq!(told.made_or("none is refused"), CLIENTS);
        world.swept().await;
        assert_eq!(count(world, "risk_case"), CLIENTS - 1);
    });
}
