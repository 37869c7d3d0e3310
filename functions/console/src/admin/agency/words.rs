//! Texts of the agency's values: a `match` without a wildcard over each (C7.4).

use fluent_static::Message;
use rust_decimal::Decimal;
use shared::agency::model::series::{Comparison, Dimension, TriggerKind};
use shared::agency::model::wallet::WalletPart;

use crate::text::Texts;

impl Texts {
    /// Measure of a tier.
    pub fn dimension(&self, dimension: Dimension) -> Message {
        match dimension {
            Dimension::SalesCount => self.tree_sales_count(),
            Dimension::SalesAmount => self.tree_sales_amount(),
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

    /// Trigger of a commission.
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
        match code {
            "series_code_taken" => Some(self.refused_series_code_taken()),
            code => self.refused_shop(code),
        }
    }

    /// Error of a field of a form of the agency; of a setting for any other.
    pub fn field_agency(&self, pointer: &str, code: &str) -> Message {
        match (pointer, code) {
            ("/retail_price", "out_of_range") => self.field_below_cost(),
            ("/commission/tiers", _) => self.field_tiers(),
            ("/payment", "other_currency") => self.field_other_currency(),
            (_, "twice") => self.field_twice(),
            (_, "not_offered") => self.field_package_not_sold(),
            (_, code) => self.setting_error(code),
        }
    }

    /// Success of a form of the agency; `None` for an unknown code.
    pub fn said_agency(&self, code: &str) -> Option<Message> {
        Some(match code {
            "shop_adjusted" => self.said_shop_adjusted(),
            "series_made" => self.said_series_made(),
            "series_saved" => self.said_series_saved(),
            "package_made" => self.said_package_made(),
            "package_saved" => self.said_package_saved(),
            _ => return None,
        })
    }
}

/// A decimal without digits that say nothing.
pub fn plain(of: Decimal) -> String {
    of.normalize().to_string()
}
