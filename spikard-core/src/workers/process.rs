//! One worker process as the supervisor has it: its start, what it says, its end.
//!
//! A task owns the process, so that no signal goes to a process that is no longer this one. It
//! takes orders and reports events; what follows from them is the affair of [`super::crew`].

use std::io;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::inheritance::Estate;
use super::supervisor::Plan;
use super::words;
use crate::admin::Member;

/// How often the memory of a worker is looked at.
const WEIGHING: Duration = Duration::from_secs(1);
/// How long a worker may take to end at once.
const AT_ONCE: Duration = Duration::from_secs(1);

/// What happens to a process.
pub(super) enum Event {
    /// It takes connections.
    Ready,
    /// It has served as much, or grown as large, as it may.
    Spent(&'static str),
    /// It has ended.
    Ended(ExitStatus),
}

/// Who a process is, among all of one supervisor.
pub(super) type Id = u64;

/// A worker process.
pub(super) struct Process {
    pub(super) id: Id,
    pub(super) pid: u32,
    /// Since when it takes connections.
    pub(super) ready: Option<Instant>,
    /// What it says of itself, if anybody asks.
    pub(super) member: Option<Arc<Member>>,
    orders: UnboundedSender<Order>,
}

#[derive(Clone, Copy)]
enum Order {
    Drain,
    End,
}

impl Process {
    /// Starts the command as worker `number`.
    pub(super) fn start(plan: &Plan, number: usize, id: Id, report: impl Fn(Event) + Send + 'static) -> io::Result<Self> {
        let (control, theirs) = std::os::unix::net::UnixStream::pair()?;
        control.set_nonblocking(true)?;
        let control = UnixStream::from_std(control)?;
        let (asked, answering) =
            if plan.admin { std::os::unix::net::UnixStream::pair().map(|(a, b)| (Some(a), Some(b)))? } else { (None, None) };
        let member = asked.map(member).transpose()?;
        let Plan { sockets, counters, max_requests, patience, .. } = plan;
        let (max_requests, patience) = (*max_requests, *patience);
        let (listeners, admin) = (sockets.of_each(), answering.as_ref());
        let estate = Estate { number, control: &theirs, listeners, counters, admin, max_requests, patience };
        let ((variable, value), descriptors) = estate.bequeath()?;
        let mut command = Command::new(&plan.program);
        // In a process group of its own, so that Ctrl-C reaches the supervisor alone.
        command.args(&plan.arguments).env(variable, value).stdin(std::process::Stdio::null()).process_group(0);
        let child = command.spawn()?;
        drop(descriptors);
        let pid = child.id().unwrap_or_default();
        let (orders, taken) = unbounded_channel();
        let watched = Watched { child, control: Some(control), max_rss: plan.max_rss, patience: plan.patience };
        tokio::spawn(watched.run(taken, report));
        Ok(Self { id, pid, ready: None, member, orders })
    }

    /// Lets it finish what is in flight; it is killed if it takes too long.
    pub(super) fn drain(&self) {
        // A process that has ended takes no orders.
        let _ = self.orders.send(Order::Drain);
    }

    /// Ends it at once.
    pub(super) fn end(&self) {
        let _ = self.orders.send(Order::End);
    }
}

fn member(stream: std::os::unix::net::UnixStream) -> io::Result<Arc<Member>> {
    stream.set_nonblocking(true)?;
    Ok(Member::new(UnixStream::from_std(stream)?))
}

/// The process in the hands of its task.
struct Watched {
    child: Child,
    control: Option<UnixStream>,
    max_rss: Option<u64>,
    patience: Duration,
}

impl Watched {
    async fn run(mut self, mut orders: UnboundedReceiver<Order>, report: impl Fn(Event)) {
        let mut weighing = interval(WEIGHING);
        weighing.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut deadline: Option<Instant> = None;
        let mut is_ready = false;
        loop {
            let overdue = async {
                match deadline {
                    Some(deadline) => sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                ended = self.child.wait() => {
                    // It fails only for a process that somebody else has waited for.
                    return report(Event::Ended(ended.unwrap_or_default()));
                }
                word = said(&mut self.control) => match word {
                    words::READY => {
                        is_ready = true;
                        report(Event::Ready);
                    }
                    words::REPLACE => report(Event::Spent("max_requests")),
                    _ => {}
                },
                Some(order) = orders.recv() => {
                    let (word, time) = match order {
                        Order::Drain => (words::DRAIN, self.patience),
                        Order::End => (words::END, AT_ONCE),
                    };
                    let latest = Instant::now() + time;
                    deadline = Some(deadline.map_or(latest, |earlier| earlier.min(latest)));
                    self.tell(word, is_ready).await;
                },
                () = overdue => {
                    tracing::warn!(pid = self.child.id(), "a worker does not end: killed");
                    deadline = None;
                    let _ = self.child.start_kill();
                },
                _ = weighing.tick(), if self.max_rss.is_some() => {
                    let rss = self.child.id().and_then(resident_memory);
                    if rss > self.max_rss {
                        self.max_rss = None;
                        report(Event::Spent("max_rss"));
                    }
                }
            }
        }
    }

    async fn tell(&mut self, word: u8, is_ready: bool) {
        if let Some(control) = &mut self.control {
            // One that has closed its end has ended, or is about to.
            let _ = control.write_all(&[word]).await;
        }
        // Who has not yet begun to listen for orders has nothing in flight either.
        if !is_ready && let Some(pid) = self.child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())) {
            let _ = kill_process(pid, Signal::TERM);
        }
    }
}

/// The next word of the worker; never, once it has closed its end.
async fn said(control: &mut Option<UnixStream>) -> u8 {
    if let Some(open) = control {
        if let Ok(word) = open.read_u8().await {
            return word;
        }
        *control = None;
    }
    std::future::pending().await
}

/// The resident memory of a process in bytes, from proc(5).
fn resident_memory(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    #[test]
    fn the_memory_of_a_process_is_known() {
        let rss = super::resident_memory(std::process::id());
        assert!(rss.is_some_and(|rss| rss > 1 << 20), "{rss:?}");
        assert_eq!(super::resident_memory(u32::MAX), None);
    }
}
