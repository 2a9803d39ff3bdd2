//! A web server of a few files, with ranges and ETags.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// A server that ends with the process.
pub(crate) struct WebServer {
    address: String,
}

impl WebServer {
    /// Serves files by their paths, which begin with a slash.
    pub(crate) fn start(files: impl IntoIterator<Item = (&'static str, Vec<u8>)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let files: Arc<BTreeMap<_, _>> = Arc::new(files.into_iter().collect());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let files = Arc::clone(&files);
                thread::spawn(move || serve(stream, &files));
            }
        });
        Self { address }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// Answers the requests of a connection (RFC 9112).
fn serve(mut stream: TcpStream, files: &BTreeMap<&str, Vec<u8>>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    while let Some(request) = lines.next() {
        let headers: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
        let path = request.split(' ').nth(1).unwrap_or_default();
        let range = headers.iter().find_map(|line| {
            let line = line.to_ascii_lowercase();
            let (start, end) = line.strip_prefix("range: bytes=")?.split_once('-')?;
            Some((start.parse::<usize>().ok()?, end.parse::<usize>().ok()?))
        });
        let answer = match (files.get(path), range) {
            (Some(bytes), Some((start, end))) if start < bytes.len() => {
                let end = end.min(bytes.len() - 1);
                let head = format!(
                    "HTTP/1.1 206 Partial Content\r\nETag: \"{path}\"\r\nContent-Range: bytes {start}-{end}/{}\r\nContent-Length: {}\r\n\r\n",
                    bytes.len(),
                    end + 1 - start
                );
                [head.as_bytes(), &bytes[start..=end]].concat()
            }
            _ => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
        };
        if stream.write_all(&answer).is_err() {
            return;
        }
    }
}
