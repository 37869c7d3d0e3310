//! Moving in from another system (R13.1).

use serde_json::{Value, json};
use shared::table::item::{Item, text};

use crate::agency::id;
use crate::fixtures::refund;
use crate::page::journeys::BOTH;
use crate::page::signing_in::signed_in;
use crate::webhooks::events::{endpoint, heard};
use crate::world::{Answer, PASSWORD, World};

/// A password of another system, and its hash there.
pub const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz";
pub const BCRYPT: &str = "$2y$08$aTsUwsyowQuzRrDqFflhgekJ8d9/7Z3GV3UcgvzQW3J5zMyrTvlz.";
/// The hash of `password`, which is too short for a password of ours.
const ARGON2: &str = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
/// Beginning of the hashes of this deployment.
const OWN: &str = "$argon2id$v=19$m=8,t=1,p=1$";

async fn send(world: &World, kind: &str, dry_run: bool, lines: &Value) -> Answer {
    let body = json!({"source": "old-site", "dry_run": dry_run, "lines": lines});
    world.admin().once().post(&format!("/v1/admin/import/{kind}"), body).await
}

/// Outcome and code of each line.
fn told(answer: &Value) -> Vec<String> {
    let one = |line: &Value| {
        let code = line["code"].as_str().map(|code| format!(" {code}")).unwrap_or_default();
        format!("{}{code}", line["outcome"].as_str().unwrap())
    };
    answer["lines"].as_array().unwrap().iter().map(one).collect()
}

/// Plays the lines without effect, then with it; both tell the same, and the first writes nothing.
pub async fn import(world: &World, kind: &str, lines: Value) -> Vec<String> {
    let before = world.stack.items().unwrap().len();
    let dry = told(&send(world, kind, true, &lines).await.is(200));
    assert_eq!(world.stack.items().unwrap().len(), before, "a dry run writes nothing");
    let done = told(&send(world, kind, false, &lines).await.is(200));
    let dry: Vec<String> = dry.into_iter().map(|line| line.replace("would_import", "imported")).collect();
    assert_eq!(dry, done, "a dry run tells what the real one does");
    world.settle().await;
    done
}

/// Number of items of the types that an import writes.
fn moved_items(world: &World) -> usize {
    let kinds = ["user", "email", "external", "imported_email", "opening_balance", "posting"];
    let items = world.stack.items().unwrap();
    items.iter().filter(|item| kinds.contains(&text(item, "type").unwrap_or_default())).count()
}

async fn sign_in(world: &World, email: &str, password: &str) -> Answer {
    world.nobody().post("/v1/sessions", json!({"email": email, "password": password})).await
}

fn hashes(world: &World) -> Vec<String> {
    let items = world.stack.items().unwrap();
    let claims = items.iter().filter(|item| text(item, "type") == Some("email"));
    claims.filter_map(|claim: &Item| text(claim, "password_hash").map(str::to_owned)).collect()
}

async fn user(world: &World, email: &str) -> Value {
    world.admin().get(&format!("/v1/admin/users?email={email}")).await.is(200)["items"][0].clone()
}

async fn id_of(world: &World, email: &str) -> String {
    id(&user(world, email).await)
}

/// R13.1: accounts move in with their passwords, which are hashed anew when they are shown, too short ones as well.
#[test]
fn whoever_moves_in_signs_in_with_the_password_from_before() {
    World::run(async |world| {
        let lines = json!([
            {"email": "Ann@Example.com", "password_hash": BCRYPT, "signed_up_at": "2024-02-29T10:00:00Z", "locale": "zh"},
            {"email": "bob@example.com", "external_id": "7", "password_hash": ARGON2},
            {"external_id": "8"},
            {"email": "cid@example.com", "password_hash": BCRYPT, "status": "blocked"},
        ]);
        assert_eq!(import(world, "users", lines).await, ["imported"; 4]);
        assert_eq!(hashes(world).iter().filter(|hash| !hash.starts_with(OWN)).count(), 3);
        for _ in 0..2 {
            sign_in(world, "ann@example.com", "another password").await.refused(401, "bad_credentials");
            let session = sign_in(world, "ann@example.com", LETTERS).await.is(200);
            let me = world.holder(session["access_token"].as_str().unwrap()).get("/v1/me").await.is(200);
            assert_eq!((&me["created_at"], &me["locale"]), (&json!("2024-02-29T10:00:00Z"), &json!("zh")));
            sign_in(world, "bob@example.com", "password").await.is(200);
            sign_in(world, "cid@example.com", LETTERS).await.refused(403, "account_blocked");
        }
        let left: Vec<String> = hashes(world).into_iter().filter(|hash| !hash.starts_with(OWN)).collect();
        assert_eq!(left, [BCRYPT], "only who is blocked was not let in");
        let session = sign_in(world, "bob@example.com", "password").await.is(200);
        let bob = world.holder(session["access_token"].as_str().unwrap());
        bob.put("/v1/me/password", json!({"current": "password", "new": "short"})).await.refused(422, "invalid");
        bob.put("/v1/me/password", json!({"current": "password", "new": PASSWORD})).await.is(200);
        sign_in(world, "bob@example.com", "password").await.refused(401, "bad_credentials");
    });
}

/// R13.1: browsers hash the password anew, too.
#[test]
fn a_browser_that_signs_in_hashes_the_password_anew() {
    World::run(async |world| {
        let lines = json!([{"email": "ann@example.com", "password_hash": BCRYPT}]);
        assert_eq!(import(world, "users", lines).await, ["imported"]);
        signed_in(world, &BOTH[0], "ann", LETTERS).await;
        assert!(hashes(world).iter().all(|hash| hash.starts_with(OWN)), "{:?}", hashes(world));
        sign_in(world, "ann@example.com", LETTERS).await.is(200);
    });
}

/// R13.1: whoever moves in without a hash resets the password.
#[test]
fn whoever_moves_in_without_a_hash_resets_the_password() {
    World::run(async |world| {
        assert_eq!(import(world, "users", json!([{"email": "ann@example.com"}])).await, ["imported"]);
        sign_in(world, "ann@example.com", PASSWORD).await.refused(401, "bad_credentials");
        world.nobody().post("/v1/password-resets", json!({"email": "ann@example.com"})).await.is(202);
        world.settle().await;
        let mail = world.stack.mailbox.sent(Some("ann@example.com")).pop().unwrap();
        let code = mail.text.split_whitespace().find(|word| word.len() == 11 && word.contains('-')).unwrap().to_owned();
        let body = json!({"email": "ann@example.com", "code": code, "password": PASSWORD});
        world.nobody().post("/v1/password-resets/confirm", body).await.is(204);
        sign_in(world, "ann@example.com", PASSWORD).await.is(200);
    });
}

/// R13.1: a file that is read again changes nothing, and brings nobody back who was erased or took another address.
#[test]
fn a_file_takes_effect_once() {
    World::run(async |world| {
        let users = json!([{"email": "ann@example.com", "password_hash": BCRYPT}, {"email": "bob@example.com"}]);
        let balances =
            json!([{"email": "ann@example.com", "amount": "5"}, {"email": "bob@example.com", "amount": "7"}]);
        assert_eq!(import(world, "users", users.clone()).await, ["imported"; 2]);
        assert_eq!(import(world, "balances", balances.clone()).await, ["imported"; 2]);
        let bob = id_of(world, "bob@example.com").await;
        let erase = json!({"reason": "as asked", "acknowledge_balance": true});
        world.admin().once().post(&format!("/v1/admin/users/{bob}/erase"), erase).await.is(200);
        let token = sign_in(world, "ann@example.com", LETTERS).await.is(200)["access_token"].clone();
        let ann = world.holder(token.as_str().unwrap());
        ann.put("/v1/me/email", json!({"email": "anne@example.com", "password": LETTERS})).await.is(202);
        world.settle().await;
        let mail = world.stack.mailbox.sent(Some("anne@example.com")).pop().unwrap();
        let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
        let code = mail.text.split_whitespace().find(is_code).unwrap().to_owned();
        ann.post("/v1/me/email/confirm", json!({"code": code})).await.is(200);
        // Somebody else takes the address that is free.
        world.register("ann", None).await;
        let before = moved_items(world);
        assert_eq!(import(world, "users", users).await, ["exists"; 2]);
        assert_eq!(import(world, "balances", balances).await, ["exists", "refused account_erased"]);
        assert_eq!(moved_items(world), before, "nothing was written");
        assert_eq!(world.balance("ann").await, "0", "whoever took the address gets nothing");
        assert_eq!(user(world, "anne@example.com").await["balance"]["amount"], "5");
    });
}

/// R13.1: whose names are somebody else's makes no account.
#[test]
fn names_that_are_taken_are_told() {
    World::run(async |world| {
        world.register("ann", None).await;
        let first = json!([{"email": "bob@example.com", "external_id": "2"}, {"email": "cid@example.com"}]);
        assert_eq!(import(world, "users", first).await, ["imported"; 2]);
        let lines = json!([
            {"email": "ann@example.com"},
            {"email": "bob@example.com", "external_id": "2"},
            {"external_id": "2"},
            {"email": "new@example.com", "external_id": "2", "locale": "en"},
            {"email": "cid@example.com", "external_id": "3"},
            {"email": "CID@example.com"},
        ]);
        let told = [
            "conflict email_taken",
            "exists",
            "refused duplicate_line",
            "refused duplicate_line",
            "conflict identities_differ",
            "refused duplicate_line",
        ];
        assert_eq!(import(world, "users", lines).await, told);
        let twice = json!([{"external_id": "5"}, {"email": "fay@example.com", "external_id": "5"}, {"email": "fay@example.com"}]);
        let told = ["imported", "refused duplicate_line", "imported"];
        assert_eq!(import(world, "users", twice).await, told, "a line that is refused takes no name");
        let apart =
            json!([{"email": "cid@example.com", "external_id": "2"}, {"email": "new@example.com", "external_id": "9"}]);
        assert_eq!(import(world, "users", apart).await, ["conflict identities_differ", "imported"]);
        let changed = json!([{"email": "newer@example.com", "external_id": "9"}]);
        assert_eq!(import(world, "users", changed).await, ["exists"], "the external id says who it is");
    });
}

/// R13.1: a line that is not right is refused alone, with what would be right.
#[test]
fn a_line_that_is_not_right_is_refused_alone() {
    World::run(async |world| {
        let users = json!([
            {"email": "no address"}, {}, {"external_id": "a b"}, {"external_id": "1", "password_hash": BCRYPT},
            {"email": "a@x.com", "password_hash": "5f4dcc3b5aa765d61d8327deb882cf99"},
            {"email": "a@x.com", "password_hash": BCRYPT.replace("$08$", "$31$")},
            {"email": "a@x.com", "password_hash": ARGON2.replace("m=256", "m=4194304")},
            {"email": "a@x.com", "status": "erased"}, {"email": "a@x.com", "signed_up_at": "yesterday"},
            {"email": "a@x.com", "signed_up_at": "2027-01-01T00:00:00Z"}, {"email": "a@x.com", "locale": "a b"},
            {"email": "a@x.com"},
        ]);
        let refused = [
            "not_an_email",
            "required",
            "out_of_range",
            "email_required",
            "not_a_hash",
            "hash_out_of_bounds",
            "hash_out_of_bounds",
            "unknown",
            "not_a_time",
            "not_a_time",
            "not_a_locale",
        ];
        let mut expected: Vec<String> = refused.iter().map(|code| format!("refused {code}")).collect();
        expected.push("imported".to_owned());
        assert_eq!(import(world, "users", users).await, expected);
        let balances = json!([
            {"amount": "1"}, {"email": "a@x.com", "external_id": "1", "amount": "1"}, {"user_id": "7", "amount": "1"},
            {"email": "a@x.com", "amount": "-1"}, {"email": "a@x.com", "amount": "0"}, {"email": "a@x.com", "amount": "1e3"},
            {"email": "a@x.com", "amount": "0.000000001"}, {"email": "a@x.com", "amount": "1", "currency": "CNY"},
            {"email": "b@x.com", "amount": "1"}, {"external_id": "none", "amount": "1"},
        ]);
        let refused = [
            "one_name",
            "one_name",
            "not_an_id",
            "negative",
            "out_of_range",
            "not_a_decimal",
            "not_a_decimal",
            "currency_differs",
            "user_not_found",
            "user_not_found",
        ];
        assert_eq!(import(world, "balances", balances).await, refused.map(|code| format!("refused {code}")));
        let whole = |body: Value| world.admin().once().post("/v1/admin/import/users", body);
        let line = json!({"email": "b@x.com"});
        whole(json!({"source": "Old Site", "dry_run": true, "lines": [line]})).await.refused(422, "invalid");
        whole(json!({"source": "old", "dry_run": true, "lines": []})).await.refused(422, "invalid");
        whole(json!({"source": "old", "dry_run": true, "lines": vec![line.clone(); 101]}))
            .await
            .refused(422, "invalid");
        whole(json!({"source": "old", "dry_run": true, "lines": [{"mail": "b@x.com"}]})).await.refused(422, "invalid");
        let unkeyed = json!({"source": "old", "dry_run": true, "lines": [line]});
        world.admin().post("/v1/admin/import/users", unkeyed).await.refused(400, "idempotency_key_required");
    });
}

/// R13.1, R1.4: an opening balance is a journal against `adjustment` with its source, exact to the digit, one per user and source.
#[test]
fn an_opening_balance_is_a_journal_with_its_source() {
    World::run(async |world| {
        world.register("ann", None).await;
        let users = json!([{"email": "bob@example.com", "external_id": "2"}]);
        assert_eq!(import(world, "users", users).await, ["imported"]);
        let ann = id_of(world, "ann@example.com").await;
        let lines =
            json!([{"external_id": "2", "amount": "0.12345678", "currency": "USD"}, {"user_id": ann, "amount": "3"}]);
        assert_eq!(import(world, "balances", lines.clone()).await, ["imported"; 2]);
        assert_eq!(import(world, "balances", lines).await, ["exists"; 2]);
        let other = json!([{"external_id": "2", "amount": "0.1"}, {"email": "ann@example.com", "amount": "3"}]);
        assert_eq!(import(world, "balances", other).await, ["conflict amount_differs", "refused not_imported"]);
        let key = "the-key";
        let body = json!({"source": "older", "dry_run": false, "remark": "From the old shop",
            "lines": [{"external_id": "2", "amount": "1"}]});
        for replayed in [false, true] {
            let answer = world.admin().key(key).post("/v1/admin/import/balances", body.clone()).await;
            assert_eq!(answer.headers.contains_key("idempotency-replayed"), replayed);
            assert_eq!(told(&answer.is(200)), ["imported"], "a repeated request gets the first answer");
        }
        let mut less = body.clone();
        less["lines"][0]["amount"] = json!("0.5");
        world.admin().key(key).post("/v1/admin/import/balances", less).await.refused(422, "idempotency_key_reused");
        let bob = id_of(world, "bob@example.com").await;
        let records = world.admin().get(&format!("/v1/admin/records?user={bob}")).await.is(200);
        let shown: Vec<[&str; 4]> = records["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| {
                [&line["amount"]["amount"], &line["type"], &line["remark"], &line["related_id"]]
                    .map(|text| text.as_str().unwrap())
            })
            .collect();
        assert_eq!(
            shown,
            [["1", "admin", "From the old shop", "older"], ["0.12345678", "admin", "old-site", "old-site"]]
        );
        world.settle().await;
        let stats = world.admin().get("/v1/admin/stats").await.is(200);
        assert_eq!(stats["liabilities"]["balance"]["amount"], "4.12345678");
    });
}

/// R13.1, R1.7: a debt is paid by it.
#[test]
fn an_opening_balance_pays_a_debt() {
    World::run(async |world| {
        world.register("ann", None).await;
        let ann = id_of(world, "ann@example.com").await;
        let debt = json!({"amount": "-2", "remark": "a mistake", "allow_debt": true});
        world.admin().once().post(&format!("/v1/admin/users/{ann}/adjustments"), debt).await.is(200);
        assert_eq!(import(world, "balances", json!([{"user_id": ann, "amount": "5"}])).await, ["imported"]);
        assert_eq!(world.balance("ann").await, "3");
    });
}

/// R13.1, R3.11: codes that were shared go on binding; whoever has one already, or somebody else's, is told.
#[test]
fn codes_that_were_shared_go_on_binding() {
    World::run(async |world| {
        world.open().await;
        let users = json!([{"email": "ann@example.com", "password_hash": BCRYPT}, {"email": "bob@example.com"}]);
        assert_eq!(import(world, "users", users).await, ["imported"; 2]);
        let codes = json!([
            {"email": "ann@example.com", "code": "aB3x"}, {"email": "ann@example.com", "code": "summer-2025"},
            {"email": "bob@example.com", "code": "AB3X"}, {"email": "bob@example.com", "code": "a_b"},
            {"email": "bob@example.com", "code": "ab3"},
        ]);
        let expected = ["imported", "imported", "refused duplicate_line", "refused not_a_code", "refused not_a_code"];
        assert_eq!(import(world, "codes", codes).await, expected);
        let again =
            json!([{"email": "ann@example.com", "code": "AB3X"}, {"email": "bob@example.com", "code": "SUMMER2025"}]);
        assert_eq!(import(world, "codes", again).await, ["exists", "conflict invite_code_taken"]);
        assert_eq!(user(world, "ann@example.com").await["invite_code"], "AB3X");
        for (name, code) in [("cid", "ab3X"), ("dan", "Summer-2025")] {
            let made = world.register(name, Some(code)).await;
            assert_eq!(made["referral"]["applied"], true, "{made}");
        }
        world.settle().await;
        let token = sign_in(world, "ann@example.com", LETTERS).await.is(200)["access_token"].clone();
        let stats = world.holder(token.as_str().unwrap()).get("/v1/referral").await.is(200)["stats"].clone();
        assert_eq!(stats["invitees"], 2);
        let many: Vec<Value> =
            (0..21).map(|n| json!({"email": "ann@example.com", "code": format!("CODE{n:02}")})).collect();
        let done = import_many(world, many).await;
        assert_eq!(done.iter().filter(|one| *one == "imported").count(), 19, "twenty beside the primary one");
        assert_eq!(done.last().unwrap(), "refused invite_code_limit");
    });
}

async fn import_many(world: &World, lines: Vec<Value>) -> Vec<String> {
    let done = told(&send(world, "codes", false, &json!(lines)).await.is(200));
    world.settle().await;
    done
}

/// Ann is Bob's and Cid's inviter in the old system; a registration is worth 1, ¥20 are worth 3, ten per cent are commission.
async fn moved(world: &World) {
    world.open().await;
    world.settings("referral", |settings| settings["registration"]["inviter_reward"] = json!("1")).await;
    world.settings("affiliate", |settings| settings["enabled"] = json!(true)).await;
    world.settings("promotion", |settings| settings["enrol_existing"] = json!(true)).await;
    let user =
        |name: &str| json!({"email": format!("{name}@example.com"), "external_id": name, "password_hash": BCRYPT});
    assert_eq!(import(world, "users", json!(["ann", "bob", "cid"].map(user))).await, ["imported"; 3]);
}

async fn pays(world: &World, name: &str) -> Value {
    let token = sign_in(world, &format!("{name}@example.com"), LETTERS).await.is(200)["access_token"].clone();
    let body = json!({"offer_id": "o100", "provider": "stripe"});
    let order = world.holder(token.as_str().unwrap()).once().post("/v1/payment/orders", body).await.is(201);
    world.pay(&order, json!({})).await;
    world.settle().await;
    order
}

/// Balance and commission of Ann, and the counts of her invitees and of those who qualified.
async fn anns(world: &World) -> [String; 4] {
    let token = sign_in(world, "ann@example.com", LETTERS).await.is(200)["access_token"].clone();
    let ann = world.holder(token.as_str().unwrap());
    let earned = ann.get("/v1/affiliate").await.is(200)["totals"]["earned"]["amount"].clone();
    let stats = ann.get("/v1/referral").await.is(200)["stats"].clone();
    let balance = ann.get("/v1/me").await.is(200)["balance"]["amount"].clone();
    let said = |value: &Value| value.as_str().unwrap().to_owned();
    [said(&balance), said(&earned), stats["invitees"].to_string(), stats["qualified"].to_string()]
}

/// R13.1: a bond that moves in earns commission for later orders, and nothing of the past again.
#[test]
fn a_bond_that_moves_in_earns_for_what_comes() {
    World::run(async |world| {
        moved(world).await;
        let before = pays(world, "bob").await;
        assert_eq!((&before["bonus"]["amount"], &before["promotion_tier"]), (&json!("0"), &Value::Null), "no new user");
        let lines = json!([
            {"external_id": "bob", "inviter_email": "ann@example.com"},
            {"email": "cid@example.com", "inviter_external_id": "ann", "may_qualify": true},
        ]);
        assert_eq!(import(world, "referrals", lines.clone()).await, ["imported"; 2]);
        assert_eq!(import(world, "referrals", lines).await, ["exists"; 2]);
        assert_eq!(anns(world).await, ["0", "0", "2", "0"], "no registration and no order of before is rewarded");
        let first = pays(world, "bob").await;
        assert_eq!(anns(world).await, ["0", "1.38888888", "2", "1"], "commission, and no reward for the threshold");
        pays(world, "cid").await;
        assert_eq!(anns(world).await, ["3", "2.77777776", "2", "2"], "which Cid had not reached");
        refund(world, &first, 10_000).await;
        assert_eq!(anns(world).await, ["3", "2.77777776", "2", "1"], "what is taken back was earned");
    });
}

/// R13.1, R3.4: nobody gets a second inviter, and inviters form no ring.
#[test]
fn a_bond_that_cannot_be_is_told() {
    World::run(async |world| {
        moved(world).await;
        let lines = json!([{"external_id": "bob", "inviter_external_id": "ann"}, {"external_id": "cid", "inviter_external_id": "bob"}]);
        assert_eq!(import(world, "referrals", lines).await, ["imported"; 2]);
        let lines = json!([
            {"external_id": "bob", "inviter_external_id": "cid"}, {"external_id": "ann", "inviter_external_id": "cid"},
            {"email": "ann@example.com", "inviter_external_id": "ann"}, {"external_id": "eve", "inviter_external_id": "ann"},
            {"external_id": "cid", "inviter_external_id": "eve"}, {"external_id": "none"},
        ]);
        let expected = [
            "conflict already_bound",
            "refused circle",
            "refused own",
            "refused user_not_found",
            "refused user_not_found",
            "refused one_name",
        ];
        assert_eq!(import(world, "referrals", lines).await, expected);
    });
}

/// R13.1, R9.2: who moves in counts as a user and an invitee, and as no sign-up of a day; no event tells of it.
#[test]
fn whoever_moves_in_is_no_sign_up_of_a_day() {
    World::run(async |world| {
        endpoint(world, &["user.registered", "user.referred"]).await;
        moved(world).await;
        let bond = json!([{"external_id": "bob", "inviter_external_id": "ann"}]);
        assert_eq!(import(world, "referrals", bond).await, ["imported"]);
        let stats = world.admin().get("/v1/admin/stats").await.is(200);
        assert_eq!((&stats["users"], &stats["referrals"]["relations"]), (&json!(4), &json!(1)), "with the admin");
        let days = world.admin().get("/v1/admin/stats/daily?from=2026-11-20&to=2026-11-20").await.is(200);
        assert!(!days.to_string().contains("\"users\":4"), "{days}");
        assert_eq!(days["items"][0]["users"], 1, "{days}");
        assert_eq!(heard(world).len(), 0, "nothing is told of it");
        let mails = world.stack.mailbox.sent(None);
        assert!(mails.is_empty(), "nobody is written to: {mails:?}");
    });
}

/// R13.1, R9.3: each request that takes effect is on the audit log, with who, what and how many.
#[test]
fn each_import_is_on_the_audit_log() {
    World::run(async |world| {
        let lines = json!([{"email": "ann@example.com"}, {"email": "no address"}]);
        import(world, "users", lines).await;
        let audits = world.admin().get("/v1/admin/audit").await.is(200)["items"].clone();
        let own = |one: &&Value| one["action"] == "import.users";
        let own: Vec<&Value> = audits.as_array().unwrap().iter().filter(own).collect();
        assert_eq!(own.len(), 1, "a dry run is on no log: {audits}");
        assert_eq!((&own[0]["subject"], &own[0]["after"]), (&json!("import:old-site"), &json!("{\"lines\":2}")));
        assert!(own[0]["actor"].as_str().unwrap().starts_with("admin:usr_"));
    });
}

/// R13.1, R13.2: whoever moved in exports their data, and is erased like anybody.
#[test]
fn whoever_moved_in_exports_and_is_erased_like_anybody() {
    World::run(async |world| {
        moved(world).await;
        let lines = json!([{"external_id": "ann", "amount": "5"}]);
        assert_eq!(import(world, "balances", lines).await, ["imported"]);
        let token = sign_in(world, "ann@example.com", LETTERS).await.is(200)["access_token"].clone();
        let export = world.holder(token.as_str().unwrap()).get("/v1/me/export").await.is(200);
        assert!(export.to_string().contains("old-site"), "{export}");
        let ann = id_of(world, "ann@example.com").await;
        let erase = json!({"reason": "as asked", "acknowledge_balance": true});
        world.admin().once().post(&format!("/v1/admin/users/{ann}/erase"), erase).await.is(200);
        world.settle().await;
        sign_in(world, "ann@example.com", LETTERS).await.refused(401, "bad_credentials");
    });
}
