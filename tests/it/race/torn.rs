//! Reads torn by a race (G1): items that were read on both sides of somebody else's commit contradict each other.
//!
//! That is a conflict, so the plan is made again. Only a contradiction that stays is a bug.

use std::cell::Cell;
use std::future::poll_fn;
use std::task::Poll;

use serde_json::{Value, json};
use shared::kernel::fault::{Error, Fault};
use shared::table::context::Ctx;

use super::together;
use crate::affiliate::commission::{hundred, invited};
use crate::agency::cash;
use crate::world::{Answer, World};

/// Lets the others go first this many times.
async fn after<T>(turns: usize, asked: impl Future<Output = T>) -> T {
    let left = Cell::new(turns);
    poll_fn(|context| match left.get() {
        0 => Poll::Ready(()),
        some => {
            left.set(some - 1);
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
    asked.await
}

/// G1: a plan whose reads contradict each other is made again; a contradiction that stays is a bug.
#[test]
fn a_contradiction_is_a_conflict_until_it_stays() {
    World::run(async |world| {
        let app = &world.stack.app;
        for passing in [1, 5] {
            let plans = Cell::new(0);
            let plan = || async {
                plans.set(plans.get() + 1);
                let torn = plans.get() <= passing;
                if torn { Err(Error::from(Fault::bug("torn"))) } else { Ok((plans.get(), app.tx())) }
            };
            assert_eq!(app.execute(&Ctx::system(), plan).await.unwrap().answer, passing + 1);
        }
        let plans = Cell::new(0);
        let plan = || async {
            plans.set(plans.get() + 1);
            Err::<((), _), _>(Error::from(Fault::bug("it is so")))
        };
        let error = app.execute(&Ctx::system(), plan).await.unwrap_err();
        assert!(matches!(error, Error::Fault(Fault::Bug(_))) && (2..50).contains(&plans.get()), "{error} {plans:?}");
    });
}

/// G1, R6.6: an approval and a cancellation that meet at any of their calls end in one transition, and the loser gets a 409.
#[test]
fn a_withdrawal_that_is_closed_twice_at_once_is_refused_once() {
    for (turns, first) in (0..12).flat_map(|turns| [(turns, true), (turns, false)]) {
        World::run(async |world| {
            invited(world).await;
            world.settings("affiliate", |affiliate| affiliate["min_cash_withdrawal"] = json!("0.5")).await;
            hundred(world).await;
            let payout = json!({"method": "bank", "account": "DE02 1203 0000 0000 2020 51"});
            let cash = json!({"amount": "1", "to": "cash", "payout": payout});
            let asked = world.user("ann").once().post("/v1/affiliate/withdrawals", cash).await.is(201);
            let id = asked["id"].as_str().unwrap();
            let close = async |approve: bool| -> Answer {
                if approve {
                    let path = format!("/v1/admin/withdrawals/{id}/approve");
                    world.admin().post(&path, json!({"reference": "SEPA 17"})).await
                } else {
                    world.user("ann").post(&format!("/v1/affiliate/withdrawals/{id}/cancel"), json!({})).await
                }
            };
            let both = vec![after(0, close(first)), after(turns, close(!first))];
            let mut statuses: Vec<u16> = together(both).await.iter().map(|answer| answer.status).collect();
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 409], "{turns} turns");
        });
    }
}

/// G1, R6.6: the same for a withdrawal of a shop, whose wallet is read beside it.
#[test]
fn cash_of_a_shop_that_is_closed_twice_at_once_is_refused_once() {
    for (turns, first) in (0..12).flat_map(|turns| [(turns, true), (turns, false)]) {
        World::run(async |world| {
            cash::sold(world).await;
            let id = cash::cash(world, "a", "10").await;
            let close = async |approve: bool| -> Answer {
                if approve {
                    let path = format!("/v1/admin/withdrawals/{id}/approve");
                    world.admin().post(&path, json!({"reference": "SEPA 17"})).await
                } else {
                    world.user("a").post(&format!("{}/{id}/cancel", cash::CASH), json!({})).await
                }
            };
            let both = vec![after(0, close(first)), after(turns, close(!first))];
            let mut statuses: Vec<u16> = together(both).await.iter().map(|answer| answer.status).collect();
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 409], "{turns} turns");
        });
    }
}

/// G1, R7.8: undos of one redemption that meet at any of their calls take it back once, and all are told so.
#[test]
fn a_redemption_that_is_undone_twice_at_once_is_undone_once() {
    for turns in 0..12 {
        World::run(async |world| {
            world.register("bob", None).await;
            let batch = json!({"label": "x", "count": 1, "credit": "5", "total_uses": 1, "per_user_limit": 1});
            let code = world.codes(batch).await.remove(0);
            let redeemed: Value = world.redeem("bob", &code).await.is(201);
            let path = format!("/v1/admin/redemption/records/{}/undo", redeemed["id"].as_str().unwrap());
            let undo = |key: &str| world.admin().key(key).post(&path, json!({"reason": "twice"}));
            for answer in together(vec![after(0, undo("a")), after(turns, undo("b"))]).await {
                answer.is(200);
            }
            assert_eq!(world.balance("bob").await, "0");
        });
    }
}
