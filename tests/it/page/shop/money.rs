//! Wallets of shops, on pages (R8.12, R6.6).

use serde_json::json;

use super::super::journeys::BOTH;
use super::{agent_in, refused_at, selling};
use crate::agency::{recharge, wallet};
use crate::world::World;

/// R8.12: commission is moved to what can be spent, once; more than there is is said at the amount.
#[test]
fn commission_is_moved_to_what_can_be_spent() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let made = selling(world).await;
            recharge(world, &made.asset, "20").await;
            let agent = agent_in(world, words, "b").await;
            let page = agent.open("/shop/wallet").await;
            let go = ["Move it", "转入"][index];
            for (wrong, said) in [("50.01", ["less commission", "佣金不足"][index]), ("a", ["", ""][index])] {
                let refused = agent.press(&page, go, &[("amount", wrong)]).await;
                refused_at(&refused, "amount", said);
            }
            let (action, fields) = page.form(go, &[("amount", "30.5")]);
            let moved = agent.press(&page, go, &[("amount", "30.5")]).await;
            assert_eq!((moved.status, moved.path.as_str()), (200, "/shop/wallet"), "{}", moved.says());
            assert_eq!(wallet(world, &made.shops[1]).await, ["1010.5", "19.5", "0"]);
            agent.send(&action, &fields, &[("sec-fetch-site", "same-origin")]).await;
            assert_eq!(wallet(world, &made.shops[1]).await, ["1010.5", "19.5", "0"], "the same press");
            let lines = agent.open("/shop/wallet?account=commission").await;
            let rows = lines.root.all("tbody")[0].all("tr");
            assert!(rows.len() == 2 && rows[0].text().contains("30.5"), "{}", lines.says());
            assert!(rows[1].all("a").iter().any(|link| link.of("href").unwrap().starts_with("/shop/sales/")));
        });
    }
}

/// R6.6: cash is asked for and cancelled; the account is only shown masked; an admin's page of the shop does not offer it.
#[test]
fn cash_is_asked_for_and_cancelled() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let made = selling(world).await;
            recharge(world, &made.asset, "20").await;
            let agent = agent_in(world, words, "b").await;
            let ask = ["Ask for the cash", "申请现金提现"][index];
            let page = agent.open("/shop/wallet/withdraw").await;
            let with = |amount: &'static str| [("amount", amount), ("payout.account", "DE02120300000000202051")];
            for (amount, said) in [("50.01", ["less commission", "佣金不足"][index]), ("9.99", ["", ""][index])] {
                let refused = agent.press(&page, ask, &with(amount)).await;
                refused_at(&refused, "amount", said);
                assert!(!refused.text.contains("DE0212"), "an account is never kept");
            }
            let list = agent.press(&page, ask, &with("40")).await;
            assert_eq!((list.status, list.path.as_str()), (200, "/shop/wallet/withdrawals"), "{}", list.says());
            assert!(list.says().contains("2051") && !list.text.contains("DE0212"), "{}", list.says());
            assert_eq!(wallet(world, &made.shops[1]).await, ["980", "10", "0"]);
            assert!(agent.open("/shop/wallet?account=held").await.says().contains("40"));
            let list = agent.press(&list, ["Cancel", "取消"][index], &[]).await;
            assert!(list.says().contains(["Cancelled", "已取消"][index]), "{}", list.says());
            assert_eq!(wallet(world, &made.shops[1]).await, ["980", "50", "0"]);
            let admin = super::super::admin::admin_in(world, words).await;
            let whose = format!("for={}/{}", made.shops[0], made.shops[1]);
            assert_eq!(admin.open(&format!("/shop/wallet/withdraw?{whose}")).await.status, 404);
            let seen = admin.open(&format!("/shop/wallet?{whose}")).await;
            let moved = admin.press(&seen, ["Move it", "转入"][index], &[("amount", "1")]).await;
            assert_eq!(moved.status, 200, "{}", moved.says());
            assert_eq!(wallet(world, &made.shops[1]).await, ["981", "49", "0"], "in the shop's place");
        });
    }
}

/// R8: with the agency switched off the pages say so, and a sale is refused.
#[test]
fn while_the_agency_is_off_the_pages_say_so() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let made = selling(world).await;
            world.settings("agency", |agency| agency["enabled"] = json!(false)).await;
            world.advance(61).await;
            let agent = agent_in(world, words, "b").await;
            let page = agent.open(&format!("/shop/sell?asset={}&amount=10", made.asset)).await;
            assert!(page.says().contains(["The agency is switched off", "代理业务已关闭"][index]), "{}", page.says());
            let refused = agent.press(&page, ["Sell and pay", "销售并付款"][index], &[]).await;
            assert_eq!(refused.status, 422, "{}", refused.says());
            assert_eq!(wallet(world, &made.shops[1]).await, ["1000", "0", "0"]);
        });
    }
}
