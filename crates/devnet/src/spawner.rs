//! Starts children that can't outlive this process.
//!
//! Linux kills a child with its parent when asked to (`PR_SET_PDEATHSIG`), but "parent" there means the thread that
//! forked. A test's thread ends with the test, while a fixture it started should serve the next test; so one thread
//! that lasts as long as the process does all the forking.

use std::{
    io,
    process::{Child, Command},
    sync::{
        OnceLock,
        mpsc::{SyncSender, sync_channel},
    },
};

struct Request {
    command: Command,
    reply: SyncSender<io::Result<Child>>,
}

static SPAWNER: OnceLock<SyncSender<Request>> = OnceLock::new();

/// Starts a command whose process is killed when this one ends, however it ends.
pub(crate) fn spawn(mut command: Command) -> io::Result<Child> {
    die_with_parent(&mut command);
    let (reply, answer) = sync_channel(1);
    spawner().send(Request { command, reply }).map_err(|_| gone())?;
    answer.recv().map_err(|_| gone())?
}

fn spawner() -> &'static SyncSender<Request> {
    SPAWNER.get_or_init(|| {
        let (sender, requests) = sync_channel::<Request>(16);
        std::thread::spawn(move || {
            for Request { mut command, reply } in requests {
                // Whoever asked may have gone; then the child is dropped, and nobody waits for it but `init`.
                let _ = reply.send(command.spawn());
            }
        });
        sender
    })
}

fn gone() -> io::Error {
    io::Error::other("the thread that starts processes has ended")
}

#[cfg(target_os = "linux")]
fn die_with_parent(command: &mut Command) {
    use std::os::unix::process::CommandExt;

    use nix::{
        errno::Errno,
        sys::{prctl::set_pdeathsig, signal::Signal},
        unistd::{Pid, getppid},
    };

    let parent = Pid::this();
    let hook = move || {
        set_pdeathsig(Signal::SIGKILL)?;
        // The parent may have died between fork and prctl: then nobody would send the signal.
        if getppid() == parent { Ok(()) } else { Err(Errno::ESRCH.into()) }
    };
    // SAFETY: between fork and exec only async-signal-safe calls are allowed: the hook makes two system calls and
    // neither allocates nor takes a lock.
    unsafe { command.pre_exec(hook) };
}

/// Elsewhere the child is killed when its handle is dropped, which a killed parent can't do.
#[cfg(not(target_os = "linux"))]
fn die_with_parent(_command: &mut Command) {}
