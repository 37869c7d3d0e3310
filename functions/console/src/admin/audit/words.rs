//! Texts of the actions in the audit log (C7.4).

use fluent_static::Message;

use crate::text::Texts;

impl Texts {
    /// An action of the audit log; one that has no text yet stands as it is.
    #[rustfmt::skip]
    pub fn audit_action(&self, action: &str) -> Message {
        match action {
            "balance.adjusted" => self.act_balance_adjusted(),
            "batch.created" => self.act_batch_created(),
            "batch.extended" => self.act_batch_extended(),
            "batch.topped_up" => self.act_batch_topped_up(),
            "batch.status_set" => self.act_batch_status_set(),
            "code.deleted" => self.act_code_deleted(),
            "code.edited" => self.act_code_edited(),
            "commission.reversed" => self.act_commission_reversed(),
            "commission.released" => self.act_commission_released(),
            "risk.released" => self.act_risk_released(),
            "risk.rejected" => self.act_risk_rejected(),
            "commission.posted" => self.act_commission_posted(),
            "bonus.released" => self.act_bonus_released(),
            "order.completed" => self.act_order_completed(),
            "order.completion_undone" => self.act_order_completion_undone(),
            "order.refund_confirmed" => self.act_order_refund_confirmed(),
            "order.refund_recorded" => self.act_order_refund_recorded(),
            "order.refund_requested" => self.act_order_refund_requested(),
            "plan.changed" => self.act_plan_changed(),
            "plan.created" => self.act_plan_created(),
            "redemption.undone" => self.act_redemption_undone(),
            "review.refund_confirmed" => self.act_review_refund_confirmed(),
            "review.resolved" => self.act_review_resolved(),
            "reward.retried" => self.act_reward_retried(),
            "series.changed" => self.act_series_changed(),
            "series.created" => self.act_series_created(),
            "service_key.made" => self.act_service_key_made(),
            "service_key.revoked" => self.act_service_key_revoked(),
            "settings.changed" => self.act_settings_changed(),
            "shop.adjusted" => self.act_shop_adjusted(),
            "shop.created" => self.act_shop_created(),
            "shop.changed" => self.act_shop_changed(),
            "user.affiliate_policy_set" => self.act_user_affiliate_policy_set(),
            "user.erased" => self.act_user_erased(),
            "user.invite_code_set" => self.act_user_invite_code_set(),
            "user.inviter_set" => self.act_user_inviter_set(),
            "user.made_admin" => self.act_user_made_admin(),
            "user.recovery_code_used" => self.act_user_recovery_code_used(),
            "user.recovery_codes_made" => self.act_user_recovery_codes_made(),
            "user.second_factor_removed" => self.act_user_second_factor_removed(),
            "user.second_factor_reset" => self.act_user_second_factor_reset(),
            "user.second_factor_set" => self.act_user_second_factor_set(),
            "user.role_set" => self.act_user_role_set(),
            "user.status_set" => self.act_user_status_set(),
            "webhook_endpoint.changed" => self.act_webhook_endpoint_changed(),
            "webhook_endpoint.deleted" => self.act_webhook_endpoint_deleted(),
            "webhook_endpoint.disabled" => self.act_webhook_endpoint_disabled(),
            "webhook_endpoint.made" => self.act_webhook_endpoint_made(),
            "package.created" => self.act_package_created(),
            "package.changed" => self.act_package_changed(),
            "grant.created" => self.act_grant_created(),
            "grant.changed" => self.act_grant_changed(),
            "grant.deleted" => self.act_grant_deleted(),
            "grant.lowered" => self.act_grant_lowered(),
            "grant.retail_set" => self.act_grant_retail_set(),
            "grant.packages_changed" => self.act_grant_packages_changed(),
            "purchase.refund_corrected" => self.act_purchase_refund_corrected(),
            "asset.created" => self.act_asset_created(),
            "asset.moved" => self.act_asset_moved(),
            other => self.audit_payout(other),
        }
    }

    /// Action about withdrawals and imports.
    fn audit_payout(&self, action: &str) -> Message {
        match action {
            "import.users" => self.act_import_users(),
            "import.codes" => self.act_import_codes(),
            "import.balances" => self.act_import_balances(),
            "import.referrals" => self.act_import_referrals(),
            "withdrawal.approved" => self.act_withdrawal_approved(),
            "withdrawal.paid" => self.act_withdrawal_paid(),
            "withdrawal.rejected" => self.act_withdrawal_rejected(),
            "payout_batch.made" => self.act_payout_batch_made(),
            "payout_batch.dropped" => self.act_payout_batch_dropped(),
            other => self.act_other(other.to_owned()),
        }
    }
}
