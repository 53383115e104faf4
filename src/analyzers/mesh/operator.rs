//! IstioOperator files: add-ons they do not install (IST9115), environment variables that are no text (IST9130), and worker
//! threads set twice (IST9131).

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::IstioOperator;
use crate::dialects::object::Object;
use crate::manifests::source::{Span, to_u32};
use crate::manifests::tree::Value;
use crate::schema::Map;

declare_code! {
    /// An add-on that the file does not install
    ///
    /// ## Why
    ///
    /// `istioctl install` installs Istio only. Jaeger, Kiali, Prometheus, Grafana and Zipkin are installed by themselves
    /// since Istio 1.8; a file of this name only changes settings of the mesh.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// # Install Jaeger
    /// apiVersion: install.istio.io/v1alpha1
    /// kind: IstioOperator
    /// metadata:
    ///   name: jaeger
    /// spec:
    ///   meshConfig:
    ///     enableTracing: true
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// # Tracing of the mesh
    /// apiVersion: install.istio.io/v1alpha1
    /// kind: IstioOperator
    /// metadata:
    ///   name: tracing
    /// spec:
    ///   meshConfig:
    ///     enableTracing: true
    /// ```
    ///
    /// ## Fix
    ///
    /// Install the add-on from its own manifests or chart, and name the file after what it sets.
    pub ADD_ON_NOT_INSTALLED = "IST9115", "AddOnNotInstalled", Warning
}

declare_code! {
    /// A variable of the control plane that is no text
    ///
    /// ## Why
    ///
    /// Environment variables are texts. The charts put quotes around these values, so they work here; the same lines in a
    /// Deployment are refused, and a number as `014` or `1e3` arrives as another one.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: install.istio.io/v1alpha1
    /// kind: IstioOperator
    /// metadata:
    ///   name: mesh
    /// spec:
    ///   values:
    ///     pilot:
    ///       env:
    ///         PILOT_PUSH_THROTTLE: 100
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: install.istio.io/v1alpha1
    /// kind: IstioOperator
    /// metadata:
    ///   name: mesh
    /// spec:
    ///   values:
    ///     pilot:
    ///       env:
    ///         PILOT_PUSH_THROTTLE: "100"
    /// ```
    ///
    /// ## Fix
    ///
    /// Put the value in quotes.
    pub VARIABLE_NOT_TEXT = "IST9130", "VariableNotText", Warning
}

declare_code! {
    /// The number of worker threads is set twice
    ///
    /// ## Why
    ///
    /// `values.global.proxy.concurrency` is deprecated. `meshConfig.defaultConfig.concurrency` sets the same number; with
    /// both, a change of one of them is easily without effect.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: install.istio.io/v1alpha1
    /// kind: IstioOperator
    /// metadata:
    ///   name: mesh
    /// spec:
    ///   values:
    ///     global:
    ///       proxy:
    ///         concurrency: 2
    ///   meshConfig:
    ///     defaultConfig:
    ///       concurrency: 2
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: install.istio.io/v1alpha1
    /// kind: IstioOperator
    /// metadata:
    ///   name: mesh
    /// spec:
    ///   meshConfig:
    ///     defaultConfig:
    ///       concurrency: 2
    /// ```
    ///
    /// ## Fix
    ///
    /// Delete the value under `global.proxy` and keep that of `meshConfig.defaultConfig`.
    pub CONCURRENCY_TWICE = "IST9131", "ConcurrencySetTwice", Warning
}

/// Reports what IstioOperator files promise, misspell or repeat.
pub static ANALYZER: Analyzer = Analyzer {
    name: "mesh.Operator",
    summary: "IstioOperator files install what they say, and set things once and as text",
    codes: &[&ADD_ON_NOT_INSTALLED, &VARIABLE_NOT_TEXT, &CONCURRENCY_TWICE],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for object in &cx.istio_operators {
        add_on(cx, object, sink);
        variables(cx, object, sink);
        concurrency(object, sink);
    }
}

/// Software beside Istio that its older releases used to install.
const ADD_ONS: [&str; 8] = ["jaeger", "kiali", "prometheus", "grafana", "zipkin", "tempo", "loki", "skywalking"];

fn add_on(cx: &Context<'_>, object: &Object<IstioOperator>, sink: &mut Sink) {
    let name = object.meta.name().to_ascii_lowercase();
    let comment = install_comment(cx, object);
    let named = ADD_ONS.iter().find(|add_on| name == **add_on || name == format!("install-{add_on}"));
    let promised = comment.as_ref().and_then(|(text, _)| ADD_ONS.iter().find(|add_on| text.contains(**add_on)));
    let Some(add_on) = promised.or(named) else { return };
    let span = match (promised, comment) {
        (Some(_), Some((_, span))) => span,
        _ => object.meta.name_span(),
    };
    sink.report(
        &ADD_ON_NOT_INSTALLED,
        &object.meta,
        span,
        format!("The file does not install {add_on}: an IstioOperator only sets up Istio itself."),
    )
    .label(format!("installs no {add_on}"))
    .help(format!("install {add_on} from its own manifests or chart"))
    .related(object.meta.file, object.meta.name_span(), "the IstioOperator");
}

/// The comment right above the document when it speaks of installing: in lower case, with its place.
fn install_comment(cx: &Context<'_>, object: &Object<IstioOperator>) -> Option<(String, Span)> {
    let source = cx.sources.get(object.meta.file);
    let above = source.line_col(object.meta.place.start).line.checked_sub(1).filter(|line| *line > 0)?;
    let line = source.line_span(above);
    let text = source.slice(line);
    let indentation = text.len() - text.trim_start().len();
    let lower = text.trim_start().to_ascii_lowercase();
    let says = lower.starts_with('#') && (lower.contains("install") || lower.contains("deploy"));
    says.then(|| (lower, Span::new(line.start + to_u32(indentation), line.end)))
}

/// Variables whose default is already what people set.
const TRUE_BY_DEFAULT: [&str; 2] =
    ["PILOT_ENABLE_WORKLOAD_ENTRY_AUTOREGISTRATION", "PILOT_ENABLE_CROSS_CLUSTER_WORKLOAD_ENTRY"];

fn variables(cx: &Context<'_>, object: &Object<IstioOperator>, sink: &mut Sink) {
    let env = object.spec.values.as_ref().and_then(|values| values.pilot.as_ref()).map(|pilot| &pilot.env);
    for (name, value) in env.into_iter().flat_map(Map::iter) {
        let what = match value.node.value {
            Value::Bool(_) => "a boolean",
            Value::Int(_) | Value::Uint(_) | Value::Float(_) => "a number",
            _ => continue,
        };
        let written = cx.text(&object.meta, value.node.span).to_owned();
        let default = match value.node.value {
            Value::Bool(true) if TRUE_BY_DEFAULT.contains(&name.as_str()) => " It is true by default.",
            _ => "",
        };
        sink.report(
            &VARIABLE_NOT_TEXT,
            &object.meta,
            value.node.span,
            format!("The variable {} is {what}, and variables are text.{default}", name.as_str()),
        )
        .label("no quotes")
        .help(format!("write \"{written}\""))
        .replace(value.node.span, format!("\"{written}\""));
    }
}

fn concurrency(object: &Object<IstioOperator>, sink: &mut Sink) {
    let values = object.spec.values.as_ref().and_then(|values| values.global.as_ref());
    let old = values.and_then(|global| global.proxy.as_ref()).and_then(|proxy| proxy.concurrency.as_ref());
    let config = object.spec.mesh_config.as_ref().and_then(|config| config.default_config.as_ref());
    let new = config.and_then(|config| config.concurrency.as_ref());
    let (Some(old), Some(new)) = (old, new) else { return };
    let file = object.meta.file;
    sink.report(
        &CONCURRENCY_TWICE,
        &object.meta,
        old.place.key_span("concurrency"),
        "`global.proxy.concurrency` is deprecated, and the mesh configuration sets the number of threads too.",
    )
    .label("deprecated")
    .help("delete it and keep meshConfig.defaultConfig.concurrency")
    .related(file, new.place.key_span("concurrency"), "set here too");
    sink.report(
        &CONCURRENCY_TWICE,
        &object.meta,
        new.place.key_span("concurrency"),
        "The number of threads is set here and in the deprecated `global.proxy.concurrency`.",
    )
    .label("set twice")
    .help("keep this one and delete that under values.global.proxy")
    .related(file, old.place.key_span("concurrency"), "set here too");
}
