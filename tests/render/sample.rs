//! The report that the format tests show: two files, four findings, one of them suppressed.

use std::collections::BTreeMap;

use meshctl::declare_code;
use meshctl::diagnostics::render::{Hidden, Report, Suppressed, SuppressedBy};
use meshctl::diagnostics::{Diagnostic, Sink, Undecided};
use meshctl::dialects::model::{Model, Options};
use meshctl::manifests::source::{FileId, Span};

declare_code! {
    /// A subset that no DestinationRule has
    ///
    /// ## Why
    ///
    /// Envoy answers 503.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// subset: v2
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// subset: v1
    /// ```
    ///
    /// ## Fix
    ///
    /// Add the subset, or correct its name.
    MISSING_SUBSET = "IST9990", "MissingSubset", Error
}

declare_code! {
    /// A retry that cannot fit
    ///
    /// ## Why
    ///
    /// The timeout ends the request first.
    TIGHT_RETRY = "IST9991", "TightRetry", Warning
}

const ROUTE: &str = "\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
  namespace: shop
spec:
  hosts: [reviews]
  http:
  - route:
    - destination:
        host: reviews
        subset: v2
    timeout: 1s
    retries:
      attempts: 3
      perTryTimeout: 2s
";

const RULE: &str = "\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: shop}
spec:
  host: reviews
  subsets:
  - name: v1
";

/// Input and findings; the report borrows from it.
pub struct Sample {
    pub model: Model,
    pub findings: Vec<Diagnostic>,
    pub undecided: BTreeMap<Undecided, usize>,
    pub suppressed: Vec<Suppressed>,
}

fn span(text: &str, of: &str) -> Span {
    let start = u32::try_from(text.find(of).unwrap()).unwrap();
    Span::new(start, start + u32::try_from(of.len()).unwrap())
}

impl Sample {
    pub fn new() -> Self {
        let mut model = Model::new(Options::default());
        let route_file = model.add_yaml("k8s/route.yaml", ROUTE.into(), None);
        let rule_file = model.add_yaml("k8s/rule.yaml", RULE.into(), None);
        let mut sink = Sink::default();
        sink.begin("sample.Subsets");
        let meta = &model.virtual_services[0].meta;
        sink.report(&MISSING_SUBSET, meta, span(ROUTE, "v2"), "Host `reviews` has no subset `v2`.")
            .label("not defined")
            .help("Add `v2` to the subsets of DestinationRule shop/reviews, or send this route to `v1`.")
            .related(rule_file, span(RULE, "name: v1"), "The only subset of this host is `v1`.")
            .replace(span(ROUTE, "v2"), "v1");
        sink.begin("sample.Retries");
        sink.report(
            &TIGHT_RETRY,
            meta,
            span(ROUTE, "2s"),
            "3 attempts of 2s do not fit into the timeout of 1s, 100% of the time: the second one never starts.",
        )
        .related(route_file, span(ROUTE, "1s"), "the timeout");
        sink.report_at(&TIGHT_RETRY, FileId(1), span(RULE, "subsets"), "A finding\nabout a file.");
        let mut findings = std::mem::take(&mut sink.findings);
        sink.report(&TIGHT_RETRY, meta, span(ROUTE, "3"), "Three attempts are many.");
        let suppressed = sink.findings.into_iter().map(|finding| Suppressed {
            finding,
            by: SuppressedBy::Comment,
            reason: Some("agreed with the team".into()),
        });
        let suppressed = suppressed.collect();
        sink = Sink::default();
        sink.begin("sample.Hosts");
        sink.undecided("destination hosts", "Services");
        sink.undecided("destination hosts", "Services");
        sink.begin("sample.Secrets");
        sink.undecided("gateway credentials", "Secrets");
        findings[2].level = meshctl::diagnostics::Level::Info;
        Self { undecided: sink.undecided, findings, suppressed, model }
    }

    pub fn report(&self) -> Report<'_> {
        Report {
            model: &self.model,
            findings: &self.findings,
            undecided: &self.undecided,
            hidden: Hidden { threshold: 4, baseline: 1, suppressed: self.suppressed.clone() },
            documents: 2,
            files: 2,
        }
    }

    /// The same input without a finding.
    pub fn clean(&self) -> Report<'_> {
        Report { findings: &[], undecided: &EMPTY, hidden: Hidden::default(), ..self.report() }
    }
}

static EMPTY: BTreeMap<Undecided, usize> = BTreeMap::new();
