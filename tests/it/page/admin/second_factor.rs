//! The second factor on the pages (R2.12): set-up, sign-in in two steps, dangerous forms, reset.

use std::collections::BTreeSet;

use serde_json::json;
use shared::account::model::second_factor::SecondFactor;
use shared::account::model::totp::{STEP_SECONDS, TotpKey};
use shared::kernel::id::UserId;

use super::super::client::{Browser, Shown};
use super::admin_in;
use crate::account::second_factor::{enrolled, id_of, second_admin};
use crate::page::journeys::{BOTH, Words};
use crate::page::markup::Element;
use crate::page::schema::compared;
use crate::page::signing_in::value;
use crate::world::{PASSWORD, World};

const PAGE: &str = "/account/second-factor";
const ADMIN: &str = "admin@localhost";

/// The key of the admin's second factor, or of its enrolment.
async fn key(world: &World) -> TotpKey {
    let user = UserId::parse(&id_of(world, "admin").await).unwrap();
    let factor = world.stack.app.store.get::<SecondFactor>(&SecondFactor::key(user)).await.unwrap().unwrap();
    factor.totp_key(&world.stack.app.config.secret)
}

fn code(world: &World, key: &TotpKey) -> String {
    key.code(world.stack.app.clock.now().as_second().div_euclid(STEP_SECONDS))
}

/// Gives the password on the sign-in page; the next page is returned.
async fn password_given<'a>(world: &'a World, words: &Words, to: &str) -> (Browser<'a>, Shown) {
    let browser = Browser::new(world, words.accept);
    let page = browser.open(to).await;
    let asked = browser.press(&page, words.sign_in, &[("email", ADMIN), ("password", PASSWORD)]).await;
    (browser, asked)
}

/// R2.12: an admin sets it up on the pages: password, QR code, first code, ten recovery codes that are shown once.
#[test]
fn a_second_factor_is_set_up_on_its_page() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let admin = admin_in(world, words).await;
            let account = admin.open("/account").await;
            assert!(account.root.all("a").iter().any(|link| link.of("href") == Some(PAGE)), "{}", account.text);
            let page = admin.open(PAGE).await;
            let begin = ["Show the QR code", "显示二维码"][index];
            let wrong = admin.press(&page, begin, &[("password", "not the password")]).await;
            assert_eq!(wrong.status, 422);
            let page = admin.press(&page, begin, &[("password", PASSWORD)]).await;
            let key = key(world).await;
            assert_eq!(value_by_id(&page, "secret"), Some(key.base32()));
            assert!(page.root.all("svg").iter().any(|svg| svg.of("role") == Some("img")), "a QR code");
            let other = admin_in(world, words).await.open(PAGE).await;
            assert!(!other.text.contains(&key.base32()), "another session is not shown the key");
            let on = ["Switch it on", "开启"][index];
            let wrong = admin.press(&page, on, &[("totp", "000000")]).await;
            assert_eq!(
                (wrong.status, value_by_id(&wrong, "secret")),
                (422, Some(key.base32())),
                "the key is still there"
            );
            let shown = admin.press(&wrong, on, &[("totp", &code(world, &key))]).await;
            let codes: Vec<String> =
                shown.root.all("li").iter().map(|li| li.text()).filter(|text| text.len() == 11).collect();
            assert_eq!(codes.len(), 10, "{}", shown.says());
            let again = admin.open(PAGE).await;
            assert!(!again.text.contains(&codes[0]) && !again.text.contains(&key.base32()), "they are shown once");
            let (browser, asked) = password_given(world, words, "/sign-in").await;
            let home = browser.press(&asked, words.sign_in, &[("totp", &codes[0])]).await;
            assert_eq!(home.path, "/admin", "{}", home.says());
            let page = browser.open(PAGE).await;
            let left = ["9 recovery codes are left", "还剩 9 个恢复码"][index];
            assert!(page.says().contains(left), "{}", page.says());
        });
    }
}

/// C6.4: the forms of the page have the fields that their routes take, in each of its states.
#[test]
fn the_forms_of_the_second_factor_are_those_of_its_routes() {
    World::run(async |world| {
        let admin = admin_in(world, &BOTH[0]).await;
        let pages = [PAGE.to_owned()];
        let off = compared(&admin, &pages, |_| false).await;
        admin.press(&admin.open(PAGE).await, "Show the QR code", &[("password", PASSWORD)]).await;
        let awaited = compared(&admin, &pages, |_| false).await;
        let code = code(world, &key(world).await);
        admin.press(&admin.open(PAGE).await, "Switch it on", &[("totp", &code)]).await;
        // It removes by the same path, with a body of its own.
        let removes = |form: &Element| form.all("button").iter().any(|button| button.of("class") == Some("btn risk"));
        let on = compared(&admin, &pages, removes).await;
        let expected = ["confirmSecondFactor", "enrolSecondFactor", "makeRecoveryCodes", "removeSecondFactor"];
        let found: BTreeSet<&str> = off.into_iter().chain(awaited).chain(on).collect();
        assert!(expected.iter().all(|operation| found.contains(operation)), "{found:?}");
    });
}

fn value_by_id(page: &Shown, id: &str) -> Option<String> {
    let input = page.root.all("input").into_iter().find(|input| input.of("id") == Some(id))?;
    input.of("value").map(str::to_owned)
}

/// R2.12: sign-in asks for the code on a page of its own, which holds no password; a wrong one is asked for again, and the way goes on
/// to where it began. After five minutes it begins anew.
#[test]
fn sign_in_asks_for_the_code_on_a_page_of_its_own() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            enrolled(world, "admin").await;
            let key = key(world).await;
            world.advance(60).await;
            let (browser, asked) = password_given(world, words, "/sign-in?next=%2Fadmin%2Fusers").await;
            assert_eq!(asked.path, "/sign-in?step=totp&next=%2Fadmin%2Fusers");
            assert!(!asked.text.contains(PASSWORD) && !asked.text.contains(ADMIN), "{}", asked.text);
            assert!(browser.open("/admin").await.path.starts_with("/sign-in"), "nobody is signed in yet");
            let wrong = browser.press(&asked, words.sign_in, &[("totp", "000000")]).await;
            assert_eq!((wrong.status, value(&wrong, "totp")), (422, None));
            let done = browser.press(&wrong, words.sign_in, &[("totp", &code(world, &key))]).await;
            assert_eq!((done.status, done.path.as_str()), (200, "/admin/users"), "{}", done.says());

            let (late, asked) = password_given(world, words, "/sign-in").await;
            world.advance(301).await;
            let again = late.press(&asked, words.sign_in, &[("totp", &code(world, &key))]).await;
            assert_eq!(again.path, "/sign-in");
            let said = ["The code came too late", "验证码输入得太晚"][index];
            assert!(again.says().contains(said), "{}", again.says());
            let nobody = Browser::new(world, words.accept);
            assert_eq!(nobody.open("/sign-in?step=totp").await.path, "/sign-in?next=%2F");
        });
    }
}

/// R2.12, C5.6: a dangerous form asks for password and code when they are too old, and keeps what was entered.
#[test]
fn a_dangerous_form_asks_for_password_and_code() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let bob = world.register("bob", None).await["user"]["id"].as_str().unwrap().to_owned();
            let page = format!("/admin/users/{bob}/role");
            let admin = admin_in(world, words).await;
            enrolled(world, "admin").await;
            let key = key(world).await;
            let asked = admin.open("/admin").await;
            assert!(
                asked.path.starts_with("/confirm-password"),
                "a session from before gives it first: {}",
                asked.path
            );
            world.advance(60).await;
            let go = ["Continue", "继续"][index];
            let given = [("password", PASSWORD), ("totp", &code(world, &key))];
            admin.press(&asked, go, &given).await;
            let form = admin.open(&page).await;
            assert_eq!(form.path, page);
            world.advance(16 * 60).await;
            let set = ["Set role and scopes", "设置角色和权限"][index];
            let mut asked = admin.press(&form, set, &[("role", "agent")]).await;
            for wrong in [("password", "not the password"), ("totp", "000000")] {
                assert!(asked.path.starts_with("/confirm-password"), "{}", asked.path);
                let now = code(world, &key);
                let entries: Vec<(&str, &str)> = [("password", PASSWORD), ("totp", &now)]
                    .into_iter()
                    .filter(|(name, _)| *name != wrong.0)
                    .chain([wrong])
                    .collect();
                asked = admin.press(&asked, go, &entries).await;
                assert_eq!(asked.status, 422, "{}", asked.says());
            }
            let back = admin.press(&asked, go, &[("password", PASSWORD), ("totp", &code(world, &key))]).await;
            assert_eq!(back.path, page);
            let selects = back.root.all("option");
            let chosen = selects.iter().find(|one| one.of("selected").is_some()).and_then(|one| one.of("value"));
            assert_eq!(chosen, Some("agent"), "{}", back.text);
            let done = admin.press(&back, set, &[]).await;
            assert_eq!((done.status, done.path), (200, format!("/admin/users/{bob}")));
        });
    }
}

/// R2.12: where every admin needs one, every page of staff leads to its set-up.
#[test]
fn pages_of_staff_lead_to_the_set_up_where_every_admin_needs_one() {
    World::run(async |world| {
        world.settings("identity", |identity| identity["admin_totp"] = json!("required")).await;
        let browser = Browser::new(world, BOTH[0].accept);
        let page = browser.open("/sign-in").await;
        let home = browser.press(&page, BOTH[0].sign_in, &[("email", ADMIN), ("password", PASSWORD)]).await;
        assert_eq!(home.path, PAGE);
        assert!(home.says().contains("Every admin here needs a second factor"), "{}", home.says());
        assert_eq!(browser.open("/admin/users").await.path, PAGE);
        let page = browser.press(&home, "Show the QR code", &[("password", PASSWORD)]).await;
        let key = key(world).await;
        browser.press(&page, "Switch it on", &[("totp", &code(world, &key))]).await;
        assert_eq!(browser.open("/admin/users").await.path, "/admin/users");
    });
}

/// R2.12: another admin resets a second factor on the person's page, and it is removed on one's own.
#[test]
fn a_second_factor_is_reset_and_removed_on_the_pages() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let eve = second_admin(world, "eve").await;
            enrolled(world, "eve").await;
            let admin = admin_in(world, words).await;
            let page = admin.open(&format!("/admin/users/{eve}")).await;
            let to = page.link(["Reset the second factor", "重置两步验证"][index]);
            let page = admin.open(&to).await;
            let reset = ["Reset the second factor", "重置两步验证"][index];
            let done = admin.press(&page, reset, &[("reason", "lost the phone")]).await;
            assert_eq!(done.path, format!("/admin/users/{eve}"));
            assert!(done.says().contains(["The second factor is reset", "两步验证已重置"][index]), "{}", done.says());

            enrolled(world, "admin").await;
            let key = key(world).await;
            world.advance(60).await;
            let page = admin.open(PAGE).await;
            let remove = ["Remove the second factor", "移除两步验证"][index];
            let page = admin.press(&page, remove, &[("password", PASSWORD), ("totp", &code(world, &key))]).await;
            assert!(
                page.says().contains(["Your second factor is removed", "两步验证已移除"][index]),
                "{}",
                page.says()
            );
            admin_in(world, words).await;
        });
    }
}
