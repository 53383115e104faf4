//! Commands and here-documents of scripts.

use proptest::prelude::*;

use super::{Operator, Script, parse};

/// Every command as its words joined by blanks.
fn commands(text: &str) -> Vec<String> {
    let words = |words: &[super::Word]| words.iter().map(|w| w.text.clone()).collect::<Vec<_>>().join(" ");
    parse(text).commands.iter().map(|c| words(&c.words)).collect()
}

/// The bytes of every command.
fn spans<'t>(text: &'t str, script: &Script) -> Vec<&'t str> {
    script.commands.iter().map(|command| &text[command.span.range()]).collect()
}

#[test]
fn separators_and_comments() {
    assert_eq!(commands("a 1; b 2 && c || d & e # f; g\n\n# h\ni#j"), ["a 1", "b 2", "c", "d", "e", "i#j"]);
}

#[test]
fn continued_lines_are_one_command() {
    let text = "helm install x \\\n  --set a=b \\\r\n  --wait\nls";
    assert_eq!(commands(text), ["helm install x --set a=b --wait", "ls"]);
    assert_eq!(spans(text, &parse(text))[0], &text[..text.len() - 3]);
}

#[test]
fn quotes_and_escapes_are_taken_off() {
    assert_eq!(commands(r#"a 'b c' "d \"e\" \n" f\ g $'h\'i' "" "#), [r#"a b c d "e" \n f g h'i "#]);
    assert_eq!(commands("echo 'a # b; c' \"d | e\""), ["echo a # b; c d | e"]);
    let quoted: Vec<bool> = parse("a 'b' c\\ d").commands[0].words.iter().map(|w| w.quoted).collect();
    assert_eq!(quoted, [false, true, true]);
}

#[test]
fn expansions_stay_as_written() {
    let text = "a $X ${Y:-z w} \"$1/$Z.\" $((1+(2))) $ b";
    assert_eq!(commands(text), ["a $X ${Y:-z w} $1/$Z. $((1+(2))) $ b"]);
    let expands: Vec<bool> = parse(text).commands[0].words.iter().map(|w| w.expands).collect();
    assert_eq!(expands, [false, true, true, true, true, false, false]);
}

#[test]
fn commands_in_substitutions_count() {
    assert_eq!(commands("a $(b \"$(c)\" ) \"`d e`\" <(f)"), ["a $(b \"$(c)\" ) `d e` <(f)", "b $(c)", "c", "d e", "f"]);
    assert_eq!(commands("X=$(curl y | sh)\n"), ["", "curl y", "sh"]);
}

#[test]
fn pipes_lead_from_command_to_command() {
    let script = parse("a | b |\n # note\n c; d || e");
    let from: Vec<_> = script.commands.iter().map(|c| c.reads_from).collect();
    let to: Vec<_> = script.commands.iter().map(|c| c.read_by).collect();
    assert_eq!(from, [None, Some(0), Some(1), None, None]);
    assert_eq!(to, [Some(1), Some(2), None, None, None]);
}

#[test]
fn control_structure_leaves_its_commands() {
    let text = "if a; then b; elif [[ x < y && z ]]; then c; else d; fi\n\
        for f in $(ls) b; do e $f; done\nfor ((i=0;i<3;i++)); do e2; done\n\
        while ! g; do h; done <file\nk() { l; }\nfunction m { n; }\n(o; p) | q\n((r++))\n";
    let expected = ["a", "b", "c", "d", "ls", "e $f", "e2", "g", "h", "", "l", "n", "o", "p", "q"];
    assert_eq!(commands(text), expected);
}

#[test]
fn case_branches() {
    let text = "case $X in\n  (a|\"b c\") one;;\n  d)\n    two\n    ;; # note\n  *) three\nesac\nfour";
    assert_eq!(commands(text), ["one", "two", "three", "four"]);
}

#[test]
fn assignments_and_lists() {
    let script = parse("A=1 B+='2 3' kubectl get C=4\nD=(x \"y z\" $(w) # v)\n)\nu");
    let all: Vec<_> = script.commands.iter().map(|c| (c.assignments.len(), c.program().to_owned())).collect();
    let expected = [(2, "kubectl"), (1, ""), (0, "w"), (0, "u")];
    assert_eq!(all, expected.map(|(n, p)| (n, p.to_owned())));
    assert_eq!(script.commands[0].arguments().len(), 2);
}

#[test]
fn redirections() {
    let script = parse("a <in >out 2>&1 2>>log &>all <<<text b");
    let command = &script.commands[0];
    let all: Vec<_> = command.redirects.iter().map(|r| (r.operator, r.target.text.as_str())).collect();
    let expected = [
        (Operator::In, "in"),
        (Operator::Out, "out"),
        (Operator::Duplicate, "1"),
        (Operator::Append, "log"),
        (Operator::Out, "all"),
        (Operator::HereString, "text"),
    ];
    assert_eq!(all, expected);
    assert_eq!(commands("a <in >out 2>&1 b"), ["a b"]);
    assert_eq!(command.stdin().unwrap().operator, Operator::HereString);
}

#[test]
fn a_placeholder_is_two_redirections() {
    let script = parse("istioctl pc routes <pod-name> -n x");
    let targets: Vec<_> = script.commands[0].redirects.iter().map(|r| r.target.text.as_str()).collect();
    assert_eq!(targets, ["pod-name", "-n"]);
}

#[test]
fn heredocs_have_their_body_and_their_command() {
    let text = "a; b -f - <<EOF | c\napiVersion: v1\n$X\nEOF\nd <<'E1' <<-\"E2\"\nx\nE1\n\ty\n\tE2\ne";
    let script = parse(text);
    let bodies: Vec<_> = script.heredocs.iter().map(|h| h.content.text()).collect();
    assert_eq!(bodies, ["apiVersion: v1\n$X\n", "x\n", "y\n"]);
    let readers: Vec<_> = script.heredocs.iter().map(|h| script.commands[h.command.unwrap()].program()).collect();
    assert_eq!(readers, ["b", "d", "d"]);
    assert_eq!(script.heredocs.iter().map(|h| h.literal).collect::<Vec<_>>(), [false, true, true]);
    assert_eq!(commands(text), ["a", "b -f -", "c", "d", "e"]);
    assert_eq!(&text[script.heredocs[0].span.range()], "apiVersion: v1\n$X\n");
    assert_eq!(&text[script.heredocs[2].content.offset(0)..][..1], "y");
}

#[test]
fn an_open_heredoc_ends_with_the_text() {
    assert_eq!(parse("a <<EOF\nx\ny").heredocs[0].content.text(), "x\ny");
    assert_eq!(parse("a <<EOF").heredocs[0].content.text(), "");
}

#[test]
fn relocated_spans_point_into_the_file() {
    let file = "> $ a b\n> c <<E\n> x\n> E\n";
    let mut content = crate::manifests::embedded::Embedded::default();
    for (text, at) in [("a b\n", 4), ("c <<E\n", 10), ("x\n", 18), ("E\n", 22)] {
        content.push(text, at);
    }
    let mut script = parse(content.text());
    script.relocate(&content);
    assert_eq!(spans(file, &script), ["a b", "c <<E"]);
    assert_eq!(&file[script.heredocs[0].content.offset(0)..][..1], "x");
}

/// Everything that any state of the reader reacts to.
const TEXT: &str =
    "([ab1=$'\"`\\\\(){}<>|&;#\\n\\t é-]|case x in |esac|\\$\\(|\\$\\{|<<E\\n|\\[\\[ | for | done |\\(\\(){0,80}";

proptest! {
    #[test]
    fn every_text_is_read_and_every_span_is_text(text in TEXT) {
        let script = parse(&text);
        for command in &script.commands {
            prop_assert!(text.get(command.span.range()).is_some());
            for word in command.words.iter().chain(&command.assignments) {
                prop_assert!(text.get(word.span.range()).is_some_and(|written| !written.is_empty()));
            }
            for redirect in &command.redirects {
                prop_assert!(text.get(redirect.span.range()).is_some());
            }
        }
        for heredoc in &script.heredocs {
            prop_assert_eq!(heredoc.content.text(), text.get(heredoc.span.range()).unwrap());
        }
    }

    #[test]
    fn plain_words_come_back(words in proptest::collection::vec("[a-z0-9./:=@,-]{1,8}", 1..8)) {
        let text = format!("run {}", words.join(" "));
        prop_assert_eq!(commands(&text), [text.as_str()]);
    }
}

/// A quadratic reader would need minutes for one of these.
#[test]
fn hostile_repetition_is_read_in_linear_time() {
    let pieces =
        ["$(", "${", "((", "`", "a=(", "<<E ", "case x in ", "(", "'\"", "a | ", "x() ", "\\\n", "[[ ", "$((", "for "];
    for piece in pieces {
        let start = std::time::Instant::now();
        parse(&format!("{}\n", piece.repeat(50_000)));
        assert!(start.elapsed().as_secs() < 10, "{piece:?} took {:?}", start.elapsed());
    }
}
