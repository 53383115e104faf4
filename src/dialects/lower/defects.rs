//! What is wrong with the structure of an object, for kinds whose broken parts must not widen access.

use std::collections::HashMap;

use crate::dialects::model::Model;
use crate::dialects::object::Meta;
use crate::manifests::source::{FileId, Place};
use crate::schema::{Defect, DefectKind};

/// The defects of all objects, to be found by object.
#[derive(Debug, Default)]
pub struct Defective<'m> {
    by_object: HashMap<(FileId, u32), Vec<&'m Defect>>,
}

impl<'m> Defective<'m> {
    /// Those of a model.
    pub fn new(model: &'m Model) -> Self {
        let mut by_object: HashMap<_, Vec<&Defect>> = HashMap::new();
        for defects in &model.objects.defects {
            by_object.entry(key(&defects.meta)).or_default().extend(&defects.defects);
        }
        Self { by_object }
    }

    /// Those of an object.
    pub fn of(&self, meta: &Meta) -> Flaws<'_> {
        Flaws { defects: self.by_object.get(&key(meta)).map(Vec::as_slice).unwrap_or_default() }
    }
}

fn key(meta: &Meta) -> (FileId, u32) {
    (meta.file, meta.place.start)
}

/// The defects of one object.
#[derive(Debug, Clone, Copy)]
pub struct Flaws<'d> {
    defects: &'d [&'d Defect],
}

impl<'d> Flaws<'d> {
    /// All of them.
    pub fn iter(self) -> impl Iterator<Item = &'d Defect> {
        self.defects.iter().copied()
    }

    /// Those within a value.
    pub fn within(self, place: Place) -> impl Iterator<Item = &'d Defect> {
        self.iter().filter(move |defect| place.key <= defect.span.start && defect.span.end <= place.end)
    }

    /// True when something within a value is wrong.
    pub fn any(self, place: Option<Place>) -> bool {
        place.is_some_and(|place| self.within(place).next().is_some())
    }

    /// True when a list has items that could not be read, or is none: something within it is wrong that is not within one
    /// of the items that could be read.
    pub fn loses_items(self, list: Option<Place>, items: impl IntoIterator<Item = Place>) -> bool {
        let items: Vec<Place> = items.into_iter().collect();
        let unread = |defect: &Defect| {
            matches!(defect.kind, DefectKind::WrongType { .. } | DefectKind::NotAllowed { .. })
                && !items.iter().any(|item| item.key <= defect.span.start && defect.span.end <= item.end)
        };
        list.is_some_and(|list| self.within(list).any(unread))
    }

    /// True when a field of this path was not read, or something below it.
    pub fn at(self, path: &str) -> bool {
        self.iter().any(|defect| {
            defect.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    }
}

/// What is wrong, as a clause.
pub fn describe(defect: &Defect) -> String {
    match &defect.kind {
        DefectKind::UnknownField { name, .. } => format!("there is no field `{name}`"),
        DefectKind::WrongType { expected, found } => format!("it must be a {expected}, not a {found}"),
        DefectKind::NotAllowed { value, .. } => format!("`{value}` is not one of the words that it takes"),
        DefectKind::Invalid { reason } | DefectKind::Conflict { reason } => reason.clone(),
        DefectKind::Missing { name } => format!("`{name}` is not set"),
    }
}
