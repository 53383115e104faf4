//! `/stats` as text: one stat a line.

use std::fmt::Write as _;

use super::histogram::QUANTILES;
use super::{Buckets, Histogram, Query, Sample, Stats};

/// Counters and gauges in the order of their names, then histograms.
pub fn text(stats: &Stats, query: &Query) -> String {
    let mut out = String::new();
    let mut histograms = String::new();
    for seen in query.select(stats) {
        let _ = match &seen.sample {
            Sample::Counter(counter) => writeln!(out, "{}: {}", seen.name, counter.value()),
            Sample::Gauge(gauge) => writeln!(out, "{}: {}", seen.name, gauge.value()),
            Sample::Histogram(histogram) => {
                histogram_line(&seen.name, histogram, query.buckets.unwrap_or_default(), &mut histograms)
            }
        };
    }
    out.push_str(&histograms);
    out
}

/// Each value stands as (since the last flush, since the start); nothing is flushed here, so the first is never there.
fn histogram_line(name: &str, histogram: &Histogram, buckets: Buckets, out: &mut String) -> std::fmt::Result {
    match (histogram.quantiles(), buckets) {
        (None, _) => writeln!(out, "{name}: No recorded values"),
        (Some(quantiles), Buckets::Summary) => writeln!(out, "{name}: {}", summary(&quantiles)),
        (Some(quantiles), Buckets::Detailed) => {
            writeln!(out, "{name}:")?;
            writeln!(out, "  totals={}", totals(histogram))?;
            writeln!(out, "  intervals=")?;
            writeln!(out, "  summary={}", summary(&quantiles))
        }
        (Some(_), kind) => {
            let counts = counted(histogram, kind == Buckets::Cumulative);
            let words: Vec<String> = counts.map(|(bound, count)| format!("B{bound}(0,{count})")).collect();
            writeln!(out, "{name}: {}", words.join(" "))
        }
    }
}

fn summary(quantiles: &[f64]) -> String {
    let words = QUANTILES.iter().zip(quantiles).map(|(share, value)| format!("P{share}(nan,{})", short(*value)));
    words.collect::<Vec<_>>().join(" ")
}

/// Lower bound, width and count of the buckets that hold something.
fn totals(histogram: &Histogram) -> String {
    let words = ranges(histogram).map(|(lower, width, count)| format!("{lower},{width}:{count}"));
    words.collect::<Vec<_>>().join(", ")
}

/// Lower bound, width and count of the buckets that hold something; the last has no width.
pub(super) fn ranges(histogram: &Histogram) -> impl Iterator<Item = (f64, f64, u64)> {
    let bounds = histogram.bounds().to_vec();
    let buckets = histogram.buckets().into_iter().enumerate().filter(|(_, count)| *count > 0);
    buckets.map(move |(index, count)| {
        let lower = index.checked_sub(1).and_then(|before| bounds.get(before)).copied().unwrap_or(0.0);
        let upper = bounds.get(index).copied().unwrap_or(lower);
        (lower, upper - lower, count)
    })
}

/// Bounds with the counts up to them, or between them.
pub(super) fn counted(histogram: &Histogram, cumulative: bool) -> impl Iterator<Item = (f64, u64)> {
    let buckets = histogram.buckets();
    let bounds = histogram.bounds().to_vec();
    bounds.into_iter().zip(buckets).scan(0, move |before, (bound, count)| {
        *before += count;
        Some((bound, if cumulative { *before } else { count }))
    })
}

/// A value with at most three digits behind the point.
pub(super) fn short(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::stats::Scope;

    fn printed(query: &Query) -> String {
        let stats = Stats::default();
        let scope = Scope::root(&stats).tagged("cluster", "envoy_cluster_name", "c");
        let (counter, gauge) = (scope.counter("upstream_rq_total"), scope.gauge("upstream_cx_active"));
        let (full, empty) = (scope.histogram("a_time"), scope.histogram("b_time"));
        counter.add(2);
        full.record(0.5);
        full.record(3.0);
        let text = text(&stats, query);
        drop((gauge, empty));
        text
    }

    #[test]
    fn histograms_follow_the_numbers() {
        assert_eq!(
            printed(&Query::default()),
            "cluster.c.upstream_cx_active: 0\ncluster.c.upstream_rq_total: 2\ncluster.c.a_time: P0(nan,0) P25(nan,0.25) \
             P50(nan,0.5) P75(nan,3) P90(nan,4.2) P95(nan,4.6) P99(nan,4.92) P99.5(nan,4.96) P99.9(nan,4.992) \
             P100(nan,5)\ncluster.c.b_time: No recorded values\n"
        );
    }

    #[test]
    fn used_only_and_filter_leave_stats_out() {
        let query = Query { used_only: true, filter: regex::Regex::new("upstream").ok(), ..Query::default() };
        assert_eq!(printed(&query), "cluster.c.upstream_rq_total: 2\n");
    }

    #[test]
    fn buckets_are_told_up_to_or_between_bounds() {
        let line = |buckets| {
            let text = printed(&Query {
                buckets: Some(buckets),
                filter: regex::Regex::new("a_time").ok(),
                ..Query::default()
            });
            text.split(' ').take(4).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(line(Buckets::Cumulative), "cluster.c.a_time: B0.5(0,1) B1(0,1) B5(0,2)");
        assert_eq!(line(Buckets::Disjoint), "cluster.c.a_time: B0.5(0,1) B1(0,0) B5(0,1)");
        assert!(line(Buckets::Detailed).starts_with("cluster.c.a_time:\n  totals=0,0.5:1,"));
    }
}
