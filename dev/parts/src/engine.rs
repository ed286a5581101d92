//! A container engine is there when its socket answers; a client program alone starts nothing.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use crate::choice::setting;

const PATIENCE: Duration = Duration::from_secs(3);

/// The address of an engine that answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engine {
    pub address: String,
}

/// Asks `$DOCKER_HOST`, else the usual sockets of Docker and Podman; the error says who was asked.
pub fn container_engine() -> Result<Engine, String> {
    let asked = addresses();
    let found = asked.iter().find(|address| answers(address));
    found
        .map(|address| Engine { address: address.clone() })
        .ok_or_else(|| "no container engine answers".to_owned())
}

fn addresses() -> Vec<String> {
    if let Some(host) = setting("DOCKER_HOST") {
        return vec![host];
    }
    let in_dir =
        |variable: &str, file: &str| std::env::var_os(variable).map(|dir| PathBuf::from(dir).join(file));
    let sockets = [
        Some(PathBuf::from("/var/run/docker.sock")),
        in_dir("XDG_RUNTIME_DIR", "docker.sock"),
        in_dir("HOME", ".docker/run/docker.sock"),
        in_dir("XDG_RUNTIME_DIR", "podman/podman.sock"),
    ];
    sockets.into_iter().flatten().map(|socket| format!("unix://{}", socket.display())).collect()
}

fn answers(address: &str) -> bool {
    let ping = if let Some(socket) = address.strip_prefix("unix://") {
        UnixStream::connect(socket).and_then(|stream| {
            stream.set_read_timeout(Some(PATIENCE))?;
            ping(stream)
        })
    } else if let Some(host) = address.strip_prefix("tcp://") {
        TcpStream::connect(host).and_then(|stream| {
            stream.set_read_timeout(Some(PATIENCE))?;
            ping(stream)
        })
    } else {
        return false;
    };
    ping.unwrap_or(false)
}

fn ping(mut stream: impl Read + Write) -> std::io::Result<bool> {
    stream.write_all(b"GET /_ping HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut status = [0_u8; 12];
    stream.read_exact(&mut status)?;
    Ok(status.starts_with(b"HTTP/1.") && status.ends_with(b" 200"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn server(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("tcp://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0_u8; 256];
            assert!(stream.read(&mut asked).unwrap() > 0);
            stream.write_all(answer.as_bytes()).unwrap();
        });
        address
    }

    #[test]
    fn only_an_engine_that_answers_counts() {
        assert!(answers(&server("HTTP/1.1 200 OK\r\n\r\nOK")));
        assert!(!answers(&server("HTTP/1.1 502 Bad Gateway\r\n\r\n")));
        assert!(!answers(&server("SSH-2.0-x")));
        assert!(!answers("unix:///nowhere/docker.sock"));
    }
}
