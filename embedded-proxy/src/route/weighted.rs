//! Weighted clusters: which cluster a random number picks.

use std::sync::Arc;

use super::{HeaderEdits, Input, PerFilter};
use crate::cluster::read_metadata;
use crate::matching::{Field, Fields as _};
use crate::proto::Reader;
use crate::services::Build;

/// Where a cluster's name comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterName {
    /// It stands in the configuration.
    Fixed(Arc<str>),
    /// A header of the request says it.
    Header(Field),
}

impl ClusterName {
    /// The name when the configuration says it.
    pub fn fixed(&self) -> Option<&Arc<str>> {
        match self {
            Self::Fixed(name) => Some(name),
            Self::Header(_) => None,
        }
    }

    /// The name for this request; none when its header is missing or empty.
    pub fn resolve(&self, input: &Input<'_>) -> Option<Arc<str>> {
        match self {
            Self::Fixed(name) => Some(name.clone()),
            Self::Header(field) => {
                let value = input.head.value(field)?;
                std::str::from_utf8(&value).ok().filter(|name| !name.is_empty()).map(Arc::from)
            }
        }
    }
}

/// One of several clusters.
#[derive(Debug)]
pub struct Weighted {
    /// Its name.
    pub name: ClusterName,
    /// Its share of the total.
    pub weight: u32,
    /// Header edits for this cluster.
    pub edits: HeaderEdits,
    /// Configuration of filters for this cluster.
    pub filters: PerFilter,
    /// Subset of its hosts.
    pub subset: Vec<(String, serde_json::Value)>,
    /// Host to send instead of the request's.
    pub host_rewrite: Option<String>,
}

/// Where the random number comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Random,
    Header(Field),
    HashPolicy,
}

/// `WeightedCluster`.
#[derive(Debug)]
pub struct WeightedClusters {
    /// The clusters in order.
    pub clusters: Vec<Weighted>,
    total: u64,
    source: Source,
}

impl WeightedClusters {
    /// Reads the message.
    pub fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        // The prefix names runtime keys that could replace weights; there is no runtime here, so the weights stand.
        // The total is deprecated and has to be the sum, which is checked below.
        reader.ignore(&["runtime_key_prefix"]);
        let clusters: Vec<_> = reader.list("clusters").iter().map(|cluster| Weighted::read(cluster, build)).collect();
        let clusters: Vec<Weighted> = clusters.into_iter().collect::<Option<_>>()?;
        let source = match reader.choice("random_value_specifier").as_deref() {
            Some("header_name") => Source::Header(super::need_field(reader, "header_name")?),
            Some(_) if reader.flag("use_hash_policy") => Source::HashPolicy,
            _ => Source::Random,
        };
        let total: u64 = clusters.iter().map(|cluster| u64::from(cluster.weight)).sum();
        let expected = reader.number("total_weight").filter(|expected| *expected != total);
        if let Some(expected) = expected {
            reader.defect("total_weight", format!("the weights sum up to {total}, not to {expected}"));
        }
        if clusters.is_empty() {
            reader.defect("clusters", "must not be empty");
        } else if total == 0 {
            reader.defect("clusters", "the sum of the weights must be greater than 0");
        } else if total > u64::from(u32::MAX) {
            reader.defect("clusters", format!("the sum of the weights exceeds {}", u32::MAX));
        }
        Some(Self { clusters, total, source })
    }

    /// Index of the cluster for this request. `hash` gives the hash of the route's policies, if it has any.
    pub fn choose(&self, input: &Input<'_>, hash: impl FnOnce() -> Option<u64>) -> usize {
        let random = match &self.source {
            Source::Random => input.random,
            Source::Header(field) => header_number(input, field).unwrap_or(input.random),
            Source::HashPolicy => hash().unwrap_or(input.random),
        };
        self.pick(random)
    }

    fn pick(&self, random: u64) -> usize {
        let mut rest = random % self.total.max(1);
        for (index, cluster) in self.clusters.iter().enumerate() {
            match rest.checked_sub(u64::from(cluster.weight)) {
                Some(less) => rest = less,
                None => return index,
            }
        }
        0
    }
}

fn header_number(input: &Input<'_>, field: &Field) -> Option<u64> {
    let value = input.head.value(field)?;
    std::str::from_utf8(&value).ok()?.trim_ascii().parse().ok()
}

impl Weighted {
    fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        let fixed = reader.opt_text("name");
        let header = reader.opt_text("cluster_header");
        let name = match (fixed, header) {
            (Some(name), None) => ClusterName::Fixed(name.into()),
            (None, Some(_)) => ClusterName::Header(super::need_field(reader, "cluster_header")?),
            _ => {
                reader.defect("", "needs either name or cluster_header");
                return None;
            }
        };
        let weight = reader.u32("weight").unwrap_or(0);
        let edits = HeaderEdits::read(reader);
        let filters = PerFilter::read(reader, build);
        let subset = read_subset(reader);
        let host_rewrite = reader.opt_text("host_rewrite_literal");
        Some(Self { name, weight, edits: edits?, filters: filters?, subset, host_rewrite })
    }
}

/// The subset that `metadata_match` asks for: what stands under `envoy.lb`, in the order of its keys.
pub(super) fn read_subset(reader: &Reader<'_>) -> Vec<(String, serde_json::Value)> {
    match read_metadata(reader.message("metadata_match")).remove("envoy.lb") {
        Some(serde_json::Value::Object(wanted)) => {
            let mut wanted: Vec<_> = wanted.into_iter().collect();
            wanted.sort_by(|a, b| a.0.cmp(&b.0));
            wanted
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clusters(weights: &[u32]) -> WeightedClusters {
        let one = |weight: &u32| Weighted {
            name: ClusterName::Fixed("c".into()),
            weight: *weight,
            edits: HeaderEdits::default(),
            filters: PerFilter::default(),
            subset: Vec::new(),
            host_rewrite: None,
        };
        let total = weights.iter().map(|weight| u64::from(*weight)).sum();
        WeightedClusters { clusters: weights.iter().map(one).collect(), total, source: Source::Random }
    }

    proptest! {
        /// Every cluster is picked by exactly as many residues as its weight says.
        #[test]
        fn shares_are_the_weights(weights in proptest::collection::vec(0u32..20, 1..6), turn in 0u64..1000) {
            prop_assume!(weights.iter().any(|weight| *weight > 0));
            let clusters = clusters(&weights);
            let mut counts = vec![0; weights.len()];
            for random in 0..clusters.total {
                counts[clusters.pick(random + turn * clusters.total)] += 1;
            }
            prop_assert_eq!(counts, weights);
        }
    }
}
