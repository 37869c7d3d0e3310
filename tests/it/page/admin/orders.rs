//! Orders of staff: list, sums, file, refunds, completion (journeys 18, 19, 20, 26).

use serde_json::{Value, json};
use shared::account::model::scope::AdminScope;

use super::super::client::Shown;
use super::{admin_in, clerk_in};
use crate::affiliate::commission::{hundred, invited};
use crate::page::journeys::BOTH;
use crate::world::World;

/// Texts of the body's rows.
pub fn rows(page: &Shown) -> Vec<String> {
    page.root.all("tbody").iter().flat_map(|body| body.all("tr")).map(|row| row.text()).collect()
}

/// A tile's figure by its name.
fn tile(page: &Shown, name: &str) -> String {
    let tiles = page.root.all("div").into_iter().filter(|div| div.of("class") == Some("tile"));
    let found = tiles.into_iter().find(|tile| tile.all("dt")[0].text() == name);
    found.unwrap_or_else(|| panic!("no tile {name} in {}", page.says())).all("dd")[0].text()
}

fn id(of: &Value) -> &str {
    of["id"].as_str().unwrap()
}

/// Cells of the row of effects that begins with this name: now, change, then.
fn effect(page: &Shown, name: &str) -> [String; 3] {
    let rows = page.root.all("tr");
    let row = rows.iter().find(|row| row.all("td").first().is_some_and(|cell| cell.text().starts_with(name)));
    let cells = row.unwrap_or_else(|| panic!("no effect {name} in {}", page.says())).all("td");
    [1, 2, 3].map(|cell| cells[cell].text())
}

/// The digits of an amount as the page shows it.
fn digits(text: &str) -> String {
    text.replace('−', "-").chars().filter(|symbol| symbol.is_ascii_digit() || ".-".contains(*symbol)).collect()
}

/// Journey 18, R4.12, C3.1: paid orders of the last week by default; chips take filters away; the sums are the rows'; the file
/// is safe in a spreadsheet.
#[test]
fn the_list_begins_with_paid_orders_of_the_week_and_its_sums_are_those_of_its_rows() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            world.open().await;
            world.register("bob", None).await;
            let order = async |offer: &str| world.order("bob", json!({"offer_id": offer, "provider": "zpay"})).await;
            world.pay(&order("o10").await, json!({})).await;
            world.settle().await;
            world.advance(9 * 24 * 3_600).await;
            world.sign_in("bob").await;
            world.sign_in("admin").await;
            let (paid, open) = (order("o100").await, order("o50").await);
            world.pay(&paid, json!({})).await;
            world.settle().await;
            let admin = admin_in(world, words).await;
            let page = admin.open("/admin/orders").await;
            assert_eq!(rows(&page).len(), 1, "{}", page.says());
            assert!(
                rows(&page)[0].contains("bob@example.com") && rows(&page)[0].contains("¥100.00"),
                "{:?}",
                rows(&page)
            );
            assert_eq!(tile(&page, ["Paid orders", "已付订单"][index]), "1");
            assert_eq!(digits(&tile(&page, ["Charge", "支付金额"][index])), "100.00");
            let chip = |page: &Shown, begins: &str| {
                let chips = page.root.all("p").into_iter().find(|one| one.of("class") == Some("chips"));
                let links = chips.map(|chips| {
                    chips.all("a").iter().map(|a| (a.text(), a.of("href").unwrap().to_owned())).collect::<Vec<_>>()
                });
                links.unwrap_or_default().into_iter().find(|(text, _)| text.starts_with(begins)).map(|(_, href)| href)
            };
            let status = chip(&page, ["Status", "状态"][index]).unwrap();
            let all = admin.open(&status).await;
            assert_eq!(rows(&all).len(), 2, "{}", all.says());
            assert!(all.says().contains(&id(&open)[..12]));
            assert!(chip(&all, ["Status", "状态"][index]).is_none(), "the chip is gone");
            let older = admin.open(&chip(&page, ["From", "起始日"][index]).unwrap()).await;
            assert_eq!((rows(&older).len(), tile(&older, ["Paid orders", "已付订单"][index])), (2, "2".to_owned()));
            let mail = admin.open("/admin/orders?email=nobody%40example.com").await;
            assert_eq!((mail.status, rows(&mail).len()), (200, 0), "{}", mail.says());
            let mail = admin.open("/admin/orders?email=bob%40example.com&status=any").await;
            assert_eq!(rows(&mail).len(), 2);
            let wrong = admin.open("/admin/orders?from=yesterday&user=bob").await;
            assert_eq!(wrong.status, 422, "{}", wrong.says());
            let csv = admin.open("/admin/orders.csv?from=any&status=any").await;
            assert_eq!(csv.text.lines().count(), 4, "{}", csv.text);
            assert!(csv.headers["content-disposition"].to_str().unwrap().contains("orders--2026-11-29.csv"));
            let week = admin.open("/admin/orders.csv").await;
            assert!(
                week.headers["content-disposition"].to_str().unwrap().contains("orders-2026-11-23--2026-11-29.csv")
            );
            let api = world.admin().header("accept", "text/csv").get("/v1/admin/payment/orders").await;
            assert_eq!(api.text.lines().next(), csv.text.lines().next(), "the sheet of the route");
        });
    }
}

/// Journey 19, R4.11, C3.2: the numbers of the confirmation are those that are booked; two presses give back once.
#[test]
fn a_refund_books_what_its_confirmation_said_and_once() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            invited(world).await;
            let order = hundred(world).await;
            let admin = admin_in(world, words).await;
            let path = format!("/admin/orders/{}/refund", id(&order));
            let ask = admin.open(&path).await;
            let next = ["Show what it changes", "查看影响"][index];
            let too_much = admin.show(&ask, next, &[("amount", "100.01")]).await;
            assert_eq!(too_much.status, 422, "{}", too_much.says());
            let title = ["Refund ¥30.00 of ¥100.00?", "退款 ¥100.00 中的 ¥30.00？"][index];
            for round in 0..2 {
                let page = admin.show(&ask, next, &[("amount", "30")]).await;
                assert_eq!(page.heading(), title);
                let says = |names: [&str; 2]| effect(&page, names[index]).map(|cell| digits(&cell));
                let balance = says(["Balance of the user", "用户余额"]);
                let commission = says(["Commission of the inviter", "邀请人佣金"]);
                if round == 0 {
                    assert_eq!(balance, ["13.88888888", "-4.16666667", "9.72222221"]);
                    assert_eq!(commission[0], "1.38888888");
                }
                let button = ["Refund ¥30.00", "退款 ¥30.00"][index];
                let (action, fields) = page.form(button, &[("reason", "an outage")]);
                for _ in 0..2 {
                    let sent = admin.send(&action, &fields, &[("sec-fetch-site", "same-origin")]).await;
                    assert_eq!(sent.headers["location"], format!("/admin/orders/{}", id(&order)));
                }
                world.settle().await;
                assert_eq!(world.balance("bob").await, balance[2], "as it was said");
                let left = world.user("ann").get("/v1/affiliate/commissions").await.is(200)["items"][0].clone();
                assert_eq!(left["remaining"]["amount"], json!(commission[2]), "{left}");
            }
            let file = admin.open(&format!("/admin/orders/{}", id(&order))).await;
            assert!(file.says().contains("an outage") && file.says().contains("40.00"), "{}", file.says());
            let refunds =
                world.admin().get(&format!("/v1/admin/payment/orders/{}", id(&order))).await.is(200)["refunds"].clone();
            assert_eq!(refunds.as_array().unwrap().len(), 2, "each once");
        });
    }
}

/// Journey 20, R4.5, R4.12: a payment that fits no order is credited from its item; an order is completed by hand; why of both.
#[test]
fn a_wrong_amount_is_credited_from_review_and_an_order_completed_by_hand() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            world.open().await;
            world.register("bob", None).await;
            let order = world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
            world.pay(&order, json!({"amount": "60.00"})).await;
            world.settle().await;
            let admin = admin_in(world, words).await;
            let page = admin.open("/admin/reviews").await;
            assert_eq!(rows(&page).len(), 1, "{}", page.says());
            let link = page.root.all("tbody")[0].all("a")[0].of("href").unwrap().to_owned();
            let item = admin.open(&link).await;
            assert!(
                item.says().contains("trade_no") || item.says().contains("money"),
                "the event is there: {}",
                item.says()
            );
            let choose = admin.open(&item.link(["Credit it", "入账"][index])).await;
            let next = ["Show what it changes", "查看影响"][index];
            let wrong = admin.show(&choose, next, &[("order_id", "ord_x")]).await;
            assert_eq!(wrong.status, 422);
            let page = admin.show(&choose, next, &[("order_id", id(&order))]).await;
            let said = effect(&page, ["Balance of the user", "用户余额"][index]).map(|cell| digits(&cell));
            let done = admin.press(&page, ["Credit it", "入账"][index], &[("reason", "it was them")]).await;
            assert_eq!((done.status, done.path.as_str()), (200, link.as_str()), "{}", done.says());
            assert_eq!((world.balance("bob").await, said[2].as_str()), ("8.33333333".to_owned(), "8.33333333"));

            let page = admin.open(&format!("/admin/orders/{}/complete", id(&order))).await;
            let said = effect(&page, ["Balance of the user", "用户余额"][index]).map(|cell| digits(&cell));
            let act = ["Credit ¥100.00", "入账 ¥100.00"][index];
            let empty = admin.press(&page, act, &[]).await;
            assert_eq!(empty.status, 422, "{}", empty.says());
            let file = admin.press(&empty, act, &[("reason", "seen in the account")]).await;
            assert_eq!(file.path, format!("/admin/orders/{}", id(&order)), "{}", file.says());
            assert_eq!(world.balance("bob").await, said[2], "as it was said");
            assert!(
                file.says().contains(["An admin completed it by hand.", "由管理员人工完成。"][index]),
                "{}",
                file.says()
            );
            let why =
                file.root.all("section").into_iter().find(|card| card.of("aria-labelledby") == Some("why")).unwrap();
            assert_eq!(why.all("dt").len(), why.all("dd").len());
            let undone = admin.open(&format!("/admin/orders/{}/undo", id(&order))).await;
            let file =
                admin.press(&undone, ["Undo the completion", "撤销人工完成"][index], &[("reason", "a mistake")]).await;
            assert_eq!(file.status, 200, "{}", file.says());
            assert_eq!(world.balance("bob").await, "8.33333333");
            world.settle().await;
        });
    }
}

/// Journey 26, C5.6: a clerk with `orders:read` sees orders and no act; a refund needs a fresh password of whoever may.
#[test]
fn a_clerk_sees_orders_and_nothing_else() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            world.open().await;
            world.register("bob", None).await;
            let order = world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
            world.pay(&order, json!({})).await;
            world.settle().await;
            let clerk = clerk_in(world, words, "clerk", &[AdminScope::OrdersRead]).await;
            assert_eq!(clerk.open("/").await.path, "/admin/orders", "it is where they begin");
            let file = format!("/admin/orders/{}", id(&order));
            let page = clerk.open(&file).await;
            assert_eq!(page.status, 200);
            assert!(page.root.all("form").iter().all(|form| !form.of("action").unwrap().starts_with("/forms/admin")));
            for act in ["refund", "complete", "undo"] {
                assert_eq!(clerk.open(&format!("{file}/{act}")).await.status, 403, "{act}");
            }
            assert_eq!(clerk.open("/admin/withdrawals").await.status, 403);
            let sells = clerk_in(world, words, "teller", &[AdminScope::OrdersRead, AdminScope::OrdersRefund]).await;
            world.advance(11 * 60).await;
            let asked = sells.open(&format!("{file}/refund")).await;
            assert_eq!(asked.heading(), ["Enter your password again", "请再次输入密码"][index]);
            let page = sells.press(&asked, ["Continue", "继续"][index], &[("password", crate::world::PASSWORD)]).await;
            assert_eq!(page.path, format!("{file}/refund"), "{}", page.says());
            assert_eq!(page.status, 200);
        });
    }
}

/// R4.11: a refund that the gateway said nothing about is confirmed on a page of its own.
#[test]
fn a_refund_that_the_gateway_does_not_report_is_confirmed_by_hand() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        let order = world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
        world.pay(&order, json!({})).await;
        world.settle().await;
        let admin = admin_in(world, &BOTH[0]).await;
        world.stack.faults.script("Provider", 0, emulator::faults::Fault::ReplyLost);
        let page = admin.open(&format!("/admin/orders/{}/refund?amount=30", id(&order))).await;
        let file = admin.press(&page, "Refund ¥30.00", &[("reason", "an outage")]).await;
        assert_eq!(file.status, 200, "{}", file.says());
        let confirm = admin.open(&file.link("Confirm the refund")).await;
        let file = admin.press(&confirm, "Confirm the refund", &[("reason", "seen there")]).await;
        assert!(file.says().contains("Given back"), "{}", file.says());
        world.settle().await;
    });
}
