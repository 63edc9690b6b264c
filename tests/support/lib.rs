//! What the black box tests share.

pub mod cases;
pub mod frames;
pub mod pages;
pub mod program;
pub mod raw;
pub mod redis;
pub mod running;
pub mod tls;
pub mod upstream;
