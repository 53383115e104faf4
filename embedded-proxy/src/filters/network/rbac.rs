//! `envoy.filters.network.rbac`: connections that the policies do not allow are closed.

use std::sync::Arc;
use std::time::Duration;

use ::http::StatusCode;
use serde_json::{Value, json};

use super::super::http;
use super::{NetworkFilter, Session, Verdict};
use crate::http::Reply;
use crate::matching::tree::Level;
use crate::proto::Reader;
use crate::rbac::{Decision, Engine, Facts};
use crate::services::Build;
use crate::stream::Connection;
use crate::telemetry::stats::{Counter, Scope};

/// Namespace of the dynamic metadata.
const NAMESPACE: &str = "envoy.filters.network.rbac";

#[derive(Debug)]
pub(super) struct Rbac {
    rules: Option<(Engine, Counts)>,
    shadow: Option<(Engine, Counts)>,
    shadow_prefix: String,
    delay: Option<Duration>,
}

#[derive(Debug)]
struct Counts {
    allowed: Arc<Counter>,
    denied: Arc<Counter>,
}

impl Counts {
    fn count(&self, decision: &Decision<'_>) {
        if decision.allowed { &self.allowed } else { &self.denied }.inc();
    }
}

impl Rbac {
    /// Reads the message. None: a defect was noted.
    pub fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        // A connection's facts do not change after it is there: once is as good as at every byte.
        reader.ignore(&["enforcement_type"]);
        let prefix = reader.need_text("stat_prefix")?;
        let shadow_prefix = reader.text("shadow_rules_stat_prefix");
        let root = Scope::root(&build.services.stats).sub(prefix.trim_end_matches('.')).sub("rbac");
        let counts = |word: &str| Counts {
            allowed: root.counter(&format!("{word}allowed")),
            denied: root.counter(&format!("{word}denied")),
        };
        let engine = |rules: &str, matcher: &str, word: &str| {
            let engine = Engine::read(reader, rules, matcher, Level::Connection)?;
            Some(engine.map(|engine| (engine, counts(word))))
        };
        let own = engine("rules", "matcher", "");
        let shadow = engine("shadow_rules", "shadow_matcher", &format!("{shadow_prefix}shadow_"));
        Some(Self { rules: own?, shadow: shadow?, shadow_prefix, delay: reader.duration("delay_deny") })
    }

    fn shadow(&self, session: &mut Session) {
        let Some((rules, counts)) = &self.shadow else { return };
        let decision = rules.check(&Facts::of_connection(&session.connection));
        counts.count(&decision);
        let result = if decision.allowed { "allowed" } else { "denied" };
        let mut fields = serde_json::Map::new();
        if let Some(policy) = decision.policy {
            fields.insert(format!("{}shadow_effective_policy_id", self.shadow_prefix), json!(policy));
        }
        fields.insert(format!("{}shadow_engine_result", self.shadow_prefix), json!(result));
        session.connection.metadata.insert(NAMESPACE.into(), Value::Object(fields));
    }
}

impl NetworkFilter for Rbac {
    fn on_connection(&self, session: &mut Session) -> Verdict {
        self.shadow(session);
        let Some((rules, counts)) = &self.rules else { return Verdict::Next };
        let decision = rules.check(&Facts::of_connection(&session.connection));
        counts.count(&decision);
        if decision.allowed { Verdict::Next } else { Verdict::Close(decision.details(), self.delay) }
    }

    fn verdict(&self, connection: &Connection) -> Option<(&'static str, http::Verdict)> {
        let (rules, _) = self.rules.as_ref()?;
        let decision = rules.check(&Facts::of_connection(connection));
        let policy = decision.policy.map(str::to_string);
        let verdict = if decision.allowed {
            http::Verdict::Pass(policy)
        } else {
            let reply = Box::new(Reply::new(StatusCode::FORBIDDEN, decision.details(), ""));
            http::Verdict::Reply { reply, rule: policy.unwrap_or_else(|| "no policy allows it".into()) }
        };
        Some((NAMESPACE, verdict))
    }
}
