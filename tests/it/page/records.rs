//! All records: filters, and what caused them (C3.2).

use serde_json::json;

use super::client::Shown;
use super::topup::{both, enter};
use crate::world::World;

fn rows(page: &Shown) -> Vec<String> {
    page.root.all("tbody").iter().flat_map(|body| body.all("tr")).map(|row| row.text()).collect()
}

/// C3.2: records are filtered by type and day; a filter that leaves nothing offers the way back.
#[test]
fn records_are_filtered_by_type_and_day() {
    for (words, _) in both() {
        World::run(async |world| {
            world.open().await;
            let id = world.register("ann", None).await["user"]["id"].as_str().unwrap().to_owned();
            let path = format!("/v1/admin/users/{id}/adjustments");
            for remark in ["on the first day", "on the second day"] {
                let gift = json!({"amount": "5", "remark": remark});
                world.sign_in("admin").await;
                world.admin().once().post(&path, gift).await.is(200);
                world.advance(24 * 3_600).await;
            }
            world.sign_in("admin").await;
            let ann = enter(world, words, "ann").await;
            let filtered = async |query: &str| rows(&ann.open(&format!("/records?{query}")).await);
            assert_eq!(filtered("").await.len(), 2);
            for (query, kept) in
                [("from=2026-11-21", "second"), ("to=2026-11-20", "first"), ("from=2026-11-21&to=2026-11-21", "second")]
            {
                let rows = filtered(query).await;
                assert!(rows.len() == 1 && rows[0].contains(kept), "{query}: {rows:?}");
            }
            assert_eq!(filtered("type=admin&from=no-day").await.len(), 2, "what is no day filters nothing");
            let none = ann.open("/records?from=2026-11-25").await;
            assert_eq!(none.link(if words.lang == "en" { "Reset" } else { "重置" }), "/records");
        });
    }
}

/// C3.2: a record leads to what caused it, and to nothing that is a friend's.
#[test]
fn a_record_leads_to_what_caused_it() {
    World::run(async |world| {
        crate::affiliate::commission::invited(world).await;
        crate::affiliate::commission::hundred(world).await;
        let order = world.order("ann", json!({"offer_id": "o100", "provider": "zpay"})).await;
        world.pay(&order, json!({})).await;
        world.settle().await;
        let half = json!({"amount": "0.5", "to": "balance"});
        world.user("ann").once().post("/v1/affiliate/withdrawals", half).await.is(201);
        world.settle().await;
        let (words, _) = both().next().unwrap();
        let ann = enter(world, words, "ann").await;
        let links = |page: &Shown| {
            let links = page.root.all("tbody")[0].all("a");
            links.iter().map(|link| link.of("href").unwrap().to_owned()).collect::<Vec<_>>()
        };
        let balance = ann.open("/records").await;
        let order = format!("/orders/{}", order["id"].as_str().unwrap());
        assert_eq!(links(&balance), ["/affiliate/withdrawals", &order]);
        let commission = ann.open("/records?account=commission").await;
        assert!(links(&commission).iter().all(|link| link == "/affiliate/withdrawals"), "{:?}", links(&commission));
        assert!(commission.says().contains("Available"), "{}", commission.says());
    });
}
