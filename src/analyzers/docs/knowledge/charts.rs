//! Values of Helm charts that no longer do what they say.

/// A value of a chart.
pub struct ChartValue {
    /// `repository/chart`.
    pub chart: &'static str,
    /// The path of the value.
    pub path: &'static str,
    /// What it is set to.
    pub value: &'static str,
    /// Setting this path as well gives the value a use.
    pub unless: &'static str,
    /// Why it is of no use: a clause after the path.
    pub why: &'static str,
}

/// Values without use.
pub const WITHOUT_USE: &[ChartValue] = &[ChartValue {
    chart: "hashicorp/consul",
    path: "global.tls.enableAutoEncrypt",
    value: "true",
    unless: "client.enabled",
    why: "gives certificates to client agents, and the chart starts none unless `client.enabled` is set",
}];
