//! Whether somebody else uses this machine.

use std::{
    fs, io,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Processor time since the system started, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ticks {
    /// Of all processors.
    total: u64,
    /// Of these, spent on anything.
    busy: u64,
    /// Of these, spent by this process and what it has waited for.
    own: u64,
}

/// Watches what others make of the processors.
#[derive(Debug, Default)]
pub(crate) struct Load {
    last: Option<Ticks>,
    percent: u8,
}

/// Fewer ticks than these tell nothing: a tenth of a second of ten processors.
const MIN_TICKS: u64 = 100;

impl Load {
    /// How much of all processors others used since the last look, percent. The first look says 0.
    pub(crate) fn look(&mut self) -> io::Result<u8> {
        let now = Ticks::read()?;
        match self.last {
            Some(last) if now.total.saturating_sub(last.total) < MIN_TICKS => {}
            Some(last) => {
                self.percent = percent(last, now);
                self.last = Some(now);
            }
            None => self.last = Some(now),
        }
        Ok(self.percent)
    }
}

fn percent(last: Ticks, now: Ticks) -> u8 {
    let total = now.total.saturating_sub(last.total).max(1);
    let others = now.busy.saturating_sub(last.busy).saturating_sub(now.own.saturating_sub(last.own));
    u8::try_from(others.saturating_mul(100) / total).unwrap_or(100).min(100)
}

impl Ticks {
    fn read() -> io::Result<Self> {
        let unknown =
            || io::Error::new(io::ErrorKind::InvalidData, "/proc tells the processors' time in an unknown way");
        let (total, busy) = of_system(&fs::read_to_string("/proc/stat")?).ok_or_else(unknown)?;
        let own = of_process(&fs::read_to_string("/proc/self/stat")?).ok_or_else(unknown)?;
        Ok(Self { total, busy, own })
    }
}

/// Total and busy time of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal; guests are in user.
fn of_system(stat: &str) -> Option<(u64, u64)> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let times: Vec<u64> = line.split_whitespace().take(8).map(str::parse).collect::<Result<_, _>>().ok()?;
    let total = times.iter().sum();
    let idle: u64 = times.get(3..5)?.iter().sum();
    Some((total, total - idle))
}

/// A process' time in `/proc/self/stat`: fields 14 to 17, counted after the name, which may hold anything.
fn of_process(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let times: Vec<u64> = fields.split_whitespace().skip(11).take(4).map(str::parse).collect::<Result<_, _>>().ok()?;
    (times.len() == 4).then(|| times.iter().sum())
}

/// How long nobody has typed on a terminal of this machine; `None` if there is none. As `w` tells it: by the last time that a
/// terminal was read from.
pub(crate) fn away() -> Option<Duration> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    ["/dev", "/dev/pts"]
        .iter()
        .filter_map(|folder| last_read(Path::new(folder)))
        .max()
        .map(|last| now.saturating_sub(Duration::from_secs(last)))
}

/// Unix seconds of the latest reading of a terminal in a folder.
fn last_read(folder: &Path) -> Option<u64> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let terminals = entries.filter(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // Of consoles those that people sit at; `/dev/tty` is whoever asks.
        let number = name.strip_prefix("tty").unwrap_or(&name);
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    let read = terminals.filter_map(|entry| {
        let metadata = entry.metadata().ok().filter(|metadata| metadata.file_type().is_char_device())?;
        u64::try_from(metadata.atime()).ok()
    });
    read.max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_and_the_process_tell_their_time_as_linux_does() {
        let stat = "cpu  100 5 50 800 20 3 2 20 7 1\ncpu0 1 2 3\n";
        assert_eq!(of_system(stat), Some((1000, 180)));
        let process = "42 (odd) name) S 1 42 42 0 -1 4194304 100 0 0 0 11 22 33 44 20 0 9 0 100";
        assert_eq!(of_process(process), Some(110));
        assert_eq!((of_system("nothing"), of_process("nothing")), (None, None));
    }

    #[test]
    fn only_what_others_do_counts() {
        let last = Ticks { total: 1000, busy: 500, own: 100 };
        assert_eq!(percent(last, Ticks { total: 2000, busy: 1300, own: 600 }), 30);
        assert_eq!(percent(last, Ticks { total: 2000, busy: 1000, own: 900 }), 0);
        assert_eq!(percent(last, last), 0);
    }

    #[test]
    fn this_machine_is_read() {
        let mut load = Load::default();
        assert_eq!(load.look().expect("the system tells"), 0);
        assert!(load.look().expect("the system tells") <= 100);
    }
}
