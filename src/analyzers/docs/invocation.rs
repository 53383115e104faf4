//! The commands of the input, with arguments sorted into subcommands and flags as the program itself would.

use super::knowledge::commands::{FlagRow, Row};
use super::knowledge::flags;
use crate::analyzers::context::Context;
use crate::dialects::embedded::ScriptText;
use crate::manifests::shell::{Command, Word};
use crate::manifests::source::{FileId, Span};

/// Programs that run the program named after them.
const WRAPPERS: &[&str] = &["command", "env", "exec", "nohup", "sudo", "time", "watch"];

/// One command of a script.
#[derive(Clone)]
pub struct Call<'m> {
    /// The script around it.
    pub text: &'m ScriptText,
    /// The command.
    pub command: &'m Command,
    /// The program, without folders and wrappers.
    pub program: &'m str,
    /// The word that names the program.
    pub name: &'m Word,
    /// Words that are neither flags nor values of flags.
    pub positional: Vec<&'m Word>,
    /// Flags in the order written.
    pub flags: Vec<Flag<'m>>,
    /// False when a flag is not known, so that the word after it may be its value.
    pub certain: bool,
}

/// A flag and its value.
#[derive(Debug, Clone, Copy)]
pub struct Flag<'m> {
    /// Without dashes.
    pub name: &'m str,
    /// What is set, when the flag takes a value.
    pub value: Option<&'m str>,
    /// The word to underline: the value's, or the flag's.
    pub word: &'m Word,
}

/// All commands of the input, file by file, top to bottom.
pub fn calls<'m>(cx: &Context<'m>) -> impl Iterator<Item = Call<'m>> {
    let scripts = &cx.model().scripts;
    scripts.iter().flat_map(|text| text.script.commands.iter().filter_map(move |command| Call::new(text, command)))
}

/// The comment on the lines directly above a command, nearest line first.
pub fn comments_above<'m>(cx: &Context<'m>, call: &Call<'m>) -> impl Iterator<Item = &'m str> {
    let source = cx.model().sources.get(call.text.file);
    let line = source.line_col(call.command.span.start).line;
    (1..line)
        .rev()
        .map(move |line| source.slice(source.line_span(line)).trim())
        .take_while(|line| line.starts_with('#') && !line.starts_with("#!"))
}

impl<'m> Call<'m> {
    fn new(text: &'m ScriptText, command: &'m Command) -> Option<Self> {
        let mut words = command.words.iter().peekable();
        let mut name = words.next()?;
        while WRAPPERS.contains(&base(&name.text)) {
            while words.next_if(|word| word.text.starts_with('-') || word.text.contains('=')).is_some() {}
            name = words.next()?;
        }
        // `$ kubectl ..`: the prompt was copied as well.
        if name.text == "$" {
            name = words.next()?;
        }
        let program = base(&name.text);
        let mut call = Self { text, command, program, name, positional: Vec::new(), flags: Vec::new(), certain: true };
        call.sort(words);
        Some(call)
    }

    fn sort(&mut self, words: impl Iterator<Item = &'m Word>) {
        let known = flags::of(self.program);
        let mut words = words.peekable();
        while let Some(word) = words.next() {
            let Some(flag) = word.text.strip_prefix('-').filter(|flag| !flag.is_empty()) else {
                self.positional.push(word);
                continue;
            };
            if flag == "-" {
                self.positional.extend(words);
                return;
            }
            let flag = flag.strip_prefix('-').unwrap_or(flag);
            if let Some((name, value)) = flag.split_once('=') {
                self.flags.push(Flag { name, value: Some(value), word });
            } else if known.takes_value(flag) {
                let value = words.next();
                self.flags.push(Flag {
                    name: flag,
                    value: value.map(|v| v.text.as_str()),
                    word: value.unwrap_or(word),
                });
            } else {
                let next_is_value = words.peek().is_some_and(|next| !next.text.starts_with('-'));
                self.certain &= known.is_switch(flag) || !next_is_value;
                self.flags.push(Flag { name: flag, value: None, word });
            }
        }
    }

    /// The file.
    pub fn file(&self) -> FileId {
        self.text.file
    }

    /// True when the subcommands are these; `a|b` stands for either spelling.
    pub fn is(&self, program: &str, path: &[&str]) -> bool {
        self.program == program
            && self.positional.len() >= path.len()
            && path.iter().zip(&self.positional).all(|(step, word)| step.split('|').any(|name| name == word.text))
    }

    /// The first row of a table that names this command.
    pub fn row<'r>(&self, table: &'r [Row]) -> Option<&'r Row> {
        table.iter().find(|row| self.is(row.program, row.path))
    }

    /// The flags of this command that a table names, each with its row.
    pub fn flag_rows<'s, 'r>(&'s self, table: &'r [FlagRow]) -> impl Iterator<Item = (&'r FlagRow, &'s Flag<'m>)> {
        let rows = table.iter().filter(|row| self.is(row.program, row.path));
        rows.flat_map(|row| self.flags.iter().filter(|flag| flag.name == row.flag).map(move |flag| (row, flag)))
    }

    /// The program and its first `steps` subcommands, as text.
    pub fn spelled(&self, steps: usize) -> String {
        let path = self.positional.iter().take(steps).map(|word| word.text.as_str());
        std::iter::once(self.program).chain(path).collect::<Vec<_>>().join(" ")
    }

    /// From the program to its subcommand number `steps`.
    pub fn path_span(&self, steps: usize) -> Span {
        let last = self.positional.get(steps.wrapping_sub(1)).copied().unwrap_or(self.name);
        Span::new(self.name.span.start, last.span.end)
    }

    /// The keys that `kubectl label` or `kubectl annotate` sets, with their words.
    pub fn metadata(&self) -> impl Iterator<Item = (&'m str, &'m Word)> {
        let sets = self.is("kubectl", &["label|annotate"]);
        let pairs = self.positional.iter().skip(2).filter(move |_| sets);
        pairs.filter_map(|word| Some((word.text.split_once('=')?.0, *word)))
    }

    /// The chart that `helm install` or `helm upgrade` takes.
    pub fn chart(&self) -> Option<&'m str> {
        let chart = self.positional.get(2).filter(|_| self.is("helm", &["install|upgrade"]))?;
        Some(chart.text.as_str())
    }

    /// The flags with one of these names.
    pub fn flags<'s>(&'s self, names: &'s [&str]) -> impl Iterator<Item = &'s Flag<'m>> {
        self.flags.iter().filter(move |flag| names.contains(&flag.name))
    }

    /// True when one of these flags is given.
    pub fn has(&self, names: &[&str]) -> bool {
        self.flags(names).next().is_some()
    }

    /// The `path=value` pairs of `--set`, with the word that each stands in.
    pub fn sets(&self) -> impl Iterator<Item = (&'m str, &'m str, &'m Word)> {
        let values = self.flags.iter().filter(|flag| matches!(flag.name, "set" | "s" | "set-string"));
        values.flat_map(|flag| {
            let pairs = flag.value.unwrap_or_default().split(',');
            pairs.filter_map(|pair| pair.split_once('=')).map(|(path, value)| (path, value, flag.word))
        })
    }

    /// The command that reads the output of this one through a pipe.
    pub fn reader(&self) -> Option<Self> {
        let command = self.text.script.commands.get(self.command.read_by?)?;
        Self::new(self.text, command)
    }

    /// True when `other` stands above this call in the same file.
    pub fn is_after(&self, other: &Self) -> bool {
        other.file() == self.file() && other.command.span.start < self.command.span.start
    }
}

/// `kubectl` of `/usr/local/bin/kubectl`.
fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::model::{Model, Options};
    use crate::manifests::input::Format;

    /// The first command, as text: program, positional words, flags with their values, certainty.
    struct Sorted {
        program: String,
        words: String,
        flags: Vec<String>,
        certain: bool,
    }

    fn sorted(text: &str) -> Sorted {
        let mut model = Model::new(Options::default());
        model.add("x.sh", text.to_owned(), Format::Shell);
        let cx = Context::new(&model);
        let call = calls(&cx).next().unwrap();
        let words: Vec<_> = call.positional.iter().map(|word| word.text.as_str()).collect();
        let flags = call.flags.iter().map(|flag| format!("{} {}", flag.name, flag.value.unwrap_or("-"))).collect();
        Sorted { program: call.program.to_owned(), words: words.join(" "), flags, certain: call.certain }
    }

    #[test]
    fn flags_do_not_hide_the_subcommand() {
        assert_eq!(sorted("linkerd --context=a -n web viz edges -o wide deploy --short").words, "viz edges deploy");
        assert_eq!(sorted("kubectl -n web exec pod -- ls -l").words, "exec pod ls -l");
        let helm = sorted("helm install x y --set a=b --wait --set=c=d");
        assert_eq!(helm.flags, ["set a=b", "wait -", "set c=d"]);
        assert!(helm.certain);
    }

    #[test]
    fn an_unknown_flag_before_a_word_is_uncertain() {
        assert!(!sorted("linkerd viz edges --new deploy").certain);
        assert!(sorted("linkerd viz edges --new --short").certain);
        assert!(sorted("linkerd viz edges --new=deploy").certain);
    }

    #[test]
    fn wrappers_folders_and_prompts_are_no_programs() {
        for text in ["sudo -E kubectl x", "env A=1 /usr/bin/kubectl x", "$ kubectl x", "A=1 command kubectl x"] {
            let call = sorted(text);
            assert_eq!((call.program.as_str(), call.words.as_str()), ("kubectl", "x"), "{text}");
        }
    }
}
