//! An HTTP server for a [`Backend`], for function binaries that call their AWS services over HTTP.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use crate::connector::{Backend, ConnectFault};

/// Serves every connection of `listener` from `backend`, as long as the returned future is polled.
pub async fn serve(listener: TcpListener, backend: Arc<dyn Backend>) {
    // Dropping the set closes the connections with the server.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => { connections.spawn(connection(stream, Arc::clone(&backend))); }
                Err(error) => {
                    // Most likely out of sockets: give open connections time to close.
                    tracing::warn!(%error, "accepting");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, backend: Arc<dyn Backend>) {
    let service = service_fn(move |request| answer(request, Arc::clone(&backend)));
    let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    if let Err(error) = served {
        tracing::debug!(%error, "connection ended");
    }
}

/// Handles one request; a fault breaks the connection, or keeps the caller waiting until it times out.
async fn answer(
    request: http::Request<Incoming>,
    backend: Arc<dyn Backend>,
) -> Result<http::Response<Full<Bytes>>, io::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    match backend.call(http::Request::from_parts(parts, body)).await {
        Ok(response) => Ok(response.map(Full::new)),
        Err(ConnectFault::Timeout) => match std::future::pending::<Infallible>().await {},
        Err(fault @ (ConnectFault::Reset | ConnectFault::Refused)) => Err(io::Error::other(fault)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::connector::BoxFuture;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[derive(Debug)]
    struct Echo;

    impl Backend for Echo {
        fn call(&self, req: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, ConnectFault>> {
            Box::pin(async move {
                match req.uri().path() {
                    "/reset" => Err(ConnectFault::Reset),
                    _ => Ok(http::Response::new(req.into_body())),
                }
            })
        }
    }

    async fn post(path: &str, body: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let server = tokio::spawn(serve(listener, Arc::new(Echo)));
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all((head + body).as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        server.abort();
        answer
    }

    #[tokio::test]
    async fn a_backend_answers_over_a_socket() {
        let answer = post("/", "hello").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
    }

    #[tokio::test]
    async fn a_reset_closes_the_connection_without_an_answer() {
        assert_eq!(post("/reset", "hello").await, "");
    }
}
