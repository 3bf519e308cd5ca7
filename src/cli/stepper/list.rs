//! The whole list with what has run of it so far.

use super::Stepper;
use super::page::NOT_RUN;
use std::fmt::Write;
use std::ops::Range;
use wengert_tensor::inspect::{Frontier, layer};

/// A line of the list, or a layer of it.
pub struct ListRow {
    /// The op and its operands, or the layer and its ops.
    pub call: String,
    /// Shape and type of what it makes.
    pub spec: String,
    /// The layer, empty outside layers.
    pub scope: String,
    /// What it made.
    pub value: String,
    /// The cotangent that it got.
    pub cotangent: String,
    /// Whether it has run forward.
    pub has_value: bool,
    /// Whether it has run backward.
    pub has_cotangent: bool,
    /// Whether the step of this page is about it.
    pub is_here: bool,
}

impl Stepper {
    /// The rows, from the first op to the loss.
    pub fn list(&self) -> Vec<ListRow> {
        let (forward, back) = self.done();
        let frontier = match forward == self.history.graph.nodes.len() {
            true => self.history.frontier(back),
            false => Frontier::default(),
        };
        self.groups().into_iter().map(|group| self.list_row(group, &frontier)).collect()
    }

    /// The positions of the list that share a row.
    fn groups(&self) -> Vec<Range<usize>> {
        let nodes = self.history.graph.nodes.len();
        self.stops.iter().take_while(|stop| stop.start < nodes).cloned().collect()
    }

    fn list_row(&self, group: Range<usize>, frontier: &Frontier) -> ListRow {
        let (forward, back) = self.done();
        let last = group.end - 1;
        let node = &self.history.graph.nodes[last];
        let cotangent = |node: usize| {
            let step = self.history.backward[..back].iter().find(|step| step.node == node);
            step.map(|step| &step.cotangent)
        };
        // A layer has been walked back over once its first op has; what flowed into it came to its last.
        let arrived = cotangent(group.start).and(cotangent(last));
        let waits = |node: &usize| frontier.waiting.iter().any(|(waiting, _)| waiting == node);
        let call = match group.len() {
            1 => self.history.call(last),
            count => format!("%{} … %{last}  {} ({count} ops)", group.start, layer(&node.scope)),
        };
        ListRow {
            call,
            spec: node.output.to_string(),
            scope: if group.len() > 1 { layer(&node.scope).to_owned() } else { node.scope.clone() },
            value: if last < forward { self.history.values[last].brief() } else { NOT_RUN.into() },
            cotangent: match arrived {
                Some(cotangent) => cotangent.brief(),
                None if frontier.complete.first().is_some_and(|next| group.contains(next)) => "next".into(),
                None if group.clone().any(|node| frontier.complete.contains(&node)) => "complete".into(),
                None if group.clone().any(|node| waits(&node)) => "in part".into(),
                None => NOT_RUN.into(),
            },
            has_value: last < forward,
            has_cotangent: arrived.is_some(),
            is_here: self.here().any(|step| group.contains(&self.position_of(step))),
        }
    }

    /// The list as text, the place marked.
    pub fn list_text(&self) -> String {
        let rows = self.list();
        let widest = |column: fn(&ListRow) -> &str| {
            rows.iter().map(|row| column(row).chars().count()).max().unwrap_or(0)
        };
        let (calls, specs, scopes) =
            (widest(|row| &row.call), widest(|row| &row.spec), widest(|row| &row.scope));
        let mut text = String::new();
        for row in &rows {
            let mark = if row.is_here { '>' } else { ' ' };
            let _ = writeln!(
                text,
                "{mark} {:calls$}  {:specs$}  {:scopes$}  y {:16}  dy {}",
                row.call, row.spec, row.scope, row.value, row.cotangent
            );
        }
        text + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::stepper;

    #[test]
    fn the_list_shows_how_far_the_walk_has_come() {
        let mut stepper = stepper(false);
        stepper.go_to(1);
        let text = stepper.list_text();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].contains("y norm 4.472") && lines[0].ends_with("dy not run yet"), "{text}");
        assert!(lines[1].starts_with("> %1 = tanh(%0)"), "{text}");
        assert!(lines[2].contains("y not run yet"), "{text}");
        stepper.go_to(6);
        let text = stepper.list_text();
        let ends: Vec<&str> = text.lines().filter_map(|line| line.split("dy ").nth(1)).collect();
        assert_eq!(
            (ends[0], ends[1], ends[2], ends[4]),
            ("not run yet", "not run yet", "next", "= 1"),
            "{text}"
        );
    }

    #[test]
    fn layers_take_one_row() {
        let text = stepper(true).list_text();
        assert_eq!(text.trim_end().lines().count(), 3, "{text}");
        assert!(text.starts_with("> %0 … %1  first (2 ops)"), "{text}");
    }
}
