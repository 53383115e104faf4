//! The series of Istio's standard metrics. A series that is not used for long is forgotten.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use twox_hash::XxHash64;

use super::overrides::Overrides;
use crate::telemetry::stats::{Counter, Gauge, Histogram, Stats, Tags};

/// How long a series lives without being used.
pub const IDLE: Duration = Duration::from_secs(24 * 3600);

/// A label.
pub type Label<'l> = (Cow<'l, str>, Cow<'l, str>);

/// One combination of labels, with its stats as far as they were used.
#[derive(Debug)]
struct Series {
    config: u64,
    labels: Box<[(Box<str>, Box<str>)]>,
    /// Seconds since the registry was made.
    used: AtomicU64,
    counters: Mutex<Vec<(&'static str, Arc<Counter>)>>,
    histograms: Mutex<Vec<(&'static str, Arc<Histogram>)>>,
}

/// What one exchange or connection adds to its series.
#[derive(Debug, Clone, Copy)]
pub enum Amount {
    /// To a counter.
    Count(u64),
    /// To a histogram.
    Value(f64),
}

/// All series of the process.
#[derive(Debug)]
pub struct Metrics {
    started: Instant,
    series: Mutex<HashMap<u64, Vec<Arc<Series>>, BuildHasherDefault<XxHash64>>>,
    swept: AtomicU64,
    builds: Mutex<Vec<Arc<Gauge>>>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { started: Instant::now(), series: Mutex::default(), swept: AtomicU64::new(0), builds: Mutex::default() }
    }
}

fn fixed(tags: &[(&'static str, &str)]) -> Tags {
    tags.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

impl Metrics {
    /// Notes the version of Istio that the proxy is configured for, as the gauge `istio_build`.
    pub fn note_build(&self, stats: &Stats, version: &str) {
        let version = if version.is_empty() { "unknown" } else { version };
        let tags = fixed(&[("component", "proxy"), ("tag", version)]);
        let name = format!("istiocustom.istio_build.component.proxy.tag.{version}");
        let gauge = stats.gauge(&name, "istiocustom.istio_build", &tags);
        gauge.set(1);
        let mut builds = self.builds.lock();
        if !builds.iter().any(|known| Arc::ptr_eq(known, &gauge)) {
            builds.push(gauge);
        }
    }

    /// Adds to metrics of the series with these labels.
    pub fn record(
        &self,
        stats: &Stats,
        overrides: &Overrides,
        labels: &[Label<'_>],
        amounts: &[(&'static str, Amount)],
    ) {
        let series = self.series(overrides.fingerprint(), labels);
        for (metric, amount) in amounts {
            if overrides.drops(metric) {
                continue;
            }
            match amount {
                Amount::Count(count) => {
                    let make =
                        || series.stat(metric, overrides, |name, extracted, tags| stats.counter(name, extracted, tags));
                    held(&series.counters, metric, make).add(*count);
                }
                Amount::Value(value) => {
                    let make = || {
                        series.stat(metric, overrides, |name, extracted, tags| stats.histogram(name, extracted, tags))
                    };
                    held(&series.histograms, metric, make).record(*value);
                }
            }
        }
    }

    fn series(&self, config: u64, labels: &[Label<'_>]) -> Arc<Series> {
        let hasher = BuildHasherDefault::<XxHash64>::default();
        let mut hash = hasher.build_hasher();
        config.hash(&mut hash);
        for (_, value) in labels {
            value.hash(&mut hash);
        }
        let (key, now) = (hash.finish(), self.started.elapsed().as_secs());
        let mut all = self.series.lock();
        self.sweep(&mut all, now);
        let same = |series: &&Arc<Series>| {
            let own = series.labels.iter().map(|(name, value)| (&**name, &**value));
            series.config == config && own.eq(labels.iter().map(|(name, value)| (&**name, &**value)))
        };
        let place = all.entry(key).or_default();
        if let Some(series) = place.iter().find(same) {
            series.used.store(now, Ordering::Relaxed);
            return series.clone();
        }
        let labels = labels.iter().map(|(name, value)| ((&**name).into(), (&**value).into())).collect();
        let (counters, histograms) = (Mutex::default(), Mutex::default());
        let series = Arc::new(Series { config, labels, used: AtomicU64::new(now), counters, histograms });
        place.push(series.clone());
        series
    }

    /// Forgets what was not used for long, now and then.
    fn sweep(&self, all: &mut HashMap<u64, Vec<Arc<Series>>, BuildHasherDefault<XxHash64>>, now: u64) {
        let idle = IDLE.as_secs();
        if now < self.swept.load(Ordering::Relaxed) + idle / 8 {
            return;
        }
        self.swept.store(now, Ordering::Relaxed);
        all.retain(|_, place| {
            place.retain(|series| series.used.load(Ordering::Relaxed) + idle > now);
            !place.is_empty()
        });
    }
}

/// The stat of that metric, made when it is new.
fn held<T>(all: &Mutex<Vec<(&'static str, Arc<T>)>>, metric: &'static str, make: impl FnOnce() -> Arc<T>) -> Arc<T> {
    let mut all = all.lock();
    if let Some((_, stat)) = all.iter().find(|(name, _)| *name == metric) {
        return stat.clone();
    }
    let stat = make();
    all.push((metric, stat.clone()));
    stat
}

impl Series {
    fn stat<T>(&self, metric: &str, overrides: &Overrides, make: impl FnOnce(&str, &str, &Tags) -> Arc<T>) -> Arc<T> {
        let labels = self.labels.iter().filter(|(name, _)| overrides.keeps(metric, name));
        // A label that belongs to one metric alone is marked with its name.
        let labels = labels.map(|(name, value)| (name.split_once('|').map_or(&**name, |(_, name)| name), &**value));
        let tags: Tags = labels.map(|(name, value)| (name.to_string().into(), value.into())).collect();
        let extracted = format!("istiocustom.istio_{metric}");
        let mut name = extracted.clone();
        for (key, value) in tags.iter() {
            name.push_str(&format!(".{key}.{value}"));
        }
        make(&name, &extracted, &tags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::stats::Sample;

    fn names(stats: &Stats) -> Vec<(String, u64)> {
        let count = |sample| if let Sample::Counter(counter) = sample { counter.value() } else { 0 };
        stats.all().into_iter().map(|seen| (seen.name.to_string(), count(seen.sample))).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_series_counts_until_it_is_forgotten() {
        let (metrics, stats, none) = (Metrics::default(), Stats::default(), Overrides::default());
        let labels = |value: &'static str| [("a".into(), value.into())];
        for value in ["x", "x", "y"] {
            metrics.record(&stats, &none, &labels(value), &[("requests_total", Amount::Count(1))]);
        }
        let name = |value| format!("istiocustom.istio_requests_total.a.{value}");
        assert_eq!(names(&stats), [(name("x"), 2), (name("y"), 1)]);
        tokio::time::advance(IDLE - Duration::from_secs(10)).await;
        metrics.record(&stats, &none, &labels("x"), &[("requests_total", Amount::Count(1))]);
        tokio::time::advance(IDLE / 4).await;
        metrics.record(&stats, &none, &labels("x"), &[("requests_total", Amount::Count(1))]);
        assert_eq!(names(&stats), [(name("x"), 4)]);
    }
}
