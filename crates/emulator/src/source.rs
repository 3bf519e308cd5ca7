//! Finds the kernels of a file in its preprocessed text, where macros have made their names.

use std::path::Path;

use crate::Error;

/// A kernel as the text declares it.
#[derive(Debug, PartialEq)]
pub(crate) struct Kernel {
    pub name: String,
    /// The expression in its `__launch_bounds__`, if any; it holds where the kernel stands, at the file's outermost level.
    pub max_threads: Option<String>,
}

/// What `__global__` and `__launch_bounds__(…)` leave in the preprocessed text (cuda_on_host.hpp).
const KERNEL: &str = "__attribute__((wengert_kernel))";
const BOUNDS: &str = "__attribute__((wengert_launch_bounds(";

/// The kernels of `text`, in its order. `file` is for the message.
pub(crate) fn kernels(text: &str, file: &Path) -> Result<Vec<Kernel>, Error> {
    // Without the preprocessor's notes of lines a declaration is one run of text.
    let text: String =
        text.lines().filter(|line| !line.starts_with('#')).flat_map(|line| [line, "\n"]).collect();
    let mut found: Vec<Kernel> = Vec::new();
    for (start, _) in text.match_indices(KERNEL) {
        let mut rest = &text[start + KERNEL.len()..];
        let mut max_threads = None;
        let open = loop {
            let open = rest.find('(').unwrap_or(rest.len());
            let Some(at) = rest.find(BOUNDS).filter(|&at| at < open) else { break open };
            let argument = &rest[at + BOUNDS.len()..];
            let end = closing(argument);
            // A second argument is the number of blocks a multiprocessor should hold.
            max_threads = Some(first_argument(&argument[..end]).trim().to_owned());
            rest = argument[end..].trim_start_matches(')');
        };
        let name = rest[..open].split_whitespace().last().unwrap_or_default();
        let good = name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric()) && !name.is_empty();
        let c_name = text[..start].trim_end().ends_with("extern \"C\"");
        if !good || !c_name {
            let what = format!("a kernel must be declared as KERNEL(name)(…), extern \"C\"; found {name:?}");
            return Err(Error::Source { file: file.to_path_buf(), what });
        }
        if found.iter().all(|kernel| kernel.name != name) {
            found.push(Kernel { name: name.to_owned(), max_threads });
        }
    }
    Ok(found)
}

/// Where the parenthesis that was opened before `text` closes.
fn closing(text: &str) -> usize {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return at,
            ')' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

fn first_argument(text: &str) -> &str {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '<' => depth += 1,
            ')' | '>' => depth -= 1,
            ',' if depth == 0 => return &text[..at],
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_found_however_macros_wrote_them() {
        let text = "extern \"C\" __attribute__((wengert_kernel)) void first(const float* x) {}\n\
                    extern \"C\" __attribute__((wengert_kernel)) void\n# 7 \"kernels/a.cu\" 3\n \
                    __attribute__((wengert_launch_bounds((8 * WIDTH), 2))) second (int n) {}\n\
                    extern \"C\" __attribute__((wengert_kernel)) __attribute__((wengert_launch_bounds(of<1, 2>()))) void third() {}";
        let found = kernels(text, Path::new("a.cu")).unwrap();
        let kernel = |name: &str, bounds: Option<&str>| Kernel {
            name: name.into(),
            max_threads: bounds.map(str::to_owned),
        };
        assert_eq!(
            found,
            [
                kernel("first", None),
                kernel("second", Some("(8 * WIDTH)")),
                kernel("third", Some("of<1, 2>()"))
            ]
        );
    }

    #[test]
    fn a_kernel_with_a_mangled_name_is_refused() {
        let error = kernels("__attribute__((wengert_kernel)) void f() {}", Path::new("a.cu")).unwrap_err();
        assert!(error.to_string().starts_with("a.cu: a kernel must be declared as KERNEL(name)"), "{error}");
    }
}
