//! `spikard-py-server app.py --port 8000`: the server with an interpreter in it.
//!
//! The package `spikard` is the one of this repository or, where it is installed, that one; its
//! extension module is this program's own.

use std::process::ExitCode;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

const START: &std::ffi::CStr = cr#"
import sys
import _spikard

sys.modules["spikard._spikard"] = _spikard
try:
    import spikard
except ModuleNotFoundError:
    sys.path.append(sources)
sys.argv = arguments
from spikard import _reload

_reload.command_line = arguments
sys.exit(_spikard.main(["spikard", "run", *arguments[1:]]))
"#;

fn main() -> ExitCode {
    use _spikard::_spikard;
    pyo3::append_to_inittab!(_spikard);
    Python::initialize();
    Python::attach(|py| match run(py) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code = error.value(py).getattr("code").ok().and_then(|code| code.extract::<Option<u8>>().ok());
            if code.is_none() {
                error.print(py);
            }
            code.map_or(ExitCode::FAILURE, |code| ExitCode::from(code.unwrap_or(0)))
        }
    })
}

fn run(py: Python<'_>) -> PyResult<()> {
    let names = PyDict::new(py);
    names.set_item("arguments", PyList::new(py, std::env::args())?)?;
    names.set_item("sources", concat!(env!("CARGO_MANIFEST_DIR"), "/python"))?;
    py.run(START, Some(&names), None)
}
