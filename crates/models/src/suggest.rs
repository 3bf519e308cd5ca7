//! "Did you mean": the known name nearest to a mistyped one.

/// The candidate nearest to `word` by edit distance, where it is near enough to be worth mentioning: at most a third
/// of the letters (and always up to one) may differ, or one must be the end of the other after a dot
/// (`latent` finds `vae.latent`).
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_string();
    candidates
        .into_iter()
        .map(|candidate| {
            let whole = edit_distance(&word, candidate);
            let tail = edit_distance(&last(&word), &last(candidate)) + usize::from(word.contains('.'));
            (whole.min(tail), candidate)
        })
        .min_by_key(|&(distance, _)| distance)
        .filter(|&(distance, _)| distance <= (word.chars().count() / 3).max(1))
        .map(|(_, candidate)| candidate)
}

/// `; did you mean X?` for an error message, or nothing when no name is near.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates).map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// The least number of insertions, deletions and replacements of a character, and exchanges of neighbours, that turn
/// `a` into `b` (optimal string alignment).
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            table[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let exchanged = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                let exchanged = if exchanged { table[i - 2][j - 2] + 1 } else { usize::MAX };
                replaced.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1).min(exchanged)
            };
        }
    }
    table[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("vae", "vae"), 0);
        assert_eq!(edit_distance("vea", "vae"), 1);
    }

    #[test]
    fn suggests_only_what_is_near() {
        assert_eq!(nearest("vxx", ["vae", "dcgan"]), None, "two of three letters differ");
        assert_eq!(nearest("va", ["vae", "dcgan"]), Some("vae"));
        assert_eq!(nearest("VAE", ["vae"]), Some("vae"));
        assert_eq!(nearest("latent", ["seed", "vae.latent"]), Some("vae.latent"));
        assert_eq!(nearest("train.epoch", ["train.epochs", "train.batch"]), Some("train.epochs"));
        assert_eq!(nearest("zzzz", ["vae", "dcgan"]), None);
    }
}
