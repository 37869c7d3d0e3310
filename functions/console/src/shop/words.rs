//! Texts of the values of the agency, and messages after its forms: a `match` without a wildcard over each enum (C7.4).

// Methods of the texts, which the macro writes.
#![allow(clippy::needless_pass_by_value)]

use fluent_static::Message;
use maud::{Markup, html};
use shared::agency::model::asset::AssetKind;
use shared::agency::model::grant::{GrantStatus, Own};
use shared::agency::model::order::{OrderKind, PaidBy};
use shared::agency::model::series::{
    CommissionKind, CommissionTerms, CommissionTier, Comparison, Dimension, SalesScope,
};

use super::desk::Desk;
use crate::text::Texts;

impl Texts {
    /// State of a grant, with its tone.
    pub fn grant_status(&self, status: GrantStatus) -> (&'static str, Message) {
        match status {
            GrantStatus::Active => ("ok", self.shop_grant_active()),
            GrantStatus::Disabled => ("bad", self.shop_grant_disabled()),
            GrantStatus::Deleted => ("", self.shop_grant_deleted()),
        }
    }

    /// Kind of an asset.
    pub fn asset_kind(&self, kind: AssetKind) -> Message {
        match kind {
            AssetKind::Card => self.shop_card(),
            AssetKind::Device => self.shop_device(),
        }
    }

    /// Kind of a sale.
    pub fn sale_kind(&self, kind: OrderKind) -> Message {
        match kind {
            OrderKind::Purchase => self.shop_purchase(),
            OrderKind::Recharge => self.shop_recharge(),
        }
    }

    /// How a sale is paid.
    pub fn sale_paid_by(&self, by: PaidBy) -> Message {
        match by {
            PaidBy::Wallet => self.shop_by_wallet(),
            PaidBy::Online => self.shop_by_online(),
            PaidBy::Offline => self.shop_by_offline(),
            PaidBy::Asset => self.shop_by_asset(),
        }
    }

    /// Sales that count towards a tier.
    pub fn sales_scope(&self, scope: SalesScope) -> Message {
        match scope {
            SalesScope::Own => self.shop_scope_own(),
            SalesScope::SelfAndSub => self.shop_scope_all(),
        }
    }

    /// Condition of a tier.
    pub fn tier_condition(&self, of: &CommissionTier, currency: &str) -> Message {
        let sign = match of.operator {
            Comparison::Above => ">",
            Comparison::AtLeast => "≥",
            Comparison::Below => "<",
            Comparison::AtMost => "≤",
        };
        let threshold = of.threshold.normalize().to_string();
        match of.dimension {
            Dimension::SalesCount => self.shop_tier_count(sign.to_owned(), threshold),
            Dimension::SalesAmount => self.shop_tier_amount(sign.to_owned(), format!("{threshold} {currency}")),
        }
    }

    /// Kind of a one-time commission.
    pub fn commission_kind(&self, kind: CommissionKind) -> Message {
        match kind {
            CommissionKind::None => self.shop_kind_none(),
            CommissionKind::Fixed => self.shop_kind_fixed(),
            CommissionKind::Tiered => self.shop_kind_tiered(),
        }
    }

    /// A refusal of a form of agents; `None` for one that is no such.
    pub fn refused_shop(&self, code: &str) -> Option<Message> {
        Some(match code {
            "user_has_shop" => self.refused_user_has_shop(),
            "shop_in_use" => self.refused_shop_in_use(),
            "already_granted" => self.refused_already_granted(),
            "allocator_not_granted" => self.refused_allocator_not_granted(),
            "ceiling_exceeded" => self.refused_ceiling_exceeded(),
            "tiers_mismatch" => self.refused_tiers_mismatch(),
            "package_not_in_series" | "package_not_granted" => self.refused_package_not_granted(),
            "cost_below_parent" => self.refused_cost_below_parent(),
            "grant_has_children" => self.refused_grant_has_children(),
            "children_above" => self.refused_children_above(),
            "change_under_way" => self.refused_change_under_way(),
            "grant_disabled" => self.refused_grant_disabled(),
            "forced_recharge_required" => self.refused_forced_recharge(),
            "identifier_taken" => self.refused_identifier_taken(),
            "series_in_use" => self.refused_series_in_use(),
            _ => return None,
        })
    }

    /// Error of a field of a form of agents; `None` for one of another form.
    pub fn field_shop(&self, pointer: &str, code: &str) -> Option<Message> {
        let of_list = |list: &str, field: &str| pointer.starts_with(list) && pointer.ends_with(field);
        Some(match (pointer, code) {
            (_, code) if let Some(most) = code.strip_prefix("ceiling_exceeded:") => self.field_above(most),
            (_, code) if let Some(least) = code.strip_prefix("cost_below_parent:") => self.field_cost_below(least),
            (_, code) if let Some(least) = code.strip_prefix("below_cost:") => self.field_cost_below(least),
            (_, code) if let Some(least) = code.strip_prefix("forced:") => self.field_forced(least),
            (_, "identifier_taken") => self.refused_identifier_taken(),
            (_, "user_has_shop") => self.refused_user_has_shop(),
            (_, "already_granted") => self.refused_already_granted(),
            (_, "wallet_short") => self.field_wallet_short(),
            (_, "commission_short") => self.field_commission_short(),
            ("/user_id", _) => self.field_agent_id(),
            ("/parent_id", "too_deep") => self.field_too_deep(),
            ("/parent_id", _) => self.field_shop_choice(),
            ("/shop_id" | "/series_id", _) => self.field_shop_choice(),
            ("/identifier", _) => self.field_identifier(),
            ("/retail_price" | "/commission_amount" | "/forced_recharge/amount", _) => self.field_agency_amount(),
            ("/payment", _) => self.field_sale_payment(),
            ("/package_ids", _) => self.field_packages(),
            _ if of_list("/package_ids/", "") => self.field_package_gone(),
            _ if of_list("/commission_tiers/", "/amount") || of_list("/packages/", "/cost_price") => {
                self.field_agency_amount()
            }
            _ => return None,
        })
    }

    /// Success of a form of agents; `None` for an unknown code.
    pub fn said_shop(&self, code: &str) -> Option<Message> {
        Some(match code {
            "shop_made" => self.said_shop_made(),
            "shop_saved" => self.said_shop_saved(),
            "shop_moved" => self.said_shop_moved(),
            "grant_made" => self.said_grant_made(),
            "grant_saved" => self.said_grant_saved(),
            "grant_was_disabled" => self.said_grant_disabled(),
            "grant_was_enabled" => self.said_grant_enabled(),
            "grant_was_deleted" => self.said_grant_deleted(),
            "price_saved" => self.said_price_saved(),
            "asset_made" => self.said_asset_made(),
            "asset_moved" => self.said_asset_moved(),
            "sale_made" => self.said_sale_made(),
            "commission_moved" => self.said_commission_moved(),
            _ => return None,
        })
    }
}

/// A shop's own part of a commission, in short.
pub fn own_terms(desk: &Desk, of: &CommissionTerms, own: &Own) -> Markup {
    let text = desk.text();
    let currency = desk.settings.currency.code();
    match of.kind {
        CommissionKind::None => html! { span.muted { (text.shop_kind_none()) } },
        CommissionKind::Tiered if !of.tiers.is_empty() => html! {
            ul.stack-xs {
                @for tier in &of.tiers {
                    li { (desk.money(own.at(tier.threshold).unwrap_or_default())) " " span.small.muted { (text.tier_condition(tier, currency)) } }
                }
            }
        },
        CommissionKind::Fixed | CommissionKind::Tiered => desk.money(own.amount),
    }
}
