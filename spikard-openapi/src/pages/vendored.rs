//! The published bundles, compressed. `vendored/renew.mjs` has made the files, and
//! `vendored/vendored.json` says of what.

use std::fmt;
use std::io::Read as _;
use std::sync::OnceLock;

use flate2::read::GzDecoder;

/// A file that is in the program compressed.
pub struct Vendored {
    /// Its name.
    pub name: &'static str,
    /// Its content, compressed with gzip: every browser takes that, over plain HTTP too.
    pub gzip: &'static [u8],
    plain: OnceLock<Vec<u8>>,
}

impl Vendored {
    const fn new(name: &'static str, gzip: &'static [u8]) -> Self {
        Self { name, gzip, plain: OnceLock::new() }
    }

    /// Its content. It is decompressed when the first client without gzip asks, and then kept.
    pub fn plain(&self) -> &[u8] {
        self.plain.get_or_init(|| {
            let mut plain = Vec::new();
            // It is what the tests have decompressed: this does not fail.
            let _ = GzDecoder::new(self.gzip).read_to_end(&mut plain);
            plain
        })
    }
}

impl fmt::Debug for Vendored {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Vendored").field("name", &self.name).finish_non_exhaustive()
    }
}

macro_rules! vendored {
    ($($constant:ident = $package:literal $name:literal;)*) => {
        $(pub(super) static $constant: Vendored = Vendored::new(
            $name,
            include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/vendored/", $package, "/", $name, ".gz")),
        );)*

        /// All of them, with the name of their package.
        #[cfg(test)]
        pub(super) static ALL: &[(&str, &Vendored)] = &[$(($package, &$constant)),*];
    };
}

vendored! {
    SWAGGER_UI = "swagger-ui-dist" "swagger-ui-bundle.js";
    SWAGGER_UI_STYLE = "swagger-ui-dist" "swagger-ui.css";
    SWAGGER_UI_LICENSES = "swagger-ui-dist" "licenses.txt";
    REDOC = "redoc" "redoc.standalone.js";
    REDOC_LICENSES = "redoc" "licenses.txt";
    SCALAR = "scalar" "standalone.js";
    SCALAR_LICENSES = "scalar" "licenses.txt";
}
