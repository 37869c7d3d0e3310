//! Pages of agents (C3.3).

mod all;
mod grants;
mod journey;
mod money;
mod sell;
mod shops;

use console::shop::pages::PAGES;
use serde_json::{Value, json};
use shared::account::model::scope::AdminScope;

use super::admin::{admin_in, clerk_in};
use super::client::{Browser, Shown};
use super::journeys::{BOTH, Words};
use crate::agency::{asset, chain, fixed, fund, grant, open, package, series};
use crate::world::{PASSWORD, World};

/// Signs an agent in, in a browser of this language: they begin at their shop.
pub async fn agent_in<'a>(world: &'a World, words: &Words, name: &str) -> Browser<'a> {
    let browser = Browser::new(world, words.accept);
    let page = browser.open("/sign-in").await;
    let email = format!("{name}@example.com");
    let shop = browser.press(&page, words.sign_in, &[("email", &email), ("password", PASSWORD)]).await;
    assert_eq!((shop.status, shop.path.as_str()), (200, "/shop"), "{}", shop.says());
    browser
}

/// Shops A, B below it and C below B; A and B sell cards with a package, B has a card and 1000 to spend.
pub struct Selling {
    pub shops: [String; 3],
    pub series: String,
    pub package: String,
    /// Grants of A and B.
    pub grants: [Value; 2],
    pub asset: String,
}

/// A tree that sells.
pub async fn selling(world: &World) -> Selling {
    open(world).await;
    let shops = chain(world).await;
    let series = series(world, fixed("100")).await;
    let package = package(world, &series, "MONTH", "50", "10").await;
    let with = |amount: &str, cost: &str| json!({"commission_amount": amount, "packages": [{"package_id": package, "cost_price": cost}]});
    let grants = [
        grant(world, &shops[0], &series, with("80", "12")).await,
        grant(world, &shops[1], &series, with("50", "20")).await,
    ];
    let asset = asset(world, &shops[1], &series, "8986-0001").await;
    fund(world, &shops[1], "1000").await;
    Selling { shops, series, package, grants, asset }
}

/// The field with this name.
pub fn input<'a>(page: &'a Shown, name: &str) -> &'a super::markup::Element {
    let all = page.root.all("main")[0].all("*");
    all.into_iter().find(|one| one.of("name") == Some(name)).unwrap_or_else(|| panic!("no {name}: {}", page.says()))
}

/// Asserts that the form came back, with this said beside this field and in the summary.
pub fn refused_at(page: &Shown, name: &str, said: &str) {
    assert_eq!(page.status, 422, "{}", page.says());
    let field = input(page, name);
    assert_eq!(field.of("aria-invalid"), Some("true"), "{name}: {}", page.says());
    let described = field.of("aria-describedby").unwrap().split(' ');
    let beside: String = described
        .filter_map(|id| page.root.all("*").into_iter().find(|one| one.of("id") == Some(id)).map(|one| one.text()))
        .collect();
    assert!(beside.contains(said), "{name}: {beside}");
    let alerts = page.root.all("div");
    let alert = alerts.iter().find(|one| one.of("role") == Some("alert")).unwrap();
    let to = format!("#{}", field.of("id").unwrap());
    assert!(alert.all("a").iter().any(|link| link.of("href") == Some(&to)), "the summary leads to {name}");
}

/// The authorization matrix of the pages of agents: a row per page. Each is for agents about their own shop and those below, and for
/// admins without scopes or with `grants:write` about a shop that they choose.
const MATRIX: &[&str] = &[
    "/shop",
    "/shop/shops",
    "/shop/shops/new",
    "/shop/shops/{id}",
    "/shop/grants",
    "/shop/grants/new",
    "/shop/grants/{id}",
    "/shop/grants/{id}/terms",
    "/shop/grants/{id}/packages",
    "/shop/grants/{id}/delete",
    "/shop/prices",
    "/shop/prices/{id}/{package}",
    "/shop/assets",
    "/shop/assets/new",
    "/shop/assets/{id}",
    "/shop/sell",
    "/shop/sales",
    "/shop/sales.csv",
    "/shop/sales/{id}",
    "/shop/commissions",
    "/shop/commissions.csv",
    "/shop/wallet",
    "/shop/wallet/withdraw",
    "/shop/wallet/withdrawals",
];

/// C3.3: the table of pages and the matrix name the same pages.
#[test]
fn the_table_of_pages_of_agents_is_the_matrix() {
    assert_eq!(PAGES, MATRIX);
}

/// A page's path with ids of nothing.
fn path_of(page: &str) -> String {
    page.replace("{package}", "pkg_01m7w6c38029x193xqrjx9657c").replace("{id}", "shp_01m7w6c38029x193xqrjx9657c")
}

/// C3.3, C9.1: each page of agents is open to agents and to admins who may write grants, and says so to everybody else.
#[test]
fn each_page_of_agents_is_open_to_whom_its_row_says() {
    World::run(async |world| {
        let words = &BOTH[0];
        let a = selling(world).await.shops[0].clone();
        for name in ["ann", "bob", "carl"] {
            world.register(name, None).await;
        }
        let nobody = Browser::new(world, words.accept);
        let ann = super::signing_in::signed_in(world, words, "ann", PASSWORD).await;
        let blocked = super::signing_in::signed_in(world, words, "bob", PASSWORD).await;
        let id = async |name: &str| world.user(name).get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
        let status = format!("/v1/admin/users/{}/status", id("bob").await);
        world.admin().put(&status, json!({"status": "blocked", "reason": "a test"})).await.is(200);
        let role = format!("/v1/admin/users/{}/role", id("carl").await);
        world.admin().put(&role, json!({"role": "agent", "scopes": []})).await.is(200);
        let shopless = super::signing_in::signed_in(world, words, "carl", PASSWORD).await;
        let clerk = clerk_in(world, words, "reader", &[AdminScope::OrdersRead]).await;
        let (agent, admin) = (agent_in(world, words, "b").await, admin_in(world, words).await);
        let writer = clerk_in(world, words, "writer", &[AdminScope::GrantsWrite]).await;
        for page in PAGES {
            let path = path_of(page);
            let whose = format!("{path}?for={a}");
            for stranger in [&nobody, &blocked] {
                assert_eq!(stranger.open(&path).await.heading(), "Sign in", "{page}");
            }
            for other in [&ann, &shopless, &clerk] {
                let answer = other.open(&whose).await;
                assert_eq!((answer.status, answer.heading().as_str()), (403, "You may not see this page"), "{page}");
                assert!(answer.says().contains("This page is for agents"), "{}", answer.says());
            }
            for (may, path) in [(&agent, &path), (&admin, &whose), (&writer, &whose)] {
                let answer = may.open(path).await;
                let heading = answer.root.all("h1").first().map(|one| one.text()).unwrap_or_default();
                assert!(answer.status != 403 && heading != "Sign in", "{page}: {} {heading}", answer.status);
            }
            assert_eq!(admin.open(&path).await.heading(), "Choose a shop", "{page}: whose, of an admin?");
        }
        let chosen = admin.open(&admin.open("/shop").await.link("a")).await;
        assert_eq!((chosen.status, chosen.heading().as_str()), (200, "a"), "{}", chosen.says());
        assert!(chosen.says().contains("You see this as an admin"), "{}", chosen.says());
        let links = chosen.root.all("nav")[0].all("a");
        let own = links.iter().filter_map(|link| link.of("href")).filter(|to| to.starts_with("/shop"));
        assert!(own.clone().count() > 3 && own.clone().all(|to| to.contains("for=")), "each link stays with the shop");
    });
}

/// C5.3: an agent who has been away signs in again, on pages and for forms.
#[test]
fn an_agent_who_was_away_signs_in_again() {
    World::run(async |world| {
        selling(world).await;
        let agent = agent_in(world, &BOTH[0], "b").await;
        let page = agent.open("/shop/shops/new").await;
        world.advance(31 * 60).await;
        assert_eq!(agent.open("/shop").await.heading(), "Sign in");
        let answer = agent.press(&page, "Make the shop", &[("name", "late")]).await;
        assert_eq!(answer.heading(), "Sign in");
        let again = agent_in(world, &BOTH[0], "b").await.open("/shop/shops").await;
        assert!(!again.says().contains("late"), "nothing was made");
    });
}

/// C3.3: the menu of an agent has every page, and their own pages lead to the shop.
#[test]
fn the_menu_leads_an_agent_to_every_page() {
    World::run(async |world| {
        selling(world).await;
        for words in &BOTH {
            let agent = agent_in(world, words, "b").await;
            let page = agent.open("/shop").await;
            let links: Vec<String> =
                page.root.all("nav")[0].all("a").iter().map(|a| a.of("href").unwrap().to_owned()).collect();
            for link in links {
                let there = agent.open(&link).await;
                assert_eq!(there.status, 200, "{link}: {}", there.says());
            }
            let home = agent.open("/home").await;
            assert!(home.root.all("a").iter().any(|link| link.of("href") == Some("/shop")), "{}", home.says());
        }
        world.register("ann", None).await;
        let ann = super::signing_in::signed_in(world, &BOTH[0], "ann", PASSWORD).await;
        assert!(ann.open("/home").await.root.all("a").iter().all(|link| link.of("href") != Some("/shop")));
    });
}
