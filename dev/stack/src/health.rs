//! One small question over HTTP: does it answer, and with which status?

use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(2);

/// The status with which `http://host:port/path` answers.
pub async fn http_status(url: &str) -> Result<u16> {
    match tokio::time::timeout(PATIENCE, ask(url)).await {
        Ok(answer) => answer,
        Err(_) => bail!("{url} does not answer in time"),
    }
}

async fn ask(url: &str) -> Result<u16> {
    let rest = url.strip_prefix("http://").with_context(|| format!("{url} is not a plain HTTP address"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host).await?;
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = [0_u8; 12];
    stream.read_exact(&mut head).await?;
    let text = std::str::from_utf8(&head)?;
    let status = text.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5));
    Ok(status.with_context(|| format!("{url} does not speak HTTP"))?.parse()?)
}
