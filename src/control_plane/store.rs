//! The pieces of a source as one model. A piece that is broken stays what it was.

use std::collections::BTreeMap;
use std::fmt;

use super::source::{Content, Piece};
use crate::dialects::model::{Model, Options};
use crate::dialects::renewal::Fault;
use crate::manifests::source::FileId;

/// What keeps a piece from being used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Broken {
    /// The piece.
    pub name: String,
    /// Where and why; none when it cannot be read at all.
    pub faults: Vec<Fault>,
    /// The reason, when it cannot be read at all.
    pub unreadable: Option<String>,
    /// True when an older content of the piece is in force.
    pub older: bool,
}

impl fmt::Display for Broken {
    /// One line for each fault: `FILE:LINE:COLUMN: REASON`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        let lines = self.faults.iter().map(|fault| format!("{name}:{}:{}: {}", fault.line, fault.column, fault.reason));
        let unreadable = self.unreadable.iter().map(|reason| format!("{name}: the file {reason}"));
        f.write_str(&unreadable.chain(lines).collect::<Vec<_>>().join("\n"))
    }
}

/// The model, and the pieces it is made of.
#[derive(Debug)]
pub struct Store {
    model: Model,
    files: BTreeMap<String, FileId>,
    broken: BTreeMap<String, Broken>,
    lenient: bool,
}

impl Store {
    /// Nothing yet. A lenient store takes objects with broken fields: what lowers them leaves those out.
    pub fn new(options: Options, lenient: bool) -> Self {
        Self { model: Model::new(options), files: BTreeMap::new(), broken: BTreeMap::new(), lenient }
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The pieces that are broken now.
    pub fn broken(&self) -> impl Iterator<Item = &Broken> {
        self.broken.values()
    }

    /// Takes changed pieces; true when the model is another one.
    pub fn apply(&mut self, pieces: Vec<Piece>) -> bool {
        let mut changed = false;
        for Piece { name, content } in pieces {
            changed |= match content {
                Content::Gone => self.remove(&name),
                Content::Unreadable(reason) => {
                    self.refuse(name, Vec::new(), Some(reason));
                    false
                }
                Content::Text(text, format) => {
                    let same = self.files.get(&name).is_some_and(|file| *self.model.sources.get(*file).text == text);
                    if same {
                        self.broken.remove(&name);
                    }
                    !same && self.replace(name, text, format)
                }
            };
        }
        if changed {
            self.model.order_by_name();
        }
        changed
    }

    fn remove(&mut self, name: &str) -> bool {
        self.broken.remove(name);
        let Some(file) = self.files.remove(name) else { return false };
        self.model.forget(file);
        true
    }

    fn replace(&mut self, name: String, text: String, format: crate::manifests::input::Format) -> bool {
        let file = self.model.add(&name, text, format);
        let faults = self.model.faults(file);
        let readable = self.model.unreadable.iter().all(|unreadable| unreadable.file != file);
        if !(faults.is_empty() || self.lenient && readable) {
            self.model.forget(file);
            self.refuse(name, faults, None);
            return false;
        }
        self.broken.remove(&name);
        if let Some(old) = self.files.insert(name, file) {
            self.model.forget(old);
        }
        true
    }

    fn refuse(&mut self, name: String, faults: Vec<Fault>, unreadable: Option<String>) {
        let older = self.files.contains_key(&name);
        let broken = Broken { name: name.clone(), faults, unreadable, older };
        self.broken.insert(name, broken);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifests::input::Format;

    const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n";

    fn piece(name: &str, text: &str) -> Vec<Piece> {
        vec![Piece { name: name.into(), content: Content::Text(text.into(), Format::Yaml) }]
    }

    fn ports(store: &Store) -> Vec<i64> {
        let ports = store.model().services.iter().filter_map(|service| service.spec.spec.as_ref());
        ports.flat_map(|spec| spec.ports.iter().filter_map(|port| port.port.as_ref().map(|port| port.value))).collect()
    }

    #[test]
    fn a_broken_file_stays_what_it_was() {
        let mut store = Store::new(Options::default(), false);
        assert!(store.apply(piece("a.yaml", SERVICE)));
        assert!(!store.apply(piece("a.yaml", SERVICE)), "nothing is different");
        let half = format!("{}---\nkind: [\n", SERVICE.replace("80", "81"));
        assert!(!store.apply(piece("a.yaml", &half)));
        assert_eq!(ports(&store), [80], "the good half of a broken file is not taken");
        let broken: Vec<_> = store.broken().map(ToString::to_string).collect();
        assert!(broken[0].starts_with("a.yaml:"), "{broken:?}");
        assert!(store.broken().all(|broken| broken.older));
        assert!(!store.apply(piece("b.yaml", "kind: [\n")));
        assert_eq!(store.broken().filter(|broken| !broken.older).count(), 1);
        assert!(store.apply(piece("a.yaml", &SERVICE.replace("80", "82"))));
        assert!(store.apply(vec![Piece { name: "a.yaml".into(), content: Content::Gone }]));
        assert_eq!(ports(&store), [] as [i64; 0]);
        assert!(!store.apply(vec![Piece { name: "b.yaml".into(), content: Content::Gone }]));
        assert_eq!(store.broken().count(), 0);
    }

    #[test]
    fn a_file_that_is_taken_back_is_good_again() {
        let mut store = Store::new(Options::default(), false);
        store.apply(piece("a.yaml", SERVICE));
        store.apply(vec![Piece { name: "a.yaml".into(), content: Content::Unreadable("cannot be read".into()) }]);
        assert_eq!(store.broken().map(ToString::to_string).collect::<Vec<_>>(), ["a.yaml: the file cannot be read"]);
        assert!(!store.apply(piece("a.yaml", SERVICE)));
        assert_eq!(store.broken().count(), 0);
    }
}
