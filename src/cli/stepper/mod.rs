//! `wengert graph --step`: a walk through what ran, one step at a time, forward and backward.

mod command;
mod lines;
mod list;
mod page;
mod screen;
mod terminal;

use anyhow::{Result, bail};
use std::io::{IsTerminal, stdin, stdout};
use std::ops::Range;
use wengert_tensor::inspect::{GraphNode, History, StepBack, layer};

/// A place in the history of a list.
pub struct Stepper {
    history: History,
    /// What the list is of.
    title: String,
    /// Where one stops: steps that are taken together.
    stops: Vec<Range<usize>>,
    /// Which stop this is.
    at: usize,
    collapsed: bool,
    /// What was searched for last.
    wanted: String,
}

/// A step of a history.
enum Step<'a> {
    /// The op at this position of the list runs.
    Forward(usize, &'a GraphNode),
    /// The backward step of this number, from 0, runs.
    Backward(usize, &'a StepBack),
}

/// Shows a history: in the terminal where there is one, else as text, driven by commands from standard input or, without
/// any, from beginning to end.
pub fn run(history: History, title: String, collapsed: bool) -> Result<()> {
    if history.is_empty() {
        bail!(
            "the list is empty: nothing of the {title} needs a gradient, so there is nothing to step through"
        );
    }
    let stepper = Stepper::new(history, title, collapsed);
    match (stdin().is_terminal(), stdout().is_terminal()) {
        (true, true) if terminal::can_be_drawn_on() => screen::run(stepper),
        (true, false) => lines::print_all(stepper),
        (asked, _) => lines::run(stepper, stdin().lock(), asked),
    }
}

impl Stepper {
    fn new(history: History, title: String, collapsed: bool) -> Self {
        let mut stepper = Self { history, title, stops: Vec::new(), at: 0, collapsed, wanted: String::new() };
        stepper.arrange();
        stepper
    }

    /// Cuts the steps into stops.
    fn arrange(&mut self) {
        let mut stops: Vec<Range<usize>> = Vec::new();
        for step in 0..self.history.len() {
            match stops.last_mut() {
                Some(stop) if self.collapsed && self.are_of_one_layer(stop.start, step) => stop.end += 1,
                _ => stops.push(step..step + 1),
            }
        }
        self.stops = stops;
    }

    fn are_of_one_layer(&self, one: usize, other: usize) -> bool {
        let [one, other] = [one, other].map(|step| (self.is_forward(step), layer(&self.node_of(step).scope)));
        one == other && !one.1.is_empty()
    }

    fn is_forward(&self, step: usize) -> bool {
        step < self.history.graph.nodes.len()
    }

    fn step(&self, step: usize) -> Step<'_> {
        let nodes = &self.history.graph.nodes;
        match step.checked_sub(nodes.len()) {
            None => Step::Forward(step, &nodes[step]),
            Some(back) => Step::Backward(back, &self.history.backward[back]),
        }
    }

    /// The position in the list of the op that a step is about.
    fn position_of(&self, step: usize) -> usize {
        match self.step(step) {
            Step::Forward(position, _) => position,
            Step::Backward(_, back) => back.node,
        }
    }

    fn node_of(&self, step: usize) -> &GraphNode {
        &self.history.graph.nodes[self.position_of(step)]
    }

    /// The steps of this stop.
    fn here(&self) -> Range<usize> {
        self.stops[self.at].clone()
    }

    /// How many ops have run forward, and how many steps back.
    fn done(&self) -> (usize, usize) {
        let (steps, nodes) = (self.here().end, self.history.graph.nodes.len());
        (steps.min(nodes), steps.saturating_sub(nodes))
    }

    /// Goes to the stop that holds a step.
    fn go_to(&mut self, step: usize) {
        self.at = self.stops.partition_point(|stop| stop.end <= step).min(self.stops.len() - 1);
    }

    /// Collapses layers, or opens them, and stays at the same step.
    fn toggle_layers(&mut self) {
        let step = self.here().end - 1;
        self.collapsed = !self.collapsed;
        self.arrange();
        self.go_to(step);
    }

    /// Goes to the next stop, around the end, with an op whose name or layer contains `text`, or the text of the last
    /// search where it is empty; whether there is one.
    fn search(&mut self, text: &str) -> bool {
        if !text.is_empty() {
            self.wanted = text.to_lowercase();
        }
        let wanted = &self.wanted;
        let matches = |step: usize| {
            let node = self.node_of(step);
            [&node.op, &node.scope].iter().any(|name| name.to_lowercase().contains(wanted.as_str()))
        };
        let (from, count) = (self.here().end, self.history.len());
        let found = (0..count).map(|offset| (from + offset) % count).find(|&step| matches(step));
        found.map(|step| self.go_to(step)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::{Error, Tensor, scope};

    /// Two layers of two ops each, and a sum.
    pub fn stepper(collapsed: bool) -> Stepper {
        let x = Tensor::from_slice(&[1.0f64, 2.0], [2]).to_parameter("x").unwrap();
        let history = History::record::<Error>(|| {
            let hidden = {
                let _layer = scope::enter("first");
                (&x * 2.0).tanh()
            };
            let output = {
                let _layer = scope::enter("second");
                (&hidden + 1.0).square()
            };
            Ok(output.sum_all())
        });
        Stepper::new(history.unwrap(), "loss of a test".into(), collapsed)
    }

    #[test]
    fn layers_collapse_and_open() {
        let mut open = stepper(false);
        assert_eq!((open.history.len(), open.stops.len()), (10, 10));
        open.go_to(7);
        open.toggle_layers();
        assert_eq!(open.stops, [0..2, 2..4, 4..5, 5..6, 6..8, 8..10]);
        assert_eq!(open.here(), 6..8);
        open.toggle_layers();
        assert_eq!(open.here(), 7..8);
        assert_eq!(stepper(true).here(), 0..2);
    }

    #[test]
    fn searches_go_around_the_end() {
        let mut stepper = stepper(false);
        assert!(stepper.search("TANH"));
        assert_eq!(stepper.here(), 1..2);
        assert!(stepper.search(""));
        assert_eq!(stepper.position_of(stepper.here().start), 1, "the backward step of tanh");
        assert!(stepper.search(""));
        assert_eq!(stepper.here(), 1..2);
        assert!(stepper.search("second"));
        assert_eq!(stepper.here(), 2..3);
        assert!(!stepper.search("conv2d"));
    }

    #[test]
    fn what_has_run_is_counted() {
        let mut stepper = stepper(false);
        assert_eq!(stepper.done(), (1, 0));
        stepper.go_to(6);
        assert_eq!(stepper.done(), (5, 2));
        stepper.go_to(usize::MAX - 1);
        assert_eq!(stepper.done(), (5, 5));
    }
}
