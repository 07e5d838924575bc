//! Arguments, environment, clocks, randomness, waiting; and the sockets that are not there.

use super::{
    Host,
    clock::Clock,
    memory::{MAX_TRANSFER, Memory, offset},
};
use crate::fault::{Errno, Fault};

const SUBSCRIPTION_BYTES: u32 = 48;
const EVENT_BYTES: u32 = 32;
/// Subscriptions that one poll may hold.
const MAX_SUBSCRIPTIONS: u32 = 1024;
const ABSOLUTE_TIME: u16 = 1;

type Done = Result<(), Fault>;

pub(super) fn args_get(host: &mut Host, memory: &mut Memory<'_>, argv: u32, text: u32) -> Done {
    memory.write_strings(argv, text, &host.args)
}

pub(super) fn args_sizes_get(host: &mut Host, memory: &mut Memory<'_>, count: u32, size: u32) -> Done {
    write_sizes(memory, count, size, &host.args)
}

pub(super) fn environ_get(host: &mut Host, memory: &mut Memory<'_>, environ: u32, text: u32) -> Done {
    memory.write_strings(environ, text, &host.env)
}

pub(super) fn environ_sizes_get(host: &mut Host, memory: &mut Memory<'_>, count: u32, size: u32) -> Done {
    write_sizes(memory, count, size, &host.env)
}

fn write_sizes(memory: &mut Memory<'_>, count: u32, size: u32, strings: &[Vec<u8>]) -> Done {
    let total: usize = strings.iter().map(Vec::len).sum();
    memory.write_u32(count, u32::try_from(strings.len()).map_err(|_| Errno::Overflow)?)?;
    memory.write_u32(size, u32::try_from(total).map_err(|_| Errno::Overflow)?)?;
    Ok(())
}

/// Whether a clock id is the wall clock; the others (monotonic, CPU times) run from the start of the program.
fn is_wall(id: u32) -> Result<bool, Errno> {
    match id {
        0 => Ok(true),
        1..=3 => Ok(false),
        _ => Err(Errno::Inval),
    }
}

pub(super) fn clock_res_get(_: &mut Host, memory: &mut Memory<'_>, id: u32, out: u32) -> Done {
    is_wall(id)?;
    Ok(memory.write_u64(out, Clock::resolution())?)
}

pub(super) fn clock_time_get(host: &mut Host, memory: &mut Memory<'_>, id: u32, _precision: u64, out: u32) -> Done {
    let wall = is_wall(id)?;
    Ok(memory.write_u64(out, host.clock.read(wall))?)
}

pub(super) fn random_get(host: &mut Host, memory: &mut Memory<'_>, out: u32, length: u32) -> Done {
    let buffer = memory.buffer(out, length)?;
    if buffer.len() > MAX_TRANSFER {
        return Err(Errno::Inval.into());
    }
    host.random.fill(memory.bytes_mut(buffer));
    host.count(buffer.len());
    Ok(())
}

/// One wait of a poll.
enum Wait {
    /// Until a moment on the clock that runs from the start.
    Clock {
        until: u64,
    },
    /// For a descriptor; all of them are always ready.
    Ready,
    Invalid(Errno),
}

/// Files are always ready; if only clocks are waited for, the earliest moment comes at once.
pub(super) fn poll_oneoff(
    host: &mut Host,
    memory: &mut Memory<'_>,
    subscriptions: u32,
    events: u32,
    count: u32,
    out: u32,
) -> Done {
    if count == 0 || count > MAX_SUBSCRIPTIONS {
        return Err(Errno::Inval.into());
    }
    let mut waits = Vec::with_capacity(count as usize);
    for index in 0..count {
        let at = offset(subscriptions, index * SUBSCRIPTION_BYTES)?;
        waits.push((memory.read_u64(at)?, memory.read_u8(offset(at, 8)?)?, read_wait(host, memory, at)?));
    }
    if !waits.iter().any(|(_, _, wait)| !matches!(wait, Wait::Clock { .. })) {
        let first = waits.iter().filter_map(|(_, _, wait)| wait.until()).min().unwrap_or_default();
        host.clock.sleep(first.saturating_sub(host.clock.now(false)));
    }
    let now = host.clock.now(false);
    let mut happened = 0;
    for (userdata, kind, wait) in &waits {
        let errno = match wait {
            Wait::Clock { until } if *until > now => continue,
            Wait::Clock { .. } | Wait::Ready => 0,
            Wait::Invalid(errno) => *errno as u16,
        };
        let mut event = [0; EVENT_BYTES as usize];
        event[..8].copy_from_slice(&userdata.to_le_bytes());
        event[8..10].copy_from_slice(&errno.to_le_bytes());
        event[10] = *kind;
        memory.write(offset(events, happened * EVENT_BYTES)?, &event)?;
        happened += 1;
    }
    Ok(memory.write_u32(out, happened)?)
}

impl Wait {
    fn until(&self) -> Option<u64> {
        match self {
            Self::Clock { until } => Some(*until),
            Self::Ready | Self::Invalid(_) => None,
        }
    }
}

fn read_wait(host: &Host, memory: &Memory<'_>, at: u32) -> Result<Wait, Errno> {
    let kind = memory.read_u8(offset(at, 8)?)?;
    match kind {
        0 => {
            let timeout = memory.read_u64(offset(at, 24)?)?;
            let Ok(wall) = is_wall(memory.read_u32(offset(at, 16)?)?) else {
                return Ok(Wait::Invalid(Errno::Inval));
            };
            let start = host.clock.now(false);
            let until = match memory.read_u16(offset(at, 40)?)? & ABSOLUTE_TIME {
                0 => start.saturating_add(timeout),
                _ => start.saturating_add(timeout.saturating_sub(host.clock.now(wall))),
            };
            Ok(Wait::Clock { until })
        }
        1 | 2 => match host.descriptors.contains(memory.read_u32(offset(at, 16)?)?) {
            true => Ok(Wait::Ready),
            false => Ok(Wait::Invalid(Errno::Badf)),
        },
        _ => Ok(Wait::Invalid(Errno::Inval)),
    }
}

pub(super) fn sched_yield(_: &mut Host, _: &mut Memory<'_>) -> Done {
    Ok(())
}

pub(super) fn proc_raise(_: &mut Host, _: &mut Memory<'_>, _signal: u32) -> Done {
    Err(Errno::Notsup.into())
}

pub(super) fn sock_accept(_: &mut Host, _: &mut Memory<'_>, _fd: u32, _flags: u32, _out: u32) -> Done {
    Err(Errno::Notsock.into())
}

pub(super) fn sock_recv(
    _: &mut Host,
    _: &mut Memory<'_>,
    _fd: u32,
    _vector: u32,
    _count: u32,
    _flags: u32,
    _out: u32,
    _out_flags: u32,
) -> Done {
    Err(Errno::Notsock.into())
}

pub(super) fn sock_send(
    _: &mut Host,
    _: &mut Memory<'_>,
    _fd: u32,
    _vector: u32,
    _count: u32,
    _flags: u32,
    _out: u32,
) -> Done {
    Err(Errno::Notsock.into())
}

pub(super) fn sock_shutdown(_: &mut Host, _: &mut Memory<'_>, _fd: u32, _how: u32) -> Done {
    Err(Errno::Notsock.into())
}
