//! The manual pages: what `--help` says, and what belongs to a program beyond its arguments.

use std::io;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::Cli;

/// Headings of the page of the program, each with its entries: what it is about, and what there is to say.
const SECTIONS: [(&str, &[(&str, &str)]); 4] = [
    (
        "SIGNALS",
        &[
            ("SIGTERM, SIGINT", "End: requests in flight are finished within shutdown_timeout. A second one ends at once."),
            ("SIGHUP", "Read the configuration again. A file with an error changes nothing."),
        ],
    ),
    (
        "ENVIRONMENT",
        &[
            ("SPIKARD_HOST, SPIKARD_PORT", "Where to listen, in place of what the file says."),
            ("RUST_LOG", "What is logged to standard error: error, warn, info (the default), debug, trace."),
            ("LISTEN_FDS, LISTEN_PID", "Sockets from a service manager, in place of host and port (systemd.socket(5))."),
            ("NOTIFY_SOCKET", "Where a service manager is told of the start, of reloads and of the end (sd_notify(3))."),
            ("NAME", "Whatever the file refers to as ${NAME} or ${NAME:-default}."),
        ],
    ),
    (
        "EXIT STATUS",
        &[
            ("0", "Success; of serve, an end in good order."),
            ("1", "The configuration has errors, a test failed, or the address cannot be had."),
            ("2", "The command line is wrong."),
        ],
    ),
    ("SEE ALSO", &[("docs/guide.md, docs/configuration.md", "The guide, and every key of a configuration.")]),
];

/// The manual pages, each with the name of its file: of the program, and of each command.
///
/// # Errors
/// When a page cannot be written.
pub fn man_pages() -> io::Result<Vec<(String, String)>> {
    let mut program = Cli::command();
    program.build();
    let commands: Vec<Command> = program.get_subcommands().filter(|command| is_shown(command)).cloned().collect();
    let mut pages = vec![page(program, &SECTIONS)?];
    for command in commands {
        pages.push(page(command, &[])?);
    }
    Ok(pages)
}

fn is_shown(command: &Command) -> bool {
    !command.is_hide_set() && command.get_name() != "help"
}

fn page(command: Command, sections: &[(&str, &[(&str, &str)])]) -> io::Result<(String, String)> {
    let man = Man::new(command).source(concat!("spikard ", env!("CARGO_PKG_VERSION"))).manual("Spikard").date("");
    let mut text = Vec::new();
    man.render(&mut text)?;
    let mut more = Roff::new();
    for (heading, entries) in sections {
        more.control("SH", [*heading]);
        for (about, said) in *entries {
            more.control("TP", []);
            more.text([bold(*about)]);
            more.text([roman(*said)]);
        }
    }
    more.to_writer(&mut text)?;
    Ok((man.get_filename(), String::from_utf8_lossy(&text).into_owned()))
}
