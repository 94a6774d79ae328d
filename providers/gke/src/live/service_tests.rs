//! One service against a server on loopback whose first answers are at fault.

#![allow(clippy::unwrap_used)]

use super::operation::GET_ACCOUNT;
use super::service::{Means, Service};
use super::tokens::TokenSource;
use async_trait::async_trait;
use pullaudit_core::Calls;
use pullaudit_wire::{Renewals, Wire};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const WHOLE: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 13\r\n\r\n{\"email\":\"a\"}";
const REFUSED: &str = "HTTP/1.1 401 No\r\nconnection: close\r\ncontent-length: 38\r\n\r\n{\"error\":{\"status\":\"UNAUTHENTICATED\"}}";

/// Tokens by number; a refused one is followed by the next.
struct Numbered(AtomicU32, Renewals);

#[async_trait]
impl TokenSource for Numbered {
    async fn token(&self) -> Result<String, String> {
        Ok(format!("token-{}", self.0.load(Ordering::SeqCst)))
    }

    async fn renew(&self, refused: &str) -> bool {
        if self.token().await.unwrap() != refused {
            return true;
        }
        if !self.1.begin() {
            return false;
        }
        self.0.fetch_add(1, Ordering::SeqCst);
        true
    }
}

/// Gives the answers in turn, one for each connection, and keeps the requests.
fn server(answers: Vec<String>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let requests = Arc::clone(&seen);
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut bytes = [0; 4096];
            let length = stream.read(&mut bytes).unwrap();
            requests.lock().unwrap().push(String::from_utf8_lossy(&bytes[..length]).into_owned());
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (base, seen)
}

struct Asked {
    answer: Result<Value, String>,
    requests: Vec<String>,
    took: Duration,
}

impl Asked {
    fn tokens(&self) -> Vec<&str> {
        let token = |request: &'_ String| request.find("token-").map(|at| at..at + 7);
        self.requests.iter().filter_map(|request| request.get(token(request)?)).collect()
    }
}

async fn ask(answers: &[&str], write: bool) -> Asked {
    let (base, seen) = server(answers.iter().map(|answer| (*answer).to_owned()).collect());
    let means = Means {
        wire: Arc::new(Wire::new(Duration::from_secs(5)).unwrap()),
        tokens: Arc::new(Numbered(AtomicU32::new(1), Renewals::default())),
        calls: Arc::new(Calls::default()),
        timeout: Duration::from_secs(8),
        concurrency: 1,
    };
    let service = Service::new("iam", base, &means);
    let began = Instant::now();
    let answer = if write {
        service.write(GET_ACCOUNT, "/v1/a:set", &json!({})).await
    } else {
        service.get::<Value>(GET_ACCOUNT, "/v1/a").await
    };
    let requests = seen.lock().unwrap().clone();
    Asked { answer: answer.map_err(|trouble| trouble.to_string()), requests, took: began.elapsed() }
}

#[tokio::test]
async fn a_body_cut_short_is_asked_again() {
    for cut in [
        "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"email\":",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n{\"email\":\r\n",
        "HTTP/1.0 200 OK\r\n\r\n{\"email\":\"",
    ] {
        let asked = ask(&[cut, WHOLE], false).await;
        assert_eq!(asked.answer, Ok(json!({ "email": "a" })), "{cut}");
        assert_eq!(asked.requests.len(), 2);
    }
}

#[tokio::test]
async fn a_date_to_ask_again_after_is_honoured() {
    let busy = "HTTP/1.1 503 Busy\r\nconnection: close\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
                retry-after: Sun, 06 Nov 1994 08:49:38 GMT\r\ncontent-length: 0\r\n\r\n";
    let asked = ask(&[busy, WHOLE], false).await;
    assert!(asked.answer.is_ok(), "{:?}", asked.answer);
    assert!(asked.took >= Duration::from_secs(1), "{:?}", asked.took);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    for write in [false, true] {
        let asked = ask(&[REFUSED, WHOLE], write).await;
        assert_eq!(asked.answer, Ok(json!({ "email": "a" })), "write {write}");
        assert_eq!(asked.tokens(), ["token-1", "token-2"]);
    }
    let asked = ask(&[REFUSED, REFUSED, WHOLE], false).await;
    assert!(asked.answer.unwrap_err().contains("UNAUTHENTICATED"));
    assert_eq!(asked.requests.len(), 2);
}

#[tokio::test]
async fn a_write_cut_short_is_not_sent_twice() {
    let asked = ask(&["HTTP/1.0 200 OK\r\n\r\n{\"email\":\"", WHOLE], true).await;
    assert!(asked.answer.unwrap_err().contains("breaks off"));
    assert_eq!(asked.requests.len(), 1);
}
