//! What a session trains, and how it is looked at.

use super::autoencoder::Autoencoder;
use super::coverage::Coverage;
use super::distribution::{Distribution, HALF, Modes, Point, tensor};
use super::fault::Fault;
use super::frame::{Frame, Heat, Named, thousandths};
use super::game::Game;
use super::settings::{Model, Rules, Settings};
use wengert_tensor::{DType, Generator, Tensor};

/// Samples in a frame, and points of the data that are shown beside them.
const SAMPLES: usize = 500;

/// Points of the data that an autoencoder is shown to give back.
const RECONSTRUCTIONS: usize = 200;

/// Cells of the heat map along each axis.
pub const CELLS: usize = 40;

/// Networks on a distribution, with what is shown of them at every look: the same codes and points each time, so that what
/// moves on the page was moved by training.
#[derive(Debug)]
pub struct Stage {
    networks: Networks,
    step: u64,
    codes: Tensor,
    cells: Tensor,
    scene: Scene,
}

#[derive(Debug)]
enum Networks {
    Game(Box<Game>),
    Autoencoder(Box<Autoencoder>),
}

/// What does not change while networks learn.
#[derive(Debug, Clone)]
pub struct Scene {
    /// Points of the distribution.
    pub data: Vec<Point>,
    /// Its modes, where it has some.
    pub modes: Option<Modes>,
}

impl Scene {
    /// Points to show of a distribution.
    pub fn of(distribution: &Distribution, seed: u64) -> Scene {
        let data = distribution.sample(SAMPLES, &Generator::new(seed).stream(4));
        Scene { data, modes: distribution.modes() }
    }
}

impl Stage {
    /// Fresh networks.
    ///
    /// # Errors
    /// As [`Settings::check`].
    pub fn new(settings: &Settings) -> Result<Stage, String> {
        let distribution = settings.check()?;
        let scene = Scene::of(&distribution, settings.seed);
        let networks = match settings.model {
            Model::Gan => Networks::Game(Box::new(Game::new(settings, distribution))),
            Model::Vae => Networks::Autoencoder(Box::new(Autoencoder::new(settings, distribution))),
        };
        let codes =
            Generator::new(settings.seed).stream(5).normal([SAMPLES, settings.codes], 0.0, 1.0, DType::F32);
        Ok(Stage { networks, step: 0, codes, cells: tensor(&cells()), scene })
    }

    /// Goes on by other rules.
    pub fn change(&mut self, rules: Rules) {
        match &mut self.networks {
            Networks::Game(game) => game.change(rules),
            Networks::Autoencoder(autoencoder) => autoencoder.change(rules),
        }
    }

    /// One step.
    pub fn step(&mut self) -> Result<(), Fault> {
        match &mut self.networks {
            Networks::Game(game) => game.step()?,
            Networks::Autoencoder(autoencoder) => autoencoder.step()?,
        }
        self.step += 1;
        Ok(())
    }

    /// One move of the discriminator; of an autoencoder, which has no players, a step.
    pub fn step_discriminator(&mut self) -> Result<(), Fault> {
        match &mut self.networks {
            Networks::Game(game) => game.step_discriminator(),
            Networks::Autoencoder(_) => self.step(),
        }
    }

    /// One move of the generator; of an autoencoder, which has no players, a step.
    pub fn step_generator(&mut self) -> Result<(), Fault> {
        match &mut self.networks {
            Networks::Game(game) => game.step_generator(),
            Networks::Autoencoder(_) => self.step(),
        }
    }

    /// How things stand. Looking changes nothing.
    pub fn look(&self) -> Frame {
        let scene = &self.scene;
        let mut frame = Frame { step: self.step, ..Frame::default() };
        let samples = match &self.networks {
            Networks::Game(game) => {
                let told = game.told();
                frame.heat = Some(Heat::of(&game.heat(&self.cells), game.rules().loss.boundary()));
                frame.moves = Some([told.discriminator_moves, told.generator_moves]);
                frame.losses = Named::of([
                    ("generator", told.generator),
                    ("discriminator", told.discriminator),
                    ("penalty", told.penalty),
                ]);
                let [generator, discriminator] = game.gradient_norms();
                frame.gradients = Named::of([("generator", generator), ("discriminator", discriminator)]);
                game.generate(&self.codes)
            }
            Networks::Autoencoder(autoencoder) => {
                let told = autoencoder.told();
                frame.losses =
                    Named::of([("reconstruction", told.reconstruction), ("divergence", told.divergence)]);
                frame.gradients = Named::of([("autoencoder", autoencoder.gradient_norm())]);
                let shown = &scene.data[..RECONSTRUCTIONS];
                let (means, made) = autoencoder.reconstruct(&tensor(shown));
                frame.reconstructions = Some(thousandths(&made));
                frame.means = Some(thousandths(&first_two(&means)));
                autoencoder.decode(&self.codes)
            }
        };
        frame.coverage = Some(Coverage::of(&samples, &scene.data, scene.modes.as_ref()));
        frame.samples = thousandths(&samples);
        frame
    }
}

/// The first two numbers of each code; codes of one number lie on an axis.
fn first_two(codes: &Tensor) -> Vec<Point> {
    let size = codes.dims()[1];
    codes
        .to_vec::<f32>()
        .chunks_exact(size)
        .map(|code| [code[0], code.get(1).copied().unwrap_or(0.0)])
        .collect()
}

/// The middles of the cells, row by row from the bottom left.
fn cells() -> Vec<Point> {
    let middle = |index: usize| ((index as f32 + 0.5) / CELLS as f32 * 2.0 - 1.0) * HALF;
    (0..CELLS * CELLS).map(|cell| [middle(cell % CELLS), middle(cell / CELLS)]).collect()
}

#[cfg(test)]
mod tests {
    use super::super::settings::Model;
    use super::*;

    #[test]
    fn looking_changes_nothing_and_shows_everything() {
        for model in [Model::Gan, Model::Vae] {
            let mut settings = Settings { model, width: 16, codes: 1, ..Settings::default() };
            settings.rules.batch = 32;
            let mut stages = [(); 2].map(|()| Stage::new(&settings).unwrap());
            assert!(stages[0].look().losses.0.is_empty(), "nothing has been trained yet");
            for _ in 0..3 {
                stages[0].step().unwrap();
                stages[0].look();
                stages[1].step().unwrap();
            }
            let [one, two] = stages.map(|stage| stage.look());
            assert_eq!(one.text(), two.text());
            assert_eq!((one.step, one.samples.len()), (3, 2 * SAMPLES));
            assert_eq!(one.heat.is_some(), model == Model::Gan);
            assert_eq!(one.means.is_some(), model == Model::Vae);
            assert!(!one.losses.0.is_empty() && !one.gradients.0.is_empty());
            assert!(one.text().len() < 32 << 10, "{} bytes", one.text().len());
        }
    }

    #[test]
    fn a_move_of_one_player_is_no_step() {
        let mut stage = Stage::new(&Settings::default()).unwrap();
        stage.step_discriminator().unwrap();
        stage.step_discriminator().unwrap();
        stage.step_generator().unwrap();
        let frame = stage.look();
        assert_eq!((frame.step, frame.moves), (0, Some([2, 1])));
    }

    #[test]
    fn cells_fill_the_plane_from_the_bottom_left() {
        let cells = cells();
        assert_eq!(cells.len(), 1600);
        assert!((cells[0][0] + 1.4625).abs() < 1e-6 && (cells[0][1] + 1.4625).abs() < 1e-6);
        assert!(cells[1][0] > cells[0][0] && cells[1][1] == cells[0][1]);
        assert!((cells[1599][1] - 1.4625).abs() < 1e-6);
    }
}
