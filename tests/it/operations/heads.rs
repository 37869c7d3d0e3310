//! Signed heads of each day, and statements that prove themselves (R11.2).

use emulator::stack::TABLE;
use jiff::civil::date;
use serde_json::{Value, json};
use shared::kernel::content_hash::ContentHash;
use shared::operations::model::heads::{HeadsPage, LedgerHeads};
use shared::operations::model::proof::{Flaw, ProvenStatement, is_signed};
use shared::table::item::{Versioned, fresh};
use shared::table::json::item;

use crate::affiliate::commission::{hundred, invited};
use crate::world::World;

/// Public key of the stack's heads.
pub const KEY: &str = "E5j2LG0aRXxRumpLXz29L2n8qTIWIY3ImX5Ba9F9k8o";

async fn sign(world: &World) -> (u64, u64) {
    let did = world.stack.tick("sign-heads").await.unwrap();
    (did["days"].as_u64().unwrap(), did["accounts"].as_u64().unwrap())
}

async fn adjust(world: &World, name: &str, amount: &str) {
    let me = world.user(name).get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
    let body = json!({"amount": amount, "remark": "by hand"});
    world.admin().once().post(&format!("/v1/admin/users/{me}/adjustments"), body).await.is(200);
}

/// Moves to the next day, an hour and a bit after midnight, and signs everybody in again.
async fn next_day(world: &World, names: &[&str]) {
    let now = world.stack.clock.now().to_zoned(jiff::tz::TimeZone::UTC);
    let next = now.date().tomorrow().unwrap().at(1, 5, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap();
    world.stack.clock.set(next.timestamp());
    for name in ["admin"].iter().chain(names) {
        world.sign_in(name).await;
    }
}

/// Ann with entries on two days, both signed, and one of today.
async fn two_days(world: &World) {
    world.open().await;
    world.register("ann", None).await;
    adjust(world, "ann", "5").await;
    adjust(world, "ann", "-1").await;
    next_day(world, &["ann"]).await;
    adjust(world, "ann", "3").await;
    adjust(world, "ann", "2").await;
    next_day(world, &["ann"]).await;
    adjust(world, "ann", "0.5").await;
    assert_eq!(sign(world).await, (2, 2));
    world.settle().await;
}

async fn statement(world: &World, name: &str, path: &str) -> ProvenStatement {
    let answer = world.user(name).get(path).await.is(200);
    ProvenStatement::read(&answer.to_string()).unwrap()
}

const BALANCE: &str = "/v1/balance/statements/2026-11/proof";

fn put(world: &World, item: &Value) {
    world.stack.dynamo.apply("PutItem", &json!({"TableName": TABLE, "Item": item})).unwrap();
}

fn items(world: &World, kind: &str) -> Vec<Value> {
    let items = world.stack.dynamo.scan(TABLE).unwrap();
    items.into_iter().filter(|item| item["type"]["S"] == kind).collect()
}

fn found(world: &World) -> Vec<&'static str> {
    let mut found: Vec<_> = world.stack.audit().unwrap().into_iter().map(|finding| finding.invariant).collect();
    found.dedup();
    found
}

/// R11.2: a day's heads are signed once, an hour after its end, and shown to anybody; they never change.
#[test]
fn the_heads_of_a_day_are_signed_once_and_shown_to_anybody() {
    World::run(async |world| {
        world.open().await;
        for name in ["ann", "bob"] {
            world.register(name, None).await;
            adjust(world, name, "5").await;
        }
        assert_eq!(sign(world).await, (0, 0), "the day is not over");
        world.nobody().get("/v1/ledger/heads/2026-11-20").await.refused(404, "not_found");
        world.stack.clock.set("2026-11-21T00:59:00Z".parse().unwrap());
        assert_eq!(sign(world).await, (0, 0), "commits of the last minute may be under way");
        world.stack.clock.set("2026-11-21T01:05:00Z".parse().unwrap());
        world.sign_in("admin").await;
        world.sign_in("ann").await;
        assert_eq!(sign(world).await, (1, 2));
        let heads = world.nobody().get("/v1/ledger/heads/2026-11-20").await.is(200);
        assert_eq!((&heads["accounts"], &heads["key"]), (&json!(2), &json!(KEY)));
        assert_eq!(heads["before"], ContentHash::GENESIS.to_string());
        let root = ContentHash::parse(heads["root"].as_str().unwrap()).unwrap();
        let signature = heads["signature"].as_str().unwrap();
        assert_eq!(is_signed(KEY, date(2026, 11, 20), root, signature), Ok(()));
        assert_eq!(is_signed(KEY, date(2026, 11, 21), root, signature), Err(Flaw::Forged(date(2026, 11, 21))));
        adjust(world, "ann", "1").await;
        assert_eq!(sign(world).await, (0, 0));
        assert_eq!(world.nobody().get("/v1/ledger/heads/2026-11-20").await.is(200), heads);
        assert!(!heads.to_string().contains("usr_"), "nobody is named");
    });
}

/// R11.2: days that were missed are signed in order, those without entries too; each root covers the one before.
#[test]
fn missed_days_are_signed_in_order() {
    World::run(async |world| {
        world.open().await;
        world.register("ann", None).await;
        adjust(world, "ann", "5").await;
        next_day(world, &["ann"]).await;
        next_day(world, &["ann"]).await;
        adjust(world, "ann", "5").await;
        next_day(world, &["ann"]).await;
        assert_eq!(sign(world).await, (3, 2));
        let mut before = ContentHash::GENESIS.to_string();
        for (day, accounts) in [(20, 1), (21, 0), (22, 1)] {
            let heads = world.nobody().get(&format!("/v1/ledger/heads/2026-11-{day}")).await.is(200);
            assert_eq!((&heads["before"], &heads["accounts"]), (&json!(before), &json!(accounts)), "{day}");
            before = heads["root"].as_str().unwrap().to_owned();
        }
    });
}

/// R11.2: two runs at once sign a day once.
#[test]
fn two_runs_at_once_sign_a_day_once() {
    World::run(async |world| {
        world.open().await;
        world.register("ann", None).await;
        adjust(world, "ann", "5").await;
        next_day(world, &["ann"]).await;
        let (one, two) = tokio::join!(sign(world), sign(world));
        assert_eq!(one.0 + two.0, 1);
        assert_eq!(items(world, "ledger_heads").len(), 1);
    });
}

/// R11.2: a balance statement proves itself to whoever knows the public key, and says which entries no signed heads hold yet.
#[test]
fn a_balance_statement_proves_itself_to_whoever_knows_the_key() {
    World::run(async |world| {
        two_days(world).await;
        let of = statement(world, "ann", BALANCE).await;
        let verified = of.verify(KEY).unwrap();
        assert_eq!((verified.entries, verified.signed), ((1, 5), (date(2026, 11, 21), 4)));
        assert_eq!(of.before, ContentHash::GENESIS);
        let other = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        assert_eq!(of.verify(other), Err(Flaw::Forged(date(2026, 11, 21))));
        assert_eq!(of.verify("x"), Err(Flaw::BadKey));
        let october = statement(world, "ann", "/v1/balance/statements/2026-10/proof").await;
        assert_eq!((october.verify(KEY), october.heads), (Err(Flaw::Empty), None));
        world.user("ann").get("/v1/balance/statements/2026-12/proof").await.refused(404, "not_found");
    });
}

/// R11.2: a month's statement follows on the one before, however many entries there are.
#[test]
fn a_statement_follows_on_that_of_the_month_before() {
    World::run(async |world| {
        world.stack.clock.set("2026-11-30T10:00:00Z".parse().unwrap());
        world.sign_in("admin").await;
        world.open().await;
        world.register("ann", None).await;
        for _ in 0..70 {
            adjust(world, "ann", "1").await;
        }
        next_day(world, &["ann"]).await;
        for _ in 0..40 {
            adjust(world, "ann", "1").await;
        }
        next_day(world, &["ann"]).await;
        assert_eq!(sign(world).await, (2, 2));
        let november = statement(world, "ann", BALANCE).await;
        let december = statement(world, "ann", "/v1/balance/statements/2026-12/proof").await;
        assert_eq!(november.verify(KEY).unwrap().entries, (1, 70));
        assert_eq!(december.verify(KEY).unwrap().entries, (71, 110));
        assert_eq!(december.before, november.entries.last().unwrap().hash);
    });
}

/// R6.12, R11.2: an affiliate's statement proves itself, too.
#[test]
fn a_commission_statement_proves_itself() {
    World::run(async |world| {
        invited(world).await;
        hundred(world).await;
        next_day(world, &["ann", "bob"]).await;
        sign(world).await;
        let of = statement(world, "ann", "/v1/affiliate/statements/2026-11/proof").await;
        assert!(of.chain.ends_with(".commission"), "{}", of.chain);
        assert_eq!(of.verify(KEY).unwrap().signed, (date(2026, 11, 20), 1));
        assert!(of.entries.iter().flat_map(|entry| &entry.lines).any(|line| line.amount == "1.38888888"));
        // The account of the invitee is another chain.
        assert_eq!(statement(world, "bob", BALANCE).await.verify(KEY).unwrap().entries, (1, 1));
    });
}

/// Issue 21: any one byte of any entry of a statement changed is refused, and so is one of its proof.
#[test]
fn a_statement_with_one_byte_changed_is_refused() {
    World::run(async |world| {
        two_days(world).await;
        let text = world.user("ann").get(BALANCE).await.is(200).to_string();
        assert!(ProvenStatement::read(&text).unwrap().verify(KEY).is_ok());
        let (mut refused, mut kept) = (0, Vec::new());
        for index in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[index] ^= 1;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            match ProvenStatement::read(&changed).and_then(|of| of.verify(KEY)) {
                Err(_) => refused += 1,
                Ok(_) => kept.push(index),
            }
        }
        // The month is a title; entries have their own times.
        let month = text.find("2026-11\"").unwrap();
        assert!(refused > 2_000 && kept.iter().all(|index| (month..month + 7).contains(index)), "{kept:?}");
    });
}

/// Issue 21: an old entry changed in the table is found by the auditor, and by the holder of a statement got later.
#[test]
fn an_old_entry_changed_in_the_table_is_found_by_audit_and_holder() {
    World::run(async |world| {
        two_days(world).await;
        let sound = items(world, "posting").into_iter().find(|entry| entry["number"]["N"] == "1").unwrap();
        let mut changed = sound.clone();
        let line = &mut changed["entries"]["L"][0]["M"];
        line["remark"]["S"] = json!("by hamd");
        put(world, &changed);
        assert_eq!(found(world), ["L7"]);
        assert_eq!(statement(world, "ann", BALANCE).await.verify(KEY), Err(Flaw::Changed(1)));
        put(world, &sound);
    });
}

/// R11.2: whoever changes an old entry and makes the whole chain anew is found by the signed heads, which they can't sign.
#[test]
fn a_chain_made_anew_is_not_the_one_that_was_signed() {
    World::run(async |world| {
        two_days(world).await;
        let before = world.stack.dynamo.scan(TABLE).unwrap();
        let mut entries = items(world, "posting");
        entries.sort_by_key(|entry| entry["number"]["N"].as_str().unwrap().parse::<u64>().unwrap());
        let mut head = None;
        for old in &entries {
            let stored = Versioned::<shared::kernel::ledger::JournalEntry>::read(item(old).unwrap()).unwrap();
            let (rev, tx) = (stored.rev(), stored.written_by().unwrap().to_owned());
            let mut entry = stored.into_inner();
            if entry.number == 1 {
                entry.entries[0].remark = Some("never by hand".to_owned());
            }
            entry.hash = Some(entry.hash_after(head));
            head = entry.hash;
            let mut new = old.clone();
            let made = fresh(&entry, &tx, rev).unwrap();
            new["hash"] = json!({"S": made["hash"].as_s().unwrap()});
            if entry.number == 1 {
                new["entries"]["L"][0]["M"]["remark"] = json!({"S": "never by hand"});
            }
            put(world, &new);
        }
        let mut ann = items(world, "user").into_iter().find(|user| user["email"]["S"] == "ann@example.com").unwrap();
        ann["accounts"]["M"]["head"] = json!({"S": head.unwrap().to_string()});
        put(world, &ann);
        assert_eq!(found(world), ["L8"]);
        let of = statement(world, "ann", BALANCE).await;
        assert_eq!(of.verify(KEY), Err(Flaw::OtherRoot(date(2026, 11, 21), 4)));
        for item in before.iter().filter(|item| ["posting", "user"].contains(&item["type"]["S"].as_str().unwrap_or("")))
        {
            put(world, item);
        }
    });
}

/// R11.2: a page of one day's tree proves nothing of another's.
#[test]
fn a_proof_of_one_account_is_none_of_another() {
    World::run(async |world| {
        world.open().await;
        for name in ["ann", "bob"] {
            world.register(name, None).await;
            adjust(world, name, "5").await;
        }
        next_day(world, &["ann", "bob"]).await;
        sign(world).await;
        let (ann, bob) = (statement(world, "ann", BALANCE).await, statement(world, "bob", BALANCE).await);
        assert!(ann.verify(KEY).is_ok() && bob.verify(KEY).is_ok());
        let mixed = ProvenStatement { heads: bob.heads, ..ann };
        assert_eq!(mixed.verify(KEY), Err(Flaw::OtherRoot(date(2026, 11, 20), 1)));
        let day = items(world, "ledger_heads").remove(0);
        let day = Versioned::<LedgerHeads>::read(item(&day).unwrap()).unwrap();
        let page = Versioned::<HeadsPage>::read(item(&items(world, "heads_page")[0]).unwrap()).unwrap();
        assert_eq!((page.heads.len(), day.pages.len()), (2, 1));
    });
}
