//! Pages of staff (C3.4).

mod agency;
mod all;
mod money;
mod orders;
mod people;
mod reach;
mod second_factor;
mod session;
mod settings;
mod system;
mod vouchers;

use serde_json::json;
use shared::account::model::scope::AdminScope;

use super::client::Browser;
use super::journeys::{BOTH, Words};
use crate::world::{PASSWORD, World};
use console::admin::pages::{OpenTo, PAGES, Rule};

/// Signs the admin in, in a browser of this language.
pub async fn admin_in<'a>(world: &'a World, words: &Words) -> Browser<'a> {
    staff_in(world, words, "admin@localhost").await
}

async fn staff_in<'a>(world: &'a World, words: &Words, email: &str) -> Browser<'a> {
    let browser = Browser::new(world, words.accept);
    let page = browser.open("/sign-in").await;
    let home = browser.press(&page, words.sign_in, &[("email", email), ("password", PASSWORD)]).await;
    assert_eq!(home.path.split('/').nth(1), Some("admin"), "{}", home.says());
    browser
}

/// Makes somebody an admin with these scopes, and signs them in.
pub async fn clerk_in<'a>(world: &'a World, words: &Words, name: &str, scopes: &[AdminScope]) -> Browser<'a> {
    let told = world.register(name, None).await;
    let role = format!("/v1/admin/users/{}/role", told["user"]["id"].as_str().unwrap());
    world.admin().put(&role, json!({"role": "admin", "scopes": scopes})).await.is(200);
    let browser = Browser::new(world, words.accept);
    let page = browser.open("/sign-in").await;
    let entries = [("email", format!("{name}@example.com")), ("password", PASSWORD.to_owned())];
    let entries: Vec<(&str, &str)> = entries.iter().map(|(name, value)| (*name, value.as_str())).collect();
    browser.press(&page, words.sign_in, &entries).await;
    browser
}

const ANY: OpenTo = OpenTo::Staff;
const ORDERS: OpenTo = OpenTo::With(AdminScope::OrdersRead);
const REFUND: OpenTo = OpenTo::With(AdminScope::OrdersRefund);
const STATS: OpenTo = OpenTo::With(AdminScope::StatsRead);
const PAYOUTS: OpenTo = OpenTo::With(AdminScope::WithdrawalsApprove);
const ADMINS: OpenTo = OpenTo::Admins;
const SETTINGS: OpenTo = OpenTo::With(AdminScope::SettingsWrite);
const GRANTS: OpenTo = OpenTo::With(AdminScope::GrantsWrite);
const CODES: OpenTo = OpenTo::With(AdminScope::CodesIssue);

/// The authorization matrix of the pages of staff: a row per page.
const MATRIX: &[(&str, OpenTo)] = &[
    ("/admin", STATS),
    ("/admin/settings", SETTINGS),
    ("/admin/settings/{area}", SETTINGS),
    ("/admin/simulations/{area}", SETTINGS),
    ("/admin/users", ADMINS),
    ("/admin/users/{id}", ADMINS),
    ("/admin/users/{id}/programmes", ADMINS),
    ("/admin/users/{id}/adjust", ADMINS),
    ("/admin/users/{id}/commission", ADMINS),
    ("/admin/users/{id}/role", ADMINS),
    ("/admin/users/{id}/second-factor", ADMINS),
    ("/admin/users/{id}/erase", ADMINS),
    ("/admin/plans", CODES),
    ("/admin/plans/new", ADMINS),
    ("/admin/plans/{id}", ADMINS),
    ("/admin/batches", CODES),
    ("/admin/batches/new", CODES),
    ("/admin/batches/{id}", CODES),
    ("/admin/batches/{id}/state", CODES),
    ("/admin/batches/{id}/export.csv", CODES),
    ("/admin/batches/{id}/status", CODES),
    ("/admin/codes", CODES),
    ("/admin/codes/delete", ADMINS),
    ("/admin/codes/{code}", CODES),
    ("/admin/redemptions", ADMINS),
    ("/admin/redemptions/{id}/undo", ADMINS),
    ("/admin/keys", ADMINS),
    ("/admin/keys/{id}/revoke", ADMINS),
    ("/admin/webhooks", ADMINS),
    ("/admin/webhooks/{id}", ADMINS),
    ("/admin/webhooks/{id}/delete", ADMINS),
    ("/admin/referrals", ADMINS),
    ("/admin/rewards", ADMINS),
    ("/admin/commissions", ADMINS),
    ("/admin/commissions/together", ADMINS),
    ("/admin/commissions/{id}/release", ADMINS),
    ("/admin/commissions/{id}/reverse", ADMINS),
    ("/admin/audit", ADMINS),
    ("/admin/shops", GRANTS),
    ("/admin/shops/new", GRANTS),
    ("/admin/shops/{id}", GRANTS),
    ("/admin/shops/{id}/wallet", GRANTS),
    ("/admin/shops/{id}/adjust", ADMINS),
    ("/admin/series", GRANTS),
    ("/admin/series/new", GRANTS),
    ("/admin/series/{id}", GRANTS),
    ("/admin/series/{id}/packages/new", GRANTS),
    ("/admin/series/{id}/packages/{package_id}", GRANTS),
    ("/admin/grants", GRANTS),
    ("/admin/grants/new", GRANTS),
    ("/admin/grants/{id}", GRANTS),
    ("/admin/grants/{id}/packages", GRANTS),
    ("/admin/grants/{id}/packages/{package_id}", GRANTS),
    ("/admin/grants/{id}/delete", GRANTS),
    ("/admin/assets", GRANTS),
    ("/admin/assets/new", GRANTS),
    ("/admin/assets/{id}", GRANTS),
    ("/admin/assets/{id}/sell", ADMINS),
    ("/admin/sales", GRANTS),
    ("/admin/sales.csv", GRANTS),
    ("/admin/sales/commissions", GRANTS),
    ("/admin/sales/commissions.csv", GRANTS),
    ("/admin/sales/{id}", GRANTS),
    ("/admin/coupons", ORDERS),
    ("/admin/risk", ADMINS),
    ("/admin/risk/together", ADMINS),
    ("/admin/risk/{id}/release", ADMINS),
    ("/admin/risk/{id}/reject", ADMINS),
    ("/admin/find", ANY),
    ("/admin/orders", ORDERS),
    ("/admin/orders.csv", ORDERS),
    ("/admin/orders/{id}", ORDERS),
    ("/admin/orders/{id}/refund", REFUND),
    ("/admin/orders/{id}/refunds/{refund_id}", REFUND),
    ("/admin/orders/{id}/complete", ADMINS),
    ("/admin/orders/{id}/bonus", ADMINS),
    ("/admin/orders/{id}/undo", ADMINS),
    ("/admin/reviews", ORDERS),
    ("/admin/reviews/{id}", ORDERS),
    ("/admin/reviews/{id}/resolve", ADMINS),
    ("/admin/reviews/{id}/confirm", ADMINS),
    ("/admin/reconciliations", ORDERS),
    ("/admin/reconciliations/{date}", ORDERS),
    ("/admin/withdrawals", PAYOUTS),
    ("/admin/withdrawals/together", PAYOUTS),
    ("/admin/withdrawals/{id}", PAYOUTS),
    ("/admin/withdrawals/{id}/pay", PAYOUTS),
    ("/admin/withdrawals/{id}/reject", PAYOUTS),
    ("/admin/payout-batches", PAYOUTS),
    ("/admin/payout-batches/new", PAYOUTS),
    ("/admin/payout-batches/{id}", PAYOUTS),
    ("/admin/payout-batches/{id}/act", PAYOUTS),
    ("/admin/payout-batches/{id}/file.csv", PAYOUTS),
    ("/admin/payout-batches/{id}/file.xml", PAYOUTS),
    ("/admin/affiliate-years", ADMINS),
    ("/admin/affiliate-years.csv", ADMINS),
    ("/admin/ledger", ADMINS),
    ("/admin/stats", STATS),
    ("/admin/stats.csv", STATS),
    ("/admin/liabilities", STATS),
    ("/admin/liabilities.csv", STATS),
];

/// C3.4: the table of pages and the matrix name the same pages with the same rules.
#[test]
fn the_table_of_pages_is_the_matrix() {
    let known: Vec<(&str, OpenTo)> = PAGES.iter().map(|(page, rule)| (*page, rule.open_to)).collect();
    assert_eq!(known, MATRIX);
}

/// A page's path with ids of nothing.
fn path_of(page: &str) -> String {
    page.replace("{id}", "ord_01m7w6c38029x193xqrjx9657c")
        .replace("{refund_id}", "rfd_x")
        .replace("{date}", "2026-11-19")
        .replace("{package_id}", "pkg_x")
        .replace("{code}", "ABCD")
        .replace("{area}", "payment")
}

fn may(rule: Rule, scope: AdminScope) -> bool {
    match rule.open_to {
        OpenTo::Staff => true,
        OpenTo::With(needed) => needed == scope,
        OpenTo::Admins => false,
    }
}

/// C3.4, C9.1: each page of staff answers everybody as its row in the table says, and says who may.
#[test]
fn each_page_of_staff_is_open_to_whom_its_row_says() {
    World::run(async |world| {
        let words = &BOTH[0];
        for name in ["ann", "bob", "carl"] {
            world.register(name, None).await;
        }
        let nobody = Browser::new(world, words.accept);
        let ann = super::signing_in::signed_in(world, words, "ann", PASSWORD).await;
        let id = async |name: &str| world.user(name).get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
        let blocked = super::signing_in::signed_in(world, words, "bob", PASSWORD).await;
        let status = format!("/v1/admin/users/{}/status", id("bob").await);
        world.admin().put(&status, json!({"status": "blocked", "reason": "a test"})).await.is(200);
        let role = format!("/v1/admin/users/{}/role", id("carl").await);
        world.admin().put(&role, json!({"role": "agent", "scopes": []})).await.is(200);
        let agent = super::signing_in::signed_in(world, words, "carl", PASSWORD).await;
        let admin = admin_in(world, words).await;
        for (page, _) in PAGES {
            let path = path_of(page);
            for stranger in [&nobody, &blocked] {
                assert_eq!(stranger.open(&path).await.heading(), "Sign in", "{page}");
            }
            for other in [&ann, &agent] {
                let answer = other.open(&path).await;
                assert_eq!((answer.status, answer.heading().as_str()), (403, "You may not see this page"), "{page}");
                assert!(answer.says().contains("This page is for admins"), "{}", answer.says());
            }
            let answer = admin.open(&path).await;
            let heading = answer.root.all("h1").first().map(|one| one.text()).unwrap_or_default();
            assert!(answer.status != 403 && heading != "Sign in", "{page} refuses an admin");
        }
        for scope in AdminScope::ALL {
            let clerk = clerk_in(world, words, &format!("clerk-{}", scope.as_str().replace(':', "-")), &[scope]).await;
            for (page, rule) in PAGES {
                let answer = clerk.open(&path_of(page)).await;
                assert_eq!(answer.status != 403, may(*rule, scope), "{page} for {scope:?}: {}", answer.status);
                if let (403, OpenTo::With(needed)) = (answer.status, rule.open_to) {
                    assert!(answer.says().contains(needed.as_str()), "{}", answer.says());
                }
            }
        }
    });
}

/// C3.4: the menu has what the visitor may see, and nothing else.
#[test]
fn the_menu_has_the_entries_that_the_visitor_may_see() {
    World::run(async |world| {
        for (browser, scopes) in [
            (admin_in(world, &BOTH[0]).await, None),
            (clerk_in(world, &BOTH[0], "stats", &[AdminScope::StatsRead]).await, Some(AdminScope::StatsRead)),
        ] {
            let page = browser.open("/admin").await;
            let side = page.root.all("nav").into_iter().find(|nav| nav.of("class") == Some("side")).unwrap();
            let links: Vec<&str> =
                side.all("ul").iter().flat_map(|list| list.all("a")).filter_map(|a| a.of("href")).collect();
            assert!(links.contains(&"/admin"), "{links:?}");
            for link in links {
                let rule = PAGES.iter().find(|(path, _)| *path == link).unwrap().1;
                assert!(scopes.is_none_or(|scope| may(rule, scope)), "{link}");
            }
            assert_eq!(browser.open("/").await.path, "/admin", "it is where they begin");
        }
    });
}
