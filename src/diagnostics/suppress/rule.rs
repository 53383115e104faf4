//! `--suppress CODE=GLOB` and the `suppress` list of meshctl.yaml.

use super::glob::matches;
use crate::analyzers::registry;
use crate::diagnostics::{Code, Diagnostic, Resource};
use crate::failure::Failure;
use crate::near::nearest;

/// One code silenced on the objects that match.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The code.
    pub code: &'static Code,
    /// Matched against `Kind namespace/name` and `Kind name.namespace`.
    pub glob: String,
}

/// Why a text is no rule.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RuleError {
    /// Not of the form `CODE=GLOB`.
    #[error("cannot read the suppression `{0}`")]
    Form(String),
    /// The code does not exist.
    #[error("there is no code `{code}` to suppress")]
    UnknownCode {
        /// What stands there.
        code: String,
        /// What was probably meant.
        near: Option<&'static str>,
    },
}

impl From<RuleError> for Failure {
    fn from(error: RuleError) -> Self {
        let hint = match &error {
            RuleError::Form(_) => "Write CODE=GLOB with one `=`, for instance `IST0102=Namespace test-*`.".to_owned(),
            RuleError::UnknownCode { near: Some(near), .. } => format!("Did you mean {near}?"),
            RuleError::UnknownCode { near: None, .. } => "`meshctl explain` lists the codes.".to_owned(),
        };
        Self::usage(error).hint(hint)
    }
}

impl Rule {
    /// Reads `CODE=GLOB`; the code may be given by its name.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let (code, glob) = text.split_once('=').ok_or_else(|| RuleError::Form(text.to_owned()))?;
        if glob.contains('=') || code.trim().is_empty() || glob.trim().is_empty() {
            return Err(RuleError::Form(text.to_owned()));
        }
        let code = code.trim();
        let found = registry::code(code)
            .ok_or_else(|| RuleError::UnknownCode { code: code.to_owned(), near: near_code(code) })?;
        Ok(Self { code: found, glob: glob.trim().to_owned() })
    }

    /// Whether the rule silences this finding.
    pub fn covers(&self, finding: &Diagnostic) -> bool {
        *self.code == *finding.code
            && match &finding.resource {
                Some(resource) => forms(resource).iter().any(|form| matches(&self.glob, form)),
                None => matches(&self.glob, ""),
            }
    }
}

/// The code or the name of a code that is nearest to a word.
pub fn near_code(word: &str) -> Option<&'static str> {
    nearest(word, registry::codes().into_iter().flat_map(|code| [code.code, code.name]))
}

/// The two ways of writing an object; istioctl documents the second and matches the first (istio/istio#58188).
fn forms(resource: &Resource) -> [String; 2] {
    let dotted = match resource.namespace.as_str() {
        "" => resource.to_string(),
        namespace => format!("{} {}.{namespace}", resource.kind, resource.name),
    };
    [resource.to_string(), dotted]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(code: &'static Code, resource: Option<Resource>) -> Diagnostic {
        let mut sink = crate::diagnostics::Sink::default();
        let place = crate::manifests::source::Span::default();
        sink.report_at(code, crate::manifests::source::FileId(0), place, "x").resource = resource;
        sink.findings.remove(0)
    }

    #[allow(clippy::unnecessary_wraps, reason = "what `finding` takes")]
    fn service(namespace: &str, name: &str) -> Option<Resource> {
        Some(Resource { kind: "Service".into(), namespace: namespace.into(), name: name.into(), cluster: None })
    }

    #[test]
    fn both_forms_of_a_name_match() {
        let code = registry::code("K8S0101").unwrap();
        for (glob, is_match) in [
            ("Service shop/web", true),
            ("Service web.shop", true),
            ("Service */web", true),
            ("*", true),
            ("Service shop/*", true),
            ("Service web", false),
            ("shop/web", false),
            ("Pod *", false),
        ] {
            let rule = Rule::parse(&format!("K8S0101={glob}")).unwrap();
            assert_eq!(rule.covers(&finding(code, service("shop", "web"))), is_match, "{glob}");
        }
        assert!(Rule::parse("K8S0101=Service web").unwrap().covers(&finding(code, service("", "web"))));
        assert!(Rule::parse("K8S0101=*").unwrap().covers(&finding(code, None)));
    }

    #[test]
    fn a_code_goes_by_its_name_too() {
        assert_eq!(Rule::parse("unknownfield = Pod *").unwrap(), Rule::parse("K8S0101=Pod *").unwrap());
    }

    #[test]
    fn what_is_no_rule_says_why() {
        for text in ["K8S0101", "K8S0101=a=b", "=x", "K8S0101="] {
            assert_eq!(Rule::parse(text), Err(RuleError::Form(text.into())), "{text}");
        }
        let error = Rule::parse("UnknownFeild=*").unwrap_err();
        assert_eq!(error, RuleError::UnknownCode { code: "UnknownFeild".into(), near: Some("UnknownField") });
    }
}
