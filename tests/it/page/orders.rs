//! Orders in every state: cards, lost webhooks, cancellations, late payments, refunds, lists (journeys 8, 10–12).

use emulator::faults::Fault;
use http::header::LOCATION;
use serde_json::json;

use super::client::{Browser, Shown};
use super::topup::{AMOUNT, WAY, both, enter, order_of};
use crate::world::World;

/// Words that these journeys press or read, in both languages.
fn word(lang: &str, english: &'static str, chinese: &'static str) -> &'static str {
    if lang == "en" { english } else { chinese }
}

async fn buy(browser: &Browser<'_>, pay: &str, way: &str, amount: &str) -> Shown {
    let page = browser.open(&format!("/top-up?amount={amount}")).await;
    let order = browser.press(&page, pay, &[(AMOUNT, amount), (WAY, way)]).await;
    assert!(order.path.starts_with("/orders/"), "{}", order.says());
    order
}

/// Journey 8, C5.12: a card is paid at the provider; coming back shows the order and credits nothing by itself.
#[test]
fn who_comes_back_from_a_provider_sees_the_order_and_nothing_is_believed() {
    for (words, pay) in both() {
        World::run(async |world| {
            world.open().await;
            for name in ["bob", "eve"] {
                world.register(name, None).await;
            }
            let browser = enter(world, words, "bob").await;
            let page = buy(&browser, &(pay.pay)("¥50.00"), "stripe/card", "50").await;
            let order = order_of(&page, "stripe");
            let id = order["id"].as_str().unwrap();
            assert!(page.root.all("svg").iter().all(|svg| svg.of("role") != Some("img")), "a card scans no code");
            assert!(!page.link(word(words.lang, "Open the payment page", "打开付款页面")).is_empty());
            let book = world.stack.simulators.book();
            let session = book.sessions.values().find(|session| session.reference.as_deref() == Some(id)).unwrap();
            assert_eq!(session.success_url, format!("http://127.0.0.1:3000/payment/result?order={id}"));
            let lie = format!("/payment/result?order={id}&status=paid&trade_status=TRADE_SUCCESS&money=50.00");
            let back = browser.open(&lie).await;
            assert_eq!(back.path, format!("/orders/{id}"));
            assert!(back.says().contains(pay.waiting), "the query is not believed");
            assert_eq!(world.balance("bob").await, "0");
            world.pay(&order, json!({})).await;
            assert!(browser.open(&format!("/payment/result?out_trade_no={id}")).await.says().contains(pay.waiting));
            assert_eq!(world.balance("bob").await, "0", "a return never credits");
            world.settle().await;
            assert!(browser.open(&lie).await.says().contains(pay.paid));
            let stranger = Browser::new(world, words.accept);
            let told = stranger.open(&lie).await;
            assert_eq!((told.status, told.path.as_str()), (200, lie.as_str()));
            assert!(told.says().contains(word(words.lang, "credited anyway", "都会到账")), "{}", told.says());
            assert_eq!(told.link(words.sign_in), format!("/sign-in?next=%2Forders%2F{id}"));
            let eve = enter(world, words, "eve").await;
            assert!(!eve.open(&lie).await.says().contains("50.00"), "somebody else's order");
            assert_eq!(eve.open(&format!("/orders/{id}")).await.status, 404);
            assert_eq!(eve.open(&format!("/orders/{id}/cancel")).await.status, 404);
        });
    }
}

/// R4.4, R4.11: a paid order has a receipt with a number, the operator's name, what paid it and what went back since; one that was not
/// paid has none, and nobody sees another's.
#[test]
fn a_paid_order_has_a_receipt() {
    for (words, pay) in both() {
        World::run(async |world| {
            world.open().await;
            world.settings("console", |settings| settings["name"] = json!("Acme")).await;
            for name in ["bob", "eve"] {
                world.register(name, None).await;
            }
            let browser = enter(world, words, "bob").await;
            let page = buy(&browser, &(pay.pay)("¥100.00"), "stripe/card", "100").await;
            let order = order_of(&page, "stripe");
            let id = order["id"].as_str().unwrap();
            let path = format!("/orders/{id}");
            let receipt = format!("{path}/receipt");
            assert_eq!(browser.open(&receipt).await.path, path, "nothing was paid");
            world.pay(&order, json!({})).await;
            world.settle().await;
            let links = browser.open(&path).await;
            assert!(links.root.all("a").iter().any(|link| link.of("href") == Some(&receipt)), "{}", links.text);
            let page = browser.open(&receipt).await;
            let stored = || world.stack.dynamo.scan(emulator::stack::TABLE).unwrap();
            let issued = || stored().iter().filter(|item| item["type"]["S"] == "receipt").count();
            assert!(!page.says().contains("R-2026-") && issued() == 0, "a look issues nothing: {}", page.says());
            let make = match words.sign_in {
                "Sign in" => "Make my receipt",
                _ => "开具收据",
            };
            let page = browser.press(&page, make, &[]).await;
            assert_eq!(page.path, receipt);
            let said = page.says();
            for part in ["R-2026-000001", "Acme", "bob@example.com", "¥100.00", "18.05555554", "pi_", id] {
                assert!(said.contains(part), "{part} in {said}");
            }
            assert!(!said.contains(make) && issued() == 1, "{said}");
            assert!(!said.contains("¥70.00"), "{said}");
            crate::fixtures::refund(world, &order, 3_000).await;
            world.settle().await;
            let said = browser.open(&receipt).await.says();
            assert!(said.contains("¥30.00") && said.contains("¥70.00"), "{said}");
            assert_eq!(enter(world, words, "eve").await.open(&receipt).await.status, 404);
        });
    }
}

/// Journey 10, R4.10: the webhook is lost; *I have paid* asks the provider and credits.
#[test]
fn i_have_paid_credits_what_no_webhook_told() {
    for (words, pay) in both() {
        World::run(async |world| {
            world.open().await;
            world.register("bob", None).await;
            let browser = enter(world, words, "bob").await;
            for way in ["zpay/alipay", "stripe/card"] {
                let page = buy(&browser, &(pay.pay)("¥10.00"), way, "10").await;
                let button = word(words.lang, "I have paid", "我已付款");
                let early = browser.press(&page, button, &[]).await;
                assert!(
                    early.says().contains(word(words.lang, "no payment for this order yet", "尚未收到")),
                    "{}",
                    early.says()
                );
                assert!(!browser.open(&page.path).await.says().contains("no payment for this order yet"), "said once");
                world.pay(&order_of(&page, way.split('/').next().unwrap()), json!({})).await;
                let paid = browser.press(&page, button, &[]).await;
                assert_eq!((paid.status, &paid.path), (200, &page.path));
                assert!(paid.says().contains(pay.paid), "{}", paid.says());
                world.settle().await;
            }
            let records = browser.open("/records").await;
            assert_eq!(records.root.all("tbody")[0].all("tr").len(), 3, "two top-ups and a bonus, each once");
        });
    }
}

/// Journey 11, R4.4, R5.6: a cancelled or expired order that is paid late is credited and says so; the bonus stays unused.
#[test]
fn an_ended_order_that_is_paid_is_credited_as_late() {
    for (words, pay) in both() {
        World::run(async |world| {
            world.open().await;
            world.register("bob", None).await;
            let browser = enter(world, words, "bob").await;
            let page = buy(&browser, &(pay.pay)("¥10.00"), "zpay/alipay", "10").await;
            let asked = browser.open(&page.link(word(words.lang, "Cancel this order", "取消订单"))).await;
            assert!(asked.heading().contains("¥10.00"), "{}", asked.heading());
            let button = word(words.lang, "Cancel the order", "确认取消");
            let cancelled = browser.press(&asked, button, &[]).await;
            let state = word(words.lang, "Cancelled", "已取消");
            assert!(cancelled.path == page.path && cancelled.says().contains(state), "{}", cancelled.says());
            assert_eq!(browser.press(&asked, button, &[]).await.status, 200, "pressing twice is the same");
            let promotion = world.user("bob").get("/v1/promotion").await.is(200);
            assert_eq!(promotion["status"], "active");
            world.pay(&order_of(&page, "zpay"), json!({})).await;
            world.settle().await;
            let late = browser.open(&page.path).await;
            assert!(
                late.says().contains(word(words.lang, "after the order had ended", "订单结束之后")),
                "{}",
                late.says()
            );

            let second = buy(&browser, &(pay.pay)("¥20.00"), "zpay/alipay", "20").await;
            world.advance(31 * 60).await;
            let over = browser.open(&second.path).await;
            assert!(
                over.root.all("a").iter().all(|link| link.of("rel") != Some("noreferrer")),
                "nobody is sent to pay"
            );
            assert!(over.says().contains(word(words.lang, "time to pay is over", "付款时间已过")));
            world.stack.tick("expire-orders").await.unwrap();
            world.settle().await;
            let expired = browser.open(&second.path).await;
            assert!(expired.says().contains(word(words.lang, "Expired", "已过期")), "{}", expired.says());
            let again = browser.open(&expired.link(word(words.lang, "Top up again", "重新充值"))).await;
            assert!(again.says().contains(&(pay.pay)("¥20.00")), "the same choice again");
            world.pay(&order_of(&second, "zpay"), json!({})).await;
            let paid = browser.press(&expired, word(words.lang, "I have paid", "我已付款"), &[]).await;
            assert!(
                paid.says().contains(word(words.lang, "after the order had ended", "订单结束之后")),
                "{}",
                paid.says()
            );
            world.settle().await;
        });
    }
}

/// R4.4: an order that ended meanwhile can't be cancelled; the page says what it is now.
#[test]
fn a_paid_order_can_not_be_cancelled_from_an_old_page() {
    for (words, pay) in both() {
        World::run(async |world| {
            world.open().await;
            world.register("bob", None).await;
            let browser = enter(world, words, "bob").await;
            let page = buy(&browser, &(pay.pay)("¥10.00"), "zpay/alipay", "10").await;
            let asked = browser.open(&format!("{}/cancel", page.path)).await;
            world.pay(&order_of(&page, "zpay"), json!({})).await;
            world.settle().await;
            let told = browser.press(&asked, word(words.lang, "Cancel the order", "确认取消"), &[]).await;
            assert_eq!((told.status, &told.path), (422, &page.path));
            assert!(told.says().contains(word(words.lang, "ended in the meantime", "已经结束")), "{}", told.says());
            assert!(told.says().contains(pay.paid));
            assert_eq!(browser.open(&format!("{}/cancel", page.path)).await.path, page.path, "nothing to cancel");
        });
    }
}

/// Journey 12, R4.3: the provider is down; the order says so, and *Try again* makes another.
#[test]
fn an_order_that_failed_is_tried_again_with_a_new_key() {
    for (words, pay) in both() {
        World::run(async |world| {
            world.open().await;
            world.register("bob", None).await;
            let browser = enter(world, words, "bob").await;
            world.stack.faults.randomly_at("Provider", 1_000, 1);
            let failed = buy(&browser, &(pay.pay)("¥50.00"), "stripe/card", "50").await;
            assert!(failed.says().contains(word(words.lang, "could not be reached", "无法连接")), "{}", failed.says());
            world.stack.faults.clear();
            let again = browser.press(&failed, word(words.lang, "Try again", "重试"), &[]).await;
            assert!(again.path.starts_with("/orders/") && again.path != failed.path, "{}", again.says());
            assert!(again.says().contains(pay.waiting) && again.heading().contains("¥50.00"), "{}", again.says());
            let link = again.link(word(words.lang, "Open the payment page", "打开付款页面"));
            assert!(link.contains("/_sim/stripe/"), "{link}");
        });
    }
}

/// R4.11: a refunded order has its refunds, what is left, and its state in plain words.
#[test]
fn a_refund_is_shown_with_what_is_left() {
    for (words, pay) in both() {
        World::run(async |world| {
            world.open().await;
            world.register("bob", None).await;
            let browser = enter(world, words, "bob").await;
            let page = buy(&browser, &(pay.pay)("¥100.00"), "stripe/card", "100").await;
            let order = order_of(&page, "stripe");
            world.pay(&order, json!({})).await;
            world.settle().await;
            crate::fixtures::refund(world, &order, 3_000).await;
            let part = browser.open(&page.path).await;
            assert!(part.says().contains(word(words.lang, "Partly refunded", "部分退款")), "{}", part.says());
            assert!(part.says().contains("¥30.00") && part.says().contains("¥70.00"), "{}", part.says());
            crate::fixtures::refund(world, &order, 7_000).await;
            let all = browser.open(&page.path).await;
            assert!(all.says().contains(word(words.lang, "All of the payment was given back", "全部退回")));
            assert_eq!(all.root.all("tbody")[0].all("tr").len(), 2);
        });
    }
}

/// C4.10: what the script asks for changes with the state, and only for the order's user.
#[test]
fn the_script_learns_of_a_change_of_state() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        let (words, pay) = both().next().unwrap();
        let browser = enter(world, words, "bob").await;
        let page = buy(&browser, &(pay.pay)("¥10.00"), "zpay/alipay", "10").await;
        let poll = page.root.all("div").into_iter().find(|one| one.of("data-poll").is_some()).unwrap();
        let path = poll.of("data-poll").unwrap();
        assert_eq!((poll.of("data-state"), poll.of("data-until")), (Some("pending"), Some("1920")));
        assert_eq!(browser.fetch(path).await, json!({"state": "pending"}));
        world.pay(&order_of(&page, "zpay"), json!({})).await;
        world.settle().await;
        assert_eq!(browser.fetch(path).await, json!({"state": "paid"}));
        assert_eq!(Browser::new(world, "en").open(path).await.heading(), "Sign in");
    });
}

/// R4.10: an order whose payment is being processed says so and can't be cancelled.
#[test]
fn a_payment_under_way_is_said_and_not_cancelled() {
    for (words, pay) in both() {
        World::run(async |world| {
            world.open().await;
            world.register("bob", None).await;
            let browser = enter(world, words, "bob").await;
            let page = buy(&browser, &(pay.pay)("¥10.00"), "stripe/card", "10").await;
            let asked = browser.open(&format!("{}/cancel", page.path)).await;
            world.pay(&order_of(&page, "stripe"), json!({"action": "pay_later"})).await;
            let told = browser.press(&asked, word(words.lang, "Cancel the order", "确认取消"), &[]).await;
            assert_eq!((told.status, &told.path), (422, &page.path), "{}", told.says());
            assert!(told.says().contains(word(words.lang, "can’t be cancelled", "无法取消")), "{}", told.says());
            let shown = browser.open(&page.path).await;
            assert!(shown.says().contains(word(words.lang, "can take days", "需要几天")), "{}", shown.says());
        });
    }
}

/// C3: the list has 20 a page, by state, newest first; a page may be empty while older ones follow.
#[test]
fn orders_are_listed_by_page_and_state() {
    for (words, pay) in both() {
        World::run(async |world| {
            world.open().await;
            world.settings("payment", |settings| settings["max_orders_per_minute"] = json!(100)).await;
            world.register("bob", None).await;
            let browser = enter(world, words, "bob").await;
            let none = browser.open("/orders").await;
            assert!(none.says().contains(word(words.lang, "No orders yet", "暂无订单")), "{}", none.says());
            let first = world.order("bob", json!({"amount": "7", "provider": "zpay"})).await;
            world.pay(&first, json!({})).await;
            world.settle().await;
            for _ in 0..21 {
                world.advance(1).await;
                world.order("bob", json!({"amount": "8", "provider": "zpay"})).await;
            }
            let rows = |page: &Shown| page.root.all("tbody").first().map_or(0, |body| body.all("tr").len());
            let page = browser.open("/orders").await;
            assert_eq!(rows(&page), 20);
            let older = browser.open(&page.link(word(words.lang, "Older", "更早"))).await;
            assert_eq!(rows(&older), 2);
            assert_eq!(rows(&browser.open(&older.link(word(words.lang, "First page", "第一页"))).await), 20);
            let paid = browser.show(&page, word(words.lang, "Filter", "筛选"), &[("status", "paid")]).await;
            assert_eq!(rows(&paid), 0);
            assert!(paid.says().contains(word(words.lang, "look further", "继续向后查找")), "{}", paid.says());
            let found = browser.open(&paid.link(word(words.lang, "Older", "更早"))).await;
            assert!(rows(&found) == 1 && found.says().contains(pay.paid), "{}", found.says());
            let failed = browser.open("/orders?status=failed").await;
            assert_eq!(failed.root.all("option").iter().filter(|one| one.of("selected").is_some()).count(), 1);
            assert_eq!(browser.open("/orders?cursor=forged").await.status, 400);
        });
    }
}

/// C2.5: what each page costs.
#[test]
fn pages_of_paying_and_inviting_cost_their_visitor_and_their_own_reads() {
    World::run(async |world| {
        world.open().await;
        world.register("ann", None).await;
        let code = world.code("ann").await;
        world.register("bob", Some(&code)).await;
        world.settle().await;
        let (words, pay) = both().next().unwrap();
        let ann = enter(world, words, "ann").await;
        let order = buy(&ann, &(pay.pay)("¥10.00"), "zpay/alipay", "10").await.path;
        let (state, cancel) = (format!("{order}/state"), format!("{order}/cancel"));
        let mut found: Vec<(&str, Vec<(&str, u64)>)> = Vec::new();
        let wanted: [(&str, &[(&str, u64)]); 8] = [
            ("/top-up", &[("BatchGetItem", 2), ("Query", 1)]),
            ("/top-up/price?amount=5", &[("BatchGetItem", 1)]),
            ("/orders", &[("BatchGetItem", 2), ("Query", 1)]),
            (&order, &[("BatchGetItem", 1), ("GetItem", 1)]),
            (&state, &[("BatchGetItem", 1), ("GetItem", 1)]),
            (&cancel, &[("BatchGetItem", 1), ("GetItem", 1)]),
            ("/invite", &[("BatchGetItem", 3), ("Query", 1)]),
            ("/invite/rewards", &[("BatchGetItem", 1), ("Query", 1)]),
        ];
        for (path, _) in wanted {
            world.stack.dynamo.reset();
            assert_eq!(ann.open(path).await.status, 200, "{path}");
            let used = world.stack.dynamo.used();
            let known =
                ["BatchGetItem", "GetItem", "Query"].map(|name| (name, used.get(name).map_or(0, |one| one.calls)));
            assert!(used.keys().all(|name| known.iter().any(|(one, _)| one == name)), "{path}: {used:?}");
            found.push((path, known.into_iter().filter(|(_, calls)| *calls > 0).collect()));
        }
        assert_eq!(found, wanted.map(|(path, calls)| (path, calls.to_vec())));
    });
}

/// C3: a list that can't be read fails in its card; the form beside it stands.
#[test]
fn a_list_that_can_not_be_read_fails_alone() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        let (words, _) = both().next().unwrap();
        let browser = enter(world, words, "bob").await;
        for _ in 0..500 {
            world.stack.faults.script("Query", 0, Fault::ErrorBefore);
        }
        let page = browser.open("/top-up").await;
        let invite = browser.open("/invite").await;
        let orders = browser.open("/orders").await;
        world.stack.faults.clear();
        assert!(page.status == 200 && page.says().contains("could not read this") && page.text.contains("data-price"));
        assert!(
            invite.status == 200
                && invite.says().contains("could not read this")
                && invite.says().contains("Make my code")
        );
        assert_eq!(orders.status, 503, "nothing is left of this one");
    });
}

/// C5.4: a browser whose form is refused before it can lead back sees a page and not a document.
#[test]
fn a_browser_with_a_foreign_form_sees_a_page() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        for (words, pay) in both() {
            let browser = enter(world, words, "bob").await;
            let (action, fields) = browser.open("/top-up").await.form(&(pay.pay)("¥100.00"), &[]);
            let html = ("accept", "text/html,application/xhtml+xml");
            let sent = browser.send(&action, &fields, &[html, ("sec-fetch-site", "cross-site")]).await;
            assert_eq!((sent.status, sent.headers[LOCATION].to_str().unwrap()), (303, "/sorry?status=403"));
            let page = browser.open("/sorry?status=403").await;
            assert_eq!(page.status, 403);
            assert_eq!(page.heading(), word(words.lang, "You may not do this here", "无法在此执行该操作"));
            for (asked, status) in [("429", 429), ("503", 503), ("500", 503), ("422", 400), ("200", 400), ("x", 403)] {
                let page = browser.open(&format!("/sorry?status={asked}")).await;
                assert_eq!(page.status, status, "{asked}");
                assert_eq!(page.root.all("html")[0].of("lang"), Some(words.lang));
            }
        }
        assert_eq!(world.user("bob").get("/v1/payment/orders").await.is(200)["items"], json!([]));
    });
}
