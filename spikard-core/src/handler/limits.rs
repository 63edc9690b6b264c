//! What a body may hold. Its size is bounded by the `max_body_size` policy.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The limits of bodies that are read for a handler. What is past them is refused with 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BodyReadingConfig {
    /// How many arrays and objects of a JSON body may stand one inside the other; more than 512 are never taken.
    #[schemars(range(min = 1, max = 512))]
    pub json_depth: usize,
    /// The number of fields of a form, files not counted.
    #[schemars(range(min = 1))]
    pub form_fields: usize,
    /// The number of files of a form.
    pub form_files: usize,
}

impl BodyReadingConfig {
    /// The depth that is kept to: each level takes some of the stack.
    pub(super) fn depth(&self) -> usize {
        self.json_depth.min(512)
    }
}

impl Default for BodyReadingConfig {
    fn default() -> Self {
        Self { json_depth: 128, form_fields: 1000, form_files: 100 }
    }
}
