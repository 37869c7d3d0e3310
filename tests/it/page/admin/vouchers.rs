//! The pages of plans, batches, codes and redemptions (C3.4, journey 22).

use serde_json::json;
use shared::account::model::scope::AdminScope;

use super::super::client::Shown;
use super::{admin_in, clerk_in};
use crate::page::journeys::BOTH;
use crate::world::World;

const MAKE: [&str; 2] = ["Make the codes", "生成兑换码"];

/// The codes that a page lists.
fn codes(page: &Shown) -> Vec<String> {
    let is_code = |text: &String| text.len() == 19 && text.matches('-').count() == 3;
    page.root.all("li").iter().map(|item| item.text()).filter(is_code).collect()
}

/// Journey 22, R7.1: a small batch shows its codes, of plan time or balance; they can be redeemed.
#[test]
fn a_small_batch_shows_its_codes() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            world.register("ann", None).await;
            world.plan(json!({"name": "Pro", "quota": 0, "on_sale": true})).await;
            let browser = clerk_in(world, words, "cid", &[AdminScope::CodesIssue]).await;
            let form = browser.open("/admin/batches/new").await;
            let page =
                browser.press(&form, MAKE[index], &[("label", "three months"), ("count:int-unless=codes", "3")]).await;
            assert!(page.path.starts_with("/admin/batches/bat_"), "{} {}", page.path, page.says());
            let made = codes(&page);
            assert_eq!(made.len(), 3, "{}", page.says());
            world.redeem("ann", &made[0]).await.is(201);
            let credit = [("label", "gift"), ("credit:?", "5"), ("expires_at:utc?", "2027-01-31T12:00")];
            let form = browser.open("/admin/batches/new").await;
            let page = browser.press(&form, MAKE[index], &credit).await;
            world.redeem("ann", &codes(&page)[0]).await.is(201);
            assert_eq!(world.balance("ann").await, "5");
            assert!(page.says().contains("2027"), "{}", page.says());
            let form = browser.open("/admin/batches/new").await;
            let wrong = browser.press(&form, MAKE[index], &[("label", "x"), ("count:int-unless=codes", "0")]).await;
            assert_eq!(wrong.status, 422);
            world.settle().await;
        });
    }
}

/// R7.10: codes from elsewhere are entered on the page of a new batch, and each that is refused is told by its place.
#[test]
fn codes_are_brought_on_the_page_of_a_new_batch() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let browser = clerk_in(world, words, "cid", &[AdminScope::CodesIssue]).await;
            let form = browser.open("/admin/batches/new").await;
            let brought = |codes| [("label", "old"), ("credit:?", "1"), ("codes:lines", codes)];
            let refused = browser.press(&form, MAKE[index], &brought("old-shop-1\r\n\r\nx\r\n")).await;
            assert_eq!(refused.status, 422, "{}", refused.says());
            assert!(refused.says().contains(["Code 2 is not", "第 2 个不是"][index]), "{}", refused.says());
            let kept = refused.root.all("textarea").first().map(|area| area.text());
            assert_eq!(kept.as_deref(), Some(""), "codes are worth money, and go into no cookie");
            let page = browser.press(&refused, MAKE[index], &brought("old-shop-1\r\n\r\n old-shop-2 \r\n")).await;
            let listed = page.root.all("li").iter().filter(|item| item.text().starts_with("OLDSHOP")).count();
            assert_eq!(listed, 2, "{}", page.says());
            let form = browser.open("/admin/batches/new").await;
            let again = browser.press(&form, MAKE[index], &brought("old-shop-2")).await;
            assert!(
                again.says().contains(["Code 1 is a code already", "第 1 个兑换码已存在"][index]),
                "{}",
                again.says()
            );
            world.settle().await;
        });
    }
}

/// R7.10: a batch with a prefix gets more codes, and a later end, on its page; what is refused is told at its field.
#[test]
fn a_batch_is_topped_up_and_extended_on_its_page() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let browser = clerk_in(world, words, "cid", &[AdminScope::CodesIssue]).await;
            let form = browser.open("/admin/batches/new").await;
            let entries = [("label", "spring"), ("prefix:?", "vip0"), ("credit:?", "1")];
            let entries = [&entries[..], &[("expires_at:utc?", "2026-12-01T00:00")]].concat();
            let page = browser.press(&form, MAKE[index], &entries).await;
            assert!(page.says().contains("VIP0-") && page.says().contains("2026"), "{}", page.says());
            let add = ["Add the codes", "追加"][index];
            let page = browser.press(&page, add, &[("count:int", "2")]).await;
            assert_eq!(page.root.all("li").iter().filter(|item| item.text().starts_with("VIP0-")).count(), 3);
            let refused = browser.press(&page, add, &[("count:int", "10000")]).await;
            assert_eq!(refused.status, 422, "{}", refused.says());
            let extend = ["Extend", "延长"][index];
            let refused = browser.press(&page, extend, &[("expires_at:utc", "2026-11-30T00:00")]).await;
            assert_eq!(refused.status, 422, "{}", refused.says());
            let page = browser.press(&page, extend, &[("expires_at:utc", "2027-01-31T00:00")]).await;
            assert!(page.status == 200 && page.says().contains("2027"), "{}", page.says());
            world.settle().await;
        });
    }
}

/// Journey 22: a large batch shows its progress; *Go on* makes what is missing; then it is exported.
#[test]
fn a_large_batch_goes_on_where_it_stood_still() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let browser = clerk_in(world, words, "cid", &[AdminScope::CodesIssue]).await;
            let form = browser.open("/admin/batches/new").await;
            let entries = [("label", "many"), ("count:int-unless=codes", "500"), ("credit:?", "1")];
            let page = browser.press(&form, MAKE[index], &entries).await;
            let id = page.path.rsplit('/').next().unwrap().to_owned();
            assert!(page.says().contains("0 / 500"), "{}", page.says());
            let bars = page.root.all("progress");
            assert_eq!((bars[0].of("max"), bars[0].of("value")), (Some("500"), Some("0")));
            assert_eq!(browser.fetch(&format!("/admin/batches/{id}/state")).await["state"], "0");
            let page = browser.press(&page, ["Go on", "继续"][index], &[]).await;
            assert!(page.status == 200 && page.root.all("progress").is_empty(), "{}", page.says());
            let sheet = browser.open(&format!("/admin/batches/{id}/export.csv")).await;
            assert_eq!(sheet.text.lines().count(), 501);
            assert!(sheet.headers["content-disposition"].to_str().unwrap().contains(&id));
            world.swept().await;
        });
    }
}

/// Journey 22: all codes of a batch are stopped after a question, and started again.
#[test]
fn a_batch_is_stopped_and_started() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            world.register("ann", None).await;
            let code =
                world.codes(json!({"label": "gift", "count": 1, "credit": "1", "total_uses": 9})).await.remove(0);
            let browser = admin_in(world, words).await;
            let list = browser.open("/admin/batches").await;
            let page = browser.open(&list.link("gift")).await;
            let question = browser.open(&page.link(["Stop all codes", "停用全部兑换码"][index])).await;
            let page = browser.press(&question, ["Stop all codes", "停用全部兑换码"][index], &[]).await;
            assert_eq!(page.status, 200, "{}", page.says());
            world.redeem("ann", &code).await.refused(409, "code_disabled");
            let start = ["Start all codes", "启用全部兑换码"][index];
            let question = browser.open(&page.link(start)).await;
            browser.press(&question, start, &[]).await;
            world.redeem("ann", &code).await.is(201);
            world.settle().await;
        });
    }
}

/// Journey 22: codes selected on a page are deleted after a page that lists them; nothing selected deletes nothing.
#[test]
fn selected_codes_are_deleted() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            world.register("ann", None).await;
            let made = world.codes(json!({"label": "gift", "count": 3, "credit": "1", "total_uses": 1})).await;
            let browser = admin_in(world, words).await;
            let page = browser.open("/admin/codes").await;
            let delete = ["Delete selected", "删除所选"][index];
            let none = browser.press(&page, delete, &[]).await;
            assert!(none.says().contains(["No code was selected", "未选择兑换码"][index]), "{}", none.says());
            let plain: Vec<String> = made.iter().map(|code| code.replace('-', "")).collect();
            let path = format!("/admin/codes/delete?code={}&code={}", plain[0], plain[1]);
            let question = browser.open(&path).await;
            assert!(question.says().contains(&made[0]) && question.says().contains(&made[1]), "{}", question.says());
            assert!(!question.says().contains(&made[2]));
            let page = browser.press(&question, ["Delete 2 codes", "删除 2 个兑换码"][index], &[]).await;
            assert_eq!((page.status, page.path.as_str()), (200, "/admin/codes"), "{}", page.says());
            assert!(page.says().contains(&made[2]) && !page.says().contains(&made[0]));
            world.redeem("ann", &made[0]).await.refused(404, "code_not_found");
            world.redeem("ann", &made[2]).await.is(201);
            let one = browser.open(&format!("/admin/codes/{}", plain[2])).await;
            assert!(one.status == 200 && one.says().contains("1"), "{}", one.says());
            assert_eq!(browser.open(&format!("/admin/codes/{}", plain[0])).await.status, 404);
            world.settle().await;
        });
    }
}

/// R7.6: one code is changed, disabled and enabled; a total below its uses is said at the field.
#[test]
fn a_code_is_changed() {
    World::run(async |world| {
        for name in ["ann", "bob"] {
            world.register(name, None).await;
        }
        let made = world.codes(json!({"label": "gift", "count": 1, "credit": "1", "total_uses": 3})).await;
        for name in ["ann", "bob"] {
            world.redeem(name, &made[0]).await.is(201);
        }
        world.settle().await;
        let browser = admin_in(world, &BOTH[0]).await;
        let page = browser.open(&format!("/admin/codes/{}", made[0].replace('-', ""))).await;
        let low = browser.press(&page, "Save the code", &[("total_uses:int", "1")]).await;
        let inputs = low.root.all("input");
        let field = inputs.iter().find(|one| one.of("name") == Some("total_uses:int")).unwrap();
        assert_eq!((low.status, field.of("aria-invalid")), (422, Some("true")), "{}", low.says());
        let page = browser.press(&low, "Save the code", &[("total_uses:int", "5"), ("credit", "2")]).await;
        assert!(page.status == 200 && page.says().contains("2 of 5"), "{}", page.says());
        let page = browser.press(&page, "Disable", &[]).await;
        assert!(page.says().contains("Disabled"), "{}", page.says());
        let page = browser.press(&page, "Enable", &[]).await;
        assert!(page.says().contains("Active"), "{}", page.says());
        world.settle().await;
    });
}

/// R7.8: undoing says what is taken back, debt too, and does that.
#[test]
fn a_redemption_is_undone_as_its_confirmation_says() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let told = world.register("ann", None).await;
            let id = told["user"]["id"].as_str().unwrap().to_owned();
            let code =
                world.codes(json!({"label": "gift", "count": 1, "credit": "5", "total_uses": 1})).await.remove(0);
            world.redeem("ann", &code).await.is(201);
            let spent = json!({"amount": "-4", "remark": "spent"});
            world.admin().once().post(&format!("/v1/admin/users/{id}/adjustments"), spent).await.is(200);
            world.settle().await;
            let browser = admin_in(world, words).await;
            let list = browser.open("/admin/redemptions").await;
            let masked = format!("{}-****-****-{}", &code[..4], &code[15..]);
            assert!(list.says().contains("ann@example.com") && list.says().contains(&masked), "{}", list.says());
            assert!(!list.text.contains(&code) && browser.open(&list.link(&masked)).await.says().contains(&code));
            let question = browser.open(&list.link(["Undo", "撤销"][index])).await;
            assert!(question.says().contains("4") && question.says().contains("USD"), "{}", question.says());
            let button = ["Undo the redemption", "撤销兑换"][index];
            assert_eq!(browser.press(&question, button, &[]).await.status, 422, "a reason is needed");
            let page = browser.press(&question, button, &[("reason", "a mistake")]).await;
            assert!(page.status == 200 && page.says().contains("a mistake"), "{}", page.says());
            let user = world.admin().get(&format!("/v1/admin/users/{id}")).await.is(200);
            assert_eq!((&user["balance"]["amount"], &user["debt"]["amount"]), (&json!("0"), &json!("4")));
            world.settle().await;
        });
    }
}

/// R7.2: a plan's traffic is entered in GB and kept in bytes; whoever saves second decides.
#[test]
fn plans_are_made_and_changed_in_gigabytes() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let browser = admin_in(world, words).await;
            let form = browser.open("/admin/plans/new").await;
            let entries = [("name", "Pro"), ("traffic_bytes:gb", "1.5")];
            let list = browser.press(&form, ["Make the plan", "新建套餐"][index], &entries).await;
            assert!(list.says().contains("1.5 GB") && list.says().contains("1500000000"), "{}", list.says());
            let path = list.link("Pro");
            let (mine, theirs) = (browser.open(&path).await, browser.open(&path).await);
            let save = ["Save the plan", "保存套餐"][index];
            assert_eq!(browser.press(&theirs, save, &[("name", "Max")]).await.status, 200);
            let late = browser.press(&mine, save, &[("name", "Mini")]).await;
            assert!(late.status == 422 && late.says().contains("Max") && late.text.contains("Mini"), "{}", late.says());
            let list = browser.press(&late, ["Save mine on top", "以我的覆盖"][index], &[]).await;
            assert!(list.status == 200 && list.says().contains("Mini"), "{}", list.says());
            let wrong = browser
                .press(&form, ["Make the plan", "新建套餐"][index], &[("name", "x"), ("traffic_bytes:gb", "a lot")])
                .await;
            assert_eq!(wrong.status, 422);
        });
    }
}
