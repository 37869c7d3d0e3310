//! Connects the functions' provider client to a simulator in the same process.

use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use shared::payment::gateway::http::Https;

use crate::connector::{Backend, BoxFuture, ConnectFault};

/// A provider client that sends its requests to `backend`: the simulators, possibly behind faults.
pub fn https(backend: Arc<dyn Backend>) -> Https {
    Https::new(connector(backend))
}

/// A connector that sends its requests to `backend`.
pub fn connector(backend: Arc<dyn Backend>) -> SharedHttpConnector {
    SharedHttpConnector::new(Wire { backend })
}

#[derive(Debug)]
struct Wire {
    backend: Arc<dyn Backend>,
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let backend = Arc::clone(&self.backend);
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let request = request.map(|body| body.bytes().map(Bytes::copy_from_slice).unwrap_or_default());
            // Yield where a network would, so that other tasks run and interleavings happen.
            tokio::task::yield_now().await;
            let answer = backend.call(request).await.map_err(fault)?;
            tokio::task::yield_now().await;
            HttpResponse::try_from(answer.map(SdkBody::from)).map_err(|error| ConnectorError::user(error.into()))
        })
    }
}

fn fault(fault: ConnectFault) -> ConnectorError {
    match fault {
        ConnectFault::Timeout => ConnectorError::timeout(fault.into()),
        ConnectFault::Reset | ConnectFault::Refused => ConnectorError::io(fault.into()),
    }
}

/// The simulators as a backend, at the time of a clock.
#[derive(Debug)]
pub struct AtTime<C> {
    pub simulators: Arc<super::Simulators>,
    pub clock: C,
}

impl<C: crate::clock::Clock> Backend for AtTime<C> {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, ConnectFault>> {
        Box::pin(async move { Ok(self.simulators.handle(request, self.clock.now()).await) })
    }
}
