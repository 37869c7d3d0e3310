//! Payout batches: cash that is gathered, paid with one file, and reported on (R6.9).

use serde_json::{Value, json};

use super::payouts::second_admin;
use super::{hundred, invited, totals};
use crate::world::{Answer, World};

const WITHDRAWALS: &str = "/v1/affiliate/withdrawals";
pub const BATCHES: &str = "/v1/admin/payout-batches";
const IBANS: [&str; 3] = ["DE02120300000000202051", "DE89 3704 0044 0532 0130 00", "GB29-NWBK-6016-1331-9268-19"];

pub fn id(body: &Value) -> String {
    body["id"].as_str().unwrap().to_owned()
}

/// Ann has 101.38888888 of commission, and cash has no minimum worth the name.
pub async fn rich(world: &World) {
    invited(world).await;
    world.settings("affiliate", |settings| settings["min_cash_withdrawal"] = json!("0.01")).await;
    hundred(world).await;
    give(world, "ann", "100").await;
}

/// Gives somebody commission by hand.
async fn give(world: &World, name: &str, amount: &str) {
    let user = world.user(name).get("/v1/me").await.is(200)["id"].clone();
    let posted = json!({"user_id": user, "amount": amount, "reason": "a campaign"});
    world.admin().once().post("/v1/admin/commissions", posted).await.is(201);
}

async fn cash_to(world: &World, name: &str, amount: &str, payout: Value) -> String {
    let body = json!({"amount": amount, "to": "cash", "payout": payout});
    id(&world.user(name).once().post(WITHDRAWALS, body).await.is(201))
}

/// Ann asks for cash on a bank account with her name.
pub async fn cash(world: &World, amount: &str) -> String {
    cash_to(world, "ann", amount, json!({"method": "bank", "account": IBANS[0], "name": "Ann Example"})).await
}

async fn try_gather(world: &World, by: &str, body: Value) -> Answer {
    world.user(by).once().post(BATCHES, body).await
}

/// The admin gathers what the bank can pay.
pub async fn gather(world: &World) -> Value {
    try_gather(world, "admin", json!({"method": "bank"})).await.is(201)
}

async fn shown(world: &World, batch: &Value) -> Value {
    world.admin().get(&format!("{BATCHES}/{}", id(batch))).await.is(200)
}

async fn file(world: &World, batch: &Value, kind: &str) -> Answer {
    world.admin().get(&format!("{BATCHES}/{}/file.{kind}", id(batch))).await
}

async fn act(world: &World, batch: &Value, verb: &str, body: Value) -> Answer {
    world.admin().once().post(&format!("{BATCHES}/{}/{verb}", id(batch)), body).await
}

fn outcomes(answer: &Value) -> Vec<String> {
    let of = |one: &Value| one["refusal"].as_str().unwrap_or("done").to_owned();
    answer["outcomes"].as_array().unwrap().iter().map(of).collect()
}

fn lines(batch: &Value) -> Vec<(String, String, Option<String>)> {
    let line = |one: &Value| {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&one["withdrawal_id"]), text(&one["amount"]["amount"]), one["end"].as_str().map(str::to_owned))
    };
    batch["lines"].as_array().unwrap().iter().map(line).collect()
}

/// A key of the backend that settles.
pub async fn settler(world: &World) -> String {
    world.service_key("payer", &["withdrawals:settle"]).await
}

pub async fn settle(world: &World, key: &str, withdrawal: &str, body: Value) -> Answer {
    world.holder(key).post(&format!("/v1/service/withdrawals/{withdrawal}/settle"), body).await
}

/// R6.9: a batch has the oldest requests of its method, its total is their sum, and closing it pays each of them once.
#[test]
fn a_batch_gathers_the_oldest_requests_and_pays_them() {
    World::run(async |world| {
        rich(world).await;
        let first = cash(world, "10").await;
        world.advance(1).await;
        let elsewhere = cash_to(world, "ann", "5", json!({"method": "paypal", "account": "ann@example.com"})).await;
        let second = cash(world, "2.5").await;
        world.advance(1).await;
        cash(world, "7").await;
        let body = json!({"method": "bank", "limit": 2});
        let made = world.admin().key("november").post(BATCHES, body.clone()).await.is(201);
        let again = world.admin().key("november").post(BATCHES, body).await;
        assert_eq!(again.headers.get("idempotency-replayed").unwrap(), "true");
        assert_eq!(again.is(201), made, "one key is one batch");
        assert_eq!(
            (&made["count"], &made["total"]["amount"], &made["state"]),
            (&json!(2), &json!("12.5"), &json!("open"))
        );
        let batch = shown(world, &made).await;
        assert_eq!(lines(&batch), [(first.clone(), "10".into(), None), (second.clone(), "2.5".into(), None)]);
        assert_eq!(batch["lines"][0]["account"], "****2051", "masked");
        let sheet = file(world, &made, "csv").await;
        assert_eq!(sheet.headers["content-disposition"], format!("attachment; filename=\"{}.csv\"", id(&made)));
        let rows: Vec<&str> = sheet.text.lines().collect();
        let reference = first.replace('_', "-");
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[1], format!("{first},10.00,USD,bank,{},Ann Example,{reference},open", IBANS[0]));
        let own = world.user("ann").get(WITHDRAWALS).await.is(200)["items"].clone();
        let mine = |id: &str| own.as_array().unwrap().iter().find(|one| one["id"] == id).unwrap()["in_batch"].clone();
        assert_eq!([mine(&first), mine(&elsewhere)], [json!(true), json!(false)]);
        assert_eq!(totals(world).await, ["0", "76.88888888", "24.5", "0", "0", "0"]);
        let closed = act(world, &made, "close", json!({"reference": "SEPA 17"})).await.is(200);
        assert_eq!(outcomes(&closed), ["done", "done"]);
        assert_eq!(totals(world).await, ["0", "76.88888888", "12", "12.5", "0", "0"]);
        let later = act(world, &made, "close", json!({"reference": "SEPA 18"})).await.is(200);
        assert_eq!(outcomes(&later), ["withdrawal_closed"; 2], "paid once");
        let batch = shown(world, &made).await;
        assert_eq!(
            (&batch["state"], &batch["paid"], &batch["total"]["amount"]),
            (&json!("closed"), &json!(2), &json!("12.5"))
        );
        assert_eq!(batch["lines"][0]["reference"], "SEPA 17");
        let list = world.admin().get(BATCHES).await.is(200);
        assert_eq!((list["items"].as_array().unwrap().len(), &list["items"][0]["state"]), (1, &json!("closed")));
        let audit = world.admin().get(&format!("/v1/admin/audit?subject={first}")).await.is(200);
        assert_eq!(audit["items"][0]["action"], "withdrawal.paid");
        world.settle().await;
    });
}

/// R6.9: while its line is open a withdrawal can't be cancelled, paid or rejected but through the batch.
#[test]
fn a_withdrawal_in_a_batch_ends_with_it_only() {
    World::run(async |world| {
        rich(world).await;
        let asked = cash(world, "10").await;
        let batch = gather(world).await;
        let alone = format!("/v1/admin/withdrawals/{asked}");
        let cancel = world.user("ann").post(&format!("{WITHDRAWALS}/{asked}/cancel"), json!({})).await;
        cancel.refused(409, "withdrawal_in_batch");
        let paid = world.admin().post(&format!("{alone}/approve"), json!({"reference": "SEPA 17"})).await;
        paid.refused(409, "withdrawal_in_batch");
        world
            .admin()
            .post(&format!("{alone}/reject"), json!({"reason": "no"}))
            .await
            .refused(409, "withdrawal_in_batch");
        let several = json!({"ids": [asked], "reference": "SEPA 17"});
        let several = world.admin().once().post("/v1/admin/withdrawals/approve", several).await.is(200);
        assert_eq!(outcomes(&several), ["withdrawal_in_batch"]);
        try_gather(world, "admin", json!({"method": "bank"})).await.refused(409, "nothing_to_gather");
        assert_eq!(totals(world).await, ["0", "91.38888888", "10", "0", "0", "0"], "nothing moved");
        let listed = world.admin().get("/v1/admin/withdrawals?state=requested").await.is(200);
        assert_eq!(listed["items"][0]["batch_id"], batch["id"]);
        world.settle().await;
    });
}

/// R6.9: a dropped batch gives its open withdrawals back; what was paid or failed stays so.
#[test]
fn a_dropped_batch_gives_its_open_withdrawals_back() {
    World::run(async |world| {
        rich(world).await;
        let asked = [cash(world, "10").await, cash(world, "2").await, cash(world, "3").await];
        let batch = gather(world).await;
        let one = json!({"reference": "SEPA 17", "ids": [asked[0]]});
        assert_eq!(outcomes(&act(world, &batch, "close", one).await.is(200)), ["done"]);
        let failed = json!({"reason": "the account is closed", "ids": [asked[1]]});
        assert_eq!(outcomes(&act(world, &batch, "fail", failed).await.is(200)), ["done"]);
        assert_eq!(totals(world).await, ["0", "88.38888888", "3", "10", "0", "0"]);
        let dropped = act(world, &batch, "drop", json!({"reason": "a wrong file"})).await.is(200);
        let counts = ["paid", "failed", "dropped", "open", "count"].map(|name| dropped[name].as_u64().unwrap());
        assert_eq!(
            (counts, &dropped["total"]["amount"], &dropped["state"]),
            ([1, 1, 1, 0, 2], &json!("12"), &json!("closed"))
        );
        act(world, &batch, "drop", json!({"reason": "once more"})).await.is(200);
        let late = act(world, &batch, "close", json!({"reference": "SEPA 17"})).await.is(200);
        let late = outcomes(&late);
        assert_eq!(late.iter().filter(|one| *one == "withdrawal_not_in_batch").count(), 1, "{late:?}");
        let again = gather(world).await;
        assert_eq!(lines(&shown(world, &again).await), [(asked[2].clone(), "3".into(), None)]);
        act(world, &again, "drop", json!({"reason": "not yet"})).await.is(200);
        assert_eq!(shown(world, &again).await["state"], "dropped");
        world.user("ann").post(&format!("{WITHDRAWALS}/{}/cancel", asked[2]), json!({})).await.is(200);
        assert_eq!(totals(world).await, ["0", "91.38888888", "0", "10", "0", "0"]);
        let paid = cash(world, "1").await;
        let closed = gather(world).await;
        act(world, &closed, "close", json!({"reference": "SEPA 19"})).await.is(200);
        act(world, &closed, "drop", json!({"reason": "too late"})).await.refused(409, "payout_batch_closed");
        let listed = world.user("ann").get(WITHDRAWALS).await.is(200);
        let last = listed["items"].as_array().unwrap().iter().find(|one| one["id"] == json!(paid)).unwrap();
        assert_eq!(last["state"], "paid");
        world.settle().await;
    });
}

/// R6.9: the backend reports what became of withdrawals in batches; `failed` gives the money back, and the first report stands.
#[test]
fn the_backend_reports_what_became_of_payouts() {
    World::run(async |world| {
        rich(world).await;
        let (paid, failed) = (cash(world, "10").await, cash(world, "2").await);
        let key = settler(world).await;
        let good = json!({"outcome": "paid", "reference": "SEPA 17"});
        settle(world, &key, &paid, good.clone()).await.refused(409, "withdrawal_not_in_batch");
        settle(world, &key, "wdr_01k9h3v7t2c8m4x6w0a5z1n3qr", good.clone()).await.refused(404, "not_found");
        let batch = gather(world).await;
        let list = format!("/v1/service/withdrawals?batch={}", id(&batch));
        let open = world.holder(&key).get(&list).await.is(200)["items"].clone();
        assert_eq!((open.as_array().unwrap().len(), &open[0]["settled"]), (2, &json!(false)));
        assert_eq!(open[0]["withdrawal"]["payout"]["account"], "****2051");
        world.holder(&key).get("/v1/service/withdrawals").await.refused(422, "invalid");
        let wrong = [
            json!({"outcome": "lost", "reference": "r"}),
            json!({"outcome": "paid", "reason": "r"}),
            json!({"outcome": "paid", "reference": "r", "reason": "r"}),
            json!({"outcome": "failed", "reference": "r"}),
        ];
        for body in wrong {
            settle(world, &key, &paid, body).await.refused(422, "invalid");
        }
        for _ in 0..2 {
            let told = settle(world, &key, &paid, good.clone()).await.is(200);
            assert_eq!((&told["state"], &told["reference"]), (&json!("paid"), &json!("SEPA 17")));
        }
        let bad = json!({"outcome": "failed", "reason": "the account is closed"});
        for _ in 0..2 {
            assert_eq!(settle(world, &key, &failed, bad.clone()).await.is(200)["state"], "rejected");
        }
        settle(world, &key, &paid, bad).await.refused(409, "withdrawal_closed");
        settle(world, &key, &failed, good).await.refused(409, "withdrawal_closed");
        assert_eq!(totals(world).await, ["0", "91.38888888", "0", "10", "0", "0"]);
        let shown = shown(world, &batch).await;
        assert_eq!((&shown["state"], &shown["paid"], &shown["failed"]), (&json!("closed"), &json!(1), &json!(1)));
        let settled = world.holder(&key).get(&list).await.is(200)["items"].clone();
        assert!(settled.as_array().unwrap().iter().all(|one| one["settled"] == true));
        let audit = world.admin().get(&format!("/v1/admin/audit?subject={failed}")).await.is(200);
        assert_eq!(
            (&audit["items"][0]["action"], &audit["items"][0]["actor"]),
            (&json!("withdrawal.rejected"), &json!("service:payer"))
        );
        world.settle().await;
    });
}

/// R6.9: above the limit the batch is the second approval, so its maker is not the admin who gave the first.
#[test]
fn above_the_limit_another_admin_makes_the_batch() {
    World::run(async |world| {
        rich(world).await;
        world.settings("affiliate", |settings| settings["second_approval_above"] = json!("5")).await;
        second_admin(world).await;
        world.advance(61).await;
        let (large, small) = (cash(world, "10").await, cash(world, "5").await);
        let unapproved = gather(world).await;
        let left = |batch: &Value| batch["left_out"][0]["because"].as_str().map(str::to_owned);
        assert_eq!((&unapproved["count"], left(&unapproved).as_deref()), (&json!(1), Some("needs_first_approval")));
        assert_eq!(lines(&shown(world, &unapproved).await)[0].0, small);
        let approve = format!("/v1/admin/withdrawals/{large}/approve");
        world.admin().post(&approve, json!({"reference": "SEPA 17"})).await.is(200);
        world.advance(1).await;
        cash(world, "1").await;
        let own = gather(world).await;
        assert_eq!((&own["count"], left(&own).as_deref()), (&json!(1), Some("needs_another_admin")));
        let others = try_gather(world, "eve", json!({"method": "bank"})).await.is(201);
        assert_eq!(lines(&shown(world, &others).await)[0].0, large);
        assert_eq!(outcomes(&act(world, &others, "close", json!({"reference": "SEPA 18"})).await.is(200)), ["done"]);
        assert_eq!(totals(world).await[3], "10");
        world.settle().await;
    });
}

/// R6.9: a month's requests, a method, a currency; what can't be transferred stays out and is named.
#[test]
fn a_batch_is_of_one_month_method_and_currency() {
    World::run(async |world| {
        rich(world).await;
        let fine = cash(world, "1.388").await;
        let november = cash(world, "10").await;
        world.settle().await;
        world.advance(15 * 86_400).await;
        for user in ["ann", "admin"] {
            world.sign_in(user).await;
        }
        let december = cash(world, "2").await;
        let wrong = [
            (json!({"method": ""}), "/method"),
            (json!({"method": "bank", "limit": 91}), "/limit"),
            (json!({"method": "bank", "limit": 0}), "/limit"),
            (json!({"method": "bank", "month": "November"}), "/month"),
            (json!({"method": "bank", "until": "soon"}), "/until"),
            (json!({"method": "bank", "month": "2026-11", "until": "2026-11-30T00:00:00Z"}), "/until"),
            (json!({"method": "bank", "format": "pdf"}), "/format"),
            (json!({"method": "bank", "format": "pain001"}), "/format"),
            (json!({"method": "bank", "currency": "dollars"}), "/currency"),
        ];
        for (body, pointer) in wrong {
            let refused = try_gather(world, "admin", body.clone()).await.refused(422, "invalid");
            assert_eq!(refused["errors"][0]["pointer"], pointer, "{body}");
        }
        for body in [json!({"method": "paypal"}), json!({"method": "bank", "currency": "EUR"})] {
            try_gather(world, "admin", body).await.refused(409, "nothing_to_gather");
        }
        let early = json!({"method": "bank", "until": "2026-11-01T00:00:00Z"});
        try_gather(world, "admin", early).await.refused(409, "nothing_to_gather");
        let made = try_gather(world, "admin", json!({"method": "bank", "month": "2026-11"})).await.is(201);
        assert_eq!(made["left_out"], json!([{"withdrawal_id": fine, "because": "not_transferable"}]));
        assert_eq!(lines(&shown(world, &made).await), [(november, "10".into(), None)]);
        let rest = gather(world).await;
        assert_eq!(lines(&shown(world, &rest).await), [(december, "2".into(), None)]);
        let world_csv = world.admin().header("accept", "text/csv").get(BATCHES).await.text;
        assert_eq!(world_csv.lines().count(), 3);
        world.settle().await;
    });
}

/// R6.9, R2.7: a credit transfer has the lines of its batch; an erased user's account is in no file any more, and erasing waits for
/// the batch.
#[test]
fn a_credit_transfer_has_the_lines_of_its_batch() {
    World::run(async |world| {
        rich(world).await;
        world
            .settings("affiliate", |settings| {
                settings["payout_debtor_name"] = json!("Acme & Sons");
                settings["payout_debtor_iban"] = json!(IBANS[1]);
                settings["payout_debtor_bic"] = json!("DEUTDEFF");
            })
            .await;
        world.advance(61).await;
        give(world, "bob", "50").await;
        let anns = cash(world, "10").await;
        let to_bob = json!({"method": "bank", "account": IBANS[2], "name": "Bob <b> & \"Co\""});
        let bobs = cash_to(world, "bob", "20.5", to_bob).await;
        let no_iban = cash_to(world, "bob", "1", json!({"method": "bank", "account": "12345678", "name": "Bob"})).await;
        let no_name = cash_to(world, "bob", "1", json!({"method": "bank", "account": IBANS[2]})).await;
        let made = try_gather(world, "admin", json!({"method": "bank", "format": "pain001"})).await.is(201);
        let left = json!([
            {"withdrawal_id": no_iban, "because": "no_iban"}, {"withdrawal_id": no_name, "because": "no_name"},
        ]);
        let sorted = |of: &Value| {
            let mut all: Vec<String> = of.as_array().unwrap().iter().map(Value::to_string).collect();
            all.sort();
            all
        };
        assert_eq!(sorted(&made["left_out"]), sorted(&left));
        let xml = file(world, &made, "xml").await;
        assert!(xml.headers["content-type"].to_str().unwrap().starts_with("text/xml"));
        assert_eq!(xml.headers["cache-control"], "no-store");
        assert_eq!(xml.text.matches("<NbOfTxs>2</NbOfTxs><CtrlSum>30.50</CtrlSum>").count(), 2, "{}", xml.text);
        for part in [
            "<Nm>Acme &amp; Sons</Nm>".to_owned(),
            "<IBAN>DE89370400440532013000</IBAN>".to_owned(),
            "<BICFI>DEUTDEFF</BICFI>".to_owned(),
            "<Nm>Bob &lt;b&gt; &amp; &quot;Co&quot;</Nm>".to_owned(),
            "<InstdAmt Ccy=\"USD\">20.50</InstdAmt>".to_owned(),
            format!("<EndToEndId>{}</EndToEndId>", anns.replace('_', "-")),
        ] {
            assert!(xml.text.contains(&part), "{part}: {}", xml.text);
        }
        let user = world.user("bob").get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
        let erase = json!({"reason": "they asked for it", "acknowledge_balance": true});
        let path = format!("/v1/admin/users/{user}/erase");
        world.admin().post(&path, erase.clone()).await.refused(409, "withdrawal_open");
        act(world, &made, "close", json!({"reference": "SEPA 17"})).await.is(200);
        for rest in [no_iban, no_name] {
            world.user("bob").post(&format!("{WITHDRAWALS}/{rest}/cancel"), json!({})).await.is(200);
        }
        assert_eq!(file(world, &made, "xml").await.text, xml.text, "the same file whenever it is made");
        world.admin().post(&path, erase).await.is(200);
        world.settle().await;
        file(world, &made, "xml").await.refused(409, "payout_file_unavailable");
        let sheet = file(world, &made, "csv").await.text;
        let row = sheet.lines().find(|line| line.starts_with(&bobs)).unwrap().to_owned();
        assert_eq!(row, format!("{bobs},20.50,USD,bank,,,{},paid", bobs.replace('_', "-")));
        let csv_only = cash(world, "1").await;
        let plain = gather(world).await;
        assert_eq!(lines(&shown(world, &plain).await)[0].0, csv_only);
        file(world, &plain, "xml").await.refused(409, "payout_file_unavailable");
        world.settle().await;
    });
}

/// R6.9: settings take an account to pay from only with right check digits.
#[test]
fn the_account_to_pay_from_has_right_check_digits() {
    World::run(async |world| {
        let path = "/v1/admin/settings/affiliate";
        let read = world.admin().get(path).await;
        let tag = read.headers["etag"].to_str().unwrap().to_owned();
        let settings = read.is(200)["settings"].clone();
        for (field, value, pointer) in [
            ("payout_debtor_iban", "DE88370400440532013000", "/payout_debtor_iban"),
            ("payout_debtor_iban", "DE89370400440532013000", "/payout_debtor_name"),
            ("payout_debtor_bic", "DEUTDEF", "/payout_debtor_bic"),
        ] {
            let mut wrong = settings.clone();
            wrong[field] = json!(value);
            let refused = world.admin().header("if-match", &tag).put(path, wrong).await.refused(422, "invalid");
            assert_eq!(refused["errors"][0]["pointer"], pointer);
        }
    });
}

/// R6.9, R8.12: cash of a shop goes the same way, in its own currency.
#[test]
fn cash_of_a_shop_is_gathered_in_its_currency() {
    World::run(async |world| {
        let [a, ..] = crate::agency::cash::sold(world).await;
        let asked = crate::agency::cash::cash(world, "a", "12.5").await;
        let made = try_gather(world, "admin", json!({"method": "bank", "currency": "CNY"})).await.is(201);
        assert_eq!(made["total"], json!({"amount": "12.5", "currency": "CNY"}));
        let cancel = format!("{}/{asked}/cancel", crate::agency::cash::CASH);
        world.user("a").post(&cancel, json!({})).await.refused(409, "withdrawal_in_batch");
        let key = settler(world).await;
        settle(world, &key, &asked, json!({"outcome": "failed", "reason": "closed"})).await.is(200);
        assert_eq!(crate::agency::cash::parts(world, &a).await, ["0", "30", "0", "0"]);
        world.settle().await;
    });
}

/// R6.9: a batch has at most ninety lines, and all of them are paid.
#[test]
fn a_batch_has_at_most_ninety_lines() {
    World::run(async |world| {
        rich(world).await;
        for _ in 0..91 {
            cash(world, "0.5").await;
        }
        let made = gather(world).await;
        assert_eq!((&made["count"], &made["total"]["amount"]), (&json!(90), &json!("45")));
        let closed = act(world, &made, "close", json!({"reference": "SEPA 17"})).await.is(200);
        assert_eq!(outcomes(&closed), vec!["done"; 90]);
        assert_eq!(totals(world).await, ["0", "55.88888888", "0.5", "45", "0", "0"]);
        assert_eq!(gather(world).await["count"], 1);
        world.settle().await;
    });
}
