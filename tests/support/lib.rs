//! What the black box tests share.

pub mod frames;
pub mod raw;
pub mod running;
