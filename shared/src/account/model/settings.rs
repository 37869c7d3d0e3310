//! The settings of sign-up.

kernel::settings! {
    /// Sign-up.
    pub struct IdentitySettings as "identity" {
        email_verification: bool = false,
            "An account exists only once its e-mail is verified by a mailed code (R2.4)", from "the next sign-up";
    }
}
