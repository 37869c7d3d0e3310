//! Connects an AWS SDK client to a Rust function: the client's HTTP requests are handled in this process.
//!
//! Faults are injected here: wrap a [`Backend`] in one that loses responses, hangs or refuses connections.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::BodyExt;

/// A boxed future that is `Send`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Handles HTTP requests in place of one AWS service.
pub trait Backend: Send + Sync + Debug {
    /// Handles one request; a fault stands for a network failure.
    fn call(&self, req: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, ConnectFault>>;
}

impl<B: Backend + ?Sized> Backend for Arc<B> {
    fn call(&self, req: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, ConnectFault>> {
        self.as_ref().call(req)
    }
}

/// A network failure as the caller sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectFault {
    /// No response within the timeout; the request may have taken effect.
    #[error("timed out")]
    Timeout,
    /// The connection broke; the request may have taken effect.
    #[error("connection reset by peer")]
    Reset,
    /// No connection was made, so the request had no effect.
    #[error("connection refused")]
    Refused,
}

/// An HTTP client for an AWS SDK configuration that sends its requests to `backend`.
pub fn client(backend: Arc<dyn Backend>) -> SharedHttpClient {
    SharedHttpClient::new(Client { backend })
}

#[derive(Debug)]
struct Client {
    backend: Arc<dyn Backend>,
}

impl HttpClient for Client {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            backend: Arc::clone(&self.backend),
            read_timeout: settings.read_timeout(),
        })
    }
}

#[derive(Debug)]
struct Connector {
    backend: Arc<dyn Backend>,
    read_timeout: Option<Duration>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let backend = Arc::clone(&self.backend);
        let read_timeout = self.read_timeout;
        HttpConnectorFuture::new(async move {
            let request = plain(request).await?;
            // Yield where a network would, so that other tasks run and interleavings happen.
            tokio::task::yield_now().await;
            let answer = within(read_timeout, backend.call(request)).await;
            tokio::task::yield_now().await;
            let response = answer.map_err(fault)?.map(SdkBody::from);
            HttpResponse::try_from(response).map_err(|error| ConnectorError::user(error.into()))
        })
    }
}

async fn within<T>(
    limit: Option<Duration>,
    answer: impl Future<Output = Result<T, ConnectFault>>,
) -> Result<T, ConnectFault> {
    match limit {
        Some(limit) => tokio::time::timeout(limit, answer).await.unwrap_or(Err(ConnectFault::Timeout)),
        None => answer.await,
    }
}

/// Converts a request, with its body read to the end.
async fn plain(request: HttpRequest) -> Result<http::Request<Bytes>, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(ConnectorError::user)?.to_bytes();
    Ok(http::Request::from_parts(parts, body))
}

fn fault(fault: ConnectFault) -> ConnectorError {
    match fault {
        ConnectFault::Timeout => ConnectorError::timeout(fault.into()),
        ConnectFault::Reset => ConnectorError::io(fault.into()),
        ConnectFault::Refused => ConnectorError::io(fault.into()).never_connected(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_sqs::error::SdkError;

    #[derive(Debug)]
    struct Always(Option<ConnectFault>);

    impl Backend for Always {
        fn call(&self, _: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, ConnectFault>> {
            Box::pin(async {
                match self.0 {
                    Some(fault) => Err(fault),
                    None => std::future::pending().await,
                }
            })
        }
    }

    async fn send(answer: Option<ConnectFault>) -> SdkError<aws_sdk_sqs::operation::list_queues::ListQueuesError> {
        let timeouts = aws_sdk_sqs::config::timeout::TimeoutConfig::builder().read_timeout(Duration::from_secs(2));
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(aws_sdk_sqs::config::BehaviorVersion::latest())
            .region(aws_sdk_sqs::config::Region::new("us-east-1"))
            .credentials_provider(aws_credential_types::Credentials::new("id", "secret", None, None, "test"))
            .retry_config(aws_sdk_sqs::config::retry::RetryConfig::disabled())
            .timeout_config(timeouts.build())
            .http_client(client(Arc::new(Always(answer))))
            .build();
        match aws_sdk_sqs::Client::from_conf(config).list_queues().send().await {
            Ok(_) => panic!("nothing answers here"),
            Err(error) => error,
        }
    }

    fn dispatch(error: &SdkError<aws_sdk_sqs::operation::list_queues::ListQueuesError>) -> Option<(bool, bool)> {
        match error {
            SdkError::DispatchFailure(failure) => Some((failure.is_timeout(), failure.is_io())),
            _ => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_fault_reaches_the_client_as_its_own_kind() {
        assert_eq!(dispatch(&send(Some(ConnectFault::Timeout)).await), Some((true, false)));
        assert_eq!(dispatch(&send(Some(ConnectFault::Reset)).await), Some((false, true)));
        assert_eq!(dispatch(&send(Some(ConnectFault::Refused)).await), Some((false, true)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_hanging_backend_runs_into_the_read_timeout() {
        let error = send(None).await;
        assert_eq!(dispatch(&error), Some((true, false)), "{error:?}");
    }
}
