//! The function's entry point.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::edge::serve::http(console::api(), shared::boot::app(&console::NEEDS)).await
}
