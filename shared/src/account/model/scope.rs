//! Admin scopes: the parts of the admin role that a limited admin may use (R2.5).
//!
//! They are stored on the account, not in the token, so a removed scope is gone from the next request on.

use std::collections::BTreeSet;

use crate::account::model::identity::Role;
use kernel::refusal::Refusal;
use kernel::text_enum;

text_enum! {
    /// A part of what admins do. A route that names none is open only to admins without scopes, who may do everything.
    pub enum AdminScope {
        /// See orders, their files and the review queue.
        OrdersRead = "orders:read",
        /// Give payments back.
        OrdersRefund = "orders:refund",
        /// See and change settings.
        SettingsWrite = "settings:write",
        /// See withdrawals, say that they are paid, reject them.
        WithdrawalsApprove = "withdrawals:approve",
        /// Make batches of redemption codes, see and export them, switch them on and off.
        CodesIssue = "codes:issue",
        /// Write the agency's shops, series and grants.
        GrantsWrite = "grants:write",
        /// See totals.
        StatsRead = "stats:read",
    }
}

/// Parses the scopes of a new role; an empty list means no limit.
///
/// # Rejects
/// 422 at `/scopes` for an unknown scope, and for scopes of a role other than admin.
pub fn scopes_of(role: Role, texts: &[String]) -> Result<BTreeSet<AdminScope>, Refusal> {
    let unknown = |index: usize| {
        let known: Vec<&str> = AdminScope::ALL.iter().map(|scope| scope.as_str()).collect();
        Refusal::field(format!("/scopes/{index}"), "unknown", known.join(", "))
    };
    if role != Role::Admin && !texts.is_empty() {
        return Err(Refusal::field("/scopes", "not_of_this_role", "only an admin has scopes"));
    }
    texts.iter().enumerate().map(|(index, text)| AdminScope::parse(text).ok_or_else(|| unknown(index))).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// R2.5
    #[test]
    fn scopes_are_read_as_they_are_written() {
        let all: Vec<String> = AdminScope::ALL.iter().map(|scope| scope.as_str().to_owned()).collect();
        assert_eq!(scopes_of(Role::Admin, &all).unwrap(), AdminScope::ALL.into());
        assert_eq!(serde_json::to_value(AdminScope::ALL).unwrap(), serde_json::json!(all));
        assert!(scopes_of(Role::User, &[]).unwrap().is_empty());
    }

    /// R2.5
    #[test]
    fn an_unknown_scope_and_scopes_of_a_user_are_refused() {
        let one = |text: &str| vec![text.to_owned()];
        for (role, text) in [(Role::Admin, "orders"), (Role::Admin, ""), (Role::User, "orders:read")] {
            assert!(matches!(scopes_of(role, &one(text)), Err(Refusal::Invalid(_))), "{text}");
        }
    }
}
