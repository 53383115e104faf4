//! Subsets: hosts are grouped by values of their metadata, and a request names the values it wants.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hasher as _;
use std::sync::Arc;

use serde_json::Value;
use twox_hash::XxHash64;

use crate::cluster::assignment::{Locality, struct_value};
use crate::cluster::hosts::PriorityHosts;
use crate::cluster::{Choice, Host};
use crate::proto::Reader;

use super::policy::LbConfig;
use super::{Balancer, LbStats};

/// Keys and values, sorted by key.
type Criteria = Vec<(String, Value)>;

/// What happens when no subset fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// The next wider rule decides.
    Undefined,
    /// The request fails.
    Nothing,
    /// Any host.
    Any,
    /// The hosts of the default subset.
    Default,
    /// The subset of fewer keys.
    Keys,
}

/// A set of keys by which hosts are grouped.
#[derive(Debug, Clone, PartialEq)]
pub struct Selector {
    /// The keys.
    pub keys: BTreeSet<String>,
    /// What happens when no host has the values.
    pub fallback: Fallback,
    /// Keys left for [`Fallback::Keys`].
    pub fallback_keys: BTreeSet<String>,
    /// There is one host a subset.
    pub single: bool,
}

/// `LbSubsetConfig`, or the extension with the same fields.
#[derive(Debug, Clone, PartialEq)]
pub struct SubsetConfig {
    /// What happens when no subset fits.
    pub fallback: Fallback,
    /// Values of the default subset.
    pub default: Criteria,
    /// Groupings.
    pub selectors: Vec<Selector>,
    /// Locality weights count within subsets, scaled by the share of hosts when the second is true.
    pub locality_weights: Option<bool>,
    /// When the fallback has no host either, any host is taken.
    pub panic_any: bool,
    /// A list in metadata stands for each of its values.
    pub list_as_any: bool,
    /// A request may name alternatives under `fallback_list`.
    pub alternatives: bool,
    /// Keys of a request that no selector has are left out.
    pub redundant: bool,
    /// The balancer within subsets.
    pub child: LbConfig,
}

fn fallback(word: &str) -> Fallback {
    match word {
        "NOT_DEFINED" => Fallback::Undefined,
        "ANY_ENDPOINT" => Fallback::Any,
        "DEFAULT_SUBSET" => Fallback::Default,
        "KEYS_SUBSET" => Fallback::Keys,
        _ => Fallback::Nothing,
    }
}

fn criteria(fields: &Value) -> Criteria {
    let Value::Object(fields) = fields else { return Criteria::new() };
    let sorted: BTreeMap<&String, &Value> = fields.iter().collect();
    sorted.into_iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

impl Selector {
    fn read(reader: &Reader<'_>) -> Self {
        let selector = Self {
            keys: reader.texts("keys").into_iter().collect(),
            fallback: fallback(&reader.word("fallback_policy")),
            fallback_keys: reader.texts("fallback_keys_subset").into_iter().collect(),
            single: reader.flag("single_host_per_subset"),
        };
        if selector.fallback == Fallback::Keys {
            if selector.fallback_keys.is_empty() {
                reader.defect("fallback_keys_subset", "must not be empty with fallback policy KEYS_SUBSET");
            } else if !selector.fallback_keys.is_subset(&selector.keys) || selector.fallback_keys == selector.keys {
                reader.defect("fallback_keys_subset", "must be fewer keys than those of the selector, and among them");
            }
        } else if !selector.fallback_keys.is_empty() {
            reader.defect("fallback_keys_subset", "is for fallback policy KEYS_SUBSET only");
        }
        if selector.single && selector.keys.len() != 1 {
            reader.defect("single_host_per_subset", "needs exactly one key");
        }
        selector
    }
}

impl SubsetConfig {
    /// Reads the fields that both messages have; the caller reads the child.
    pub fn read(reader: &Reader<'_>, child: LbConfig, redundant: bool) -> Self {
        let selectors = reader.list("subset_selectors");
        let aware = reader.flag("locality_weight_aware");
        let scale = reader.flag("scale_locality_weight");
        if scale && !aware {
            reader.defect("scale_locality_weight", "needs locality_weight_aware");
        }
        Self {
            fallback: fallback(&reader.word("fallback_policy")),
            default: reader
                .message("default_subset")
                .map(|fields| criteria(&struct_value(&fields)))
                .unwrap_or_default(),
            selectors: selectors.iter().map(Selector::read).collect(),
            locality_weights: aware.then_some(scale),
            panic_any: reader.flag("panic_mode_any"),
            list_as_any: reader.flag("list_as_any"),
            alternatives: reader.word("metadata_fallback_policy") == "FALLBACK_LIST",
            redundant,
            child,
        }
    }
}

/// A number for keys and values, the same in any order.
fn digest<'k>(pairs: impl Iterator<Item = (&'k str, &'k Value)>) -> u64 {
    pairs.fold(0, |sum, (key, value)| {
        let mut hasher = XxHash64::with_seed(0);
        hasher.write(key.as_bytes());
        hasher.write_u8(0);
        mix(value, &mut hasher);
        sum.wrapping_add(hasher.finish())
    })
}

fn mix(value: &Value, hasher: &mut XxHash64) {
    match value {
        Value::Null => hasher.write_u8(0),
        Value::Bool(value) => hasher.write_u8(1 + u8::from(*value)),
        Value::Number(value) => hasher.write_u64(value.as_f64().unwrap_or(0.0).to_bits()),
        Value::String(value) => hasher.write(value.as_bytes()),
        Value::Array(values) => values.iter().for_each(|value| mix(value, hasher)),
        Value::Object(fields) => hasher.write_u64(digest(fields.iter().map(|(key, value)| (key.as_str(), value)))),
    }
}

/// The metadata of a host that subsets look at.
fn labels(host: &Host, key: &str) -> Option<Value> {
    host.metadata().get("envoy.lb")?.get(key).cloned()
}

/// Whether a host's value is the wanted one, or one of its list is.
fn fits(value: &Value, wanted: &Value, list_as_any: bool) -> bool {
    value == wanted || (list_as_any && value.as_array().is_some_and(|values| values.contains(wanted)))
}

/// The subsets a host belongs to by a selector: one, several with lists, or none when it lacks a key.
fn memberships(host: &Host, keys: &BTreeSet<String>, list_as_any: bool) -> Vec<Criteria> {
    let mut all = vec![Criteria::new()];
    for key in keys {
        let values = match labels(host, key) {
            None => return Vec::new(),
            Some(Value::Array(values)) if list_as_any => values,
            Some(value) => vec![value],
        };
        let with = |value: &Value| {
            let add = |before: &Criteria| before.iter().cloned().chain([(key.clone(), value.clone())]).collect();
            all.iter().map(add).collect::<Vec<Criteria>>()
        };
        all = values.iter().flat_map(with).collect();
    }
    all
}

#[derive(Debug)]
struct Group {
    criteria: Criteria,
    single: Option<Arc<Host>>,
    balancer: Box<Balancer>,
}

/// All subsets over one state of the hosts.
#[derive(Debug)]
pub struct Subsets {
    config: SubsetConfig,
    /// By digest of their criteria.
    groups: BTreeMap<u64, Group>,
    any: Option<Box<Balancer>>,
    default: Option<Box<Balancer>>,
}

impl Subsets {
    /// Groups the hosts.
    pub fn new(config: &SubsetConfig, priorities: &[PriorityHosts], own: &Locality, stats: &LbStats) -> Self {
        let mut members: BTreeMap<u64, (Criteria, bool, Vec<Arc<Host>>)> = BTreeMap::new();
        let hosts = priorities.iter().flat_map(|priority| priority.all.iter());
        for host in hosts {
            for selector in &config.selectors {
                for criteria in memberships(host, &selector.keys, config.list_as_any) {
                    let digest = digest(criteria.iter().map(|(key, value)| (key.as_str(), value)));
                    let group = members.entry(digest).or_insert_with(|| (criteria, selector.single, Vec::new()));
                    group.2.push(host.clone());
                }
            }
        }
        let balance = |keep: &dyn Fn(&Host) -> bool| {
            let kept: Vec<PriorityHosts> =
                priorities.iter().map(|priority| narrow(priority, own, config.locality_weights, keep)).collect();
            Box::new(Balancer::new(&config.child, &kept, own, stats))
        };
        let groups = members.into_iter().map(|(digest, (criteria, single, hosts))| {
            let inside: BTreeSet<*const Host> = hosts.iter().map(Arc::as_ptr).collect();
            let balancer = balance(&|host| inside.contains(&std::ptr::from_ref(host)));
            (digest, Group { criteria, single: single.then(|| hosts[0].clone()), balancer })
        });
        let groups: BTreeMap<u64, Group> = groups.collect();
        stats.subsets(groups.keys().copied().collect());
        let wants = |kind| config.fallback == kind || config.selectors.iter().any(|one| one.fallback == kind);
        let in_default = |host: &Host| {
            let has = |(key, wanted): &(String, Value)| {
                labels(host, key).is_some_and(|value| fits(&value, wanted, config.list_as_any))
            };
            config.default.iter().all(has)
        };
        Self {
            any: (config.panic_any || wants(Fallback::Any)).then(|| balance(&|_| true)),
            default: wants(Fallback::Default).then(|| balance(&in_default)),
            groups,
            config: config.clone(),
        }
    }

    /// Chooses a host.
    pub fn pick(&self, choice: &Choice<'_>, attempt: u32, stats: &LbStats) -> Option<Arc<Host>> {
        let listed = choice.subset.iter().find(|(key, _)| self.config.alternatives && key == "fallback_list");
        let Some((_, Value::Array(list))) = listed else {
            return self.within(choice.subset, choice, attempt, stats);
        };
        let base: Criteria = choice.subset.iter().filter(|(key, _)| key != "fallback_list").cloned().collect();
        if list.is_empty() {
            return self.within(&base, choice, attempt, stats);
        }
        list.iter().find_map(|alternative| {
            let mut wanted: BTreeMap<String, Value> = base.iter().cloned().collect();
            wanted.extend(criteria(alternative));
            let wanted: Criteria = wanted.into_iter().collect();
            self.within(&wanted, choice, attempt, stats)
        })
    }

    fn within(
        &self,
        wanted: &[(String, Value)],
        choice: &Choice<'_>,
        attempt: u32,
        stats: &LbStats,
    ) -> Option<Arc<Host>> {
        let only = |keys: &BTreeSet<String>| -> Criteria {
            wanted.iter().filter(|(key, _)| keys.contains(key)).cloned().collect()
        };
        if self.config.redundant {
            let fits = |selector: &&Selector| only(&selector.keys).len() == selector.keys.len();
            let selector = self.config.selectors.iter().find(fits);
            if let Some(selector) = selector.filter(|selector| selector.keys.len() < wanted.len()) {
                return self.within(&only(&selector.keys), choice, attempt, stats);
            }
        }
        if !wanted.is_empty() {
            if let Some(group) = self.group(wanted) {
                stats.subset_selected();
                return group.single.clone().or_else(|| group.balancer.pick_once(choice, attempt, stats));
            }
            if let Some(selector) = self.config.selectors.iter().find(|selector| named(selector, wanted)) {
                match selector.fallback {
                    Fallback::Undefined => {}
                    Fallback::Nothing => return None,
                    Fallback::Any => return self.any.as_ref()?.pick_once(choice, attempt, stats),
                    Fallback::Default => return self.default.as_ref()?.pick_once(choice, attempt, stats),
                    Fallback::Keys => return self.within(&only(&selector.fallback_keys), choice, attempt, stats),
                }
            }
        }
        self.fall_back(choice, attempt, stats)
    }

    fn fall_back(&self, choice: &Choice<'_>, attempt: u32, stats: &LbStats) -> Option<Arc<Host>> {
        let balancer = match self.config.fallback {
            Fallback::Any => self.any.as_ref(),
            Fallback::Default => self.default.as_ref(),
            _ => None,
        }?;
        if let Some(host) = balancer.pick_once(choice, attempt, stats) {
            stats.subset_fallback();
            return Some(host);
        }
        let any = self.any.as_ref().filter(|_| self.config.panic_any)?;
        let host = any.pick_once(choice, attempt, stats)?;
        stats.subset_panic();
        Some(host)
    }

    fn group(&self, wanted: &[(String, Value)]) -> Option<&Group> {
        let group = self.groups.get(&digest(wanted.iter().map(|(key, value)| (key.as_str(), value))))?;
        let same = group.criteria.len() == wanted.len() && wanted.iter().all(|pair| group.criteria.contains(pair));
        same.then_some(group)
    }
}

/// Whether the keys wanted are exactly those of the selector.
fn named(selector: &Selector, wanted: &[(String, Value)]) -> bool {
    selector.keys.len() == wanted.len() && wanted.iter().all(|(key, _)| selector.keys.contains(key))
}

/// The hosts of a subset at one priority. Locality weights are left out, kept, or scaled by the share of hosts.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
fn narrow(
    priority: &PriorityHosts,
    own: &Locality,
    weights: Option<bool>,
    keep: &dyn Fn(&Host) -> bool,
) -> PriorityHosts {
    let mut narrow = priority.filtered(own, keep);
    for locality in &mut narrow.localities {
        let before = priority.localities.iter().find(|other| other.locality == locality.locality);
        match (weights, before) {
            (Some(false), _) => {}
            (Some(true), Some(before)) => {
                let share = locality.all.len() as f64 / before.all.len().max(1) as f64;
                locality.weight = (f64::from(before.weight) * share).round() as u32;
            }
            _ => locality.weight = 0,
        }
    }
    narrow
}
