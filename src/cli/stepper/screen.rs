//! The stepper on a screen: the list with its values above, the page of this step below, keys in the last line.

use super::Stepper;
use super::command::{Command, HELP, parse};
use super::list::ListRow;
use super::page::{LABEL, Page};
use super::terminal::Terminal;
use crate::cli::output::STANDARD_OUTPUT;
use anyhow::{Context, Result};
use crossterm::cursor::MoveTo;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, read};
use crossterm::queue;
use crossterm::style::{Attribute, Attributes, Color, ContentStyle, PrintStyledContent, StyledContent};
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, size};
use std::io::{Write, stdout};

const KEYS: &str = "n on  p back  g go to  f first  b backward  e end  / search  c layers  h help  q quit";

/// Stops that a page key moves.
const LEAP: usize = 10;

/// Rows of the list that are shown however long the page below is.
const LEAST_ROWS: usize = 4;

/// Columns for a value or a cotangent in the list.
const NUMBERS: usize = 15;

/// A stretch of text in one look.
type Span = (Look, String);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Plain,
    /// What is not there yet, and what is of less interest.
    Faint,
    Strong,
    Label,
    /// Where one stands, and the first line.
    Reversed,
}

/// What the last line is for.
enum Footer {
    Keys,
    Message(String),
    /// A command that is being typed: its first letter, and the rest so far.
    Prompt(char, String),
}

/// Draws pages and follows keys until the reader has seen enough.
pub fn run(mut stepper: Stepper) -> Result<()> {
    let _terminal = Terminal::enter()?;
    let mut footer = Footer::Keys;
    let mut help = false;
    loop {
        let (width, height) = size().unwrap_or((80, 24));
        let lines = compose(&stepper, &footer, help, usize::from(width), usize::from(height));
        draw(&lines).context(STANDARD_OUTPUT)?;
        let Event::Key(key) = read().context("the keyboard could not be read")? else { continue };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        let command = match press(key, &mut footer) {
            Ok(Some(command)) => command,
            Ok(None) => continue,
            Err(message) => {
                footer = Footer::Message(message);
                continue;
            }
        };
        match &command {
            Command::Quit => return Ok(()),
            Command::Help => help = !help,
            _ => help = false,
        }
        footer = stepper.follow(&command).err().map_or(Footer::Keys, Footer::Message);
    }
}

/// What a key means; a prompt takes letters until it is sent off or given up.
fn press(key: KeyEvent, footer: &mut Footer) -> Result<Option<Command>, String> {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        let ends = matches!(key.code, KeyCode::Char('c' | 'd'));
        return Ok(ends.then_some(Command::Quit));
    }
    if let Footer::Prompt(first, typed) = footer {
        match key.code {
            KeyCode::Enter => return parse(&format!("{first} {typed}")).map(Some),
            KeyCode::Char(letter) => typed.push(letter),
            KeyCode::Backspace if typed.pop().is_some() => {}
            _ => *footer = Footer::Keys,
        }
        return Ok(None);
    }
    Ok(Some(match key.code {
        KeyCode::Char('n' | ' ') | KeyCode::Right | KeyCode::Down | KeyCode::Enter => Command::On(1),
        KeyCode::Char('p') | KeyCode::Left | KeyCode::Up | KeyCode::Backspace => Command::Back(1),
        KeyCode::PageDown => Command::On(LEAP),
        KeyCode::PageUp => Command::Back(LEAP),
        KeyCode::Char('f') | KeyCode::Home => Command::First,
        KeyCode::Char('b') => Command::FirstBackward,
        KeyCode::Char('e') | KeyCode::End => Command::Last,
        KeyCode::Char('c') => Command::Layers,
        KeyCode::Char('h' | '?') => Command::Help,
        KeyCode::Char('q') | KeyCode::Esc => Command::Quit,
        KeyCode::Char(first @ ('g' | '/')) => {
            *footer = Footer::Prompt(first, String::new());
            return Ok(None);
        }
        _ => return Ok(None),
    }))
}

fn draw(lines: &[Vec<Span>]) -> std::io::Result<()> {
    let mut out = stdout().lock();
    // Terminals that know these show the frame at once; the others ignore them.
    queue!(out, BeginSynchronizedUpdate)?;
    for (row, line) in lines.iter().enumerate() {
        queue!(out, MoveTo(0, row as u16))?;
        for (look, text) in line {
            queue!(out, PrintStyledContent(StyledContent::new(style(*look), text)))?;
        }
        queue!(out, Clear(ClearType::UntilNewLine))?;
    }
    queue!(out, Clear(ClearType::FromCursorDown), EndSynchronizedUpdate)?;
    out.flush()
}

fn style(look: Look) -> ContentStyle {
    let with =
        |attribute: Attribute| ContentStyle { attributes: Attributes::from(attribute), ..Default::default() };
    match look {
        Look::Plain => ContentStyle::default(),
        Look::Faint => with(Attribute::Dim),
        Look::Strong => with(Attribute::Bold),
        Look::Label => ContentStyle { foreground_color: Some(Color::DarkCyan), ..Default::default() },
        Look::Reversed => with(Attribute::Reverse),
    }
}

/// The lines of a screen of this size.
fn compose(stepper: &Stepper, footer: &Footer, help: bool, width: usize, height: usize) -> Vec<Vec<Span>> {
    let page = match help {
        true => help_page(),
        false => stepper.page(),
    };
    let below = page_lines(&page, width);
    // The title, the heads of the columns, a line above the page, and the keys.
    let frame = 4;
    let rows = stepper.list();
    let room = height.saturating_sub(frame + below.len()).max(LEAST_ROWS).min(rows.len());
    let mut lines =
        vec![vec![(Look::Reversed, padded(&format!(" {}", stepper.introduction().trim_end()), width))]];
    lines.extend(list_lines(&rows, room, width));
    lines.push(vec![(Look::Faint, "─".repeat(width))]);
    lines.extend(below);
    lines.truncate(height.saturating_sub(1));
    lines.resize(height.saturating_sub(1), Vec::new());
    lines.push(match footer {
        Footer::Keys => vec![(Look::Faint, fitted(KEYS, width))],
        Footer::Message(message) => vec![(Look::Strong, fitted(message, width))],
        Footer::Prompt('g', typed) => vec![(Look::Strong, fitted(&format!("go to step: {typed}▏"), width))],
        Footer::Prompt(_, typed) => vec![(Look::Strong, fitted(&format!("search: {typed}▏"), width))],
    });
    lines
}

/// What can be asked.
pub fn help_page() -> Page {
    let rows = HELP.map(|(key, effect)| (key.to_owned(), effect.to_owned()));
    Page { headline: "keys".into(), rows: rows.into() }
}

fn page_lines(page: &Page, width: usize) -> Vec<Vec<Span>> {
    let mut lines = vec![vec![(Look::Strong, fitted(&page.headline, width))]];
    for (label, text) in &page.rows {
        for (index, part) in wrapped(text, width.saturating_sub(LABEL + 2).max(20)).into_iter().enumerate() {
            let label = if index == 0 { label.as_str() } else { "" };
            let look = if text == super::page::NOT_RUN { Look::Faint } else { Look::Plain };
            lines.push(vec![(Look::Label, format!("{label:>LABEL$}  ")), (look, part)]);
        }
    }
    lines
}

/// The heads of the columns, and as many rows as there is room for around the one that is shown.
fn list_lines(rows: &[ListRow], room: usize, width: usize) -> Vec<Vec<Span>> {
    let widest =
        |column: fn(&ListRow) -> &str| rows.iter().map(|row| columns_of(column(row))).max().unwrap_or(0);
    let (mut calls, mut specs, mut scopes) =
        (widest(|row| &row.call), widest(|row| &row.spec).max(5), widest(|row| &row.scope).max(5));
    // The mark, the gaps, and the columns of numbers.
    let fixed = 2 + 4 * 2 + 2 * NUMBERS;
    if fixed + calls + specs + scopes > width {
        scopes = 0;
    }
    if fixed + calls + specs + scopes > width {
        specs = 0;
    }
    calls = calls.min(width.saturating_sub(fixed + specs + scopes)).max(8);
    let here = rows.iter().position(|row| row.is_here).unwrap_or(0);
    let first = here.saturating_sub(room / 2).min(rows.len().saturating_sub(room));
    let cells = |call: &str, spec: &str, scope: &str| {
        let mut text = padded(call, calls);
        for (cell, width) in [(spec, specs), (scope, scopes)] {
            if width > 0 {
                text += "  ";
                text += &padded(cell, width);
            }
        }
        text + "  "
    };
    let heads = [cells("op", "shape", "layer"), padded("y", NUMBERS + 2), "dy".into()].concat();
    let mut lines = vec![vec![(Look::Faint, fitted(&format!("  {heads}"), width))]];
    for row in &rows[first..first + room] {
        let text = cells(&row.call, &row.spec, &row.scope);
        let (mark, look) = match row.is_here {
            true => ("▸ ", Look::Reversed),
            false if row.has_value => ("  ", Look::Plain),
            false => ("  ", Look::Faint),
        };
        let number = |has: bool| if has { Look::Plain } else { Look::Faint };
        lines.push(vec![
            (Look::Strong, mark.to_owned()),
            (look, text),
            (number(row.has_value), padded(&row.value, NUMBERS + 2)),
            (number(row.has_cotangent), fitted(&row.cotangent, NUMBERS)),
        ]);
    }
    lines
}

/// Columns that a text takes: marks that stand on the letter before take none.
fn columns_of(text: &str) -> usize {
    text.chars().filter(|letter| !is_mark(*letter)).count()
}

fn is_mark(letter: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&letter)
}

/// The text, cut with an ellipsis where it takes more columns.
fn fitted(text: &str, width: usize) -> String {
    if columns_of(text) <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    for letter in text.chars() {
        if columns_of(&cut) + 1 >= width && !is_mark(letter) {
            break;
        }
        cut.push(letter);
    }
    if width > 0 { cut + "…" } else { cut }
}

fn padded(text: &str, width: usize) -> String {
    let text = fitted(text, width);
    let missing = width.saturating_sub(columns_of(&text));
    text + &" ".repeat(missing)
}

/// The text in lines of at most `width` columns, broken at spaces where there are any.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_inclusive(' ') {
        let mut word = word.to_owned();
        let line = lines.last().map_or(0, |line| columns_of(line));
        if line > 0 && line + columns_of(word.trim_end()) > width {
            lines.push(String::new());
        }
        while columns_of(word.trim_end()) > width {
            let rest = word.split_off(word.char_indices().nth(width).map_or(word.len(), |(at, _)| at));
            lines.last_mut().expect("there is a line").push_str(&word);
            lines.push(String::new());
            word = rest;
        }
        lines.last_mut().expect("there is a line").push_str(&word);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::tests::stepper;
    use super::*;

    fn text(lines: &[Vec<Span>]) -> Vec<String> {
        lines.iter().map(|line| line.iter().map(|(_, text)| text.as_str()).collect()).collect()
    }

    #[test]
    fn a_screen_has_its_size_whatever_that_is() {
        let mut stepper = stepper(false);
        for step in [0, 7, 9] {
            stepper.go_to(step);
            for (width, height) in [(200, 60), (80, 24), (40, 12), (10, 3), (1, 1), (0, 0)] {
                let lines = text(&compose(&stepper, &Footer::Keys, false, width, height));
                assert_eq!(lines.len(), height.max(1), "{width} × {height}");
                if width >= 80 {
                    assert!(lines.iter().all(|line| columns_of(line) <= width), "{lines:#?}");
                }
            }
        }
    }

    #[test]
    fn the_list_and_the_page_stand_one_above_the_other() {
        let mut stepper = stepper(false);
        stepper.go_to(1);
        let lines = text(&compose(&stepper, &Footer::Message("no!".into()), false, 100, 30));
        assert!(lines[0].starts_with(" loss of a test: "), "{lines:#?}");
        assert!(lines[3].starts_with("▸ %1 = tanh(%0)") && lines[3].contains("norm "), "{lines:#?}");
        assert!(lines[4].contains("not run yet"), "{lines:#?}");
        assert!(lines.contains(&"step 2 of 10: forward 2 of 5".to_owned()), "{lines:#?}");
        assert_eq!(lines[29], "no!");
    }

    #[test]
    fn keys_are_commands_and_prompts_gather_letters() {
        let mut footer = Footer::Keys;
        let key = |code| KeyEvent::new(code, KeyModifiers::NONE);
        assert_eq!(press(key(KeyCode::Char(' ')), &mut footer), Ok(Some(Command::On(1))));
        assert_eq!(press(key(KeyCode::Left), &mut footer), Ok(Some(Command::Back(1))));
        for code in [KeyCode::Char('g'), KeyCode::Char('1'), KeyCode::Char('7'), KeyCode::Backspace] {
            assert_eq!(press(key(code), &mut footer), Ok(None));
        }
        assert_eq!(press(key(KeyCode::Enter), &mut footer), Ok(Some(Command::To(1))));
        footer = Footer::Prompt('/', "q".into());
        assert_eq!(press(key(KeyCode::Enter), &mut footer), Ok(Some(Command::Search("q".into()))));
        assert_eq!(press(key(KeyCode::Esc), &mut footer), Ok(None));
        assert!(matches!(footer, Footer::Keys));
        let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(press(interrupt, &mut footer), Ok(Some(Command::Quit)));
    }

    #[test]
    fn texts_are_cut_and_broken_by_columns() {
        assert_eq!(fitted("x̂ and y", 20), "x̂ and y");
        assert_eq!(fitted("x̂ and y", 4), "x̂ a…");
        assert_eq!(padded("x̂", 3), "x̂  ");
        assert_eq!(wrapped("one two three", 8), ["one two ", "three"]);
        assert_eq!(wrapped("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
    }
}
