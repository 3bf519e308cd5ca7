//! Drawings: boxes with arrows, and curves over axes.

use std::fmt::Write;

const HEAD: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\"";
const COLOURS: [&str; 6] = ["#1a73e8", "#d93025", "#188038", "#9334e6", "#e37400", "#5f6368"];

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A box of a [`diagram`].
pub struct Block {
    /// Lines of text.
    pub text: Vec<String>,
    /// Whether it is a leaf, drawn round and tinted.
    pub leaf: bool,
    /// Whether it is shaded.
    pub shaded: bool,
    /// Boxes with an arrow to this one, all earlier, and whether the arrow is thick.
    pub from: Vec<(usize, bool)>,
}

/// Boxes in rows, each below all that it has arrows from.
pub fn diagram(blocks: &[Block]) -> String {
    let lines = blocks.iter().map(|block| block.text.len()).max().unwrap_or(1);
    let longest =
        blocks.iter().flat_map(|block| &block.text).map(|line| line.chars().count()).max().unwrap_or(0);
    let (width, height) = (longest * 7 + 20, lines * 15 + 12);
    let mut rows: Vec<usize> = Vec::new();
    for block in blocks {
        rows.push(block.from.iter().map(|&(i, _)| rows[i] + 1).max().unwrap_or(0));
    }
    let mut used = vec![0; rows.iter().max().map_or(0, |&row| row + 1)];
    let mut columns = Vec::new();
    for &row in &rows {
        columns.push(used[row]);
        used[row] += 1;
    }
    let widest = used.iter().copied().max().unwrap_or(1);
    let (step, drop) = (width + 40, height + 36);
    // Rows are centred.
    let place = |i: usize| {
        let indent = (widest - used[rows[i]]) * step / 2;
        (20 + indent + columns[i] * step, 14 + rows[i] * drop)
    };
    let size = (widest * step + 20, used.len() * drop);
    let mut svg = format!(
        "{HEAD} viewBox=\"0 0 {} {}\" width=\"{}\" font-family=\"monospace\" font-size=\"11\">\n\
         <defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" \
         markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0 L8 4 L0 8 z\" fill=\"#5f6368\"/></marker></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        size.0, size.1, size.0
    );
    let mut push = |line: String| svg.push_str(&(line + "\n"));
    for (i, block) in blocks.iter().enumerate() {
        let (x, y) = place(i);
        for (arrow, &(from, thick)) in block.from.iter().enumerate() {
            let (from_x, from_y) = place(from);
            let (start, end) = (
                (from_x + width / 2, from_y + height),
                (x + width * (arrow + 1) / (block.from.len() + 1), y),
            );
            // One that passes rows bends around what stands there.
            let bend = if rows[i] > rows[from] + 1 { -(width as i64) * 3 / 4 } else { 0 };
            push(format!(
                "<path d=\"M{} {} C{} {} {} {} {} {}\" fill=\"none\" stroke=\"#5f6368\" stroke-width=\"{}\" marker-end=\"url(#tip)\"/>",
                start.0,
                start.1,
                start.0 as i64 + bend,
                start.1 + 24,
                end.0 as i64 + bend,
                end.1 - 24,
                end.0,
                end.1,
                if thick { "2.6" } else { "1" }
            ));
        }
        let round = if block.leaf { height / 2 } else { 4 };
        let fill = match block.shaded {
            true => "#fef0e0",
            false if block.leaf => "#e8f0fe",
            false => "#f8f9fa",
        };
        push(format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{round}\" fill=\"{fill}\" stroke=\"#5f6368\"/>"
        ));
        for (line, text) in block.text.iter().enumerate() {
            let top = y + (height - block.text.len() * 15) / 2 + line * 15 + 11;
            push(format!(
                "<text x=\"{}\" y=\"{top}\" text-anchor=\"middle\">{}</text>",
                x + width / 2,
                escape(text)
            ));
        }
    }
    svg + "</svg>\n"
}

/// One curve of a [`Plot`].
pub struct Curve {
    /// What it shows.
    pub name: String,
    /// Its points.
    pub points: Vec<(f64, f64)>,
}

/// Curves over common axes.
pub struct Plot {
    /// What goes to the right.
    pub x: &'static str,
    /// What goes up.
    pub y: &'static str,
    /// Whether the axes count powers of ten.
    pub logarithmic: [bool; 2],
    /// The curves.
    pub curves: Vec<Curve>,
}

impl Plot {
    /// The plot as a drawing.
    pub fn draw(&self) -> String {
        let scale = |(x, y): (f64, f64)| {
            let of = |value: f64, axis: usize| if self.logarithmic[axis] { value.log10() } else { value };
            (of(x, 0), of(y, 1))
        };
        let all: Vec<(f64, f64)> =
            self.curves.iter().flat_map(|curve| &curve.points).map(|&point| scale(point)).collect();
        let range = |values: &mut dyn Iterator<Item = f64>| {
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
        };
        let (left, right) = range(&mut all.iter().map(|point| point.0));
        let (bottom, top) = range(&mut all.iter().map(|point| point.1));
        let at = |(x, y): (f64, f64)| {
            (70.0 + 420.0 * (x - left) / (right - left), 250.0 - 220.0 * (y - bottom) / (top - bottom))
        };
        let mut svg = format!(
            "{HEAD} viewBox=\"0 0 660 300\" width=\"660\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
             <path d=\"M70 30 V250 H490\" fill=\"none\" stroke=\"#5f6368\"/>\n"
        );
        for x in self.ticks(0, left, right) {
            let (place, text) = (at((x, bottom)).0, self.label(0, x));
            writeln!(svg, "<text x=\"{place:.1}\" y=\"268\" text-anchor=\"middle\">{text}</text>").unwrap();
        }
        for y in self.ticks(1, bottom, top) {
            let (place, text) = (at((left, y)).1 + 4.0, self.label(1, y));
            writeln!(svg, "<text x=\"62\" y=\"{place:.1}\" text-anchor=\"end\">{text}</text>").unwrap();
        }
        writeln!(svg, "<text x=\"280\" y=\"290\" text-anchor=\"middle\">{}</text>", escape(self.x)).unwrap();
        writeln!(svg, "<text x=\"70\" y=\"18\">{}</text>", escape(self.y)).unwrap();
        for (i, curve) in self.curves.iter().enumerate() {
            let colour = COLOURS[i % COLOURS.len()];
            let points: Vec<String> = curve
                .points
                .iter()
                .map(|&point| at(scale(point)))
                .map(|(x, y)| format!("{x:.1},{y:.1}"))
                .collect();
            writeln!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
                points.join(" ")
            )
            .unwrap();
            let y = 44 + 18 * i;
            writeln!(svg, "<text x=\"502\" y=\"{y}\" fill=\"{colour}\">{}</text>", escape(&curve.name))
                .unwrap();
        }
        svg + "</svg>\n"
    }

    /// Round numbers of an axis, or whole powers of ten.
    fn ticks(&self, axis: usize, low: f64, high: f64) -> Vec<f64> {
        let rough = (high - low) / 5.0;
        let step = match self.logarithmic[axis] {
            true => rough.ceil(),
            false => {
                let power = 10f64.powf(rough.log10().floor());
                [1.0, 2.0, 5.0, 10.0]
                    .map(|n| n * power)
                    .into_iter()
                    .find(|&step| step >= rough * 0.999)
                    .unwrap_or(power)
            }
        };
        let count = |value: f64| value / step;
        let (first, last) = ((count(low) - 1e-9).ceil() as i64, (count(high) + 1e-9).floor() as i64);
        (first..=last).map(|i| i as f64 * step).collect()
    }

    fn label(&self, axis: usize, value: f64) -> String {
        match self.logarithmic[axis] {
            true => format!("1e{value:.0}"),
            false => {
                let text = format!("{value:.3}");
                let text = text.trim_end_matches('0').trim_end_matches('.');
                if text == "-0" { "0".to_owned() } else { text.to_owned() }
            }
        }
    }
}
