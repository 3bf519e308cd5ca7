//! A snippet in words.

use super::Problem;

/// A word of a snippet.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// The name of a tensor or a function.
    Name(String),
    /// A number without a sign.
    Number(f64),
    /// One of `+ - * / @ ^ = ( ) [ ] ,`.
    Mark(char),
    /// `;` or the end of a line that is not inside brackets.
    End,
}

/// The words with where each begins, in bytes. Comments go from `#` to the end of the line.
pub fn tokens(text: &str) -> Result<Vec<(Token, usize)>, Problem> {
    let mut tokens = Vec::new();
    let mut depth = 0usize;
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let at = text.len() - rest.len();
        let length = match letter {
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '\n' | ';' => {
                if depth == 0 || letter == ';' {
                    tokens.push((Token::End, at));
                }
                1
            }
            _ if letter.is_whitespace() => letter.len_utf8(),
            _ if letter.is_ascii_alphabetic() || letter == '_' => {
                let length = length_of(rest, |letter| letter.is_ascii_alphanumeric() || letter == '_');
                tokens.push((Token::Name(rest[..length].to_owned()), at));
                length
            }
            _ if letter.is_ascii_digit() || letter == '.' => {
                let length = length_of_number(rest);
                let number = rest[..length].parse::<f64>().ok().filter(|number| number.is_finite());
                let Some(number) = number else {
                    return Err(Problem::new(at, format!("`{}` is no number", &rest[..length])));
                };
                tokens.push((Token::Number(number), at));
                length
            }
            '+' | '-' | '*' | '/' | '@' | '^' | '=' | '(' | ')' | '[' | ']' | ',' => {
                match letter {
                    '(' | '[' => depth += 1,
                    ')' | ']' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                tokens.push((Token::Mark(letter), at));
                1
            }
            _ => {
                let message = format!("`{letter}` means nothing here; the operators are + - * / @ and ^");
                return Err(Problem::new(at, message));
            }
        };
        rest = &rest[length..];
    }
    tokens.push((Token::End, text.len()));
    Ok(tokens)
}

fn length_of(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|letter| !belongs(letter)).unwrap_or(text.len())
}

/// Digits, a point and an exponent: `1`, `.5`, `2e-3`.
fn length_of_number(text: &str) -> usize {
    let mantissa = length_of(text, |letter| letter.is_ascii_digit() || letter == '.');
    let Some(exponent) = text[mantissa..].strip_prefix(['e', 'E']) else { return mantissa };
    let signless = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    match length_of(signless, |letter| letter.is_ascii_digit()) {
        0 => mantissa,
        digits => text.len() - signless.len() + digits,
    }
}
