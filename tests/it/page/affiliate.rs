//! The pages of the affiliate programme (journey 15).

use emulator::faults::Fault;
use serde_json::json;
use shared::operations::model::proof::ProvenStatement;

use super::client::{Browser, Shown};
use super::journeys::BOTH;
use super::signing_in::signed_in;
use crate::affiliate::commission::{hundred, invited, totals};
use crate::operations::heads::KEY;
use crate::world::{PASSWORD, World};

const NEXT: [&str; 2] = ["Continue", "继续"];
const TO_BALANCE: [&str; 2] = ["Withdraw to the balance", "提现到余额"];
const FOR_CASH: [&str; 2] = ["Ask for the cash", "申请现金提现"];

/// Ann has 1.38888888 of commission; cash begins at 0.5.
async fn earned(world: &World) {
    invited(world).await;
    world.settings("affiliate", |settings| settings["min_cash_withdrawal"] = json!("0.5")).await;
    hundred(world).await;
}

/// Rows of the page's only table, or of the one at this place.
fn rows(page: &Shown, place: usize) -> Vec<String> {
    page.root.all("tbody")[place].all("tr").iter().map(|row| row.text()).collect()
}

/// Asks for the confirmation of a withdrawal.
async fn ask(browser: &Browser<'_>, index: usize, to: &str, amount: &str) -> Shown {
    let page = browser.open("/affiliate/withdraw").await;
    browser.press(&page, NEXT[index], &[("to", to), ("amount", amount)]).await
}

/// Journey 15, R6.2: a second code has a label, works for a friend, and is switched off after a question.
#[test]
fn a_second_code_is_made_and_switched_off() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            invited(world).await;
            let browser = signed_in(world, words, "ann", PASSWORD).await;
            let page = browser.open("/affiliate").await;
            assert_eq!(rows(&page, 0).len(), 1, "{}", page.says());
            let hostile = "\"><script>alert(1)</script>";
            let page = browser.press(&page, ["New code", "新建邀请码"][index], &[("label:?", hostile)]).await;
            assert!(page.status == 200 && page.says().contains(hostile), "{}", page.says());
            assert!(!page.text.contains("<script>alert"), "what people write is text");
            assert_eq!(rows(&page, 0).len(), 2);
            let links = page.root.all("a");
            let off =
                links.iter().find_map(|link| link.of("href").filter(|to| to.starts_with("/affiliate/off"))).unwrap();
            let code = off.rsplit('=').next().unwrap().to_owned();
            world.register("cid", Some(&code)).await;
            world.settle().await;
            let question = browser.open(off).await;
            assert!(question.status == 200 && question.heading().contains(&code), "{}", question.says());
            let page = browser.press(&question, ["Switch off", "停用"][index], &[]).await;
            assert_eq!((page.path.as_str(), rows(&page, 0).len()), ("/affiliate", 1), "{}", page.says());
            let late = world.register("dora", Some(&code)).await;
            assert_eq!(late["referral"]["reason"], "inactive");
            let primary = world.code("ann").await;
            for other in [primary.as_str(), "NOSUCHCO", code.as_str()] {
                assert_eq!(browser.open(&format!("/affiliate/off?code={other}")).await.status, 404, "{other}");
            }
        });
    }
}

/// Journey 15, R6.3, R6.5: commission shows with its terms; a withdrawal states what arrives and stays, and does that.
#[test]
fn commission_goes_to_the_balance_as_the_confirmation_says() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            earned(world).await;
            let browser = signed_in(world, words, "ann", PASSWORD).await;
            let page = browser.open("/affiliate").await;
            let friend = rows(&page, 2).remove(0);
            assert!(friend.contains("13.88888888") && friend.contains("1.38888888"), "{friend}");
            assert!(friend.contains(["10 %", "10%"][index]) && friend.contains("b***"), "{friend}");
            assert!(!page.text.contains("bob@example.com"), "friends are masked");
            let page = ask(&browser, index, "balance", "1.1").await;
            assert!(page.says().contains("0.28888888") && page.says().contains("1.10") || page.says().contains("1.1"));
            assert!(page.says().contains("0.28888888"), "{}", page.says());
            assert_eq!(totals(world).await[1], "1.38888888", "nothing has happened yet");
            let page = browser.press(&page, TO_BALANCE[index], &[]).await;
            assert_eq!((page.status, page.path.as_str()), (200, "/affiliate/withdrawals"), "{}", page.says());
            assert_eq!(world.balance("ann").await, "1.1");
            assert_eq!(totals(world).await, ["0", "0.28888888", "0", "1.1", "0", "0"]);
            assert!(rows(&page, 0)[0].contains(["Done", "已到账"][index]), "{}", page.says());
            world.settle().await;
        });
    }
}

/// Journey 15, R6.6: cash is asked for and cancelled; the payout account is in no URL and only masked in the list.
#[test]
fn cash_is_asked_for_and_cancelled() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            earned(world).await;
            let browser = signed_in(world, words, "ann", PASSWORD).await;
            let page = ask(&browser, index, "cash:bank", "1").await;
            let entries = [("payout.account", "DE02120300000000202051"), ("payout.name:?", "Ann Example")];
            let page = browser.press(&page, FOR_CASH[index], &entries).await;
            assert_eq!((page.status, page.path.as_str()), (200, "/affiliate/withdrawals"), "{}", page.says());
            assert_eq!(totals(world).await, ["0", "0.38888888", "1", "0", "0", "0"]);
            assert!(page.says().contains("2051") && !page.text.contains("DE0212"), "{}", page.says());
            let cancel = ["Cancel", "取消"][index];
            let (action, fields) = page.form(cancel, &[]);
            let page = browser.press(&page, cancel, &[]).await;
            assert!(rows(&page, 0)[0].contains(["Cancelled", "已取消"][index]), "{}", page.says());
            assert_eq!(totals(world).await, ["0", "1.38888888", "0", "0", "0", "0"]);
            assert!(page.root.all("button").iter().all(|button| button.text() != cancel), "nothing is open");
            let again = browser.send(&action, &fields, &[("sec-fetch-site", "same-origin")]).await;
            assert_eq!(again.status, 303, "the same press has the same answer");
            world.settle().await;
        });
    }
}

/// R6.5, R6.6: what can't be withdrawn is said at the amount, before and after the confirmation.
#[test]
fn an_amount_that_is_not_there_is_refused_at_its_field() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            earned(world).await;
            let browser = signed_in(world, words, "ann", PASSWORD).await;
            for (to, amount) in
                [("balance", "1.38888889"), ("balance", "0"), ("balance", "a"), ("balance", ""), ("cash:bank", "0.4")]
            {
                let page = ask(&browser, index, to, amount).await;
                let inputs = page.root.all("input");
                let field = inputs.iter().find(|one| one.of("name") == Some("amount")).unwrap();
                assert_eq!((page.status, field.of("aria-invalid")), (422, Some("true")), "{to} {amount}");
                assert_eq!(field.of("value").unwrap_or_default(), amount, "what was entered stays");
                let chosen = inputs.iter().find(|one| one.of("value") == Some(to)).unwrap();
                assert!(chosen.of("checked").is_some(), "{to} stays chosen");
            }
            // Two tabs ask for all of it.
            let tabs = [
                ask(&browser, index, "balance", "1.38888888").await,
                ask(&browser, index, "balance", "1.38888888").await,
            ];
            assert_eq!(browser.press(&tabs[0], TO_BALANCE[index], &[]).await.status, 200);
            let late = browser.press(&tabs[1], TO_BALANCE[index], &[]).await;
            let reason = ["Less commission is available", "可提现佣金不足"][index];
            assert!(late.status == 422 && late.says().contains(reason), "{}", late.says());
            assert_eq!(world.balance("ann").await, "1.38888888");
            world.settle().await;
        });
    }
}

/// Presses *Withdraw to the balance* until it is known what came of it, and returns the calls of the first press.
async fn pressed_until_known(world: &World, fault: Option<(&str, u32)>) -> Vec<String> {
    earned(world).await;
    let browser = signed_in(world, &BOTH[0], "ann", PASSWORD).await;
    let mut page = ask(&browser, 0, "balance", "1.1").await;
    world.stack.faults.calls();
    if let Some((operation, nth)) = fault {
        world.stack.faults.script(operation, nth, Fault::ReplyLost);
    }
    let mut calls = None;
    for _ in 0..8 {
        let (action, fields) = page.form(TO_BALANCE[0], &[]);
        let sent = browser.send(&action, &fields, &[("sec-fetch-site", "same-origin")]).await;
        calls.get_or_insert(world.stack.faults.calls());
        let to = sent.headers.get("location").map(|to| to.to_str().unwrap().to_owned());
        match to.as_deref() {
            Some("/affiliate/withdrawals") => break,
            Some(back) => page = browser.open(back).await,
            None => assert_eq!(sent.status, 503, "{}", sent.text),
        }
        world.advance(2).await;
    }
    world.stack.faults.clear();
    assert_eq!(totals(world).await, ["0", "0.28888888", "0", "1.1", "0", "0"], "{fault:?}");
    assert_eq!(rows(&browser.open("/affiliate/withdrawals").await, 0).len(), 1, "{fault:?}");
    world.settle().await;
    calls.unwrap()
}

/// C6.7: whichever reply is lost, whoever presses until the outcome is known withdraws once.
#[test]
fn whichever_reply_is_lost_a_withdrawal_happens_once() {
    let known = std::sync::OnceLock::new();
    World::run(async |world| known.set(pressed_until_known(world, None).await).unwrap());
    let calls = known.into_inner().unwrap();
    assert!(calls.len() >= 4, "{calls:?}");
    for (index, operation) in calls.iter().enumerate() {
        let before = calls[..index].iter().filter(|other| *other == operation).count();
        let nth = u32::try_from(before).unwrap();
        World::run(async |world| drop(pressed_until_known(world, Some((operation, nth))).await));
    }
}

/// R6.1: while the programme is off, no code is offered, and whoever has none does not meet it in the menu.
#[test]
fn while_the_programme_is_off_what_was_earned_stays() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            earned(world).await;
            world.settings("affiliate", |settings| settings["enabled"] = json!(false)).await;
            world.advance(61).await;
            let browser = signed_in(world, words, "ann", PASSWORD).await;
            let page = browser.open("/affiliate").await;
            let off = ["The programme is switched off", "推广计划暂未开启"][index];
            assert!(page.status == 200 && page.says().contains(off), "{}", page.says());
            assert!(!page.text.contains("/forms/affiliate"), "no code can be made");
            let page = ask(&browser, index, "balance", "1").await;
            assert_eq!(browser.press(&page, TO_BALANCE[index], &[]).await.status, 200, "it can be withdrawn");
            let has_entry = |page: &Shown| page.root.all("a").iter().any(|link| link.of("href") == Some("/affiliate"));
            assert!(has_entry(&browser.open("/home").await));
            world.register("eve", None).await;
            assert!(!has_entry(&signed_in(world, words, "eve", PASSWORD).await.open("/home").await));
            world.settle().await;
        });
    }
}

/// C3, C3.3: the first page of commissions, which the chart's list gives, goes on where it ends; the chart sums what is there.
#[test]
fn commissions_go_on_page_by_page_below_a_chart_of_all() {
    World::run(async |world| {
        world.settings("affiliate", |settings| settings["default_trigger_limit"] = json!(0)).await;
        invited(world).await;
        for _ in 0..23 {
            hundred(world).await;
            world.advance(20).await;
        }
        let browser = signed_in(world, &BOTH[0], "ann", PASSWORD).await;
        let first = browser.open("/affiliate").await;
        let chart = first.root.all("svg").into_iter().find(|svg| svg.of("role") == Some("img")).unwrap();
        assert_eq!(
            (chart.all("title")[0].text().as_str(), chart.all("g").len()),
            ("Commission of the last 12 weeks", 12)
        );
        // 23 times 1.38888888.
        assert!(chart.all("desc")[0].text().contains("31.94444424 USD"), "{}", chart.all("desc")[0].text());
        let table = rows(&first, 1);
        assert!(table.len() == 12 && table[0].contains("31.94444424USD") && table[1].contains("0USD"), "{table:?}");
        assert_eq!(rows(&first, 2).len(), 20);
        let older = browser.open(&first.link("Older")).await;
        assert_eq!(rows(&older, 1).len(), 3, "without a chart: {}", older.says());
        assert!(older.root.all("a").iter().all(|link| link.text() != "Older"), "no more");
        let times = |page: &Shown, table: usize| {
            let rows = page.root.all("tbody")[table].all("tr");
            rows.iter().map(|row| row.all("time")[0].of("datetime").unwrap().to_owned()).collect::<Vec<_>>()
        };
        let mut all = times(&first, 2);
        all.extend(times(&older, 1));
        assert!(all.len() == 23 && all.is_sorted_by(|one, next| one > next), "newest first, each once: {all:?}");
    });
}

/// R6.12: a month is shown from what it opened with to what it closed with, line by line, and saved as a file.
#[test]
fn a_month_is_shown_line_by_line_and_saved_as_a_file() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            world.stack.clock.set("2026-11-30T10:00:00Z".parse().unwrap());
            world.sign_in("admin").await;
            earned(world).await;
            world.stack.clock.set("2026-12-01T10:00:00Z".parse().unwrap());
            world.sign_in("ann").await;
            let body = json!({"amount": "0.3", "to": "balance"});
            world.user("ann").once().post("/v1/affiliate/withdrawals", body).await.is(201);
            world.settle().await;
            let browser = signed_in(world, words, "ann", PASSWORD).await;
            let page = browser.open("/affiliate/statement").await;
            let available = [["Available", "可提现"][index], "1.38888888", "1.08888888"];
            let first = rows(&page, 0)[0].clone();
            assert!(available.iter().all(|part| first.contains(part)), "{first}");
            assert_eq!(rows(&page, 1).len(), 1, "{}", page.says());
            let year = rows(&page, 2)[0].clone();
            assert!(["2026", "1.38888888", "0.3"].iter().all(|part| year.contains(part)), "{year}");
            assert!(page.says().contains(["By calendar year", "按自然年"][index]), "{}", page.says());
            let months: Vec<String> = page.root.all("option").iter().map(|option| option.text()).collect();
            assert_eq!(months, [["December 2026", "November 2026"], ["2026年12月", "2026年11月"]][index]);
            let november = browser.open("/affiliate/statement?month=2026-11").await;
            assert!(
                rows(&november, 0)[0].contains("1.38888888") && rows(&november, 1).len() == 1,
                "{}",
                november.says()
            );
            let file = browser.open("/affiliate/statement.csv?month=2026-11").await;
            assert_eq!((file.status, file.text.lines().count()), (200, 1 + 4 + 1 + 4), "{}", file.text);
            world.stack.tick("sign-heads").await.unwrap();
            let proof = browser.open("/affiliate/statement.json?month=2026-11").await;
            let proven = ProvenStatement::read(&proof.text).unwrap().verify(KEY);
            assert_eq!(proven.map(|proven| proven.entries), Ok((1, 1)), "{}", proof.text);
            let link = "href=\"/affiliate/statement.json?month=2026-11\"";
            assert!(november.text.contains(link), "{}", november.text);
            let nothing = browser.open("/affiliate/statement?month=2026-10").await;
            assert!(nothing.status == 200 && nothing.root.all("tbody").len() == 1, "the years: {}", nothing.says());
        });
    }
}

/// R6.9: the terms say how many friends must have paid before the first cash withdrawal, and a refused one leads there.
#[test]
fn a_first_cash_withdrawal_that_comes_too_early_is_refused_on_the_page() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            earned(world).await;
            world.settings("affiliate", |settings| settings["min_paying_invitees"] = json!(2)).await;
            world.advance(61).await;
            let browser = signed_in(world, words, "ann", PASSWORD).await;
            let terms = browser.open("/affiliate").await;
            assert!(terms.says().contains(["2 friends who have paid", "2 位好友已付款"][index]), "{}", terms.says());
            let page = ask(&browser, index, "cash:bank", "1").await;
            let page = browser.press(&page, FOR_CASH[index], &[("payout.account", "DE02120300000000202051")]).await;
            let said = ["Too few of your friends have paid", "已付款好友人数不足"][index];
            assert!(page.status == 422 && page.says().contains(said), "{}", page.says());
        });
    }
}
