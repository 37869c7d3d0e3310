//! Texts of the values that accounts have: a `match` without a wildcard over each (C7.4).

use fluent_static::Message;
use shared::account::model::identity::{Role, Status};
use shared::account::model::scope::AdminScope;
use shared::account::model::user::User;
use shared::payment::model::promotion::PromotionStatus;

use crate::text::Texts;

impl Texts {
    /// Role of an account.
    pub fn user_role(&self, role: Role) -> Message {
        match role {
            Role::User => self.role_user(),
            Role::Agent => self.role_agent(),
            Role::Admin => self.role_admin(),
        }
    }

    /// Status of an account, with its tone.
    pub fn user_status(&self, status: Status) -> (&'static str, Message) {
        match status {
            Status::Pending => ("wait", self.status_of_pending()),
            Status::Active => ("ok", self.status_of_active()),
            Status::Blocked => ("bad", self.status_of_blocked()),
            Status::Erased => ("", self.status_of_erased()),
        }
    }

    /// A part of what admins do.
    pub fn scope(&self, scope: AdminScope) -> Message {
        match scope {
            AdminScope::OrdersRead => self.scope_orders_read(),
            AdminScope::OrdersRefund => self.scope_orders_refund(),
            AdminScope::SettingsWrite => self.scope_settings_write(),
            AdminScope::WithdrawalsApprove => self.scope_withdrawals_approve(),
            AdminScope::CodesIssue => self.scope_codes_issue(),
            AdminScope::GrantsWrite => self.scope_grants_write(),
            AdminScope::StatsRead => self.scope_stats_read(),
        }
    }

    /// Role with its scopes.
    pub fn rights(&self, user: &User) -> Vec<Message> {
        let scopes = user.scopes.iter().map(|scope| self.scope(*scope));
        [self.user_role(user.role)].into_iter().chain(scopes).collect()
    }

    /// State of a promotion, with its tone.
    pub fn promotion_state(&self, status: PromotionStatus) -> (&'static str, Message) {
        match status {
            PromotionStatus::Active => ("ok", self.person_promotion_active()),
            PromotionStatus::None => ("", self.person_promotion_none()),
            PromotionStatus::Used => ("info", self.person_promotion_used()),
            PromotionStatus::Expired => ("", self.person_promotion_expired()),
        }
    }
}
