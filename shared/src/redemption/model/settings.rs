//! The settings of redemption codes.

kernel::settings! {
    /// Redemption codes (R7).
    pub struct RedemptionSettings as "redemption" {
        enabled: bool = true, "Codes can be redeemed", from "at once";
        max_failed_attempts_per_hour: u32 = 20, in 1..=1_000, unit "attempts",
            "Unknown codes of one user in an hour, before they have to wait", from "at once";
    }
}
