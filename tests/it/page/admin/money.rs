//! The other pages of money: overview, finding, withdrawals, reconciliation, ledger, statistics (journeys 17 and 21).

use serde_json::{Value, json};

use super::super::client::Browser;
use super::super::schema;
use super::orders::rows;
use super::{admin_in, clerk_in, path_of};
use crate::affiliate::commission::{hundred, invited};
use crate::contract::document::operation;
use crate::page::journeys::BOTH;
use crate::world::{PASSWORD, World};
use console::admin::pages::PAGES;
use shared::account::model::scope::AdminScope;
use shared::account::staff::is_dangerous;

/// A world with an order, a commission, two withdrawals, a review item and a report.
async fn filled(world: &World) -> [String; 2] {
    invited(world).await;
    world.settings("affiliate", |settings| settings["min_cash_withdrawal"] = json!("0.1")).await;
    hundred(world).await;
    let order = world.order("bob", json!({"offer_id": "o100", "provider": "zpay"})).await;
    world.pay(&order, json!({"amount": "60.00"})).await;
    world.settle().await;
    let mut ids = Vec::new();
    for amount in ["0.5", "0.25"] {
        let cash = json!({"amount": amount, "to": "cash", "payout": {"method": "bank", "account": "DE0012345678", "name": "Ann"}});
        let made = world.user("ann").once().post("/v1/affiliate/withdrawals", cash).await.is(201);
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    world.settle().await;
    ids.try_into().unwrap()
}

/// Journey 21, R6.6, C4.9: one withdrawal is paid and one rejected; the account stands in full on its own page only; the user sees both.
#[test]
fn withdrawals_are_paid_or_rejected_and_the_user_sees_it() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let [first, second] = filled(world).await;
            let admin = admin_in(world, words).await;
            let list = admin.open("/admin/withdrawals").await;
            assert_eq!(rows(&list).len(), 2, "{}", list.says());
            assert!(!list.text.contains("DE0012345678"), "masked in the list");
            let page = admin.open(&format!("/admin/withdrawals/{first}")).await;
            assert!(page.says().contains("DE0012345678"), "{}", page.says());
            let pay = admin.open(&page.link(["It is paid", "已经付款"][index])).await;
            let empty = admin.press(&pay, ["It is paid", "已经付款"][index], &[("reference", " ")]).await;
            assert_eq!(empty.status, 422);
            let paid = admin.press(&empty, ["It is paid", "已经付款"][index], &[("reference", "TX 17")]).await;
            assert!(paid.status == 200 && paid.says().contains("TX 17"), "{}", paid.says());
            let again = admin.press(&pay, ["It is paid", "已经付款"][index], &[("reference", "TX 18")]).await;
            assert_eq!(again.status, 422, "{}", again.says());
            let reject = admin.open(&format!("/admin/withdrawals/{second}/reject")).await;
            let done = admin.press(&reject, ["Reject it", "拒绝"][index], &[("reason", "wrong account")]).await;
            assert!(done.status == 200 && done.says().contains("wrong account"), "{}", done.says());
            assert_eq!(rows(&admin.open("/admin/withdrawals").await).len(), 0, "none is requested any more");
            let ann = super::super::signing_in::signed_in(world, words, "ann", PASSWORD).await;
            let own = ann.open("/affiliate/withdrawals").await;
            assert!(own.says().contains("TX 17") && own.says().contains("wrong account"), "{}", own.says());
        });
    }
}

/// R6.8: withdrawals are selected without script, and paid or rejected together; a page says what came of them.
#[test]
fn withdrawals_are_selected_and_paid_together() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let [first, second] = filled(world).await;
            let admin = admin_in(world, words).await;
            let list = admin.open("/admin/withdrawals").await;
            let picks = list.root.all("input").into_iter().filter(|one| one.of("name") == Some("id")).count();
            let to =
                list.root.all("form").into_iter().filter(|one| one.of("action") == Some("/admin/withdrawals/together"));
            assert_eq!((picks, to.count()), (2, 1), "{}", list.says());
            let path = format!("/admin/withdrawals/together?act=pay&id={first}&id={second}&id={first}&id=wdr_x");
            let page = admin.open(&path).await;
            assert!(page.says().contains("0.75"), "the sum: {}", page.says());
            let reject = format!("/v1/admin/withdrawals/{second}/reject");
            world.admin().once().post(&reject, json!({"reason": "meanwhile"})).await.is(200);
            let press = ["Pay 2 withdrawals", "支付 2 笔提现"][index];
            let empty = admin.press(&page, press, &[("reference", " ")]).await;
            assert_eq!(empty.status, 422);
            let page = admin.open(&path).await;
            let press = ["Pay 1 withdrawal", "支付 1 笔提现"][index];
            let page = admin.press(&page, press, &[("reference", "TX 17")]).await;
            assert_eq!((page.status, page.path.as_str()), (200, "/admin/withdrawals"));
            assert!(page.says().contains(["Done: 1.", "已完成：1。"][index]), "{}", page.says());
            assert_eq!(rows(&page).len(), 0);
            let none = admin.open(&path).await;
            assert!(none.says().contains(["Select 1 to 100", "请选择 1 至 100"][index]), "{}", none.says());
        });
    }
}

/// R6.9: a batch is made, downloaded, paid in part and dropped on pages; a withdrawal in it has no buttons of its own.
#[test]
fn payout_batches_are_made_paid_and_dropped_on_pages() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let [first, second] = filled(world).await;
            let admin = admin_in(world, words).await;
            let list = admin.open("/admin/payout-batches").await;
            let new = admin.open(&list.link(["New payout batch", "新建付款批次"][index])).await;
            let gather = ["Gather them", "汇集"][index];
            let wrong = admin.press(&new, gather, &[("method", "bank"), ("format", "csv"), ("month:?", "soon")]).await;
            assert_eq!(wrong.status, 422, "{}", wrong.says());
            let form = [("method", "bank"), ("format", "csv"), ("month:?", "")];
            let page = admin.press(&wrong, gather, &form).await;
            assert!(page.status == 200 && page.path.starts_with("/admin/payout-batches/pbt_"), "{}", page.says());
            assert!(page.says().contains("0.75") && !page.text.contains("DE0012345678"), "{}", page.says());
            let sheet = admin.open(&format!("{}/file.csv", page.path)).await;
            assert!(sheet.text.contains("DE0012345678"), "{}", sheet.text);
            let none = admin.press(&admin.open("/admin/payout-batches/new").await, gather, &form).await;
            assert!(
                none.status == 422 && none.says().contains(["fits such a batch", "没有符合条件"][index]),
                "{}",
                none.says()
            );
            let waiting = admin.open("/admin/withdrawals").await;
            assert!(!waiting.text.contains("name=\"id\""), "none can be selected: {}", waiting.says());
            let alone = admin.open(&format!("/admin/withdrawals/{first}")).await;
            assert!(
                !alone.text.contains(&format!("{first}/pay")) && alone.text.contains(&page.path),
                "{}",
                alone.says()
            );
            let some = admin.open(&format!("{}/act?act=pay&id={first}", page.path)).await;
            let paid = ["Selected were paid", "所选已付款"][index];
            let page = admin.press(&some, paid, &[("reference", "TX 17")]).await;
            assert!(page.status == 200 && page.says().contains("TX 17"), "{}", page.says());
            let ann = super::super::signing_in::signed_in(world, words, "ann", PASSWORD).await;
            let own = ann.open("/affiliate/withdrawals").await;
            assert!(own.says().contains(["about to be paid", "即将付款"][index]), "{}", own.says());
            let drop = admin.open(&format!("{}/act?act=drop", page.path)).await;
            let page = admin.press(&drop, ["Drop the batch", "撤销批次"][index], &[("reason", "a wrong file")]).await;
            assert!(page.status == 200 && !page.text.contains("act=close"), "{}", page.says());
            let empty = admin.open(&format!("{}/act?act=close", page.path)).await;
            assert!(empty.says().contains(["No open line", "没有选中"][index]), "{}", empty.says());
            let pay = admin.open(&format!("/admin/withdrawals/{second}/pay")).await;
            let done = admin.press(&pay, ["It is paid", "已经付款"][index], &[("reference", "TX 18")]).await;
            assert!(done.status == 200 && done.says().contains("TX 18"), "{}", done.says());
            assert_eq!(admin.open(&format!("{}/file.xml", page.path)).await.status, 409);
        });
    }
}

/// R6.8: a page names what was refused among those that it asked for together.
#[test]
fn what_was_refused_among_several_is_named() {
    World::run(async |world| {
        let [first, second] = filled(world).await;
        let admin = admin_in(world, &BOTH[0]).await;
        let page = admin.open(&format!("/admin/withdrawals/together?act=reject&id={first}&id={second}")).await;
        let pay = format!("/v1/admin/withdrawals/{first}/approve");
        world.admin().once().post(&pay, json!({"reference": "TX 17"})).await.is(200);
        let page = admin.press(&page, "Reject 2 withdrawals", &[("reason", "wrong accounts")]).await;
        let said = format!("Done: 1. Not done: 1, of them {first} (withdrawal_closed).");
        assert!(page.says().contains(&said), "{}", page.says());
    });
}

/// R6.8: a commission is posted by hand on a page of the account; its user reads the reason, and it is reversed with others.
#[test]
fn a_commission_is_posted_and_reversed_on_pages() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            filled(world).await;
            let ann = world.user("ann").get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
            let admin = admin_in(world, words).await;
            let page = admin.open(&format!("/admin/users/{ann}/programmes")).await;
            let press = ["Post a commission", "手工记一笔佣金"][index];
            let page = admin.open(&page.link(press)).await;
            let wrong = admin.press(&page, press, &[("amount", "x"), ("reason", "a campaign")]).await;
            assert!(wrong.status == 422 && wrong.text.contains("value=\"x\""), "{}", wrong.says());
            let page = admin.press(&wrong, press, &[("amount", "5"), ("reason", "a campaign")]).await;
            assert!(page.status == 200 && page.path.ends_with("/programmes"), "{}", page.says());
            let own = super::super::signing_in::signed_in(world, words, "ann", PASSWORD).await;
            let shown = own.open("/affiliate").await;
            assert!(shown.says().contains("a campaign"), "{}", shown.says());
            let list = admin.open("/admin/commissions").await;
            assert!(list.says().contains("a campaign"), "{}", list.says());
            let inputs = list.root.all("input");
            let ids: Vec<&str> =
                inputs.iter().filter(|one| one.of("name") == Some("id")).filter_map(|one| one.of("value")).collect();
            assert_eq!(ids.len(), 2);
            let page =
                admin.open(&format!("/admin/commissions/together?act=reverse&id={}&id={}", ids[0], ids[1])).await;
            let press = ["Reverse 2 commissions", "撤回 2 笔佣金"][index];
            let page = admin.press(&page, press, &[("reason", "their own accounts")]).await;
            assert!(page.says().contains(["Done: 2.", "已完成：2。"][index]), "{}", page.says());
        });
    }
}

/// R6.9: a page of an amount above the limit asks for a first approval, says who gave it, and lets another admin pay; an account of
/// several users is said in the list and on the withdrawal's page.
#[test]
fn an_amount_above_the_limit_passes_two_admins_on_pages() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let [first, _] = filled(world).await;
            world.settings("affiliate", |settings| settings["second_approval_above"] = json!("0.3")).await;
            world.advance(61).await;
            let bob = world.user("bob").get("/v1/me").await.is(200)["id"].clone();
            let posted = json!({"user_id": bob, "amount": "2", "reason": "a campaign"});
            world.admin().once().post("/v1/admin/commissions", posted).await.is(201);
            let payout = json!({"method": "bank", "account": "de00 1234 5678"});
            let cash = json!({"amount": "1", "to": "cash", "payout": payout});
            world.user("bob").once().post("/v1/affiliate/withdrawals", cash).await.is(201);
            let admin = admin_in(world, words).await;
            let shared = ["Account of several users", "多位用户共用的账户"][index];
            let list = admin.open("/admin/withdrawals").await;
            assert_eq!(list.says().matches(shared).count(), 3, "{}", list.says());
            let page = admin.open(&format!("/admin/withdrawals/{first}")).await;
            assert!(page.says().contains(shared), "{}", page.says());
            let pay = admin.open(&format!("/admin/withdrawals/{first}/pay")).await;
            let once = admin.press(&pay, ["Approve it", "审批通过"][index], &[("reference", "TX 17")]).await;
            let said = ["Your approval is recorded", "审批已记录"][index];
            assert!(once.status == 200 && once.says().contains(said), "{}", once.says());
            assert!(once.says().contains(["First approval", "首次审批"][index]), "{}", once.says());
            let list = admin.open("/admin/withdrawals").await;
            assert!(list.says().contains(["approved by one admin", "已由一位管理员审批"][index]), "{}", list.says());
            let press = ["It is paid", "已经付款"][index];
            let pay = admin.open(&format!("/admin/withdrawals/{first}/pay")).await;
            let again = admin.press(&pay, press, &[("reference", "TX 18")]).await;
            let said = ["You gave the first approval", "首次审批由您作出"][index];
            assert!(again.status == 422 && again.says().contains(said), "{}", again.says());
            let eve = clerk_in(world, words, "eve", &[AdminScope::WithdrawalsApprove]).await;
            let pay = eve.open(&format!("/admin/withdrawals/{first}/pay")).await;
            let paid = eve.press(&pay, press, &[("reference", "TX 19")]).await;
            assert!(paid.status == 200 && paid.says().contains("TX 19"), "{}", paid.says());
        });
    }
}

/// C3.4: the field on every page leads to the page of an id, an e-mail, an invite code and a provider's payment.
#[test]
fn whatever_is_entered_leads_to_its_page() {
    World::run(async |world| {
        let [withdrawal, _] = filled(world).await;
        let admin = admin_in(world, &BOTH[0]).await;
        let order = world.admin().get("/v1/admin/payment/orders?status=paid").await.is(200)["items"][0].clone();
        let review = world.admin().get("/v1/admin/payment/reviews").await.is(200)["items"][0].clone();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let (order_id, payment) = (text(&order["id"]), text(&order["provider_payment_id"]));
        let find = async |asked: &str| admin.open(&format!("/admin/find?q={}", asked.replace('@', "%40"))).await;
        for (asked, page) in [
            (order_id.clone(), format!("/admin/orders/{order_id}")),
            (payment, format!("/admin/orders/{order_id}")),
            (text(&review["payment_id"]), format!("/admin/reviews/{}", text(&review["id"]))),
            (text(&review["id"]), format!("/admin/reviews/{}", text(&review["id"]))),
            (withdrawal.clone(), format!("/admin/withdrawals/{withdrawal}")),
        ] {
            assert_eq!(find(&asked).await.path, page, "{asked}");
        }
        let user = text(&order["user"]["id"]);
        for asked in [user.clone(), "bob@example.com".to_owned()] {
            let found = find(&asked).await;
            assert!(found.status == 200 && found.path.contains(&user), "{asked}: {}", found.path);
        }
        let code = world.code("ann").await;
        let ann = text(&world.user("ann").get("/v1/me").await.is(200)["id"]);
        assert!(find(&code.to_lowercase()).await.path.contains(&ann));
        for nothing in ["", "nothing", "nobody@example.com", "ord_x", "..%2F..", "%3Cscript%3E"] {
            let page = find(nothing).await;
            assert!(page.status == 200 || page.status == 404, "{nothing}: {}", page.status);
            assert!(!page.text.contains("<script>alert"));
        }
    });
}

/// C3.4, C2.5: the overview says what waits; it reads eight lists at most.
#[test]
fn the_overview_tells_today_and_what_waits() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            filled(world).await;
            let admin = admin_in(world, words).await;
            admin.open("/admin").await;
            world.stack.dynamo.reset();
            world.stack.dynamo.watch();
            let page = admin.open("/admin").await;
            let (lists, used) = (world.stack.dynamo.lists(), world.stack.dynamo.used());
            // Pending orders and reviews, rewards, cases, yesterday's reports, endpoints, alarms; totals, the month and the orders themselves.
            assert!(lists <= 7 && used["BatchGetItem"].calls <= 4, "{lists}: {used:?}");
            let todo = page.root.all("ul").into_iter().find(|list| list.of("class") == Some("todo")).unwrap();
            let numbers: Vec<String> = todo.all("li").iter().map(|line| line.all("span")[0].text()).collect();
            let counts: Vec<&str> = numbers.iter().map(|text| text.as_str()).collect();
            let open = world.admin().get("/v1/admin/payment/reviews?state=open").await.is(200)["items"].clone();
            let open = open.as_array().unwrap().len().to_string();
            let expected = [open.as_str(), "2", "0"];
            assert!(counts.iter().zip(expected).all(|(shown, count)| shown.starts_with(count)), "{counts:?}");
            let side = page.root.all("nav").into_iter().find(|nav| nav.of("class") == Some("side")).unwrap().text();
            let name = ["Reviews", "待审款项"][index];
            assert!(side.contains(&format!("{name} {open} ")), "the menu has it: {side}");
            let says = page.says();
            assert!(says.contains("¥100.00"), "{says}");
            assert!(says.contains(["Charged today", "今日收款"][index]));
            assert_eq!(
                page.root.all("svg").iter().filter(|svg| svg.of("role") == Some("img")).count(),
                2,
                "two charts"
            );
            let longer = admin.open("/admin?span=90").await;
            assert_eq!(longer.root.all("tbody")[0].all("tr").len(), 90);
        });
    }
}

/// C1.10, R9.4: the API counts what waits for a person as the overview shows it, in a few calls and never by a scan.
#[test]
fn what_waits_for_a_person_is_counted_by_the_api() {
    World::run(async |world| {
        filled(world).await;
        let read = async || world.admin().get("/v1/admin/waiting").await.is(200);
        read().await;
        world.stack.dynamo.reset();
        world.stack.dynamo.watch();
        let told = read().await;
        let used = world.stack.dynamo.used();
        assert!(used.keys().all(|name| ["GetItem", "BatchGetItem", "Query"].contains(&name.as_str())), "{used:?}");
        // Reviews, rewards, cases, yesterday's reports, endpoints, alarms; the admin and the totals.
        let lists = world.stack.dynamo.lists();
        let items = used["BatchGetItem"].calls + used["GetItem"].calls;
        assert!(lists <= 6 && items <= 2, "{lists}: {used:?}");
        let open = world.admin().get("/v1/admin/payment/reviews?state=open").await.is(200)["items"].clone();
        let open = open.as_array().unwrap();
        assert_eq!((&told["reviews"]["count"], &told["reviews"]["more"]), (&json!(open.len()), &json!(false)));
        assert!(!open.is_empty() && told["reviews"]["since"].is_string(), "{told}");
        assert_eq!(told["withdrawals"], 2);
        assert_eq!(
            (&told["rewards"]["count"], &told["differences"], &told["webhook_endpoints"]),
            (&json!(0), &json!(0), &json!(0))
        );
        let done = json!({"action": "ignore", "reason": "a test"});
        let review = format!("/v1/admin/payment/reviews/{}/resolve", open[0]["id"].as_str().unwrap());
        world.admin().once().post(&review, done).await.is(200);
        world.settle().await;
        assert_eq!(read().await["reviews"]["count"], json!(open.len() - 1));
        // Page and API agree, and the menu recalls what the API read.
        let page = admin_in(world, &BOTH[0]).await.open("/admin/users").await;
        assert!(page.text.contains("/admin/withdrawals"), "{}", page.text);
    });
}

/// C3: a card whose read fails says so; the others stand.
#[test]
fn a_card_of_the_overview_fails_alone() {
    World::run(async |world| {
        filled(world).await;
        let admin = admin_in(world, &BOTH[0]).await;
        admin.open("/admin").await;
        for nth in 0..6 {
            world.stack.faults.script("Query", nth, emulator::faults::Fault::Refused);
        }
        let page = admin.open("/admin").await;
        world.stack.faults.clear();
        assert_eq!(page.status, 200);
        assert!(page.says().contains("What we owe"), "{}", page.says());
    });
}

/// C3.4: every page of staff opens in a filled and in an empty world, in both languages, all of it in its language.
#[test]
fn every_page_of_staff_opens_and_is_in_its_language() {
    for words in &BOTH {
        for is_filled in [true, false] {
            World::run(async |world| {
                let mut paths: Vec<String> = PAGES.iter().map(|(page, _)| path_of(page)).collect();
                if is_filled {
                    let [withdrawal, _] = filled(world).await;
                    let order =
                        world.admin().get("/v1/admin/payment/orders?status=paid").await.is(200)["items"][0].clone();
                    let review = world.admin().get("/v1/admin/payment/reviews").await.is(200)["items"][0].clone();
                    let (order, review) = (order["id"].as_str().unwrap(), review["id"].as_str().unwrap());
                    paths.extend([
                        format!("/admin/orders/{order}"),
                        format!("/admin/orders/{order}/refund"),
                        format!("/admin/orders/{order}/refund?amount=30"),
                        format!("/admin/reviews/{review}"),
                        format!("/admin/reviews/{review}/resolve?action=refund_due"),
                        format!("/admin/reviews/{review}/resolve?action=credit&order_id={order}"),
                        format!("/admin/withdrawals/{withdrawal}"),
                        format!("/admin/withdrawals/{withdrawal}/pay"),
                        "/admin/ledger?type=payment".to_owned(),
                        "/admin/orders?status=any&from=any".to_owned(),
                    ]);
                }
                let admin = admin_in(world, words).await;
                for path in paths {
                    let page = admin.open(&path).await;
                    assert!(
                        [200, 404].contains(&page.status) || page.status == 409,
                        "{path}: {} {}",
                        page.status,
                        page.says()
                    );
                    if path.contains(".csv") {
                        continue;
                    }
                    assert_eq!(page.root.all("html")[0].of("lang"), Some(words.lang), "{path}");
                    if words.lang != "en" {
                        assert_eq!(super::super::languages::english(&page), Vec::<String>::new(), "{path}");
                    }
                    assert_dangers_are_asked(&admin, &page.path, &page).await;
                }
            });
        }
    }
}

/// C5.6: a form to a dangerous route stands on a page that asks for the password first.
async fn assert_dangers_are_asked(_: &Browser<'_>, path: &str, page: &super::super::client::Shown) {
    for form in page.root.all("form") {
        let action = form.of("action").unwrap();
        let Some(route) = action.strip_prefix("/forms/admin") else { continue };
        let known = ["POST", "PUT", "DELETE"].iter().find_map(|method| operation(method, route));
        let known = known.unwrap_or_else(|| panic!("{path} leads to {route}"));
        let body = &known["requestBody"]["content"]["application/json"]["schema"];
        schema::compare(form, route, if body.is_object() { schema::plain(body) } else { &Value::Null });
        let dangerous = ["POST", "PUT", "DELETE"].iter().any(|method| is_dangerous(method, route));
        let rule = PAGES.iter().find(|(page, _)| fits(page, path.split('?').next().unwrap())).map(|(_, rule)| rule);
        assert!(!dangerous || rule.is_some_and(|rule| rule.fresh), "{path} has a form to {route}");
    }
}

/// True for a path of the page of the table.
fn fits(page: &str, path: &str) -> bool {
    let (page, path): (Vec<&str>, Vec<&str>) = (page.split('/').collect(), path.split('/').collect());
    page.len() == path.len() && page.iter().zip(&path).all(|(known, asked)| known.starts_with('{') || known == asked)
}

/// Journey 17, R9.1: once an admin has switched a programme on, its page is there for users.
#[test]
fn what_an_admin_switches_on_is_there_for_users() {
    World::run(async |world| {
        world.register("ann", None).await;
        let ann = super::super::signing_in::signed_in(world, &BOTH[0], "ann", PASSWORD).await;
        assert!(ann.open("/top-up").await.says().contains("switched off"));
        world.open().await;
        world.advance(61).await;
        assert!(!ann.open("/top-up").await.says().contains("switched off"));
    });
}

/// R4.10: the list of reports and a day of it; a day without a report says when it comes.
#[test]
fn a_day_without_a_report_says_when_it_comes() {
    World::run(async |world| {
        let admin = admin_in(world, &BOTH[0]).await;
        let page = admin.open("/admin/reconciliations/2026-11-19").await;
        assert!(page.status == 200 && page.says().contains("There is no report on this day"), "{}", page.says());
        assert_eq!(admin.open("/admin/reconciliations/yesterday").await.status, 404);
    });
}

/// R9.3: the ledger lists the lines of everybody and filters them.
#[test]
fn the_ledger_lists_every_line_and_filters_them() {
    World::run(async |world| {
        filled(world).await;
        let admin = admin_in(world, &BOTH[0]).await;
        let all = admin.open("/admin/ledger").await;
        let payments = admin.open("/admin/ledger?type=payment").await;
        assert!(rows(&all).len() > rows(&payments).len() && rows(&payments).len() == 1, "{}", all.says());
        assert!(rows(&payments)[0].contains("13.88888888"), "{:?}", rows(&payments));
    });
}

/// R6.12: the affiliates of a year are listed, and saved as a sheet; a year that is none is not there.
#[test]
fn a_years_affiliates_are_listed_and_saved() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            filled(world).await;
            let admin = admin_in(world, words).await;
            let page = admin.open("/admin/affiliate-years").await;
            let row = rows(&page)[0].clone();
            assert!(row.contains("ann@example.com") && row.contains("1.38888888"), "{}", page.says());
            let file = admin.open(&page.link(["As CSV", "导出 CSV"][index])).await;
            assert!(file.text.contains(",ann@example.com,2026,1.38888888,0,0,0,0,USD"), "{}", file.text);
            assert_eq!(rows(&admin.open("/admin/affiliate-years?year=2025").await).len(), 0);
            for path in ["/admin/affiliate-years?year=x", "/admin/affiliate-years.csv?year=x"] {
                assert_eq!(admin.open(path).await.status, 404, "{path}");
            }
        });
    }
}
