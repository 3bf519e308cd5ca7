//! Layers, initialisers, losses, optimisers and schedules.
