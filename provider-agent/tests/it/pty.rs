//! A terminal with somebody at it.

use std::{
    fs::File,
    io::{ErrorKind, Read, Write},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use nix::pty::{Winsize, openpty};

/// How long anything may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

/// A program on a terminal of its own.
pub(crate) struct Terminal {
    child: Child,
    keyboard: File,
    screen: Arc<Mutex<String>>,
    seen: usize,
}

impl Terminal {
    pub(crate) fn start(mut command: Command) -> Self {
        let size = Winsize { ws_row: 50, ws_col: 400, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).expect("a terminal");
        let side = || Stdio::from(pty.slave.try_clone().expect("a descriptor"));
        let child = command.stdin(side()).stdout(side()).stderr(side()).spawn().expect("it starts");
        drop(command);
        drop(pty.slave);
        let keyboard = File::from(pty.master);
        let screen = Arc::new(Mutex::new(String::new()));
        let (mut output, written) = (keyboard.try_clone().expect("a descriptor"), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // The terminal is gone when the program is: Linux says EIO.
            while let Ok(count @ 1..) = output.read(&mut buffer) {
                written.lock().expect("no panic").push_str(&String::from_utf8_lossy(&buffer[..count]));
            }
        });
        Self { child, keyboard, screen, seen: 0 }
    }

    /// Waits until this stands on the screen, after what was waited for before.
    pub(crate) async fn until(&mut self, text: &str) {
        let started = Instant::now();
        loop {
            let shown = self.screen.lock().expect("no panic").clone();
            if let Some(at) = shown[self.seen..].find(text) {
                self.seen += at + text.len();
                return;
            }
            assert!(started.elapsed() < LIMIT, "no `{text}` in:\n{shown}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn type_in(&mut self, keys: &str) {
        match self.keyboard.write_all(keys.as_bytes()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => panic!("nobody reads: {error}"),
            _ => {}
        }
    }

    /// Answers a question.
    pub(crate) async fn answer(&mut self, question: &str, keys: &str) {
        self.until(question).await;
        self.type_in(keys);
    }

    /// Whether it ended well, and all that it showed.
    pub(crate) async fn ended(mut self) -> (bool, String) {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a state") {
                return (status.success(), self.screen.lock().expect("no panic").clone());
            }
            assert!(started.elapsed() < LIMIT, "it does not end:\n{}", self.screen.lock().expect("no panic"));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
