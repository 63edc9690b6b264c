//! Runs a case file against the program.

use std::collections::BTreeMap;
use std::path::Path;

use tempfile::TempDir;
use tokio::runtime;

use super::pattern::Names;
use super::{Case, CaseFile, Content, Expect, Step, expect, request};
use crate::program::{Program, spikard};
use crate::raw::Raw;
use crate::upstream::{self, Upstream};

/// How many failures of a file are shown.
const SHOWN: usize = 20;

/// Runs all cases of a file.
///
/// # Errors
/// All that is not as expected, case by case.
pub fn run(path: &Path) -> Result<(), String> {
    let file = CaseFile::read(path)?;
    let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(Running::of(&file, path))
}

/// What a file runs against.
struct Running {
    program: Program,
    upstream: Option<Upstream>,
    names: Names,
}

impl Running {
    async fn of(file: &CaseFile, path: &Path) -> Result<(), String> {
        let folder = write(file)?;
        let mut names = Names::default();
        file.names.iter().for_each(|(name, value)| names.set(name, value.clone()));
        let mut command = spikard(["serve"]);
        command.arg(folder.path().join(name(file)?)).args(["--port", "0"]).envs(&file.env);
        let mut upstream = None;
        if let Some(replies) = &file.upstream {
            let replies: Result<_, String> =
                replies.iter().map(|(path, reply)| Ok((path.clone(), request::reply(reply)?))).collect();
            let started = Upstream::start(replies?, request::reply(&super::Reply::default())?).await;
            command.env("UPSTREAM", format!("http://{}", started.address));
            names.set("upstream", started.address.to_string());
            upstream = Some(started);
        }
        let program = Program::start(command).map_err(|log| format!("the program does not start:\n{log}"))?;
        names.set("address", program.address.to_string());
        let mut running = Self { program, upstream, names };
        let mut failures = Vec::new();
        for case in &file.cases {
            running.case(case, path, &mut failures).await?;
        }
        failures.extend(running.end());
        if failures.is_empty() {
            return Ok(());
        }
        let first = failures.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("\n");
        Err(format!("{first}\n{} failures, at most {SHOWN} of them shown\n\nabout: {}", failures.len(), file.about.trim()))
    }

    async fn case(&mut self, case: &Case, path: &Path, failures: &mut Vec<String>) -> Result<(), String> {
        let steps = steps(case)?;
        for each in values(case, path)? {
            let mut names = self.names.clone();
            names.set("each", names.fill(&each));
            for round in 1..=case.repeat {
                let wrong = match self.exchanges(&steps, &mut names).await {
                    Ok(wrong) => wrong,
                    Err(error) => vec![error],
                };
                let wrong = wrong.into_iter().chain(self.afterwards(case, &names).await?).collect::<Vec<_>>();
                if !wrong.is_empty() {
                    let which = if case.repeat > 1 { format!(" ({round} of {})", case.repeat) } else { String::new() };
                    let value = if each.is_empty() { String::new() } else { format!(" [{}]", each.escape_debug()) };
                    failures.push(format!("- {}{which}{value}\n    {}", case.name, wrong.join("\n    ")));
                    break;
                }
            }
        }
        Ok(())
    }

    /// The exchanges of one connection; the first one that goes wrong ends it.
    async fn exchanges(&self, steps: &[Step], names: &mut Names) -> Result<Vec<String>, String> {
        let mut connection = Raw::connect(self.program.address).await;
        for step in steps {
            let (bytes, to_head) = request::bytes(step.request.as_ref(), step.raw.as_ref(), names)?;
            connection.send(bytes).await;
            let mut interim = Vec::new();
            let answer = loop {
                let answer = connection.read(to_head).await;
                if step.expect.cut {
                    return Ok(cut(answer).err().into_iter().collect());
                }
                match answer? {
                    Some(answer) if answer.status < 200 && answer.status != 101 => interim.push(answer.status),
                    other => break other,
                }
            };
            let mut wrong = compared(&step.expect, answer.as_ref(), names)?;
            if step.expect.interim.as_ref().is_some_and(|expected| *expected != interim) {
                wrong.push(format!("interim answers are {interim:?}, expected {:?}", step.expect.interim));
            }
            if step.expect.closed && answer.is_some() && connection.read(false).await?.is_some() {
                wrong.push("another answer came, expected the end of the connection".into());
            }
            if !wrong.is_empty() {
                wrong.extend(answer.iter().map(|answer| format!("the answer was: {}", answer.head.replace("\r\n", " | "))));
                wrong.extend(
                    answer.iter().map(|answer| format!("its body: {}", answer.text().chars().take(400).collect::<String>())),
                );
                return Ok(wrong);
            }
            for (name, field) in &step.keep {
                let value = answer.as_ref().and_then(|answer| answer.header(field));
                names.set(name, value.ok_or_else(|| format!("{field} is missing, expected one to keep"))?.to_owned());
            }
        }
        Ok(Vec::new())
    }

    async fn afterwards(&self, case: &Case, names: &Names) -> Result<Vec<String>, String> {
        let mut wrong = Vec::new();
        if let Some(upstream) = &self.upstream {
            let seen = upstream.expect(case.upstream.as_ref().map_or(0, Vec::len)).await;
            wrong = match &case.upstream {
                Some(expected) => expect::seen(expected, &seen, names)?,
                None => expect::malformed(&seen),
            };
        } else if case.upstream.is_some() {
            return Err("a case expects something of `upstream`, and the file has none".into());
        }
        for pattern in &case.log {
            if self.program.logged(|line| pattern.is_in(line, names) == Ok(true)).is_none() {
                wrong.push(format!("no line of the log has {pattern:?}; it says:\n{}", self.program.log()));
            }
        }
        Ok(wrong)
    }

    /// Ends the server in order: a request that reached the upstream late shows now.
    fn end(mut self) -> Vec<String> {
        self.program.signal(rustix::process::Signal::TERM);
        let status = self.program.wait();
        let mut wrong = Vec::new();
        if !status.success() {
            wrong.push(format!("- at the end\n    {status}, expected exit status: 0; the log says:\n{}", self.program.log()));
        }
        let late: Vec<upstream::Seen> = self.upstream.iter().flat_map(Upstream::take).collect();
        wrong.extend(
            late.iter().map(|seen| format!("- at the end\n    upstream saw {} {} that no case explains", seen.method, seen.path)),
        );
        wrong
    }
}

/// Whether the connection ended before the answer did.
fn cut(answer: Result<Option<crate::raw::Answer>, String>) -> Result<(), String> {
    match answer {
        Ok(Some(answer)) => Err(format!("a whole answer came with status {}, expected it to be cut", answer.status)),
        Err(error) if !error.contains("the connection ended within") => Err(error),
        Ok(None) | Err(_) => Ok(()),
    }
}

fn compared(expect: &Expect, answer: Option<&crate::raw::Answer>, names: &Names) -> Result<Vec<String>, String> {
    match (answer, expect.nothing) {
        (Some(answer), false) => expect::answer(expect, answer, names),
        (None, true) => Ok(Vec::new()),
        (None, false) => Ok(vec!["the connection was closed, expected an answer".into()]),
        (Some(answer), true) => Ok(vec![format!("status is {}, expected no answer", answer.status)]),
    }
}

fn steps(case: &Case) -> Result<Vec<Step>, String> {
    let steps = match (&case.expect, case.steps.is_empty()) {
        (Some(expect), true) => {
            let (request, raw) = (case.request.clone(), case.raw.clone());
            vec![Step { request, raw, expect: expect.clone(), keep: BTreeMap::new() }]
        }
        (None, false) if case.request.is_none() && case.raw.is_none() => case.steps.clone(),
        _ => return Err(format!("case `{}` has `request` or `raw` with `expect`, or `steps`", case.name)),
    };
    if steps.iter().any(|step| step.expect == Expect::default()) {
        return Err(format!("case `{}` expects nothing of an answer", case.name));
    }
    Ok(steps)
}

/// What `{each}` stands for, run by run; one empty text where the case does not say.
fn values(case: &Case, path: &Path) -> Result<Vec<String>, String> {
    let mut values = case.each.clone();
    if let Some(list) = &case.each_line_of {
        let list = path.with_file_name(list);
        let text = std::fs::read_to_string(&list).map_err(|error| format!("{}: {error}", list.display()))?;
        values.extend(text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(Into::into));
    }
    Ok(if values.is_empty() { vec![String::new()] } else { values })
}

fn name(file: &CaseFile) -> Result<&'static str, String> {
    match (&file.config, &file.config_yaml) {
        (Some(_), None) => Ok("spikard.toml"),
        (None, Some(_)) => Ok("spikard.yaml"),
        _ => Err("a case file has `config` or `config_yaml`".into()),
    }
}

/// The configuration and the files beside it, in a folder of its own.
fn write(file: &CaseFile) -> Result<TempDir, String> {
    let folder = TempDir::new().map_err(|error| error.to_string())?;
    let config = file.config.as_ref().or(file.config_yaml.as_ref()).cloned().unwrap_or_default();
    let config = [(name(file)?.to_owned(), Content::Text(config))];
    for (name, content) in config.iter().map(|(name, content)| (name, content)).chain(&file.files) {
        let path = folder.path().join(name);
        let written = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| match content {
            Content::Symlink { symlink } => std::os::unix::fs::symlink(symlink, &path),
            content => std::fs::write(&path, content.bytes(&Names::default()).map_err(std::io::Error::other)?),
        });
        written.map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(folder)
}
