//! From a port of this machine to one of an app, which has a network of its own.

use crate::process::Process;
use slugbuilder::sandbox::Door;
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a connection waits for the app to listen.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it waits between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Passes connections on until it is dropped.
pub(crate) struct Forward {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

/// What the threads of a forwarder have in common.
struct Shared {
    port: u16,
    door: Arc<Door>,
    process: Arc<Process>,
    ended: AtomicBool,
    /// Both ends of the connections that are open, so that they can be ended.
    open: Mutex<Vec<TcpStream>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Forward {
    /// A new address of this machine's loopback interface for `port` of the app.
    pub(crate) fn start(port: u16, door: Arc<Door>, process: Arc<Process>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            port,
            door,
            process,
            ended: AtomicBool::new(false),
            open: Mutex::default(),
            threads: Mutex::default(),
        });
        let acceptor = {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name(format!("port {port}"))
                .spawn(move || accept(&listener, &shared))?
        };
        Ok(Self {
            address,
            shared,
            acceptor: Some(acceptor),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the acceptor.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        // None is added from here on: who adds one looks at `ended` again.
        for stream in lock(&self.shared.open).drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        let threads = std::mem::take(&mut *lock(&self.shared.threads));
        for thread in threads {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    loop {
        let accepted = listener.accept();
        if shared.has_ended() {
            return;
        }
        let Ok((client, _)) = accepted else {
            // Out of descriptors, for example: others may be closed meanwhile.
            std::thread::sleep(PAUSE);
            continue;
        };
        let connection = Arc::clone(shared);
        let thread = std::thread::Builder::new()
            .name(format!("connection to port {}", shared.port))
            .spawn(move || {
                // The client sees its connection end, which is all that there is to say.
                let _ = connection.serve(&client);
            });
        let mut threads = lock(&shared.threads);
        threads.retain(|thread| !thread.is_finished());
        threads.extend(thread);
    }
}

impl Shared {
    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    fn serve(&self, client: &TcpStream) -> io::Result<()> {
        let app = self.connect()?;
        for stream in [client, &app] {
            stream.set_nodelay(true)?;
            lock(&self.open).push(stream.try_clone()?);
        }
        if self.has_ended() {
            return Ok(());
        }
        let (from, to) = (client.try_clone()?, app.try_clone()?);
        let upstream = std::thread::spawn(move || copy(&from, &to));
        copy(&app, client);
        let _ = upstream.join();
        self.forget_closed();
        Ok(())
    }

    /// Waits until somebody listens, unless the app has ended.
    fn connect(&self) -> io::Result<TcpStream> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            match self.door.connect(self.port) {
                Err(error)
                    if error.kind() == io::ErrorKind::ConnectionRefused
                        && !self.has_ended()
                        && self.process.outcome().is_none()
                        && Instant::now() < give_up =>
                {
                    std::thread::sleep(PAUSE);
                }
                result => return result,
            }
        }
    }

    /// Forgets connections that both ends have closed.
    fn forget_closed(&self) {
        lock(&self.open).retain(|stream| stream.peer_addr().is_ok());
    }
}

/// Passes on what `from` says until it has said all.
fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    if io::copy(&mut from, &mut to).is_err() {
        // Neither has a use for the other any more.
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    } else {
        let _ = to.shutdown(Shutdown::Write);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
