//! The function's entry point.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let mailer = notifier::Mailer::from_environment()?;
    let batch = |app, event| notifier::batch(app, mailer.clone(), event);
    shared::edge::serve::queue(batch, shared::boot::app(&notifier::NEEDS)).await
}
