//! The settings of mails.

kernel::settings! {
    /// Mails that tell users of their money; a user switches each kind off for themselves, too.
    pub struct MailSettings as "mail" {
        payment_credited: bool = true,
            "A user is told that a payment was credited", from "at once";
        reward_granted: bool = true,
            "A user is told of a reward on the balance", from "at once";
        withdrawal_settled: bool = true,
            "A user is told that a cash withdrawal was paid out or rejected, and why", from "at once";
        promotion_ending: bool = true,
            "A user is told that an unused new-user promotion is about to end: a day before, or after half of a window of less than two days", from "at once";
    }
}
