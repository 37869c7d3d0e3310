//! The function's entry point.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::edge::serve::queue(statistics::batch, shared::boot::app(&statistics::NEEDS)).await
}
