//! The committed figures are those that the engine draws. Alone in this program, since one of them measures memory.

use std::path::Path;

/// The text between the numbers of a drawing, and the numbers.
fn parts(drawing: &str) -> (String, Vec<f64>) {
    let (mut text, mut numbers, mut number) = (String::new(), Vec::new(), String::new());
    for letter in drawing.chars().chain([' ']) {
        if letter.is_ascii_digit() || (letter == '.' && !number.is_empty()) {
            number.push(letter);
            continue;
        }
        if let Ok(value) = number.parse() {
            numbers.push(value);
            text.push('#');
        }
        number.clear();
        text.push(letter);
    }
    (text, numbers)
}

#[test]
fn figures_are_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/book/src/figures");
    for (name, drawing) in wengert_book::figures::all().unwrap() {
        let committed = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        let ((text, numbers), (old_text, old_numbers)) = (parts(&drawing), parts(&committed));
        // A tenth of a pixel may be rounded differently on another processor.
        let close = numbers.iter().zip(&old_numbers).all(|(new, old)| (new - old).abs() <= 0.11);
        let same = text == old_text && numbers.len() == old_numbers.len() && close;
        assert!(same, "{name} has changed; run cargo run -p wengert-book --example figures");
    }
}
