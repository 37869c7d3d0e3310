//! Warnings about settings that are allowed and can be abused (R10.3). The answer of the API, `doctor` and the console show the same.

use serde::{Deserialize, Serialize};

use crate::account::model::settings::IdentitySettings;
use crate::operations::model::settings::Area;
use crate::referral::model::settings::ReferralSettings;
use kernel::text_enum;

text_enum! {
    /// Subject of a warning.
    pub enum WarningCode as SettingsWarningCode {
        /// A reward for signing up that one person can take again and again: e-mails are not verified, or a code has no limit.
        FarmableRegistrationReward = "farmable_registration_reward",
    }
}

/// Warning about settings that are in effect together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsWarning {
    pub code: WarningCode,
    /// Settings that end it, as `area.field`: each of them narrows it.
    pub settings: Vec<String>,
}

impl SettingsWarning {
    /// Tests whether a setting of the area is among its causes or its remedies.
    pub fn concerns(&self, area: Area) -> bool {
        match self.code {
            WarningCode::FarmableRegistrationReward => matches!(area, Area::Referral | Area::Identity),
        }
    }
}

/// Returns the warnings about settings as they stand together (R10.3).
///
/// A programme that is switched off is not warned of; one that has not begun yet is.
pub fn warnings(identity: &IdentitySettings, referral: &ReferralSettings) -> Vec<SettingsWarning> {
    let rewards = &referral.registration;
    let pays = referral.enabled && !(rewards.inviter_reward.is_zero() && rewards.invitee_reward.is_zero());
    let unverified = (!identity.email_verification).then_some("identity.email_verification");
    let unlimited = (referral.max_invitees_per_user == 0).then_some("referral.max_invitees_per_user");
    let settings: Vec<String> = [unverified, unlimited].into_iter().flatten().map(String::from).collect();
    let code = WarningCode::FarmableRegistrationReward;
    let found = (pays && !settings.is_empty()).then_some(SettingsWarning { code, settings });
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::Decimal;

    /// R10.3: a reward at registration is farmable without verified e-mails, and without a limit of invitees.
    #[test]
    fn a_reward_at_registration_is_farmable_without_verification_or_limit() {
        let of = |enabled: bool, reward: u32, verified: bool, limit: u64| {
            let identity = IdentitySettings { email_verification: verified, ..IdentitySettings::default() };
            let mut referral =
                ReferralSettings { enabled, max_invitees_per_user: limit, ..ReferralSettings::default() };
            referral.registration.invitee_reward = Decimal::from(reward);
            let found = warnings(&identity, &referral);
            found.into_iter().flat_map(|warning| warning.settings).collect::<Vec<_>>()
        };
        let (verification, limit) = ("identity.email_verification", "referral.max_invitees_per_user");
        assert_eq!(of(true, 1, false, 0), [verification, limit]);
        assert_eq!(of(true, 1, true, 0), [limit]);
        assert_eq!(of(true, 1, false, 5), [verification]);
        for (enabled, reward, verified, most) in [(true, 1, true, 5), (true, 0, false, 0), (false, 1, false, 0)] {
            assert_eq!(of(enabled, reward, verified, most), Vec::<String>::new());
        }
    }
}
