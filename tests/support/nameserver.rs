//! A DNS server for tests: one thread for UDP and one for TCP on a port of 127.0.0.1; says of each address what it is told.

use std::collections::{HashMap, HashSet};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;

use parcap::address::IpAddress;

pub(crate) const CNAME: u16 = 5;
const SOA: u16 = 6;
pub(crate) const PTR: u16 = 12;

/// A record on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Record(Vec<u8>);

impl Record {
    pub(crate) fn new(owner: &[u8], kind: u16, ttl: u32, data: &[u8]) -> Self {
        let length = u16::try_from(data.len()).unwrap().to_be_bytes();
        Self([owner, &kind.to_be_bytes(), &[0, 1], &ttl.to_be_bytes(), &length, data].concat())
    }
}

/// What becomes of an answer on its way out: several messages, others, or none.
type Way = Arc<dyn Fn(Vec<u8>) -> Vec<Vec<u8>> + Send + Sync>;

/// What the server says of one name.
#[derive(Clone)]
pub(crate) struct Says {
    rcode: u8,
    answers: Vec<Record>,
    /// A name for the owner of the question.
    own: Option<(Vec<u8>, u32)>,
    authorities: Vec<Record>,
    cut: bool,
    lost_at_first: bool,
    way: Option<Way>,
}

impl Says {
    pub(crate) fn answer(rcode: u8, answers: Vec<Record>, authorities: Vec<Record>) -> Self {
        Self { rcode, answers, own: None, authorities, cut: false, lost_at_first: false, way: None }
    }

    pub(crate) fn rcode(rcode: u8) -> Self {
        Self::answer(rcode, vec![], vec![])
    }

    pub(crate) fn name(name: &str, ttl: u32) -> Self {
        Self { own: Some((wire(name), ttl)), ..Self::rcode(0) }
    }

    /// NXDOMAIN (3) or no data (0), and the seconds for which that holds.
    pub(crate) fn no_name(rcode: u8, ttl: u32) -> Self {
        let data = [&wire("ns.example")[..], &wire("root.example"), &[0; 16], &ttl.to_be_bytes()].concat();
        Self::answer(rcode, vec![], vec![Record::new(&wire("in-addr.arpa"), SOA, 0x7fff_ffff, &data)])
    }

    pub(crate) fn silence() -> Self {
        Self::rcode(0).then(|_| vec![])
    }

    /// Over UDP an empty answer that says that it is cut; over TCP the whole.
    pub(crate) fn cut(whole: Self) -> Self {
        Self { cut: true, ..whole }
    }

    /// Silence to the first question.
    pub(crate) fn lost_at_first(self) -> Self {
        Self { lost_at_first: true, ..self }
    }

    /// The answer goes through `way`; of a cut one only the whole.
    pub(crate) fn then(self, way: impl Fn(Vec<u8>) -> Vec<Vec<u8>> + Send + Sync + 'static) -> Self {
        Self { way: Some(Arc::new(way)), ..self }
    }

    /// The messages that answer a question.
    fn answers(&self, question: &[u8], tcp: bool) -> Vec<Vec<u8>> {
        let end = 12 + name_length(&question[12..]) + 4;
        let mut message = question[..end].to_vec();
        let cut = self.cut && !tcp;
        message[2] = 0x81 | if cut { 2 } else { 0 };
        message[3] = 0x80 | self.rcode;
        message[6..12].fill(0);
        if cut {
            return vec![message];
        }
        let own = self.own.iter().map(|(name, ttl)| Record::new(&[0xc0, 12], PTR, *ttl, name));
        let answers: Vec<_> = own.chain(self.answers.iter().cloned()).collect();
        message[7] = u8::try_from(answers.len()).unwrap();
        message[9] = u8::try_from(self.authorities.len()).unwrap();
        for record in answers.iter().chain(&self.authorities) {
            message.extend_from_slice(&record.0);
        }
        self.way.as_ref().map_or_else(|| vec![message.clone()], |way| way(message.clone()))
    }
}

/// A server; its threads end with the process.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// Type of each question, and whether it came over TCP.
    log: Arc<Mutex<Vec<(u16, bool)>>>,
}

impl Server {
    pub(crate) fn start(zone: impl IntoIterator<Item = (IpAddress, Says)>) -> Self {
        let zone: HashMap<_, _> = zone.into_iter().map(|(address, says)| (reverse(address), says)).collect();
        let (zone, log) = (Arc::new(zone), Arc::new(Mutex::new(Vec::new())));
        let (udp, tcp) = sockets();
        let server = Self { address: udp.local_addr().unwrap(), log: Arc::clone(&log) };
        let (zone_of_tcp, log_of_tcp) = (Arc::clone(&zone), Arc::clone(&log));
        thread::spawn(move || over_udp(&udp, &zone, &log));
        thread::spawn(move || {
            for stream in tcp.incoming() {
                let (zone, log) = (Arc::clone(&zone_of_tcp), Arc::clone(&log_of_tcp));
                thread::spawn(move || over_tcp(stream.unwrap(), &zone, &log));
            }
        });
        server
    }

    /// Questions that came over UDP.
    pub(crate) fn questions(&self) -> usize {
        self.log.lock().unwrap().iter().filter(|(_, tcp)| !tcp).count()
    }

    /// Of them those for one type.
    pub(crate) fn of(&self, kind: u16) -> usize {
        self.log.lock().unwrap().iter().filter(|question| **question == (kind, false)).count()
    }

    /// Questions that came over TCP.
    pub(crate) fn over_tcp(&self) -> usize {
        self.log.lock().unwrap().iter().filter(|(_, tcp)| *tcp).count()
    }
}

type Zone = HashMap<Vec<u8>, Says>;
type Log = Mutex<Vec<(u16, bool)>>;

fn over_udp(socket: &UdpSocket, zone: &Zone, log: &Log) {
    let (mut buffer, mut seen) = ([0; 1500], HashSet::new());
    loop {
        let (length, from) = socket.recv_from(&mut buffer).unwrap();
        let question = &buffer[..length];
        let Some((name, says)) = of(question, zone, log, false) else { continue };
        if says.lost_at_first && seen.insert(name) {
            continue;
        }
        for answer in says.answers(question, false) {
            // The asker may have gone.
            let _ = socket.send_to(&answer, from);
        }
    }
}

fn over_tcp(mut stream: TcpStream, zone: &Zone, log: &Log) {
    let mut length = [0; 2];
    while stream.read_exact(&mut length).is_ok() {
        let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
        if stream.read_exact(&mut question).is_err() {
            return;
        }
        let Some((_, says)) = of(&question, zone, log, true) else { continue };
        for answer in says.answers(&question, true) {
            let length = u16::try_from(answer.len()).unwrap().to_be_bytes();
            let _ = stream.write_all(&[&length[..], &answer].concat());
        }
    }
}

/// What is said of the name in a question; silence of names that are not in the zone.
fn of<'a>(question: &[u8], zone: &'a Zone, log: &Log, tcp: bool) -> Option<(Vec<u8>, &'a Says)> {
    let name = &question[12..12 + name_length(&question[12..])];
    let kind = &question[12 + name.len()..];
    log.lock().unwrap().push((u16::from_be_bytes([kind[0], kind[1]]), tcp));
    let name = name.to_ascii_lowercase();
    zone.get(&name).map(|says| (name, says))
}

/// A port that is free for both.
fn sockets() -> (UdpSocket, TcpListener) {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()) {
            return (udp, tcp);
        }
    }
}

fn name_length(bytes: &[u8]) -> usize {
    let mut at = 0;
    while bytes[at] != 0 {
        at += 1 + usize::from(bytes[at]);
    }
    at + 1
}

/// A name on the wire.
pub(crate) fn wire(name: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        wire.push(u8::try_from(label.len()).unwrap());
        wire.extend_from_slice(label.as_bytes());
    }
    wire.push(0);
    wire
}

/// The name that is asked for an address (RFC 1035 3.5, RFC 3596 2.5).
pub(crate) fn reverse(address: IpAddress) -> Vec<u8> {
    wire(&match address {
        IpAddress::V4(bits) => {
            let [a, b, c, d] = bits.to_be_bytes();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddress::V6(bits) => {
            let digits: Vec<_> = (0..32).map(|at| format!("{:x}", bits >> (4 * at) & 15)).collect();
            format!("{}.ip6.arpa", digits.join("."))
        }
    })
}

/// 64 kB of PTR records after chains of 250 pointers, after the question of an answer.
pub(crate) fn costly(answer: Vec<u8>) -> Vec<u8> {
    let mut message = answer[..12 + name_length(&answer[12..]) + 4].to_vec();
    let chain = message.len() + 11;
    let pointer = |at: usize| (0xc000 | u16::try_from(at).unwrap()).to_be_bytes();
    let mut data = pointer(12).to_vec();
    (0..250).for_each(|link| data.extend_from_slice(&pointer(chain + 2 * link)));
    message.extend_from_slice(&Record::new(&[0], 16, 0, &data).0);
    let end = pointer(chain + 500);
    let mut records = 1_u16;
    while message.len() < 65_500 {
        message.extend_from_slice(&Record::new(&end, PTR, 7200, &end).0);
        records += 1;
    }
    message[6..8].copy_from_slice(&records.to_be_bytes());
    message[8..12].fill(0);
    message
}
