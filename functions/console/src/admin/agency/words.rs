//! Texts of the agency's values: a `match` without a wildcard over each (C7.4).

use fluent_static::Message;
use rust_decimal::Decimal;
use shared::agency::model::asset::AssetKind;
use shared::agency::model::grant::GrantStatus;
use shared::agency::model::order::{OrderKind, PaidBy};
use shared::agency::model::series::{CommissionKind, CommissionTier, Comparison, Dimension, SalesScope, TriggerKind};
use shared::agency::model::wallet::WalletPart;

use crate::text::Texts;

impl Texts {
    /// Kind of an asset.
    pub fn asset_kind(&self, kind: AssetKind) -> Message {
        match kind {
            AssetKind::Card => self.tree_card(),
            AssetKind::Device => self.tree_device(),
        }
    }

    /// State of a grant, with its tone.
    pub fn grant_status(&self, status: GrantStatus) -> (&'static str, Message) {
        match status {
            GrantStatus::Active => ("ok", self.tree_active()),
            GrantStatus::Disabled => ("bad", self.tree_disabled()),
            GrantStatus::Deleted => ("", self.tree_deleted()),
        }
    }

    /// Kind of an agency order.
    pub fn sale_kind(&self, kind: OrderKind) -> Message {
        match kind {
            OrderKind::Purchase => self.tree_purchase(),
            OrderKind::Recharge => self.tree_recharge(),
        }
    }

    /// Way in which an agency order is paid.
    pub fn sale_paid_by(&self, paid_by: PaidBy) -> Message {
        match paid_by {
            PaidBy::Wallet => self.tree_by_wallet(),
            PaidBy::Online => self.tree_by_online(),
            PaidBy::Offline => self.tree_by_offline(),
            PaidBy::Asset => self.tree_by_asset(),
        }
    }

    /// Kind of a series' commission.
    pub fn commission_kind(&self, kind: CommissionKind) -> Message {
        match kind {
            CommissionKind::None => self.tree_commission_none(),
            CommissionKind::Fixed => self.tree_commission_fixed(),
            CommissionKind::Tiered => self.tree_commission_tiered(),
        }
    }

    /// Measure of a tier.
    pub fn dimension(&self, dimension: Dimension) -> Message {
        match dimension {
            Dimension::SalesCount => self.tree_sales_count(),
            Dimension::SalesAmount => self.tree_sales_amount(),
        }
    }

    /// Sales that a tier counts.
    pub fn sales_scope(&self, scope: SalesScope) -> Message {
        match scope {
            SalesScope::Own => self.tree_scope_own(),
            SalesScope::SelfAndSub => self.tree_scope_all(),
        }
    }

    /// Comparison with a threshold.
    pub fn comparison(&self, of: Comparison) -> Message {
        match of {
            Comparison::Above => self.tree_above(),
            Comparison::AtLeast => self.tree_at_least(),
            Comparison::Below => self.tree_below(),
            Comparison::AtMost => self.tree_at_most(),
        }
    }

    /// A tier in words: when it applies.
    pub fn tier_when(&self, tier: &CommissionTier) -> Message {
        let (what, whose) = (self.dimension(tier.dimension), self.sales_scope(tier.scope));
        self.tree_tier(what.to_string(), whose.to_string(), tier.operator.as_str(), plain(tier.threshold))
    }

    /// What makes a commission due.
    pub fn trigger_kind(&self, kind: TriggerKind) -> Message {
        match kind {
            TriggerKind::FirstRecharge => self.tree_first_recharge(),
            TriggerKind::AccumulatedRecharge => self.tree_accumulated_recharge(),
        }
    }

    /// An account of a wallet.
    pub fn wallet_part(&self, part: WalletPart) -> Message {
        match part {
            WalletPart::Main => self.tree_wallet_main(),
            WalletPart::Commission => self.tree_wallet_commission(),
            WalletPart::Held => self.tree_wallet_held(),
        }
    }

    /// A refusal of a form of the agency; `None` for one that is no such.
    pub fn refused_agency(&self, code: &str) -> Option<Message> {
        Some(match code {
            "user_has_shop" => self.refused_user_has_shop(),
            "shop_in_use" => self.refused_shop_in_use(),
            "series_in_use" => self.refused_series_in_use(),
            "series_code_taken" => self.refused_series_code_taken(),
            "already_granted" => self.refused_already_granted(),
            "allocator_not_granted" => self.refused_allocator_not_granted(),
            "ceiling_exceeded" => self.refused_ceiling_exceeded(),
            "tiers_mismatch" => self.refused_tiers_mismatch(),
            "package_not_in_series" => self.refused_package_not_in_series(),
            "package_not_granted" => self.refused_package_not_granted(),
            "cost_below_parent" => self.refused_cost_below_parent(),
            "grant_has_children" => self.refused_grant_has_children(),
            "grant_disabled" => self.refused_grant_disabled(),
            "children_above" => self.refused_children_above(),
            "change_under_way" => self.refused_change_under_way(),
            "identifier_taken" => self.refused_identifier_taken(),
            "forced_recharge_required" => self.refused_forced_recharge_required(),
            _ => return None,
        })
    }

    /// Error of a field of a form of the agency; of a setting for any other.
    pub fn field_agency(&self, pointer: &str, code: &str) -> Message {
        match (pointer, code) {
            ("/user_id", _) => self.field_agent(),
            ("/parent_id", "too_deep") => self.field_too_deep(),
            ("/parent_id", _) => self.field_parent(),
            ("/identifier", _) => self.field_identifier(),
            ("/name" | "/code", "taken") => self.field_package_code(),
            ("/retail_price", "out_of_range") => self.field_below_cost(),
            ("/payment", "other_currency") => self.field_other_currency(),
            (_, "twice") => self.field_twice(),
            (_, "not_offered") => self.field_package_not_sold(),
            (_, code) => self.setting_error(code),
        }
    }

    /// Success of a form of the agency; `None` for an unknown code.
    pub fn said_agency(&self, code: &str) -> Option<Message> {
        Some(match code {
            "shop_made" => self.said_shop_made(),
            "shop_saved" => self.said_shop_saved(),
            "shop_adjusted" => self.said_shop_adjusted(),
            "commission_moved" => self.said_commission_moved(),
            "series_made" => self.said_series_made(),
            "series_saved" => self.said_series_saved(),
            "package_made" => self.said_package_made(),
            "package_saved" => self.said_package_saved(),
            "grant_made" => self.said_grant_made(),
            "grant_saved" => self.said_grant_saved(),
            "grant_deleted" => self.said_grant_deleted(),
            "retail_saved" => self.said_retail_saved(),
            "asset_made" => self.said_asset_made(),
            "asset_moved" => self.said_asset_moved(),
            "sale_made" => self.said_sale_made(),
            _ => return None,
        })
    }
}

/// A decimal without digits that say nothing.
pub fn plain(of: Decimal) -> String {
    of.normalize().to_string()
}
