//! The generated mesh of `make bench` measures what it claims to: clean manifests, and mistakes where they were planted.

use std::collections::BTreeSet;

use meshctl::analyzers::registry::ANALYZERS;
use meshctl::analyzers::run::run;
use meshctl::dialects::model::{Model, Options};

#[path = "../benches/support/mesh.rs"]
mod mesh;

use mesh::Mesh;

fn findings(mesh: Mesh) -> Vec<String> {
    let mut model = Model::new(Options::default());
    model.add_yaml("mesh.yaml", mesh.one_text(), None);
    let analyzers: Vec<_> = ANALYZERS.iter().copied().filter(|analyzer| analyzer.default).collect();
    let found = run(&model, &analyzers).findings.into_iter();
    found.map(|f| format!("{} {}", f.resource.map(|r| r.to_string()).unwrap_or_default(), f.message)).collect()
}

#[test]
fn the_measured_mesh_is_clean() {
    assert_eq!(findings(Mesh { services: 100, mistakes: false }), Vec::<String>::new());
}

#[test]
fn its_mistakes_are_found_where_they_are() {
    let found = findings(Mesh { services: 300, mistakes: true });
    let objects: BTreeSet<&str> = found.iter().filter_map(|finding| finding.split(' ').nth(1)).collect();
    let planted = BTreeSet::from(["team-07/web-00007", "team-27/web-00107", "team-07/web-00207"]);
    assert_eq!(objects, planted, "{found:#?}");
}

#[test]
fn the_directory_has_the_same_documents() {
    let mesh = Mesh { services: 10, mistakes: false };
    let directory = tempfile::tempdir().unwrap();
    mesh.write_directory(directory.path(), 4).unwrap();
    let mut files: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let size = |path: &std::path::PathBuf| std::fs::read(path).unwrap().len();
    assert_eq!(files.len(), 5);
    assert_eq!(files.iter().map(size).sum::<usize>(), mesh.one_text().len());
}
