//! Workload of the operator on accounts, and of the operator's backend.

use rand_chacha::rand_core::Rng;
use serde_json::{Value, json};

use super::Play;
use crate::account::notices::bounced;

/// Kinds of notices.
const KINDS: [&str; 4] = ["payment_credited", "reward_granted", "withdrawal_settled", "promotion_ending"];

impl Play<'_> {
    /// Id of a user, if the admin's request succeeds.
    async fn id_of(&self, user: &str) -> Option<String> {
        let me = self.world.user(user).get("/v1/me").await;
        (me.status == 200).then(|| me.is(200)["id"].as_str().unwrap().to_owned())
    }

    /// Blocks a user and unblocks them a while later; rewards earned meanwhile are held.
    pub async fn block(&mut self) {
        let Some(user) = self.one(&self.users.clone()) else { return };
        let Some(id) = self.id_of(&user).await else { return };
        let path = format!("/v1/admin/users/{id}/status");
        let status = |status: &str| json!({"status": status, "reason": "looked into"});
        self.world.admin().put(&path, status("blocked")).await;
        self.order().await;
        self.pay().await;
        self.world.settle().await;
        loop {
            self.world.stack.faults.clear();
            if self.world.admin().put(&path, status("active")).await.status == 200 {
                break;
            }
        }
        self.trouble();
    }

    /// Gives a user a vanity code; two users may choose the same.
    pub async fn vanity(&mut self) {
        let Some(user) = self.one(&self.users.clone()) else { return };
        let Some(id) = self.id_of(&user).await else { return };
        let body = json!({"code": format!("OWN{}CODE", self.below(4))});
        let path = format!("/v1/admin/users/{id}/invite-code");
        for _ in 0..=self.below(2) {
            self.world.admin().put(&path, body.clone()).await;
        }
    }

    /// Erases a user, unless that is refused. No later step uses an erased user.
    pub async fn erase(&mut self) {
        if self.users.len() < 4 || self.below(3) > 0 {
            return;
        }
        let Some(user) = self.one(&self.users.clone()) else { return };
        let Some(id) = self.id_of(&user).await else { return };
        let path = format!("/v1/admin/users/{id}/erase");
        self.world.admin().once().post(&path, json!({"reason": "they asked", "acknowledge_balance": true})).await;
        self.world.stack.faults.clear();
        let done =
            self.world.admin().once().post(&path, json!({"reason": "they asked", "acknowledge_balance": true})).await;
        if done.status == 200 {
            self.users.retain(|known| *known != user);
        }
        self.trouble();
    }

    /// Undoes a redemption, perhaps twice.
    pub async fn undo(&mut self) {
        let list = self.world.admin().get("/v1/admin/redemption/records?limit=100").await;
        if list.status != 200 {
            return;
        }
        let Some(record) = self.one(list.is(200)["items"].as_array().unwrap()) else { return };
        let path = format!("/v1/admin/redemption/records/{}/undo", record["id"].as_str().unwrap());
        let key = format!("u{}", self.rng.next_u32());
        for _ in 0..=self.below(2) {
            self.world.admin().key(&key).post(&path, json!({"reason": "sorry"})).await;
        }
    }

    /// Polls the provider about an order, as its user or as an admin.
    pub async fn verify(&mut self) {
        let Some(order) = self.one(&self.orders.clone()) else { return };
        let path = format!("/v1/admin/payment/orders/{}/verify", order["id"].as_str().unwrap());
        self.world.admin().post(&path, json!({})).await;
        if let Some(user) = self.one(&self.users.clone()) {
            let path = format!("/v1/payment/orders/{}/verify", order["id"].as_str().unwrap());
            self.world.user(&user).post(&path, json!({})).await;
        }
    }

    /// Asks for the receipt of an order, as each user: it is one user's, and perhaps not paid.
    pub async fn receipt(&mut self) {
        let Some(order) = self.one(&self.orders.clone()) else { return };
        let path = format!("/v1/payment/orders/{}/receipt", order["id"].as_str().unwrap());
        for user in &self.users {
            self.world.user(user).once().post(&path, json!({})).await;
        }
    }

    /// A user chooses the mails they get; perhaps the last one bounces, then or before.
    pub async fn mails(&mut self) {
        let Some(user) = self.one(&self.users.clone()) else { return };
        let wanted: Value = KINDS.iter().map(|kind| ((*kind).to_owned(), json!(self.below(2) == 0))).collect();
        let address = format!("{user}@example.com");
        for chooses in [self.below(2) == 0, self.below(2) == 0] {
            if chooses {
                self.world.user(&user).put("/v1/me/mails", wanted.clone()).await;
            } else if !self.world.stack.mailbox.sent(Some(&address)).is_empty() {
                // A fault leaves it to the rule, which gives the event again.
                drop(self.world.stack.event(&bounced(self.world, &address)).await);
            }
        }
    }

    /// The operator's backend registers a customer, reports purchases, credits and debits.
    pub async fn backend(&mut self) {
        let service = self.service.clone();
        let key = format!("s{}", self.rng.next_u32());
        let mut body = json!({"external_id": format!("c-{}", self.below(6))});
        if let Some(code) = self.one(&self.codes.clone()) {
            body["referral_code"] = json!(code);
        }
        let made = self.world.holder(&service).post("/v1/service/users", body).await;
        if made.status != 201 && made.status != 200 {
            return;
        }
        let made: Value = serde_json::from_str(&made.text).unwrap();
        let customer = made["id"].as_str().unwrap();
        let movement = json!({"amount": format!("{}.5", self.below(9)), "related_id": key, "remark": "a job"});
        let number = self.below(8);
        let (path, body) = match self.below(4) {
            0 => (format!("/v1/service/users/{customer}/credits"), movement),
            1 => (format!("/v1/service/users/{customer}/debits"), movement),
            2 => {
                let amount = (self.below(90) + 10).to_string();
                let order = json!({
                    "user_id": customer, "external_order_id": format!("x-{number}"), "amount": amount, "currency": "CNY",
                    "paid_at": self.world.stack.app.clock.now().to_string(),
                });
                ("/v1/service/purchases".to_owned(), order)
            }
            _ => {
                let part =
                    json!({"amount": (self.below(30) + 1).to_string(), "refund_id": format!("r-{}", self.below(3))});
                (format!("/v1/service/purchases/x-{number}/refunds"), part)
            }
        };
        for _ in 0..=self.below(2) {
            self.world.holder(&service).key(&key).post(&path, body.clone()).await;
        }
    }
}
