//! The codes of patches in EnvoyFilters.

use crate::declare_code;

declare_code! {
    /// A patch depends on what other EnvoyFilters did before
    ///
    /// ## Why
    ///
    /// INSERT_BEFORE, INSERT_AFTER, REPLACE and REMOVE work relative to a part that must be there already. When another
    /// EnvoyFilter adds that part, the order decides, and without `priority` the order is the age of the objects: it is
    /// different after a restore or in another cluster.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// spec:
    ///   configPatches:
    ///   - applyTo: HTTP_FILTER
    ///     patch:
    ///       operation: INSERT_BEFORE
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// spec:
    ///   priority: 10
    ///   configPatches:
    ///   - applyTo: HTTP_FILTER
    ///     patch:
    ///       operation: INSERT_BEFORE
    /// ```
    ///
    /// ## Fix
    ///
    /// Set `spec.priority` (lower ones go first), or use an absolute operation such as ADD or INSERT_FIRST.
    pub RELATIVE_OPERATION = "IST0151", "EnvoyFilterUsesRelativeOperation", Warning
}

declare_code! {
    /// REPLACE on a part that cannot be replaced
    ///
    /// ## Why
    ///
    /// Only HTTP filters, network filters and virtual hosts can be replaced. For every other part the patch is ignored
    /// without a word.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// spec:
    ///   configPatches:
    ///   - applyTo: CLUSTER
    ///     patch:
    ///       operation: REPLACE
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// spec:
    ///   configPatches:
    ///   - applyTo: CLUSTER
    ///     patch:
    ///       operation: MERGE
    /// ```
    ///
    /// ## Fix
    ///
    /// Use MERGE, or REMOVE and ADD.
    pub REPLACE_INCORRECTLY = "IST0152", "EnvoyFilterUsesReplaceOperationIncorrectly", Error
}

declare_code! {
    /// ADD on a route, which is ignored
    ///
    /// ## Why
    ///
    /// ADD has no effect on route configurations and routes: the patch is ignored without a word.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// spec:
    ///   configPatches:
    ///   - applyTo: HTTP_ROUTE
    ///     patch:
    ///       operation: ADD
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// spec:
    ///   configPatches:
    ///   - applyTo: HTTP_ROUTE
    ///     patch:
    ///       operation: INSERT_FIRST
    /// ```
    ///
    /// ## Fix
    ///
    /// Use INSERT_FIRST for routes and MERGE for route configurations; better, write a VirtualService.
    pub ADD_INCORRECTLY = "IST0153", "EnvoyFilterUsesAddOperationIncorrectly", Error
}

declare_code! {
    /// REMOVE on a route, which is ignored
    ///
    /// ## Why
    ///
    /// REMOVE has no effect on route configurations and routes: the patch is ignored without a word.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// spec:
    ///   configPatches:
    ///   - applyTo: HTTP_ROUTE
    ///     patch:
    ///       operation: REMOVE
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// spec:
    ///   configPatches:
    ///   - applyTo: VIRTUAL_HOST
    ///     patch:
    ///       operation: REMOVE
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove the whole virtual host, or change the VirtualService that the route comes from.
    pub REMOVE_INCORRECTLY = "IST0154", "EnvoyFilterUsesRemoveOperationIncorrectly", Error
}

declare_code! {
    /// A patch depends on the order, and the same filter is patched for one proxy version
    ///
    /// ## Why
    ///
    /// As IST0151. Here another patch of the same filter is limited to a proxy version, so which patch comes first also
    /// differs between proxies during an upgrade.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// spec:
    ///   configPatches:
    ///   - applyTo: HTTP_FILTER
    ///     match:
    ///       proxy: {proxyVersion: '^1\.29.*'}
    ///     patch:
    ///       operation: INSERT_BEFORE
    ///       value: {name: shop.lua}
    ///   - applyTo: HTTP_FILTER
    ///     patch:
    ///       operation: INSERT_BEFORE
    ///       value: {name: shop.lua}
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// spec:
    ///   priority: 10
    ///   configPatches:
    ///   - applyTo: HTTP_FILTER
    ///     match:
    ///       proxy: {proxyVersion: '^1\.29.*'}
    ///     patch:
    ///       operation: INSERT_BEFORE
    ///       value: {name: shop.lua}
    ///   - applyTo: HTTP_FILTER
    ///     match:
    ///       proxy: {proxyVersion: '^1\.30.*'}
    ///     patch:
    ///       operation: INSERT_BEFORE
    ///       value: {name: shop.lua}
    /// ```
    ///
    /// ## Fix
    ///
    /// Set `spec.priority` in each EnvoyFilter of the filter, and give every patch a version.
    pub RELATIVE_WITH_VERSION = "IST0155", "EnvoyFilterUsesRelativeOperationWithProxyVersion", Warning
}
