//! Texts of the settings: label, effect and unit of each field of a `settings!` declaration (R9.1, C3.4).

// Methods of the texts, which the macro writes.
#![allow(clippy::needless_pass_by_value)]

use fluent_static::Message;
use shared::operations::model::settings::Area;
use shared::risk::model::settings::SignalAction;
use shared::risk::model::signal::Signal;

use crate::text::Texts;

impl Texts {
    /// Name of an area, and what it is about.
    pub fn area(&self, area: Area) -> (Message, Message) {
        match area {
            Area::Identity => (self.area_identity(), self.area_identity_about()),
            Area::Referral => (self.area_referral(), self.area_referral_about()),
            Area::Promotion => (self.area_promotion(), self.area_promotion_about()),
            Area::Payment => (self.area_payment(), self.area_payment_about()),
            Area::Affiliate => (self.area_affiliate(), self.area_affiliate_about()),
            Area::Redemption => (self.area_redemption(), self.area_redemption_about()),
            Area::Agency => (self.area_agency(), self.area_agency_about()),
            Area::Risk => (self.area_risk(), self.area_risk_about()),
            Area::Mail => (self.area_mail(), self.area_mail_about()),
            Area::Console => (self.area_console(), self.area_console_about()),
        }
    }

    /// Label and effect of a field; of an element's field behind its list's name. `None` for one without texts.
    pub fn setting(&self, area: Area, field: &str) -> Option<(Message, Message)> {
        match area {
            Area::Identity => self.identity_setting(field),
            Area::Referral => self.referral_setting(field),
            Area::Promotion => self.promotion_setting(field),
            Area::Payment => self.payment_setting(field),
            Area::Affiliate => self.affiliate_setting(field),
            Area::Redemption => self.redemption_setting(field),
            Area::Agency => self.agency_setting(field),
            Area::Risk => self.risk_setting(field),
            Area::Mail => self.mail_setting(field),
            Area::Console => self.console_setting(field),
        }
    }

    #[rustfmt::skip]
    fn identity_setting(&self, field: &str) -> Option<(Message, Message)> {
        Some(match field {
            "email_verification" => (self.set_identity_email_verification(), self.set_identity_email_verification_effect()),
            "max_signups_per_network" => (self.set_identity_max_signups_per_network(), self.set_identity_max_signups_per_network_effect()),
            "admin_totp" => (self.set_identity_admin_totp(), self.set_identity_admin_totp_effect()),
            _ => return None,
        })
    }

    #[rustfmt::skip]
    fn mail_setting(&self, field: &str) -> Option<(Message, Message)> {
        Some(match field {
            "payment_credited" => (self.set_mail_payment_credited(), self.set_mail_payment_credited_effect()),
            "reward_granted" => (self.set_mail_reward_granted(), self.set_mail_reward_granted_effect()),
            "withdrawal_settled" => (self.set_mail_withdrawal_settled(), self.set_mail_withdrawal_settled_effect()),
            "promotion_ending" => (self.set_mail_promotion_ending(), self.set_mail_promotion_ending_effect()),
            _ => return None,
        })
    }

    #[rustfmt::skip]
    fn risk_setting(&self, field: &str) -> Option<(Message, Message)> {
        Some(match field {
            "email_alias" => (self.set_risk_email_alias(), self.set_risk_email_alias_effect()),
            "network" => (self.set_risk_network(), self.set_risk_network_effect()),
            "device" => (self.set_risk_device(), self.set_risk_device_effect()),
            "payout_account" => (self.set_risk_payout_account(), self.set_risk_payout_account_effect()),
            "payment_instrument" => (self.set_risk_payment_instrument(), self.set_risk_payment_instrument_effect()),
            "disposable_email" => (self.set_risk_disposable_email(), self.set_risk_disposable_email_effect()),
            "disposable_domains" => (self.set_risk_disposable_domains(), self.set_risk_disposable_domains_effect()),
            "lasting_domains" => (self.set_risk_lasting_domains(), self.set_risk_lasting_domains_effect()),
            "auto_release_days" => (self.set_risk_auto_release_days(), self.set_risk_auto_release_days_effect()),
            _ => return None,
        })
    }

    #[rustfmt::skip]
    fn referral_setting(&self, field: &str) -> Option<(Message, Message)> {
        Some(match field {
            "enabled" => (self.set_referral_enabled(), self.set_referral_enabled_effect()),
            "starts_at" => (self.set_referral_starts_at(), self.set_referral_starts_at_effect()),
            "ends_at" => (self.set_referral_ends_at(), self.set_referral_ends_at_effect()),
            "budget" => (self.set_referral_budget(), self.set_referral_budget_effect()),
            "link_base_url" => (self.set_referral_link_base_url(), self.set_referral_link_base_url_effect()),
            "max_invitees_per_user" => (self.set_referral_max_invitees_per_user(), self.set_referral_max_invitees_per_user_effect()),
            "late_bind_days" => (self.set_referral_late_bind_days(), self.set_referral_late_bind_days_effect()),
            "registration.inviter_reward" => (self.set_referral_registration_inviter_reward(), self.set_referral_registration_inviter_reward_effect()),
            "registration.invitee_reward" => (self.set_referral_registration_invitee_reward(), self.set_referral_registration_invitee_reward_effect()),
            "qualified.threshold" => (self.set_referral_qualified_threshold(), self.set_referral_qualified_threshold_effect()),
            "qualified.inviter_reward" => (self.set_referral_qualified_inviter_reward(), self.set_referral_qualified_inviter_reward_effect()),
            "qualified.invitee_reward" => (self.set_referral_qualified_invitee_reward(), self.set_referral_qualified_invitee_reward_effect()),
            _ => return None,
        })
    }

    #[rustfmt::skip]
    fn promotion_setting(&self, field: &str) -> Option<(Message, Message)> {
        Some(match field {
            "enabled" => (self.set_promotion_enabled(), self.set_promotion_enabled_effect()),
            "starts_at" => (self.set_promotion_starts_at(), self.set_promotion_starts_at_effect()),
            "ends_at" => (self.set_promotion_ends_at(), self.set_promotion_ends_at_effect()),
            "budget" => (self.set_promotion_budget(), self.set_promotion_budget_effect()),
            "enrol_existing" => (self.set_promotion_enrol_existing(), self.set_promotion_enrol_existing_effect()),
            "duration_hours" => (self.set_promotion_duration_hours(), self.set_promotion_duration_hours_effect()),
            "min_amount" => (self.set_promotion_min_amount(), self.set_promotion_min_amount_effect()),
            "tiers" => (self.set_promotion_tiers(), self.set_promotion_tiers_effect()),
            "tiers.hours" => (self.set_promotion_tiers_hours(), self.set_promotion_tiers_hours_effect()),
            "tiers.percent" => (self.set_promotion_tiers_percent(), self.set_promotion_tiers_percent_effect()),
            _ => return None,
        })
    }

    #[rustfmt::skip]
    fn payment_setting(&self, field: &str) -> Option<(Message, Message)> {
        Some(match field {
            "enabled" => (self.set_payment_enabled(), self.set_payment_enabled_effect()),
            "pay_currency" => (self.set_payment_pay_currency(), self.set_payment_pay_currency_effect()),
            "ledger_currency" => (self.set_payment_ledger_currency(), self.set_payment_ledger_currency_effect()),
            "min_amount" => (self.set_payment_min_amount(), self.set_payment_min_amount_effect()),
            "max_amount" => (self.set_payment_max_amount(), self.set_payment_max_amount_effect()),
            "exchange_rate" => (self.set_payment_exchange_rate(), self.set_payment_exchange_rate_effect()),
            "discount_rate" => (self.set_payment_discount_rate(), self.set_payment_discount_rate_effect()),
            "order_expire_minutes" => (self.set_payment_order_expire_minutes(), self.set_payment_order_expire_minutes_effect()),
            "max_orders_per_minute" => (self.set_payment_max_orders_per_minute(), self.set_payment_max_orders_per_minute_effect()),
            "return_url" => (self.set_payment_return_url(), self.set_payment_return_url_effect()),
            "cancel_url" => (self.set_payment_cancel_url(), self.set_payment_cancel_url_effect()),
            "offers" => (self.set_payment_offers(), self.set_payment_offers_effect()),
            "offers.id" => (self.set_payment_offers_id(), self.set_payment_offers_id_effect()),
            "offers.amount" => (self.set_payment_offers_amount(), self.set_payment_offers_amount_effect()),
            "offers.label" => (self.set_payment_offers_label(), self.set_payment_offers_label_effect()),
            "offers.popular" => (self.set_payment_offers_popular(), self.set_payment_offers_popular_effect()),
            "offers.bonus" => (self.set_payment_offers_bonus(), self.set_payment_offers_bonus_effect()),
            "offers.stackable" => (self.set_payment_offers_stackable(), self.set_payment_offers_stackable_effect()),
            "bonus_tiers" => (self.set_payment_bonus_tiers(), self.set_payment_bonus_tiers_effect()),
            "bonus_tiers.from" => (self.set_payment_bonus_tiers_from(), self.set_payment_bonus_tiers_from_effect()),
            "bonus_tiers.bonus" => (self.set_payment_bonus_tiers_bonus(), self.set_payment_bonus_tiers_bonus_effect()),
            "bonus_tiers.stackable" => (self.set_payment_bonus_tiers_stackable(), self.set_payment_bonus_tiers_stackable_effect()),
            "coupons" => (self.set_payment_coupons(), self.set_payment_coupons_effect()),
            "coupons.code" => (self.set_payment_coupons_code(), self.set_payment_coupons_code_effect()),
            "coupons.discount" => (self.set_payment_coupons_discount(), self.set_payment_coupons_discount_effect()),
            "coupons.bonus" => (self.set_payment_coupons_bonus(), self.set_payment_coupons_bonus_effect()),
            "coupons.starts_at" => (self.set_payment_coupons_starts_at(), self.set_payment_coupons_starts_at_effect()),
            "coupons.ends_at" => (self.set_payment_coupons_ends_at(), self.set_payment_coupons_ends_at_effect()),
            "coupons.min_amount" => (self.set_payment_coupons_min_amount(), self.set_payment_coupons_min_amount_effect()),
            "coupons.offers" => (self.set_payment_coupons_offers(), self.set_payment_coupons_offers_effect()),
            "coupons.total" => (self.set_payment_coupons_total(), self.set_payment_coupons_total_effect()),
            "coupons.per_user" => (self.set_payment_coupons_per_user(), self.set_payment_coupons_per_user_effect()),
            "coupons.first_order" => (self.set_payment_coupons_first_order(), self.set_payment_coupons_first_order_effect()),
            "coupons.paused" => (self.set_payment_coupons_paused(), self.set_payment_coupons_paused_effect()),
            "grant_expiry_days" => (self.set_payment_grant_expiry_days(), self.set_payment_grant_expiry_days_effect()),
            "foreign_payments" => (self.set_payment_foreign_payments(), self.set_payment_foreign_payments_effect()),
            "providers.stripe.enabled" => (self.set_payment_providers_stripe_enabled(), self.set_payment_providers_stripe_enabled_effect()),
            "providers.stripe.methods" => (self.set_payment_providers_stripe_methods(), self.set_payment_providers_stripe_methods_effect()),
            "providers.zpay.enabled" => (self.set_payment_providers_zpay_enabled(), self.set_payment_providers_zpay_enabled_effect()),
            "providers.zpay.methods" => (self.set_payment_providers_zpay_methods(), self.set_payment_providers_zpay_methods_effect()),
            "providers.zpay.create" => (self.set_payment_providers_zpay_create(), self.set_payment_providers_zpay_create_effect()),
            "providers.zpay.channel_ids" => (self.set_payment_providers_zpay_channel_ids(), self.set_payment_providers_zpay_channel_ids_effect()),
            "providers.zpay.ip_allow_list" => (self.set_payment_providers_zpay_ip_allow_list(), self.set_payment_providers_zpay_ip_allow_list_effect()),
            "providers.zpay.confirm_by_query" => (self.set_payment_providers_zpay_confirm_by_query(), self.set_payment_providers_zpay_confirm_by_query_effect()),
            _ => return None,
        })
    }

    #[rustfmt::skip]
    fn affiliate_setting(&self, field: &str) -> Option<(Message, Message)> {
        Some(match field {
            "enabled" => (self.set_affiliate_enabled(), self.set_affiliate_enabled_effect()),
            "starts_at" => (self.set_affiliate_starts_at(), self.set_affiliate_starts_at_effect()),
            "ends_at" => (self.set_affiliate_ends_at(), self.set_affiliate_ends_at_effect()),
            "budget" => (self.set_affiliate_budget(), self.set_affiliate_budget_effect()),
            "default_rate" => (self.set_affiliate_default_rate(), self.set_affiliate_default_rate_effect()),
            "base" => (self.set_affiliate_base(), self.set_affiliate_base_effect()),
            "provider_fee" => (self.set_affiliate_provider_fee(), self.set_affiliate_provider_fee_effect()),
            "second_level_rate" => (self.set_affiliate_second_level_rate(), self.set_affiliate_second_level_rate_effect()),
            "default_trigger_limit" => (self.set_affiliate_default_trigger_limit(), self.set_affiliate_default_trigger_limit_effect()),
            "max_codes_per_user" => (self.set_affiliate_max_codes_per_user(), self.set_affiliate_max_codes_per_user_effect()),
            "hold_hours" => (self.set_affiliate_hold_hours(), self.set_affiliate_hold_hours_effect()),
            "valid_days" => (self.set_affiliate_valid_days(), self.set_affiliate_valid_days_effect()),
            "cap_per_invitee" => (self.set_affiliate_cap_per_invitee(), self.set_affiliate_cap_per_invitee_effect()),
            "min_cash_withdrawal" => (self.set_affiliate_min_cash_withdrawal(), self.set_affiliate_min_cash_withdrawal_effect()),
            "min_paying_invitees" => (self.set_affiliate_min_paying_invitees(), self.set_affiliate_min_paying_invitees_effect()),
            "second_approval_above" => (self.set_affiliate_second_approval_above(), self.set_affiliate_second_approval_above_effect()),
            "payout_debtor_name" => (self.set_affiliate_payout_debtor_name(), self.set_affiliate_payout_debtor_name_effect()),
            "payout_debtor_iban" => (self.set_affiliate_payout_debtor_iban(), self.set_affiliate_payout_debtor_iban_effect()),
            "payout_debtor_bic" => (self.set_affiliate_payout_debtor_bic(), self.set_affiliate_payout_debtor_bic_effect()),
            "withdrawal_methods" => (self.set_affiliate_withdrawal_methods(), self.set_affiliate_withdrawal_methods_effect()),
            _ => return None,
        })
    }

    #[rustfmt::skip]
    fn redemption_setting(&self, field: &str) -> Option<(Message, Message)> {
        Some(match field {
            "enabled" => (self.set_redemption_enabled(), self.set_redemption_enabled_effect()),
            "max_failed_attempts_per_hour" => (self.set_redemption_max_failed_attempts_per_hour(), self.set_redemption_max_failed_attempts_per_hour_effect()),
            _ => return None,
        })
    }

    #[rustfmt::skip]
    fn agency_setting(&self, field: &str) -> Option<(Message, Message)> {
        Some(match field {
            "enabled" => (self.set_agency_enabled(), self.set_agency_enabled_effect()),
            "currency" => (self.set_agency_currency(), self.set_agency_currency_effect()),
            "min_cash_withdrawal" => (self.set_agency_min_cash_withdrawal(), self.set_agency_min_cash_withdrawal_effect()),
            "withdrawal_methods" => (self.set_agency_withdrawal_methods(), self.set_agency_withdrawal_methods_effect()),
            _ => return None,
        })
    }

    #[rustfmt::skip]
    fn console_setting(&self, field: &str) -> Option<(Message, Message)> {
        Some(match field {
            "name" => (self.set_console_name(), self.set_console_name_effect()),
            "logo_url" => (self.set_console_logo_url(), self.set_console_logo_url_effect()),
            "accent" => (self.set_console_accent(), self.set_console_accent_effect()),
            "default_language" => (self.set_console_default_language(), self.set_console_default_language_effect()),
            "support_url" => (self.set_console_support_url(), self.set_console_support_url_effect()),
            "terms_url" => (self.set_console_terms_url(), self.set_console_terms_url_effect()),
            "privacy_url" => (self.set_console_privacy_url(), self.set_console_privacy_url_effect()),
            "home_url" => (self.set_console_home_url(), self.set_console_home_url_effect()),
            "receipt_name" => (self.set_console_receipt_name(), self.set_console_receipt_name_effect()),
            "receipt_address" => (self.set_console_receipt_address(), self.set_console_receipt_address_effect()),
            "receipt_tax_number" => (self.set_console_receipt_tax_number(), self.set_console_receipt_tax_number_effect()),
            _ => return None,
        })
    }

    /// Unit of a field.
    pub fn setting_unit(&self, unit: &str) -> Option<Message> {
        Some(match unit {
            "hours" => self.unit_hours(),
            "users" => self.unit_users(),
            "orders" => self.unit_orders(),
            "codes" => self.unit_codes(),
            "invitees" => self.unit_invitees(),
            "IBAN" => self.unit_iban(),
            "BIC" => self.unit_bic(),
            "days" => self.unit_days(),
            "domains" => self.unit_domains(),
            "minutes" => self.unit_minutes(),
            "attempts" => self.unit_attempts(),
            "registrations" => self.unit_registrations(),
            "URL" => self.unit_url(),
            "names" => self.unit_names(),
            "per cent" => self.unit_per_cent(),
            "ledger currency" => self.unit_ledger_currency(),
            "pay currency" => self.unit_pay_currency(),
            "agency currency" => self.unit_agency_currency(),
            "pay per ledger unit" => self.unit_pay_per_ledger_unit(),
            "part of the amount" => self.unit_part_of_the_amount(),
            "part of the credit" => self.unit_part_of_the_credit(),
            "ISO 4217" => self.unit_iso_4217(),
            "Stripe's names" => self.unit_stripe_s_names(),
            "the gateway's types" => self.unit_the_gateway_s_types(),
            "method → channel" => self.unit_method_channel(),
            "hours, per cent" => self.unit_hours_per_cent(),
            _ => return None,
        })
    }

    /// From when a change of a field holds.
    pub fn setting_from(&self, when: &str) -> Option<Message> {
        Some(match when {
            "at once" => self.from_at_once(),
            "the next order" => self.from_the_next_order(),
            "the next order or reported purchase" => self.from_the_next_order_or_reported_purchase(),
            "the next sign-up" => self.from_the_next_sign_up(),
            "the next sign-up; for qualifying, the next payment" => {
                self.from_the_next_sign_up_for_qualifying_the_next_payment()
            }
            "the next of them" => self.from_the_next_of_them(),
            "the next payment" => self.from_the_next_payment(),
            "the next grant" => self.from_the_next_grant(),
            "the next code" => self.from_the_next_code(),
            "the next approval" => self.from_the_next_approval(),
            "the next receipt" => self.from_the_next_receipt(),
            "the next payout file" => self.from_the_next_payout_file(),
            "the next withdrawal" => self.from_the_next_withdrawal(),
            _ => return None,
        })
    }

    /// A word that a field can be set to.
    pub fn setting_word(&self, field: &str, word: &str) -> Option<Message> {
        Some(match (field, word) {
            (field, word) if Signal::parse(field).is_some() => match SignalAction::parse(word)? {
                SignalAction::Off => self.word_signal_off(),
                SignalAction::Flag => self.word_signal_flag(),
                SignalAction::Hold => self.word_signal_hold(),
            },
            ("base", "credited") => self.word_base_credited(),
            ("base", "paid") => self.word_base_paid(),
            ("base", "paid_net_of_fee") => self.word_base_paid_net_of_fee(),
            ("foreign_payments", "ignore") => self.word_foreign_payments_ignore(),
            ("foreign_payments", "review") => self.word_foreign_payments_review(),
            ("admin_totp", "optional") => self.word_admin_totp_optional(),
            ("admin_totp", "required") => self.word_admin_totp_required(),
            ("providers.zpay.create", "redirect") => self.word_create_redirect(),
            ("providers.zpay.create", "api") => self.word_create_api(),
            _ => return None,
        })
    }

    /// Heading of a group of fields.
    pub fn setting_group(&self, group: &str) -> Option<Message> {
        Some(match group {
            "" => self.group_main(),
            "registration" => self.group_registration(),
            "qualified" => self.group_qualified(),
            "providers.stripe" => self.group_providers_stripe(),
            "providers.zpay" => self.group_providers_zpay(),
            _ => return None,
        })
    }

    /// Error of a setting, by its code.
    pub fn setting_error(&self, code: &str) -> Message {
        match code {
            "out_of_range" => self.setting_error_range(),
            "not_a_decimal" => self.setting_error_decimal(),
            "not_a_number" => self.setting_error_number(),
            "not_a_currency" => self.setting_error_currency(),
            "not_a_url" => self.setting_error_url(),
            "not_an_amount_or_percent" => self.setting_error_bonus(),
            "no_effect" => self.setting_error_no_effect(),
            "unknown_offer" => self.setting_error_offer(),
            "not_ascending" => self.setting_error_ascending(),
            "duplicate" => self.setting_error_duplicate(),
            "unsupported" => self.setting_error_unsupported(),
            "unknown" => self.setting_error_unknown(),
            _ => self.field_other(),
        }
    }
}
