//! `keys new`: a key for a consumer, shown once, and its digest for the configuration.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use spikard_middleware::authentication::api_key_auth::Consumers;
use spikard_middleware::{Moment, NewKey, units};

use super::inspect;

/// What to do with keys.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum KeysCommand {
    /// Make a key for a consumer, and show it this once
    ///
    /// With --file, its digest is added to that file, which `api_key_auth.consumers_file` names: a
    /// running server takes the key within a second. Without, the lines for a configuration are
    /// written.
    New(NewArguments),
}

/// Arguments of `keys new`.
#[derive(Debug, Clone, Args)]
pub(super) struct NewArguments {
    /// Whose key it is
    consumer: String,
    /// A file of consumers; it is made if it is not there
    #[arg(short, long)]
    file: Option<PathBuf>,
    /// When the consumer's keys end: a time such as 2027-01-31, or after a while such as 90d
    #[arg(long, value_name = "TIME", value_parser = moment)]
    expires: Option<Moment>,
}

/// The key goes to standard output, so that a script can take it; what is to be done with its
/// digest goes to standard error.
pub(super) fn run(command: &KeysCommand) -> ExitCode {
    let KeysCommand::New(arguments) = command;
    let made = NewKey::random().and_then(|key| {
        let told = arguments.file.as_ref().map_or_else(|| Ok(lines(arguments, &key)), |file| add(file, arguments, &key))?;
        Ok((key, told))
    });
    match made {
        Ok((key, told)) => {
            let written = inspect::write(&format!("{}\n", key.key.expose()));
            eprintln!("\nThis key is shown once. {told}");
            written
        }
        Err(error) => {
            let place = arguments.file.as_ref().map(|file| format!("{}: ", file.display())).unwrap_or_default();
            eprintln!("spikard: {place}{error}");
            ExitCode::FAILURE
        }
    }
}

fn moment(text: &str) -> Result<Moment, String> {
    match units::duration::parse(text) {
        Ok(later) => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            now.checked_add(later).map(Moment::from).ok_or_else(|| format!("`{text}` is too far away"))
        }
        Err(_) => text.parse().map_err(|error| format!("{error}, or after a while such as \"90d\"")),
    }
}

/// What to write into a configuration.
fn lines(arguments: &NewArguments, key: &NewKey) -> String {
    let name = &arguments.consumer;
    let is_bare = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    // A key of TOML may be any text in quotes, which are those of JSON.
    let name = if is_bare { name.clone() } else { Value::from(name.as_str()).to_string() };
    let expires = arguments.expires.map(|expires| format!("\nexpires = \"{expires}\"")).unwrap_or_default();
    format!("In a configuration stands its digest:\n\n[api_key_auth.consumers.{name}]\nkeys = [\"{}\"]{expires}", key.digest)
}

/// Adds the digest to a file, which is another one from one moment to the next: a server that reads
/// it meanwhile sees the old one or the new one.
fn add(file: &Path, arguments: &NewArguments, key: &NewKey) -> io::Result<String> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => "{}".to_owned(),
        Err(error) => return Err(error),
    };
    let mut consumers: Map<String, Value> = serde_json::from_str(&text).map_err(malformed)?;
    let consumer = consumers.entry(&arguments.consumer).or_insert_with(|| json!({ "keys": [] }));
    let Some(keys) = consumer.get_mut("keys").and_then(Value::as_array_mut) else {
        return Err(malformed(format!("`{}` has no list of keys", arguments.consumer)));
    };
    keys.push(key.digest.as_str().into());
    let count = keys.len();
    if let Some(expires) = arguments.expires {
        consumer["expires"] = expires.to_string().into();
    }
    let written = serde_json::to_string_pretty(&consumers)? + "\n";
    serde_json::from_str::<Consumers>(&written).map_err(malformed)?;
    replace(file, &written)?;
    let keys = if count == 1 { "1 key".to_owned() } else { format!("{count} keys") };
    Ok(format!("Its digest is in {}, where {} has {keys}.", file.display(), arguments.consumer))
}

fn malformed(error: impl std::fmt::Display) -> io::Error {
    io::Error::other(format!("is no file of consumers: {error}"))
}

fn replace(file: &Path, text: &str) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(text.as_bytes())?;
    if let Ok(metadata) = std::fs::metadata(file) {
        temporary.as_file().set_permissions(metadata.permissions())?;
    }
    temporary.as_file().sync_all()?;
    temporary.persist(file)?;
    Ok(())
}
