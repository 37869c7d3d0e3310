//! Journeys of somebody who tops up: ladder, offers, own amounts, ways to pay, pressing twice (journeys 6, 7, 9, 13).

use http::header::LOCATION;
use serde_json::{Value, json};

use super::admin::admin_in;
use super::client::{Browser, Shown};
use super::journeys::{BOTH, Words};
use crate::world::{PASSWORD, World};

pub const AMOUNT: &str = "amount:?";
pub const WAY: &str = "provider/method";

/// Words of the pages for paying.
pub struct Pay {
    pub pay: fn(&str) -> String,
    pub show: &'static str,
    pub paid: &'static str,
    pub waiting: &'static str,
}

pub const PAY: [Pay; 2] = [
    Pay { pay: |amount| format!("Pay {amount}"), show: "Show the price", paid: "Paid", waiting: "Waiting for payment" },
    Pay { pay: |amount| format!("支付 {amount}"), show: "显示价格", paid: "已支付", waiting: "待支付" },
];

/// Both languages with their words.
pub fn both() -> impl Iterator<Item = (&'static Words, &'static Pay)> {
    BOTH.iter().zip(&PAY)
}

/// A browser in which a registered user has signed in.
pub async fn enter<'a>(world: &'a World, words: &Words, name: &str) -> Browser<'a> {
    let browser = Browser::new(world, words.accept);
    let page = browser.open("/sign-in").await;
    let email = format!("{name}@example.com");
    let home = browser.press(&page, words.sign_in, &[("email", &email), ("password", PASSWORD)]).await;
    assert_eq!(home.path, "/home", "{}", home.says());
    browser
}

/// The order that a page is about, as the provider's simulator wants it named.
pub fn order_of(page: &Shown, provider: &str) -> Value {
    let id = page.path.strip_prefix("/orders/").unwrap_or_else(|| panic!("{} is no order's", page.path));
    json!({"id": id.split('?').next().unwrap(), "provider": provider})
}

fn alert(page: &Shown) -> String {
    let divs = page.root.all("div");
    divs.iter().find(|one| one.of("role") == Some("alert")).map(|one| one.text()).unwrap_or_default()
}

fn errors_at(page: &Shown, id: &str) -> Option<String> {
    let paragraphs = page.root.all("p");
    let error = paragraphs.iter().find(|one| one.of("id") == Some(&format!("{id}-error"))).unwrap();
    error.of("hidden").is_none().then(|| error.text())
}

/// Journey 6, R4.6: ladder, exact price, QR code, the simulator pays, the page says so.
#[test]
fn an_offer_is_bought_with_alipay_and_every_digit_is_shown_in_both_languages() {
    for (words, pay) in both() {
        World::run(async |world| {
            world.open().await;
            world.register("bob", None).await;
            let browser = enter(world, words, "bob").await;
            let page = browser.open("/top-up").await;
            assert_eq!(page.root.all("html")[0].of("lang"), Some(words.lang));
            let steps = page.root.all("ol")[0]
                .all("li")
                .iter()
                .map(|step| step.of("aria-current").is_some())
                .collect::<Vec<_>>();
            assert_eq!(steps, [true, false, false, false], "the first step runs");
            let left = page.root.all("strong").iter().find_map(|one| one.of("data-left")).unwrap().to_owned();
            assert_eq!(left, "86400");
            assert!(page.says().contains("18.05555554USD"), "{}", page.says());
            let button = (pay.pay)("¥100.00");
            let order = browser.press(&page, &button, &[(WAY, "zpay/alipay")]).await;
            assert_eq!(order.status, 200);
            assert!(order.path.starts_with("/orders/ord_") && order.says().contains(pay.waiting), "{}", order.says());
            let drawing = order.root.all("svg").into_iter().find(|svg| svg.of("role") == Some("img")).unwrap();
            assert!(drawing.of("aria-label").is_some() && drawing.all("path").len() == 2);
            let link = order.root.all("a").into_iter().find(|link| link.of("rel") == Some("noreferrer")).unwrap();
            let stored = world.user("bob").get("/v1/payment/orders").await.is(200);
            assert_eq!(link.of("href"), stored["items"][0]["pay_url"].as_str(), "signed without the key");
            world.pay(&order_of(&order, "zpay"), json!({})).await;
            assert!(browser.open(&order.path).await.says().contains(pay.waiting), "no notification yet");
            world.settle().await;
            let paid = browser.open(&order.path).await;
            assert!(paid.says().contains(pay.paid) && paid.says().contains("18.05555554 USD"), "{}", paid.says());
            assert!(paid.root.all("svg").iter().all(|svg| svg.of("role") != Some("img")), "nothing to scan any more");
            assert_eq!(world.balance("bob").await, "18.05555554");
            let list = browser.open("/orders").await;
            assert_eq!(list.root.all("tbody")[0].all("tr").len(), 1);
            assert!(!browser.open("/top-up").await.text.contains("ladder"), "the bonus is used");
        });
    }
}

/// Journey 7, R1.2, R4.1: an own amount is priced before it is paid, and what can't be is refused at its field.
#[test]
fn an_own_amount_is_priced_and_a_wrong_one_refused_at_its_field() {
    for (words, pay) in both() {
        World::run(async |world| {
            world.open().await;
            world.register("bob", None).await;
            let browser = enter(world, words, "bob").await;
            let page = browser.open("/top-up").await;
            let shown = browser.show(&page, pay.show, &[(AMOUNT, "36"), (WAY, "zpay/wxpay")]).await;
            assert_eq!((shown.status, errors_at(&shown, "amount")), (200, None));
            assert!(!shown.path.contains("form=") && !shown.path.contains("once="), "nothing sealed is in the URL");
            assert!(shown.says().contains("¥36.00") && shown.says().contains("6.5USD"), "{}", shown.says());
            for (wrong, says) in [("0.001", ["digits", "数字"]), ("99999", ["¥10,000", "¥10,000"]), ("0", ["¥1", "¥1"])]
            {
                let says = says[usize::from(words.lang != "en")];
                let priced = browser.show(&page, pay.show, &[(AMOUNT, wrong)]).await;
                assert_eq!(priced.status, 422, "{wrong}");
                assert!(errors_at(&priced, "amount").unwrap().contains(says), "{wrong}: {}", priced.says());
                assert!(!alert(&priced).is_empty());
                let sent = browser.press(&page, &(pay.pay)("¥100.00"), &[(AMOUNT, wrong)]).await;
                assert_eq!((sent.status, sent.path.as_str()), (422, "/top-up"), "{wrong}");
                assert!(errors_at(&sent, "amount").unwrap().contains(says), "{wrong}");
                let kept = sent.root.all("input").into_iter().find(|one| one.of("id") == Some("amount")).unwrap();
                assert_eq!(kept.of("value"), Some(wrong), "entries stay");
                let told = browser.fetch(&format!("/top-up/price?amount={wrong}&way=zpay%2Falipay")).await;
                assert!(told["errors"]["amount"].as_str().unwrap().contains(says), "{told}");
            }
            assert_eq!(world.user("bob").get("/v1/payment/orders").await.is(200)["items"], json!([]));
            let told = browser.fetch("/top-up/price?amount=36&way=zpay%2Falipay").await;
            assert_eq!(told["rows"]["total"]["text"], json!(["6.5", "", "USD"]));
            assert_eq!((told["pay"].as_str().unwrap(), &told["error"]), (&*(pay.pay)("¥36.00"), &Value::Null));
            let order = browser.press(&shown, &(pay.pay)("¥36.00"), &[]).await;
            assert!(order.says().contains("¥36.00"), "the choice of before is what is bought");
            assert!(order.says().contains(["WeChat Pay", "微信支付"][usize::from(words.lang != "en")]));
        });
    }
}

/// R4.1: with a discount the charge and its rate are said, and what is charged is what the button says.
#[test]
fn a_discount_is_said_before_it_is_paid() {
    World::run(async |world| {
        world.open().await;
        world.settings("payment", |settings| settings["discount_rate"] = json!("0.855")).await;
        world.register("bob", None).await;
        let browser = enter(world, &BOTH[0], "bob").await;
        let page = browser.open("/top-up?amount=9.99&way=stripe%2Fcard").await;
        assert!(page.says().contains("Charge at 85.5 %") && page.says().contains("¥8.55"), "{}", page.says());
        let order = browser.press(&page, "Pay ¥8.55", &[]).await;
        assert!(order.says().contains("¥9.99") && order.heading().contains("¥8.55"), "{}", order.says());
    });
}

/// R12.1: what an amount brings is said from where on, in the price, on the order, and to the operator.
#[test]
fn a_bonus_on_an_amount_is_shown_before_and_after_it_is_paid() {
    for (words, pay) in both() {
        World::run(async |world| {
            world.open().await;
            let tiers = json!([{"from": "100", "bonus": "10%", "stackable": true}]);
            world.settings("payment", |settings| settings["bonus_tiers"] = tiers).await;
            world.register("bob", None).await;
            let browser = enter(world, words, "bob").await;
            let page = browser.open("/top-up?amount=100&way=zpay%2Falipay").await;
            let from = ["From ¥100: 10% more", "满 ¥100 另送 10%"][usize::from(words.lang != "en")];
            for shown in [from, "1.38888888", "19.44444442"] {
                assert!(page.says().contains(shown), "{shown}: {}", page.says());
            }
            let told = browser.fetch("/top-up/price?amount=99.99&way=zpay%2Falipay").await;
            assert_eq!(told["rows"]["amount_bonus"], Value::Null, "less than the tier");
            let order = browser.press(&page, &(pay.pay)("¥100.00"), &[]).await;
            world.pay(&order_of(&order, "zpay"), json!({})).await;
            world.settle().await;
            let paid = browser.open(&order.path).await;
            assert!(paid.says().contains("1.38888888") && paid.says().contains("19.44444442"), "{}", paid.says());
            let admin = admin_in(world, words).await;
            let file = admin.open(&format!("/admin{}", order.path.split('?').next().unwrap())).await;
            assert!(file.says().contains("1.38888888") && file.says().contains("19.44444442"), "{}", file.says());
        });
    }
}

/// R12.2: a coupon is entered beside the amount; the price, the order and the operator's list show what it does.
#[test]
fn a_coupon_is_priced_before_it_is_paid_and_refused_at_its_field() {
    for (words, pay) in both() {
        World::run(async |world| {
            world.open().await;
            world.settings("promotion", |settings| settings["enabled"] = json!(false)).await;
            world.settings("payment", |settings| settings["coupons"] = json!([crate::fixtures::coupon()])).await;
            world.register("bob", None).await;
            let browser = enter(world, words, "bob").await;
            let choice = "amount=100&way=zpay%2Falipay";
            let wrong = browser.open(&format!("/top-up?{choice}&coupon=nine")).await;
            assert_eq!(wrong.status, 422);
            assert!(errors_at(&wrong, "coupon").is_some() && errors_at(&wrong, "amount").is_none());
            let told = browser.fetch(&format!("/top-up/price?{choice}&coupon=nine")).await;
            assert!(told["errors"]["coupon"].is_string(), "{told}");
            let page = browser.open(&format!("/top-up?{choice}&coupon=ten")).await;
            for shown in ["¥90.00", "2.77777777", "16.66666665", "TEN"] {
                assert!(page.says().contains(shown), "{shown}: {}", page.says());
            }
            let order = browser.press(&page, &(pay.pay)("¥90.00"), &[]).await;
            world.pay(&order_of(&order, "zpay"), json!({})).await;
            world.settle().await;
            let admin = admin_in(world, words).await;
            let file = format!("/admin{}", order.path.split('?').next().unwrap());
            for page in [browser.open(&order.path).await, admin.open(&file).await] {
                assert!(page.says().contains("TEN") && page.says().contains("16.66666665"), "{}", page.says());
            }
            let listed = admin.open("/admin/coupons").await;
            assert!(
                listed.says().contains("TEN")
                    && listed.says().contains(["1 of 5", "已用 1 / 共 5"][usize::from(words.lang != "en")])
            );
            let orders = admin.open("/admin/orders?coupon=TEN&status=any&from=any&to=any").await;
            assert!(orders.says().contains("16.66666665"), "{}", orders.says());
        });
    }
}

/// Journey 9, C6.6: pressing twice makes one order; going back and changing a sent form makes none.
#[test]
fn pressing_twice_makes_one_order_and_a_changed_form_none() {
    for (words, pay) in both() {
        World::run(async |world| {
            world.open().await;
            world.register("bob", None).await;
            let browser = enter(world, words, "bob").await;
            let page = browser.open("/top-up").await;
            let button = (pay.pay)("¥100.00");
            let (action, fields) = page.form(&button, &[]);
            let own = [("sec-fetch-site", "same-origin")];
            let first = browser.send(&action, &fields, &own).await;
            let second = browser.send(&action, &fields, &own).await;
            assert_eq!((first.status, &first.headers[LOCATION]), (303, &second.headers[LOCATION]));
            let orders = async || {
                let orders = world.user("bob").get("/v1/payment/orders").await.is(200);
                orders["items"].as_array().unwrap().len()
            };
            assert_eq!(orders().await, 1);
            let changed = browser.press(&page, &button, &[(AMOUNT, "50")]).await;
            assert_eq!((changed.status, changed.path.as_str(), orders().await), (422, "/top-up", 1));
            let said = ["sent before", "已提交过"][usize::from(words.lang != "en")];
            assert!(alert(&changed).contains(said), "{}", changed.says());
            let anew = browser.press(&changed, &(pay.pay)("¥50.00"), &[]).await;
            assert!(anew.path.starts_with("/orders/"), "a new press is a new order");
            assert_eq!(orders().await, 2);
        });
    }
}

/// C6.6: after an unknown outcome the same press is asked for again, and there is one order.
#[test]
fn an_unknown_outcome_is_pressed_again_for_one_order() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        let browser = enter(world, &BOTH[0], "bob").await;
        let page = browser.open("/top-up").await;
        for _ in 0..500 {
            world.stack.faults.script("TransactWriteItems", 0, emulator::faults::Fault::ReplyLost);
        }
        let told = browser.press(&page, "Pay ¥100.00", &[]).await;
        world.stack.faults.clear();
        assert_eq!((told.status, told.path.as_str()), (422, "/top-up"));
        assert!(alert(&told).contains("Press again to learn it"), "{}", told.says());
        let again = browser.press(&told, "Pay ¥100.00", &[]).await;
        assert!(again.path.starts_with("/orders/"), "{}", again.says());
        let orders = world.user("bob").get("/v1/payment/orders").await.is(200);
        assert_eq!(orders["items"].as_array().unwrap().len(), 1);
    });
}

/// Journey 13, R5.3: when a step has passed, ladder and price are the next step's.
#[test]
fn a_passed_step_changes_ladder_and_price() {
    for (words, _) in both() {
        World::run(async |world| {
            world.open().await;
            world.register("bob", None).await;
            world.advance(24 * 3_600 - 5).await;
            let browser = enter(world, words, "bob").await;
            let page = browser.open("/top-up").await;
            let left =
                |page: &Shown| page.root.all("strong").iter().find_map(|one| one.of("data-left").map(str::to_owned));
            assert_eq!(left(&page).unwrap(), "5", "the script comes back then");
            world.advance(6).await;
            let page = browser.open("/top-up").await;
            let steps = page.root.all("ol")[0]
                .all("li")
                .iter()
                .map(|step| step.of("aria-current").is_some())
                .collect::<Vec<_>>();
            assert_eq!(steps, [false, true, false, false]);
            assert!(
                page.says().contains("16.66666665USD")
                    && page.says().contains(["20 %", "20%"][usize::from(words.lang != "en")]),
                "{}",
                page.says()
            );
            world.advance(48 * 3_600).await;
            let page = browser.open("/top-up").await;
            assert_eq!(left(&page), None, "the window is over");
            assert!(page.says().contains("13.88888888USD"));
        });
    }
}

/// C3.2: the page says what can't be done: top-ups off, no provider, too many orders, a way that is gone.
#[test]
fn what_can_not_be_bought_is_said_where_it_is() {
    World::run(async |world| {
        world.register("bob", None).await;
        for (words, pay) in both() {
            let index = usize::from(words.lang != "en");
            world.settings("payment", |settings| settings["enabled"] = json!(false)).await;
            let browser = enter(world, words, "bob").await;
            let off = browser.open("/top-up").await;
            assert!(off.says().contains(["switched off", "已关闭"][index]) && !off.text.contains("data-price"));
            world
                .settings("payment", |settings| {
                    settings["enabled"] = json!(true);
                    settings["max_orders_per_minute"] = json!(1);
                })
                .await;
            let page = browser.open("/top-up").await;
            let button = (pay.pay)("¥100.00");
            let gone = browser.press(&page, &button, &[(WAY, "zpay/bitcoin")]).await;
            let provider = gone.root.all("fieldset").into_iter().find(|one| one.of("id") == Some("provider")).unwrap();
            assert_eq!(gone.status, 422);
            assert!(provider.text().contains(["not available", "不可用"][index]), "{}", gone.says());
            world.advance(61).await;
            browser.press(&browser.open("/top-up").await, &button, &[]).await;
            let many = browser.press(&browser.open("/top-up").await, &button, &[]).await;
            assert_eq!(many.status, 422);
            assert!(alert(&many).contains(["seconds", "秒"][index]), "{}", many.says());
            world.advance(61).await;
            world
                .settings("payment", |settings| {
                    settings["providers"]["stripe"]["enabled"] = json!(false);
                    settings["providers"]["zpay"]["enabled"] = json!(false);
                })
                .await;
            assert!(browser.open("/top-up").await.says().contains(["No way to pay", "没有可用"][index]));
            world
                .settings("payment", |settings| {
                    settings["providers"]["stripe"]["enabled"] = json!(true);
                    settings["providers"]["zpay"]["enabled"] = json!(true);
                })
                .await;
        }
    });
}

/// C5.9: what the operator's staff writes is text on every page that shows it.
#[test]
fn a_hostile_label_stays_text() {
    World::run(async |world| {
        world.open().await;
        world.register("bob", None).await;
        let label = "<b>\"'{{7*7}}</b><script>alert(1)</script>";
        world.settings("payment", |settings| settings["offers"][0]["label"] = json!(label)).await;
        let browser = enter(world, &BOTH[0], "bob").await;
        let page = browser.open("/top-up").await;
        assert!(page.says().contains(label), "{}", page.says());
        assert!(!page.text.contains("<script>alert"));
        let evil = browser.open("/top-up?amount=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E&way=%3Cb%3E").await;
        assert!(evil.status == 422 && !evil.text.contains("<script>alert"), "{}", evil.says());
    });
}
