//! The payment-webhook function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::edge::serve::http(payment_webhook::api(), shared::boot::app(&payment_webhook::NEEDS)).await
}
