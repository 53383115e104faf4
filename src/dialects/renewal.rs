//! A model that lives on while its files change: one file goes, another comes, the order stays that of the names.

use super::model::Model;
use crate::manifests::source::FileId;
use crate::schema::DefectKind;

/// Something in a file that keeps it from being used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// Why, without a full stop.
    pub reason: String,
}

impl Model {
    /// Takes away everything that a file gave.
    pub fn forget(&mut self, file: FileId) {
        self.objects.forget(file);
        self.untyped.retain(|untyped| untyped.file != file);
        self.unreadable.retain(|unreadable| unreadable.file != file);
        self.traps.retain(|trapped| trapped.file != file);
        self.scripts.retain(|script| script.file != file);
        self.misfenced.retain(|misfenced| misfenced.file != file);
        self.comments.retain(|(of, _)| *of != file);
        self.mesh.configs.retain(|config| config.meta.file != file);
        self.mesh.networks.retain(|networks| networks.meta.file != file);
        self.sources.release(file);
    }

    /// Puts the objects in the order of their files' names, as if all had been read at once.
    pub fn order_by_name(&mut self) {
        let mut by_name: Vec<_> = self.sources.iter().map(|(id, source)| (source.name.as_str(), id)).collect();
        by_name.sort_unstable();
        let mut ranks = vec![0; by_name.len()];
        for (rank, (_, id)) in by_name.into_iter().enumerate() {
            ranks[id.0 as usize] = rank;
        }
        let rank = |file: FileId| ranks.get(file.0 as usize).copied().unwrap_or_default();
        self.objects.order_by(&rank);
        self.mesh.configs.sort_by_key(|config| rank(config.meta.file));
        self.mesh.networks.sort_by_key(|networks| rank(networks.meta.file));
    }

    /// What is wrong with a file: documents that cannot be read, and fields that an API server would refuse.
    pub fn faults(&self, file: FileId) -> Vec<Fault> {
        let source = self.sources.get(file);
        let fault = |at: u32, reason: String| {
            let at = source.line_col(at);
            Fault { line: at.line, column: at.col, reason }
        };
        let unreadable = self.unreadable.iter().filter(|unreadable| unreadable.file == file);
        let mut faults: Vec<Fault> = unreadable
            .map(|unreadable| fault(unreadable.problem.span.start, unreadable.problem.reason.clone()))
            .collect();
        for defects in self.defects.iter().filter(|defects| defects.meta.file == file) {
            let object = &defects.meta;
            faults.extend(defects.defects.iter().map(|defect| {
                let reason =
                    format!("{} {}: {} {}", object.kind, object.full_name(), defect.path, clause(&defect.kind));
                fault(defect.span.start, reason)
            }));
        }
        faults.sort();
        faults
    }
}

/// A defect as the end of a sentence that begins with the field.
fn clause(defect: &DefectKind) -> String {
    match defect {
        DefectKind::UnknownField { .. } => "is no field of this kind".to_owned(),
        DefectKind::WrongType { expected, found } => format!("wants {expected}, and has {found}"),
        DefectKind::NotAllowed { value, allowed } => format!("is `{value}`, and may be {}", allowed.join(", ")),
        DefectKind::Invalid { reason } | DefectKind::Conflict { reason } => reason.clone(),
        DefectKind::Missing { name } => format!("lacks `{name}`"),
    }
}

#[cfg(test)]
mod tests {
    use crate::dialects::model::{Model, Options};

    const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: NAME}\nspec: {ports: [{port: 80}]}\n";

    #[test]
    fn a_file_that_comes_again_stands_where_it_stood() {
        let mut model = Model::new(Options::default());
        let add = |model: &mut Model, file: &str, name: &str| model.add_yaml(file, SERVICE.replace("NAME", name), None);
        let first = add(&mut model, "a.yaml", "old");
        add(&mut model, "b.yaml", "second");
        add(&mut model, "a.yaml", "new");
        model.forget(first);
        model.order_by_name();
        let names: Vec<_> = model.services.iter().map(|service| service.meta.name()).collect();
        assert_eq!(names, ["new", "second"]);
        assert!(model.sources.get(first).text.is_empty(), "texts that nobody needs are dropped");
    }

    #[test]
    fn faults_have_their_line() {
        let mut model = Model::new(Options::default());
        let file = model.add_yaml("a.yaml", SERVICE.replace("80", "many"), None);
        let faults = model.faults(file);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].line, 4);
        assert!(faults[0].reason.starts_with("Service default/NAME: spec.ports[0].port wants"), "{faults:?}");
        let file = model.add_yaml("b.yaml", "a: [1\n".into(), None);
        assert_eq!(model.faults(file).len(), 1);
    }
}
