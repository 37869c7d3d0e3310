//! The operator's own name, mark, colour and links (C8.1).

use serde_json::json;

use super::client::Browser;
use crate::world::World;

async fn branded(world: &World) {
    world
        .settings("console", |settings| {
            settings["name"] = json!("Ann & <b>Co</b>");
            settings["logo_url"] = json!("https://cdn.example.com:8443/a/mark.svg?v=1");
            settings["accent"] = json!("#1d4ed8");
            settings["default_language"] = json!("zh-CN");
            settings["terms_url"] = json!("https://example.com/terms");
        })
        .await;
    world.advance(61).await;
}

/// C8.1: every page has the operator's name, mark, links and colour, and may load nothing else from elsewhere.
#[test]
fn pages_carry_the_operators_name_mark_colour_and_links() {
    World::run(async |world| {
        branded(world).await;
        let browser = Browser::new(world, "en");
        let page = browser.open("/register").await;
        assert!(page.root.all("title")[0].text().ends_with("Ann & <b>Co</b>"), "{}", page.text);
        assert!(!page.text.contains("<b>Co"), "a name is text");
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("img-src 'self' https://cdn.example.com:8443;"), "{policy}");
        assert_eq!(page.root.all("img")[0].of("src"), Some("https://cdn.example.com:8443/a/mark.svg?v=1"));
        let terms =
            page.root.all("a").iter().filter(|link| link.of("href") == Some("https://example.com/terms")).count();
        assert_eq!(terms, 2, "at the foot, and where they are accepted");
        let links = page.root.all("link");
        let sheet = links.iter().find_map(|link| link.of("href").filter(|path| path.contains("brand"))).unwrap();
        let css = browser.open(sheet).await;
        assert_eq!(
            (css.status, &css.headers["cache-control"]),
            (200, &"public, max-age=31536000, immutable".parse().unwrap())
        );
        assert!(css.text.starts_with(":root { --accent: #1d4ed8;") && css.text.matches("--accent:").count() == 3);
        let other = browser.open("/static/brand-99.css").await;
        assert_eq!((other.status, &other.headers["cache-control"]), (200, &"no-store".parse().unwrap()));
        assert_eq!(browser.open("/static/brand-x.css").await.status, 404);
    });
}

/// C7.3, C8.1: who asks for no language of ours gets the deployment's.
#[test]
fn the_deployments_language_is_for_those_who_ask_for_no_other() {
    World::run(async |world| {
        let lang = async |accepted| {
            Browser::new(world, accepted).open("/sign-in").await.root.all("html")[0].of("lang").map(str::to_owned)
        };
        assert_eq!(lang("fr").await.as_deref(), Some("en"));
        branded(world).await;
        assert_eq!(lang("fr").await.as_deref(), Some("zh-CN"));
        assert_eq!(lang("fr, en;q=0.5").await.as_deref(), Some("en"));
    });
}

/// C8.1: a colour that can't be read is refused at its field.
#[test]
fn a_colour_that_nobody_could_read_is_refused() {
    World::run(async |world| {
        let read = world.admin().get("/v1/admin/settings/console").await.is(200);
        let mut settings = read["settings"].clone();
        settings["accent"] = json!("#ffd400");
        let version = format!("\"{}\"", read["version"]);
        let refused = world.admin().header("if-match", &version).put("/v1/admin/settings/console", settings).await;
        assert_eq!(refused.refused(422, "invalid")["errors"][0]["pointer"], "/accent");
    });
}
