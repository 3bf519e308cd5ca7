//! Scatter plots of classes, as pictures of pixels.

use super::picture::Picture;
use super::{lettering, plot::Axis};

/// Ten colours that are told apart on white, for classes in turn.
const COLOURS: [[u8; 3]; 10] = [
    [0x1f, 0x77, 0xb4],
    [0xe6, 0x7e, 0x00],
    [0x1a, 0x98, 0x50],
    [0xd7, 0x30, 0x27],
    [0x8e, 0x5b, 0xc2],
    [0x8c, 0x51, 0x3b],
    [0xe3, 0x66, 0xb8],
    [0x6b, 0x6b, 0x6b],
    [0xb0, 0xa8, 0x00],
    [0x00, 0xa6, 0xb8],
];
const WHITE: [u8; 3] = [255; 3];
const BLACK: [u8; 3] = [40; 3];
const GUIDE: [u8; 3] = [226; 3];

/// Room around the plot for the numbers of its axes, in pixels.
const MARGIN: usize = 34;
/// Radius of a point in pixels, and how much of its colour covers what is below.
const RADIUS: f64 = 1.8;
const COVER: f64 = 0.6;
/// Size of the letters of classes, and of numbers.
const NAMES: usize = 3;
const NUMBERS: usize = 1;
/// Room on each side of the points, as a share of their range.
const ROOM: f64 = 0.03;
/// Share of the points, on each side of each axis, that may lie outside: a few far ones would crowd the others.
const OUTSIDE: f64 = 0.002;

/// What is plotted.
#[derive(Debug, Clone)]
pub struct Scatter<'a> {
    /// Points (x, y).
    pub points: &'a [[f64; 2]],
    /// The class of each point.
    pub labels: &'a [i64],
    /// Names of the classes, which stand amid their points.
    pub names: &'a [String],
    /// Lines across the plot, at these x and at these y.
    pub guides: [&'a [f64]; 2],
}

impl Scatter<'_> {
    /// The plot, `side` pixels wide and high.
    pub fn draw(&self, side: usize) -> Picture {
        let mut canvas = Canvas::new(side.max(4 * MARGIN));
        let axes = [0, 1].map(|axis| self.range(axis));
        let room = (canvas.side - 2 * MARGIN) as f64;
        let at = |[x, y]: [f64; 2]| {
            let across = MARGIN as f64 + axes[0].fraction(x) * room;
            [across, MARGIN as f64 + (1.0 - axes[1].fraction(y)) * room]
        };
        for &x in self.guides[0] {
            canvas.line(at([x, axes[1].low]), at([x, axes[1].high]), GUIDE);
        }
        for &y in self.guides[1] {
            canvas.line(at([axes[0].low, y]), at([axes[0].high, y]), GUIDE);
        }
        for (point, label) in self.points.iter().zip(self.labels) {
            if axes.iter().zip(point).all(|(axis, value)| (axis.low..=axis.high).contains(value)) {
                canvas.dot(at(*point), colour(*label));
            }
        }
        let corners = [[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]];
        let corner =
            |[x, y]: [usize; 2]| at([[axes[0].low, axes[0].high][x], [axes[1].low, axes[1].high][y]]);
        corners.windows(2).for_each(|pair| canvas.line(corner(pair[0]), corner(pair[1]), BLACK));
        for tick in axes[0].ticks() {
            let [x, y] = at([tick, axes[1].low]);
            canvas.text(&axes[0].round.label(tick), [x, y + 10.0], NUMBERS, BLACK);
        }
        for tick in axes[1].ticks() {
            let [x, y] = at([axes[0].low, tick]);
            canvas.text(&axes[1].round.label(tick), [x - 16.0, y], NUMBERS, BLACK);
        }
        let mut taken: Vec<[f64; 4]> = Vec::new();
        for (label, name) in (0i64..).zip(self.names) {
            if let Some(middle) = self.middle(label) {
                let place = free_place(at(middle), name, &mut taken);
                canvas.text(name, place, NAMES, colour(label));
            }
        }
        Picture::from_rgb(canvas.side, canvas.side, canvas.pixels)
    }

    /// The range that holds all but a few points, and all guides.
    fn range(&self, axis: usize) -> Range {
        let mut values: Vec<f64> =
            self.points.iter().map(|point| point[axis]).filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let cut = (values.len() as f64 * OUTSIDE) as usize;
        let kept = &values[cut..values.len() - cut];
        Range::over(kept.iter().chain(self.guides[axis]).copied())
    }

    /// The medians of a class along both axes.
    fn middle(&self, label: i64) -> Option<[f64; 2]> {
        let of_class = || self.points.iter().zip(self.labels).filter(|(_, found)| **found == label);
        let median = |axis: usize| {
            let mut values: Vec<f64> = of_class().map(|(point, _)| point[axis]).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied()
        };
        Some([median(0)?, median(1)?])
    }
}

/// What an axis shows: the values, a little more, and round numbers in between.
struct Range {
    low: f64,
    high: f64,
    round: Axis,
}

impl Range {
    fn over(values: impl Iterator<Item = f64> + Clone) -> Range {
        let round = Axis::over(values.clone(), 0.0);
        let (low, high) = values
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low >= high {
            return Range { low: round.low, high: round.high, round };
        }
        let more = ROOM * (high - low);
        Range { low: low - more, high: high + more, round }
    }

    /// How far along a value lies, from 0 to 1.
    fn fraction(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    /// The round numbers within.
    fn ticks(&self) -> impl Iterator<Item = f64> + '_ {
        self.round.ticks().filter(|tick| (self.low..=self.high).contains(tick))
    }
}

/// The place nearest below a point where a name covers no other; `taken` holds the middles and sizes of those.
fn free_place([x, mut y]: [f64; 2], name: &str, taken: &mut Vec<[f64; 4]>) -> [f64; 2] {
    let [width, height] = lettering::size(name, NAMES).map(|length| (length + 2 * NAMES) as f64);
    let overlaps = |y: f64, [u, v, w, h]: [f64; 4]| {
        (x - u).abs() < (width + w) / 2.0 && (y - v).abs() < (height + h) / 2.0
    };
    // Each turn leaves a name behind, above.
    for _ in 0..taken.len() {
        let Some(other) = taken.iter().find(|&&other| overlaps(y, other)) else { break };
        y = other[1] + (height + other[3]) / 2.0 + 1.0;
    }
    taken.push([x, y, width, height]);
    [x, y]
}

fn colour(label: i64) -> [u8; 3] {
    COLOURS[label.rem_euclid(COLOURS.len() as i64) as usize]
}

/// A white square to draw on; what lies outside is not drawn.
struct Canvas {
    side: usize,
    pixels: Vec<u8>,
}

impl Canvas {
    fn new(side: usize) -> Self {
        Self { side, pixels: WHITE.repeat(side * side) }
    }

    /// Covers a part, in 0..1, of a pixel.
    fn cover(&mut self, x: f64, y: f64, colour: [u8; 3], part: f64) {
        let inside = |at: f64| at >= 0.0 && at < self.side as f64;
        if inside(x) && inside(y) {
            let start = 3 * (y as usize * self.side + x as usize);
            for (pixel, new) in self.pixels[start..start + 3].iter_mut().zip(colour) {
                *pixel = (f64::from(*pixel) * (1.0 - part) + f64::from(new) * part).round() as u8;
            }
        }
    }

    /// A line along one axis.
    fn line(&mut self, from: [f64; 2], to: [f64; 2], colour: [u8; 3]) {
        let ([x, y], [width, height]) = (from.map(f64::floor), [to[0] - from[0], to[1] - from[1]]);
        let length = width.abs().max(height.abs());
        for step in 0..=length as usize {
            let share = step as f64 / length.max(1.0);
            self.cover((x + share * width).round(), (y + share * height).round(), colour, 1.0);
        }
    }

    /// A disc with a soft rim.
    fn dot(&mut self, [x, y]: [f64; 2], colour: [u8; 3]) {
        let reach = RADIUS.ceil() as i64;
        for (dx, dy) in (-reach..=reach).flat_map(|dx| (-reach..=reach).map(move |dy| (dx, dy))) {
            let [px, py] = [x.floor() + dx as f64, y.floor() + dy as f64];
            let distance = (px + 0.5 - x).hypot(py + 0.5 - y);
            self.cover(px, py, colour, COVER * (RADIUS + 0.5 - distance).clamp(0.0, 1.0));
        }
    }

    /// A text about a point, with a white rim so that it is read on points.
    fn text(&mut self, text: &str, [x, y]: [f64; 2], scale: usize, colour: [u8; 3]) {
        let [width, height] = lettering::size(text, scale).map(|length| length as f64);
        let (left, top) = ((x - width / 2.0).floor(), (y - height / 2.0).floor());
        let rim = scale as i64;
        for [px, py] in lettering::pixels(text, scale) {
            for (dx, dy) in (-rim..=rim).flat_map(|dx| (-rim..=rim).map(move |dy| (dx, dy))) {
                self.cover(left + px as f64 + dx as f64, top + py as f64 + dy as f64, WHITE, 1.0);
            }
        }
        for [px, py] in lettering::pixels(text, scale) {
            self.cover(left + px as f64, top + py as f64, colour, 1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colours(picture: &Picture) -> Vec<[u8; 3]> {
        picture.pixels().chunks_exact(3).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect()
    }

    #[test]
    fn points_lie_where_they_belong_in_their_colours() {
        let names = ["0".to_owned(), "one".to_owned()];
        let points = [[0.0, 0.0], [10.0, 10.0]];
        let scatter = Scatter { points: &points, labels: &[0, 1], names: &names, guides: [&[], &[]] };
        let picture = scatter.draw(300);
        assert_eq!((picture.width(), picture.height(), picture.channels()), (300, 300, 3));
        let colours = colours(&picture);
        let found = |class: usize| {
            let places = colours.iter().enumerate().filter(|(_, colour)| **colour == COLOURS[class]);
            let places: Vec<usize> = places.map(|(place, _)| place).collect();
            assert!(!places.is_empty(), "the name of class {class}");
            let count = places.len() as f64;
            [0, 1].map(|axis| {
                places.iter().map(|place| [place % 300, place / 300][axis] as f64).sum::<f64>() / count
            })
        };
        let ([x, y], [u, v]) = (found(0), found(1));
        assert!((x - 41.0).abs() < 4.0 && (y - 259.0).abs() < 4.0, "bottom left: {x} {y}");
        assert!((u - 259.0).abs() < 4.0 && (v - 41.0).abs() < 4.0, "top right: {u} {v}");
    }

    #[test]
    fn names_stand_below_each_other_where_they_would_overlap() {
        let mut taken = Vec::new();
        let places: Vec<[f64; 2]> = (0..5).map(|_| free_place([50.3, 100.3], "8", &mut taken)).collect();
        let [_, height] = lettering::size("8", NAMES);
        assert!(places.windows(2).all(|pair| pair[1][1] - pair[0][1] > height as f64), "{places:?}");
        assert_eq!(free_place([150.0, 100.0], "8", &mut taken), [150.0, 100.0]);
    }

    #[test]
    fn hard_values_still_make_a_plot() {
        for points in [vec![], vec![[0.0, 0.0]], vec![[f64::NAN, 1.0], [1e300, -1e300], [f64::INFINITY, 0.0]]]
        {
            let labels = vec![-7; points.len()];
            let scatter = Scatter { points: &points, labels: &labels, names: &[], guides: [&[], &[1.0]] };
            assert_eq!(scatter.draw(0).width(), 4 * MARGIN);
        }
    }
}
