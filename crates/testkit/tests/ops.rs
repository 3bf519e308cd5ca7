//! The op case table in all its modes; a failure lists every case of the family that fails.

use std::collections::{BTreeMap, BTreeSet};

use wengert_tensor::ops::REGISTRY;
use wengert_testkit::{cases, coverage};

/// A module of tests for each family, and the list of their names.
macro_rules! families {
    ($($family:ident),* $(,)?) => {
        $(mod $family {
            use wengert_testkit::modes;

            #[test]
            fn value() {
                modes::check(stringify!($family), modes::value);
            }

            #[test]
            fn gradient() {
                modes::check(stringify!($family), modes::gradient);
            }

            #[test]
            fn second_gradient() {
                modes::check(stringify!($family), modes::second_gradient);
            }

            #[test]
            fn layout() {
                modes::check(stringify!($family), modes::layout);
            }

            #[test]
            fn single() {
                modes::check(stringify!($family), modes::single);
            }

            #[test]
            fn fused() {
                modes::check(stringify!($family), modes::fused);
            }
        })*

        const FAMILIES: &[&str] = &[$(stringify!($family)),*];
    };
}

families!(
    unary, binary, compare, select, random, loss, reduce, scan, sort, softmax, norm, view, join, index,
    matmul, conv, pool, resample, recurrent,
);

#[test]
fn every_family_is_tested() {
    let families: Vec<_> = cases::families().into_iter().map(|(family, _)| family).collect();
    assert_eq!(families, FAMILIES);
}

#[test]
fn every_case_has_an_id_of_its_own() {
    let mut seen = BTreeSet::new();
    for case in cases::families().into_iter().flat_map(|(_, cases)| cases) {
        assert!(seen.insert(case.id.clone()), "two cases are called {}", case.id);
    }
}

#[test]
fn every_op_is_exercised() {
    let mut exercised: BTreeMap<&str, usize> = BTreeMap::new();
    let mut strays = Vec::new();
    for case in cases::families().into_iter().flat_map(|(_, cases)| cases) {
        // A case that does not run fails in the modes, with its message.
        let Ok(ops) = coverage::ops_of(&case) else { continue };
        if registered().any(|name| name == case.op) && !ops.contains(case.op.as_str()) {
            strays.push(format!("{} never runs {}", case.id, case.op));
        }
        for op in ops {
            *exercised.entry(op).or_default() += 1;
        }
    }
    let missing: Vec<_> = registered().filter(|name| !exercised.contains_key(name)).collect();
    assert!(missing.is_empty(), "registered ops without a case: {missing:?}");
    assert!(strays.is_empty(), "cases that miss the op they name: {strays:#?}");
}

/// The names of all ops of the engine.
fn registered() -> impl Iterator<Item = &'static str> {
    REGISTRY.iter().flat_map(|(_, names)| names.iter().copied())
}
