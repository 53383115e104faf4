//! The codes that several analyzers report; a code that only one reports is declared beside it.

use crate::declare_code;

declare_code! {
    /// Something that is referred to does not exist
    ///
    /// ## Why
    ///
    /// A route, gateway or policy names another object, and nothing in the input has that name where the reference can
    /// see it. Traffic that depends on it fails: a route to an unknown host or subset answers 503, a gateway that does
    /// not exist takes no routes, a policy without its target protects nothing.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata:
    ///   name: reviews
    /// spec:
    ///   hosts: [reviews]
    ///   http:
    ///   - route:
    ///     - destination:
    ///         host: reviews
    ///         subset: v3 # no DestinationRule defines it
    /// ---
    /// apiVersion: networking.istio.io/v1
    /// kind: DestinationRule
    /// metadata:
    ///   name: reviews
    /// spec:
    ///   host: reviews
    ///   subsets:
    ///   - name: v2
    ///     labels:
    ///       version: v2
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata:
    ///   name: reviews
    /// spec:
    ///   hosts: [reviews]
    ///   http:
    ///   - route:
    ///     - destination:
    ///         host: reviews
    ///         subset: v1
    /// ---
    /// apiVersion: networking.istio.io/v1
    /// kind: DestinationRule
    /// metadata:
    ///   name: reviews
    /// spec:
    ///   host: reviews
    ///   subsets:
    ///   - name: v1
    ///     labels:
    ///       version: v1
    /// ```
    ///
    /// ## Fix
    ///
    /// Correct the name, or add what is missing. A short host name means the namespace of the object that uses it; write
    /// `name.namespace.svc.cluster.local` for another one. Look at `exportTo` when the object exists in another namespace.
    pub REFERENCED_RESOURCE_NOT_FOUND = "IST0101", "ReferencedResourceNotFound", Error
}

declare_code! {
    /// Istio refuses the object
    ///
    /// ## Why
    ///
    /// The object has the right fields, but their values break a rule of Istio. With the validation webhook the cluster
    /// refuses it; without the webhook it is stored, and the proxies never get the setting or get a broken one.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata:
    ///   name: reviews
    /// spec:
    ///   hosts: [reviews]
    ///   http:
    ///   - redirect:
    ///       uri: /moved
    ///     route: # a route forwards or redirects, not both
    ///     - destination:
    ///         host: reviews
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata:
    ///   name: reviews
    /// spec:
    ///   hosts: [reviews]
    ///   http:
    ///   - redirect:
    ///       uri: /moved
    /// ```
    ///
    /// ## Fix
    ///
    /// Change the value that the message names.
    pub SCHEMA_VALIDATION_ERROR = "IST0106", "SchemaValidationError", Error
}

declare_code! {
    /// Istio accepts the object with a warning
    ///
    /// ## Why
    ///
    /// The value is legal and works less well than it looks: it is deprecated, has no effect, or covers more than meant.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata:
    ///   name: reviews
    /// spec:
    ///   hosts: [reviews]
    ///   gateways:
    ///   - ingress.istio-system.svc.cluster.local # old form
    ///   http:
    ///   - route:
    ///     - destination:
    ///         host: reviews
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata:
    ///   name: reviews
    /// spec:
    ///   hosts: [reviews]
    ///   gateways:
    ///   - mesh
    ///   http:
    ///   - route:
    ///     - destination:
    ///         host: reviews
    /// ```
    ///
    /// ## Fix
    ///
    /// Follow the message: it names the form that works.
    pub SCHEMA_WARNING = "IST0133", "SchemaWarning", Warning
}

declare_code! {
    /// A setting on its way out
    ///
    /// ## Why
    ///
    /// Istio still reads the setting and has announced its end, or has already replaced what is behind it.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata:
    ///   name: reviews
    /// spec:
    ///   hosts: [reviews]
    ///   http:
    ///   - fault:
    ///       delay:
    ///         percent: 10 # an integer, replaced by percentage
    ///         fixedDelay: 2s
    ///     route:
    ///     - destination:
    ///         host: reviews
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata:
    ///   name: reviews
    /// spec:
    ///   hosts: [reviews]
    ///   http:
    ///   - fault:
    ///       delay:
    ///         percentage:
    ///           value: 10
    ///         fixedDelay: 2s
    ///     route:
    ///     - destination:
    ///         host: reviews
    /// ```
    ///
    /// ## Fix
    ///
    /// Use what the message names instead.
    pub DEPRECATED = "IST0002", "Deprecated", Warning
}
