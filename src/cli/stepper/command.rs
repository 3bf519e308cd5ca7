//! What a reader can ask of the stepper.

use super::Stepper;

/// A wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// So many stops on.
    On(usize),
    /// So many stops back.
    Back(usize),
    /// To the step of this number, from 1.
    To(usize),
    /// To the first step.
    First,
    /// To the first backward step.
    FirstBackward,
    /// To the last step.
    Last,
    /// To the next op or layer of this name; empty for the last search again.
    Search(String),
    /// Take layers together, or one op at a time.
    Layers,
    /// The whole list.
    List,
    /// What can be asked.
    Help,
    /// The end.
    Quit,
}

/// The commands, and what they do.
pub const HELP: [(&str, &str); 10] = [
    ("n", "on; also space, right and the empty line; `n 5` goes five steps"),
    ("p", "back; also left"),
    ("g NUMBER", "to the step of this number"),
    ("f", "to the first step"),
    ("b", "to the first backward step"),
    ("e", "to the last step"),
    ("/TEXT", "to the next op or layer with this in its name; / alone searches again"),
    ("c", "layers together, or op by op"),
    ("l", "the whole list, where there is no screen to show it on"),
    ("q", "the end"),
];

/// Reads a line; the message says what would be right.
pub fn parse(line: &str) -> Result<Command, String> {
    let line = line.trim();
    if let Some(text) = line.strip_prefix('/') {
        return Ok(Command::Search(text.trim().to_owned()));
    }
    let mut words = line.split_whitespace();
    let name = words.next().unwrap_or("n");
    let number = words.next().map(|word| {
        let number = word.parse::<usize>().ok().filter(|&number| number > 0);
        number.ok_or_else(|| format!("`{line}`: `{word}` must be a whole number from 1, as in `{name} 3`"))
    });
    let number = number.transpose()?;
    if let Some(more) = words.next() {
        return Err(format!("`{line}`: `{more}` is one word too many"));
    }
    let command = match name {
        "n" | "next" => return Ok(Command::On(number.unwrap_or(1))),
        "p" | "previous" => return Ok(Command::Back(number.unwrap_or(1))),
        "g" | "go" => {
            return number.map(Command::To).ok_or_else(|| "g takes the number of a step, as in `g 3`".into());
        }
        "f" => Command::First,
        "b" => Command::FirstBackward,
        "e" => Command::Last,
        "c" => Command::Layers,
        "l" => Command::List,
        "h" | "?" | "help" => Command::Help,
        "q" | "quit" => Command::Quit,
        _ => return Err(format!("`{line}` is no command; h lists them")),
    };
    match number {
        None => Ok(command),
        Some(_) => Err(format!("`{line}`: {name} takes no number")),
    }
}

impl Stepper {
    /// Moves where a command says; the message says why it cannot. What does not move is left to the caller.
    pub fn follow(&mut self, command: &Command) -> Result<(), String> {
        let (last, forward) = (self.stops.len() - 1, self.history.graph.nodes.len());
        match command {
            Command::On(_) if self.at == last => Err("this is the last step; p goes back".into()),
            Command::Back(_) if self.at == 0 => Err("this is the first step; n goes on".into()),
            Command::On(count) => {
                self.at = self.at.saturating_add(*count).min(last);
                Ok(())
            }
            Command::Back(count) => {
                self.at = self.at.saturating_sub(*count);
                Ok(())
            }
            Command::To(step) if *step > self.history.len() => {
                Err(format!("there is no step {step}; the last one is {}", self.history.len()))
            }
            Command::To(step) => {
                self.go_to(step - 1);
                Ok(())
            }
            Command::First => {
                self.at = 0;
                Ok(())
            }
            Command::FirstBackward => {
                self.go_to(forward);
                Ok(())
            }
            Command::Last => {
                self.at = last;
                Ok(())
            }
            Command::Search(text) if text.is_empty() && self.wanted.is_empty() => {
                Err("/ takes a part of the name of an op or layer, as in `/linear`".into())
            }
            Command::Search(text) => match self.search(text) {
                true => Ok(()),
                false => Err(format!("no op and no layer has `{}` in its name", self.wanted)),
            },
            Command::Layers => {
                self.toggle_layers();
                Ok(())
            }
            Command::List | Command::Help | Command::Quit => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::stepper;
    use super::*;

    #[test]
    fn lines_are_commands() {
        let cases = [
            ("", Command::On(1)),
            ("n 5", Command::On(5)),
            (" p", Command::Back(1)),
            ("g 12", Command::To(12)),
            ("/ conv2d ", Command::Search("conv2d".into())),
            ("/", Command::Search(String::new())),
            ("b", Command::FirstBackward),
            ("q", Command::Quit),
        ];
        for (line, command) in cases {
            assert_eq!(parse(line), Ok(command), "{line}");
        }
        let wrong = [
            ("x", "no command"),
            ("g", "as in `g 3`"),
            ("g 0", "whole number from 1"),
            ("n -1", "whole number"),
            ("n 1 2", "too many"),
            ("q 3", "takes no number"),
        ];
        for (line, part) in wrong {
            assert!(parse(line).unwrap_err().contains(part), "{line}");
        }
    }

    #[test]
    fn commands_move_and_stop_at_the_ends() {
        let mut stepper = stepper(false);
        let mut goes = |command: Command| stepper.follow(&command).map(|()| stepper.here().start);
        assert!(goes(Command::Back(1)).unwrap_err().contains("first step"));
        assert_eq!(goes(Command::On(2)), Ok(2));
        assert_eq!(goes(Command::FirstBackward), Ok(5));
        assert_eq!(goes(Command::Back(99)), Ok(0));
        assert_eq!(goes(Command::To(10)), Ok(9));
        assert!(goes(Command::On(1)).unwrap_err().contains("last step"));
        assert!(goes(Command::To(11)).unwrap_err().contains("the last one is 10"));
        assert!(goes(Command::Search(String::new())).is_err());
        assert!(goes(Command::Search("conv".into())).unwrap_err().contains("`conv`"));
        assert_eq!(goes(Command::Search("sum".into())), Ok(4));
    }
}
