//! `wengert arithmetic`.

use super::number;
use super::output::print;
use super::run::check_count;
use super::trained::{DataArgs, SeedArgs, Trained, TrainedArgs, check_png, enlargement};
use anyhow::{Result, bail};
use clap::Args;
use std::path::PathBuf;
use wengert_data::{Loader, Position};
use wengert_models::code_space::arithmetic::direction;
use wengert_models::pictures;
use wengert_models::run::Picture;
use wengert_models::suggest::did_you_mean;
use wengert_tensor::{DType, Tensor};

/// Least height of an image in the picture, in pixels.
const ENLARGED: usize = 56;

/// Flags of `wengert arithmetic`.
#[derive(Debug, Args)]
pub struct ArithmeticArgs {
    #[command(flatten)]
    trained: TrainedArgs,
    /// Class of the images that are changed, by its name or number
    #[arg(long, value_name = "CLASS")]
    from: String,
    /// Class that they are changed towards
    #[arg(long, value_name = "CLASS")]
    to: String,
    /// How often the difference is added; several, separated by commas, make a row each [default: 1]
    #[arg(long, value_name = "NUMBER,…", value_delimiter = ',', value_parser = number::finite, allow_negative_numbers = true)]
    strength: Vec<f64>,
    /// Images to change
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = number::count, allow_negative_numbers = true)]
    count: usize,
    /// The picture to write, a .png
    #[arg(long, default_value = "arithmetic.png", value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    seed: SeedArgs,
}

/// Rows of images, and what each shows.
#[derive(Default)]
struct Rows {
    images: Vec<Tensor>,
    told: Vec<String>,
}

impl Rows {
    fn add(&mut self, images: Tensor, told: impl Into<String>) {
        self.images.push(images);
        self.told.push(told.into());
    }
}

/// Changes images and draws them below the originals.
pub fn run(args: &ArithmeticArgs) -> Result<()> {
    check_count("--count", args.count)?;
    check_png(&args.out)?;
    args.trained.open(|trained| {
        trained.check_draws()?;
        let rows = match (trained.has_encoder(), trained.model().classes()) {
            (true, _) => args.of_test_images(&trained)?,
            (false, Some(classes)) => args.of_labels(&trained, classes)?,
            (false, None) => bail!(
                "the model `{}` has no encoder and takes no labels, so it knows nothing of classes; take one with an \
                 encoder, such as vae or vae-gan, or with labels, such as cgan",
                trained.name()
            ),
        };
        let shape = trained.model().image_shape();
        let columns = rows.images[0].dims()[0];
        let images = Tensor::cat(&rows.images.iter().collect::<Vec<_>>(), 0);
        let picture = Picture::grid(&images.to_vec::<f32>(), shape, columns);
        picture.enlarged(enlargement(shape[1], ENLARGED)).save(&args.out)?;
        let told = rows.told.iter().enumerate();
        print(&told.map(|(index, told)| format!("row {}: {told}\n", index + 1)).collect::<String>())
    })
}

impl ArithmeticArgs {
    /// Test images, their reconstructions, and the images of their codes once these have been changed.
    fn of_test_images(&self, trained: &Trained) -> Result<Rows> {
        let test = trained.test_images(&self.data)?;
        let names = test.dataset().classes();
        let (from, to) = (class("--from", &self.from, names)?, class("--to", &self.to, names)?);
        let [this, that] = [from, to].map(|class| &names[class as usize]);
        let labels: Vec<i64> = test.dataset().labels().iter().map(|&label| label.into()).collect();
        let changed: Vec<usize> =
            (0..labels.len()).filter(|&index| labels[index] == from).take(self.count).collect();
        if changed.is_empty() {
            bail!("--from is {this}; none of the test images is of this class");
        }
        let originals = test.images(&changed, Position::default());
        let own = test.labels(&changed);
        let conditional = trained.model().classes().map(|_| &own);
        let codes = encode(trained, &originals, &own)?;
        let mut rows = Rows::default();
        rows.add(originals, format!("test images of {this}"));
        rows.add(trained.decode(&codes, conditional)?, "as the model gives them back");
        if conditional.is_some() {
            // Its codes hold what the label does not tell: the way from class to class is the label.
            self.check_no_strength(trained)?;
            let images = trained.decode(&codes, Some(&all_of(to, changed.len())))?;
            rows.add(images, format!("the same codes under the label {that}"));
            return Ok(rows);
        }
        let difference = difference(trained, &test, &labels, [from, to])?;
        let Some(difference) = difference else {
            bail!("--to is {that}; none of the test images is of this class");
        };
        let strengths = if self.strength.is_empty() { &[1.0][..] } else { &self.strength };
        for strength in strengths {
            let images = trained.decode(&(&codes + &difference * *strength), None)?;
            rows.add(images, format!("plus {strength} × (mean code of {that} − mean code of {this})"));
        }
        Ok(rows)
    }

    /// Random codes under one label and under the other, for a model without an encoder.
    fn of_labels(&self, trained: &Trained, classes: usize) -> Result<Rows> {
        self.check_no_strength(trained)?;
        let names: Vec<String> = (0..classes).map(|class| class.to_string()).collect();
        let (from, to) = (class("--from", &self.from, &names)?, class("--to", &self.to, &names)?);
        let codes = trained.model().draw_codes(self.count, &self.seed.generator());
        let mut rows = Rows::default();
        for (index, label) in [from, to].into_iter().enumerate() {
            let images = trained.decode(&codes, Some(&all_of(label, self.count)))?;
            let which = ["random codes", "the same codes"][index];
            rows.add(images, format!("{which} under the label {}", names[label as usize]));
        }
        Ok(rows)
    }

    fn check_no_strength(&self, trained: &Trained) -> Result<()> {
        if !self.strength.is_empty() {
            bail!(
                "the model `{}` is told the label, which has no strength; leave out --strength",
                trained.name()
            );
        }
        Ok(())
    }
}

/// What sets the codes of two classes of test images apart.
fn difference(
    trained: &Trained,
    test: &Loader,
    labels: &[i64],
    [from, to]: [i64; 2],
) -> Result<Option<Tensor>> {
    let indices: Vec<usize> =
        (0..labels.len()).filter(|&index| [from, to].contains(&labels[index])).collect();
    let codes = encode(trained, &test.images(&indices, Position::default()), &test.labels(&indices))?;
    let labels: Vec<i64> = indices.iter().map(|&index| labels[index]).collect();
    Ok(direction(&codes, &labels, from, to))
}

fn encode(trained: &Trained, images: &Tensor, labels: &Tensor) -> Result<Tensor> {
    match pictures::encode(trained.model(), images, labels) {
        Some(codes) => Ok(codes),
        None => bail!("the model `{}` has no encoder, so it finds no codes of images", trained.name()),
    }
}

/// The number of a class of this name or number.
fn class(flag: &str, wanted: &str, names: &[String]) -> Result<i64> {
    let by_name = names.iter().position(|name| name.eq_ignore_ascii_case(wanted));
    let number = || wanted.parse::<usize>().ok().filter(|&number| number < names.len());
    match by_name.or_else(number) {
        Some(class) => Ok(class as i64),
        None => {
            let hint = did_you_mean(wanted, names.iter().map(String::as_str));
            bail!("{flag} is `{wanted}`; the classes are {}{hint}", names.join(", "))
        }
    }
}

fn all_of(label: i64, count: usize) -> Tensor {
    Tensor::full([count], label as f64, DType::I64)
}
