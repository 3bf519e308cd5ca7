//! Measures the largest error of every function in `wengert_cpu::functions` against the same function in f64.
//!
//! `cargo run --release -p wengert-cpu --example accuracy [STRIDE] [FUNCTION]` visits every STRIDE-th of the 2³² floats,
//! for `powf` as many pairs. Without STRIDE it visits all, which takes minutes.

#[path = "../tests/accuracy/mod.rs"]
mod accuracy;

use accuracy::{FUNCTIONS, POWF_STATED, Worst};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let stride = arguments.next().map_or(1, |text| text.parse().expect("STRIDE is a whole number above 0"));
    let only = arguments.next();
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    for function in FUNCTIONS.iter().filter(|function| wanted(function.name)) {
        println!("{:8} stated {}; {}", function.name, function.stated, Worst::of(function, stride));
    }
    if wanted("powf") {
        println!("powf     stated {POWF_STATED}; {}", Worst::of_powf((1 << 32) / stride as u64));
    }
}
