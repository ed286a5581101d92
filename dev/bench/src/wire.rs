//! A client that costs next to nothing: HTTP/1.1 on one kept connection.

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// One connection.
pub struct Wire {
    stream: TcpStream,
    host: String,
    read: Vec<u8>,
}

impl Wire {
    /// Connects to `http://host:port`.
    pub async fn connect(url: &str) -> Result<Self> {
        let host = url.strip_prefix("http://").context("an URL of http")?.to_owned();
        let stream = TcpStream::connect(&host).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, host, read: Vec::with_capacity(16_384) })
    }

    /// POST; the status and the body.
    pub async fn post(
        &mut self,
        path: &str,
        api_key: &str,
        idempotency_key: &str,
        body: &str,
    ) -> Result<(u16, Vec<u8>)> {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nIdempotency-Key: {idempotency_key}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.host,
            api_key,
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await?;
        self.read.clear();
        let head = loop {
            if let Some(end) = find(&self.read, b"\r\n\r\n") {
                break end;
            }
            ensure!(self.stream.read_buf(&mut self.read).await? > 0, "the connection was closed");
        };
        let text = std::str::from_utf8(&self.read[..head])?;
        let status = text.get(9..12).context("a status line")?.parse()?;
        let length: usize = text
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok())
            .context("a content length")?;
        let whole = head + 4 + length;
        while self.read.len() < whole {
            ensure!(self.stream.read_buf(&mut self.read).await? > 0, "the connection was closed");
        }
        Ok((status, self.read[head + 4..whole].to_vec()))
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
