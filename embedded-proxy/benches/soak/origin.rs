//! The origins: one of HTTP/1 that does as the path says, one that sends back what it gets.

use std::net::SocketAddr;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Their addresses: two that are alike, and the echo.
#[derive(Debug, Clone, Copy)]
pub struct Origins {
    pub first: SocketAddr,
    pub second: SocketAddr,
    pub echo: SocketAddr,
}

/// Starts them in the runtime.
pub async fn start() -> Origins {
    Origins { first: listen(http).await, second: listen(http).await, echo: listen(echo).await }
}

async fn listen<F: Future<Output = std::io::Result<()>> + Send + 'static>(
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(serve(connection));
        }
    });
    address
}

async fn echo(mut connection: TcpStream) -> std::io::Result<()> {
    let (mut from, mut to) = connection.split();
    tokio::io::copy(&mut from, &mut to).await.map(drop)
}

async fn http(connection: TcpStream) -> std::io::Result<()> {
    let mut connection = BufReader::new(connection);
    loop {
        let (mut path, mut length, mut line) = (String::new(), 0, String::new());
        loop {
            line.clear();
            if connection.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            if path.is_empty() {
                path = line.split(' ').nth(1).unwrap_or("/").to_string();
            } else if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap_or(0);
            } else if line == "\r\n" {
                break;
            }
        }
        tokio::io::copy(&mut (&mut connection).take(length), &mut tokio::io::sink()).await?;
        let size = match path.as_str() {
            "/reset" => {
                SockRef::from(connection.get_ref()).set_linger(Some(Duration::ZERO))?;
                return Ok(());
            }
            "/large" => 256 << 10,
            "/slow" => {
                tokio::time::sleep(Duration::from_millis(100)).await;
                2
            }
            _ => 100,
        };
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n");
        connection.get_mut().write_all(head.as_bytes()).await?;
        connection.get_mut().write_all(&vec![b'x'; size]).await?;
    }
}
