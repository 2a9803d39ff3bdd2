//! One question to the resolvers.
//!
//! In: an address. Out: an answer, within the time of a question. The resolvers are asked one after another, each in its
//! share of the time, beginning with the resolver that answered last. They are asked over UDP from a new port, and over
//! TCP when the answer is cut. Then the silent ones are asked once more. Always: a message that does not answer the
//! question (another number, another name, garbage) is ignored.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::base::iana::Rtype;
use domain::base::{Message, MessageBuilder, Name};
use domain::net::client::dgram::QueryErrorKind;
use domain::net::client::protocol::TcpConnect;
use domain::net::client::request::{Error, RequestMessage, SendRequest as _};
use domain::net::client::{dgram, dgram_stream, multi_stream, stream};
use tokio::time::timeout;

use crate::address::IpAddress;
use crate::names::{answer, public};

use super::answer::{Answer, Outcome};
use super::datagram::Datagrams;
use super::options::PtrOptions;

/// How often a silent resolver is asked: a datagram may be lost.
const ATTEMPTS: u32 = 2;

type DnsRequest = RequestMessage<Vec<u8>>;

/// The resolvers, ready to be asked.
pub(super) struct Resolvers {
    resolvers: Vec<dgram_stream::Connection<Datagrams, DnsRequest>>,
    /// The resolver that answered last. It is asked first: otherwise one that is down would cost every question its share
    /// of the time.
    first: AtomicUsize,
    timeout: Duration,
}

impl Resolvers {
    /// Starts the tasks that serve the connections. Must be called within a runtime.
    pub(super) fn new(addresses: &[SocketAddr], options: &PtrOptions, concurrency: usize) -> Self {
        let timeout = options.timeout.max(Duration::from_millis(1));
        let attempts = u32::try_from(addresses.len()).unwrap_or(u32::MAX).saturating_mul(ATTEMPTS).max(1);
        let share = timeout / attempts;
        let mut datagrams = dgram::Config::new();
        datagrams.set_read_timeout(share);
        datagrams.set_max_retries(0);
        datagrams.set_max_parallel(concurrency);
        let mut connection = stream::Config::new();
        connection.set_response_timeout(share);
        let mut connections = multi_stream::Config::from(connection);
        connections.set_response_timeout(share);
        let mut config = dgram_stream::Config::new();
        config.set_dgram(datagrams);
        config.set_stream(connections);
        let resolvers = addresses.iter().map(|address| {
            let (udp, tcp) = (Datagrams::to(*address), TcpConnect::new(*address));
            let (resolver, connections) = dgram_stream::Connection::with_config(udp, tcp, config.clone());
            tokio::spawn(connections.run());
            resolver
        });
        Self { resolvers: resolvers.collect(), first: AtomicUsize::new(0), timeout }
    }

    /// Asks for the name of an address.
    pub(super) async fn ask(&self, address: IpAddress) -> Answer {
        timeout(self.timeout, self.ask_all(address)).await.unwrap_or_else(|_| Outcome::Timeout.into())
    }

    async fn ask_all(&self, address: IpAddress) -> Answer {
        let address: IpAddr = public::meant(address).into();
        // Neither can fail: the longest such name has 74 octets.
        let Ok(name) = Name::<Vec<u8>>::reverse_from_addr(address) else { return Outcome::Malformed.into() };
        let Some(request) = request(&name) else { return Outcome::Malformed.into() };
        // The failure that says most.
        let mut failure = Outcome::Timeout;
        let first = self.first.load(Ordering::Relaxed);
        let resolvers = self.resolvers.iter().enumerate();
        let mut silent: Vec<_> = resolvers.clone().skip(first).chain(resolvers.take(first)).collect();
        for _ in 0..ATTEMPTS {
            let asked = std::mem::take(&mut silent);
            for (place, resolver) in asked {
                let answer = match resolver.send_request(request.clone()).get_response().await {
                    Ok(message) => answer::read(message.for_slice(), &name),
                    Err(error) => outcome(&error).into(),
                };
                match answer.outcome {
                    Outcome::Name(_) | Outcome::NoName => {
                        self.first.store(place, Ordering::Relaxed);
                        return answer;
                    }
                    Outcome::Timeout => silent.push((place, resolver)),
                    other => failure = failure.max(other),
                }
            }
        }
        failure.into()
    }
}

fn request(name: &Name<Vec<u8>>) -> Option<DnsRequest> {
    let mut message = MessageBuilder::new_vec();
    message.header_mut().set_rd(true);
    let mut message = message.question();
    message.push((name, Rtype::PTR)).ok()?;
    RequestMessage::new(Message::from_octets(message.finish()).ok()?).ok()
}

fn outcome(error: &Error) -> Outcome {
    match error {
        Error::Dgram(error) => match error.kind() {
            QueryErrorKind::Timeout => Outcome::Timeout,
            QueryErrorKind::Connect | QueryErrorKind::Send | QueryErrorKind::Receive => Outcome::Unreachable,
        },
        Error::StreamReadTimeout => Outcome::Timeout,
        Error::WrongReplyForQuery | Error::ShortMessage | Error::StreamUnexpectedEndOfData => Outcome::Malformed,
        _ => Outcome::Unreachable,
    }
}
