//! The settings of static files, for an entry of `[[static_files]]` and for the leaf of a route.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::with_policies;

/// Declares both structs, so that the fields they share stand here once. No `serde(flatten)`: it
/// loses the places of errors.
macro_rules! static_files {
    ([$($directory:tt)*] $($fields:tt)*) => {
        /// A directory whose files are served: the leaf `static_files` of a route. The route's
        /// path ends in `{*rest}`, and the rest names the file.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct DirectoryConfig {
            $($directory)*
            $($fields)*
        }

        with_policies! {
            /// A directory whose files are served under a path.
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
            #[serde(deny_unknown_fields)]
            pub struct StaticFilesConfig {
                $($directory)*
                /// The path under which the files are served: `/assets`, or `/` for all paths that
                /// nothing else answers.
                pub route_prefix: String,
                $($fields)*
            }
            defaults {
                directory: PathBuf::new(),
                route_prefix: String::new(),
                index_file: DirectoryConfig::default_index_file(),
                cache_control: None,
                fallback: None,
                precompressed: false,
            }
        }
    };
}

static_files! {
    [
        /// The directory.
        #[schemars(extend("format" = crate::units::PATH_FORMAT))]
        pub directory: PathBuf,
    ]
    /// Whether `index.html` answers for the directory that it is in.
    #[serde(default = "DirectoryConfig::default_index_file")]
    pub index_file: bool,
    /// The `Cache-Control` of every file, such as `public, max-age=3600`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    /// The file in the directory that answers when a browser opens a page for which there is no
    /// file: `index.html`, for an application that routes in the browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// Whether `app.js.br`, `app.js.zst` and `app.js.gz` answer for `app.js`, where the client
    /// accepts that. Only for directories in which such files hold the same content.
    #[serde(default)]
    pub precompressed: bool,
}

impl DirectoryConfig {
    /// A directory with the default settings.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        StaticFilesConfig::new(directory, "/").files()
    }

    fn default_index_file() -> bool {
        true
    }
}

impl StaticFilesConfig {
    /// A directory with the default settings.
    pub fn new(directory: impl Into<PathBuf>, route_prefix: impl Into<String>) -> Self {
        Self { directory: directory.into(), route_prefix: route_prefix.into(), ..Self::default() }
    }

    /// What is said about the files, without the route.
    pub fn files(&self) -> DirectoryConfig {
        DirectoryConfig {
            directory: self.directory.clone(),
            index_file: self.index_file,
            cache_control: self.cache_control.clone(),
            fallback: self.fallback.clone(),
            precompressed: self.precompressed,
        }
    }
}
