//! Preference of near endpoints (rule 31).

use crate::analyzers::schema::shared::Report;
use crate::dialects::istio::types::{LocalityFailover, LocalityLbSetting, ZoneAwareLbSetting};
use crate::schema::{List, Text};

/// Labels that mean a locality.
const TOPOLOGY: [&str; 3] =
    ["topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.istio.io/subzone"];

/// Validates `localityLbSetting`.
pub fn by_locality(report: &mut Report<'_>, setting: Option<&LocalityLbSetting>, has_outlier: bool) {
    let Some(setting) = setting else { return };
    if let (false, Some(place)) = (setting.failover.is_empty(), setting.failover.place)
        && !setting.distribute.is_empty()
    {
        report.error(place.entry(), "a setting takes either `distribute` or `failover`");
        return;
    }
    if !setting.failover.is_empty()
        && let Some(label) = topology(&setting.failover_priority)
    {
        report.error(label.span(), "`failover` already orders by locality, so this label cannot be a priority too");
        return;
    }
    let sources: Vec<&Text> = setting.distribute.iter().filter_map(|d| d.from.as_ref()).collect();
    localities(report, &sources);
    for distribute in &setting.distribute {
        localities(report, &distribute.to.iter().map(|(place, _)| place).collect::<Vec<_>>());
        let mut total = 0i64;
        let mut in_range = true;
        for (_, weight) in distribute.to.iter() {
            total = total.saturating_add(weight.value);
            if !(1..=100).contains(&weight.value) {
                in_range = false;
                report.error(weight.span(), format!("the share {} is not from 1 to 100", weight.value));
            }
        }
        if in_range && total != 100 {
            let span = distribute.to.place.map_or(distribute.place.span(), crate::manifests::source::Place::entry);
            report.error(span, format!("the shares add up to {total}, not to 100"));
        }
    }
    failovers(report, (&setting.failover, &setting.failover_priority), has_outlier);
}

/// Validates `zoneAwareLbSetting`.
pub fn by_zone(report: &mut Report<'_>, setting: Option<&ZoneAwareLbSetting>, has_outlier: bool) {
    let Some(setting) = setting else { return };
    if let Some(label) = topology(&setting.failover_priority) {
        report.error(label.span(), "zones and regions are already preferred, so this label cannot be a priority too");
    }
    failovers(report, (&setting.failover, &setting.failover_priority), has_outlier);
}

fn topology(priority: &List<Text>) -> Option<&Text> {
    priority.iter().find(|label| TOPOLOGY.contains(&label.as_str()))
}

fn failovers(report: &mut Report<'_>, (failover, priority): (&List<LocalityFailover>, &List<Text>), has_outlier: bool) {
    let place = failover.place.filter(|_| !failover.is_empty()).or(priority.place.filter(|_| !priority.is_empty()));
    if let (Some(place), false) = (place, has_outlier) {
        report
            .warning(
                place.entry(),
                "without `outlierDetection` no endpoint ever counts as failed, so there is no failover",
            )
            .help("add `outlierDetection` to the same policy");
    }
    for entry in failover {
        if let (Some(from), Some(to)) = (&entry.from, &entry.to)
            && from.as_str() == to.as_str()
        {
            report.error(to.span(), format!("the failover leads from {:?} to itself", from.as_str()));
        }
        for region in [&entry.from, &entry.to].into_iter().flatten() {
            if region.as_str().contains(['/', '*']) {
                report.error(
                    region.span(),
                    format!("a failover names regions, without zone and `*`, not {:?}", region.as_str()),
                );
            }
        }
    }
}

/// Localities of one list: no empty part, `*` only at the end, none covered by another.
fn localities(report: &mut Report<'_>, localities: &[&Text]) {
    for (at, locality) in localities.iter().enumerate() {
        let text = locality.as_str();
        let malformed = text.splitn(3, '/').any(str::is_empty) || text.strip_suffix('*').unwrap_or(text).contains('*');
        if malformed {
            report.error(
                locality.span(),
                format!("{text:?} is no locality: write region/zone/subzone, `*` only at the end"),
            );
            continue;
        }
        let stem = |text: &str| text.trim_end_matches('*').trim_end_matches('/').to_owned();
        let inside = |inner: &str, outer: &str| {
            let (inner, outer) = (stem(inner), stem(outer));
            outer.is_empty() || inner == outer || inner.starts_with(&format!("{outer}/"))
        };
        if let Some(other) = localities[..at].iter().find(|o| inside(text, o.as_str()) || inside(o.as_str(), text)) {
            let file = report.meta.file;
            report.error(locality.span(), format!("the localities {:?} and {text:?} overlap", other.as_str())).related(
                file,
                other.span(),
                "the other one",
            );
        }
    }
}
