//! Line charts as plain SVG.

use std::fmt::Write;

/// A named line of a chart.
#[derive(Debug, Clone)]
pub struct Series {
    /// The name in the legend.
    pub name: String,
    /// Points (x, y) from left to right; those that are not finite are left out.
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 52.0;

/// Okabe and Ito's palette: eight colours that colour-blind readers can tell apart.
const COLOURS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];

/// Draws lines over shared axes, those of x in whole numbers, with ticks, a grid and a legend, as an SVG document.
pub fn line_chart(title: &str, x_label: &str, y_label: &str, series: &[Series]) -> String {
    let points = || series.iter().flat_map(|s| &s.points).filter(|(x, y)| x.is_finite() && y.is_finite());
    let x_axis = Axis::over(points().map(|p| p.0), 1.0);
    let y_axis = Axis::over(points().map(|p| p.1), 0.0);
    let x = |value: f64| LEFT + x_axis.fraction(value) * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| HEIGHT - BOTTOM - y_axis.fraction(value) * (HEIGHT - TOP - BOTTOM);

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" \
         height=\"{HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#333\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    text(&mut svg, WIDTH / 2.0, 18.0, "middle", "font-size=\"15\" font-weight=\"bold\"", title);
    for tick in x_axis.ticks() {
        let at = x(tick);
        line(&mut svg, (at, TOP), (at, HEIGHT - BOTTOM), "#e5e5e5");
        text(&mut svg, at, HEIGHT - BOTTOM + 18.0, "middle", "", &x_axis.label(tick));
    }
    for tick in y_axis.ticks() {
        let at = y(tick);
        line(&mut svg, (LEFT, at), (WIDTH - RIGHT, at), "#e5e5e5");
        text(&mut svg, LEFT - 8.0, at + 4.0, "end", "", &y_axis.label(tick));
    }
    line(&mut svg, (LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, HEIGHT - BOTTOM), "#333");
    line(&mut svg, (LEFT, TOP), (LEFT, HEIGHT - BOTTOM), "#333");
    text(&mut svg, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 12.0, "middle", "", x_label);
    let middle = (TOP + HEIGHT - BOTTOM) / 2.0;
    text(&mut svg, 16.0, middle, "middle", &format!("transform=\"rotate(-90 16 {middle})\""), y_label);

    let mut legend = LEFT;
    for (one, colour) in series.iter().zip(COLOURS.iter().cycle()) {
        let path: Vec<String> = one
            .points
            .iter()
            .filter(|(px, py)| px.is_finite() && py.is_finite())
            .map(|&(px, py)| format!("{:.1},{:.1}", x(px), y(py)))
            .collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" stroke-linejoin=\"round\"/>",
            path.join(" ")
        );
        // A line of one point would be invisible without its dot.
        for point in path.iter().filter(|_| path.len() <= 50) {
            if let Some((px, py)) = point.split_once(',') {
                let _ = writeln!(svg, "<circle cx=\"{px}\" cy=\"{py}\" r=\"2.5\" fill=\"{colour}\"/>");
            }
        }
        let _ = writeln!(svg, "<rect x=\"{legend}\" y=\"29\" width=\"16\" height=\"4\" fill=\"{colour}\"/>");
        text(&mut svg, legend + 22.0, 35.0, "start", "", &one.name);
        legend += 44.0 + 7.0 * one.name.chars().count() as f64;
    }
    svg.push_str("</svg>\n");
    svg
}

fn line(svg: &mut String, from: (f64, f64), to: (f64, f64), colour: &str) {
    let ((x1, y1), (x2, y2)) = (from, to);
    let _ = writeln!(
        svg,
        "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\"/>"
    );
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, attributes: &str, content: &str) {
    let content = content.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" {attributes}>{content}</text>"
    );
}

/// A linear axis whose ends and ticks are round numbers.
pub(super) struct Axis {
    pub low: f64,
    pub high: f64,
    step: f64,
}

impl Axis {
    /// The axis that covers the values, with up to ten ticks at a step of 1, 2 or 5 times a power of ten.
    pub fn over(values: impl Iterator<Item = f64>, least_step: f64) -> Axis {
        let (low, high) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        let (low, high) = match (low, high) {
            _ if low > high => (0.0, 1.0),
            _ if high - low <= high.abs() * 1e-9 => (low - 0.5, high + 0.5),
            ends => ends,
        };
        let rough = ((high - low) / 5.0).max(least_step);
        let power = 10f64.powf(rough.log10().floor());
        let step = power * [1.0, 2.0, 5.0, 10.0].into_iter().find(|s| s * power >= rough).unwrap_or(10.0);
        Axis { low: (low / step).floor() * step, high: (high / step).ceil() * step, step }
    }

    /// How far along the axis a value lies, from 0 to 1.
    pub fn fraction(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    /// The values at its ticks.
    pub fn ticks(&self) -> impl Iterator<Item = f64> + '_ {
        let count = ((self.high - self.low) / self.step).round() as usize;
        (0..=count).map(|i| self.low + i as f64 * self.step)
    }

    /// The tick's value with as many decimals as the step needs.
    pub fn label(&self, tick: f64) -> String {
        let decimals = (-self.step.log10().floor()).clamp(0.0, 8.0) as usize;
        format!("{tick:.decimals$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_on_round_numbers() {
        let axis = Axis::over([104.2, 161.7].into_iter(), 0.0);
        assert_eq!((axis.low, axis.high, axis.step), (100.0, 180.0, 20.0));
        assert_eq!(axis.ticks().count(), 5);
        assert_eq!(axis.label(120.0), "120");
        assert_eq!(Axis::over([1.0, 2.0].into_iter(), 1.0).step, 1.0, "epochs are whole");
        assert_eq!(Axis::over([0.11, 0.19].into_iter(), 0.0).label(0.12), "0.12");
    }

    #[test]
    fn hard_values_still_make_a_chart() {
        for values in
            [vec![], vec![(1.0, 5.0)], vec![(1.0, f64::NAN), (2.0, 3.0)], vec![(0.0, 0.0), (1.0, 0.0)]]
        {
            let svg =
                line_chart("<loss>", "epoch", "nats", &[Series { name: "train".into(), points: values }]);
            assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            assert!(svg.contains("&lt;loss&gt;"));
        }
    }

    #[test]
    fn lower_values_are_drawn_lower() {
        let series = [Series { name: "a".into(), points: vec![(1.0, 10.0), (2.0, 0.0)] }];
        let svg = line_chart("t", "x", "y", &series);
        let points = svg.split("points=\"").nth(1).unwrap().split('"').next().unwrap();
        let ys: Vec<f64> = points.split(' ').map(|p| p.split(',').nth(1).unwrap().parse().unwrap()).collect();
        assert_eq!(ys, [TOP, HEIGHT - BOTTOM]);
    }
}
