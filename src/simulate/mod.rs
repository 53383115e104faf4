//! What happens to a request, step by step, without sending it: the configuration of the proxies on its way is made as the
//! control plane makes it, read by the code that serves with it, and asked.
//!
//! Pure: the same mesh and question give the same answer. Addresses that only files declare come from the mesh's address plan.

mod branch;
mod case;
mod client;
mod coverage;
mod destination;
mod edge;
mod expect;
mod find;
mod graph;
mod human;
mod provenance;
mod proxy;
mod question;
mod report;
mod route;
mod server;
mod verdict;

pub use case::{Case, Cases, Expect, Request};
pub use coverage::Coverage;
pub use expect::differences;
pub use find::Unknown;
pub use graph::{Graph, graph};
pub use human::human;
pub use question::{From, Question, Target};
pub use report::{Answer, At, Destination, Endpoint, Server, Step, Trace};

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::ir::{Key, Mesh};
use proxy::Proxy;

/// Answers questions about one mesh. Proxies are put together when they are first asked.
pub struct Simulator<'m> {
    mesh: &'m Mesh,
    proxies: RefCell<BTreeMap<Key, Rc<Proxy>>>,
}

impl<'m> Simulator<'m> {
    /// One for a mesh.
    pub fn new(mesh: &'m Mesh) -> Self {
        Self { mesh, proxies: RefCell::default() }
    }

    /// What happens to the request.
    pub fn ask(&self, question: &Question) -> Result<Trace, Unknown> {
        client::ask(self, question)
    }

    /// The mesh.
    pub fn mesh(&self) -> &'m Mesh {
        self.mesh
    }

    /// The proxy of a workload; none when the system gives no runtime to read its configuration in.
    fn proxy(&self, workload: &Key) -> Option<Rc<Proxy>> {
        if let Some(proxy) = self.proxies.borrow().get(workload) {
            return Some(Rc::clone(proxy));
        }
        let proxy = Rc::new(Proxy::of(self.mesh, self.mesh.workload(workload)?)?);
        self.proxies.borrow_mut().insert(workload.clone(), Rc::clone(&proxy));
        Some(proxy)
    }
}
