//! Recurrent layers. Gates lie in PyTorch's order along the first axis of the weights.

mod cell;
mod gru;
mod lstm;
mod stack;

pub use gru::{GRU, GRUCell};
pub use lstm::{LSTM, LSTMCell};
pub use stack::RecurrentBuilder;
