//! The pages of settings (C3.4, journey 17).

use console::text::Language;
use serde_json::{Value, json};
use shared::operations::model::settings::{AnySettings, Area};

use super::super::client::{Browser, Shown};
use super::{admin_in, clerk_in};
use crate::affiliate::commission::{hundred, invited};
use crate::page::journeys::BOTH;
use crate::world::World;
use shared::account::model::scope::AdminScope;

const SAVE: [&str; 2] = ["Save", "保存"];
const PREVIEW: [&str; 2] = ["Preview", "预览"];
const TRY: [&str; 2] = ["Try on a month", "按月试算"];
const REPLAY: [&str; 2] = ["Replay the month", "试算该月"];
const BACK: [&str; 2] = ["Back to the form", "返回表单"];
const NOBODY: [&str; 2] = ["Nobody got anything", "没有用户获得"];
const INVALID: [&str; 2] = ["can’t be saved as they are", "无法保存"];
const SAVE_MINE: [&str; 2] = ["Save mine on top", "以我的覆盖"];
const TAKE_THEIRS: [&str; 2] = ["Take theirs", "采用对方的"];

async fn stored(world: &World, area: &str) -> Value {
    world.admin().get(&format!("/v1/admin/settings/{area}")).await.is(200)
}

/// Value of the page's field with this name.
fn field(page: &Shown, name: &str) -> String {
    let inputs = page.root.all("input");
    let input = inputs.iter().find(|input| input.of("name") == Some(name)).unwrap_or_else(|| panic!("no field {name}"));
    input.of("value").unwrap_or_default().to_owned()
}

/// Journey 17, R9.1: the programmes are switched on by their forms; a form that nothing was entered into changes nothing.
#[test]
fn every_area_is_saved_by_its_form() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let browser = admin_in(world, words).await;
            let list = browser.open("/admin/settings").await;
            for area in Area::ALL {
                let path = format!("/admin/settings/{}", area.as_str());
                assert!(list.root.all("a").iter().any(|link| link.of("href") == Some(&path)), "{path}");
                let page = browser.open(&path).await;
                assert_eq!(page.status, 200, "{}", page.text);
                let before = stored(world, area.as_str()).await["settings"].clone();
                let saved = browser.press(&page, SAVE[index], &[]).await;
                assert_eq!((saved.status, saved.path.as_str()), (200, path.as_str()), "{}", saved.says());
                assert_eq!(stored(world, area.as_str()).await["settings"], before, "{path}");
                if before.get("enabled").is_some() {
                    let saved = browser.press(&saved, SAVE[index], &[("enabled:bool", "true")]).await;
                    assert_eq!(saved.status, 200, "{}", saved.says());
                    assert_eq!(stored(world, area.as_str()).await["settings"]["enabled"], true, "{path}");
                }
            }
            let page = browser.open("/admin/settings/payment").await;
            assert!(page.says().contains("admin@localhost"), "who changed it: {}", page.says());
        });
    }
}

/// Journey 17, C3.4: whoever saves second sees both documents field by field, keeps their own entries, and decides.
#[test]
fn two_admins_who_edit_one_area_meet() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let (ann, bob) =
                (admin_in(world, words).await, clerk_in(world, words, "bob", &[AdminScope::SettingsWrite]).await);
            let open = async |browser: &Browser<'_>| browser.open("/admin/settings/payment").await;
            let (anns, bobs) = (open(&ann).await, open(&bob).await);
            let saved = bob.press(&bobs, SAVE[index], &[("exchange_rate", "7.3"), ("offers[0].label", "Ten")]).await;
            assert_eq!(saved.status, 200, "{}", saved.says());
            let late = ann.press(&anns, SAVE[index], &[("exchange_rate", "7.5")]).await;
            assert_eq!(late.status, 422);
            let said = late.says();
            assert!(said.contains("bob@example.com") && said.contains("7.3") && said.contains("7.5"), "{said}");
            assert!(said.contains("Ten") && said.contains("¥10"), "{said}");
            assert_eq!(field(&late, "exchange_rate"), "7.5", "own entries stay");
            assert_eq!(stored(world, "payment").await["settings"]["exchange_rate"], "7.3", "nothing is saved yet");

            // Theirs is taken by a link, mine is saved on top by the button.
            let theirs = ann.open(&late.link(TAKE_THEIRS[index])).await;
            assert_eq!((theirs.status, field(&theirs, "exchange_rate").as_str()), (200, "7.3"));
            let mine = ann.press(&late, SAVE_MINE[index], &[]).await;
            assert_eq!(mine.status, 200, "{}", mine.says());
            let now = stored(world, "payment").await;
            assert_eq!((&now["settings"]["exchange_rate"], &now["version"]), (&json!("7.5"), &json!(2)));
            assert_eq!(now["settings"]["offers"][0]["label"], "¥10");
            assert!(mine.says().contains("bob@example.com") && mine.says().contains("admin@localhost"), "the history");
        });
    }
}

/// A second refusal does not forget which version the entries are based on.
#[test]
fn a_refused_form_stays_based_on_the_version_that_was_read() {
    World::run(async |world| {
        let browser = admin_in(world, &BOTH[0]).await;
        let page = browser.open("/admin/settings/payment").await;
        world.settings("payment", |settings| settings["exchange_rate"] = json!("7.3")).await;
        let wrong = browser.press(&page, SAVE[0], &[("discount_rate", "2")]).await;
        assert_eq!((wrong.status, field(&wrong, "discount_rate").as_str()), (422, "2"), "{}", wrong.says());
        let late = browser.press(&wrong, SAVE[0], &[("discount_rate", "0.9")]).await;
        assert!(late.status == 422 && late.says().contains("meanwhile"), "{}", late.says());
        assert_eq!(stored(world, "payment").await["settings"]["discount_rate"], "1");
    });
}

/// C3.4, C4.7: what is wrong is said at its field, also in a row, and the entries stay.
#[test]
fn a_wrong_setting_is_refused_at_its_field() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let browser = admin_in(world, words).await;
            for (area, name, value, id) in [
                ("payment", "exchange_rate", "seven", "exchange_rate"),
                ("payment", "order_expire_minutes:int", "x", "order_expire_minutes"),
                ("payment", "order_expire_minutes:int", "2", "order_expire_minutes"),
                ("payment", "return_url:null", "javascript:alert(1)", "return_url"),
                ("payment", "offers[1].amount", "0", "offers-1-amount"),
                ("payment", "providers.zpay.ip_allow_list[0]", "nowhere", "providers-zpay-ip_allow_list-0"),
                ("promotion", "tiers[1].hours:int", "1", "tiers-1-hours"),
                ("console", "accent", "\"><script>", "accent"),
            ] {
                let page = browser.open(&format!("/admin/settings/{area}")).await;
                let page = browser.press(&page, SAVE[index], &[(name, value)]).await;
                assert_eq!(page.status, 422, "{name} {value}");
                let inputs = page.root.all("input");
                let wrong = inputs.iter().find(|input| input.of("id") == Some(id)).unwrap();
                assert_eq!((wrong.of("aria-invalid"), wrong.of("value")), (Some("true"), Some(value)), "{name}");
                assert!(page.root.all("a").iter().any(|link| link.of("href") == Some(&format!("#{id}"))), "{name}");
                assert!(!page.text.contains("<script>\""), "what was entered is text");
                assert_eq!(stored(world, area).await["version"], 0);
            }
        });
    }
}

/// C3.4: a row is emptied to remove it and the last one filled in to add it; the others close up.
#[test]
fn rows_are_removed_and_added_without_script() {
    World::run(async |world| {
        let browser = admin_in(world, &BOTH[0]).await;
        let page = browser.open("/admin/settings/promotion").await;
        let entries = [
            ("tiers[1].hours:int", ""),
            ("tiers[1].percent", ""),
            ("tiers[4].hours:int", "72"),
            ("tiers[4].percent", "2"),
        ];
        let page = browser.press(&page, SAVE[0], &[entries[0], entries[1]]).await;
        assert_eq!(page.status, 200, "{}", page.says());
        let hours = async || stored(world, "promotion").await["settings"]["tiers"].clone();
        assert_eq!(hours().await.as_array().unwrap().len(), 3, "{}", hours().await);
        let more = [("tiers[2].hours:int", "60"), ("tiers[3].hours:int", "72"), ("tiers[3].percent", "2")];
        let page = browser.press(&page, SAVE[0], &more).await;
        assert_eq!(page.status, 200, "{}", page.says());
        let wanted = json!([
            {"hours": 24, "percent": "30"}, {"hours": 48, "percent": "10"}, {"hours": 60, "percent": "5"},
            {"hours": 72, "percent": "2"},
        ]);
        assert_eq!(hours().await, wanted);
        let page = browser.open("/admin/settings/payment").await;
        let lists = [
            ("providers.zpay.methods[1]", ""),
            ("providers.zpay.methods[2]", "qqpay"),
            ("providers.zpay.channel_ids.alipay:?", "17"),
            ("providers.stripe.methods[0]", ""),
        ];
        let page = browser.press(&page, SAVE[0], &lists).await;
        assert_eq!(page.status, 200, "{}", page.says());
        let providers = stored(world, "payment").await["settings"]["providers"].clone();
        assert_eq!(providers["zpay"]["methods"], json!(["alipay", "qqpay"]));
        assert_eq!(providers["zpay"]["channel_ids"], json!({"alipay": "17"}));
        assert_eq!(providers["stripe"]["methods"], json!([]));
    });
}

/// C3.4: the preview says what would change and what a payment of 100 would come to, and changes nothing.
#[test]
fn a_preview_shows_a_payment_under_the_new_document() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let browser = admin_in(world, words).await;
            let page = browser.open("/admin/settings/payment").await;
            assert!(page.says().contains("13.88888888"), "{}", page.says());
            let shown = browser.show(&page, PREVIEW[index], &[("exchange_rate", "8")]).await;
            assert_eq!(shown.status, 200, "{}", shown.says());
            assert!(shown.says().contains("12.5USD") && shown.says().contains("3.75"), "{}", shown.says());
            assert!(shown.says().contains("7.2"), "what it is now: {}", shown.says());
            assert_eq!(stored(world, "payment").await["version"], 0, "nothing is saved");
            let saved = browser.press(&shown, SAVE[index], &[]).await;
            assert_eq!(saved.status, 200, "{}", saved.says());
            assert_eq!(stored(world, "payment").await["settings"]["exchange_rate"], "8");
            let page = browser.open("/admin/settings/affiliate").await;
            let shown = browser.show(&page, PREVIEW[index], &[("default_rate", "0.2")]).await;
            assert!(shown.says().contains("2.5USD"), "{}", shown.says());
            let wrong = browser.show(&page, PREVIEW[index], &[("default_rate", "2")]).await;
            assert_eq!((wrong.status, field(&wrong, "default_rate").as_str()), (422, "2"));
        });
    }
}

/// R12.5: entries of a form are tried on a month before they are saved; what is wrong with them is said at the form.
#[test]
fn entries_are_tried_on_a_month() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            invited(world).await;
            hundred(world).await;
            let browser = admin_in(world, words).await;
            let page = browser.open("/admin/settings/affiliate").await;
            let version = stored(world, "affiliate").await["version"].clone();
            let tried = browser.show(&page, TRY[index], &[("default_rate", "0.2")]).await;
            assert_eq!(tried.status, 200, "{}", tried.says());
            for amount in ["1.38888888", "2.77777777"] {
                assert!(tried.says().contains(amount), "{amount}: {}", tried.says());
            }
            let past = browser.show(&tried, REPLAY[index], &[("month", "2026-10")]).await;
            assert!(past.says().contains(NOBODY[index]), "{}", past.says());
            let back = browser.show(&past, BACK[index], &[]).await;
            assert_eq!((back.status, field(&back, "default_rate").as_str()), (200, "0.2"));
            let wrong = browser.show(&page, TRY[index], &[("default_rate", "2")]).await;
            assert!(wrong.says().contains(INVALID[index]), "{}", wrong.says());
            let back = browser.show(&wrong, BACK[index], &[]).await;
            assert_eq!((back.status, field(&back, "default_rate").as_str()), (422, "2"));
            assert_eq!(stored(world, "affiliate").await["version"], version, "nothing is saved");
            for area in ["payment", "nothing"] {
                assert_eq!(browser.open(&format!("/admin/simulations/{area}")).await.status, 404);
            }
        });
    }
}

/// R10.3: the page says that a reward at registration can be farmed, and leads to the settings that end it.
#[test]
fn a_farmable_reward_is_warned_of_on_the_page() {
    for (index, words) in BOTH.iter().enumerate() {
        World::run(async |world| {
            let browser = admin_in(world, words).await;
            let said = ["can be farmed", "可能被刷取"][index];
            assert!(!browser.open("/admin/settings/referral").await.says().contains(said));
            world
                .settings("referral", |settings| {
                    settings["enabled"] = json!(true);
                    settings["registration"]["invitee_reward"] = json!("1");
                })
                .await;
            for area in ["referral", "identity"] {
                let page = browser.open(&format!("/admin/settings/{area}")).await;
                assert!(page.says().contains(said), "{}", page.says());
                let links: Vec<&str> = page.root.all("a").iter().filter_map(|link| link.of("href")).collect();
                assert!(links.contains(&"/admin/settings/identity#email_verification"), "{links:?}");
                assert!(links.contains(&"/admin/settings/referral#max_invitees_per_user"), "{links:?}");
            }
        });
    }
}

/// C3.4, R9.1: each field of each declaration has its texts, and the effect is the declaration's own.
#[test]
fn every_setting_has_its_texts() {
    let bare = |text: &str| text.replace("`null`", "empty").replace('`', "").replace('\'', "’");
    for (language, is_english) in [(Language::English, true), (Language::Chinese, false)] {
        let text = language.texts();
        for area in Area::ALL {
            for about in area.fields() {
                let (label, effect) = text.setting(area, &about.name).unwrap_or_else(|| panic!("{}", about.name));
                assert!(
                    !label.is_empty() && (!is_english || *effect == *bare(about.effect)),
                    "{}: {}",
                    about.name,
                    &*effect
                );
                assert!(about.unit.is_empty() || text.setting_unit(about.unit).is_some(), "{}", about.unit);
                assert!(text.setting_from(about.from_when).is_some(), "{}: {}", about.name, about.from_when);
                if let Some((group, _)) = about.name.rsplit_once('.') {
                    assert!(text.setting_group(group).is_some(), "{group}");
                }
            }
            let defaults = AnySettings::defaults(area).document();
            for (list, rows) in defaults.as_object().unwrap() {
                for column in rows.pointer("/0").and_then(Value::as_object).into_iter().flat_map(|row| row.keys()) {
                    assert!(text.setting(area, &format!("{list}.{column}")).is_some(), "{list}.{column}");
                }
            }
        }
    }
}

/// C2.5: what the pages read; a list is its keys and then its items.
#[test]
fn the_pages_of_settings_read_the_document_and_its_history() {
    World::run(async |world| {
        let browser = admin_in(world, &BOTH[0]).await;
        world.settings("payment", |settings| settings["exchange_rate"] = json!("7.3")).await;
        browser.open("/admin/settings/payment").await;
        for (path, wanted) in [("/admin/settings", 1), ("/admin/settings/payment", 5), ("/admin/settings/identity", 4)]
        {
            world.stack.dynamo.reset();
            assert_eq!(browser.open(path).await.status, 200);
            let used = world.stack.dynamo.used();
            let lists = u64::from(used.contains_key("Query"));
            let others: u64 = used.iter().filter(|(name, _)| *name != "Query").map(|(_, usage)| usage.calls).sum();
            assert!(lists + others <= wanted, "{path}: {used:?}");
        }
    });
}
