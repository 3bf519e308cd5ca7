//! Data sets without files of their own: they are made of others, and the same each time.

use crate::catalogue::{DIGITS, DatasetInfo, Derived};
use crate::{mnist_m, sound};

pub(crate) const MNIST_M: DatasetInfo = DatasetInfo {
    name: "mnist-m",
    folders: &[],
    title: "MNIST-M, digits blended with photographs, 60,000 + 10,000 images of 3×28×28, made of mnist and bsds500-crops",
    licence: "that of mnist, and of bsds500-crops: non-commercial research and education",
    citation: "Y. Ganin and others: Domain-Adversarial Training of Neural Networks, JMLR 17, 2016, arXiv:1505.07818",
    classes: DIGITS,
    files: &[],
    derived: Some(Derived { from: &["mnist", "bsds500-crops"], make: mnist_m::make }),
    downloads: &[],
    by_hand: "nothing to get: it is made of the data sets mnist and bsds500-crops",
};

pub(crate) const FSDD_MEL: DatasetInfo = DatasetInfo {
    name: "fsdd-mel",
    folders: &[],
    title: "spoken digits of fsdd as log-mel pictures, 2,700 + 300 of 1×64×40 (frames × bands), groups: speakers",
    licence: "CC BY-SA 4.0",
    citation: "Z. Jackson and others: Free Spoken Digit Dataset, github.com/Jakobovski/free-spoken-digit-dataset",
    classes: DIGITS,
    files: &[],
    derived: Some(Derived { from: &["fsdd"], make: sound::make_log_mel }),
    downloads: &[],
    by_hand: "nothing to get: it is made of the data set fsdd",
};

pub(crate) const FSDD_MULAW: DatasetInfo = DatasetInfo {
    name: "fsdd-mulaw",
    folders: &[],
    title: "spoken digits of fsdd as µ-law samples at 8 kHz, 2,700 + 300 of 1×64×64 in reading order, groups: speakers",
    licence: "CC BY-SA 4.0",
    citation: "Z. Jackson and others: Free Spoken Digit Dataset, github.com/Jakobovski/free-spoken-digit-dataset",
    classes: DIGITS,
    files: &[],
    derived: Some(Derived { from: &["fsdd"], make: sound::make_mu_law }),
    downloads: &[],
    by_hand: "nothing to get: it is made of the data set fsdd",
};
