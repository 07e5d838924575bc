//! The commands.

pub(crate) mod doctor;
pub(crate) mod duties;
pub(crate) mod once;
pub(crate) mod run;
pub(crate) mod secrets;
mod set_up;
pub(crate) mod status;
