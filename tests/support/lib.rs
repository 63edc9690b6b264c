//! What the black box tests share.

pub mod raw;
pub mod running;
