//! The socket under a connection: it can be told to stop after so many bytes, which no HTTP server does by itself.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// Stands for "no limit".
const UNLIMITED: usize = usize::MAX;

/// A connection's leash, held by its socket and handed to each of its requests.
#[derive(Debug, Clone)]
pub struct Leash(Arc<AtomicUsize>);

impl Leash {
    /// Lets `bytes` more bytes of the answer through, then resets the connection.
    pub fn cut_after(&self, bytes: usize) {
        self.0.store(bytes, Ordering::SeqCst);
    }
}

impl Connected<IncomingStream<'_, LeashedListener>> for Leash {
    fn connect_info(stream: IncomingStream<'_, LeashedListener>) -> Self {
        Self(Arc::clone(&stream.io().left))
    }
}

/// A listener whose connections can be cut.
#[derive(Debug)]
pub struct LeashedListener(pub TcpListener);

impl Listener for LeashedListener {
    type Io = LeashedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            match self.0.accept().await {
                Ok((stream, peer)) => {
                    return (LeashedStream { stream, left: Arc::new(AtomicUsize::new(UNLIMITED)) }, peer);
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// A connection that can be cut.
#[derive(Debug)]
pub struct LeashedStream {
    stream: TcpStream,
    left: Arc<AtomicUsize>,
}

impl LeashedStream {
    fn cut(&self) -> io::Error {
        // With no linger the kernel sends RST instead of FIN, as a crashed peer or a middlebox would.
        let _ = self.stream.set_zero_linger();
        io::ErrorKind::ConnectionReset.into()
    }
}

impl AsyncRead for LeashedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for LeashedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let left = self.left.load(Ordering::SeqCst);
        if left == 0 {
            return Poll::Ready(Err(self.cut()));
        }
        let part = &buf[..buf.len().min(left)];
        let written = std::task::ready!(Pin::new(&mut self.stream).poll_write(cx, part))?;
        if left != UNLIMITED {
            self.left.store(left - written, Ordering::SeqCst);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
