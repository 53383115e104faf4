//! The threads of a proxy: one for configuration and checks, and workers for connections, each with a runtime of its own.

use std::io;
use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;

use crate::services::{Workers, become_worker};

/// Running threads. They end when this is dropped; what ran on them is dropped with them.
#[derive(Debug)]
pub(super) struct Threads {
    pub main: Handle,
    pub workers: Workers,
    stop: watch::Sender<bool>,
    joins: Vec<JoinHandle<()>>,
}

impl Threads {
    /// Starts the main thread and `concurrency` workers.
    pub fn start(concurrency: usize) -> io::Result<Self> {
        let stop = watch::Sender::new(false);
        let mut joins = Vec::new();
        let main = thread("proxy-main".into(), None, &stop, &mut joins)?;
        let workers: io::Result<Vec<Handle>> = (0..concurrency.max(1))
            .map(|number| thread(format!("proxy-worker-{number}"), Some(number), &stop, &mut joins))
            .collect();
        Ok(Self { main, workers: Workers::new(workers?), stop, joins })
    }

    /// Ends all threads and waits for them.
    pub fn end(&mut self) {
        self.stop.send_replace(true);
        for join in self.joins.drain(..) {
            // A thread that panicked is over, too. One of ours that drops the proxy cannot wait for itself.
            if join.thread().id() != std::thread::current().id() {
                let _ = join.join();
            }
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.end();
    }
}

fn thread(
    name: String,
    worker: Option<usize>,
    stop: &watch::Sender<bool>,
    joins: &mut Vec<JoinHandle<()>>,
) -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let mut stopped = stop.subscribe();
    let (running, runs) = mpsc::channel();
    let body = move || {
        if let Some(number) = worker {
            become_worker(number);
        }
        let _ = running.send(());
        let _ = runtime.block_on(stopped.wait_for(|stop| *stop));
        // Blocking work (name lookups) may hang; it is not waited for.
        runtime.shutdown_background();
    };
    joins.push(std::thread::Builder::new().name(name).spawn(body)?);
    let _ = runs.recv();
    Ok(handle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::worker;

    #[test]
    fn workers_know_their_number() {
        let threads = Threads::start(2).unwrap();
        let numbers: Vec<usize> = (0..2)
            .map(|number| {
                let ran = threads.workers.spawn(number, async { worker() });
                threads.main.block_on(ran).unwrap()
            })
            .collect();
        assert_eq!(numbers, [0, 1]);
    }
}
