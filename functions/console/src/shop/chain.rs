//! The earnings of a sale, level by level from the selling shop up (R8.9, R8.10); for pages of agents and of staff.

use std::collections::BTreeMap;

use maud::{Markup, html};
use shared::agency::model::shop::Shop;
use shared::agency::view::LevelEarningsView;
use shared::edge::view::Amount;
use shared::kernel::id::ShopId;

use crate::list::{Column, table};
use crate::parts::{HERE, around, money};
use crate::visit::Visit;

/// Levels with the names of their shops; the platform's part of the one-time commission where it may be seen.
pub fn chain(
    visit: &Visit,
    shops: &BTreeMap<ShopId, Shop>,
    levels: &[LevelEarningsView],
    platform: Option<&Amount>,
) -> Markup {
    let text = &visit.text;
    let columns = [
        Column::Text(text.shop_chain_level()),
        Column::Text(text.shop_chain_tier()),
        Column::Number(text.shop_one_time()),
        Column::Number(text.shop_difference()),
    ];
    let name = |id: Option<ShopId>| id.and_then(|id| shops.get(&id)).map(|shop| shop.name.clone());
    let row = |(place, level): (usize, &LevelEarningsView)| {
        vec![
            html! {
                span.break { (name(level.shop_id).unwrap_or_default()) }
                @if place == 0 { small { (text.shop_chain_seller()) } }
            },
            html! { @match &level.tier { Some(tier) => (around(&text.shop_tier_at(HERE), &html! { span.num { (tier) } })), None => "—" } },
            money(&level.one_time),
            money(&level.difference),
        ]
    };
    let mut rows: Vec<Vec<Markup>> = levels.iter().enumerate().map(row).collect();
    rows.extend(platform.map(|part| vec![html! { (text.shop_platform()) }, html! { "—" }, money(part), html! { "—" }]));
    table(&columns, &rows)
}
