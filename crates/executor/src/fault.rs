//! Why a call of the program into its host did not succeed: an error number that the program may handle, or the end of
//! the run.

use std::io;

/// WASI preview 1 error numbers that this host gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Errno {
    Badf = 8,
    Exist = 20,
    Fault = 21,
    Ilseq = 25,
    Inval = 28,
    Isdir = 31,
    Mfile = 33,
    Nametoolong = 37,
    Noent = 44,
    Notdir = 54,
    Notempty = 55,
    Notsock = 57,
    Notsup = 58,
    Overflow = 61,
    /// Also the answer to a path that would leave its directory.
    Perm = 63,
    /// The task's inputs can't be changed.
    Rofs = 69,
    Spipe = 70,
}

/// What ends a run at once.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    #[error("the program exited with code {0}")]
    Exit(i32),
    #[error("the fuel is used up")]
    OutOfFuel,
    #[error("the time limit is reached")]
    OutOfTime,
    #[error("the files exceed the output limit")]
    OutputTooLarge,
    #[error("the program exports no memory")]
    NoMemory,
    #[error("the module is no program: {0}")]
    NoProgram(String),
    #[error("the run was cancelled")]
    Cancelled,
    #[error("the host failed: {0}")]
    Host(#[from] io::Error),
}

/// Either of the two.
#[derive(Debug)]
pub(crate) enum Fault {
    Errno(Errno),
    Stop(Stop),
}

impl From<Errno> for Fault {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<Stop> for Fault {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

/// An I/O error of the scratch files is the machine's fault, never the program's.
impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Stop(Stop::Host(error))
    }
}
