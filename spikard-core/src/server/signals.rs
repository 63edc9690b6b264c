//! When to stop: the first signal asks for a graceful end, a second one for an end at once.

use std::future::pending;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// Where a server hears that it shall stop.
pub struct Signals(Source);

enum Source {
    Process { terminate: Signal, interrupt: Signal },
    Handle(mpsc::UnboundedReceiver<()>),
}

impl Signals {
    /// SIGTERM and SIGINT of this process.
    ///
    /// # Errors
    /// When the handlers cannot be set.
    pub fn of_process() -> io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self(Source::Process { terminate, interrupt: signal(SignalKind::interrupt())? }))
    }

    /// Signals that a program gives itself, through the handle.
    pub fn by_hand() -> (Stop, Self) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Stop(sender), Self(Source::Handle(receiver)))
    }

    /// Waits for the next signal. Dropping the future loses none.
    pub(super) async fn next(&mut self) {
        let heard = match &mut self.0 {
            Source::Process { terminate, interrupt } => tokio::select! {
                heard = terminate.recv() => heard,
                heard = interrupt.recv() => heard,
            },
            Source::Handle(receiver) => receiver.recv().await,
        };
        if heard.is_none() {
            pending::<()>().await;
        }
    }
}

/// Gives signals by hand.
#[derive(Clone)]
pub struct Stop(mpsc::UnboundedSender<()>);

impl Stop {
    /// Asks for a graceful end; the second time for an end at once.
    pub fn signal(&self) {
        // A server that has ended hears nothing, and need not.
        let _ = self.0.send(());
    }
}
