//! MutatingWebhookConfiguration and ValidatingWebhookConfiguration.

use super::workload::LabelSelector;
use crate::message;
use crate::schema::{Int, List, Text};

message! {
    /// Webhooks that the API server calls before it stores an object; the mutating and the validating kind look alike.
    pub struct WebhookConfiguration {
        /// The webhooks.
        webhooks: List<Webhook> = "webhooks",
    }
}

message! {
    /// One webhook.
    pub open struct Webhook {
        /// Full name.
        name: Option<Text> = "name",
        /// Where it is.
        client_config: Option<WebhookClientConfig> = "clientConfig",
        /// Namespaces whose objects are sent.
        namespace_selector: Option<LabelSelector> = "namespaceSelector",
        /// Objects that are sent.
        object_selector: Option<LabelSelector> = "objectSelector",
    }
}

message! {
    /// Where a webhook is: a URL or a Service.
    pub open struct WebhookClientConfig {
        /// URL.
        url: Option<Text> = "url",
        /// Service.
        service: Option<WebhookService> = "service",
    }
}

message! {
    /// The Service of a webhook.
    pub open struct WebhookService {
        /// Name.
        name: Option<Text> = "name",
        /// Namespace.
        namespace: Option<Text> = "namespace",
        /// Path.
        path: Option<Text> = "path",
        /// Port; 443 when not set.
        port: Option<Int> = "port",
    }
}
