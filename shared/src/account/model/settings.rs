//! The settings of sign-up.

kernel::settings! {
    /// Sign-up (R2.4).
    pub struct IdentitySettings as "identity" {
        email_verification: bool = false,
            "An account exists only once its e-mail is verified by a mailed code", from "the next sign-up";
    }
}
