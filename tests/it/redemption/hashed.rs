//! Codes that check themselves, of which the table has hashes only (R7.9).

use std::cell::RefCell;

use serde_json::json;
use shared::app::App;
use shared::kernel::id::{BatchId, UserId};
use shared::redemption::codes::{batch, code, codes_of};
use shared::redemption::create_batch::{CreateBatch, Texts, create_batch};
use shared::redemption::model::code::{Benefit, Terms};
use shared::redemption::model::code_text::{CodeName, CodeRef, CodeSecrets, CodeText};
use shared::table::context::Ctx;
use ulid::Ulid;

use super::{credit, pro, time_on};
use crate::world::World;

/// Code secret of the tests' deployments.
const SECRET: &str = "1:a-code-secret-of-thirty-two-bytes-or-more";

/// A code with the right check that no batch has.
pub fn never_made(number: u64) -> String {
    let secrets = CodeSecrets::parse(SECRET).unwrap();
    let of = CodeRef { batch: BatchId::new(Ulid::from_parts(number, 1)), ordinal: 0 };
    secrets.text(1, "", of).unwrap().to_string()
}

/// Texts that differ from a code by one symbol, or by two that changed places.
fn mistyped(code: &str) -> Vec<String> {
    let symbols: Vec<char> = code.chars().filter(|symbol| *symbol != '-').collect();
    let mut texts = Vec::new();
    for place in 0..symbols.len() {
        let mut other = symbols.clone();
        other[place] = if other[place] == 'K' { 'M' } else { 'K' };
        texts.push(other.iter().collect());
        let mut swapped = symbols.clone();
        swapped.swap(place, (place + 5) % symbols.len());
        texts.push(swapped.into_iter().collect());
    }
    texts.retain(|text: &String| *text != symbols.iter().collect::<String>());
    texts
}

/// R7.9: a mistyped or guessed code never reaches the database, whoever enters it, and is no guess of a real code.
#[test]
fn a_mistyped_code_costs_no_call_and_no_try() {
    World::run(async |world| {
        world.register("ann", None).await;
        let good = world.codes(credit("1", 1, 1)).await.remove(0);
        let right = CodeSecrets::parse(SECRET).unwrap();
        let wrong = mistyped(&good).into_iter().chain(["AAAA-AAAA-AAAA-AAAA".to_owned()]);
        let wrong: Vec<String> =
            wrong.filter(|text| right.look_up(&CodeText::parse(text).unwrap()).unwrap().is_empty()).collect();
        assert!(wrong.len() > 25, "{wrong:?}");
        world.stack.dynamo.reset();
        world.stack.faults.calls();
        for text in &wrong {
            world.redeem("ann", text).await.refused(404, "code_not_found");
        }
        assert_eq!(world.stack.faults.calls(), Vec::<String>::new());
        assert_eq!(world.stack.dynamo.used().values().map(|usage| usage.calls).sum::<u64>(), 0);
        world.redeem("ann", &good).await.is(201);
    });
}

/// R7.9: the table has no text of a code, whole or in part, and no seed: a copy of it redeems nothing, its hashes neither.
#[test]
fn a_copy_of_the_table_redeems_nothing() {
    let (texts, hashes) = (RefCell::new(Vec::<String>::new()), RefCell::new(Vec::<String>::new()));
    let items = World::left_by(async |world| {
        world.register("ann", None).await;
        let plan = pro(world, 0).await;
        let mut codes = world.codes(credit("1", 3, 200)).await;
        codes.extend(world.codes(time_on(&plan, "month", 1, 1)).await);
        for code in [&codes[0], &codes[3]] {
            world.redeem("ann", code).await.is(201);
        }
        let path = format!("/v1/admin/redemption/codes/{}", codes[1]);
        world.admin().put(&path, json!({"total_uses": 300})).await.is(200);
        world.admin().post("/v1/admin/redemption/codes/delete", json!({"codes": [codes[2]]})).await.is(200);
        let made = world.admin().once().post("/v1/admin/redemption/batches", credit("1", 200, 1)).await.is(202);
        world.settle().await;
        let path = format!("/v1/admin/redemption/batches/{}/export.csv", made["id"].as_str().unwrap());
        let file = world.admin().get(&path).await;
        codes.extend(file.text.lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned()));
        let stolen: Vec<String> = world.stack.items().unwrap().iter().map(|item| format!("{item:?}")).collect();
        let keys = stolen.iter().filter_map(|item| item.split("CODE#").nth(1)?.get(..32).map(str::to_owned));
        hashes.borrow_mut().extend(keys);
        let some: Vec<String> = hashes.borrow().iter().take(5).cloned().collect();
        for hash in &some {
            world.redeem("ann", hash).await.refused(404, "code_not_found");
        }
        texts.borrow_mut().extend(codes);
    });
    let (texts, hashes) = (texts.into_inner(), hashes.into_inner());
    assert_eq!((texts.len(), hashes.len() > 200), (204, true));
    let table: String = items.iter().map(|item| format!("{item:?}\n")).collect();
    for text in texts {
        let (bare, half) = (text.replace('-', ""), text.get(5..14).unwrap().to_owned());
        for leak in [text, bare, half.replace('-', ""), half] {
            assert!(!table.contains(&leak), "{leak} is in the table");
        }
    }
    assert!(!table.contains("seed"), "a seed is in the table");
}

fn with_secret(world: &World, secret: &str) -> App {
    let mut app = App::clone(&world.stack.app);
    app.config.codes = CodeSecrets::parse(secret).unwrap();
    app
}

/// R7.9: a batch names its version. Another secret beside it voids no printed code; without its own nothing finds or lists one.
#[test]
fn a_rotated_code_secret_voids_no_printed_code() {
    const NEW: &str = "2:the-code-secret-after-a-rotation-is-another";
    World::run(async |world| {
        let before = with_secret(world, SECRET);
        let (after, retired) = (with_secret(world, &format!("{NEW} {SECRET}")), with_secret(world, NEW));
        let admin = UserId::new(Ulid::from_parts(1, 1));
        let benefit = Benefit::Balance { credit: "1".parse().unwrap() };
        let terms = Terms { benefit, total_uses: 1, per_user_limit: 1, starts_at: None, expires_at: None };
        let ask =
            CreateBatch { label: "printed".to_owned(), texts: Texts::Made { count: 2, prefix: None }, terms, admin };
        let made = |app: App| {
            let ask = ask.clone();
            async move {
                let made = create_batch(&app, &Ctx::system(), &ask).await.unwrap().answer;
                let texts: Vec<CodeText> =
                    codes_of(&app, &made).await.unwrap().into_iter().map(|(text, _)| text).collect();
                (made, texts)
            }
        };
        let ((first, printed), (second, later)) = (made(before).await, made(after.clone()).await);
        assert_eq!((first.secret_version, second.secret_version), (1, 2));
        for text in printed.iter().chain(&later) {
            assert_eq!(code(&after, &CodeName::Text(text.clone())).await.unwrap().text, *text);
        }
        let listed = codes_of(&after, &first).await.unwrap().into_iter().map(|(text, _)| text);
        assert_eq!(listed.collect::<Vec<_>>(), printed);
        assert!(code(&retired, &CodeName::Text(printed[0].clone())).await.is_err());
        let first = batch(&retired, first.id).await.unwrap();
        assert_eq!(codes_of(&retired, &first).await.unwrap(), []);
        world.register("ann", None).await;
        world.redeem("ann", &printed[0].to_string()).await.is(201);
    });
}
