//! An AWS service of another process instead of the one in this process: Amazon's DynamoDB Local, or ElasticMQ.
//!
//! Where `AWS_ENDPOINT_URL_DYNAMODB` or `AWS_ENDPOINT_URL_SQS` name one, a [`Dynamo`](crate::dynamo::Dynamo) in memory and
//! [`Queues`](crate::sqs::Queues) in memory are there, each in a place of its own. A request is answered before anything else
//! happens on this thread: a test's clock jumps when everybody waits, so nobody may.
//!
//! What differs there (`proof engines` names the tests that it leaves out):
//! - Time to live is not switched on: the service goes by its own clock and would take the items of a world that is behind.
//! - Contention of transactions is still played by [`dynamo`](crate::dynamo), as one request is under way at a time.
//! - DynamoDB Local counts a transaction's write units in its own way: capacity is not compared.
//! - Queues go by real time: visibility, delay and the five minutes of deduplication don't end when a world's clock is moved.
//!   Polling without waiting, giving a message back at once, groups, redrive and batches are as here.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Longest that an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// No two places of this process are one.
static PLACES: AtomicU64 = AtomicU64::new(0);

/// A place in a service of another process; clones share it.
#[derive(Debug, Clone)]
pub struct Remote {
    service: &'static str,
    host: String,
    place: String,
    idle: Arc<Mutex<Vec<BufReader<TcpStream>>>>,
}

/// An answer: its status and its body.
pub type Answer = (u16, String);

impl Remote {
    /// A place of its own in the service that the environment names, if it names one: `dynamodb` or `sqs`.
    pub fn named(service: &'static str) -> Option<Self> {
        let url = std::env::var(format!("AWS_ENDPOINT_URL_{}", service.to_uppercase())).ok()?;
        let host = url.strip_prefix("http://")?.trim_end_matches('/').to_owned();
        let number = PLACES.fetch_add(1, Ordering::Relaxed);
        let place = format!("world{}n{number}", std::process::id());
        Some(Self { service, host, place, idle: Arc::default() })
    }

    /// What is only said of this place: the service keeps a database for each access key.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Where the service stands, `127.0.0.1:8000`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// When nobody answers.
    pub fn ask(&self, target: &str, body: &str) -> io::Result<Answer> {
        let kept = self.idle().pop();
        let (answer, connection) = match kept {
            // A connection that was kept may have been closed meanwhile.
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
