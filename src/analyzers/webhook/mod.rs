//! The webhooks that inject sidecars.

pub mod injectors;
