//! A control plane on a directory of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use meshctl::control_plane::ads::Ads;
use meshctl::control_plane::engine::{Engine, Options, StartError};
use meshctl::control_plane::server::{bind_plain, serve_plain};
use meshctl::control_plane::source::Directory;
use meshctl::ir::AddressPlan;

/// The services of bookinfo.
pub const BOOKINFO: &str = include_str!("../mesh/bookinfo/services.yaml");

/// A running control plane.
pub struct Plane {
    pub folder: tempfile::TempDir,
    pub engine: Arc<Engine>,
    pub ads: Arc<Ads>,
    pub address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Plane {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Plane {
    /// Serves these files.
    pub async fn start(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let paths = vec![folder.path().to_path_buf()];
        Self::of(folder, paths, false).await.unwrap()
    }

    /// Serves what is at these paths.
    pub async fn of(folder: tempfile::TempDir, paths: Vec<PathBuf>, lenient: bool) -> Result<Self, StartError> {
        let options = Options { plan: Some(AddressPlan::default()), lenient, ..Options::default() };
        let engine = Engine::start(options, Box::new(Directory::new(paths))).await?;
        let ads = Ads::new(Arc::clone(&engine), Arc::default());
        let listener = bind_plain(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = Arc::clone(&ads);
        let task = tokio::spawn(async move { serve_plain(listener, serving, None).await.unwrap() });
        Ok(Self { folder, engine, ads, address, task })
    }

    /// Writes a file, at once as a whole.
    pub fn write(&self, name: &str, text: &str) {
        let part = self.folder.path().join(format!(".{name}.part"));
        std::fs::write(&part, text).unwrap();
        std::fs::rename(part, self.folder.path().join(name)).unwrap();
    }

    /// Where a file of it is.
    pub fn path(&self, name: &str) -> String {
        Path::new(self.folder.path()).join(name).to_string_lossy().into_owned()
    }

    /// Waits until the mesh has changed since the given state.
    pub async fn changed_since(&self, state: u64) {
        let mut states = self.engine.states();
        let wait = states.wait_for(|number| *number > state);
        tokio::time::timeout(Duration::from_secs(10), wait).await.expect("the mesh changes").unwrap();
    }
}
