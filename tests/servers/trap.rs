//! A proxy that lets nobody through and notes where they wanted to go.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a client may take to say where it wants to go.
const SAID_WITHIN: Duration = Duration::from_secs(5);

/// For programs that would talk to hosts of their own choice: a closed port would stop them as well, but nobody
/// would hear of it. Ends when it is dropped.
pub(crate) struct Trap {
    address: SocketAddr,
    caught: Arc<Mutex<Vec<String>>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Trap {
    /// Listens on a free port of 127.0.0.1.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (caught, ended) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<AtomicBool>::default());
        let (into, stop) = (Arc::clone(&caught), Arc::clone(&ended));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                into.lock().unwrap_or_else(PoisonError::into_inner).push(first_line(stream));
            }
        });
        Self { address, caught, ended, thread: Some(thread) }
    }

    /// What `HTTPS_PROXY` is set to.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The first line of everything that came: `CONNECT HOST:443 HTTP/1.1`.
    pub(crate) fn caught(&self) -> Vec<String> {
        self.caught.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same, and forgets it.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.caught.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn first_line(stream: TcpStream) -> String {
    let mut line = String::new();
    let _ = stream.set_read_timeout(Some(SAID_WITHIN));
    let _ = BufReader::new(stream).read_line(&mut line);
    line.trim_end().to_owned()
}

impl Drop for Trap {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the thread, which waits for a connection.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
