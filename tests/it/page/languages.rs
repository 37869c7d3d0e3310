//! Every page in both languages (journey 29, C7.1, C7.3).

use serde_json::json;

use super::client::{Browser, Shown};
use super::journeys::BOTH;
use super::signing_in::signed_in;
use crate::affiliate::commission::{hundred, invited};
use crate::redemption::{credit, pro, time_on};
use crate::world::{PASSWORD, World};

/// Places in a filled world.
pub struct Filled {
    /// The page that asks before Ann's second code is switched off.
    pub off: String,
    /// An order of Ann's.
    pub order: String,
}

/// Ann with a record, an order partly refunded and one to pay, a commission, a second code, an open withdrawal, a subscription and
/// redemptions.
pub async fn filled(world: &World) -> Filled {
    invited(world).await;
    world.settings("affiliate", |settings| settings["min_cash_withdrawal"] = json!("0.5")).await;
    hundred(world).await;
    let made = world.user("ann").post("/v1/affiliate/codes", json!({"label": "2026"})).await.is(201);
    let cash = json!({"amount": "0.5", "to": "cash", "payout": {"method": "bank", "account": "1234567890"}});
    world.user("ann").once().post("/v1/affiliate/withdrawals", cash).await.is(201);
    let plan = pro(world, 0).await;
    for batch in [time_on(&plan, "half_year", 1, 1), credit("5", 1, 1)] {
        let code = world.codes(batch).await.remove(0);
        world.redeem("ann", &code).await.is(201);
    }
    let order = world.order("ann", json!({"offer_id": "o100", "provider": "zpay"})).await;
    world.pay(&order, json!({})).await;
    world.settle().await;
    let order = order["id"].as_str().unwrap().to_owned();
    let refund = json!({"amount": "10", "reason": "goodwill"});
    world.admin().once().post(&format!("/v1/admin/payment/orders/{order}/refunds"), refund).await.is(201);
    world.settle().await;
    world.order("ann", json!({"offer_id": "o50", "provider": "zpay"})).await;
    Filled { off: format!("/affiliate/off?code={}", made["code"].as_str().unwrap()), order }
}

/// Runs of English words in what a page shows; names, codes and currencies stand alone.
pub fn english(page: &Shown) -> Vec<String> {
    let mut found = Vec::new();
    for element in page.root.all("body")[0].all("*") {
        for attribute in ["aria-label", "alt", "title", "data-label", "data-done", "data-else"] {
            found.extend(element.of(attribute).map(str::to_owned));
        }
    }
    found.push(page.root.all("body")[0].lines());
    let is_word = |word: &&str| word.len() >= 3 && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let has_run = |line: &&str| {
        let words: Vec<&str> = line.split(' ').collect();
        words.windows(2).any(|pair| pair.iter().all(|word| is_word(&&**word)))
    };
    found.iter().flat_map(|text| text.lines()).filter(has_run).map(str::to_owned).collect()
}

/// Journey 29: each page is in the visitor's language, all of it, and the link to the other one keeps the place.
#[test]
fn every_page_is_all_in_its_language_and_keeps_its_place() {
    World::run(async |world| {
        let off = filled(world).await.off;
        for words in BOTH {
            let (ann, nobody) = (signed_in(world, &words, "ann", PASSWORD).await, Browser::new(world, words.accept));
            let more = [
                "/account?step=email",
                "/account/mails",
                "/reset?step=code",
                "/affiliate/withdraw/confirm?to=cash%3Abank&amount=0.5",
                "/affiliate/withdraw",
                "/affiliate/withdrawals",
                "/affiliate/statement",
                &off,
            ];
            let pages = console::PAGES.iter().copied().filter(|path| *path != "/" && !path.ends_with("{proxy+}"));
            for path in pages.chain(more) {
                let is_gate = ["/sign-in", "/register", "/verify", "/reset", "/unsubscribe"]
                    .contains(&path.split('?').next().unwrap());
                let browser = if is_gate { &nobody } else { &ann };
                let page = browser.open(path).await;
                assert_eq!(page.root.all("html")[0].of("lang"), Some(words.lang), "{path}");
                if words.lang != "en" {
                    assert_eq!(english(&page), Vec::<String>::new(), "{path}");
                }
                let links = page.root.all("a");
                let link = links.iter().find(|link| link.text() == words.other).unwrap().of("href").unwrap();
                let other = browser.open(link).await;
                assert_ne!(other.root.all("html")[0].of("lang"), Some(words.lang), "{path}");
                assert_eq!(other.path, path, "the place is kept");
                browser.cookies.lock().unwrap().remove("lang");
            }
        }
    });
}
