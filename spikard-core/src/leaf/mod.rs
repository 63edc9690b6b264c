//! The leaves: services that answer at the end of a stack.

mod directory;
mod held;
mod page;
mod redirect;
mod refusal;
mod response;

pub use directory::Directory;
pub(crate) use directory::prefix;
pub(crate) use held::is_held;
pub(crate) use page::PageResource;
pub use redirect::Redirect;
pub(crate) use refusal::{Allowed, MethodNotAllowed, NotFound, Options};
pub use response::FixedResponse;
