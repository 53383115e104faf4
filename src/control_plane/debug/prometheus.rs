//! Metrics in Prometheus' text format, under istiod's names where it has them.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use crate::control_plane::ads::Ads;
use crate::xds::Kind;

/// All metrics.
pub fn text(ads: &Ads) -> String {
    let state = ads.engine().state();
    let mut out = String::new();
    let gauges = [
        ("pilot_services", "Services that the mesh knows.", state.mesh.services.len()),
        ("pilot_xds", "Streams that are open.", ads.registry().all().len()),
        ("meshctl_workloads", "Workloads that the mesh knows.", state.mesh.workloads.len()),
        (
            "meshctl_broken_files",
            "Files that are broken; what they said before is in force.",
            ads.engine().broken().len(),
        ),
        ("meshctl_losses", "Fields that cannot be honoured as they are.", state.mesh.losses.len()),
    ];
    for (name, help, value) in gauges {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
    }
    let _ = writeln!(
        out,
        "# HELP meshctl_state_seconds Time that the last change took.\n# TYPE meshctl_state_seconds gauge\nmeshctl_state_seconds {}",
        state.took.as_secs_f64()
    );
    type Read = fn(&crate::control_plane::metrics::OfKind) -> u64;
    let counters: [(&str, &str, Read); 3] = [
        ("pilot_xds_pushes", "Responses sent.", |of| of.pushes.load(Ordering::Relaxed)),
        ("pilot_total_xds_rejects", "Responses that proxies refused.", |of| of.refusals.load(Ordering::Relaxed)),
        ("meshctl_xds_bytes_total", "Bytes of resources sent.", |of| of.bytes.load(Ordering::Relaxed)),
    ];
    for (name, help, read) in counters {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} counter");
        for kind in Kind::ALL {
            let _ =
                writeln!(out, "{name}{{type=\"{}\"}} {}", kind.short().to_lowercase(), read(ads.metrics().of(kind)));
        }
    }
    out
}
