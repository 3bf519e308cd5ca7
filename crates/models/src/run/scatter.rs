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
const NAMES: usize = 2;
const NUMBERS: usize = 1;
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
        let axes = [0, 1].map(|axis| self.axis(axis));
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
            canvas.text(&axes[0].label(tick), [x, y + 10.0], NUMBERS, BLACK);
        }
        for tick in axes[1].ticks() {
            let [x, y] = at([axes[0].low, tick]);
            canvas.text(&axes[1].label(tick), [x - 16.0, y], NUMBERS, BLACK);
        }
        for (label, name) in (0i64..).zip(self.names) {
            if let Some(middle) = self.middle(label) {
                canvas.text(name, at(middle), NAMES, colour(label));
            }
        }
        Picture::from_rgb(canvas.side, canvas.side, canvas.pixels)
    }

    /// The axis that all but a few points lie along, and all guides.
    fn axis(&self, axis: usize) -> Axis {
        let mut values: Vec<f64> =
            self.points.iter().map(|point| point[axis]).filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let cut = (values.len() as f64 * OUTSIDE) as usize;
        let kept = &values[cut..values.len() - cut];
        Axis::over(kept.iter().chain(self.guides[axis]).copied(), 0.0)
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
            self.cover((x + share * width).floor(), (y + share * height).floor(), colour, 1.0);
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
        assert!((x - 34.0).abs() < 4.0 && (y - 266.0).abs() < 4.0, "bottom left: {x} {y}");
        assert!((u - 266.0).abs() < 4.0 && (v - 34.0).abs() < 4.0, "top right: {u} {v}");
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
