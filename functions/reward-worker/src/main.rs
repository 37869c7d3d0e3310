//! The function's entry point.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::edge::serve::queue(reward_worker::batch, shared::boot::app(&reward_worker::NEEDS)).await
}
