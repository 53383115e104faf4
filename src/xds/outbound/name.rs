//! Names of clusters, as Istio writes them.

/// `outbound|9080|v1|reviews.default.svc.cluster.local`
pub fn cluster(port: u16, subset: Option<&str>, host: &str) -> String {
    format!("outbound|{port}|{}|{host}", subset.unwrap_or_default())
}
