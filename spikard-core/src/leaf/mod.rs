//! The leaves: services that answer at the end of a stack.

mod directory;
mod redirect;
mod refusal;
mod response;

pub use directory::Directory;
pub(crate) use directory::prefix;
pub use redirect::Redirect;
pub(crate) use refusal::{Allowed, MethodNotAllowed, NotFound, Options};
pub use response::FixedResponse;
