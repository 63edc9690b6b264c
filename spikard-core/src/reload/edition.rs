//! What a file said at one time: the configuration, and the gateway that is built of it.

use std::path::Path;
use std::sync::Arc;

use crate::config::{Loaded, Report, load, process_environment};
use crate::gateway::Gateway;
use crate::python::PythonLeaves;
use spikard_middleware::BuildError;

/// A configuration, and what is built from it.
pub struct Edition {
    /// The configuration as the file has it.
    pub written: Loaded,
    /// The same with the routes of the Python applications that it names.
    pub loaded: Loaded,
    /// All routes.
    pub gateway: Arc<Gateway>,
    /// What was built but is probably not what was meant.
    pub warnings: Report,
}

impl Edition {
    /// Reads a file and builds what it says.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn read(file: &Path, python: &dyn PythonLeaves) -> Result<Self, Report> {
        Self::build(file, python, &|loaded| Gateway::build_loaded(loaded, &loaded.context(), python))
    }

    /// Reads a file and builds what it says in the place of this edition: what is as it was is taken
    /// over with its state.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn next(&self, file: &Path, python: &dyn PythonLeaves) -> Result<Self, Report> {
        Self::build(file, python, &|loaded| self.gateway.successor(&self.loaded, loaded, python))
    }

    fn build(
        file: &Path,
        python: &dyn PythonLeaves,
        gateway: &dyn Fn(&Loaded) -> Result<Gateway, BuildError>,
    ) -> Result<Self, Report> {
        let and_of_the_rest = |report: Report| report.and_of_the_rest(|rest| gateway(rest).map(drop));
        let written = load(file, &process_environment).map_err(and_of_the_rest)?;
        let loaded = written.mount(python, &process_environment).map_err(and_of_the_rest)?;
        let gateway = gateway(&loaded).map_err(|error| loaded.locate(error))?;
        let warnings = loaded.locate_warnings(gateway.warnings().to_vec());
        Ok(Self { written, loaded, gateway: Arc::new(gateway), warnings })
    }
}
