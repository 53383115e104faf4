//! What an embedded text holds: a manifest, shell commands, a terminal session, or several of them.

use std::ops::Range;

use super::embedded::Embedded;
use super::shell;

/// Programs that start a line of a script in documentation about clusters. A line of YAML that starts with one of these
/// words and a blank is no mapping, so that the word decides.
const PROGRAMS: &[&str] = &[
    "aws",
    "brew",
    "cat",
    "cd",
    "chmod",
    "consul",
    "consul-k8s",
    "curl",
    "docker",
    "echo",
    "eksctl",
    "exec",
    "export",
    "gcloud",
    "az",
    "git",
    "helm",
    "istioctl",
    "k3d",
    "kind",
    "kubectl",
    "kustomize",
    "linkerd",
    "meshctl",
    "minikube",
    "mkdir",
    "oc",
    "openssl",
    "sed",
    "sh",
    "sleep",
    "source",
    "step",
    "sudo",
    "tar",
    "terraform",
    "vault",
    "watch",
    "wget",
];

/// A part of a text that mixes manifests and commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// YAML documents, with the comments above them.
    Manifest(Embedded),
    /// Shell commands.
    Script(Embedded),
}

/// True when a line outside of here-documents is a command.
pub fn looks_like_shell(text: &str) -> bool {
    first_command(text).is_some()
}

/// The range of the first line that is a command.
pub fn first_command(text: &str) -> Option<Range<usize>> {
    lines(text).find(|line| is_command(&text[line.clone()]))
}

/// True when a document of the text names its API version and kind, in block style or as JSON.
pub fn looks_like_manifest(text: &str) -> bool {
    let has = |key: &str| {
        text.lines().any(|line| {
            let rest = line.trim_start().trim_start_matches(['{', '-', ' ', '"', '\'']).strip_prefix(key);
            rest.is_some_and(|rest| rest.trim_start_matches(['"', '\'', ' ']).starts_with(':'))
        })
    };
    has("apiVersion") && has("kind")
}

/// Splits a text that mixes manifests and commands. Comments and blank lines belong to what follows them; here-documents
/// belong to the commands that read them.
pub fn split(content: &Embedded) -> Vec<Part> {
    let text = content.text();
    let heredocs: Vec<_> = shell::parse(text).heredocs.into_iter().map(|heredoc| heredoc.span.range()).collect();
    let mut heredocs = heredocs.into_iter().peekable();
    let mut parts: Vec<(bool, Range<usize>)> = Vec::new();
    let mut waiting = 0;
    for line in lines(text) {
        let heredoc = heredocs.next_if(|body| body.end <= line.start).or_else(|| heredocs.peek().cloned());
        let in_heredoc = heredoc.is_some_and(|body| body.contains(&line.start));
        let written = &text[line.clone()];
        if written.trim().is_empty() || written.trim_start().starts_with('#') {
            continue;
        }
        let script = in_heredoc || is_command(written);
        let manifest = !script && (written.starts_with("apiVersion:") || written.starts_with("---"));
        match parts.last_mut() {
            Some((is_script, range)) if *is_script == script || (*is_script && !manifest) => range.end = line.end,
            _ => parts.push((script, waiting..line.end)),
        }
        waiting = line.end;
    }
    if let Some((_, range)) = parts.last_mut() {
        range.end = text.len();
    }
    let part = |(script, range)| {
        let content = content.slice(range);
        if script { Part::Script(content) } else { Part::Manifest(content) }
    };
    parts.into_iter().map(part).collect()
}

/// The commands of a terminal session: lines after a `$` prompt, with the lines that continue them. A text without a prompt
/// is taken whole.
pub fn session(content: &Embedded) -> Embedded {
    let text = content.text();
    if !lines(text).any(|line| text[line].trim_start().starts_with("$ ")) {
        return content.clone();
    }
    let mut commands = Embedded::default();
    let mut open = Open::default();
    for line in lines(text) {
        let written = &text[line.clone()];
        let prompt = written.trim_start().starts_with("$ ");
        let strip = if prompt { written.find('$').unwrap_or(0) + 2 } else { open.prompt(written) };
        if prompt || open.goes_on() {
            commands.append(&content.slice(line.start + strip..line.end));
            open.read(&written[strip..]);
        }
    }
    commands
}

/// Whether the command of a terminal session goes on in the next line.
#[derive(Default)]
struct Open {
    continued: bool,
    delimiter: Option<String>,
}

impl Open {
    fn goes_on(&self) -> bool {
        self.continued || self.delimiter.is_some()
    }

    /// Length of the `> ` that shells print in front of a continued line.
    fn prompt(&self, line: &str) -> usize {
        if self.goes_on() && line.starts_with("> ") { 2 } else { 0 }
    }

    fn read(&mut self, line: &str) {
        let line = line.trim_end();
        if let Some(delimiter) = &self.delimiter {
            if line == *delimiter {
                self.delimiter = None;
            }
            return;
        }
        self.continued = line.ends_with('\\');
        let script = shell::parse(line);
        let heredocs = script.commands.iter().flat_map(|command| &command.redirects);
        self.delimiter = heredocs.filter(|r| r.heredoc.is_some()).map(|r| r.target.text.clone()).next_back();
    }
}

/// Lines with their line breaks.
fn lines(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some(start..*at)
    })
}

fn is_command(line: &str) -> bool {
    let line = line.strip_prefix("$ ").unwrap_or(line);
    let word = line.split([' ', '\t', '\n', '\r']).next().unwrap_or_default();
    // `kind` alone could be a key, but then a colon follows it.
    PROGRAMS.contains(&word) && !line[word.len()..].trim_start().starts_with(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIXED: &str = "# Link\nlinkerd link | \\\n  kubectl apply -f -\n\nkubectl apply -f - <<EOF\napiVersion: v1\nkind: A\nEOF\n\n# A profile\napiVersion: v1\nkind: B\n---\napiVersion: v1\nkind: C\n";

    fn parts(text: &str) -> Vec<(char, String)> {
        let parts = split(&Embedded::verbatim(text, 0)).into_iter();
        parts
            .map(|part| match part {
                Part::Manifest(content) => ('M', content.text().to_owned()),
                Part::Script(content) => ('S', content.text().to_owned()),
            })
            .collect()
    }

    #[test]
    fn commands_are_no_manifest() {
        assert!(looks_like_shell("# Link\nlinkerd multicluster link\n"));
        assert!(looks_like_shell("apiVersion: v1\nkind: A\n---\nkubectl apply -f x\n"));
        for yaml in
            ["kind: Service\n", "kind : Service\n", "a:\n  kubectl apply\n", "echo: 1\n", "- curl x\n", "git:\n"]
        {
            assert!(!looks_like_shell(yaml), "{yaml}");
        }
    }

    #[test]
    fn a_manifest_names_version_and_kind() {
        for text in
            ["apiVersion: v1\nkind: A", "{\"kind\": \"A\",\n \"apiVersion\": \"v1\"}", "- apiVersion: v1\n  kind: A"]
        {
            assert!(looks_like_manifest(text), "{text}");
        }
        for text in ["kind: A\n", "spec:\n  a: 1\n", "# apiVersion: v1\nkind: A\n", "kubectl api-versions"] {
            assert!(!looks_like_manifest(text), "{text}");
        }
    }

    #[test]
    fn mixed_text_is_split_where_the_manifest_starts() {
        let (script, manifest) = MIXED.split_at(MIXED.find("\n# A profile").unwrap());
        assert_eq!(parts(MIXED), [('S', script.to_owned()), ('M', manifest.to_owned())]);
        let back = format!("{manifest}kubectl get pods\n");
        assert_eq!(parts(&back), [('M', manifest.to_owned()), ('S', "kubectl get pods\n".to_owned())]);
    }

    #[test]
    fn a_session_keeps_commands_and_drops_output() {
        let text = "$ kubectl get \\\n>   pods\nNAME READY\n$ cat <<EOF\nbody\nEOF\nbody\n";
        let commands = session(&Embedded::verbatim(text, 7));
        assert_eq!(commands.text(), "kubectl get \\\n  pods\ncat <<EOF\nbody\nEOF\n");
        assert_eq!(commands.offset(0), 9);
        let plain = Embedded::verbatim("ls\n", 3);
        assert_eq!(session(&plain), plain);
    }
}
