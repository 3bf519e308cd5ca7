//! Lines that a passing test shows all the same.

use std::io::{Write, stderr};

/// Writes a line to standard error, past the capture that hides what passing tests print: that a test was skipped, or how
/// many cases it ran.
pub fn notice(text: &str) {
    // A closed standard error is no reason to fail a test.
    let _ = writeln!(stderr(), "{text}");
}
