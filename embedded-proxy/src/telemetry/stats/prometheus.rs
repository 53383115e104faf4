//! Stats in Prometheus' text format, under the names that Envoy gives them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::histogram::QUANTILES;
use super::{Buckets, Histogram, Query, Sample, Seen, Stats};

/// Stats whose name begins so are printed without it and without Envoy's prefix: Istio's metrics.
const CUSTOM: &str = "istiocustom.";

/// Families in the order of their names: counters, gauges, then histograms.
pub fn prometheus(stats: &Stats, query: &Query) -> String {
    let mut families: [BTreeMap<String, Vec<Seen>>; 3] = Default::default();
    for seen in query.select(stats) {
        let kind = match seen.sample {
            Sample::Counter(_) => 0,
            Sample::Gauge(_) => 1,
            Sample::Histogram(_) => 2,
        };
        families[kind].entry(family(&seen.extracted)).or_default().push(seen);
    }
    let mut out = String::new();
    let summary = query.buckets == Some(Buckets::Summary);
    for (kind, families) in ["counter", "gauge", if summary { "summary" } else { "histogram" }].iter().zip(families) {
        for (name, series) in families {
            let _ = writeln!(out, "# TYPE {name} {kind}");
            for seen in series {
                write_series(&name, &seen, summary, &mut out);
            }
        }
    }
    out
}

fn write_series(name: &str, seen: &Seen, summary: bool, out: &mut String) {
    let labels = labels(seen);
    let _ = match &seen.sample {
        Sample::Counter(counter) => writeln!(out, "{name}{{{labels}}} {}", counter.value()),
        Sample::Gauge(gauge) => writeln!(out, "{name}{{{labels}}} {}", gauge.value()),
        Sample::Histogram(histogram) if summary => quantiles(name, &labels, histogram, out),
        Sample::Histogram(histogram) => buckets(name, &labels, histogram, out),
    };
}

fn buckets(name: &str, labels: &str, histogram: &Histogram, out: &mut String) -> std::fmt::Result {
    let comma = if labels.is_empty() { "" } else { "," };
    let bounds = histogram.bounds().iter().map(f64::to_string).chain(["+Inf".to_string()]);
    let mut total = 0;
    for (bound, count) in bounds.zip(histogram.buckets()) {
        total += count;
        writeln!(out, "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {total}")?;
    }
    writeln!(out, "{name}_sum{{{labels}}} {}", histogram.sum())?;
    writeln!(out, "{name}_count{{{labels}}} {total}")
}

fn quantiles(name: &str, labels: &str, histogram: &Histogram, out: &mut String) -> std::fmt::Result {
    let comma = if labels.is_empty() { "" } else { "," };
    for (share, value) in QUANTILES.iter().zip(histogram.quantiles().unwrap_or([f64::NAN; QUANTILES.len()])) {
        writeln!(out, "{name}{{{labels}{comma}quantile=\"{}\"}} {value}", share / 100.0)?;
    }
    writeln!(out, "{name}_sum{{{labels}}} {}", histogram.sum())?;
    writeln!(out, "{name}_count{{{labels}}} {}", histogram.count())
}

/// Name of the family: what may not stand in it becomes an underscore.
fn family(extracted: &str) -> String {
    let (prefix, rest) = extracted.strip_prefix(CUSTOM).map_or(("envoy_", extracted), |rest| ("", rest));
    format!("{prefix}{}", word(rest))
}

fn word(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect()
}

fn labels(seen: &Seen) -> String {
    let mut out = String::new();
    for (name, value) in seen.tags.iter() {
        if !out.is_empty() {
            out.push(',');
        }
        out.push_str(&word(name));
        out.push_str("=\"");
        for c in value.chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '"' => out.push_str("\\\""),
                '\n' => out.push_str("\\n"),
                c => out.push(c),
            }
        }
        out.push('"');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::stats::Scope;

    #[test]
    fn families_have_envoys_names_and_tags() {
        let stats = Stats::default();
        let root = Scope::root(&stats);
        let cluster = root.tagged("cluster", "envoy_cluster_name", "a\"b");
        let held = [
            cluster.counter_tagged("upstream_rq_", "envoy_response_code_class", "2xx"),
            cluster.counter_tagged("upstream_rq_", "envoy_response_code", "200"),
            root.sub("istiocustom").counter("istio_requests_total"),
        ];
        held[0].inc();
        let gauge = root.gauge("server.live");
        let text = prometheus(&stats, &Query::default());
        let expected = "# TYPE envoy_cluster_upstream_rq counter\n\
            envoy_cluster_upstream_rq{envoy_cluster_name=\"a\\\"b\",envoy_response_code=\"200\"} 0\n\
            # TYPE envoy_cluster_upstream_rq_xx counter\n\
            envoy_cluster_upstream_rq_xx{envoy_cluster_name=\"a\\\"b\",envoy_response_code_class=\"2\"} 1\n\
            # TYPE istio_requests_total counter\nistio_requests_total{} 0\n\
            # TYPE envoy_server_live gauge\nenvoy_server_live{} 0\n";
        assert_eq!(text, expected);
        drop(gauge);
    }

    #[test]
    fn histograms_have_cumulated_buckets_sum_and_count() {
        let stats = Stats::default();
        let histogram = Scope::root(&stats).tagged("http", "envoy_http_conn_manager_prefix", "s").histogram("t");
        histogram.record(0.2);
        histogram.record(7.0);
        let text = prometheus(&stats, &Query::default());
        let tag = "envoy_http_conn_manager_prefix=\"s\"";
        for line in [
            format!("envoy_http_t_bucket{{{tag},le=\"0.5\"}} 1"),
            format!("envoy_http_t_bucket{{{tag},le=\"10\"}} 2"),
            format!("envoy_http_t_bucket{{{tag},le=\"3600000\"}} 2"),
            format!("envoy_http_t_bucket{{{tag},le=\"+Inf\"}} 2"),
            format!("envoy_http_t_sum{{{tag}}} 7.2"),
            format!("envoy_http_t_count{{{tag}}} 2"),
        ] {
            assert!(text.lines().any(|printed| printed == line), "{line}\n{text}");
        }
    }
}
