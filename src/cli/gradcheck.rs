//! `wengert gradcheck`.

use super::gradcheck_ops::{OPS, OpCase};
use super::number;
use super::output::print;
use anyhow::{Result, bail};
use clap::Args;
use std::fmt::Write;
use std::process::ExitCode;
use wengert_models::suggest::did_you_mean;
use wengert_models::wording::counted;
use wengert_tensor::autograd::{Check, CheckReport, gradcheck, gradgradcheck};
use wengert_tensor::{Generator, Tensor};

/// Elements of each input whose gradients are printed for a single op.
const SHOWN: usize = 6;

/// Flags of `wengert gradcheck`.
#[derive(Debug, Args)]
pub struct GradcheckArgs {
    /// Op to check; all of the built-in table without one
    op: Option<String>,
    /// Distance of the two points of a central difference
    #[arg(long, default_value_t = Check::default().epsilon, value_parser = number::finite, allow_negative_numbers = true)]
    epsilon: f64,
    /// Allowed error in proportion to the numeric gradient
    #[arg(long, default_value_t = Check::default().relative, value_parser = number::finite, allow_negative_numbers = true)]
    relative: f64,
    /// Allowed error beside that
    #[arg(long, default_value_t = Check::default().absolute, value_parser = number::finite, allow_negative_numbers = true)]
    absolute: f64,
    /// Seed of the inputs
    #[arg(long, default_value_t = 0, value_parser = number::whole, allow_negative_numbers = true)]
    seed: u64,
}

/// Compares gradients with central differences in f64; exit code 1 where one disagrees.
pub fn run(args: &GradcheckArgs) -> Result<ExitCode> {
    for (flag, value) in
        [("--epsilon", args.epsilon), ("--relative", args.relative), ("--absolute", args.absolute)]
    {
        if !(value > 0.0 && value < 1.0) {
            bail!("{flag} is {value}; it must be above 0 and below 1");
        }
    }
    let check = Check { epsilon: args.epsilon, relative: args.relative, absolute: args.absolute };
    let cases: Vec<&OpCase> =
        OPS.iter().filter(|case| args.op.as_ref().is_none_or(|op| case.op == op)).collect();
    if let (Some(op), true) = (&args.op, cases.is_empty()) {
        let names: Vec<&str> = OPS.iter().map(|case| case.op).collect();
        let hint = did_you_mean(op, names.iter().copied());
        bail!("there is no op `{op}` in the table{hint} (ops: {})", names.join(", "));
    }
    let mut failures = 0;
    for case in &cases {
        let inputs = case.inputs(&Generator::new(args.seed));
        let report = gradcheck(case.run, &inputs, check)?;
        let mut text = line(case.op, "gradient", &report);
        failures += usize::from(!report.passed());
        if args.op.is_some() {
            text.push_str(&table(&report, &inputs));
        }
        if case.smooth {
            let second = gradgradcheck(case.run, &inputs, check)?;
            failures += usize::from(!second.passed());
            text.push_str(&line(case.op, "second gradient", &second));
        }
        print(&text)?;
    }
    let verdict = if failures == 0 { "all agree".to_string() } else { format!("{failures} disagree") };
    let subject = counted(cases.len(), "op");
    print(&format!("{subject} checked in f64 against central differences: {verdict}\n"))?;
    Ok(if failures == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn line(op: &str, what: &str, report: &CheckReport) -> String {
    let verdict = if report.passed() { "ok  " } else { "FAIL" };
    let detail = match report.inputs.is_empty() {
        true => "zero, as the op is linear".to_string(),
        false => format!("largest error {:.1e} of the allowed", report.excess()),
    };
    format!("{verdict}  {op:32}  {what:15}  {detail}\n")
}

/// Analytic beside numeric, for the first elements of each input.
fn table(report: &CheckReport, inputs: &[Tensor]) -> String {
    let mut text =
        format!("      {:>16}  {:>20}  {:>20}  {:>10}\n", "element", "analytic", "numeric", "difference");
    for (input, pairs) in &report.inputs {
        for (element, (analytic, numeric)) in pairs.iter().take(SHOWN).enumerate() {
            let name = format!("input {input} [{element}]");
            let difference = analytic - numeric;
            let _ =
                writeln!(text, "      {name:>16}  {analytic:>20.12}  {numeric:>20.12}  {difference:>10.1e}");
        }
        if pairs.len() > SHOWN {
            let _ = writeln!(text, "      … {} elements of shape {}", pairs.len(), inputs[*input].shape());
        }
    }
    text
}
