//! The settings of the injector: ConfigMaps `istio-sidecar-injector` and `istio-sidecar-injector-REVISION`.

use crate::analyzers::context::Context;
use crate::dialects::kubernetes::types::ConfigMap;
use crate::dialects::object::Object;

/// The prefix of the ConfigMaps' names.
pub(super) const PREFIX: &str = "istio-sidecar-injector";

/// The name of the ConfigMap of a revision; the default one has no ending.
pub(super) fn name_of(revision: &str) -> String {
    if revision.is_empty() || revision == "default" { PREFIX.to_owned() } else { format!("{PREFIX}-{revision}") }
}

/// All injector ConfigMaps of the input with their values, when those can be read.
pub(super) fn all<'m>(cx: &'m Context<'_>) -> impl Iterator<Item = (&'m Object<ConfigMap>, serde_json::Value)> {
    cx.config_maps.iter().filter(|map| map.meta.name().starts_with(PREFIX)).filter_map(|map| {
        let values = map.spec.data.text("values")?;
        Some((map, serde_json::from_str(values).ok()?))
    })
}

/// True when namespaces without a label are injected.
pub(super) fn injects_by_default(values: &serde_json::Value) -> bool {
    values["sidecarInjectorWebhook"]["enableNamespacesByDefault"].as_bool().unwrap_or(false)
}

/// The image of the proxies that the injector adds.
pub(super) fn image(values: &serde_json::Value) -> Option<String> {
    let global = &values["global"];
    let image = global["proxy"]["image"].as_str()?;
    if image.contains('/') {
        return Some(image.to_owned());
    }
    let tag = match &global["tag"] {
        serde_json::Value::String(tag) => tag.clone(),
        serde_json::Value::Number(tag) => tag.to_string(),
        _ => return None,
    };
    Some(format!("{}/{image}:{tag}", global["hub"].as_str()?))
}

/// An image without the ending of its variant: all variants of a release are the same proxy.
pub(super) fn without_variant(image: &str) -> &str {
    ["-distroless", "-debug"].iter().find_map(|ending| image.strip_suffix(ending)).unwrap_or(image)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_is_whole_or_put_together() {
        let values = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(image(&values(r#"{"global":{"proxy":{"image":"a/b:1"}}}"#)).as_deref(), Some("a/b:1"));
        let parts = r#"{"global":{"hub":"hub","tag":"1.2","proxy":{"image":"proxyv2"}}}"#;
        assert_eq!(image(&values(parts)).as_deref(), Some("hub/proxyv2:1.2"));
        assert_eq!(image(&values("{}")), None);
        assert!(!injects_by_default(&values("[]")));
    }
}
