//! Releases whose support has ended, and the profiles of istioctl.

/// Istio minors without support, with the month in which it ended. Older ones ended earlier.
pub const ISTIO_ENDED: &[(u32, &str)] = &[
    (17, "October 2023"),
    (18, "January 2024"),
    (19, "April 2024"),
    (20, "June 2024"),
    (21, "September 2024"),
    (22, "January 2025"),
    (23, "April 2025"),
    (24, "June 2025"),
];

/// When the support of Istio `1.minor` ended; nothing when it may still be supported.
pub fn istio_ended(minor: u32) -> Option<&'static str> {
    if minor < ISTIO_ENDED[0].0 {
        return Some("2023 or before");
    }
    ISTIO_ENDED.iter().find(|(known, _)| *known == minor).map(|(_, month)| *month)
}

/// Profiles other than `default` that `istioctl install --set profile=` knows.
pub const ISTIO_PROFILES: &[&str] =
    &["ambient", "demo", "empty", "minimal", "openshift", "preview", "remote", "stable"];
