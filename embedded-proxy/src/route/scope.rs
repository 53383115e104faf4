//! Scopes: `envoy.config.route.v3.ScopedRouteConfiguration`, which route table requests of a key take.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::RouteTable;
use crate::proto::Reader;
use crate::services::Build;

/// Where the table of a scope comes from.
#[derive(Debug, Clone)]
pub enum ScopeTable {
    /// From RDS, by name.
    Named(Arc<str>),
    /// It stands in the scope.
    Inline(Arc<RouteTable>),
}

/// A scope.
#[derive(Debug, Clone)]
pub struct Scope {
    /// Name.
    pub name: Arc<str>,
    /// The key that requests need to have.
    pub key: Vec<String>,
    /// Their routes.
    pub table: ScopeTable,
}

impl Scope {
    /// Reads the message.
    pub fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        if reader.flag("on_demand") {
            reader.defect("on_demand", "the proxy fetches the routes of every scope at once, none on demand");
        }
        let name = reader.need_text("name");
        let key = reader.need("key").map(|key| {
            let fragments = key.list("fragments");
            if fragments.is_empty() {
                key.defect("fragments", "must not be empty");
            }
            fragments.iter().map(|fragment| fragment.text("string_key")).collect()
        });
        let named = reader.opt_text("route_configuration_name");
        let table = match (named, reader.message("route_configuration")) {
            (Some(name), None) => Some(ScopeTable::Named(name.into())),
            (None, Some(table)) => RouteTable::read(&table, build).map(|table| ScopeTable::Inline(Arc::new(table))),
            _ => {
                reader.defect("", "needs either route_configuration_name or route_configuration");
                None
            }
        };
        Some(Self { name: name?.into(), key: key?, table: table? })
    }
}

/// All scopes of one place, by name.
#[derive(Debug, Clone, Default)]
pub struct Scopes(BTreeMap<Arc<str>, Scope>);

impl Scopes {
    /// With one more, or with another of its name. Two scopes may not have the same key.
    pub fn with(&self, scope: Scope) -> Result<Self, String> {
        let other = self.0.values().find(|other| other.key == scope.key && other.name != scope.name);
        if let Some(other) = other {
            let (first, second) = (&other.name, &scope.name);
            return Err(format!("scope key conflict found, first scope is '{first}', second scope is '{second}'"));
        }
        let mut scopes = self.clone();
        scopes.0.insert(scope.name.clone(), scope);
        Ok(scopes)
    }

    /// Without the one of that name.
    pub fn without(&self, name: &str) -> Self {
        let mut scopes = self.clone();
        scopes.0.remove(name);
        scopes
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.values()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::read;
    use super::*;

    fn scope(config: &Value) -> Result<Scope, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let _inside = runtime.enter();
        let build = crate::services::for_tests();
        read("envoy.config.route.v3.ScopedRouteConfiguration", config, |reader| Scope::read(reader, &build))
    }

    fn named(name: &str, key: &str) -> Value {
        json!({"name": name, "route_configuration_name": "r", "key": {"fragments": [{"string_key": key}]}})
    }

    #[test]
    fn keys_belong_to_one_scope() {
        let all = Scopes::default().with(scope(&named("a", "x")).unwrap()).unwrap();
        let conflict = all.with(scope(&named("b", "x")).unwrap()).unwrap_err();
        assert_eq!(conflict, "scope key conflict found, first scope is 'a', second scope is 'b'");
        let changed = all.with(scope(&named("a", "y")).unwrap()).unwrap();
        assert!(changed.with(scope(&named("b", "x")).unwrap()).is_ok());
        assert_eq!(all.without("a").iter().count(), 0);
    }

    #[test]
    fn scopes_on_demand_and_without_table_are_refused() {
        let mut lazy = named("a", "x");
        lazy["on_demand"] = json!(true);
        assert!(scope(&lazy).unwrap_err().starts_with("on_demand: "));
        let mut both = named("a", "x");
        both["route_configuration"] = json!({"name": "r"});
        assert!(scope(&both).unwrap_err().contains("needs either"));
    }
}
