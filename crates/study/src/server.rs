//! The server: a thread of its own, on which nothing computes.

use crate::guard::guard;
use crate::{Error, Result, Study, assets, views};
use axum::Router;
use axum::middleware::from_fn_with_state;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};

/// Connections at a time; one more is turned away. A browser opens six.
const MOST_CONNECTIONS: usize = 64;

/// How long a client may take over the head of a request, or leave a connection unused.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes of the head of a request.
const MOST_HEAD: usize = 16 << 10;

/// A page that is being served; dropping it ends that.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Begins to serve on 127.0.0.1, on any free port for `port` 0.
    ///
    /// # Errors
    /// When the port is taken, or the system refuses a thread.
    pub fn start(study: Arc<Study>, port: u16) -> Result<Server> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .map_err(|source| Error::Bind { port, source })?;
        listener.set_nonblocking(true).map_err(Error::Start)?;
        let address = listener.local_addr().map_err(Error::Start)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(8)
            .build()
            .map_err(Error::Start)?;
        let (stop, stopped) = oneshot::channel();
        let serve = move || {
            runtime.spawn(accept(listener, router(study, address.port())));
            // An error means that the server was dropped, which is to say the same.
            let _ = runtime.block_on(stopped);
            // What computes finishes by itself; nobody waits for it.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("study".into()).spawn(serve).map_err(Error::Start)?;
        Ok(Server { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where the page is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread is gone already where nobody listens.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// All routes behind the guard.
fn router(study: Arc<Study>, port: u16) -> Router {
    let mut router = assets::routes().merge(views::route(&study));
    for view in views::all() {
        router = router.nest(&format!("/api/{}", view.name), (view.routes)(study.clone()));
    }
    router.fallback(assets::missing).layer(from_fn_with_state(port, guard))
}

/// Takes connections until the end.
async fn accept(listener: std::net::TcpListener, router: Router) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("note: the page cannot be served: {error}");
            return;
        }
    };
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(_) => {
                // Too many files are open; some of them will be closed.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        match room.clone().try_acquire_owned() {
            Ok(permit) => {
                let router = router.clone();
                tokio::spawn(async move {
                    serve(stream, router).await;
                    drop(permit);
                });
            }
            Err(_) => turn_away(&stream),
        }
    }
}

async fn serve(stream: TcpStream, router: Router) {
    // Small answers go out at once; where the system cannot do that they go out later.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(MOST_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    // A client that breaks off or speaks something else has been told what there is to tell.
    let _ = connection.await;
}

/// Says that there is no room, to a client that may not even listen.
fn turn_away(stream: &TcpStream) {
    let body = r#"{"error":"too many connections at a time"}"#;
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Retry-After: 1\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.try_write(answer.as_bytes());
}
