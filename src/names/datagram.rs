//! Datagrams to a resolver. They report at once that no process listens there.
//!
//! In and out: one message each. The client's own sockets learn of a refused datagram (ICMP) only when the time is up:
//! tokio's `poll_recv`, unlike its `recv`, does not wake for errors. A resolver that is down would cost every question
//! its share of the time.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use domain::net::client::protocol::{AsyncConnect, AsyncDgramRecv, AsyncDgramSend, UdpConnect};
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;

/// Opens sockets to a resolver, each from a new port.
#[derive(Clone, Debug)]
pub(super) struct Datagrams(UdpConnect);

impl Datagrams {
    pub(super) fn to(resolver: SocketAddr) -> Self {
        Self(UdpConnect::new(resolver))
    }
}

impl AsyncConnect for Datagrams {
    type Connection = Datagram;
    type Fut = Pin<Box<dyn Future<Output = io::Result<Datagram>> + Send + Sync>>;

    fn connect(&self) -> Self::Fut {
        let socket = self.0.connect();
        Box::pin(async { Ok(Datagram { socket: Arc::new(socket.await?), receiving: Mutex::default() }) })
    }
}

type Receiving = Pin<Box<dyn Future<Output = io::Result<Vec<u8>>> + Send>>;

/// A socket, and what waits for the next message.
pub(super) struct Datagram {
    socket: Arc<UdpSocket>,
    receiving: Mutex<Option<Receiving>>,
}

impl AsyncDgramSend for Datagram {
    fn poll_send(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.socket.poll_send(cx, bytes)
    }
}

impl AsyncDgramRecv for Datagram {
    fn poll_recv(&self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut receiving = self.receiving.lock().unwrap_or_else(PoisonError::into_inner);
        let size = buffer.remaining();
        let next = receiving.get_or_insert_with(|| {
            let socket = Arc::clone(&self.socket);
            Box::pin(async move {
                let mut bytes = vec![0; size];
                let length = socket.recv(&mut bytes).await?;
                bytes.truncate(length);
                Ok(bytes)
            })
        });
        let received = ready!(next.as_mut().poll(cx));
        *receiving = None;
        let received = received?;
        // No more than was asked for, by this call or the one before.
        let fits = received.get(..buffer.remaining()).unwrap_or(&received);
        buffer.put_slice(fits);
        Poll::Ready(Ok(()))
    }
}
