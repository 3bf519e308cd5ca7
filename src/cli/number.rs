//! Numbers on the command line, with messages that say what would be right.

/// The largest whole number that a configuration file can hold.
const LARGEST: u64 = i64::MAX as u64;

/// A whole number from 0 on.
pub fn whole(text: &str) -> Result<u64, String> {
    let number = text.parse().ok().filter(|&number| number <= LARGEST);
    number.ok_or_else(|| format!("it must be a whole number from 0 to {LARGEST}, such as 1"))
}

/// [`whole`], for a count of things in memory.
pub fn count(text: &str) -> Result<usize, String> {
    whole(text).and_then(|number| usize::try_from(number).map_err(|_| "it is too large".to_string()))
}

/// A finite number.
pub fn finite(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| "it must be a finite number, such as 0.001".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_told_what_would_be_right() {
        assert_eq!(whole("12"), Ok(12));
        assert_eq!(whole("9223372036854775807"), Ok(LARGEST));
        for text in ["-1", "", "1.5", "nan", "9223372036854775808", "99999999999999999999"] {
            assert!(whole(text).unwrap_err().contains("from 0 to 9223372036854775807"), "{text}");
        }
        assert_eq!(finite("-1e-3"), Ok(-1e-3));
        for text in ["", "nan", "inf", "1e400", "one"] {
            assert!(finite(text).unwrap_err().contains("finite"), "{text}");
        }
    }
}
