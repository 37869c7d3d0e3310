//! Workload of affiliates, and of the operator's decisions on commissions.

use rand_chacha::rand_core::Rng;
use serde_json::json;

use super::Play;

impl Play<'_> {
    /// Withdraws too much or a part, to the balance or as cash, once or twice under one key.
    pub async fn withdraw(&mut self) {
        let Some(user) = self.one(&self.users.clone()) else { return };
        let amount = format!("0.{}", self.below(99) + 1);
        let mut body = json!({"amount": amount, "to": "balance"});
        if self.below(2) == 0 {
            body["to"] = json!("cash");
            body["payout"] = json!({"method": "bank", "account": "DE02120300000000202051"});
        }
        let key = format!("w{}", self.rng.next_u32());
        for _ in 0..=self.below(2) {
            self.world.user(&user).key(&key).post("/v1/affiliate/withdrawals", body.clone()).await;
        }
    }

    /// Approves, rejects or cancels an open withdrawal, or several of these at once.
    pub async fn decide(&mut self) {
        let open = self.world.admin().get("/v1/admin/withdrawals?state=requested&limit=100").await;
        if open.status != 200 {
            return;
        }
        let open = open.is(200)["items"].as_array().unwrap().clone();
        let Some(withdrawal) = self.one(&open) else { return };
        let id = withdrawal["id"].as_str().unwrap().to_owned();
        for _ in 0..=self.below(2) {
            match self.below(3) {
                0 => {
                    let path = format!("/v1/admin/withdrawals/{id}/approve");
                    self.world.admin().post(&path, json!({"reference": "SEPA"})).await;
                }
                1 => {
                    let path = format!("/v1/admin/withdrawals/{id}/reject");
                    self.world.admin().post(&path, json!({"reason": "unknown account"})).await;
                }
                _ => {
                    for user in self.users.clone() {
                        let path = format!("/v1/affiliate/withdrawals/{id}/cancel");
                        self.world.user(&user).post(&path, json!({})).await;
                    }
                    for agent in ["a", "b", "c"] {
                        let path = format!("/v1/agency/wallet/withdrawals/{id}/cancel");
                        self.world.user(agent).post(&path, json!({})).await;
                    }
                }
            }
        }
    }

    /// Creates or deactivates a code, changes a policy, or reverses a commission.
    pub async fn invite(&mut self) {
        let Some(user) = self.one(&self.users.clone()) else { return };
        match self.below(4) {
            0 | 1 => {
                let answer = self.world.user(&user).once().post("/v1/affiliate/codes", json!({"label": "play"})).await;
                if answer.status == 201 {
                    self.codes.push(answer.is(201)["code"].as_str().unwrap().to_owned());
                }
            }
            2 => {
                if let Some(code) = self.one(&self.codes.clone()) {
                    self.world.user(&user).raw("DELETE", &format!("/v1/affiliate/codes/{code}"), "").await;
                }
            }
            _ => self.overrule(&user).await,
        }
    }

    async fn overrule(&mut self, user: &str) {
        let me = self.world.user(user).get("/v1/me").await;
        let list = self.world.admin().get("/v1/admin/commissions?limit=100").await;
        if me.status != 200 || list.status != 200 {
            return;
        }
        let policy = json!({"rate": "0.25", "trigger_limit": self.below(3), "can_invite": self.below(4) > 0});
        let id = me.is(200)["id"].as_str().unwrap().to_owned();
        self.world.admin().put(&format!("/v1/admin/users/{id}/affiliate-policy"), policy).await;
        let list = list.is(200)["items"].as_array().unwrap().clone();
        if let Some(commission) = self.one(&list) {
            let path = format!("/v1/admin/commissions/{}/reverse", commission["id"].as_str().unwrap());
            self.world.admin().post(&path, json!({"reason": "own account"})).await;
        }
    }
}
