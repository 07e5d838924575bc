//! Wakes who waits for something to happen to a replicated task. It only says when to ask the chain, never what it says.

use std::time::Duration;

use tokio::sync::watch;

use crate::{error::AgentError, serve::Desk};

/// Without news the chain is asked so often all the same: an endpoint may have been behind when there was some.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// The bell.
#[derive(Debug, Default)]
pub(crate) struct News(watch::Sender<()>);

impl News {
    /// Something happened.
    pub(crate) fn ring(&self) {
        self.0.send_replace(());
    }

    /// Hears what rings from now on.
    pub(super) fn listen(&self) -> Listener {
        Listener(self.0.subscribe())
    }
}

/// Hears the bell.
#[derive(Debug)]
pub(super) struct Listener(watch::Receiver<()>);

impl Listener {
    /// What has rung so far is known: to be called before the chain is asked, so that nothing is missed after it.
    pub(super) fn forget(&mut self) {
        self.0.mark_unchanged();
    }

    /// Waits for news, for a block after a time of the chain, or for the next look without any.
    pub(super) async fn wait(&mut self, desk: &Desk, past: Option<u64>) -> Result<(), AgentError> {
        let time = async {
            match past {
                Some(time) => desk.clock.past(time).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = desk.sender.token().cancelled() => Err(AgentError::stopped()),
            // The bell hangs as long as the desk stands.
            _ = self.0.changed() => Ok(()),
            passed = time => passed,
            () = tokio::time::sleep(LOOK_AGAIN) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rings_after_a_look_is_heard() {
        let news = News::default();
        let mut listener = news.listen();
        news.ring();
        listener.forget();
        assert!(!listener.0.has_changed().expect("it hangs"));
        news.ring();
        assert!(listener.0.has_changed().expect("it hangs"));
    }
}
