//! Messages after forms of staff: successes, refusals, errors of fields (C7.4).

use fluent_static::Message;

use crate::text::Texts;

impl Texts {
    /// A refusal of a form of staff; `None` for one that is no such.
    pub fn refused_staff(&self, code: &str) -> Option<Message> {
        Some(match code {
            "currency_in_use" => self.refused_currency_in_use(),
            "version_mismatch" => self.refused_version_mismatch(),
            "account_erased" => self.refused_account_erased(),
            "withdrawal_not_in_batch" => self.refused_withdrawal_not_in_batch(),
            "nothing_to_gather" => self.refused_nothing_to_gather(),
            "payout_batch_closed" => self.refused_payout_batch_closed(),
            "payout_file_unavailable" => self.refused_payout_file_unavailable(),
            "withdrawal_open" => self.refused_withdrawal_open(),
            "balance_left" => self.refused_balance_left(),
            "invite_code_taken" => self.refused_invite_code_taken(),
            "insufficient_balance" => self.refused_insufficient_balance(),
            "not_held" => self.refused_not_held(),
            "budget_exceeded" => self.refused_budget_exceeded(),
            "reward_not_failed" => self.refused_reward_not_failed(),
            _ => return self.refused_agency(code),
        })
    }

    /// Error of a field of a form of staff; of a setting for any other.
    pub fn field_staff(&self, pointer: &str, code: &str) -> Message {
        match (pointer, code) {
            ("/remark", _) => self.field_text_500(),
            ("/confirm", _) => self.field_confirm_differs(),
            ("/rate", _) => self.field_rate_part(),
            ("/format", _) => self.field_payout_format(),
            ("/month" | "/until", _) => self.field_payout_month(),
            ("/scopes", _) => self.field_scopes(),
            ("/url", _) => self.field_hook_url(),
            ("/events", _) => self.field_hook_events(),
            ("/starts_at", _) => self.field_a_time(),
            ("/expires_at", _) => self.field_a_time(),
            ("/plan_id", _) => self.field_plan_unknown(),
            ("/unit", _) => self.field_plan_unknown(),
            ("/credit", "not_a_decimal") => self.setting_error_decimal(),
            ("/credit", _) => self.field_benefit(),
            ("/count", _) => self.field_number_range(),
            ("/total_uses", _) => self.field_number_range(),
            ("/per_user_limit", _) => self.field_number_range(),
            ("/quantity", _) => self.field_number_range(),
            ("/quota", _) => self.field_number_range(),
            ("/trigger_limit", _) => self.field_number_range(),
            (_, code) => self.refused_staff(code).unwrap_or_else(|| self.field_agency(pointer, code)),
        }
    }

    /// Success of a form of staff; `None` for an unknown code.
    pub fn said_staff(&self, code: &str) -> Option<Message> {
        Some(match code {
            "payout_made" => self.payout_was_made(),
            "payout_was_dropped" => self.payout_was_dropped(),
            "settings_saved" => self.settings_saved(),
            "person_policy_saved" => self.person_policy_saved(),
            "person_vanity_saved" => self.person_vanity_saved(),
            "person_inviter_saved" => self.person_inviter_saved(),
            "person_blocked" => self.person_blocked(),
            "person_unblocked" => self.person_unblocked(),
            "person_adjusted" => self.person_adjusted(),
            "person_role_set" => self.person_role_set(),
            "person_factor_was_reset" => self.person_factor_was_reset(),
            "person_was_erased" => self.person_was_erased(),
            "plan_made" => self.plan_made(),
            "plan_saved" => self.plan_saved(),
            "batch_was_made" => self.batch_was_made(),
            "batch_was_extended" => self.batch_was_extended(),
            "batch_was_topped_up" => self.batch_was_topped_up(),
            "batch_went_on" => self.batch_went_on(),
            "batch_was_stopped" => self.batch_was_stopped(),
            "batch_was_started" => self.batch_was_started(),
            "codes_deleted" => self.codes_deleted(),
            "code_saved" => self.code_saved(),
            "code_was_enabled" => self.code_was_enabled(),
            "code_was_disabled" => self.code_was_disabled(),
            "exchange_undone" => self.exchange_undone(),
            "key_made" => self.key_made(),
            "key_revoked" => self.key_revoked(),
            "hook_made" => self.hook_made(),
            "hook_saved" => self.hook_saved(),
            "hook_rotated" => self.hook_rotated(),
            "hook_was_enabled" => self.hook_was_enabled(),
            "hook_was_disabled" => self.hook_was_disabled(),
            "hook_deleted" => self.hook_deleted(),
            "hook_replayed" => self.hook_replayed(),
            "prize_retried" => self.prize_retried(),
            "share_reversed" => self.share_reversed(),
            "share_released" => self.share_released(),
            "case_was_released" => self.case_was_released(),
            "case_was_rejected" => self.case_was_rejected(),
            "share_was_posted" => self.share_was_posted(),
            "bonus_released" => self.bonus_released(),
            _ => return self.said_agency(code),
        })
    }
}
