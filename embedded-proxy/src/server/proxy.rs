//! A running proxy, and the steps from a bootstrap to it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::assemble::Assembly;
use super::initialise::initialise;
use super::life::Stage;
use super::steer::steer;
use super::threads::Threads;
use super::{Ask, Options};
use crate::admin::{self, Admin, AdminOptions};
use crate::bootstrap::Bootstrap;
use crate::identity::{self, IstioAuthority};
use crate::listener::Bind;
use crate::net::Address;
use crate::proto::Defect;
use crate::services::{Services, Workers};

/// A running proxy. Dropping it ends it at once.
#[derive(Debug)]
pub struct Server {
    services: Arc<Services>,
    threads: Threads,
    admin: Option<Address>,
}

impl Server {
    /// Starts a proxy: threads, clusters, listeners, admin interface. It is ready when [`Server::ready`] says so; what it
    /// cannot honour is told as defects, and nothing is left running.
    pub fn start(bootstrap: Bootstrap, options: &Options) -> Result<Self, Vec<Defect>> {
        let threads = Threads::start(options.concurrency).map_err(|error| failure("starting threads", &error))?;
        let main = threads.main.clone();
        // What constructors spawn belongs to the main thread.
        let _entered = main.enter();
        let assembly = Assembly::new(&bootstrap, options, threads.workers.clone(), main.clone(), true);
        let (build, secrets) = (assembly.build.clone(), assembly.secrets.take());
        assembly.defects.verdict(Some(()))?;
        let services = build.services.clone();
        let admin = match &bootstrap.admin {
            Some(wanted) => Some(serve_admin(&wanted.bind, &services, options)?),
            None => None,
        };
        main.spawn(steer(services.clone(), options.clone()));
        if let Some(settings) = options.identity.clone().map(Arc::new) {
            let authority = Arc::new(IstioAuthority::new(&services, settings.clone()));
            main.spawn(identity::keep(services.clone(), settings, authority));
        }
        main.spawn(initialise(build, bootstrap.dynamic, secrets));
        Ok(Self { services, threads, admin })
    }

    /// Builds everything that [`Server::start`] builds and lets it go: no socket is bound, no host is asked.
    pub fn validate(bootstrap: &Bootstrap) -> Result<(), Vec<Defect>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        // It never runs: what constructors spawn on it stays undone.
        let runtime = runtime.map_err(|error| failure("starting a runtime", &error))?;
        let _entered = runtime.enter();
        let main = runtime.handle().clone();
        let workers = Workers::new([main.clone()]);
        Assembly::new(bootstrap, &Options::default(), workers, main, false).defects.verdict(Some(()))
    }

    /// What the parts of the proxy share.
    pub fn services(&self) -> &Arc<Services> {
        &self.services
    }

    /// Whether it takes traffic.
    pub fn ready(&self) -> bool {
        self.services.life.ready()
    }

    /// The address of the admin interface, when there is one.
    pub fn admin(&self) -> Option<&Address> {
        self.admin.as_ref()
    }

    /// The addresses that listeners are bound to, by name.
    pub fn addresses(&self) -> BTreeMap<String, Vec<Address>> {
        let all = self.services.listeners.all().into_iter();
        all.map(|view| (view.config.name.to_string(), view.addresses)).collect()
    }

    /// The first address of a listener, when it is an IP address.
    pub fn address(&self, listener: &str) -> Option<SocketAddr> {
        self.addresses().get(listener)?.first()?.socket()
    }

    /// Finishes what is in flight, at the latest after [`Options::termination_drain`], then ends. Returns at once.
    pub fn drain(&self) {
        self.services.life.ask(Ask::Drain);
    }

    /// Waits until the proxy is initialised: its clusters and listeners have what they need, or waited long enough.
    pub fn initialised(&self) {
        self.threads.main.block_on(self.services.life.reached(Stage::Live));
    }

    /// Waits until the proxy has ended, by a signal, by [`Server::drain`] or by its admin interface.
    pub fn wait(self) {
        self.threads.main.block_on(self.services.life.reached(Stage::Ended));
        self.shutdown();
    }

    /// Ends now and waits until all threads are gone.
    pub fn shutdown(mut self) {
        self.services.log_files.flush(LOG_PATIENCE);
        self.threads.end();
    }
}

/// Time that access logs may take to be written when the proxy ends.
const LOG_PATIENCE: Duration = Duration::from_secs(1);

/// Starts the admin interface; returns its address.
fn serve_admin(wanted: &Bind, services: &Arc<Services>, options: &Options) -> Result<Address, Vec<Defect>> {
    let about = AdminOptions {
        concurrency: u32::try_from(options.concurrency).unwrap_or(u32::MAX),
        drain_time: options.drain_time,
        ..AdminOptions::default()
    };
    let admin = Arc::new(Admin { services: services.clone(), options: about });
    match admin::serve(wanted, admin) {
        Ok((address, _)) => Ok(address),
        Err(error) => {
            let message = format!("the admin interface cannot listen on {}: {error}", wanted.address);
            Err(vec![Defect { path: "admin.address".into(), message }])
        }
    }
}

fn failure(what: &str, error: &std::io::Error) -> Vec<Defect> {
    vec![Defect { path: String::new(), message: format!("{what} failed: {error}") }]
}
