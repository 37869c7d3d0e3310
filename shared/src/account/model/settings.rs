//! The settings of sign-up.

kernel::settings! {
    /// Sign-up (R2.4).
    pub struct IdentitySettings as "identity" {
        email_verification: bool = false,
            "An account exists only once its e-mail is verified by a mailed code", from "the next sign-up";
        max_signups_per_network: u32 = 60, unit "registrations",
            "Registrations that one network (a /24 of IPv4, a /56 of IPv6) can make in an hour; 0 is no limit", from "at once";
    }
}
