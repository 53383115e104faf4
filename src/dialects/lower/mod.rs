//! From the vocabularies to the model of the mesh. Each dialect is one entry of [`DIALECTS`].

pub mod context;
mod defects;
#[cfg(test)]
mod hostile;
mod hosts;
mod origins;
mod trees;
mod visibility;

use crate::dialects::istio::types::MeshConfig;
use crate::dialects::model::Model;
use crate::ir::{AddressPlan, Builder, Mesh};
use crate::schema::{List, Text};

pub use defects::{Defective, Flaws, describe};
pub use hosts::full_name;
pub use origins::Origins;
pub use trees::{Tree, text, trees};
pub use visibility::visibility;

/// A vocabulary that lowers its kinds.
pub trait Dialect: Sync {
    /// Its name, as people say it.
    fn name(&self) -> &'static str;

    /// Adds what the objects of its kinds say. Objects that are broken add nothing that widens access, and a loss that says why.
    fn lower(&self, input: &Input<'_>, mesh: &mut Builder);
}

/// What a dialect gets.
pub struct Input<'m> {
    /// All objects.
    pub model: &'m Model,
    /// Where they stand.
    pub origins: Origins<'m>,
    /// What is wrong with their structure.
    pub defects: Defective<'m>,
    /// Who sees services that say nothing about it: the words of an `exportTo` list. Empty means everybody.
    pub default_service_visibility: Vec<String>,
    /// The same for routes.
    pub default_route_visibility: Vec<String>,
    /// The same for the policies of callers.
    pub default_destination_visibility: Vec<String>,
}

impl<'m> Input<'m> {
    /// All of a model.
    pub fn new(model: &'m Model) -> Self {
        let words = |list: fn(&MeshConfig) -> &List<Text>| {
            let lists = model.mesh.configs.iter().map(|object| list(&object.spec));
            lists.flat_map(|list| list.iter().map(|word| word.as_str().to_owned())).collect()
        };
        Self {
            model,
            origins: Origins::new(&model.sources),
            defects: Defective::new(model),
            default_service_visibility: words(|config| &config.default_service_export_to),
            default_route_visibility: words(|config| &config.default_virtual_service_export_to),
            default_destination_visibility: words(|config| &config.default_destination_rule_export_to),
        }
    }
}

/// All vocabularies, in the order in which they lower: services and workloads come first, because the rest refers to them.
/// Where two say something about one host, the earlier entry counts.
pub const DIALECTS: &[&dyn Dialect] = &[
    &super::istio::lower::Settings,
    &super::kubernetes::lower::Kubernetes,
    &super::istio::lower::Istio,
    &super::gateway_api::lower::GatewayApi,
    &super::linkerd::Linkerd,
    &super::consul::Consul,
    &super::app_mesh::AppMesh,
    &super::smi::Smi,
];

/// API groups whose kinds are lowered from their trees.
pub const GROUPS: &[&str] = &[
    super::linkerd::GROUP,
    super::consul::GROUP,
    super::app_mesh::GROUP,
    super::smi::ACCESS_GROUP,
    super::smi::SPECS_GROUP,
];

/// The mesh that a model describes. Never fails: what cannot be lowered is among [`Mesh::losses`]. With a plan, services and
/// workloads that are only declared get addresses.
pub fn lower(model: &Model, plan: Option<&AddressPlan>) -> Mesh {
    let input = Input::new(model);
    let mut builder = Builder::default();
    for dialect in DIALECTS {
        dialect.lower(&input, &mut builder);
    }
    builder.finish(plan)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::dialects::model::Options;
    use crate::ir::{Key, Resolution};

    /// The mesh of a text, every service and workload with an address.
    pub fn mesh(text: &str) -> Mesh {
        let mut model = Model::new(Options::default());
        model.add_yaml("mesh.yaml", text.to_owned(), None);
        lower(&model, Some(&AddressPlan::default()))
    }

    #[test]
    fn services_find_their_workloads() {
        let mesh = mesh(include_str!("../../../tests/mesh/bookinfo/services.yaml"));
        let key = Key::new("default", "reviews.default.svc.cluster.local");
        let service = &mesh.services[&key];
        assert_eq!(service.resolution, Resolution::Endpoints);
        let endpoints = &mesh.endpoints[&key];
        assert_eq!(endpoints.len(), 3);
        assert!(endpoints.iter().all(|endpoint| endpoint.port(9080) == Some(9080) && endpoint.mutual_tls));
        assert_eq!(&*endpoints[0].identity, "spiffe://cluster.local/ns/default/sa/bookinfo-reviews");
        let workload = &mesh.workloads[&Key::new("default", "reviews-v2")];
        assert!(workload.services.contains(&key));
        assert_eq!(workload.origin.to_string(), "Deployment default/reviews-v2 (mesh.yaml:54:18)");
    }

    #[test]
    fn lowering_is_the_same_each_time_and_shares_what_did_not_change() {
        let text = include_str!("../../../tests/mesh/bookinfo/services.yaml");
        let (old, mut new) = (mesh(text), mesh(text));
        assert_eq!(old, new);
        new.reuse(&old);
        assert!(crate::xds::Change::between(&old, &new).is_empty());
        let mut more = mesh(&text.replace("version: v3", "version: v4"));
        more.reuse(&old);
        let change = crate::xds::Change::between(&old, &more);
        assert!(change.all, "a workload's labels are different");
        assert_eq!(change.endpoints.len(), 1, "{change:?}");
    }
}
