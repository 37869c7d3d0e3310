//! The function's entry point.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::edge::serve::http(referral::api(), shared::boot::app(&referral::NEEDS)).await
}
