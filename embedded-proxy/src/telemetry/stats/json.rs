//! `/stats?format=json`.

use serde_json::{Value, json};

use super::histogram::QUANTILES;
use super::text::{counted, ranges, short};
use super::{Buckets, Histogram, Query, Sample, Stats};
use crate::telemetry::format::write_json;

/// Counters and gauges with their values, then histograms in one object.
pub fn json(stats: &Stats, query: &Query) -> String {
    let mut all: Vec<Value> = Vec::new();
    let mut histograms = Vec::new();
    for seen in query.select(stats) {
        match &seen.sample {
            Sample::Counter(counter) => all.push(json!({"name": &*seen.name, "value": counter.value()})),
            Sample::Gauge(gauge) => all.push(json!({"name": &*seen.name, "value": gauge.value()})),
            Sample::Histogram(histogram) => {
                histograms.push(one(&seen.name, histogram, query.buckets.unwrap_or_default()));
            }
        }
    }
    if !histograms.is_empty() {
        all.push(json!({ "histograms": together(histograms, query.buckets.unwrap_or_default()) }));
    }
    let mut out = String::new();
    write_json(&json!({ "stats": all }), &mut out);
    out
}

fn together(histograms: Vec<Value>, buckets: Buckets) -> Value {
    let shares: Vec<Value> = QUANTILES.iter().map(|share| json!(share)).collect();
    match buckets {
        Buckets::Summary => json!({"supported_quantiles": shares, "computed_quantiles": histograms}),
        Buckets::Detailed => json!({"supported_percentiles": shares, "details": histograms}),
        Buckets::Cumulative | Buckets::Disjoint => Value::Array(histograms),
    }
}

fn one(name: &str, histogram: &Histogram, buckets: Buckets) -> Value {
    match buckets {
        Buckets::Summary => json!({"name": name, "values": quantiles(histogram)}),
        Buckets::Detailed => {
            let totals: Vec<Value> = ranges(histogram)
                .map(|(lower, width, count)| json!({"lower_bound": lower, "width": width, "count": count}))
                .collect();
            json!({"name": name, "totals": totals, "intervals": [], "percentiles": quantiles(histogram)})
        }
        kind => {
            let buckets: Vec<Value> = counted(histogram, kind == Buckets::Cumulative)
                .map(|(bound, count)| json!({"upper_bound": bound, "interval": 0, "cumulative": count}))
                .collect();
            json!({"name": name, "buckets": buckets})
        }
    }
}

fn quantiles(histogram: &Histogram) -> Vec<Value> {
    let values = histogram
        .quantiles()
        .map_or(vec![Value::Null; QUANTILES.len()], |values| values.iter().map(|value| json!(short(*value))).collect());
    values.into_iter().map(|value| json!({"cumulative": value, "interval": null})).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::stats::Scope;

    #[test]
    fn keys_are_envoys() {
        let stats = Stats::default();
        let scope = Scope::root(&stats);
        let (counter, histogram) = (scope.counter("c"), scope.histogram("h"));
        counter.inc();
        histogram.record(2.0);
        let read = |buckets| -> Value {
            serde_json::from_str(&json(&stats, &Query { buckets: Some(buckets), ..Query::default() })).unwrap()
        };
        let summary = read(Buckets::Summary);
        assert_eq!(summary["stats"][0], json!({"name": "c", "value": 1}));
        let computed = &summary["stats"][1]["histograms"]["computed_quantiles"][0];
        assert_eq!(computed["values"][9], json!({"cumulative": 5, "interval": null}));
        let disjoint = read(Buckets::Disjoint);
        let bucket = &disjoint["stats"][1]["histograms"][0]["buckets"][2];
        assert_eq!(*bucket, json!({"upper_bound": 5, "interval": 0, "cumulative": 1}));
        let detailed = read(Buckets::Detailed);
        let details = &detailed["stats"][1]["histograms"]["details"][0];
        assert_eq!(details["totals"][0], json!({"lower_bound": 1, "width": 4, "count": 1}));
    }
}
