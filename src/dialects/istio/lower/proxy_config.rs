//! ProxyConfig: settings that proxies are started with. Those of workloads win over those of namespaces and of the mesh.

use std::sync::Arc;

use super::context::Context;
use super::scope::{Attached, in_order};
use crate::dialects::istio::types::ProxyConfig;
use crate::dialects::lower::Input;
use crate::ir::{Builder, Name, Scope};
use crate::schema::{List, Text};

/// Every ProxyConfig.
pub fn lower(input: &Input<'_>, mesh: &mut Builder) {
    let (domain, root) = (mesh.mesh.settings.domain.clone(), mesh.mesh.settings.root_namespace.clone());
    let mut found: Vec<(Scope, &ProxyConfig)> = Vec::new();
    for object in in_order(&input.model.proxy_configs) {
        let cx = Context::new(input, &object.meta, &domain);
        let mut losses = cx.refusals("it is left out");
        let none = List::default();
        let attached = Attached::policy(object.spec.selector.as_ref(), None, &none);
        // A selector that cannot be read chooses nothing: settings are nothing to spread.
        if !cx.flaws().at("spec.selector") {
            let scopes = attached.scopes(&cx, &root, &mut losses).into_iter().map(|scope| match scope {
                Scope::MeshWorkloads(labels) => Scope::Workloads(root.clone(), labels),
                other => other,
            });
            found.extend(scopes.map(|scope| (scope, &object.spec)));
        }
        mesh.mesh.losses.extend(losses);
    }
    // The first of equals counts: what comes later is written over it.
    found.reverse();
    found.sort_by_key(|(scope, _)| scope.breadth());
    for workload in mesh.mesh.workloads.values_mut() {
        let own = found.iter().filter(|(scope, _)| scope.includes(workload));
        let settings: Vec<_> = own.flat_map(|(_, config)| settings(config)).collect();
        if !settings.is_empty() {
            Arc::make_mut(workload).settings.extend(settings);
        }
    }
}

fn settings(config: &ProxyConfig) -> Vec<(Name, Name)> {
    let number = config.concurrency.as_ref().filter(|number| number.value >= 0);
    let number = number.map(|number| ("concurrency".into(), number.value.to_string().into()));
    let image = config.image.as_ref().and_then(|image| image.image_type.as_ref());
    let image = image.map(|image| ("image_type".into(), Text::as_str(image).into()));
    let variables = config.environment_variables.pairs();
    number.into_iter().chain(image).chain(variables.map(|(name, value)| (name.into(), value.into()))).collect()
}

#[cfg(test)]
mod tests {
    use crate::dialects::lower::tests::mesh;
    use crate::ir::Key;

    #[test]
    fn settings_of_workloads_win() {
        let config = |namespace: &str, name: &str, spec: &str| {
            format!(
                "apiVersion: networking.istio.io/v1beta1\nkind: ProxyConfig\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n---\n"
            )
        };
        let text = [
            "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop, labels: {app: web}}\n---\n".to_owned(),
            config("shop", "web", "{selector: {matchLabels: {app: web}}, concurrency: 3}"),
            config("istio-system", "mesh", "{concurrency: 1, environmentVariables: {A: mesh, B: mesh}}"),
            config("shop", "all", "{environmentVariables: {A: shop}}"),
            config("shop", "broken", "{selector: {matchLabels: {app: 5}}, concurrency: 9}"),
        ];
        let mesh = mesh(&text.concat());
        let settings = &mesh.workloads[&Key::new("shop", "web")].settings;
        let all: Vec<String> = settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(all, ["A=shop", "B=mesh", "concurrency=3"]);
    }
}
