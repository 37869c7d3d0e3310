//! Calls of the database that each page makes, and how many of them wait for each other (C2.5).

use std::time::Duration;

use super::client::Browser;
use super::journeys::BOTH;
use super::languages::filled;
use super::signing_in::signed_in;
use crate::world::{PASSWORD, World};

/// Duration of a call.
const CALL: Duration = Duration::from_millis(10);

/// Calls of a page: batches, single items, lists; and the longest chain of them.
pub type Calls = (u64, u64, u64, u32);

/// Pages of users with their calls, each with a list that is not empty. The first batch is that of the visitor.
const PAGES: &[(&str, Calls)] = &[
    ("/sign-in", (0, 0, 0, 0)),
    ("/register", (0, 0, 0, 0)),
    ("/register?ref=ABCDEFGH", (0, 0, 0, 0)),
    ("/verify", (0, 0, 0, 0)),
    ("/reset", (0, 0, 0, 0)),
    ("/sorry", (0, 0, 0, 0)),
    ("/home", (3, 0, 3, 2)),
    ("/records", (1, 0, 1, 1)),
    ("/records?account=commission&type=commission", (1, 0, 1, 1)),
    ("/top-up", (3, 0, 1, 3)),
    ("/top-up/price?amount=50", (1, 0, 0, 1)),
    ("/orders", (3, 0, 1, 3)),
    ("/orders/{id}", (2, 1, 0, 2)),
    ("/orders/{id}/receipt", (2, 2, 0, 2)),
    ("/orders/{id}/state", (2, 1, 0, 2)),
    ("/payment/result", (1, 0, 0, 1)),
    ("/invite", (3, 0, 1, 2)),
    ("/invite/rewards", (1, 0, 1, 1)),
    ("/invite/qr.svg", (1, 0, 0, 1)),
    ("/account", (1, 0, 0, 1)),
    ("/account/mails", (1, 1, 0, 2)),
    ("/unsubscribe", (0, 0, 0, 0)),
    ("/redeem", (3, 0, 2, 2)),
    ("/affiliate", (3, 0, 2, 3)),
    ("/affiliate/off", (2, 0, 1, 2)),
    ("/affiliate/withdraw", (2, 0, 1, 2)),
    ("/affiliate/withdraw/confirm?to=balance&amount=0.1", (2, 0, 1, 2)),
    ("/affiliate/withdrawals", (2, 0, 1, 2)),
    ("/affiliate/statement", (2, 1, 1, 3)),
];

/// Number of batches, single items and lists, and their longest chain.
pub async fn calls(world: &World, browser: &Browser<'_>, path: &str) -> Calls {
    // Settings are read once a minute, which is no page's cost.
    browser.open(path).await;
    world.stack.dynamo.reset();
    world.stack.dynamo.watch();
    world.stack.dynamo.calls_take(CALL);
    let begun = tokio::time::Instant::now();
    browser.open(path).await;
    let took = begun.elapsed().as_millis() / CALL.as_millis();
    world.stack.dynamo.calls_take(Duration::ZERO);
    let used = world.stack.dynamo.used();
    let of = |name: &str| used.get(name).map_or(0, |usage| usage.calls);
    let known = ["BatchGetItem", "GetItem", "Query"];
    assert!(used.keys().all(|name| known.contains(&&**name)), "{path}: {used:?}");
    let lists = u64::try_from(world.stack.dynamo.lists()).unwrap();
    (of("BatchGetItem"), of("GetItem"), lists, u32::try_from(took).unwrap())
}

/// C2.5: a page reads its visitor, and beside them at most four lists or sets of items, of which none waits for more than one other.
#[test]
fn every_page_of_users_reads_side_by_side() {
    let has_row = |page: &&str| PAGES.iter().any(|(path, _)| path.split('?').next() == Some(page));
    let is_other = |page: &str| ["/", "/confirm-password"].contains(&page) || page.ends_with("{proxy+}");
    let pages = console::PAGES.iter().filter(|page| !is_other(page));
    assert_eq!(pages.filter(|page| !has_row(page)).collect::<Vec<_>>(), Vec::<&&str>::new(), "a row for each page");
    World::run(async |world| {
        let order = filled(world).await.order;
        let (ann, nobody) = (signed_in(world, &BOTH[0], "ann", PASSWORD).await, Browser::new(world, BOTH[0].accept));
        let mut found = Vec::new();
        for (path, expected) in PAGES {
            // A list is one read: its keys, then their items. What the items name, refunds and friends, is read after them.
            let (batches, items, lists, depth) = *expected;
            let most = if ["/top-up", "/orders", "/affiliate", "/affiliate/statement"].contains(path) { 3 } else { 2 };
            assert!(batches + items <= 1 + 4 && lists <= 4 && depth <= most, "{path} is within C2.5");
            let browser = if batches == 0 { &nobody } else { &ann };
            found.push((*path, calls(world, browser, &path.replace("{id}", &order)).await));
        }
        assert_eq!(found, PAGES);
    });
}

/// C2.5: nothing of a page is shown before its visitor's session is found, though both are read at the same time.
#[test]
fn a_session_that_is_over_shows_nothing_of_what_was_read_beside_it() {
    World::run(async |world| {
        filled(world).await;
        let ann = signed_in(world, &BOTH[0], "ann", PASSWORD).await;
        let id = world.user("ann").get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
        let blocked = serde_json::json!({"status": "blocked", "reason": "a test"});
        world.admin().put(&format!("/v1/admin/users/{id}/status"), blocked).await.is(200);
        for (path, (batches, ..)) in
            PAGES.iter().filter(|(path, _)| *path != "/payment/result" && !path.contains("{id}"))
        {
            let page = ann.open(path).await;
            assert_eq!(
                page.path.starts_with("/sign-in"),
                *batches > 0 || *path == "/sign-in",
                "{path} leads to {}",
                page.path
            );
            assert!(!page.text.contains("ann@example.com"), "{path}");
        }
    });
}
