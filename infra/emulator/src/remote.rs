//! An AWS service in another process in place of the embedded one: Amazon's DynamoDB Local, or ElasticMQ.
//!
//! If `AWS_ENDPOINT_URL_DYNAMODB` or `AWS_ENDPOINT_URL_SQS` is set, an in-memory [`Dynamo`](crate::dynamo::Dynamo) or
//! [`Queues`](crate::sqs::Queues) uses that service, each in a namespace of its own. A request blocks this thread until its
//! response: tokio's paused clock advances when all tasks wait, so no task may wait for the network.
//!
//! Differences from the embedded services (`proof engines` names the tests that it leaves out):
//! - Time to live is disabled: the service uses its own clock and would delete items of a world whose clock is behind.
//! - Contention of transactions is still simulated by [`dynamo`](crate::dynamo), as only one request runs at a time.
//! - DynamoDB Local counts a transaction's write units differently, so capacity is not compared.
//! - Queues use real time: moving a world's clock does not end visibility timeouts, delays or the five minutes of deduplication.
//!   Polling without waiting, immediate release of a message, groups, redrive and batches work as in the embedded queues.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Maximum time until a response.
const PATIENCE: Duration = Duration::from_secs(60);
/// Counter for namespaces that are unique within this process.
static PLACES: AtomicU64 = AtomicU64::new(0);

/// A namespace in a service of another process; clones share it.
#[derive(Debug, Clone)]
pub struct Remote {
    service: &'static str,
    host: String,
    place: String,
    idle: Arc<Mutex<Vec<BufReader<TcpStream>>>>,
}

/// A response: status and body.
pub type Answer = (u16, String);

impl Remote {
    /// A new namespace in the service that the environment configures for `dynamodb` or `sqs`.
    /// `None` if there is none.
    pub fn named(service: &'static str) -> Option<Self> {
        let url = std::env::var(format!("AWS_ENDPOINT_URL_{}", service.to_uppercase())).ok()?;
        let host = url.strip_prefix("http://")?.trim_end_matches('/').to_owned();
        let number = PLACES.fetch_add(1, Ordering::Relaxed);
        let place = format!("world{}n{number}", std::process::id());
        Some(Self { service, host, place, idle: Arc::default() })
    }

    /// The namespace's name, also used as access key: DynamoDB Local has one database per access key.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The service's host and port, `127.0.0.1:8000`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Sends a request and waits for its response.
    ///
    /// # Errors
    /// Fails when the service does not respond.
    pub fn ask(&self, target: &str, body: &str) -> io::Result<Answer> {
        let kept = self.idle().pop();
        let (answer, connection) = match kept {
            // The server may have closed an idle connection.
            Some(kept) => match self.over(kept, target, body) {
                Err(error) if closed(&error) => self.over(self.connect()?, target, body)?,
                done => done?,
            },
            None => self.over(self.connect()?, target, body)?,
        };
        self.idle().push(connection);
        Ok(answer)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<BufReader<TcpStream>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connect(&self) -> io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect(&self.host)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(BufReader::new(stream))
    }

    fn over(
        &self,
        mut stream: BufReader<TcpStream>,
        target: &str,
        body: &str,
    ) -> io::Result<(Answer, BufReader<TcpStream>)> {
        let scope = format!("Credential={}/20261120/us-east-1/{}/aws4_request", self.place, self.service);
        let head = format!(
            "POST / HTTP/1.1\r\nhost: {}\r\nx-amz-target: {target}\r\ncontent-type: application/x-amz-json-1.0\r\n\
             authorization: AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0\r\ncontent-length: {}\r\n\r\n",
            self.host,
            body.len()
        );
        stream.get_mut().write_all(&[head.as_bytes(), body.as_bytes()].concat())?;
        let answer = read(&mut stream)?;
        Ok((answer, stream))
    }
}

fn closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | BrokenPipe | ConnectionReset | ConnectionAborted)
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

fn line(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Answer> {
    let first = line(stream)?;
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(|| broken("no status"))?;
    let (mut length, mut chunked) = (0, false);
    loop {
        let header = line(stream)?.to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(|_| broken("no length"))?;
        }
        chunked |= header.starts_with("transfer-encoding:") && header.contains("chunked");
    }
    let mut body = Vec::new();
    if chunked {
        while let size @ 1.. = usize::from_str_radix(&line(stream)?, 16).map_err(|_| broken("no chunk"))? {
            take(stream, size, &mut body)?;
            line(stream)?;
        }
        line(stream)?;
    } else {
        take(stream, length, &mut body)?;
    }
    Ok((status, String::from_utf8(body).map_err(|_| broken("not text"))?))
}

fn take(stream: &mut BufReader<TcpStream>, size: usize, body: &mut Vec<u8>) -> io::Result<()> {
    let from = body.len();
    let limit = u64::try_from(size).map_err(|_| broken("too long"))?;
    stream.take(limit).read_to_end(body)?;
    if body.len().checked_sub(from) == Some(size) { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::net::TcpListener;

    fn served(answers: &'static [&'static str]) -> Remote {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut bytes = [0; 4_096];
                let _ = stream.read(&mut bytes).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        Remote { service: "dynamodb", host, place: "here".to_owned(), idle: Arc::default() }
    }

    #[test]
    fn answers_are_read_by_their_length_or_in_chunks_also_after_the_connection_was_closed() {
        let remote = served(&[
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            "HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n",
        ]);
        assert_eq!(remote.ask("X.Y", "{}").unwrap(), (200, "{}".to_owned()));
        assert_eq!(remote.ask("X.Y", "{}").unwrap(), (400, r#"{"a":1}"#.to_owned()));
    }
}
