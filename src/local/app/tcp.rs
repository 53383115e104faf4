//! Sends back what it gets.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Shared;

/// One connection. Each piece comes back behind the name of the workload, so that callers see who answered.
pub async fn serve(mut stream: TcpStream, greets: bool, shared: Arc<Shared>) {
    let name = &shared.pod.workload.key.name;
    if greets && stream.write_all(format!("hello from {name}\n").as_bytes()).await.is_err() {
        return;
    }
    let mut piece = vec![0; 16 << 10];
    while let Ok(read @ 1..) = stream.read(&mut piece).await {
        let mut back = format!("{name}: ").into_bytes();
        back.extend_from_slice(&piece[..read]);
        if stream.write_all(&back).await.is_err() {
            return;
        }
    }
}
