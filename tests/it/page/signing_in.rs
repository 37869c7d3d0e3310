//! Signing in when it does not go smoothly: a forgotten password and a challenged address (journeys 4 and 5).

use serde_json::json;

use super::client::{Browser, Shown};
use super::journeys::{BOTH, Words};
use crate::world::{PASSWORD, World};

/// Signs somebody in with this password, in a browser of their own.
pub async fn signed_in<'a>(world: &'a World, words: &Words, name: &str, password: &str) -> Browser<'a> {
    let browser = Browser::new(world, words.accept);
    let page = browser.open("/sign-in").await;
    let email = format!("{name}@example.com");
    let home = browser.press(&page, words.sign_in, &[("email", &email), ("password", password)]).await;
    assert_eq!(home.path, "/home", "{}", home.says());
    browser
}

/// Value of a field of a page.
pub fn value<'a>(page: &'a Shown, name: &str) -> Option<&'a str> {
    page.root.all("input").into_iter().find(|input| input.of("name") == Some(name)).unwrap().of("value")
}

/// The word of the newest mail that looks like this.
async fn mailed(world: &World, to: &str, looks: impl Fn(&str) -> bool) -> String {
    world.settle().await;
    let mail = world.stack.mailbox.sent(Some(to)).last().unwrap().text.clone();
    mail.split_whitespace().find(|word| looks(word)).unwrap_or_else(|| panic!("{mail}")).to_owned()
}

/// Ten symbols in two groups.
fn is_long_code(word: &str) -> bool {
    word.len() == 11 && word.as_bytes()[5] == b'-'
}

const SENT: [&str; 2] = ["If the address has an account, a code is on its way", "如果该邮箱已有账户，验证码已发出"];
const SET: [&str; 2] = ["Set the new password", "设置新密码"];
const ASK: [&str; 2] = ["Mail me a code", "发送验证码"];
const NEW: &str = "a better password";

/// Journey 5, R2.10: a mailed code sets the password, whoever has the address is not told, and every browser is signed out.
#[test]
fn a_mailed_code_sets_the_password_and_signs_out_everywhere() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            world.register("ann", None).await;
            let (first, second) =
                (signed_in(world, words, "ann", PASSWORD).await, signed_in(world, words, "ann", PASSWORD).await);
            let browser = Browser::new(world, words.accept);
            let gate = browser.open("/sign-in").await;
            assert!(gate.root.all("a").iter().any(|link| link.of("href") == Some("/reset")), "{}", gate.text);
            let page = browser.open("/reset").await;
            let unknown = browser.press(&page, ASK[index], &[("email", "nobody@example.com")]).await;
            let page = browser.press(&page, ASK[index], &[("email", "ann@example.com")]).await;
            for page in [&unknown, &page] {
                assert_eq!((page.status, page.path.as_str()), (200, "/reset?step=code"));
                assert!(page.says().contains(SENT[index]), "{}", page.says());
            }
            assert_eq!(value(&page, "email"), Some("ann@example.com"), "it need not be typed again");
            let code = mailed(world, "ann@example.com", is_long_code).await;
            assert!(world.stack.mailbox.sent(Some("nobody@example.com")).is_empty());
            let wrong = [("code", "AAAAA-AAAAA"), ("password", NEW)];
            let page = browser.press(&page, SET[index], &wrong).await;
            assert_eq!((page.status, value(&page, "email")), (422, Some("ann@example.com")));
            let page = browser.press(&page, SET[index], &[("code", &code), ("password", "short")]).await;
            assert_eq!((page.status, value(&page, "code")), (422, Some(code.as_str())), "the code stays");
            let spaced = code.replace('-', " ").to_lowercase();
            let gate = browser.press(&page, SET[index], &[("code", &spaced), ("password", NEW)]).await;
            assert_eq!((gate.status, gate.path.as_str()), (200, "/sign-in"));
            assert!(gate.says().contains(["Your new password is set", "新密码已设置"][index]), "{}", gate.says());
            for other in [&first, &second] {
                assert_eq!(other.open("/home").await.heading(), words.sign_in, "signed out at the next click");
            }
            let old = [("email", "ann@example.com"), ("password", PASSWORD)];
            assert_eq!(browser.press(&gate, words.sign_in, &old).await.status, 422);
            signed_in(world, words, "ann", NEW).await;
        });
    }
}

/// R2.10: the mailed link leads to this page; its token is in the fragment, which the script puts into the form.
#[test]
fn a_mailed_link_sets_the_password_once() {
    World::run(async |world| {
        let words = &BOTH[0];
        world.register("ann", None).await;
        let browser = Browser::new(world, words.accept);
        let page = browser.open("/reset").await;
        browser.press(&page, ASK[0], &[("email", "ann@example.com")]).await;
        let link = mailed(world, "ann@example.com", |word| word.starts_with("http")).await;
        let (to, token) = link.split_once("#token=").unwrap();
        assert!(to.ends_with("/reset"), "{link}");
        let page = browser.open("/reset").await;
        let hidden = page.root.all("form").into_iter().find(|form| form.of("data-token").is_some()).unwrap();
        assert!(hidden.of("hidden").is_some(), "without its token the form is of no use");
        let page = browser.press(&page, SET[0], &[("token", token), ("password", "short")]).await;
        assert_eq!((page.status, value(&page, "token")), (422, Some(token)), "the link need not be opened again");
        let gate = browser.press(&page, SET[0], &[("password", NEW)]).await;
        assert_eq!(gate.path, "/sign-in", "{}", gate.says());
        let again = [("token", token), ("password", "yet another password")];
        let again = browser.press(&browser.open("/reset").await, SET[0], &again).await;
        assert!(again.status == 422 && again.says().contains("The link is not good any more"), "{}", again.says());
        signed_in(world, words, "ann", NEW).await;
    });
}

/// Fails to sign in as Ann so often, from so many networks, that her address is challenged.
async fn challenged(world: &World) {
    let body = json!({"email": "ann@example.com", "password": "not the password"});
    for network in 0..11 {
        let from = format!("198.51.{network}.7");
        world.nobody().from(&from).post("/v1/sessions", body.clone()).await.refused(401, "bad_credentials");
    }
}

/// Journey 4, R2.9: after many failures elsewhere the password needs the mailed code, but not on a known device.
#[test]
fn a_challenged_address_signs_in_with_the_mailed_code_and_a_known_device_without() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            world.register("ann", None).await;
            let known = signed_in(world, words, "ann", PASSWORD).await;
            known.press(&known.open("/home").await, words.sign_out, &[]).await;
            challenged(world).await;
            let right = [("email", "ann@example.com"), ("password", PASSWORD)];
            let home = known.press(&known.open("/sign-in").await, words.sign_in, &right).await;
            assert_eq!((home.status, home.path.as_str()), (200, "/home"), "it has signed in before");

            challenged(world).await;
            let stranger = Browser::new(world, words.accept);
            let page = stranger.open("/sign-in?next=%2Frecords").await;
            assert!(!page.text.contains("challenge_code"), "no code is asked for in ordinary times");
            let page = stranger.press(&page, words.sign_in, &right).await;
            assert_eq!(page.status, 422);
            assert!(page.says().contains(["a code was mailed to it", "验证码已发送"][index]), "{}", page.says());
            let code = mailed(world, "ann@example.com", is_long_code).await;
            let wrong = [("password", PASSWORD), ("challenge_code:?", "AAAAA-AAAAA")];
            let page = stranger.press(&page, words.sign_in, &wrong).await;
            assert_eq!(page.status, 422);
            assert!(page.says().contains(["The code is not right", "验证码不正确"][index]), "{}", page.says());
            world.settle().await;
            let mails = || world.stack.mailbox.sent(Some("ann@example.com")).len();
            assert_eq!(mails(), 1, "a wrong code mails nothing");
            let page = stranger.press(&page, ["Mail another code", "重新发送验证码"][index], &[]).await;
            assert_eq!((page.status, value(&page, "email")), (200, Some("ann@example.com")));
            world.settle().await;
            assert_eq!(mails(), 2);
            let right = [("password", PASSWORD), ("challenge_code:?", code.as_str())];
            let page = stranger.press(&page, words.sign_in, &right).await;
            assert_eq!((page.status, page.path.as_str()), (200, "/records"), "{}", page.says());
        });
    }
}
