//! DestinationRule: how callers treat a host. Rules of one namespace for one host are one policy.

use std::sync::Arc;

use super::context::Context;
use super::traffic::policy;
use crate::dialects::istio::types::DestinationRule;
use crate::dialects::kubernetes::lower::labels;
use crate::dialects::lower::{Input, visibility};
use crate::dialects::object::Object;
use crate::ir::{Builder, DestinationPolicy, HostPattern, Predicate, Subset};
use crate::manifests::source::Place;
use crate::schema::Text;

/// Every DestinationRule. Of several for one host the first (by name) gives the policy; subsets of the others come to it.
pub fn lower(input: &Input<'_>, mesh: &mut Builder) {
    let domain = mesh.mesh.settings.domain.clone();
    let mut objects: Vec<&Object<DestinationRule>> = input.model.destination_rules.iter().collect();
    objects.sort_by_key(|object| format!("{}.{}", object.meta.name(), object.meta.namespace));
    let mut found: Vec<DestinationPolicy> = Vec::new();
    for object in objects {
        let cx = Context::new(input, &object.meta, &domain);
        let Some(own) = of(&cx, object) else { continue };
        let same = |other: &&mut DestinationPolicy| {
            other.namespace == own.namespace && other.host == own.host && other.clients == own.clients
        };
        match found.iter_mut().find(same) {
            Some(other) => {
                let new = own.subsets.into_iter();
                let new: Vec<_> =
                    new.filter(|subset| other.subsets.iter().all(|had| had.name != subset.name)).collect();
                other.subsets.extend(new);
            }
            None => found.push(own),
        }
    }
    mesh.mesh.destinations.extend(found.into_iter().map(Arc::new));
}

fn of(cx: &Context<'_>, object: &Object<DestinationRule>) -> Option<DestinationPolicy> {
    let spec = &object.spec;
    let host = spec.host.as_ref().filter(|host| !host.as_str().is_empty())?;
    let words = spec.export_to.iter().map(Text::as_str);
    let subsets = spec.subsets.iter().enumerate().filter_map(|(at, subset)| {
        let name = subset.name.as_ref()?;
        let path = format!("spec.subsets[{at}]");
        let predicate = Predicate::labels(labels(&subset.labels));
        Some(Arc::new(Subset {
            origin: cx.at(path.clone(), name.place),
            name: name.as_str().into(),
            endpoints: predicate,
            traffic: subset.traffic_policy.as_deref().map(|own| policy(cx, &path, own)).unwrap_or_default(),
        }))
    });
    Some(DestinationPolicy {
        origin: cx.at("", Place::default()),
        namespace: cx.namespace().into(),
        host: HostPattern(cx.host(host.as_str())),
        visibility: visibility(words, cx.namespace(), &cx.input.default_destination_visibility),
        clients: spec.workload_selector.as_ref().map(|selector| Predicate::labels(selector.match_labels.pairs())),
        traffic: spec.traffic_policy.as_deref().map(|own| policy(cx, "spec", own)).unwrap_or_default(),
        subsets: subsets.collect(),
    })
}
