//! When to stop: the first signal asks for a graceful end, a second one for an end at once.

use std::future::pending;
use std::io;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// The graceful end is the first step, the end at once the second.
const DRAIN: u8 = 1;
const END: u8 = 2;

/// What was told by hand.
#[derive(Clone, Copy, Default)]
struct Told {
    signals: u8,
    /// The step that was asked for by its name.
    step: u8,
}

/// Where a server hears that it shall stop.
pub struct Signals {
    process: Option<Process>,
    stop: Stop,
    told: watch::Receiver<Told>,
    /// How many steps were taken.
    heard: u8,
}

/// The signals of this process.
struct Process {
    terminate: Signal,
    interrupt: Signal,
    came: u8,
}

impl Signals {
    /// SIGTERM and SIGINT of this process.
    ///
    /// # Errors
    /// When the handlers cannot be set.
    pub fn of_process() -> io::Result<Self> {
        let process =
            Process { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())?, came: 0 };
        Ok(Self { process: Some(process), ..Self::by_hand().1 })
    }

    /// Signals that a program gives itself, through the handle.
    pub fn by_hand() -> (Stop, Self) {
        let (sender, told) = watch::channel(Told::default());
        let stop = Stop(Arc::new(sender));
        (stop.clone(), Self { process: None, stop, told, heard: 0 })
    }

    /// A handle that gives signals beside those of the process.
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Waits for the next signal. Dropping the future loses none.
    pub(super) async fn next(&mut self) {
        loop {
            let Told { signals, step } = *self.told.borrow_and_update();
            let came = self.process.as_ref().map_or(0, |process| process.came);
            // Signals add up, wherever they come from; the same wish once more is no signal.
            if signals.saturating_add(came).max(step) > self.heard {
                self.heard += 1;
                return;
            }
            let next_of_process = async {
                let Some(process) = &mut self.process else { return pending().await };
                let heard = tokio::select! {
                    heard = process.terminate.recv() => heard,
                    heard = process.interrupt.recv() => heard,
                };
                match heard {
                    Some(()) => process.came = process.came.saturating_add(1),
                    None => pending().await,
                }
            };
            tokio::select! {
                () = next_of_process => {}
                // The sender is ours, so it is never gone.
                _ = self.told.changed() => {}
            }
        }
    }
}

/// Gives signals by hand.
#[derive(Clone)]
pub struct Stop(Arc<watch::Sender<Told>>);

impl Stop {
    /// Asks for a graceful end; the second time for an end at once.
    pub fn signal(&self) {
        self.0.send_modify(|told| told.signals = told.signals.saturating_add(1));
    }

    /// Asks for a graceful end, however often it is called, and whatever signal came before.
    pub fn drain(&self) {
        self.0.send_modify(|told| told.step = told.step.max(DRAIN));
    }

    /// Asks for an end at once.
    pub fn end(&self) {
        self.0.send_modify(|told| told.step = END);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn the_same_wish_twice_is_one_signal_and_an_end_is_two() {
        let (stop, mut signals) = Signals::by_hand();
        assert!(signals.next().now_or_never().is_none());
        stop.drain();
        stop.signal();
        stop.drain();
        assert!(signals.next().now_or_never().is_some());
        assert!(signals.next().now_or_never().is_none());
        stop.end();
        assert!(signals.next().now_or_never().is_some());
        assert!(signals.next().now_or_never().is_none());
    }
}
