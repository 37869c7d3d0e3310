//! The function's entry point.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::edge::serve::schedule(scheduler::tick, shared::boot::app(&scheduler::NEEDS)).await
}
