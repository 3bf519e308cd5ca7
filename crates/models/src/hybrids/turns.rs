//! Training of several players, each with parameters, a loss and an optimiser of its own.
//!
//! The players move in turn within a step. In a player's turn the parameters of all others are frozen, so its loss sends
//! gradients to it alone, and since every turn makes its own forward pass, no turn sees a tape through weights that
//! have moved since.

use crate::{Dataset, Losses, Model, Result, Training};
use std::fmt::Debug;
use wengert_data::Batch;
use wengert_nn::Optimizer;
use wengert_tensor::{Generator, Tensor};

/// A model of players, with what each of them plays for.
pub trait Contest: Model {
    /// The players by name.
    type Player: Copy + Debug + Send;

    /// A player's turn on a batch of real images. `step` is the number of the step from 0; `None` in an evaluation.
    fn turn(&self, player: Self::Player, batch: &Batch, rng: &Generator, step: Option<u64>) -> Result<Turn>;

    /// The factor on all learning rates at a step.
    fn rate(&self, _step: u64) -> f64 {
        1.0
    }

    /// Whether turns from this step on do not depend on the number of the step, nor on any number that is read from a
    /// tensor: see [`Training::phase`].
    fn is_steady(&self, _step: u64) -> bool {
        false
    }

    /// See [`Training::prepare`].
    fn prepare(&mut self, _data: &Dataset) -> Result<()> {
        Ok(())
    }

    /// See [`Training::end_epoch`].
    fn end_epoch(&mut self, _data: &Dataset, _rng: &Generator) -> Result<()> {
        Ok(())
    }
}

/// What a player does in a turn.
#[derive(Debug)]
pub struct Turn {
    /// What it plays for.
    pub losses: Losses,
    /// Whether it moves; otherwise the losses are only reported.
    pub moves: bool,
}

impl Turn {
    /// A move that lowers the sum of these terms.
    pub fn new(terms: Vec<(&'static str, Tensor)>) -> Turn {
        let total = terms.iter().skip(1).fold(terms[0].1.clone(), |sum, (_, term)| sum + term);
        Turn::of(total, terms)
    }

    /// A move that lowers `total` and reports the terms.
    pub fn of(total: Tensor, terms: Vec<(&'static str, Tensor)>) -> Turn {
        Turn { losses: Losses { total, terms }, moves: true }
    }

    /// Reports a term that is not part of the loss.
    pub fn report(mut self, terms: impl IntoIterator<Item = (&'static str, Tensor)>) -> Turn {
        self.losses.terms.extend(terms);
        self
    }

    /// A move only under a condition.
    pub fn only_if(self, moves: bool) -> Turn {
        Turn { moves, ..self }
    }
}

/// A player with its optimiser.
#[derive(Debug)]
struct Seat<P> {
    player: P,
    name: &'static str,
    optimizer: Box<dyn Optimizer>,
}

/// A contest in training.
#[derive(Debug)]
pub struct Turns<C: Contest> {
    contest: C,
    seats: Vec<Seat<C::Player>>,
}

impl<C: Contest> Turns<C> {
    /// A contest without players yet; they move in the order in which they are seated.
    pub fn new(contest: C) -> Self {
        contest.assign_names();
        Self { contest, seats: Vec::new() }
    }

    /// Adds a player, the name being that of its optimiser in checkpoints. No two players may share a parameter.
    pub fn seat(
        mut self,
        player: C::Player,
        name: &'static str,
        optimizer: impl FnOnce(&C) -> Box<dyn Optimizer>,
    ) -> Self {
        let optimizer = optimizer(&self.contest);
        self.seats.push(Seat { player, name, optimizer });
        self
    }

    /// The players' model.
    pub fn contest(&self) -> &C {
        &self.contest
    }

    /// Lets all players take their turns, one after the other; only the mover's parameters ask for gradients.
    fn take_turns(&mut self, batch: &Batch, rng: &Generator, step: u64) -> Result<Losses> {
        let mut taken = Vec::with_capacity(self.seats.len());
        self.contest.set_requires_grad(false);
        for Seat { player, optimizer, .. } in &mut self.seats {
            let own = optimizer.parameters();
            own.iter().for_each(|parameter| parameter.set_requires_grad(true));
            let Turn { losses, moves } = self.contest.turn(*player, batch, rng, Some(step))?;
            losses.check_finite()?;
            if moves {
                optimizer.zero_grad();
                losses.total.backward()?;
                optimizer.step()?;
            }
            own.iter().for_each(|parameter| parameter.set_requires_grad(false));
            taken.push(losses);
        }
        Ok(join(taken))
    }
}

/// All players' losses as one: the total is their sum.
fn join(all: Vec<Losses>) -> Losses {
    let total = all.iter().skip(1).fold(all[0].total.clone(), |sum, losses| sum + &losses.total);
    Losses { total, terms: all.into_iter().flat_map(|losses| losses.terms).collect() }
}

impl<C: Contest> Training for Turns<C> {
    fn model(&self) -> &dyn Model {
        &self.contest
    }

    fn model_mut(&mut self) -> &mut dyn Model {
        &mut self.contest
    }

    fn prepare(&mut self, data: &Dataset) -> Result<()> {
        self.contest.prepare(data)
    }

    fn losses(&self, batch: &Batch, rng: &Generator) -> Result<Losses> {
        let turn = |seat: &Seat<C::Player>| Ok(self.contest.turn(seat.player, batch, rng, None)?.losses);
        Ok(join(self.seats.iter().map(turn).collect::<Result<_>>()?))
    }

    fn phase(&self, step: u64) -> Option<u64> {
        self.contest.is_steady(step).then_some(0)
    }

    fn set_rates(&mut self, step: u64) {
        let rate = self.contest.rate(step);
        self.seats.iter_mut().for_each(|seat| seat.optimizer.scale_learning_rate(rate));
    }

    fn step(&mut self, batch: &Batch, rng: &Generator, step: u64) -> Result<Losses> {
        self.set_rates(step);
        let taken = self.take_turns(batch, rng, step);
        self.contest.set_requires_grad(true);
        taken
    }

    fn end_epoch(&mut self, data: &Dataset, rng: &Generator) -> Result<()> {
        self.contest.end_epoch(data, rng)
    }

    fn is_ranked_by_loss(&self) -> bool {
        false
    }

    fn optimizers(&mut self) -> Vec<(&'static str, &mut dyn Optimizer)> {
        self.seats.iter_mut().map(|seat| (seat.name, seat.optimizer.as_mut() as &mut dyn Optimizer)).collect()
    }
}
