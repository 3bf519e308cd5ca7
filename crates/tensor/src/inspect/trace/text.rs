//! The same as text, for the terminal.

use super::{Detail, Event, rate};
use crate::{Spec, Value};
use std::collections::HashMap;
use std::io::Write;
use std::time::Duration;

/// What is printed while ops run, and at the end.
pub(super) struct Text {
    detail: Detail,
    out: Box<dyn Write + Send>,
    totals: HashMap<&'static str, Total>,
}

#[derive(Clone, Copy, Default)]
struct Total {
    calls: u64,
    time: Duration,
    bytes: u64,
    flops: u64,
}

impl Text {
    pub fn new(detail: Detail, out: Box<dyn Write + Send>) -> Self {
        Self { detail, out, totals: HashMap::new() }
    }

    pub fn record(&mut self, event: &Event) {
        let total = self.totals.entry(event.name).or_default();
        total.calls += 1;
        total.time += event.duration;
        total.bytes += event.bytes;
        total.flops += event.flops;
        if self.detail < Detail::Ops {
            return;
        }
        let mut line = format!(
            "{:>11}  {:<8}  {:<28} {:>7.1} GFLOP/s {:>6.1} GB/s  {}",
            milliseconds(event.duration),
            event.phase.name(),
            event.name,
            event.gigaflops(),
            event.gigabytes(),
            event.scope,
        );
        if self.detail == Detail::Values {
            let inputs: Vec<String> = event.inputs.iter().map(Spec::to_string).collect();
            line += &format!("  ({}) -> {}", inputs.join(", "), event.output);
            line += &event.value.map_or_else(String::new, |value| format!("  {}", range(value)));
        }
        self.line(line.trim_end());
    }

    /// Prints the totals, the longest first.
    pub fn finish(mut self) {
        let mut totals: Vec<(&str, Total)> = self.totals.drain().collect();
        totals.sort_by(|(a, x), (b, y)| (y.time, a).cmp(&(x.time, b)));
        let mut sum = Total::default();
        for (_, total) in &totals {
            sum.calls += total.calls;
            sum.time += total.time;
            sum.bytes += total.bytes;
            sum.flops += total.flops;
        }
        self.line(&format!(
            "{:<38} {:>9} {:>12} {:>7} {:>8} {:>7}",
            "op", "calls", "time", "share", "GFLOP/s", "GB/s"
        ));
        for (name, total) in totals.into_iter().chain([("all", sum)]) {
            self.line(&format!(
                "{name:<38} {:>9} {:>12} {:>5.1} % {:>8.1} {:>7.1}",
                total.calls,
                milliseconds(total.time),
                100.0 * total.time.as_secs_f64() / sum.time.as_secs_f64().max(f64::MIN_POSITIVE),
                rate(total.flops, total.time),
                rate(total.bytes, total.time),
            ));
        }
    }

    fn line(&mut self, line: &str) {
        // Where nobody reads standard error any more, there is nobody to tell that.
        let _ = writeln!(self.out, "{line}");
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1e3)
}

/// The smallest and the largest value, and how many are not finite.
fn range(value: &Value) -> String {
    let values: Vec<f64> =
        for_any!(value.dtype(), T => value.to_vec::<T>().into_iter().map(AsNumber::number).collect());
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let odd = values.len() - finite().count();
    let odd = if odd > 0 { format!(", {odd} not finite") } else { String::new() };
    match finite().reduce(f64::min).zip(finite().reduce(f64::max)) {
        Some((least, most)) => format!("{least:.4} … {most:.4}{odd}"),
        None => format!("no finite values{odd}"),
    }
}

/// An element of any type as a number.
trait AsNumber {
    fn number(self) -> f64;
}

macro_rules! as_number {
    ($($t:ty => |$x:ident| $number:expr;)*) => {$(
        impl AsNumber for $t {
            fn number(self) -> f64 {
                let $x = self;
                $number
            }
        }
    )*};
}
as_number! {
    f32 => |x| f64::from(x);
    f64 => |x| x;
    i64 => |x| x as f64;
    u8 => |x| f64::from(x);
    bool => |x| f64::from(u8::from(x));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_leave_out_what_is_not_finite() {
        assert_eq!(
            range(&Value::from_slice(&[1.5f32, f32::NAN, -2.0, f32::INFINITY], 4)),
            "-2.0000 … 1.5000, 2 not finite"
        );
        assert_eq!(range(&Value::from_slice(&[true, false], 2)), "0.0000 … 1.0000");
        assert_eq!(range(&Value::from_slice(&[0i64; 0], 0)), "no finite values");
    }
}
