//! Means of losses over the images of many batches.

use crate::Losses;

/// Running means by name. A loss need not be there in every batch: a generator's that learns every fifth step is
/// averaged over those.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Means {
    entries: Vec<Entry>,
}

/// The sum of a loss over images, and their number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub name: String,
    pub sum: f64,
    pub images: f64,
}

/// The name of [`Losses::total`] among the means.
pub(crate) const TOTAL: &str = "total";

impl Means {
    pub(crate) fn from_entries(entries: Vec<Entry>) -> Means {
        Means { entries }
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Takes in the losses of a batch of so many images.
    pub fn add(&mut self, losses: &Losses, images: usize) {
        let names = std::iter::once(TOTAL).chain(losses.terms.iter().map(|(name, _)| *name));
        self.add_values(names.zip(losses.values()), images);
    }

    /// The same for their values by name.
    pub(crate) fn add_values<'a>(&mut self, values: impl Iterator<Item = (&'a str, f64)>, images: usize) {
        for (name, value) in values {
            let index = self.entries.iter().position(|entry| entry.name == name).unwrap_or_else(|| {
                self.entries.push(Entry { name: name.into(), sum: 0.0, images: 0.0 });
                self.entries.len() - 1
            });
            let entry = &mut self.entries[index];
            entry.sum += value * images as f64;
            entry.images += images as f64;
        }
    }

    /// The mean of the total loss; not a number before the first batch.
    pub fn total(&self) -> f64 {
        self.get(TOTAL).unwrap_or(f64::NAN)
    }

    /// The mean of a term.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.entries.iter().find(|entry| entry.name == name).map(|entry| entry.sum / entry.images)
    }

    /// The terms with their means, without the total.
    pub fn terms(&self) -> impl Iterator<Item = (&str, f64)> {
        let terms = self.entries.iter().filter(|entry| entry.name != TOTAL);
        terms.map(|entry| (entry.name.as_str(), entry.sum / entry.images))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::{DType, Tensor};

    #[test]
    fn a_loss_is_averaged_over_the_images_that_had_it() {
        let scalar = |value: f64| Tensor::full((), value, DType::F32);
        let mut means = Means::default();
        assert!(means.total().is_nan());
        means.add(&Losses { total: scalar(1.0), terms: vec![("critic", scalar(2.0))] }, 3);
        means.add(
            &Losses { total: scalar(5.0), terms: vec![("critic", scalar(6.0)), ("generator", scalar(-1.0))] },
            1,
        );
        assert_eq!(means.total(), 2.0);
        assert_eq!(means.terms().collect::<Vec<_>>(), [("critic", 3.0), ("generator", -1.0)]);
    }
}
