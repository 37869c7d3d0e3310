//! Authorization matrix: every route × every kind of caller. A route outside the matrix fails.

use std::collections::BTreeMap;

use emulator::stack::functions::operations;
use serde_json::json;
use shared::account::model::scope::AdminScope;

use crate::world::World;

#[derive(Debug, Clone, Copy, PartialEq)]
enum For {
    Anybody,
    User,
    /// Admins without scopes.
    Admin,
    /// Admins without scopes, and admins with this scope.
    With(AdminScope),
    /// Agents with a shop, admins without scopes or with the agency scope.
    Seller,
    /// Agents with a shop, admins without scopes.
    Trader,
    /// The operator's backend, with this scope.
    Backend(&'static str),
}

const MATRIX: &[(&str, For)] = &[
    ("GET /v1/health", For::Anybody),
    ("GET /v1/openapi.json", For::Anybody),
    ("GET /.well-known/jwks.json", For::Anybody),
    ("GET /v1/settings/public", For::Anybody),
    ("GET /v1/ledger/heads/{date}", For::Anybody),
    ("POST /v1/registrations", For::Anybody),
    ("POST /v1/registrations/verify", For::Anybody),
    ("POST /v1/registrations/resend", For::Anybody),
    ("POST /v1/sessions", For::Anybody),
    ("DELETE /v1/sessions", For::Anybody),
    ("POST /v1/sessions/refresh", For::Anybody),
    ("POST /v1/sessions/challenge", For::Anybody),
    ("PUT /v1/me", For::User),
    ("GET /v1/me/mails", For::User),
    ("PUT /v1/me/mails", For::User),
    ("POST /v1/mails/unsubscribe", For::Anybody),
    ("PUT /v1/me/password", For::User),
    ("PUT /v1/me/email", For::User),
    ("POST /v1/me/email/confirm", For::User),
    ("GET /v1/me/sessions", For::User),
    ("DELETE /v1/me/sessions/{id}", For::User),
    ("GET /v1/me/export", For::User),
    ("GET /v1/me/second-factor", For::User),
    ("POST /v1/me/second-factor", For::User),
    ("POST /v1/me/second-factor/confirm", For::User),
    ("POST /v1/me/second-factor/verify", For::User),
    ("POST /v1/me/second-factor/recovery-codes", For::User),
    ("DELETE /v1/me/second-factor", For::User),
    ("POST /v1/password-resets", For::Anybody),
    ("POST /v1/password-resets/confirm", For::Anybody),
    ("GET /v1/me", For::User),
    ("GET /v1/balance", For::User),
    ("GET /v1/balance/records", For::User),
    ("GET /v1/balance/statements/{month}/proof", For::User),
    ("GET /v1/referral-codes/{code}", For::Anybody),
    ("GET /v1/referral", For::User),
    ("POST /v1/referral/inviter", For::User),
    ("GET /v1/referral/invitees", For::User),
    ("GET /v1/referral/rewards", For::User),
    ("GET /v1/affiliate", For::User),
    ("GET /v1/affiliate/codes", For::User),
    ("POST /v1/affiliate/codes", For::User),
    ("DELETE /v1/affiliate/codes/{code}", For::User),
    ("GET /v1/affiliate/commissions", For::User),
    ("GET /v1/affiliate/statements", For::User),
    ("GET /v1/affiliate/statements/{month}", For::User),
    ("GET /v1/affiliate/statements/{month}/proof", For::User),
    ("GET /v1/affiliate/years", For::User),
    ("POST /v1/affiliate/withdrawals", For::User),
    ("GET /v1/affiliate/withdrawals", For::User),
    ("POST /v1/affiliate/withdrawals/{id}/cancel", For::User),
    ("POST /v1/redemptions", For::User),
    ("GET /v1/redemptions", For::User),
    ("GET /v1/subscriptions", For::User),
    ("GET /v1/promotion", For::User),
    ("GET /v1/payment/config", For::User),
    ("POST /v1/payment/orders", For::User),
    ("GET /v1/payment/orders", For::User),
    ("GET /v1/payment/orders/{id}", For::User),
    ("POST /v1/payment/orders/{id}/cancel", For::User),
    ("POST /v1/payment/orders/{id}/verify", For::User),
    ("GET /v1/payment/orders/{id}/receipt", For::User),
    ("POST /v1/payment/orders/{id}/receipt", For::User),
    ("POST /v1/webhooks/stripe", For::Anybody),
    ("GET /v1/webhooks/zpay", For::Anybody),
    ("POST /v1/webhooks/zpay", For::Anybody),
    ("GET /v1/admin/settings/{area}", For::With(AdminScope::SettingsWrite)),
    ("PUT /v1/admin/settings/{area}", For::With(AdminScope::SettingsWrite)),
    ("POST /v1/admin/simulations", For::With(AdminScope::SettingsWrite)),
    ("GET /v1/admin/stats", For::With(AdminScope::StatsRead)),
    ("GET /v1/admin/liabilities", For::With(AdminScope::StatsRead)),
    ("GET /v1/admin/waiting", For::With(AdminScope::StatsRead)),
    ("GET /v1/admin/stats/daily", For::With(AdminScope::StatsRead)),
    ("GET /v1/admin/users", For::Admin),
    ("GET /v1/admin/users/{id}", For::Admin),
    ("GET /v1/admin/users/{id}/balance", For::Admin),
    ("PUT /v1/admin/users/{id}/status", For::Admin),
    ("POST /v1/admin/users/{id}/erase", For::Admin),
    ("PUT /v1/admin/users/{id}/role", For::Admin),
    ("POST /v1/admin/users/{id}/second-factor/reset", For::Admin),
    ("PUT /v1/admin/users/{id}/invite-code", For::Admin),
    ("PUT /v1/admin/users/{id}/inviter", For::Admin),
    ("PUT /v1/admin/users/{id}/affiliate-policy", For::Admin),
    ("POST /v1/admin/users/{id}/adjustments", For::Admin),
    ("POST /v1/admin/import/users", For::Admin),
    ("POST /v1/admin/import/codes", For::Admin),
    ("POST /v1/admin/import/balances", For::Admin),
    ("POST /v1/admin/import/referrals", For::Admin),
    ("GET /v1/admin/records", For::Admin),
    ("GET /v1/admin/referrals", For::Admin),
    ("GET /v1/admin/rewards", For::Admin),
    ("POST /v1/admin/rewards/{id}/retry", For::Admin),
    ("GET /v1/admin/commissions", For::Admin),
    ("POST /v1/admin/commissions", For::Admin),
    ("POST /v1/admin/commissions/release", For::Admin),
    ("POST /v1/admin/commissions/reverse", For::Admin),
    ("GET /v1/payment/price", For::User),
    ("GET /v1/admin/budgets", For::Admin),
    ("GET /v1/admin/risk/cases", For::Admin),
    ("POST /v1/admin/risk/cases/release", For::Admin),
    ("POST /v1/admin/risk/cases/reject", For::Admin),
    ("POST /v1/admin/risk/cases/{id}/release", For::Admin),
    ("POST /v1/admin/risk/cases/{id}/reject", For::Admin),
    ("GET /v1/admin/coupons", For::With(AdminScope::OrdersRead)),
    ("POST /v1/admin/commissions/{id}/release", For::Admin),
    ("POST /v1/admin/commissions/{id}/reverse", For::Admin),
    ("GET /v1/admin/affiliate/years/{year}", For::Admin),
    ("GET /v1/admin/affiliate/years/{year}/export.csv", For::Admin),
    ("GET /v1/admin/withdrawals", For::With(AdminScope::WithdrawalsApprove)),
    ("GET /v1/admin/payout-batches", For::With(AdminScope::WithdrawalsApprove)),
    ("POST /v1/admin/payout-batches", For::With(AdminScope::WithdrawalsApprove)),
    ("GET /v1/admin/payout-batches/{id}", For::With(AdminScope::WithdrawalsApprove)),
    ("GET /v1/admin/payout-batches/{id}/file.csv", For::With(AdminScope::WithdrawalsApprove)),
    ("GET /v1/admin/payout-batches/{id}/file.xml", For::With(AdminScope::WithdrawalsApprove)),
    ("POST /v1/admin/payout-batches/{id}/close", For::With(AdminScope::WithdrawalsApprove)),
    ("POST /v1/admin/payout-batches/{id}/fail", For::With(AdminScope::WithdrawalsApprove)),
    ("POST /v1/admin/payout-batches/{id}/drop", For::With(AdminScope::WithdrawalsApprove)),
    ("POST /v1/admin/withdrawals/approve", For::With(AdminScope::WithdrawalsApprove)),
    ("POST /v1/admin/withdrawals/reject", For::With(AdminScope::WithdrawalsApprove)),
    ("POST /v1/admin/withdrawals/{id}/approve", For::With(AdminScope::WithdrawalsApprove)),
    ("POST /v1/admin/withdrawals/{id}/reject", For::With(AdminScope::WithdrawalsApprove)),
    ("GET /v1/admin/payment/orders", For::With(AdminScope::OrdersRead)),
    ("GET /v1/admin/payment/orders/summary", For::With(AdminScope::OrdersRead)),
    ("GET /v1/admin/payment/orders/{id}", For::With(AdminScope::OrdersRead)),
    ("GET /v1/admin/payment/orders/{id}/explain", For::With(AdminScope::OrdersRead)),
    ("POST /v1/admin/payment/orders/{id}/complete", For::Admin),
    ("POST /v1/admin/payment/orders/{id}/bonus/release", For::Admin),
    ("POST /v1/admin/payment/orders/{id}/complete/undo", For::Admin),
    ("POST /v1/admin/payment/orders/{id}/verify", For::Admin),
    ("POST /v1/admin/payment/orders/{id}/refunds", For::With(AdminScope::OrdersRefund)),
    ("POST /v1/admin/payment/orders/{id}/refunds/{refund_id}/confirm", For::With(AdminScope::OrdersRefund)),
    ("GET /v1/admin/payment/reviews", For::With(AdminScope::OrdersRead)),
    ("POST /v1/admin/payment/reviews/{id}/resolve", For::Admin),
    ("POST /v1/admin/payment/reviews/{id}/confirm", For::Admin),
    ("GET /v1/shops", For::Seller),
    ("POST /v1/shops", For::Seller),
    ("GET /v1/shops/{id}", For::Seller),
    ("PUT /v1/shops/{id}", For::Seller),
    ("GET /v1/series", For::Seller),
    ("POST /v1/series", For::With(AdminScope::GrantsWrite)),
    ("GET /v1/series/{id}", For::Seller),
    ("PUT /v1/series/{id}", For::With(AdminScope::GrantsWrite)),
    ("GET /v1/series/{id}/packages", For::Seller),
    ("POST /v1/series/{id}/packages", For::With(AdminScope::GrantsWrite)),
    ("PUT /v1/series/{id}/packages/{package_id}", For::With(AdminScope::GrantsWrite)),
    ("GET /v1/shop-series-grants", For::Seller),
    ("POST /v1/shop-series-grants", For::Seller),
    ("GET /v1/shop-series-grants/{id}", For::Seller),
    ("PUT /v1/shop-series-grants/{id}", For::Seller),
    ("DELETE /v1/shop-series-grants/{id}", For::Seller),
    ("PUT /v1/shop-series-grants/{id}/packages", For::Seller),
    ("PUT /v1/shop-series-grants/{id}/packages/{package_id}/retail", For::Seller),
    ("GET /v1/assets", For::Seller),
    ("POST /v1/assets", For::Seller),
    ("GET /v1/assets/{id}", For::Seller),
    ("PUT /v1/assets/{id}", For::Seller),
    ("POST /v1/assets/{id}/purchase-check", For::Seller),
    ("POST /v1/assets/{id}/recharge-check", For::Seller),
    ("GET /v1/agency/orders", For::Seller),
    ("POST /v1/agency/orders", For::Trader),
    ("GET /v1/agency/orders/{id}", For::Seller),
    ("GET /v1/agency/commissions", For::Seller),
    ("GET /v1/agency/wallet", For::Seller),
    ("GET /v1/agency/wallet/records", For::Seller),
    ("GET /v1/assets/{id}/records", For::Seller),
    ("POST /v1/agency/wallet/transfers", For::Trader),
    ("GET /v1/agency/wallet/withdrawals", For::Seller),
    ("POST /v1/agency/wallet/withdrawals", For::Trader),
    ("POST /v1/agency/wallet/withdrawals/{id}/cancel", For::Trader),
    ("POST /v1/admin/shops/{id}/adjustments", For::Admin),
    ("GET /v1/admin/payment/reconciliations", For::With(AdminScope::OrdersRead)),
    ("GET /v1/admin/payment/reconciliations/{date}", For::With(AdminScope::OrdersRead)),
    ("GET /v1/admin/plans", For::With(AdminScope::CodesIssue)),
    ("POST /v1/admin/plans", For::Admin),
    ("GET /v1/admin/plans/{id}", For::With(AdminScope::CodesIssue)),
    ("PUT /v1/admin/plans/{id}", For::Admin),
    ("GET /v1/admin/redemption/batches", For::With(AdminScope::CodesIssue)),
    ("POST /v1/admin/redemption/batches", For::With(AdminScope::CodesIssue)),
    ("GET /v1/admin/redemption/batches/{id}", For::With(AdminScope::CodesIssue)),
    ("GET /v1/admin/redemption/batches/{id}/export.csv", For::With(AdminScope::CodesIssue)),
    ("POST /v1/admin/redemption/batches/{id}/resume", For::With(AdminScope::CodesIssue)),
    ("PUT /v1/admin/redemption/batches/{id}/status", For::With(AdminScope::CodesIssue)),
    ("PUT /v1/admin/redemption/batches/{id}/expiry", For::With(AdminScope::CodesIssue)),
    ("POST /v1/admin/redemption/batches/{id}/codes", For::With(AdminScope::CodesIssue)),
    ("GET /v1/admin/redemption/codes", For::With(AdminScope::CodesIssue)),
    ("PUT /v1/admin/redemption/codes/{code}", For::Admin),
    ("DELETE /v1/admin/redemption/codes/{code}", For::Admin),
    ("PUT /v1/admin/redemption/codes/{code}/status", For::Admin),
    ("POST /v1/admin/redemption/codes/delete", For::Admin),
    ("GET /v1/admin/redemption/records", For::Admin),
    ("POST /v1/admin/redemption/records/{id}/undo", For::Admin),
    ("GET /v1/admin/service-keys", For::Admin),
    ("POST /v1/admin/service-keys", For::Admin),
    ("DELETE /v1/admin/service-keys/{id}", For::Admin),
    ("GET /v1/admin/webhook-endpoints", For::Admin),
    ("POST /v1/admin/webhook-endpoints", For::Admin),
    ("PUT /v1/admin/webhook-endpoints/{id}", For::Admin),
    ("DELETE /v1/admin/webhook-endpoints/{id}", For::Admin),
    ("GET /v1/admin/webhook-endpoints/{id}/deliveries", For::Admin),
    ("POST /v1/admin/webhook-endpoints/{id}/deliveries/{delivery_id}/replay", For::Admin),
    ("GET /v1/admin/audit", For::Admin),
    ("POST /v1/service/users", For::Backend("users:write")),
    ("GET /v1/service/users/{id}", For::Backend("users:read")),
    ("POST /v1/service/users/{id}/sessions", For::Backend("sessions:create")),
    ("POST /v1/service/users/{id}/debits", For::Backend("ledger:write")),
    ("POST /v1/service/users/{id}/credits", For::Backend("ledger:write")),
    ("GET /v1/service/purchases", For::Backend("purchases:write")),
    ("GET /v1/service/purchases/{external_order_id}", For::Backend("purchases:write")),
    ("GET /v1/service/purchases/{external_order_id}/explain", For::Backend("purchases:write")),
    ("GET /v1/service/withdrawals", For::Backend("withdrawals:settle")),
    ("POST /v1/service/withdrawals/{id}/settle", For::Backend("withdrawals:settle")),
    ("POST /v1/service/purchases", For::Backend("purchases:write")),
    ("POST /v1/service/purchases/{external_order_id}/refunds", For::Backend("purchases:write")),
    ("POST /v1/service/purchases/{external_order_id}/corrections", For::Backend("purchases:write")),
];

const SCOPES: [&str; 6] =
    ["users:write", "users:read", "sessions:create", "ledger:write", "purchases:write", "withdrawals:settle"];

/// Every operation with its allowed callers, its method, and a path with unknown ids.
fn routes(world: &World) -> Vec<(String, For, String, String)> {
    let matrix: BTreeMap<&str, For> = MATRIX.iter().copied().collect();
    let routes = world.stack.template.functions.iter().flat_map(|function| operations(&function.binary));
    let routes = routes.map(|(method, path)| {
        let name = format!("{method} {path}");
        let open = *matrix.get(name.as_str()).unwrap_or_else(|| panic!("{name} is not in the matrix"));
        let path = path
            .replace("{id}", "usr_x")
            .replace("{area}", "referral")
            .replace("{refund_id}", "rfd_x")
            .replace("{date}", "2026-11-20")
            .replace("{package_id}", "pkg_x")
            .replace("{code}", "ABCD");
        (name, open, method, path)
    });
    routes.collect()
}

/// R2.5: an admin with scopes may call the routes of those scopes only: each route × each scope.
#[test]
fn an_admin_with_scopes_may_do_what_they_name() {
    World::run(async |world| {
        let told = world.register("clerk", None).await;
        let id = told["user"]["id"].as_str().unwrap();
        let role = format!("/v1/admin/users/{id}/role");
        for scope in AdminScope::ALL {
            let answer = world.admin().put(&role, json!({"role": "admin", "scopes": [scope.as_str()]})).await;
            assert_eq!(answer.is(200)["scopes"], json!([scope.as_str()]));
            world.sign_in("clerk").await;
            for (name, open, method, path) in routes(world) {
                let forbidden = world.user("clerk").key("k").raw(&method, &path, "{}").await.status == 403;
                let expected = match open {
                    For::Anybody | For::User => false,
                    For::Admin | For::Trader | For::Backend(_) => true,
                    For::Seller => scope != AdminScope::GrantsWrite,
                    For::With(other) => scope != other,
                };
                assert_eq!(forbidden, expected, "{name} for {scope:?}");
            }
        }
        let trail = world.admin().get(&format!("/v1/admin/audit?subject={id}")).await.is(200);
        let trail: Vec<&str> =
            trail["items"].as_array().unwrap().iter().filter_map(|of| of["after"].as_str()).collect();
        assert_eq!(trail.len(), AdminScope::ALL.len());
        assert!(trail.contains(&"admin: stats:read"), "{trail:?}");
    });
}

/// R2.5: an admin can't lock themselves out.
#[test]
fn an_admin_does_not_lock_themselves_out() {
    World::run(async |world| {
        let me = world.admin().get("/v1/me").await.is(200)["id"].as_str().unwrap().to_owned();
        for (what, body) in [
            ("role", json!({"role": "user"})),
            ("role", json!({"role": "admin", "scopes": ["stats:read"]})),
            ("status", json!({"status": "blocked", "reason": "by mistake"})),
        ] {
            world.admin().put(&format!("/v1/admin/users/{me}/{what}"), body).await.refused(403, "forbidden");
        }
        world.admin().get("/v1/admin/users").await.is(200);
    });
}

/// R2.5: unknown scopes, and scopes for a user who is no admin, are rejected.
#[test]
fn only_an_admin_has_scopes_and_only_those_there_are() {
    World::run(async |world| {
        let told = world.register("bob", None).await;
        let role = format!("/v1/admin/users/{}/role", told["user"]["id"].as_str().unwrap());
        for body in [json!({"role": "admin", "scopes": ["orders"]}), json!({"role": "user", "scopes": ["orders:read"]})]
        {
            world.admin().put(&role, body).await.refused(422, "invalid");
        }
        world.user("bob").get("/v1/admin/stats").await.refused(403, "forbidden");
    });
}

/// R2.5, R2.6: no identity is 401, a caller without permission is 403.
/// Neither depends on the body.
#[test]
fn every_route_is_open_to_whom_the_matrix_says() {
    World::run(async |world| {
        world.register("bob", None).await;
        for (name, open, method, path) in routes(world) {
            let nobody = world.nobody().key("k").raw(&method, &path, "{}").await.status;
            let forged = world.nobody().header("authorization", "Bearer forged").key("k");
            let forged = forged.raw(&method, &path, "{}").await.status;
            let user = world.user("bob").key("k").raw(&method, &path, "{}").await.status;
            // The key has only this route's scope or, if the route has none, every scope.
            let (own, others): (Vec<&str>, Vec<&str>) = SCOPES.iter().partition(|scope| open == For::Backend(scope));
            let only = world.service_key("only", if own.is_empty() { &SCOPES } else { &own }).await;
            let less = world.service_key("less", &others).await;
            let backend = world.holder(&only).key("k").raw(&method, &path, "{}").await.status;
            let less = world.holder(&less).key("k").raw(&method, &path, "{}").await.status;
            match open {
                For::Anybody => {}
                For::Backend(_) => assert!(backend != 401 && backend != 403 && less == 403, "{name} {backend} {less}"),
                For::User | For::Admin | For::With(_) | For::Seller | For::Trader => {
                    assert_eq!((backend, less), (401, 401), "{name} takes a service key")
                }
            }
            match open {
                For::Backend(_) => assert_eq!((nobody, forged, user), (401, 401, 403), "{name}"),
                For::Anybody => assert!(nobody != 401 && nobody != 403, "{name} turns nobody away: {nobody}"),
                For::User => assert_eq!((nobody, forged, user == 401 || user == 403), (401, 401, false), "{name}"),
                For::Admin | For::With(_) | For::Seller | For::Trader => {
                    assert_eq!((nobody, forged, user), (401, 401, 403), "{name}")
                }
            }
        }
    });
}

/// R2.5: a demoted or blocked admin is none any more, though the token still names the role.
#[test]
fn a_demoted_admin_is_none_though_the_token_says_so() {
    World::run(async |world| {
        let told = world.register("bob", None).await;
        let role = format!("/v1/admin/users/{}/role", told["user"]["id"].as_str().unwrap());
        world.admin().put(&role, json!({"role": "admin", "scopes": []})).await.is(200);
        world.sign_in("bob").await;
        world.user("bob").get("/v1/admin/users").await.is(200);
        world.admin().put(&role, json!({"role": "user", "scopes": []})).await.is(200);
        world.user("bob").get("/v1/admin/users").await.refused(403, "forbidden");
    });
}
