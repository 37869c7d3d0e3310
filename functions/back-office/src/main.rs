//! The function's entry point.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::edge::serve::http(back_office::api(), shared::boot::app(&back_office::NEEDS)).await
}
