//! The settings of sign-up and sign-in.

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

kernel::word_setting!(AdminTotp);
