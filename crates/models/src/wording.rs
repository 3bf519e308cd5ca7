//! Parts of messages: counts with their nouns, and paths in commands that can be copied.

use std::fmt::Display;
use std::path::Path;

/// A count with its noun: `1 step`, `2 steps`, `2 batches`.
pub fn counted<N: Copy + Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    format!("{count} {}", plural(count, noun))
}

/// The noun alone, as it stands after a count.
pub fn plural<N: PartialEq + From<u8>>(count: N, noun: &str) -> String {
    let ending = match count == N::from(1) {
        true => "",
        false if noun.ends_with("tch") || noun.ends_with("ss") => "es",
        false => "s",
    };
    format!("{noun}{ending}")
}

/// A path as an argument of a command in a shell: in quotes where it holds what a shell would not take as it stands.
pub fn quoted(path: impl AsRef<Path>) -> String {
    let path = path.as_ref().to_string_lossy();
    // Behind a folder, a dash begins no flag.
    let folder = if path.starts_with('-') { "./" } else { "" };
    shell_word(&format!("{folder}{path}"))
}

/// An argument of a command as a shell reads it.
pub fn shell_word(text: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "_-./+,:=@%".contains(letter);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_not_many() {
        let step = |count: u64| counted(count, "step");
        assert_eq!([0, 1, 2].map(step), ["0 steps", "1 step", "2 steps"]);
        assert_eq!([1, 2].map(|count: usize| counted(count, "class")), ["1 class", "2 classes"]);
        assert_eq!([1, 2].map(|count: usize| counted(count, "batch")), ["1 batch", "2 batches"]);
        assert_eq!([1, 2].map(|count: usize| counted(count, "epoch")), ["1 epoch", "2 epochs"]);
    }

    #[test]
    fn a_shell_reads_a_quoted_path_as_it_is() {
        for (path, wanted) in [
            ("runs/vae-1", "runs/vae-1"),
            ("läufe/β=4", "läufe/β=4"),
            ("my runs/a", "'my runs/a'"),
            ("it's", r"'it'\''s'"),
            ("$HOME/a;b", "'$HOME/a;b'"),
            ("~/run", "'~/run'"),
            ("-1", "./-1"),
            ("- 1", "'./- 1'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(path), wanted);
        }
    }
}
