//! Payment providers.

crate::text_enum! {
    /// The payment provider of an order.
    pub enum Provider {
        /// Stripe Checkout.
        Stripe = "stripe",
        /// A Zpay (epay) gateway.
        Zpay = "zpay",
    }
}
