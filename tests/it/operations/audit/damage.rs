//! Damages by group of invariants.

pub mod agency;
pub mod budget;
pub mod events;
pub mod heads;
pub mod identity;
pub mod risk;
pub mod service;

use serde_json::{Value, json};
use shared::kernel::id::OutboxId;

use super::Row;
use shared::table::outbox::Outbox;

/// A copy of the scene's items, to be damaged.
pub struct Scan(pub Vec<Value>);

impl Scan {
    pub fn of(items: &[Value]) -> Self {
        Self(items.to_vec())
    }

    /// The first item of a type for which `wanted` holds, in key order.
    #[track_caller]
    pub fn find(&mut self, kind: &str, wanted: impl Fn(&Value) -> bool) -> &mut Value {
        let index = self.index(kind, wanted);
        &mut self.0[index]
    }

    #[track_caller]
    fn index(&self, kind: &str, wanted: impl Fn(&Value) -> bool) -> usize {
        let found = self.0.iter().position(|item| item["type"]["S"] == kind && wanted(item));
        found.unwrap_or_else(|| panic!("no such {kind} in the scene"))
    }

    #[track_caller]
    pub fn one(&mut self, kind: &str) -> &mut Value {
        self.find(kind, |_| true)
    }

    #[track_caller]
    fn remove(&mut self, kind: &str, wanted: impl Fn(&Value) -> bool) {
        let index = self.index(kind, wanted);
        self.0.remove(index);
    }

    fn text(&self, kind: &str, wanted: impl Fn(&Value) -> bool, field: &str) -> String {
        self.0[self.index(kind, wanted)][field]["S"].as_str().unwrap().to_owned()
    }

    /// A user of the scene: `ann` has no inviter, `bob` and `dave` used Ann's code, `carol` Bob's.
    pub fn person(&mut self, name: &str) -> &mut Value {
        self.find("user", |user| is_named(user, name))
    }

    fn id_of(&self, name: &str) -> String {
        self.text("user", |user| is_named(user, name), "id")
    }

    /// Adds an outbox item with one message.
    fn outbox(&mut self, message: Value) {
        let id = OutboxId::parse("obx_01arz3ndektsv4rrffq69g5fav").unwrap();
        let key = Outbox::key(id);
        self.0.push(json!({
            "pk": {"S": key.pk}, "sk": {"S": key.sk}, "type": {"S": "outbox"}, "tx": {"S": "t"}, "v": {"N": "1"},
            "rev": {"N": "1"}, "id": {"S": id.to_string()}, "at": {"S": "2026-11-20T10:00:00Z"},
            "messages": {"L": [{"M": message}]},
        }));
    }
}

fn is_named(user: &Value, name: &str) -> bool {
    user["email"]["S"] == format!("{name}@example.com")
}

/// Condition on a text field.
fn has(field: &'static str, value: &'static str) -> impl Fn(&Value) -> bool {
    move |item| item[field]["S"] == value
}

/// Condition: a journal entry whose source starts with `start`.
fn caused_by(start: &'static str) -> impl Fn(&Value) -> bool {
    move |posting| posting["cause"]["S"].as_str().is_some_and(|cause| cause.starts_with(start))
}

/// Condition: a journal entry of an admin's adjustment with this amount.
fn adjusted_by(amount: &'static str) -> impl Fn(&Value) -> bool {
    move |posting| posting["operator"]["S"] == "admin" && entry(posting)["amount"]["M"]["USD"]["N"] == amount
}

fn entry(posting: &Value) -> &Value {
    &posting["entries"]["L"][0]["M"]
}

fn entry_of(posting: &mut Value) -> &mut Value {
    &mut posting["entries"]["L"][0]["M"]
}

fn line_of(posting: &mut Value) -> &mut Value {
    &mut posting["house"]["L"][0]["M"]
}

fn amount(money: &mut Value) -> &mut Value {
    let (_, amount) = money["M"].as_object_mut().unwrap().iter_mut().next().unwrap();
    &mut amount["N"]
}

/// Changes the promised reward for qualifying.
fn promise(user: &mut Value, qualified: &str) {
    let terms = &mut user["attribution"]["M"]["terms"]["S"];
    let mut words: Vec<&str> = terms.as_str().unwrap().split(' ').collect();
    words[1] = qualified;
    *terms = json!(words.join(" "));
}

/// Increments a number by one.
fn up(number: &mut Value) {
    let count: u64 = number["N"].as_str().unwrap().parse().unwrap();
    number["N"] = json!((count + 1).to_string());
}

fn remove(item: &mut Value, field: &str) {
    item.as_object_mut().unwrap().remove(field).unwrap();
}

/// Damage to item shapes: D1–D4.
pub const SHAPE: &[Row] = &[
    ("a field is missing", &["D1"], |scan| remove(scan.one("session"), "number")),
    ("a number of 39 digits", &["D1"], |scan| scan.one("order_window")["orders"]["N"] = json!("9".repeat(39))),
    ("a version of the future", &["D1"], |scan| scan.one("settings")["v"]["N"] = json!("2")),
    ("no type", &["D1"], |scan| remove(scan.one("session"), "type")),
    ("an unknown type", &["D1"], |scan| scan.one("session")["type"]["S"] = json!("mystery")),
    ("another key than its own", &["D2"], |scan| scan.one("session")["sk"]["S"] = json!("SESSION#1")),
    ("another place in a list", &["D3"], |scan| scan.person("ann")["gsi2sk"]["S"] = json!("usr_1")),
    ("a paid order that is due", &["D3"], |scan| {
        let order = scan.find("order", has("status", "paid"));
        order["gsi3pk"] = json!({"S": "DUE#order#0"});
        order["gsi3sk"] = json!({"S": "2026-11-20T10:00:00.000Z"});
    }),
    ("a deployment that began after its first user", &["D4"], |scan| {
        scan.one("public_keys")["since"]["S"] = json!("2026-12-02T00:00:00Z");
    }),
];

/// Damage to the ledger: L1–L4, L6, L7.
pub const LEDGER: &[Row] = &[
    ("a house line of a suspense journal", &["L1", "P9"], |scan| {
        *amount(&mut line_of(scan.find("posting", caused_by("review:")))["amount"]) = json!("1");
    }),
    ("a house line of a reward", &["A3", "L1", "L7"], |scan| {
        *amount(&mut line_of(scan.find("posting", caused_by("reward:")))["amount"]) = json!("-7");
    }),
    ("the number of an account's entries", &["L2"], |scan| {
        up(&mut scan.person("bob")["accounts"]["M"]["balance"]["M"]["seq"]);
    }),
    ("a balance", &["L2", "O4"], |scan| {
        *amount(&mut scan.person("bob")["accounts"]["M"]["balance"]["M"]["amount"]) = json!("1000");
    }),
    ("the number of postings", &["L3"], |scan| up(&mut scan.person("bob")["accounts"]["M"]["postings"])),
    ("the number of an entry", &["L3", "L7"], |scan| {
        up(&mut entry_of(scan.find("posting", adjusted_by("-0.5")))["seq"])
    }),
    ("a posting that is gone", &["L2", "L3", "L7", "L8"], |scan| scan.remove("posting", adjusted_by("-0.5"))),
    ("a debit below nothing", &["L2", "L4", "L7"], |scan| {
        let posting = scan.find("posting", adjusted_by("-0.5"));
        let before: f64 = entry(posting)["before"]["S"].as_str().unwrap().parse().unwrap();
        let debit = before.ceil() + 1.0;
        *amount(&mut line_of(posting)["amount"]) = json!(format!("{debit}"));
        *amount(&mut entry_of(posting)["amount"]) = json!(format!("-{debit}"));
        entry_of(posting)["after"]["S"] = json!(format!("{:.8}", before - debit));
    }),
    ("two journals of one cause and step", &["L6", "L7"], |scan| {
        let cause = scan.find("posting", adjusted_by("2.5"))["cause"].clone();
        scan.find("posting", adjusted_by("-0.5"))["cause"] = cause;
    }),
    ("an amount of an old entry, with all that follows from it", &["L3", "L7"], |scan| {
        let posting = scan.find("posting", adjusted_by("2.5"));
        *amount(&mut line_of(posting)["amount"]) = json!("-2.6");
        *amount(&mut entry_of(posting)["amount"]) = json!("2.6");
    }),
    ("the type of an old entry", &["L7"], |scan| {
        entry_of(scan.find("posting", adjusted_by("2.5")))["type"]["S"] = json!("deduct");
    }),
    ("the remark of an old entry", &["L7"], |scan| {
        let remark = &mut entry_of(scan.find("posting", adjusted_by("2.5")))["remark"]["S"];
        *remark = json!(format!("{}.", remark.as_str().unwrap()));
    }),
    ("the time of an old entry", &["L7"], |scan| {
        let at = &mut scan.find("posting", adjusted_by("2.5"))["at"]["S"];
        *at = json!(at.as_str().unwrap().replace('Z', "1Z").replace(":001Z", ":00.1Z"));
    }),
    ("the actor of an old entry", &["L7"], |scan| {
        scan.find("posting", adjusted_by("2.5"))["actor"]["S"] = json!("admin:usr_01arz3ndektsv4rrffq69g5fav");
    }),
    ("an entry that lost its hash", &["L7", "L8"], |scan| remove(scan.find("posting", adjusted_by("-0.5")), "hash")),
    ("an entry of a wallet that lost its hash", &["L7"], |scan| {
        let of_a_wallet = |posting: &Value| posting["holder"]["S"].as_str().is_some_and(|of| of.ends_with(".main"));
        remove(scan.find("posting", of_a_wallet), "hash");
    }),
    ("an entry of the commission account at another time", &["L7"], |scan| {
        let at = &mut scan.find("posting", caused_by("commission:"))["at"]["S"];
        *at = json!(at.as_str().unwrap().replace('Z', "1Z").replace(":001Z", ":00.1Z"));
    }),
    ("the hash of an account", &["L7"], |scan| {
        scan.person("bob")["accounts"]["M"]["head"]["S"] = json!("A".repeat(43));
    }),
    ("a credit lot that is lost", &["L9", "O4"], |scan| {
        scan.remove("credit_lot", |lot| lot["held"]["M"]["USD"]["N"] != "0")
    }),
    ("a credit lot of more than its grant", &["L9", "O4"], |scan| {
        let lot = scan.find("credit_lot", |lot| lot["held"]["M"]["USD"]["N"] != "0");
        *amount(&mut lot["held"]) = json!("5.1");
    }),
    ("a granted part that no lot holds", &["L9"], |scan| {
        *amount(&mut scan.person("tea")["accounts"]["M"]["lots"]["L"][0]) = json!("2.9");
    }),
    ("an expired part that no journal says", &["L9", "O4"], |scan| {
        let lot = scan.find("credit_lot", |lot| lot["expired"]["M"]["USD"]["N"] != "0");
        *amount(&mut lot["expired"]) = json!("2");
    }),
    ("an account with a hash and no entry", &["L7"], |scan| {
        let without = |user: &Value| user["accounts"]["M"]["postings"]["N"] == "0";
        scan.find("user", without)["accounts"]["M"]["head"] = json!({"S": "A".repeat(43)});
    }),
];

/// Damage to payments: P1–P3, P5–P8.
pub const PAYMENTS: &[Row] = &[
    ("a receipt that is gone", &["P12"], |scan| scan.remove("receipt", |receipt| receipt["number"]["N"] == "1")),
    ("a receipt with another's number", &["P12"], |scan| {
        scan.find("receipt", |receipt| receipt["number"]["N"] == "2")["number"]["N"] = json!("1");
    }),
    ("a receipt of somebody else", &["P12"], |scan| {
        let dave = scan.id_of("dave");
        scan.one("receipt")["user"]["S"] = json!(dave);
    }),
    ("a receipt of another year", &["P12"], |scan| {
        scan.one("receipt")["issued_at"]["S"] = json!("2025-11-20T10:00:00Z")
    }),
    ("a number that no receipt has", &["P12"], |scan| up(&mut scan.one("receipt_counter")["last"])),
    ("a counter of receipts that is lost", &["P12"], |scan| scan.remove("receipt_counter", |_| true)),
    ("a credit that went to nothing", &["L7", "P1"], |scan| {
        let posting = scan.find("posting", caused_by("payment:zpay"));
        entry_of(posting)["related_id"]["S"] = json!("ord_01arz3ndektsv4rrffq69g5fav");
    }),
    ("a credit of an order that was cancelled", &["L7", "P1"], |scan| {
        let order = scan.find("order", has("status", "cancelled"))["id"].clone();
        entry_of(scan.find("posting", caused_by("payment:zpay")))["related_id"] = order;
    }),
    ("what an order promised", &["O4", "P1"], |scan| {
        *amount(&mut scan.find("order", has("status", "paid"))["credit"]) = json!("1");
    }),
    ("a captured payment out of review", &["P2"], |scan| {
        remove(scan.find("payment", |payment| payment["order"].is_null()), "review");
    }),
    ("an order that names another payment", &["P2"], |scan| {
        scan.find("order", |order| !order["payment_id"].is_null())["payment_id"]["S"] = json!("pi_other");
    }),
    ("a second payment of an order", &["P2", "P8", "P9"], |scan| {
        let order = scan.find("payment", |payment| !payment["order"].is_null())["order"].clone();
        let surplus = scan.find("payment", |payment| payment["order"].is_null());
        surplus["order"] = order;
    }),
    ("a second event that credited", &["P3"], |scan| {
        scan.find("event", has("outcome", "review"))["outcome"]["S"] = json!("credited");
    }),
    ("an event that credited what was cancelled", &["D3", "P3"], |scan| {
        let order = scan.find("order", has("status", "cancelled"))["id"].clone();
        let event = scan.find("event", has("outcome", "review"));
        event["outcome"]["S"] = json!("credited");
        event["order"] = order;
    }),
    ("a credit of an order that expired", &["L7", "P5"], |scan| {
        let order = scan.find("order", has("status", "expired"))["id"].clone();
        let posting = entry_of(scan.find("posting", adjusted_by("2.5")));
        posting["type"]["S"] = json!("payment");
        posting["related_id"] = order;
    }),
    ("a paid order whose payment is still under way", &["P6"], |scan| {
        scan.find("order", has("status", "paid"))["under_way"] = json!({"S": "processing"});
    }),
    ("an order paid at no time", &["P6"], |scan| {
        remove(
            scan.find("order", |order| {
                let by_gateway = order["status"]["S"] == "paid" && order["provider"]["S"] == "zpay";
                by_gateway && order["completed"].is_null()
            }),
            "paid_at",
        );
    }),
    ("a promotion used by another order", &["P7"], |scan| {
        let used = &mut scan.person("bob")["promotion"]["M"]["used"]["M"];
        used["order_id"]["S"] = json!("ord_01arz3ndektsv4rrffq69g5fav");
    }),
    ("a refund that its order does not know", &["P8", "P9"], |scan| {
        let payment = scan.find("payment", has("provider", "zpay"));
        payment["cumulative"] = json!({"M": {"CNY": {"N": "1"}}});
    }),
    ("an open dispute that its order does not know", &["P8"], |scan| {
        let payment = scan.find("payment", has("provider", "zpay"));
        let money = json!({"M": {"CNY": {"N": "0"}}});
        let at = "2026-11-20T10:00:00Z";
        payment["disputes"] = json!({"M": {"du_1": {"M": {"amount": money, "state": {"S": "open"}, "at": {"S": at}}}}});
    }),
    ("a review whose money left suspense", &["P8", "P9"], |scan| {
        let held = scan.find("posting", |posting| {
            posting["cause"]["S"].as_str().is_some_and(|cause| cause.starts_with("review:"))
        });
        for line in held["house"]["L"].as_array_mut().unwrap() {
            let amount = amount(&mut line["M"]["amount"]);
            *amount = json!(if amount.as_str().unwrap().starts_with('-') { "-1" } else { "1" });
        }
    }),
    ("a dispute in another currency that nobody sees", &["P10"], |scan| {
        let payment = scan.find("payment", |payment| !payment["captured"].is_null());
        let money = json!({"M": {"USD": {"N": "14"}}});
        let at = "2026-11-20T10:00:00Z";
        payment["disputes"] = json!({"M": {"du_1": {"M": {"amount": money, "state": {"S": "open"}, "at": {"S": at}}}}});
    }),
    ("an event that its payment has twice", &["P10"], |scan| {
        let payment =
            scan.find("payment", |payment| payment["events"]["L"].as_array().is_some_and(|all| all.len() > 1));
        let last = payment["events"]["L"].as_array().unwrap().last().unwrap().clone();
        payment["events"]["L"].as_array_mut().unwrap().push(last);
    }),
    ("an event in review of which there is no review", &["P10"], |scan| {
        remove(scan.find("event", has("outcome", "review")), "review");
    }),
    ("a take-back that belongs to nothing", &["L7", "P1"], |scan| {
        let posting = scan.find("posting", |posting| posting["step"]["N"] == "1" && caused_by("payment:")(posting));
        entry_of(posting)["related_id"]["S"] = json!("ord_01arz3ndektsv4rrffq69g5fav");
    }),
    ("a bonus that was taken back as credit", &["L7", "P1"], |scan| {
        let posting = scan.find("posting", |posting| posting["step"]["N"] == "1" && caused_by("payment:")(posting));
        let lines = posting["house"]["L"].as_array_mut().unwrap();
        let line = lines.iter_mut().find(|line| line["M"]["account"]["S"] == "promotion").unwrap();
        line["M"]["account"]["S"] = json!("sales");
    }),
    ("a review that holds less than its journals say", &["P8", "P9"], |scan| {
        scan.one("review")["left"] = json!({"M": {"CNY": {"N": "1"}}});
    }),
    ("a coupon that counts an order too many", &["P11"], |scan| up(&mut scan.one("coupon_uses")["used"])),
    ("a coupon that its user's window does not count", &["P11"], |scan| {
        scan.find("order_window", |window| !window["coupons"].is_null())["coupons"] = json!({"L": []});
    }),
    ("an order that was cancelled and holds a coupon", &["D3", "O4", "P11"], |scan| {
        let order = scan.find("order", |order| !order["coupon"].is_null());
        order["status"]["S"] = json!("cancelled");
    }),
    ("an order with more left than its charge", &["A4", "O4", "P8", "P9"], |scan| {
        let order = scan.find("order", |order| order["status"]["S"] == "paid" && !order["payment_id"].is_null());
        order["left"] = json!({"M": {"CNY": {"N": "1000"}}});
    }),
];

/// Damage to referrals and rewards: A1–A4.
pub const REFERRAL: &[Row] = &[
    ("an inviter who came later", &["A1"], |scan| {
        scan.person("ann")["created_at"]["S"] = json!("2026-11-21T23:00:00Z");
    }),
    ("an inviter who does not exist", &["A1", "A2", "A4"], |scan| {
        let user = scan.person("carol");
        user["attribution"]["M"]["inviter"]["S"] = json!("usr_01arz3ndektsv4rrffq69g5fav");
        user["gsi1pk"]["S"] = json!("INVITEES#usr_01arz3ndektsv4rrffq69g5fav");
    }),
    ("somebody who invited themselves", &["A1", "A2", "A4"], |scan| {
        let id = scan.id_of("dave");
        let user = scan.person("dave");
        user["attribution"]["M"]["inviter"]["S"] = json!(id);
        user["gsi1pk"]["S"] = json!(format!("INVITEES#{id}"));
    }),
    ("terms that promise another reward", &["A2"], |scan| {
        promise(scan.person("bob"), "4/0");
    }),
    ("a reward of another amount", &["A2", "A3", "A4", "M1", "O4"], |scan| {
        *amount(&mut scan.one("reward")["amount"]) = json!("77")
    }),
    ("a granted reward that was never posted", &["A3", "L7"], |scan| {
        scan.find("posting", caused_by("reward:"))["cause"]["S"] = json!("reward:other");
    }),
    ("a reward for a threshold that was not reached", &["A3", "A4", "O4"], |scan| {
        remove(&mut scan.person("bob")["attribution"]["M"], "qualified_at");
    }),
    ("a granted reward whose invitee fell below the threshold", &["A3", "A4", "O4"], |scan| {
        let bond = &mut scan.person("bob")["attribution"]["M"];
        *amount(&mut bond["online_total"]) = json!("10");
        *amount(&mut bond["given_back"]) = json!("90");
    }),
    ("a reward taken back without a reason", &["A3", "A4", "O4"], |scan| {
        scan.find("reward", has("trigger", "qualified"))["state"]["S"] = json!("reversed");
    }),
    ("what an invitee got back", &["A4"], |scan| {
        *amount(&mut scan.person("bob")["attribution"]["M"]["given_back"]) = json!("31");
    }),
    ("an inviter's number of invitees", &["A4"], |scan| up(&mut scan.one("referral_counts")["invitees"])),
    ("what an inviter waits for", &["A4"], |scan| *amount(&mut scan.one("referral_counts")["pending"]) = json!("1")),
    ("how many invitees brought a reward", &["A4"], |scan| up(&mut scan.one("referral_counts")["rewarded"])),
    ("what an invitee paid online", &["A4"], |scan| {
        *amount(&mut scan.person("carol")["attribution"]["M"]["online_total"]) = json!("6");
    }),
    ("an invitee counted without a mark", &["A4"], |scan| scan.remove("milestone", |_| true)),
];

/// Damage to commissions and withdrawals: C1, C3–C6, W1–W5, and L2–L4 of the commission account.
pub const COMMISSION: &[Row] = &[
    ("a second level above the base", &["C1", "C3", "C7", "O4"], |scan| {
        let second = scan.find("commission", |commission| !commission["second_of"].is_null());
        *amount(&mut second["amount"]) = json!("100");
    }),
    ("an account with more available than its entries say", &["C3", "L2", "O4"], |scan| {
        *amount(&mut scan.one("commission_account")["available"]) = json!("77")
    }),
    ("the number of an account's last entry", &["L2"], |scan| up(&mut scan.one("commission_account")["seq"])),
    ("an entry's amount before it", &["L3", "L7"], |scan| {
        entry_of(scan.find("posting", caused_by("commission:")))["before"]["S"] = json!("1");
    }),
    ("a posting of the commission account that is lost", &["C1", "C8", "L2", "L3", "L7"], |scan| {
        scan.remove("posting", caused_by("commission:"));
    }),
    ("a commission of another amount", &["C3", "C4", "O4"], |scan| {
        *amount(&mut scan.find("commission", is_partly_left)["amount"]) = json!("70");
    }),
    ("a commission of which less is left", &["C1", "C3", "C4", "C5", "O4"], |scan| {
        *amount(&mut scan.find("commission", is_partly_left)["left"]) = json!("0.5");
    }),
    ("a commission at another rate", &["C4"], |scan| scan.one("commission")["rate"]["S"] = json!("0.2")),
    ("a commission of somebody else", &["C1", "C5", "O4"], |scan| {
        let dave = scan.id_of("dave");
        scan.find("commission", is_partly_left)["invitee"]["S"] = json!(dave);
    }),
    ("a commission of another order", &["C1"], |scan| {
        scan.find("commission", is_partly_left)["last"]["M"]["step"]["N"] = json!("9");
    }),
    ("a commission that waits on no list", &["C1"], |scan| scan.remove("maturing", |_| true)),
    ("a commission counted twice", &["C5"], |scan| up(&mut scan.one("earnings")["orders"])),
    ("a commission beyond the limit", &["C5"], |scan| up(&mut scan.find("commission", is_partly_left)["number"])),
    ("a month that left something else", &["C6"], |scan| {
        let user = scan.text("commission_account", |_| true, "user");
        let zero = || json!({"M": {"USD": {"N": "0"}}});
        scan.0.push(json!({
            "pk": {"S": format!("AFFILIATE#{user}")}, "sk": {"S": "MONTH#2026-10"}, "type": {"S": "commission_month"},
            "tx": {"S": "t"}, "v": {"N": "1"}, "rev": {"N": "1"}, "user": {"S": user}, "month": {"S": "2026-10"},
            "postings": {"N": "1"}, "pending": zero(), "available": zero(), "held": zero(), "debt": zero(),
        }));
    }),
    ("a year that earned more", &["C8"], |scan| *amount(&mut scan.one("affiliate_year")["earned"]) = json!("99")),
    ("a year with a payout more", &["C8"], |scan| up(&mut scan.one("affiliate_year")["payouts"])),
    ("a year that counts an entry that is not there", &["C8"], |scan| up(&mut scan.one("affiliate_year")["postings"])),
    ("a year that is lost", &["C8"], |scan| scan.remove("affiliate_year", |_| true)),
    ("a commission that is lost", &["C1", "C3", "C5", "O2"], |scan| scan.remove("commission", is_partly_left)),
    ("a withdrawal of another amount", &["O4", "W1", "W2"], |scan| {
        *amount(&mut scan.find("withdrawal", of_a_user("requested"))["amount"]) = json!("0.7");
    }),
    ("a withdrawal paid without a journal", &["O4", "W1", "W2"], |scan| {
        scan.find("withdrawal", of_a_user("requested"))["state"]["S"] = json!("paid");
    }),
    ("a withdrawal that one admin approved twice", &["W3"], |scan| {
        let id = scan.text("withdrawal", of_a_user("paid"), "id");
        let paid = |posting: &Value| posting["cause"]["S"] == format!("withdrawal:{id}") && posting["step"]["N"] == "1";
        let admin = scan.text("posting", paid, "actor").replace("admin:", "");
        scan.find("withdrawal", of_a_user("paid"))["first_approval"] = json!({"M": {
            "admin": {"S": admin}, "at": {"S": "2026-11-21T16:00:00Z"}, "reference": {"S": "SEPA 16"},
        }});
    }),
    ("a payout account of somebody who asked for no cash", &["W4"], |scan| {
        let nobody = scan.text("user", |user| is_named(user, "carol"), "id");
        let users = scan.find("payout_account", |_| true)["users"]["L"].as_array_mut().unwrap();
        users.push(json!({"S": nobody}));
    }),
    ("a line of a payout batch of another amount", &["W5"], |scan| {
        *amount(&mut line_in(scan)["amount"]) = json!("0.2");
    }),
    ("a line of a payout batch that ended on its own", &["W5"], |scan| line_in(scan)["end"] = json!({"S": "paid"})),
    ("a payout batch that lost its withdrawal", &["W5"], |scan| {
        remove(scan.find("withdrawal", |one| !one["batch"].is_null()), "batch");
    }),
    ("a withdrawal in a payout batch without a line", &["W5"], |scan| {
        let batch = scan.text("payout_batch", |_| true, "id");
        scan.find("withdrawal", of_a_user("requested"))["batch"] = json!({"S": batch});
    }),
    ("a payout batch that is lost", &["W5"], |scan| scan.remove("payout_batch", |_| true)),
    ("a payout batch by the admin of the first approval", &["W3"], |scan| {
        let admin = scan.text("payout_batch", |_| true, "made_by");
        scan.find("withdrawal", |one| !one["batch"].is_null())["first_approval"] = json!({"M": {
            "admin": {"S": admin}, "at": {"S": "2026-11-21T16:00:00Z"}, "reference": {"S": "SEPA 16"},
        }});
    }),
    ("a withdrawal that is done and has no end", &["O4", "W1"], |scan| {
        remove(scan.find("withdrawal", has("state", "done")), "settled_at");
    }),
    ("a withdrawal that is lost", &["O2", "W2"], |scan| scan.remove("withdrawal", of_a_user("paid"))),
    ("a withdrawal's share of the balance", &["L1", "L3", "L7", "W1"], |scan| {
        let share = scan.find("posting", |posting| {
            caused_by("withdrawal:")(posting) && entry(posting)["account"]["S"] == "balance"
        });
        *amount(&mut entry_of(share)["amount"]) = json!("1.4");
    }),
];

/// The line of the payout batch.
fn line_in(scan: &mut Scan) -> &mut Value {
    &mut scan.one("payout_batch")["lines"]["L"][0]["M"]
}

/// Condition: a withdrawal of a user's commission in this state.
fn of_a_user(state: &'static str) -> impl Fn(&Value) -> bool {
    move |withdrawal| withdrawal["shop"].is_null() && withdrawal["state"]["S"] == state
}

/// Condition: the scene's partly clawed-back commission.
fn is_partly_left(commission: &Value) -> bool {
    !commission["left"].is_null()
}

/// Damage to redemption codes: K1–K3.
pub const CODES: &[Row] = &[
    ("a batch that lacks a code", &["K1"], |scan| scan.remove("code", |code| code["used"]["N"] == "0")),
    ("a batch without the texts that were brought to it", &["K1"], |scan| scan.remove("brought_texts", |_| true)),
    ("more codes to redeem than there are", &["K1", "O4"], |scan| up(&mut scan.one("batch")["redeemable"])),
    ("a count above its redemptions", &["K1"], |scan| up(&mut scan.find("code", used_twice)["used"])),
    ("a shard's count above its redemptions", &["K1"], |scan| up(&mut scan.one("code_shard")["used"])),
    ("a share beyond the total", &["K1"], |scan| up(&mut scan.one("code_shard")["own_uses"])),
    ("a use beyond one user's", &["K1"], |scan| scan.one("redemption")["per_user_limit"]["N"] = json!("0")),
    ("a redemption that is lost", &["K1", "K2", "O2"], |scan| {
        scan.remove("redemption", |redemption| !redemption["extension"].is_null());
    }),
    ("a redemption that was taken back on paper", &["K1", "K2", "O4"], |scan| {
        let counted = |redemption: &Value| redemption["counted"]["S"] != "nowhere";
        let redemption = scan.find("redemption", |of| !of["credit"].is_null() && counted(of));
        let undone = json!({"admin": {"S": "usr_01arz3ndektsv4rrffq69g5fav"}, "reason": {"S": "sorry"}, "at": redemption["redeemed_at"]});
        redemption["undone"] = json!({"M": undone});
    }),
    ("a credit without its redemption", &["K2", "L7"], |scan| {
        scan.find("posting", caused_by("redemption:"))["cause"]["S"] = json!("redemption:other");
    }),
    ("a subscription that ends another time", &["K2"], |scan| {
        scan.one("subscription")["expires_at"]["S"] = json!("2027-01-01T00:00:00Z");
    }),
    ("a subscription that began another time", &["K2"], |scan| {
        scan.one("subscription")["starts_at"]["S"] = json!("2026-01-01T00:00:00Z");
    }),
    ("a code that differs from its batch and counts with it", &["K1"], |scan| {
        scan.find("code", used_twice)["terms"]["M"]["expires_at"] = json!({"S": "2099-01-01T00:00:00Z"});
    }),
    ("a redemption after its code had expired", &["K1", "K3"], |scan| {
        let code = scan.find("code", used_twice);
        code["terms"]["M"]["expires_at"] = json!({"S": "2026-11-20T00:00:00Z"});
    }),
    ("a redemption under an edition to come", &["K3"], |scan| up(&mut scan.one("redemption")["edition"])),
];

fn used_twice(code: &Value) -> bool {
    code["used"]["N"] == "2"
}

/// Damage to messages: O1, O2, O4.
pub const MESSAGES: &[Row] = &[
    ("a promise that was not kept", &["O1"], |scan| {
        let user = scan.id_of("ann");
        scan.outbox(json!({"kind": {"S": "user_registered"}, "user": {"S": user}}));
    }),
    ("a payment told that was not made", &["O1", "O2"], |scan| {
        let pending = has("status", "pending");
        let (order, user) = (scan.text("order", &pending, "id"), scan.text("order", &pending, "user"));
        let inviter = scan.id_of("bob");
        let message =
            json!({"kind": {"S": "order_paid"}, "order": {"S": order}, "user": {"S": user}, "inviter": {"S": inviter}});
        scan.outbox(message);
    }),
    ("a reward told that is not there", &["O1", "O2"], |scan| {
        let user = scan.id_of("ann");
        let reward = "rwd_01arz3ndektsv4rrffq69g5fav";
        let message = json!({"kind": {"S": "reward_settled"}, "reward": {"S": reward}, "beneficiary": {"S": user}});
        scan.outbox(message);
    }),
    ("a mail to nobody", &["O1", "O2"], |scan| {
        let message =
            json!({"kind": {"S": "mail"}, "mail": {"S": "verification"}, "email": {"S": "x"}, "nonce": {"S": "y"}});
        scan.outbox(message);
    }),
    ("somebody counted who does not exist", &["O2", "O4"], |scan| {
        let counted = scan.find("counted", |counted| counted["pk"]["S"].as_str().unwrap().starts_with("USER#"));
        for field in ["pk", "subject"] {
            counted[field]["S"] = json!("USER#usr_01arz3ndektsv4rrffq69g5fav");
        }
    }),
    ("what is counted of an order", &["O4"], |scan| {
        let counted = scan.find("counted", |counted| counted["pk"]["S"].as_str().unwrap().starts_with("ORDER#"));
        counted["tallies"]["M"]["orders.credit"] = json!({"S": "1000"});
    }),
    ("a total", &["O4"], |scan| {
        let totals = scan.find("statistics", |totals| !is_of_a_day(totals) && !totals["users"].is_null());
        up(&mut totals["users"]);
    }),
    ("a day's total", &["O4"], |scan| {
        let days = scan.find("statistics", |totals| is_of_a_day(totals) && !totals["users"].is_null());
        up(&mut days["users"]);
    }),
];

/// Changes between two scans: L5, A1, P6.
pub const HISTORY: &[Row] = &[
    ("an entry's remark", &["L5"], |scan| {
        entry_of(scan.find("posting", adjusted_by("2.5")))["remark"]["S"] = json!("something else");
    }),
    ("a house posting that is gone", &["L5"], |scan| scan.remove("posting", caused_by("review:"))),
    ("another inviter", &["A1"], |scan| {
        let dave = scan.id_of("dave");
        scan.person("carol")["attribution"]["M"]["inviter"]["S"] = json!(dave);
    }),
    ("an inviter that is gone", &["A1"], |scan| remove(scan.person("carol"), "attribution")),
    ("other terms", &["A1"], |scan| {
        promise(scan.person("bob"), "4/0");
    }),
    ("a paid order that is pending again", &["P6"], |scan| {
        scan.find("order", has("status", "paid"))["status"]["S"] = json!("pending");
    }),
    ("a cancelled order that expires", &["P6"], |scan| {
        scan.find("order", has("status", "cancelled"))["status"]["S"] = json!("expired");
    }),
    ("another charge", &["P6"], |scan| *amount(&mut scan.one("order")["charge"]) = json!("1")),
    ("an order that is gone", &["P6"], |scan| scan.remove("order", has("status", "expired"))),
];

/// Differences to the providers' book: P4.
pub const BOOK: &[Row] = &[
    ("the captured amount", &["P4"], |scan| {
        *amount(&mut scan.find("payment", has("provider", "zpay"))["captured"]["M"]["amount"]) = json!("6");
    }),
    ("a payment that is gone", &["P4"], |scan| scan.remove("payment", has("provider", "zpay"))),
    ("a journal that is gone", &["P4"], |scan| scan.remove("posting", caused_by("payment:zpay"))),
    ("money that left suspense by itself", &["P4"], |scan| scan.remove("posting", caused_by("review:"))),
    ("a journal that takes money from another provider", &["P4"], |scan| {
        let posting = scan.find("posting", caused_by("payment:zpay"));
        let lines = posting["house"]["L"].as_array_mut().unwrap();
        let line = lines.iter_mut().find(|line| line["M"]["account"]["S"] == "provider:zpay").unwrap();
        line["M"]["account"]["S"] = json!("provider:stripe");
    }),
];

/// True for a day's totals.
fn is_of_a_day(totals: &Value) -> bool {
    totals["sk"]["S"].as_str().unwrap().contains('#')
}
