//! The settings of sign-up and sign-in.

use kernel::settings::{Checks, SettingValue, judge_word};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

kernel::settings! {
    /// Sign-up (R2.4), and the second factor of admins (R2.12).
    pub struct IdentitySettings as "identity" {
        email_verification: bool = false,
            "An account exists only once its e-mail is verified by a mailed code", from "the next sign-up";
        max_signups_per_network: u32 = 60, unit "registrations",
            "Registrations that one network (a /24 of IPv4, a /56 of IPv6) can make in an hour; 0 is no limit", from "at once";
        admin_totp: AdminTotp = AdminTotp::Optional,
            "Admins may have a second factor, or each needs one: without it an admin can only set it up", from "at once";
    }
}

kernel::text_enum! {
    /// Need of admins for a second factor (R2.12).
    pub enum AdminTotp {
        /// Only an admin who has one gives it.
        Optional = "optional",
        /// An admin without one can only set it up.
        Required = "required",
    }
}

impl SettingValue for AdminTotp {
    type Limits = ();

    fn limits() {}

    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.serialize(to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::deserialize(from)
    }

    fn judge((): &(), value: &mut Value, checks: &mut Checks) {
        judge_word(Self::NAMES, value, checks);
    }

    fn schema((): &()) -> Value {
        json!({"type": "string", "enum": Self::NAMES})
    }

    fn range((): &()) -> String {
        Self::ALL.map(|word| format!("`{word}`")).join(", ")
    }
}
