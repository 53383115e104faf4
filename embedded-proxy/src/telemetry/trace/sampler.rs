//! Which traces are kept, when the tracer decides that itself (`OpenTelemetryConfig.sampler`).

use crate::proto::{Fraction, Reader};

const PACKAGE: &str = "envoy.extensions.tracers.opentelemetry.samplers.v3.";

/// A sampler.
#[derive(Debug, Clone, PartialEq)]
pub enum Sampler {
    /// All of them.
    AlwaysOn,
    /// As the parent says; without a parent as another sampler says.
    ParentBased(Box<Sampler>),
    /// A share of all trace ids.
    Ratio(Fraction),
}

impl Sampler {
    /// Reads a `TypedExtensionConfig`.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        // Names are for people.
        reader.ignore(&["name"]);
        let (kind, config) = reader.any("typed_config")?;
        match kind.strip_prefix(PACKAGE) {
            Some("AlwaysOnSamplerConfig") => Some(Self::AlwaysOn),
            Some("ParentBasedSamplerConfig") => {
                Self::read(&config.need("wrapped_sampler")?).map(|inner| Self::ParentBased(Box::new(inner)))
            }
            Some("TraceIdRatioBasedSamplerConfig") => {
                Some(Self::Ratio(config.fraction("sampling_percentage").unwrap_or(Fraction::ALL)))
            }
            _ => {
                config.defect("", format!("the proxy does not have the sampler {kind}"));
                None
            }
        }
    }

    /// Whether a span is kept. `parent`: what the context that came with the request says.
    pub fn keeps(&self, trace: &[u8; 16], parent: Option<bool>) -> bool {
        match self {
            Self::AlwaysOn => true,
            Self::ParentBased(inner) => parent.unwrap_or_else(|| inner.keeps(trace, None)),
            Self::Ratio(share) => {
                let low: [u8; 8] = trace[8..].try_into().unwrap_or_default();
                share.hits(u64::from_be_bytes(low))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_and_shares_decide() {
        let none = Sampler::Ratio(Fraction { numerator: 0, denominator: 100 });
        let all = Sampler::Ratio(Fraction::ALL);
        assert!(!none.keeps(&[7; 16], Some(true)) && all.keeps(&[7; 16], Some(false)));
        let parent = Sampler::ParentBased(Box::new(none));
        assert!(parent.keeps(&[7; 16], Some(true)) && !parent.keeps(&[7; 16], None));
        assert!(Sampler::AlwaysOn.keeps(&[7; 16], Some(false)));
    }
}
